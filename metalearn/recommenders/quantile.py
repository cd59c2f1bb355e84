"""Weighted quantiles, and how far they have to be stretched to hold what they promise."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from metalearn.recommenders.scale import FloatArray

__all__ = ["COVERAGE", "stretch", "weighted_quantiles"]

COVERAGE = 0.8
"""Share of scores that intervals are to contain."""

LEVELS = ((1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2)

_SAMPLE = 500
_BEST = 10
_LEAST_WIDTH = 1e-3


def weighted_quantiles(values: npt.NDArray[np.floating], weights: FloatArray) -> FloatArray:
    """Return the lower end, the median and the upper end of weighted values.

    Parameters
    ----------
    values : ndarray of shape (n_values, n_columns)
        The values.
    weights : ndarray of shape (n_values,)
        Their weights.

    Returns
    -------
    ndarray of shape (3, n_columns)
        Quantiles at 10 %, 50 % and 90 %.
    """
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    heaped = np.cumsum(weights[order], axis=0)
    middle = (heaped - weights[order] / 2) / heaped[-1]
    columns = range(values.shape[1])
    return np.array([[np.interp(level, middle[:, j], ordered[:, j]) for j in columns] for level in LEVELS])


def stretch(errors: npt.NDArray[np.floating], regrets: npt.NDArray[np.floating], left_out: csr_array, share: float) -> float:
    """Return the factor by which intervals have to be stretched about their median to hold 80 % of left-out losses.

    Parameters
    ----------
    errors : ndarray of shape (n_tasks, n_configurations)
        Log losses less their prediction when the task's family is left out.
    regrets : ndarray of shape (n_tasks, n_configurations)
        Regrets, by which the configurations are chosen that would be recommended.
    left_out : sparse array of shape (n_tasks, n_tasks)
        Weights of past tasks for each task when its family is left out.
    share : float
        Share of the learned weights in the prior; the rest is uniform.

    Returns
    -------
    float
        1 if the intervals are right as they are.

    References
    ----------
    Romano, Patterson, Candes. Conformalized quantile regression. NeurIPS, 2019.
    """
    n_tasks = len(errors)
    ratios = []
    for i in range(0, n_tasks, -(-n_tasks // _SAMPLE)):
        weights = share * left_out[[i]].toarray()[0] + (1 - share) / n_tasks
        weights[i] = 0.0
        best = np.argpartition(weights @ regrets, min(_BEST, regrets.shape[1] - 1))[:_BEST]
        low, middle, high = weighted_quantiles(errors[:, best], weights)
        gap = errors[i, best] - middle
        ratios.append(np.abs(gap) / np.maximum(np.where(gap < 0, middle - low, high - middle), _LEAST_WIDTH))
    return float(np.quantile(np.concatenate(ratios), COVERAGE))
