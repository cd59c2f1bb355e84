"""Distance of a table from everything known, and how usual it is."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.families import Codes, equal_weights, family_means, nearest_of_families
from metalearn.recommenders.scale import FloatArray

__all__ = ["FEWEST", "Novelty", "Unfamiliarity"]

FEWEST = 3
"""Two tasks with fewer meta-features in common than this cannot be compared."""

_NEAREST = 5
_USUAL = 0.95
_CONSTANT = 1e-6
"""A meta-feature that varies less over the past tasks says nothing about what is usual; it keeps its own unit."""

_REACH = 4.0
"""Standardised values beyond it count as this far: one wild meta-feature shall not decide alone."""

_NEAR, _FAR = 0.5, 4.0
"""Tasks nearer or farther than so many usual distances count as this far."""


class Unfamiliarity(NamedTuple):
    """Say how far a task is from everything known."""

    novelty: float
    strangeness: float
    distance: float


@dataclass(frozen=True, eq=False)
class Novelty:
    """Hold the past tasks' standardised meta-features and the distances of their families to one another."""

    centre: FloatArray
    spread: FloatArray
    points: FloatArray
    family: Codes
    distances: FloatArray

    @classmethod
    def fit(cls, meta_features: FloatArray, family: Codes) -> Self:
        """Learn usual values and distances from meta-features, NaN where one is missing."""
        logs = _signed_log(meta_features)
        known = np.isfinite(logs)
        some = known.any(axis=0)
        centre, spread = np.zeros(logs.shape[1]), np.ones(logs.shape[1])
        centre[some] = np.nanmedian(family_means(logs[:, some], family), axis=0)
        weights = equal_weights(family)[:, None] * known
        weights /= np.maximum(weights.sum(axis=0), 1e-12)
        filled = np.where(known, logs, 0.0)
        mean = (weights * filled).sum(axis=0)
        spread[some] = np.sqrt((weights * (filled - mean) ** 2).sum(axis=0))[some]
        spread[spread < _CONSTANT] = 1.0
        points = _standardised(logs, centre, spread)
        described = known.sum(axis=1) >= FEWEST
        if not described.any():
            described[:] = True
        own = np.full((len(points), 1), np.nan)
        for i in np.flatnonzero(described):
            others = described & (family != family[i])
            own[i] = _mean_of_nearest(_distances(points[others], points[i]), family[others])
        distances = family_means(own, family)[:, 0]
        return cls(centre, spread, points, family, np.sort(distances[~np.isnan(distances)]))

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the past tasks; usual distances stay."""
        return replace(self, points=self.points[rows], family=self.family[rows])

    def distances_to(self, meta_features: FloatArray) -> FloatArray:
        """Return the root mean squared difference of standardised meta-features to each past task."""
        return _distances(self.points, self.standardise(meta_features))

    def standardise(self, meta_features: FloatArray) -> FloatArray:
        """Bring meta-features onto the scale on which distances are measured; 0 where one is missing."""
        return _standardised(_signed_log(meta_features), self.centre, self.spread)

    def score(self, meta_features: FloatArray, comparable: npt.NDArray[np.bool_] | None = None) -> Unfamiliarity:
        """Tell how unfamiliar a task is, by past tasks that have enough meta-features in common with it."""
        distances, family = self.distances_to(meta_features), self.family
        unknown = comparable is not None and not comparable.any()
        if comparable is not None and not unknown:
            distances, family = distances[comparable], family[comparable]
        distance = _mean_of_nearest(distances, family)
        novelty = np.nan if unknown else float(np.searchsorted(self.distances, distance) / len(self.distances))
        strangeness = float(np.clip(distance / max(self._usual, 1e-12) - 1, 0, 1))
        middle = max(float(np.median(self.distances)), 1e-12)
        relative = float(np.clip((self._usual if unknown else distance) / middle, _NEAR, _FAR))
        return Unfamiliarity(novelty, strangeness, relative)

    @cached_property
    def _usual(self) -> float:
        return float(np.quantile(self.distances, _USUAL))


def _signed_log(values: FloatArray) -> FloatArray:
    finite = np.where(np.isfinite(values), values, np.nan)
    logs: FloatArray = np.sign(finite) * np.log1p(np.abs(finite))
    return logs


def _standardised(logs: FloatArray, centre: FloatArray, spread: FloatArray) -> FloatArray:
    return np.clip(np.nan_to_num((logs - centre) / spread), -_REACH, _REACH)


def _distances(points: FloatArray, point: FloatArray) -> FloatArray:
    gaps = points - point
    found: FloatArray = np.sqrt(np.einsum("ij,ij->i", gaps, gaps) / max(points.shape[1], 1))
    return found


def _mean_of_nearest(distances: FloatArray, family: Codes) -> float:
    """Return the mean distance to the nearest families."""
    found = nearest_of_families(distances, family)
    nearest = min(_NEAREST, len(found))
    return float(np.partition(found, nearest - 1)[:nearest].mean()) if nearest else 0.0
