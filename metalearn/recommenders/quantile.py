"""Weighted quantiles."""

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.scale import FloatArray

__all__ = ["COVERAGE", "weighted_quantiles"]

COVERAGE = 0.8
"""Share of scores that intervals are to contain."""

LEVELS = ((1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2)


def weighted_quantiles(values: npt.NDArray[np.floating], weights: FloatArray) -> FloatArray:
    """Return the lower end, the median and the upper end of weighted values."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    heaped = np.cumsum(weights[order], axis=0)
    middle = (heaped - weights[order] / 2) / heaped[-1]
    columns = range(values.shape[1])
    return np.array([np.interp(LEVELS, middle[:, j], ordered[:, j]) for j in columns]).reshape(-1, len(LEVELS)).T
