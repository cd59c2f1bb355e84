"""What to expect of a configuration on a new task: score, 80 % interval and improvement, calibrated on left-out families."""

import math
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

_ROUNDING = 1e-12
_NO_ERROR = 0.05
"""Added to ratios before the logarithm: a median that is hit exactly is luck."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """Hold how far intervals have to be stretched, and improvements shrunk, to keep what they promise.

    Parameters
    ----------
    stretch : ndarray of shape (4,)
        Factors about the median that make 80 % of left-out losses lie inside, after 0, 1, 3 and 10 observations, for a
        task as far from the others as the median past task.
    growth : ndarray of shape (1,)
        Power of the distance in which the factors grow for others, from 0 to 1: as errors grew on left-out families.
    realised : ndarray of shape (4,)
        Share of the expected improvements by the most promising configuration that came true on left-out families.

    References
    ----------
    Romano, Patterson, Candes. Conformalized quantile regression. NeurIPS, 2019.
    Papadopoulos, Gammerman, Vovk. Normalized nonconformity measures for regression conformal prediction. AIA, 2008.
    """

    stretch: FloatArray
    growth: FloatArray
    realised: FloatArray

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
        errors: list[list[tuple[float, FloatArray]]] = [[] for _ in _COUNTS]  # and the distance of each task
        foreseen, realised = np.zeros(len(_COUNTS)), np.zeros(len(_COUNTS))
        own = np.flatnonzero(table.judging)
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
                prior=past.prior(table.meta_features[i], learned, apart),
            )
            weights = np.where(apart, query.weights, 0.0)
            query = replace(query, weights=weights / weights.sum())
            best = np.array(
                greedy(table.completed_regrets, query.weights, _BEST + _COUNTS[-1], allowed=query.allowed),
                dtype=np.intp,
            )
            truth = log_losses(table.losses[i], float(table.units[i]))  # outliers are not capped
            for k, count in enumerate(_COUNTS):
                seen, asked = best[:count], best[count : count + _BEST]
                told = replace(query, columns=seen, values=table.working[i, seen].astype(float))
                members, weights = posterior(past, told)
                if len(asked):
                    errors[k].append((query.distance, _ratios(members[:, asked], weights, truth[asked])))
                if count:
                    least = float(told.values.min())
                    gains = _gains(members, weights, least)
                    gains[~query.allowed] = gains[seen] = 0.0
                    foreseen[k] += gains.max()
                    realised[k] += max(least - truth[gains.argmax()], 0.0) if gains.any() else 0.0
        shares = np.where(foreseen > 0, realised / np.maximum(foreseen, 1e-12), 1.0)
        growth = _growth([pair for found in errors for pair in found])
        stretch = [_quantile([ratios / distance**growth for distance, ratios in found]) for found in errors]
        return cls(np.array(stretch), np.array([growth]), shares)

    def expect(
        self, past: PastTasks, query: Query, columns: Sequence[int], *, least: float = math.nan
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Predict scores of configurations on a new task.

        Parameters
        ----------
        past : PastTasks
            What is known.
        query : Query
            The new task and what was observed on it.
        columns : sequence of int
            The configurations.
        least : float, default=nan
            The smallest loss so far, also of configurations that nobody had run; NaN before there is one.

        Returns
        -------
        score : ndarray of shape (n_columns,)
            Median, in the metric's own direction; NaN if the unit of the losses is not known.
        low, high : ndarray of shape (n_columns,)
            Ends of the 80 % interval.
        improvement : ndarray of shape (n_columns,)
            By how much each is expected to improve on the best so far; NaN before there is one.
        """
        metric, problem_type = past.table.metric, past.table.problem_type
        members, weights = posterior(past, query)
        members = members[:, list(columns)]
        middle, below, above = _spread(members, weights)
        stretch = np.interp(len(query.columns), _COUNTS, self.stretch) * query.distance ** self.growth[0]
        losses = from_working(np.array([middle, middle - stretch * below, middle + stretch * above]), query.unit)
        if problem_type.is_classification and metric.greater_is_better:
            losses = np.minimum(losses, metric.optimum)
        scores: FloatArray = metric.from_loss(losses)
        known = float(log_losses(np.array(least), query.unit))
        gains = self.improvement(_gains(members, weights, known), known, len(query.columns), query.unit)
        return scores[0], scores[1:].min(axis=0), scores[1:].max(axis=0), gains

    def improvement(self, gains: FloatArray, least: float, n_observed: int, unit: float) -> FloatArray:
        """Turn expected improvements on the working scale into what experience leaves of them, in units of the metric.

        Parameters
        ----------
        gains : ndarray
            Expected improvements of log losses.
        least : float
            The smallest log loss so far.
        n_observed : int
            How many results there are.
        unit : float
            What losses are divided by.

        Returns
        -------
        ndarray
            Not below 0.
        """
        after = least - gains * np.interp(n_observed, _COUNTS, self.realised)
        gained = from_working(np.full_like(after, least), unit) - from_working(after, unit)
        return np.where(gained < _ROUNDING * unit, 0.0, gained)


def _gains(members: npt.NDArray[np.floating], weights: FloatArray, least: float) -> FloatArray:
    """Return the expected improvement of each configuration on the smallest log loss so far."""
    gains: FloatArray = weights @ np.maximum(least - members, 0.0)
    return gains


def _ratios(members: npt.NDArray[np.floating], weights: FloatArray, truth: FloatArray) -> FloatArray:
    """How far the truth lies from the median, in lengths of the interval's half on that side."""
    middle, below, above = _spread(members, weights)
    gap = truth - middle
    ratios: FloatArray = np.abs(gap) / np.where(gap < 0, below, above)
    return ratios


def _spread(members: npt.NDArray[np.floating], weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the median and the lengths of the interval's halves."""
    low, middle, high = weighted_quantiles(members, weights)
    return middle, np.maximum(middle - low, _LEAST_WIDTH), np.maximum(high - middle, _LEAST_WIDTH)


def _growth(errors: Sequence[tuple[float, FloatArray]]) -> float:
    """Return the slope of the tasks' mean log errors on their log distances."""
    if not errors:
        return 0.0
    gaps = np.log([distance for distance, _ in errors])
    gaps -= gaps.mean()
    means = np.array([np.log(ratios + _NO_ERROR).mean() for _, ratios in errors])
    return float(np.clip(gaps @ means / max(float(gaps @ gaps), 1e-9), 0, 1))


def _quantile(ratios: Sequence[FloatArray]) -> float:
    return float(np.quantile(np.concatenate(ratios), COVERAGE)) if ratios else 1.0
