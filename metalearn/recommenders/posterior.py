"""Hypotheses about a new task: predictions plus past errors, moved and weighed by the results so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.quantile import weighted_quantiles
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.selection import heaviest

if TYPE_CHECKING:
    from metalearn.recommenders.past import PastTasks, Query

__all__ = ["Posterior"]

NOISE = 0.02
"""Variance that the hypotheses cannot explain, on the log scale."""

OFFSET_VARIANCE = 4.0
"""Variance of the new task's level, on the log scale: almost nothing is known about it."""

SHARPNESS = 50.0
"""How fast a hypothesis loses weight that does not fit the results."""

MEMBERS = 500
"""Past tasks that become hypotheses at most: the lightest change nothing."""

KEPT = 0.1
"""Share of the prior weights that no result takes away."""

_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, eq=False)
class Posterior:
    """Hold the hypotheses about one new task; order, scores, intervals and improvements all follow from them."""

    past: "PastTasks"
    query: "Query"
    from_errors: bool = True

    @cached_property
    def rows(self) -> npt.NDArray[np.intp]:
        """The past tasks that are hypotheses, of shape (n_hypotheses,)."""
        return heaviest(self.query.weights, MEMBERS)

    @cached_property
    def _updated(self) -> tuple[npt.NDArray[np.float32], FloatArray]:
        """Log losses and weights of the hypotheses."""
        query, rows, table = self.query, self.rows, self.past.table
        errors = self.past.errors[rows]
        predicted = self.from_errors and query.described
        losses = errors + query.mean.astype(np.float32) if predicted else table.working[rows]
        prior = query.weights[rows] / query.weights[rows].sum()
        seen = query.columns
        if not len(seen):
            return losses, prior
        equal = table.equal[rows]
        covariance = (errors[:, seen].T * equal) @ errors / equal.sum() + OFFSET_VARIANCE
        gap = query.values - losses[:, seen]
        gain = np.linalg.solve(covariance[:, seen] + NOISE * np.eye(len(seen)), covariance)
        misfit = ((gap - gap.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
        likely = prior * np.exp(-SHARPNESS * (misfit - misfit.min()))
        weights = (1 - KEPT) * likely / likely.sum() + KEPT * prior
        return (gap @ gain + losses).astype(np.float32), weights

    @property
    def losses(self) -> npt.NDArray[np.float32]:
        """Log losses, of shape (n_hypotheses, n_configurations)."""
        return self._updated[0]

    @property
    def weights(self) -> FloatArray:
        """Weights of the hypotheses, of shape (n_hypotheses,); they sum to 1."""
        return self._updated[1]

    @cached_property
    def _scaled(self) -> tuple[FloatArray, FloatArray]:
        """Least log loss of each hypothesis, the best result included, and the spread of its losses."""
        best = math.inf if math.isnan(self.query.best) else self.query.best
        low = np.minimum(self.losses.min(axis=1), best)
        return low, np.maximum(self.losses.max(axis=1) - low, _LEAST_SPREAD)

    @cached_property
    def regrets(self) -> npt.NDArray[np.floating]:
        """Regret of each configuration under each hypothesis, of shape (n_hypotheses, n_configurations)."""
        if math.isnan(self.query.best):
            return self.past.table.completed_regrets[self.rows]
        low, spread = self._scaled
        return np.asarray((self.losses - low[:, None]) / spread[:, None])

    @property
    def reached(self) -> FloatArray | float:
        """Regret of the best result under each hypothesis."""
        if math.isnan(self.query.best):
            return 1.0
        low, spread = self._scaled
        return np.asarray((self.query.best - low) / spread)

    @cached_property
    def improvements(self) -> FloatArray:
        """Expected improvement of each configuration on the best log loss so far; NaN before there is one."""
        weights = self.weights / self._scaled[1]
        gains: FloatArray = weights / weights.sum() @ np.maximum(self.query.best - self.losses, 0.0)
        return gains

    def quantiles(self, columns: Sequence[int] | npt.NDArray[np.intp]) -> FloatArray:
        """Return the log losses at 10 %, 50 % and 90 % of some configurations, of shape (3, n_columns)."""
        return weighted_quantiles(self.losses[:, np.asarray(columns, dtype=np.intp)], self.weights)
