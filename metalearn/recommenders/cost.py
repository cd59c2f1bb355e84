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
    """Hold a log-linear model of fit seconds for each family, and of what each configuration adds to its family's."""

    centre: FloatArray
    common: FloatArray
    own: FloatArray
    growth: FloatArray
    ranges: FloatArray

    @classmethod
    def fit(
        cls, sizes: FloatArray, seconds: FloatArray, models: npt.NDArray[np.str_], weights: FloatArray | None = None
    ) -> Self:
        """Fit one ridge regression a model family, and one a configuration to what that leaves, on weighted tasks."""
        weights = np.ones(len(sizes)) if weights is None else weights
        sized = np.asarray((sizes[:, :2] > 0).all(axis=1))
        logs = np.log1p(sizes)
        terms = _terms(logs)
        centre = np.average(terms[sized], axis=0, weights=weights[sized]) if sized.any() else np.zeros(terms.shape[1])
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
            penalty = np.r_[1e-6, np.ones(design.shape[1] - 1)]
            found = _ridge(design[rows], target[rows, columns[places]], penalty, weights[rows])
            common[:, columns] = found[:, None]
            ranges[:, :, columns] = np.tile(_range(logs[rows]) if known.any() else _ANY, (2, 1))[..., None]
            for j in columns[known.any(axis=0)]:
                known = timed[:, j] & sized
                rest = target[known, j] - design[known] @ found
                own[:, j] = _ridge(design[known], rest, np.full(len(common), _OWN), weights[known])
                ranges[2:, :, j] = _range(logs[known])
        growth = np.array([_GROWTH.get(str(model), 1.0) for model in models])
        return cls(centre, common, own, growth, ranges)

    def predict(self, sizes: FloatArray) -> FloatArray:
        """Predict the seconds of one fit on one thread for each configuration, from rows, features and classes."""
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


def _ridge(design: FloatArray, target: FloatArray, penalty: FloatArray, weights: FloatArray) -> FloatArray:
    weighted = design.T * weights
    return np.asarray(np.linalg.solve(weighted @ design + np.diag(penalty), weighted @ target), dtype=float)
