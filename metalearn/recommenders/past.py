"""Everything that is learned of the past tasks once, for every strategy, and a new task as seen from them."""

import math
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
"""Part of that share that remains where most meta-features of the new task are missing."""

PROFILE_FLOOR = 0.05
"""Added to regrets before the logarithm that forests learn from."""

_MOST = 0.5

_BLOCK = 1000
"""Tasks that are compared with all others at a time, which bounds the memory."""


class Prior(NamedTuple):
    """Hold the weights of the past tasks for a new one before anything is run on it."""

    weights: FloatArray
    novelty: float
    distance: float


@dataclass(frozen=True, eq=False)
class PastTasks:
    """Hold the past tasks and how they resemble one another."""

    table: PerformanceTable
    similarity: ForestSimilarity
    errors: npt.NDArray[np.float32]
    novelty: Novelty
    cost: CostModel

    @classmethod
    def fit(cls, table: PerformanceTable, *, min_leaf: int = 2, random_state: int = 0) -> Self:
        """Learn from a table of results."""
        family = table.family
        profiles = np.log(table.completed_regrets + PROFILE_FLOOR)
        similarity = ForestSimilarity.fit(
            table.meta_features, profiles, family, min_leaf=min_leaf, random_state=random_state
        )
        return cls(
            table=table,
            similarity=similarity,
            errors=_left_out_errors(table, similarity),
            novelty=Novelty.fit(table.meta_features, family),
            cost=CostModel.fit(table.sizes, table.seconds, table.models, table.equal),
        )

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the tasks, without growing the forest anew."""
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
        """Weigh the past tasks, or only some others, for a new one: by learned similarity, or equally if it resembles none."""
        comparable = self.comparable(meta_features)
        uniform = self.table.uniform
        if others is not None:
            comparable &= others
            uniform = uniform * others if (uniform * others).any() else others.astype(float)
            uniform = uniform / uniform.sum()
        found = self.novelty.score(meta_features, comparable)
        share = LEARNED_SHARE * (1 - found.strangeness) * (1.0 if self.describes(meta_features) else UNDESCRIBED_SHARE)
        learned = self.similarity.weights(meta_features) if learned is None else learned
        weights = share * learned + (1 - share * learned.sum()) * uniform
        return Prior(weights, found.novelty, found.distance)

    def comparable(self, meta_features: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell which past tasks have at least three meta-features in common with a new one."""
        return np.asarray(
            np.isfinite(self.table.meta_features) @ np.isfinite(meta_features).astype(np.float32) >= FEWEST
        )

    def describes(self, meta_features: FloatArray) -> bool:
        """Tell whether a new task has at least half of the meta-features that most past families have."""
        return bool(np.isfinite(meta_features[self._usual]).sum() >= _MOST * self._usual.sum())

    @cached_property
    def _usual(self) -> npt.NDArray[np.bool_]:
        equal = self.table.equal
        return np.asarray(equal @ np.isfinite(self.table.meta_features) > _MOST * equal.sum())

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
        best: float = math.inf,
    ) -> "Query":
        """Look at a new task from the past ones."""
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
        best = min(best, float(losses.min(initial=math.inf)))
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
            best=float(log_losses(np.array(best), unit)) if math.isfinite(best) else math.nan,
            allowed=allowed,
            seconds=None if sizes is None else self.cost.predict(sizes),
            unit=unit,
            time_budget=time_budget,
        )


def _left_out_errors(table: PerformanceTable, similarity: ForestSimilarity) -> npt.NDArray[np.float32]:
    """Return log losses less the prediction for each task from other families alone."""
    weighted = table.uniform[:, None] * table.working
    own, share = np.zeros((table.family.max() + 1, weighted.shape[1])), np.bincount(table.family, table.uniform)
    np.add.at(own, table.family, weighted)
    total = weighted.sum(axis=0)
    errors = np.empty(table.working.shape, np.float32)
    for start in range(0, table.n_tasks, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, table.n_tasks))
        weights = LEARNED_SHARE * similarity.left_out(rows)
        family = table.family[rows]
        rest = 1 - share[family][:, None]
        mean = np.where(rest > 1e-9, (total - own[family]) / np.maximum(rest, 1e-9), total)  # noqa: PLR2004 - rounding
        predicted = weights @ table.working + (1 - weights.sum(axis=1, keepdims=True)) * mean
        errors[rows] = table.working[rows] - predicted
    return errors


@dataclass(frozen=True, eq=False)
class Query:
    """Hold a new task as strategies see it."""

    meta_features: FloatArray
    n: int
    weights: FloatArray
    novelty: float
    distance: float
    described: bool
    mean: FloatArray
    columns: npt.NDArray[np.intp]
    values: FloatArray
    best: float
    allowed: npt.NDArray[np.bool_]
    seconds: FloatArray | None = None
    unit: float = 1.0
    time_budget: float | None = None
