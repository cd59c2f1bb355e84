"""Choose a list of configurations that complement one another."""

import math

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.scale import FloatArray

__all__ = ["greedy", "heaviest", "price"]


def greedy(
    regrets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
    n: int,
    *,
    allowed: npt.NDArray[np.bool_],
    reached: npt.NDArray[np.floating] | float = 1.0,
    seconds: FloatArray | None = None,
    time_budget: float | None = None,
) -> list[int]:
    """Add, one by one, the configuration that most lowers the weighted mean of the smallest regret."""
    rows = heaviest(weights)
    best_so_far = np.broadcast_to(np.asarray(reached, dtype=regrets.dtype), weights.shape)[rows]
    regrets, weights = regrets[rows], weights[rows].astype(regrets.dtype)
    left, cost = math.inf, np.zeros(len(allowed))
    if time_budget is not None and seconds is not None:
        known = seconds[np.isfinite(seconds)]
        left, cost = time_budget, np.nan_to_num(seconds, nan=float(np.median(known)) if len(known) else 0.0)
    prices = price(cost, left)
    average = weights @ regrets
    open_ = allowed & (cost <= left)
    gaps = np.empty_like(regrets)
    chosen: list[int] = []
    while len(chosen) < n and open_.any():
        np.maximum(np.subtract(best_so_far[:, None], regrets, out=gaps), 0, out=gaps)
        gain = weights @ gaps / prices - _TIE * average
        best = int(np.where(open_, gain, -np.inf).argmax())
        chosen.append(best)
        best_so_far = np.minimum(best_so_far, regrets[:, best])
        left -= cost[best]
        open_ &= cost <= left
        open_[best] = False
    return chosen


def price(seconds: FloatArray, time_budget: float) -> FloatArray:
    """Return what trying a configuration costs: its own seconds, and its turn."""
    if math.isinf(time_budget):
        return np.ones_like(seconds)
    return np.asarray(np.maximum(np.nan_to_num(seconds) + _TURN * time_budget, _NOTHING))


def heaviest(weights: npt.NDArray[np.floating], most: int = 2000) -> npt.NDArray[np.intp]:
    """Return the tasks that count most: all of many would change little and take long."""
    rows = np.flatnonzero(weights > 0)
    if len(rows) > most:
        order = np.lexsort((np.random.default_rng(0).random(len(rows)), -weights[rows]))
        rows = np.sort(rows[order[:most]])
    return rows


_NOTHING = 1e-9
_TURN = 0.1
"""Share of the time left that a turn is worth. From .02 to .3 little changes; not to count seconds is clearly worse."""

_TIE = 1e-6
"""Share of the mean regret in the choice: where nothing is gained any more, the better average goes first."""
