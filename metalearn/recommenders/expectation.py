"""What to expect of a configuration on a new task: a score and its 80 % interval, calibrated on left-out families."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.posterior import posterior
from metalearn.recommenders.quantile import COVERAGE, weighted_quantiles
from metalearn.recommenders.scale import FloatArray, from_working, log_losses
from metalearn.recommenders.selection import greedy

__all__ = ["Expectation"]

_COUNTS = (0, 1, 3, 10)
_SAMPLE = 200
_BEST = 10
_LEAST_WIDTH = 0.02
"""Half an interval on the log scale spans at least this: a few members that agree prove little."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """Hold how far intervals have to be stretched to keep what they promise.

    Parameters
    ----------
    stretch : ndarray of shape (4,)
        Factors about the median that make 80 % of left-out losses lie inside, after 0, 1, 3 and 10 observations.

    References
    ----------
    Romano, Patterson, Candes. Conformalized quantile regression. NeurIPS, 2019.
    """

    stretch: FloatArray

    @classmethod
    def fit(cls, past: PastTasks) -> Self:
        """Calibrate on past tasks, each as if it were new, on the configurations that would be recommended.

        Parameters
        ----------
        past : PastTasks
            What is known.

        Returns
        -------
        Expectation
            The calibration.
        """
        table = past.table
        families = np.array(table.families)
        ratios: list[list[FloatArray]] = [[] for _ in _COUNTS]
        own = np.flatnonzero(table.own)
        sample = own[:: -(-len(own) // _SAMPLE)]
        for i, learned in zip(sample, past.similarity.left_out(families, sample), strict=True):
            apart = families != families[i]
            if not apart.any():
                continue
            query = past.query(
                table.meta_features[i],
                n=_BEST,
                observed={},
                allowed=np.isfinite(table.losses[i]),
                unit=float(table.units[i]),
                prior=past.prior(table.meta_features[i], learned),
            )
            weights = np.where(apart, query.weights, 0.0)
            query = replace(query, weights=weights / weights.sum())
            best = np.array(
                greedy(table.completed_regrets, query.weights, _BEST + _COUNTS[-1], allowed=query.allowed),
                dtype=np.intp,
            )
            for found, count in zip(ratios, _COUNTS, strict=True):
                seen, asked = best[:count], best[count : count + _BEST]
                if len(asked):
                    told = replace(query, columns=seen, values=table.working[i, seen].astype(float))
                    truth = log_losses(table.losses[i, asked], float(table.units[i]))  # outliers are not capped
                    found.append(_ratios(past, told, asked, truth))
        return cls(np.array([_quantile(found) for found in ratios]))

    def expect(
        self, past: PastTasks, query: Query, columns: Sequence[int]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Predict scores of configurations on a new task.

        Parameters
        ----------
        past : PastTasks
            What is known.
        query : Query
            The new task and what was observed on it.
        columns : sequence of int
            The configurations.

        Returns
        -------
        score : ndarray of shape (n_columns,)
            Median, in the metric's own direction; NaN if the unit of the losses is not known.
        low, high : ndarray of shape (n_columns,)
            Ends of the 80 % interval.
        """
        metric, problem_type = past.table.metric, past.table.problem_type
        members, weights = posterior(past, query)
        middle, below, above = _spread(members[:, list(columns)], weights)
        stretch = np.interp(len(query.columns), _COUNTS, self.stretch)
        losses = from_working(np.array([middle, middle - stretch * below, middle + stretch * above]), query.unit)
        if problem_type.is_classification and metric.greater_is_better:
            losses = np.minimum(losses, metric.optimum)
        scores: FloatArray = metric.from_loss(losses)
        return scores[0], scores[1:].min(axis=0), scores[1:].max(axis=0)


def _ratios(
    past: PastTasks, query: Query, columns: npt.NDArray[np.intp], truth: npt.NDArray[np.floating]
) -> FloatArray:
    """How far the truth lies from the median, in lengths of the interval's half on that side."""
    members, weights = posterior(past, query)
    middle, below, above = _spread(members[:, columns], weights)
    gap = truth - middle
    ratios: FloatArray = np.abs(gap) / np.where(gap < 0, below, above)
    return ratios


def _spread(members: npt.NDArray[np.floating], weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the median and the lengths of the interval's halves."""
    low, middle, high = weighted_quantiles(members, weights)
    return middle, np.maximum(middle - low, _LEAST_WIDTH), np.maximum(high - middle, _LEAST_WIDTH)


def _quantile(ratios: Sequence[FloatArray]) -> float:
    return float(np.quantile(np.concatenate(ratios), COVERAGE)) if ratios else 1.0
