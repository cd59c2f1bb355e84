"""Replay recommendations on tasks whose results are known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.past import Prior, Query
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.strategy import Strategy
from metalearn.recommenders.table import PerformanceTable

__all__ = ["curve", "family_folds", "play", "ranked"]


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
    """Let a strategy choose on a task, one configuration after the other."""
    past = strategy.past_
    prior = prior or past.prior(meta_features)  # once for all evaluations
    about: dict[str, Any] = {"allowed": ~np.isnan(losses), "unit": unit, "prior": prior}
    observed = {j: float(losses[j]) for j in told if about["allowed"][j]}
    if not (feedback and strategy.learns_from_observations):
        return [*observed, *ranked(strategy, past.query(meta_features, n=n, observed=observed, **about))]
    last = min(n + len(observed), int(about["allowed"].sum()))
    while len(observed) < last:
        chosen = ranked(strategy, past.query(meta_features, n=1, observed=observed, **about))
        observed[chosen[0]] = float(losses[chosen[0]])
    return list(observed)


def ranked(strategy: Strategy, query: Query) -> list[int]:
    """Return the order in which a strategy recommends configurations."""
    return strategy.rank(strategy.posterior(query))


def curve(regrets: FloatArray, order: Sequence[int], n: int) -> FloatArray:
    """Return the smallest regret after each evaluation."""
    reached = np.minimum.accumulate(regrets[list(order)[:n]])
    return np.concatenate([reached, np.full(n - len(reached), reached[-1])])


def family_folds(
    table: PerformanceTable, n_folds: int, *, random_state: int = 0
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Split tasks so that each family with a task of the problem type is left out as a whole, once."""
    families = np.array(table.families)
    own = np.unique(families[table.own])
    n_folds = min(n_folds, len(own))
    fold = np.random.default_rng(random_state).permutation(len(own)) % n_folds
    left_out = [np.isin(families, own[fold == k]) for k in range(n_folds)]
    return [(np.flatnonzero(~out), np.flatnonzero(out & table.own)) for out in left_out]
