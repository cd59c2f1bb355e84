"""How linear combinations of numeric columns separate the classes: canonical correlations and class covariances."""

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.extended.classical import summaries, two
from metalearn.metafeatures.sample import Sample

__all__ = ["canonical_correlations", "class_geometry", "imputed"]

_NAN = "regression, or no numeric column that varies"
_REFERENCE = "Lindner, Studer, AST: Support for algorithm selection with a CBR approach, PKDD 1999"


def imputed(sample: Sample) -> npt.NDArray[np.float64]:
    """Return numeric columns that vary, missing values replaced by the mean."""
    moments = sample.moments
    filled = np.where(moments.present, sample.numbers, (moments.scaled_mean * moments.scale)[:, None])
    return np.ascontiguousarray(filled[moments.varies].T)


@meta_features(
    group="discriminant",
    tier="all",
    reference=_REFERENCE,
    names={
        **two({"can_cor": ("canonical correlations of numeric columns with the classes", "share")}, _NAN),
        "nr_disc": ("Canonical correlations", "functions", _NAN),
        "w_lambda": ("Wilks' lambda", "share", _NAN),
        "p_trace": ("Pillai's trace", "ratio", _NAN),
        "lh_trace": ("Lawley and Hotelling's trace", "ratio", _NAN),
        "roy_root": ("Roy's largest root", "ratio", _NAN),
    },
)
def canonical_correlations(sample: Sample) -> dict[str, float]:
    """Return the canonical correlations and the test statistics built on them."""
    from scipy.linalg import qr  # noqa: PLC0415 - slow to import

    z = sample.moments.standardised()
    if not sample.is_classification or not len(z):
        return {}
    q, r, _ = qr(z.T, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    q = q[:, size > 1e-9 * size[0]]
    indicators = np.linalg.qr(sample.responses[:-1].T)[0]
    found = np.linalg.svd(q.T @ indicators, compute_uv=False)
    correlations = np.minimum(found[found > 1e-9], 1 - 1e-15)  # noqa: PLR2004
    roots = correlations**2 / (1 - correlations**2)
    return {
        **summaries("can_cor", correlations),
        "nr_disc": len(correlations),
        "w_lambda": np.exp(-np.log1p(roots).sum()),
        "p_trace": np.sum(correlations**2),
        "lh_trace": roots.sum(),
        "roy_root": roots.max(initial=0.0),
    }


@meta_features(
    group="discriminant",
    tier="all",
    reference="Ali, Smith, On learning algorithm selection for classification, Applied Soft Computing 2006",
    names={
        "gravity": ("Distance of the centres of the largest and the smallest class", "columns' unit", _NAN),
        "sd_ratio": (
            "Homogeneity of the classes' covariance matrices: geometric mean ratio of pooled to own (Box's M)",
            "ratio",
            "regression, or a class with a singular covariance matrix",
        ),
    },
)
def class_geometry(sample: Sample) -> dict[str, float]:
    """Return the distance of class centres, and whether the classes have the same covariances."""
    if not sample.is_classification or not sample.moments.varies.any():
        return {}
    X, y = imputed(sample), sample.target
    n, p = X.shape
    counts = np.bincount(y)
    present = np.flatnonzero(counts)
    largest = present[np.argmax(counts[present])]
    others = present[present != largest]
    smallest = others[np.argmin(counts[others])]
    found = {"gravity": float(np.linalg.norm(X[y == largest].mean(axis=0) - X[y == smallest].mean(axis=0)))}
    k = len(present)
    if counts[present].min() <= p or p < 1:
        return found
    matrices = [np.atleast_2d(np.cov(X[y == code], rowvar=False)) for code in present]
    weights = counts[present] - 1.0
    pooled = sum(weight * matrix for weight, matrix in zip(weights, matrices, strict=True)) / (n - k)
    logs = np.array([_log_determinant(matrix) for matrix in matrices])
    gamma = 1 - (2 * p**2 + 3 * p - 1) / (6 * (p + 1) * (k - 1)) * (np.sum(1 / weights) - 1 / (n - k))
    m = gamma * ((n - k) * _log_determinant(pooled) - weights @ logs)
    return {**found, "sd_ratio": float(np.exp(m / (p * (n - k))))}


def _log_determinant(matrix: npt.NDArray[np.float64]) -> float:
    sign, value = np.linalg.slogdet(matrix)
    return float(value) if sign > 0 else np.nan
