"""A tool that knows nothing of metalearn: it starts from queued points, then changes the best by one random step."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class Climber:
    """Climb towards a higher score; ``space`` maps names to (low, high), both floats."""

    def __init__(self, objective: Callable[..., float], space: Mapping[str, tuple[float, float]]) -> None:
        self.objective = objective
        self.space = dict(space)
        self.queue: list[dict[str, float]] = []
        self.trials: list[tuple[dict[str, float], float]] = []

    def climb(self, n_steps: int, *, seed: int = 0) -> "Climber":
        """Evaluate what is queued, then neighbours of the best."""
        rng = np.random.default_rng(seed)
        for _ in range(n_steps):
            point = self.queue.pop(0) if self.queue else self._step(rng)
            self.trials.append((point, self.objective(**point)))
        return self

    def _step(self, rng: np.random.Generator) -> dict[str, Any]:
        if not self.trials:
            return {name: float(rng.uniform(low, high)) for name, (low, high) in self.space.items()}
        best, _ = max(self.trials, key=lambda trial: trial[1])
        return {
            name: float(np.clip(best[name] + 0.1 * (high - low) * rng.normal(), low, high))
            for name, (low, high) in self.space.items()
        }
