"""Choose a list of configurations that complement one another."""

from functools import partial

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.scale import FloatArray

__all__ = ["greedy", "heaviest"]


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
        Seconds that the whole list may take.

    Returns
    -------
    list of int
        Columns, best first.

    Notes
    -----
    The gain is submodular, so without a budget the list reaches at least 1 - 1/e of the possible gain. With a budget,
    the better of two lists is returned: greatest gain first, and greatest gain per second first, which together keep
    half of that guarantee.

    References
    ----------
    Leskovec et al. Cost-effective outbreak detection in networks. KDD, 2007.
    """
    rows = heaviest(weights)
    start = np.broadcast_to(np.asarray(reached, dtype=regrets.dtype), weights.shape)[rows]
    grow = partial(_grow, regrets[rows], weights[rows].astype(regrets.dtype), n, allowed, start)
    if time_budget is None or seconds is None:
        return grow(np.ones(len(allowed)), np.inf)[0]
    cost = np.maximum(np.nan_to_num(seconds, nan=np.nanmedian(seconds)), _LEAST_SECONDS)
    lists = [grow(cost, time_budget), grow(cost, time_budget, per_second=True)]
    return min(lists, key=lambda found: found[1])[0]


def heaviest(weights: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """Return the tasks that count most, 2,000 at most: more would change little and take long.

    Parameters
    ----------
    weights : ndarray of shape (n_tasks,)
        How much each task counts.

    Returns
    -------
    ndarray of int
        Rows of positive weight in ascending order; of equal ones a random, but always the same choice.
    """
    rows = np.flatnonzero(weights > 0)
    if len(rows) > _MOST_ROWS:
        order = np.lexsort((np.random.default_rng(0).random(len(rows)), -weights[rows]))
        rows = np.sort(rows[order[:_MOST_ROWS]])
    return rows


def _grow(  # noqa: PLR0917 - bound by partial
    regrets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
    n: int,
    allowed: npt.NDArray[np.bool_],
    reached: npt.NDArray[np.floating],
    cost: FloatArray,
    left: float,
    *,
    per_second: bool = False,
) -> tuple[list[int], float]:
    """Return the columns and the weighted mean regret that they leave."""
    chosen: list[int] = []
    average = weights @ regrets
    open_ = allowed & (cost <= left)
    gaps = np.empty_like(regrets)
    while len(chosen) < n and open_.any():
        np.maximum(np.subtract(reached[:, None], regrets, out=gaps), 0, out=gaps)
        gain = weights @ gaps - _TIE * average
        best = int(np.where(open_, gain / cost if per_second else gain, -np.inf).argmax())
        chosen.append(best)
        reached = np.minimum(reached, regrets[:, best])
        left -= float(cost[best]) if np.isfinite(left) else 0.0
        open_ &= cost <= left
        open_[best] = False
    return chosen, float(weights @ reached)


_MOST_ROWS = 2000

_LEAST_SECONDS = 0.01
"""What one evaluation costs at least, however fast the fit."""

_TIE = 1e-6
"""Share of the mean regret in the choice: where nothing is gained any more, the better average goes first."""
