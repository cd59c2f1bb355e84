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
    """Add, one by one, the configuration that most lowers the weighted mean of the smallest regret.

    Parameters
    ----------
    regrets : ndarray of shape (n_tasks, n_configurations)
        Regret of each configuration on each task, without NaN.
    weights : ndarray of shape (n_tasks,)
        How much each task counts.
    n : int
        How many at most.
    allowed : ndarray of bool, shape (n_configurations,)
        What may be chosen.
    reached : ndarray of shape (n_tasks,) or float, default=1.0
        Regret that was reached before.
    seconds : ndarray of shape (n_configurations,) or None, default=None
        Expected seconds of each configuration; needed with a time budget.
    time_budget : float or None, default=None
        Seconds that the whole list may take. The gain is then weighed against the :func:`price`.

    Returns
    -------
    list of int
        Columns, best first.

    Notes
    -----
    The gain is submodular, so without a budget the list reaches at least 1 - 1/e of the possible gain.

    References
    ----------
    Nemhauser, Wolsey, Fisher. An analysis of approximations for maximizing submodular set functions. Mathematical
    Programming, 1978.
    """
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
    """Return what trying a configuration costs: its own seconds, and its turn.

    Parameters
    ----------
    seconds : ndarray
        Expected seconds; NaN, where nothing is known, counts as none.
    time_budget : float
        Seconds that are left; infinity for no limit.

    Returns
    -------
    ndarray
        Seconds plus a tenth of those left, so that with little time cheap configurations come first, and with plenty
        the most promising ones. Without a limit all cost the same.
    """
    if math.isinf(time_budget):
        return np.ones_like(seconds)
    return np.asarray(np.maximum(np.nan_to_num(seconds) + _TURN * time_budget, _NOTHING))


def heaviest(weights: npt.NDArray[np.floating], most: int = 2000) -> npt.NDArray[np.intp]:
    """Return the tasks that count most: all of many would change little and take long.

    Parameters
    ----------
    weights : ndarray of shape (n_tasks,)
        How much each task counts.
    most : int, default=2000
        How many at most.

    Returns
    -------
    ndarray of int
        Rows of positive weight in ascending order; of equal ones a random, but always the same choice.
    """
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
