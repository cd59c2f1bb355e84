"""Expected scores, 80 % intervals and improvements on a new task, calibrated on left-out families."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.quantile import COVERAGE
from metalearn.recommenders.scale import FloatArray, from_working, log_losses
from metalearn.recommenders.selection import greedy

__all__ = ["Expectation"]

_COUNTS = (0, 1, 3, 10)
_SAMPLE = 200
_BEST = 10
_LEAST_WIDTH = 0.02
"""Half an interval on the log scale spans at least this: a few hypotheses that agree prove little."""

_ROUNDING = 1e-12
_NO_ERROR = 0.05
"""Added to ratios before the logarithm: a median that is hit exactly is luck."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """Hold how far intervals have to be stretched, and improvements shrunk, to keep their promises."""

    stretch: FloatArray
    growth: FloatArray
    realised: FloatArray

    @classmethod
    def fit(cls, past: PastTasks, posterior: Callable[[Query], Posterior] | None = None) -> Self:
        """Calibrate the posterior of a recommender on past tasks, each as if it were new, on a list for it."""
        table = past.table
        family = table.family
        found: list[list[_Error]] = [[] for _ in _COUNTS]
        foreseen, realised = np.zeros(len(_COUNTS)), np.zeros(len(_COUNTS))
        own = np.flatnonzero(table.judging)
        sample = own[:: -(-len(own) // _SAMPLE)]
        share = dict(zip(sample, 1 / np.bincount(family[sample])[family[sample]], strict=True))
        for i, learned in zip(sample, past.similarity.left_out(sample), strict=True):
            apart = family != family[i]
            if not apart.any():
                continue
            features, losses = table.meta_features[i], table.losses[i]
            known, unit = np.isfinite(losses), float(table.units[i])
            prior = past.prior(features, learned, apart)
            best = greedy(table.completed_regrets, prior.weights, _BEST + _COUNTS[-1], allowed=known)
            truth = log_losses(losses, unit)  # outliers are not capped
            for k, count in enumerate(_COUNTS):
                seen, asked = best[:count], best[count : count + _BEST]
                observed = {j: float(losses[j]) for j in seen}
                query = past.query(features, n=_BEST, observed=observed, allowed=known, unit=unit, prior=prior)
                here = Posterior(past, query) if posterior is None else posterior(query)
                if len(asked):
                    found[k].append(_Error(prior.distance, _ratios(here, asked, truth[asked]), share[i]))
                if seen:
                    gains = np.where(query.allowed, here.improvements, 0.0)
                    foreseen[k] += share[i] * gains.max()
                    came = max(query.best - float(truth[gains.argmax()]), 0.0) if gains.any() else 0.0
                    realised[k] += share[i] * came
        shares = np.where(foreseen > 0, realised / np.maximum(foreseen, 1e-12), 1.0)
        growth = _growth([error for errors in found for error in errors])
        return cls(np.array([_quantile(errors, growth) for errors in found]), np.array([growth]), shares)

    def expect(
        self, posterior: Posterior, columns: Sequence[int]
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Predict score, both ends of the 80 % interval and improvement of configurations on a new task."""
        query, table = posterior.query, posterior.past.table
        middle, below, above = _halves(posterior, columns)
        stretch = np.interp(len(query.columns), _COUNTS, self.stretch) * query.distance ** self.growth[0]
        losses = from_working(np.array([middle, middle - stretch * below, middle + stretch * above]), query.unit)
        if table.problem_type.is_classification and table.metric.greater_is_better:
            losses = np.minimum(losses, table.metric.optimum)
        scores: FloatArray = table.metric.from_loss(losses)
        if math.isnan(query.best):
            gains = np.full(len(columns), np.nan)
        else:
            gains = self.improvement(posterior.improvements[list(columns)], query.best, len(query.columns), query.unit)
        return scores[0], scores[1:].min(axis=0), scores[1:].max(axis=0), gains

    def improvement(self, gains: FloatArray, best: float, n_observed: int, unit: float) -> FloatArray:
        """Shrink expected improvements of log losses to the share that came true, in units of the metric."""
        after = best - gains * np.interp(n_observed, _COUNTS, self.realised)
        gained = from_working(np.full_like(after, best), unit) - from_working(after, unit)
        return np.where(gained < _ROUNDING * unit, 0.0, gained)


@dataclass(frozen=True, slots=True)
class _Error:
    """Hold the errors on one past task, its distance from the others, and its weight."""

    distance: float
    ratios: FloatArray
    weight: float


def _ratios(posterior: Posterior, columns: Sequence[int], truth: FloatArray) -> FloatArray:
    """Return how far the truth lies from the median, in lengths of the interval's half on that side."""
    middle, below, above = _halves(posterior, columns)
    gap = truth - middle
    ratios: FloatArray = np.abs(gap) / np.where(gap < 0, below, above)
    return ratios


def _halves(posterior: Posterior, columns: Sequence[int]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the median and the lengths of the interval's halves."""
    low, middle, high = posterior.quantiles(columns)
    return middle, np.maximum(middle - low, _LEAST_WIDTH), np.maximum(high - middle, _LEAST_WIDTH)


def _growth(errors: Sequence[_Error]) -> float:
    """Return the slope of the tasks' mean log errors on their log distances."""
    if not errors:
        return 0.0
    weights = np.array([error.weight for error in errors])
    gaps = np.log([error.distance for error in errors])
    gaps -= np.average(gaps, weights=weights)
    means = np.array([np.log(error.ratios + _NO_ERROR).mean() for error in errors])
    return float(np.clip((weights * gaps) @ means / max(float((weights * gaps) @ gaps), 1e-9), 0, 1))


def _quantile(errors: Sequence[_Error], growth: float) -> float:
    """Return the weighted quantile that covers one further family with the coverage promised."""
    if not errors:
        return 1.0
    ratios = np.concatenate([error.ratios / error.distance**growth for error in errors])
    weights = np.concatenate([np.full(len(error.ratios), error.weight / len(error.ratios)) for error in errors])
    order = np.argsort(ratios)
    heaped = np.cumsum(weights[order])
    n_families = sum(error.weight for error in errors)
    level = min(COVERAGE * (1 + 1 / n_families), 1.0) * heaped[-1]
    return float(ratios[order][min(np.searchsorted(heaped, level * (1 - 1e-12)), len(order) - 1)])
