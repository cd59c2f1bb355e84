"""Tell how far a table is from everything known."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

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
    """Say how far a task is from everything known.

    Parameters
    ----------
    novelty : float
        Share of the past tasks that lie nearer to others than it does: 0 = seen often, 1 = unlike anything known; NaN if
        no past task is comparable.
    strangeness : float
        0 within the distances that are usual (95 % of the past tasks), rising to 1 at twice that distance.
    distance : float
        Mean distance to the nearest past tasks, where the median past task has 1; from .5 to 4.
    """

    novelty: float
    strangeness: float
    distance: float


@dataclass(frozen=True, eq=False)
class Novelty:
    """Hold the past tasks' standardised meta-features and their distances to one another.

    Parameters
    ----------
    centre, spread : ndarray of shape (n_meta_features,)
        Median and standard deviation on the signed-log scale.
    points : ndarray of shape (n_tasks, n_meta_features)
        Standardised meta-features; 0 where one is missing.
    distances : ndarray
        Mean distance of each past task to its nearest tasks of other families, in ascending order; tasks that lack almost
        all meta-features are left out, unless all do.
    """

    centre: FloatArray
    spread: FloatArray
    points: FloatArray
    distances: FloatArray

    @classmethod
    def fit(cls, meta_features: FloatArray, families: npt.NDArray[np.str_]) -> Self:
        """Learn what is usual.

        Parameters
        ----------
        meta_features : ndarray of shape (n_tasks, n_meta_features)
            NaN where one is missing.
        families : ndarray of str, shape (n_tasks,)
            Near-copies share one.

        Returns
        -------
        Novelty
            The fitted state.
        """
        logs = _signed_log(meta_features)
        known = np.isfinite(logs).any(axis=0)
        centre, spread = np.zeros(logs.shape[1]), np.ones(logs.shape[1])
        centre[known] = np.nanmedian(logs[:, known], axis=0)
        spread[known] = np.nanstd(logs[:, known], axis=0)
        spread[spread < _CONSTANT] = 1.0
        points = _standardised(logs, centre, spread)
        _, family = np.unique(families, return_inverse=True)
        described = np.isfinite(logs).sum(axis=1) >= FEWEST
        if not described.any():
            described[:] = True
        distances = np.array(
            [
                _mean_of_nearest(_distances(points[described & (family != family[i])], points[i]))
                for i in np.flatnonzero(described)
            ]
        )
        return cls(centre, spread, points, np.sort(distances))

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the past tasks; what is a usual distance stays.

        Parameters
        ----------
        rows : ndarray of int
            Which tasks, by row.

        Returns
        -------
        Novelty
            With fewer points.
        """
        return replace(self, points=self.points[rows])

    def distances_to(self, meta_features: FloatArray) -> FloatArray:
        """Return the distance of a new task to each past one.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of the new task.

        Returns
        -------
        ndarray of shape (n_tasks,)
            Root mean squared difference of standardised meta-features.
        """
        return _distances(self.points, self.standardise(meta_features))

    def standardise(self, meta_features: FloatArray) -> FloatArray:
        """Bring meta-features onto the scale on which distances are measured.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of a task.

        Returns
        -------
        ndarray of shape (n_meta_features,)
            Standardised; 0 where one is missing.
        """
        return _standardised(_signed_log(meta_features), self.centre, self.spread)

    def score(self, meta_features: FloatArray, comparable: npt.NDArray[np.bool_] | None = None) -> Unfamiliarity:
        """Tell how unfamiliar a task is.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of the new task.
        comparable : ndarray of bool, shape (n_tasks,), or None, default=None
            Past tasks that have meta-features enough in common with it; None takes all.

        Returns
        -------
        Unfamiliarity
            Novelty, strangeness and distance.
        """
        distances = self.distances_to(meta_features)
        unknown = comparable is not None and not comparable.any()
        distance = _mean_of_nearest(distances if comparable is None or unknown else distances[comparable])
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


def _mean_of_nearest(distances: FloatArray) -> float:
    nearest = min(_NEAREST, len(distances))
    return float(np.partition(distances, nearest - 1)[:nearest].mean()) if nearest else 0.0
