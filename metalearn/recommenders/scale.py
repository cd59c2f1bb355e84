"""Bring losses of different tasks onto one scale: a working scale to compute on, and regrets to choose by."""

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "capped", "complete", "from_working", "log_losses", "relative_regrets"]

FloatArray = npt.NDArray[np.float64]

_FLOOR = 0.05
"""Added before the logarithm, so that nearly perfect losses are not told apart by their last digits."""

_CEILING = 50.0
_RANK = 6
_ROUNDS = 15


def capped(losses: FloatArray, *, bounded: bool) -> FloatArray:
    """Replace failures by the worst loss of the task, and outliers too where losses have no bound."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    worst = np.nanmax(finite, axis=1, keepdims=True)
    if not bounded:
        low, high = np.nanpercentile(finite, [25, 75], axis=1, keepdims=True)
        worst = np.minimum(worst, high + 1.5 * (high - low))
    found: FloatArray = np.minimum(losses, worst)
    return found


def relative_regrets(losses: FloatArray) -> FloatArray:
    """Place each loss between its task's best (0) and worst (1)."""
    best = np.nanmin(losses, axis=1, keepdims=True)
    spread = np.nanmax(losses, axis=1, keepdims=True) - best
    regrets: FloatArray = (losses - best) / np.where(spread > 0, spread, 1.0)
    return regrets


def log_losses(losses: FloatArray, unit: FloatArray | float = 1.0) -> FloatArray:
    """Take logarithms of losses, on which tasks of different level resemble each other."""
    values: FloatArray = np.log(np.maximum(losses / unit, 0.0) + _FLOOR)
    return values


def from_working(values: FloatArray, unit: FloatArray | float = 1.0) -> FloatArray:
    """Turn values on the working scale back into losses."""
    return np.maximum(np.exp(np.minimum(values, _CEILING)) - _FLOOR, 0.0) * unit


def complete(values: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Fill missing values (NaN) by row and column effects and a few common factors of the weighted tasks."""
    known = ~np.isnan(values)
    if known.all():
        return values
    weights = np.ones(len(values)) if weights is None else weights
    level = np.nanmean(values, axis=1, keepdims=True)
    centred = np.where(known, values - level, 0.0)
    effect = weights @ centred / (weights @ known + 1.0)  # shrunk: a column seen once says little
    filled = np.where(known, values, level + effect)
    for _ in range(_ROUNDS):
        level = (filled - effect).mean(axis=1, keepdims=True)
        rest = filled - effect - level
        variances, axes = np.linalg.eigh(rest.T @ (weights[:, None] * rest))
        axes, variances = axes[:, -_RANK:], variances[-_RANK:]
        ridge = max(float(variances[0]), 1e-12)  # the smallest kept factor is shrunk away, the largest hardly
        filled = np.where(
            known, values, effect + level + (rest @ axes * (1 - np.sqrt(ridge / np.maximum(variances, ridge)))) @ axes.T
        )
    return filled
