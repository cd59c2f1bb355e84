"""Weights under which a family of tasks counts as one, however many tasks (sizes of a table, near-copies) it has."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.scale import FloatArray

__all__ = ["equal_weights", "family_codes", "family_means", "nearest_of_families"]

Codes = npt.NDArray[np.int32]


def family_codes(families: Sequence[str] | npt.NDArray[np.str_]) -> Codes:
    """Return the number of each task's family, in the order of their first task."""
    _, first, code = np.unique(np.asarray(families), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[code.ravel()].astype(np.int32)


def equal_weights(codes: Codes) -> FloatArray:
    """Return one over the number of tasks in each task's family."""
    return np.asarray(1.0 / np.bincount(codes)[codes]) if len(codes) else np.empty(0)


def family_means(values: FloatArray, codes: Codes) -> FloatArray:
    """Return the mean over each family's tasks, without NaN; NaN where a family has no other value."""
    known = ~np.isnan(values)
    totals = np.zeros((int(codes.max(initial=-1)) + 1, *values.shape[1:]))
    counts = np.zeros_like(totals)
    np.add.at(totals, codes, np.where(known, values, 0.0))
    np.add.at(counts, codes, known)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def nearest_of_families(distances: FloatArray, codes: Codes) -> FloatArray:
    """Return the distance of the nearest task of each family."""
    nearest = np.full(int(codes.max(initial=-1)) + 1, np.inf)
    np.minimum.at(nearest, codes, distances)
    return np.asarray(nearest[np.isfinite(nearest)])
