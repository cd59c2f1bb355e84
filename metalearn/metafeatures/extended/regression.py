"""How entangled a numeric target is: rank correlations, linearity, and smoothness."""

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.extended.complexity import (
    MAX_NEIGHBOUR_ROWS,
    Matrix,
    gower_distances,
    spanning_tree,
    unit_range,
)
from metalearn.metafeatures.extended.discriminant import imputed
from metalearn.metafeatures.sample import Sample

__all__ = ["linearity", "rank_correlations", "smoothness"]

_REFERENCE = "Lorena et al., Data complexity meta-features for regression problems, Machine Learning 2018"
_NAN = "classification, or no numeric column that varies"
_HIGH_CORRELATION = 0.9
_SMALL_RESIDUAL = 0.1


def _table(sample: Sample) -> tuple[Matrix, Matrix] | None:
    """Return at most 1,000 rows and their target, both scaled to 0 to 1; None if there is nothing to compare."""
    if sample.is_classification or not sample.moments.varies.any():
        return None
    rows = sample.some(MAX_NEIGHBOUR_ROWS)
    X, y = unit_range(imputed(sample)[rows]), unit_range(sample.target[rows, None].astype(float))[:, 0]
    return (X, y) if y.any() else None


@meta_features(
    group="complexity",
    tier="all",
    reference=_REFERENCE,
    names={
        "c1": ("Largest absolute rank correlation of a numeric column with the target (C1)", "share", _NAN),
        "c2": ("Mean absolute rank correlation (C2)", "share", _NAN),
        "c3": (
            (
                "Smallest share of rows, largest rank difference first, without which a column's rank correlation is above "
                "0.9 (C3)"
            ),
            "share",
            _NAN,
        ),
        "c4": (
            "Rows left after each column in turn, best first, has explained those it fits within 0.1 (C4)",
            "share",
            _NAN,
        ),
        "monotonicity": ("Mean of squared rank correlation minus squared linear correlation", "share", _NAN),
    },
)
def rank_correlations(sample: Sample) -> dict[str, float]:
    """Return how monotonically numeric columns go with the target, on at most 1,000 rows."""
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

    table = _table(sample)
    if table is None:
        return {}
    X, y = table
    ranks, target = rankdata(X, axis=0), rankdata(y)
    correlations = _correlations(ranks, target)
    turned = np.where(correlations < 0, len(y) + 1 - ranks, ranks)
    return {
        "c1": np.abs(correlations).max(),
        "c2": np.abs(correlations).mean(),
        "c3": min(_removed(line, target) for line in turned.T) / len(y),
        "c4": _unexplained(X, y) / len(y),
        "monotonicity": np.mean(correlations**2 - _correlations(X, y) ** 2),
    }


def _correlations(X: Matrix, y: Matrix) -> Matrix:
    X, y = X - X.mean(axis=0), y - y.mean()
    scale = np.sqrt(np.square(X).sum(axis=0) * np.sum(y**2))
    return np.asarray(np.where(scale > 0, (y @ X) / np.where(scale > 0, scale, 1.0), 0.0))


def _removed(x: Matrix, y: Matrix) -> int:
    """Return how many rows go, largest difference first, until the correlation of the others is above 0.9."""
    order = np.argsort(np.abs(x - y), kind="stable")
    x, y = x[order] / len(x), y[order] / len(y)
    n = np.arange(1, len(x) + 1)
    sums = [np.cumsum(values) for values in (x, y, x * x, y * y, x * y)]
    covariance = sums[4] - sums[0] * sums[1] / n
    scale = np.sqrt(np.maximum((sums[2] - sums[0] ** 2 / n) * (sums[3] - sums[1] ** 2 / n), 0.0))
    high = np.flatnonzero(covariance > _HIGH_CORRELATION * scale)
    return len(x) - (int(high[-1]) + 1 if len(high) else 1)


def _unexplained(X: Matrix, y: Matrix) -> int:
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

    left = np.arange(X.shape[1])
    while len(left) and len(y):
        correlations = _correlations(rankdata(X[:, left], axis=0), rankdata(y))
        best = int(np.argmax(np.abs(correlations)))
        x = X[:, left[best]] - X[:, left[best]].mean()
        slope = (x @ y) / max(float(x @ x), 1e-300)
        keep = np.abs(y - y.mean() - slope * x) > _SMALL_RESIDUAL
        X, y, left = X[keep], y[keep], np.delete(left, best)
    return len(y)


@meta_features(
    group="complexity",
    tier="all",
    reference=_REFERENCE,
    names={
        "l1": ("Mean absolute residual of linear regression, target scaled to 0 to 1 (L1)", "share", _NAN),
        "l2": ("Mean squared residual (L2)", "share", _NAN),
        "l3": (
            "Mean squared error of that fit on rows interpolated between neighbours in the target (L3)",
            "share",
            _NAN,
        ),
    },
)
def linearity(sample: Sample) -> dict[str, float]:
    """Return how far the target is from a linear function, on at most 1,000 rows."""
    table = _table(sample)
    if table is None:
        return {}
    X, y = table
    design = np.column_stack([np.ones(len(y)), X])
    weights = np.linalg.lstsq(design, y, rcond=None)[0]
    residuals = y - design @ weights
    made, target = _between(X, y, sample.random_state)
    return {
        "l1": np.mean(np.abs(residuals)),
        "l2": np.mean(residuals**2),
        "l3": np.mean((target - np.column_stack([np.ones(len(made)), made]) @ weights) ** 2),
    }


@meta_features(
    group="complexity",
    tier="all",
    reference=_REFERENCE,
    names={
        "s1": ("Mean difference of the targets joined in the minimum spanning tree of the rows (S1)", "share", _NAN),
        "s2": ("Mean distance of rows whose targets follow each other (S2)", "share", _NAN),
        "s3": ("Leave-one-out mean squared error of the nearest neighbour (S3)", "share", _NAN),
        "s4": ("Mean squared error of the nearest neighbour on interpolated rows (S4)", "share", _NAN),
    },
)
def smoothness(sample: Sample) -> dict[str, float]:
    """Return how the target changes between near rows, on at most 1,000 rows."""
    table = _table(sample)
    if table is None:
        return {}
    X, y = table
    distances = gower_distances(X, X)
    first, second = spanning_tree(distances)
    order = np.argsort(y, kind="stable")
    s2 = np.mean(distances[order[:-1], order[1:]])
    np.fill_diagonal(distances, np.inf)
    made, target = _between(X, y, sample.random_state)
    return {
        "s1": np.mean(np.abs(y[first] - y[second])),
        "s2": s2,
        "s3": np.mean((y - y[np.argmin(distances, axis=1)]) ** 2),
        "s4": np.mean((target - y[np.argmin(gower_distances(made, X), axis=1)]) ** 2),
    }


def _between(X: Matrix, y: Matrix, random_state: int) -> tuple[Matrix, npt.NDArray[np.float64]]:
    """Return rows between those whose targets follow each other, and targets interpolated alike."""
    order = np.argsort(y, kind="stable")
    share = np.random.default_rng(random_state).random((len(y) - 1, 1))
    low, high = order[:-1], order[1:]
    return X[low] + (X[high] - X[low]) * share, y[low] + (y[high] - y[low]) * share[:, 0]
