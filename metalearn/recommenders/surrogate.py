"""The surrogate: a Gaussian process over the configurations of each family, around what is known of some of them."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.scale import FloatArray

__all__ = ["Outlook", "Surrogate", "squared_distances"]

_GRID = np.array(list(product((0.02, 0.1, 0.4), (0.0025, 0.01, 0.04, 0.16, 0.6), (0.3, 0.7))))
"""Variance of a family's level, variance within it, and length scale of the parameters; the likeliest are taken."""

_UNSURE = 0.05
"""Added to variances in the average that is expected of a configuration about which nothing is known."""

_LEAST_VARIANCE = 1e-8


_POOLED = 0.3
"""Weight of what speaks for a kernel in the other families, beside a family's own evidence."""


@dataclass(frozen=True, eq=False)
class _Family:
    kernel: FloatArray
    places: FloatArray
    root: FloatArray  # inverse of the Cholesky factor
    solved: FloatArray


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Hold a Gaussian process for each family; they share a level, and what kernels are likely."""

    level: float
    kernel: FloatArray
    families: dict[int, _Family]

    @classmethod
    def fit(cls, family: npt.NDArray[np.intp], places: FloatArray, values: FloatArray, variances: FloatArray) -> Self:
        """Fit to values that are known more or less exactly; a family's kernel is the likeliest of a few."""
        level = float(np.average(values, weights=1 / (variances + _UNSURE))) if len(values) else 0.0
        level_variance, within, length = _GRID.T[:, :, None, None]
        parts: dict[int, tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = {}
        for k in np.unique(family):
            rows = family == k
            gaps = squared_distances(places[rows], places[rows])
            covariance = level_variance + within * np.exp(-gaps / (2 * length**2)) + np.diag(variances[rows])
            factor = np.linalg.cholesky(covariance)
            centred = np.broadcast_to((values[rows] - level)[:, None], (len(_GRID), rows.sum(), 1))
            solved = np.linalg.solve(factor, centred)[:, :, 0]
            spans = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
            parts[int(k)] = (places[rows], factor, solved, -(solved**2).sum(axis=1) / 2 - spans)
        pooled = np.sum([np.zeros(len(_GRID)), *(part[3] for part in parts.values())], axis=0)
        known = {}
        for k, (there, factor, solved, likelihood) in parts.items():
            best = int((likelihood + _POOLED * (pooled - likelihood)).argmax())
            known[k] = _Family(_GRID[best], there, np.linalg.inv(factor[best]), solved[best])
        return cls(level, _GRID[pooled.argmax()], known)

    def look(self, family: npt.NDArray[np.intp], places: FloatArray) -> "Outlook":
        """Predict candidates."""
        most = max((len(f.solved) for f in self.families.values()), default=0)
        explained = np.zeros((most, len(family)))
        mean = np.full(len(family), self.level)
        kernels = np.tile(self.kernel, (len(family), 1))
        for k, known in self.families.items():
            rows = np.flatnonzero(family == k)
            part = known.root @ _covariance(known.kernel, known.places, places[rows])
            explained[: len(part), rows] = part
            mean[rows] += known.solved @ part
            kernels[rows] = known.kernel
        variance = np.maximum(kernels[:, 0] + kernels[:, 1] - (explained**2).sum(axis=0), _LEAST_VARIANCE)
        return Outlook(kernels, family, places, mean, variance, explained)


@dataclass(frozen=True, eq=False)
class Outlook:
    """Hold what is expected of candidates."""

    kernels: FloatArray
    family: npt.NDArray[np.intp]
    places: FloatArray
    mean: FloatArray
    variance: FloatArray
    explained: FloatArray

    def improvement(self, best: float) -> FloatArray:
        """Return by how much each candidate is expected to improve on the best."""
        from scipy.special import ndtr  # noqa: PLC0415 - slow to import, and lists do without it

        deviation = np.sqrt(self.variance)
        z = (best - self.mean) / deviation
        found: FloatArray = deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
        return found

    def believe(self, chosen: int) -> Self:
        """Take a candidate's result for as expected, which leaves less to be learned near it."""
        prior = _covariance(self.kernels[chosen], self.places[[chosen]], self.places)[0]
        part = (prior - self.explained[:, chosen] @ self.explained) / np.sqrt(self.variance[chosen])
        part = np.where(self.family == self.family[chosen], part, 0.0)
        return replace(
            self,
            variance=np.maximum(self.variance - part**2, _LEAST_VARIANCE),
            explained=np.concatenate([self.explained, part[None]]),
        )


def _covariance(kernel: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    level_variance, within, length = kernel
    found: FloatArray = level_variance + within * np.exp(-squared_distances(a, b) / (2 * length**2))
    return found


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return squared Euclidean distances."""
    found: FloatArray = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(found, 0.0)
