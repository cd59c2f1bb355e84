"""Replay recommendations on tasks whose results are known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.past import Prior
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.strategy import Strategy
from metalearn.recommenders.table import PerformanceTable

__all__ = ["curve", "family_folds", "play"]


def play(
    strategy: Strategy,
    meta_features: FloatArray,
    losses: FloatArray,
    n: int,
    *,
    unit: float = 1.0,
    feedback: bool = True,
    prior: Prior | None = None,
    told: Sequence[int] = (),
) -> list[int]:
    """Let a strategy choose on a task, one configuration after the other.

    Parameters
    ----------
    strategy : Strategy
        Fitted without the task's family.
    meta_features : ndarray of shape (n_meta_features,)
        Of the task.
    losses : ndarray of shape (n_configurations,)
        The results; each is shown to the strategy only after it chose the configuration. NaN cannot be chosen.
    n : int
        How many evaluations.
    unit : float, default=1.0
        What losses are divided by.
    feedback : bool, default=True
        Whether a strategy that learns from observations gets to see them.
    prior : Prior or None, default=None
        What is thought of the task beforehand, to be used instead of what the strategy would.
    told : sequence of int, default=()
        Columns whose results are shown beforehand; they do not count as evaluations.

    Returns
    -------
    list of int
        Columns in the order of evaluation, those shown beforehand first.
    """
    past = strategy.past_
    prior = prior or past.prior(meta_features)  # once for all evaluations
    about: dict[str, Any] = {"allowed": ~np.isnan(losses), "unit": unit, "prior": prior}
    observed = {j: float(losses[j]) for j in told if about["allowed"][j]}
    if not (feedback and strategy.learns_from_observations):
        return [*observed, *strategy.rank(past.query(meta_features, n=n, observed=observed, **about))]
    last = min(n + len(observed), int(about["allowed"].sum()))
    while len(observed) < last:
        chosen = strategy.rank(past.query(meta_features, n=1, observed=observed, **about))
        observed[chosen[0]] = float(losses[chosen[0]])
    return list(observed)


def curve(regrets: FloatArray, order: Sequence[int], n: int) -> FloatArray:
    """Return the smallest regret after each evaluation.

    Parameters
    ----------
    regrets : ndarray of shape (n_configurations,)
        Regret of each configuration on the task.
    order : sequence of int
        What was evaluated, in order.
    n : int
        Length of the curve; a shorter order keeps its last value.

    Returns
    -------
    ndarray of shape (n,)
        Never rising.
    """
    reached = np.minimum.accumulate(regrets[list(order)[:n]])
    return np.concatenate([reached, np.full(n - len(reached), reached[-1])])


def family_folds(
    table: PerformanceTable, n_folds: int, *, random_state: int = 0
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Split tasks so that each family with a task of the problem type is left out as a whole, once.

    Parameters
    ----------
    table : PerformanceTable
        The tasks.
    n_folds : int
        How many folds at most; never more than there are families.
    random_state : int, default=0
        Seed.

    Returns
    -------
    list of (ndarray of int, ndarray of int)
        Rows to learn from, and rows of the problem type left out.
    """
    families = np.array(table.families)
    own = np.unique(families[table.own])
    n_folds = min(n_folds, len(own))
    fold = np.random.default_rng(random_state).permutation(len(own)) % n_folds
    left_out = [np.isin(families, own[fold == k]) for k in range(n_folds)]
    return [(np.flatnonzero(~out), np.flatnonzero(out & table.own)) for out in left_out]
