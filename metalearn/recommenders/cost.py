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


@dataclass(frozen=True, eq=False)
class CostModel:
    """Hold a log-linear model of fit seconds for each configuration.

    Parameters
    ----------
    centre : ndarray of shape (n_terms,)
        Mean of the terms over the past tasks.
    coefficients : ndarray of shape (n_terms, n_configurations)
        Effect of each term on the log seconds.
    growth : ndarray of shape (n_configurations,)
        Exponent of rows beyond those seen.
    low, high : ndarray of shape (3,)
        Range of rows, features and classes seen, on the log scale.
    """

    centre: FloatArray
    coefficients: FloatArray
    growth: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def fit(cls, sizes: FloatArray, seconds: FloatArray, models: npt.NDArray[np.str_]) -> Self:
        """Fit one ridge regression a family, and one a configuration to what that leaves.

        Parameters
        ----------
        sizes : ndarray of shape (n_tasks, 3)
            Rows, features and classes.
        seconds : ndarray of shape (n_tasks, n_configurations)
            NaN where unknown.
        models : ndarray of str, shape (n_configurations,)
            Family of each configuration.

        Returns
        -------
        CostModel
            Predicts NaN for configurations of a family that was never timed.
        """
        logs = np.log1p(sizes)
        terms = _terms(logs)
        centre = terms.mean(axis=0)
        design = np.column_stack([np.ones(len(terms)), terms - centre])
        target = np.log(np.maximum(seconds, _LEAST))
        coefficients = np.full((design.shape[1], seconds.shape[1]), np.nan)
        for model in np.unique(models):
            columns = np.flatnonzero(models == model)
            rows, places = np.nonzero(~np.isnan(target[:, columns]))
            if not len(rows):
                continue
            common = _ridge(design[rows], target[rows, columns[places]], np.r_[1e-6, np.ones(design.shape[1] - 1)])
            coefficients[:, columns] = common[:, None]
            for j in columns:
                known = ~np.isnan(target[:, j])
                rest = target[known, j] - design[known] @ common
                coefficients[:, j] += _ridge(design[known], rest, np.full(design.shape[1], _OWN))
        growth = np.array([_GROWTH.get(str(model), 1.0) for model in models])
        return cls(centre, coefficients, growth, logs.min(axis=0), logs.max(axis=0))

    def predict(self, sizes: FloatArray) -> FloatArray:
        """Predict the seconds of one fit on one thread.

        Parameters
        ----------
        sizes : ndarray of shape (3,)
            Rows, features and classes of the new task.

        Returns
        -------
        ndarray of shape (n_configurations,)
            Seconds. Beyond the sizes seen they grow in proportion to features, and to a power of rows.
        """
        logs = np.log1p(sizes)
        inside = np.clip(logs, self.low, self.high)
        row = np.r_[1.0, _terms(inside[None])[0] - self.centre]
        beyond = logs - inside
        seconds: FloatArray = np.exp(row @ self.coefficients + self.growth * beyond[0] + beyond[1])
        return seconds


def _terms(logs: FloatArray) -> FloatArray:
    n, p, c = logs.T
    return np.column_stack([n, p, c, n * p, n**2, p**2])


def _ridge(design: FloatArray, target: FloatArray, penalty: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ target), dtype=float)
