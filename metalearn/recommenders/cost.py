"""Predict the seconds that a fit will take."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.scale import FloatArray

__all__ = ["CostModel"]

_OWN = 3.0
"""Strength of the pull of a configuration's own curve towards that of its family, in observations."""

_GROWTH = {"svm": 2.0}
"""Exponent of rows beyond those seen, where it is not 1: what the algorithm needs, since small tables do not show it."""

_LEAST = 1e-3
"""Shorter times are measured too coarsely to matter."""

_ANY = np.array([[-np.inf] * 3, [np.inf] * 3])
"""Bounds of sizes where none is known."""


@dataclass(frozen=True, eq=False)
class CostModel:
    """Hold a log-linear model of fit seconds for each family, and of what each configuration adds to its family's.

    Parameters
    ----------
    centre : ndarray of shape (n_terms,)
        Mean of the terms over the past tasks.
    common, own : ndarray of shape (n_terms, n_configurations)
        Effect of each term on the log seconds: in the family, and beside it in the configuration.
    growth : ndarray of shape (n_configurations,)
        Exponent of rows beyond those on which the family was timed.
    ranges : ndarray of shape (4, 3, n_configurations)
        Rows, features and classes on the log scale: least and most on which the family was timed, then the configuration.
    """

    centre: FloatArray
    common: FloatArray
    own: FloatArray
    growth: FloatArray
    ranges: FloatArray

    @classmethod
    def fit(cls, sizes: FloatArray, seconds: FloatArray, models: npt.NDArray[np.str_]) -> Self:
        """Fit one ridge regression a family, and one a configuration to what that leaves.

        Parameters
        ----------
        sizes : ndarray of shape (n_tasks, 3)
            Rows, features and classes; no rows or features means unknown.
        seconds : ndarray of shape (n_tasks, n_configurations)
            NaN where unknown. Those of tasks of unknown size count for families that were timed on no others: such are
            expected to take the same anywhere.
        models : ndarray of str, shape (n_configurations,)
            Family of each configuration.

        Returns
        -------
        CostModel
            Predicts NaN for configurations of a family that was never timed.
        """
        sized = np.asarray((sizes[:, :2] > 0).all(axis=1))
        logs = np.log1p(sizes)
        terms = _terms(logs)
        centre = terms[sized].mean(axis=0) if sized.any() else np.zeros(terms.shape[1])
        design = np.column_stack([np.ones(len(terms)), np.where(sized[:, None], terms - centre, 0.0)])
        target = np.log(np.maximum(seconds, _LEAST))
        timed = ~np.isnan(target)
        common = np.full((design.shape[1], len(models)), np.nan)
        own, ranges = np.zeros_like(common), np.zeros((4, 3, len(models)))
        for model in np.unique(models):
            columns = np.flatnonzero(models == model)
            known = timed[:, columns] & sized[:, None]
            rows, places = np.nonzero(known if known.any() else timed[:, columns])
            if not len(rows):
                continue
            found = _ridge(design[rows], target[rows, columns[places]], np.r_[1e-6, np.ones(design.shape[1] - 1)])
            common[:, columns] = found[:, None]
            ranges[:, :, columns] = np.tile(_range(logs[rows]) if known.any() else _ANY, (2, 1))[..., None]
            for j in columns[known.any(axis=0)]:
                known = timed[:, j] & sized
                own[:, j] = _ridge(design[known], target[known, j] - design[known] @ found, np.full(len(common), _OWN))
                ranges[2:, :, j] = _range(logs[known])
        growth = np.array([_GROWTH.get(str(model), 1.0) for model in models])
        return cls(centre, common, own, growth, ranges)

    def predict(self, sizes: FloatArray) -> FloatArray:
        """Predict the seconds of one fit on one thread.

        Parameters
        ----------
        sizes : ndarray of shape (3,)
            Rows, features and classes of the new task.

        Returns
        -------
        ndarray of shape (n_configurations,)
            Seconds. Beyond the sizes on which the family was timed they grow in proportion to features, and to a power of
            rows; beyond those of the configuration they keep their distance from the family's.
        """
        logs = np.log1p(sizes)[:, None]
        inside, nearby = np.clip(logs, *self.ranges[:2]), np.clip(logs, *self.ranges[2:])
        beyond = logs - inside
        logarithm = self._part(self.common, inside) + self._part(self.own, nearby)
        seconds: FloatArray = np.exp(logarithm + self.growth * beyond[0] + beyond[1])
        return seconds

    def _part(self, coefficients: FloatArray, logs: FloatArray) -> FloatArray:
        part: FloatArray = coefficients[0] + ((_terms(logs.T) - self.centre).T * coefficients[1:]).sum(axis=0)
        return part


def _range(logs: FloatArray) -> FloatArray:
    return np.stack([logs.min(axis=0), logs.max(axis=0)])


def _terms(logs: FloatArray) -> FloatArray:
    n, p, c = logs.T
    return np.column_stack([n, p, c, n * p, n**2, p**2])


def _ridge(design: FloatArray, target: FloatArray, penalty: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ target), dtype=float)
