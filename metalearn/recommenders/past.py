"""What is learned of the past tasks once, and used by every strategy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.cost import CostModel
from metalearn.recommenders.novelty import FEWEST, Novelty
from metalearn.recommenders.scale import FloatArray, from_working, log_losses
from metalearn.recommenders.similarity import ForestSimilarity
from metalearn.recommenders.table import PerformanceTable

__all__ = ["PastTasks", "Prior", "Query"]

LEARNED_SHARE = 0.9
"""Share of the learned similarity in the prior over past tasks; the rest is uniform."""

UNDESCRIBED_SHARE = 0.6
"""What is left of that share where most meta-features of the new task are missing."""

PROFILE_FLOOR = 0.05
"""Added to regrets before the logarithm that forests learn from."""

_MOST = 0.5

_BLOCK = 1000
"""Tasks that are compared with all others at a time, which bounds the memory."""


class Prior(NamedTuple):
    """Hold what is thought of a new task before anything is run on it.

    Parameters
    ----------
    weights : ndarray of shape (n_tasks,)
        How much each past task counts; they sum to 1.
    novelty : float
        From 0 (seen often) to 1 (unlike anything known); NaN if no past task can be compared with it.
    distance : float
        Distance to the nearest past tasks, where the median past task has 1.
    """

    weights: FloatArray
    novelty: float
    distance: float


@dataclass(frozen=True, eq=False)
class PastTasks:
    """Hold the past tasks and how they resemble one another.

    Parameters
    ----------
    table : PerformanceTable
        Their results.
    similarity : ForestSimilarity
        The learned similarity.
    errors : ndarray of shape (n_tasks, n_configurations)
        Log losses less what the similarity predicts for each task when its family is left out.
    novelty : Novelty
        Distances between the tasks.
    cost : CostModel
        Seconds of a fit.
    """

    table: PerformanceTable
    similarity: ForestSimilarity
    errors: npt.NDArray[np.float32]
    novelty: Novelty
    cost: CostModel

    @classmethod
    def fit(cls, table: PerformanceTable, *, min_leaf: int = 2, random_state: int = 0) -> Self:
        """Learn from a table of results.

        Parameters
        ----------
        table : PerformanceTable
            The results.
        min_leaf : int, default=2
            Fewest past tasks in a leaf of the forest.
        random_state : int, default=0
            Seed of the forest.

        Returns
        -------
        PastTasks
            The fitted state.
        """
        families = np.array(table.families)
        profiles = np.log(table.completed_regrets + PROFILE_FLOOR)
        similarity = ForestSimilarity.fit(table.meta_features, profiles, min_leaf=min_leaf, random_state=random_state)
        mean = table.uniform @ table.working
        errors = np.empty(table.working.shape, np.float32)
        for start in range(0, table.n_tasks, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, table.n_tasks))
            weights = LEARNED_SHARE * similarity.left_out(families, rows)
            predicted = weights @ table.working + (1 - weights.sum(axis=1, keepdims=True)) * mean
            errors[rows] = table.working[rows] - predicted
        return cls(
            table=table,
            similarity=similarity,
            errors=errors,
            novelty=Novelty.fit(table.meta_features, families),
            cost=CostModel.fit(table.sizes, table.seconds, table.models),
        )

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the tasks, without growing the forest anew.

        Parameters
        ----------
        rows : ndarray of int
            Which tasks, by row.

        Returns
        -------
        PastTasks
            The forest's leaves and the errors of the tasks kept.
        """
        return replace(
            self,
            table=self.table.take(rows),
            similarity=self.similarity.take(rows),
            errors=self.errors[rows],
            novelty=self.novelty.take(rows),
        )

    def prior(
        self,
        meta_features: FloatArray,
        learned: FloatArray | None = None,
        others: npt.NDArray[np.bool_] | None = None,
    ) -> Prior:
        """Weigh the past tasks for a new one: by learned similarity, or all of its kind alike where it resembles none.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of the new task.
        learned : ndarray of shape (n_tasks,) or None, default=None
            Learned weights to be used instead of the forest's own.
        others : ndarray of bool, shape (n_tasks,), or None, default=None
            Past tasks that it may be compared with; None takes all.

        Returns
        -------
        Prior
            Weights, novelty and distance.
        """
        comparable = self.comparable(meta_features)
        found = self.novelty.score(meta_features, comparable if others is None else comparable & others)
        share = LEARNED_SHARE * (1 - found.strangeness) * (1.0 if self.describes(meta_features) else UNDESCRIBED_SHARE)
        learned = self.similarity.weights(meta_features) if learned is None else learned
        weights = share * learned + (1 - share * learned.sum()) * self.table.uniform
        return Prior(weights, found.novelty, found.distance)

    def comparable(self, meta_features: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell which past tasks have meta-features enough in common with a new one to say how far it is from them.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of the new task, NaN where one is missing.

        Returns
        -------
        ndarray of bool, shape (n_tasks,)
            Whether three or more are known of both.
        """
        return np.asarray(
            np.isfinite(self.table.meta_features) @ np.isfinite(meta_features).astype(np.float32) >= FEWEST
        )

    def describes(self, meta_features: FloatArray) -> bool:
        """Tell whether enough is known of a new task to compare it with past ones.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of the new task, NaN where one is missing.

        Returns
        -------
        bool
            Whether it has at least half of the meta-features that most past tasks have.
        """
        return bool(np.isfinite(meta_features[self._usual]).sum() >= _MOST * self._usual.sum())

    @cached_property
    def _usual(self) -> npt.NDArray[np.bool_]:
        """Which meta-features most past tasks have."""
        return np.asarray(np.isfinite(self.table.meta_features).mean(axis=0) > _MOST)

    def query(
        self,
        meta_features: FloatArray,
        *,
        n: int,
        observed: Mapping[int, float],
        allowed: npt.NDArray[np.bool_],
        sizes: FloatArray | None = None,
        unit: float = 1.0,
        time_budget: float | None = None,
        prior: Prior | None = None,
    ) -> "Query":
        """Look at a new task from the past ones.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of the new task.
        n : int
            How many configurations are asked for.
        observed : mapping of int to float
            Losses seen on the new task, by column; infinity for a failure.
        allowed : ndarray of bool, shape (n_configurations,)
            What may be recommended; what was observed is left out anyway.
        sizes : ndarray of shape (3,) or None, default=None
            Rows, features and classes of the new task, for predicting seconds.
        unit : float, default=1.0
            What its losses are divided by; NaN if unknown.
        time_budget : float or None, default=None
            Seconds that the whole list may take.
        prior : Prior or None, default=None
            What :meth:`prior` returned, if it is known already.

        Returns
        -------
        Query
            Everything a strategy may look at.
        """
        weights, novelty, distance = prior or self.prior(meta_features)
        allowed = allowed.copy()
        allowed[list(observed)] = False
        seen = {j: loss for j, loss in observed.items() if np.isfinite(loss)}
        columns = np.array(list(seen), dtype=np.intp)
        losses = np.array(list(seen.values()), dtype=float)
        mean = (weights.astype(np.float32) @ self.table.working).astype(float)
        if np.isnan(unit) and len(losses):  # no common unit is known: the one in which the losses are as expected
            unit = float(
                np.exp(np.log(np.maximum(losses, 1e-300)).mean() - np.log(from_working(mean[columns]) + 1e-9).mean())
            )
        values = log_losses(losses, unit)
        past = self.table.working[:, columns]
        return Query(
            meta_features=meta_features,
            n=n,
            weights=weights,
            novelty=novelty,
            distance=distance,
            described=self.describes(meta_features),
            mean=mean,
            columns=columns,
            values=np.clip(values, past.min(axis=0), past.max(axis=0)),
            allowed=allowed,
            seconds=None if sizes is None else self.cost.predict(sizes),
            unit=unit,
            time_budget=time_budget,
        )


@dataclass(frozen=True, eq=False)
class Query:
    """Hold a new task as strategies see it.

    Parameters
    ----------
    meta_features : ndarray of shape (n_meta_features,)
        Of the new task.
    n : int
        How many configurations are asked for.
    weights : ndarray of shape (n_tasks,)
        Prior weight of each past task.
    novelty : float
        From 0 (seen often) to 1 (unlike anything known).
    distance : float
        Distance to the nearest past tasks, where the median past task has 1.
    described : bool
        Whether most of its meta-features are known.
    mean : ndarray of shape (n_configurations,)
        Log losses expected before anything is observed.
    columns : ndarray of int, shape (n_observed,)
        Configurations that were run on the new task and did not fail.
    values : ndarray of shape (n_observed,)
        Their log losses.
    allowed : ndarray of bool, shape (n_configurations,)
        What may be recommended.
    seconds : ndarray of shape (n_configurations,) or None
        Expected seconds of a fit.
    unit : float
        What losses are divided by.
    time_budget : float or None
        Seconds that the whole list may take.
    """

    meta_features: FloatArray
    n: int
    weights: FloatArray
    novelty: float
    distance: float
    described: bool
    mean: FloatArray
    columns: npt.NDArray[np.intp]
    values: FloatArray
    allowed: npt.NDArray[np.bool_]
    seconds: FloatArray | None = None
    unit: float = 1.0
    time_budget: float | None = None
