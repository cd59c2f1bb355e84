"""Summarise a target, and tell whether another one differs from it by more than chance."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.table.intake import label_name
from metalearn.task import ProblemType

__all__ = ["summary", "target_moved"]

_QUANTILES = np.linspace(0, 1, 21)

_MOVED = 0.1
"""Part of the rows that would have to change their class, or move across some value, to undo the difference."""

_CHANCE = 1.63
"""The Kolmogorov-Smirnov statistic that samples of the same distribution exceed in one case of a hundred."""

_DRAWS = 1000
"""Pairs of samples of the same classes that are drawn to see how far their shares differ by chance."""


def summary(y: Any, target: npt.NDArray[Any], problem_type: ProblemType) -> dict[str, Any]:
    """Summarise a target as plain values."""
    name = getattr(y, "name", None)
    facts: dict[str, Any] = {"name": None if name is None else str(name), "n_rows": len(target)}
    if problem_type.is_classification:
        facts["shares"] = (np.bincount(target) / len(target)).tolist()
    else:
        facts["quantiles"] = np.quantile(target, _QUANTILES).tolist()
    return facts


def target_moved(before: Mapping[str, Any], y: "pd.Series[Any]", classes: npt.NDArray[Any] | None) -> list[str]:
    """Say how a new target differs from the one that a model was fitted on."""
    if classes is None:
        chance = _CHANCE * math.sqrt(1 / before["n_rows"] + 1 / len(y))
        return _numbers_moved(before["quantiles"], y, chance)
    known = {label_name(label): share for label, share in zip(classes, before["shares"], strict=True)}
    now = y.astype(object).map(label_name).value_counts(normalize=True)
    unseen = [label for label in now.index if label not in known]
    if unseen:
        return [f"The target holds classes that the model does not know: {unseen[:5]}."]
    shift = {label: float(now.get(label, 0.0)) - share for label, share in known.items()}
    moved = sum(abs(v) for v in shift.values()) / 2
    if moved <= _MOVED or moved <= _by_chance(before["shares"], list(shift.values()), before["n_rows"], len(y)):
        return []
    label = max(shift, key=lambda k: abs(shift[k]))
    return [
        f"The classes have other shares: {label!r} went from {known[label]:.0%} to {known[label] + shift[label]:.0%}."
    ]


def _by_chance(shares: list[float], shift: list[float], n_before: int, n_now: int) -> float:
    """Return the difference in shares that samples of the same classes exceed in one case of a hundred; it grows with them."""
    old = np.array(shares)
    pooled = np.maximum((n_before * old + n_now * (old + np.array(shift))) / (n_before + n_now), 0.0)
    rng = np.random.default_rng(0)
    first, second = (rng.multinomial(n, pooled / pooled.sum(), _DRAWS) / n for n in (n_before, n_now))
    return float(np.quantile(np.abs(first - second).sum(axis=1) / 2, 0.99))


def _numbers_moved(quantiles: list[float], y: "pd.Series[Any]", chance: float) -> list[str]:
    values = pd.to_numeric(y.astype(object), errors="coerce").dropna().to_numpy(dtype=float)
    if not len(values):
        return ["The target is no longer numeric."]
    inner = np.array(quantiles[1:-1])
    below = (values[:, None] <= inner).mean(axis=0)
    beside = (values[:, None] < inner).mean(axis=0)
    expected = _QUANTILES[1:-1]
    gap = np.maximum(expected - below, beside - expected).max()  # a repeated value spans several quantiles
    if gap <= max(_MOVED, chance):
        return []
    middle = quantiles[len(quantiles) // 2]
    return [f"The target has other values: its median went from {middle:.4g} to {np.median(values):.4g}."]
