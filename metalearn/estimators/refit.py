"""Fit what was chosen on all rows, as far as the time goes."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metalearn.estimators.interruption import Interruption
from metalearn.estimators.search import Budget, SearchTrial
from metalearn.evaluation.fit import TrainingData, fit_and_score
from metalearn.evaluation.workers import Runner
from metalearn.exceptions import MetalearnError
from metalearn.space import Configuration

__all__ = ["Member", "fit_anything", "fit_members"]

_OVERHEAD = 0.3
"""Seconds kept for what comes after fitting."""

_GRACE = 0.07
"""A fit on all rows is ended only when this part of the time budget is exceeded."""

_LEAST_ROWS = 1000
"""So many rows are always used, however little time is left: fitting them takes a moment."""

_SAFE_ROWS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """Hold a fitted pipeline and its share in the predictions."""

    weight: float
    configuration: Configuration
    pipeline: Any
    trial: SearchTrial | None


def fit_members(
    data: TrainingData,
    chosen: Sequence[tuple[float, SearchTrial]],
    runner: Runner,
    budget: Budget,
    interruption: Interruption,
) -> list[Member]:
    """Fit the chosen configurations on all rows; Ctrl-C keeps those that have ended, or waits for the first."""
    left = (budget.left - _OVERHEAD) * runner.n_slots
    waiting: list[tuple[float, SearchTrial]] = []
    for weight, trial in chosen:
        needed = budget.refit_seconds(trial)
        if not waiting or needed <= left:
            waiting.append((weight, trial))
            left -= needed
    rows = _affordable_rows(data, budget.refit_seconds(waiting[0][1]), budget.left - _OVERHEAD)
    members: list[Member] = []
    before = interruption.times
    try:
        while not members or interruption.times == before:
            interruption.patient = not members
            while waiting and runner.has_room:
                weight, trial = waiting.pop(0)
                runner.submit((weight, trial), trial.configuration, rows, budget.end + _GRACE * (budget.seconds or 0.0))
            ended = runner.finished()
            if not ended:
                break
            members += [
                Member(weight, trial.configuration, outcome.pipeline, trial)
                for (weight, trial), outcome in ended
                if outcome.pipeline is not None
            ]
    except KeyboardInterrupt:
        if interruption.times > 1 or not members:
            raise
    return normalised(members)


def _affordable_rows(data: TrainingData, needed: float, left: float) -> Any:
    n_rows = len(data.X)
    if needed <= left:
        return np.arange(n_rows)
    n_used = max(int(n_rows * left / needed), min(n_rows, _LEAST_ROWS))
    if n_used == n_rows:
        return np.arange(n_rows)
    message = f"The time budget leaves no time to fit on all rows: {n_used:,} of {n_rows:,} are used."
    warnings.warn(message, UserWarning, stacklevel=5)
    return np.sort(np.random.default_rng(data.random_state).permutation(n_rows)[:n_used])


def normalised(members: Sequence[Member]) -> list[Member]:
    """Return members with weights that sum to 1, the weightiest first."""
    total = sum(m.weight for m in members)
    ordered = sorted(members, key=lambda m: -m.weight)
    return [Member(m.weight / total, m.configuration, m.pipeline, m.trial) for m in ordered]


def fit_anything(data: TrainingData, configurations: Sequence[Configuration], *, hurry: bool) -> list[Member]:
    """Fit the first configuration that can be fitted, where no trial has a score."""
    rows = np.random.default_rng(data.random_state).permutation(len(data.X))
    rows = np.sort(rows[:_SAFE_ROWS] if hurry else rows)
    message = ""
    for configuration in configurations:
        outcome = fit_and_score(data, configuration, rows)
        if outcome.pipeline is not None:
            return [Member(1.0, configuration, outcome.pipeline, None)]
        message = message or outcome.message
    message = f"No configuration could be fitted. {configurations[0].model} said: {message}. Check the table with metalearn describe."
    raise MetalearnError(message)
