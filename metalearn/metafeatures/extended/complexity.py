"""How entangled the classes are: overlap of single columns, neighbourhoods, and dimensions."""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.extended.discriminant import imputed
from metalearn.metafeatures.sample import Sample

__all__ = [
    "MAX_NEIGHBOUR_ROWS",
    "dimensionality",
    "feature_overlap",
    "gower_distances",
    "interpolated",
    "neighbourhoods",
    "spanning_tree",
    "unit_range",
]

MAX_NEIGHBOUR_ROWS = 1_000
_MAX_CLASSES = 10
_REFERENCE = "Lorena et al., How Complex Is Your Classification Problem?, ACM Computing Surveys 2019"
_NO_NUMBERS = "no numeric column that varies"
_NAN = "regression, or no numeric column that varies"

Matrix = npt.NDArray[np.float64]


@meta_features(
    group="complexity",
    tier="all",
    reference=_REFERENCE,
    names={
        "f1_mean": ("1 / (1 + Fisher's discriminant ratio), mean over numeric columns (F1)", "share", _NAN),
        "f1_min": ("The same of the best column", "share", _NAN),
        "f1v_mean": (
            "Directional-vector Fisher's ratio, mean over pairs of the ten largest classes (F1v)",
            "share",
            _NAN,
        ),
        "f2_mean": ("Volume of the overlapping region, mean over pairs (F2)", "share", _NAN),
        "f3_mean": ("Rows that the best column cannot tell apart, mean over pairs (F3)", "share", _NAN),
        "f4_mean": ("Rows that all columns, one after another, cannot tell apart, mean over pairs (F4)", "share", _NAN),
    },
)
def feature_overlap(sample: Sample) -> dict[str, float]:
    """Return how far the values of numeric columns overlap between classes."""
    if not sample.is_classification or not sample.moments.varies.any():
        return {}
    X, y = unit_range(imputed(sample)), sample.target  # no measure depends on the scale
    counts = np.bincount(y)
    present = np.flatnonzero(counts)
    indicators = (y == present[:, None]).astype(float)
    centres = indicators @ X / counts[present][:, None]
    between = counts[present] @ np.square(centres - X.mean(axis=0))
    within = np.square(X - X.mean(axis=0)).sum(axis=0) - between
    f1 = 1 / (1 + between / np.maximum(within, 1e-300))
    largest = np.sort(present[np.argsort(-counts[present], kind="stable")[:_MAX_CLASSES]])
    values = {code: X[y == code] for code in largest}
    pairs = np.array([_pair(values[a], values[b]) for a, b in combinations(largest, 2)])
    f1v, f2, f3, f4 = pairs.mean(axis=0)
    return {"f1_mean": f1.mean(), "f1_min": f1.min(), "f1v_mean": f1v, "f2_mean": f2, "f3_mean": f3, "f4_mean": f4}


def _pair(first: Matrix, second: Matrix) -> tuple[float, float, float, float]:
    """Return F1v, F2, F3 and F4 of two classes."""
    difference = first.mean(axis=0) - second.mean(axis=0)
    n = len(first) + len(second)
    within = np.zeros((first.shape[1], first.shape[1]))
    for part in (first, second):
        if len(part) > 1:
            within += len(part) / n * np.cov(part, rowvar=False)
    # d = W^-1 (m1 - m2) turns the ratio into (m1 - m2)' W^-1 (m1 - m2)
    ratio = float(difference @ np.linalg.pinv(within, hermitian=True) @ difference)
    low1, high1, low2, high2 = first.min(axis=0), first.max(axis=0), second.min(axis=0), second.max(axis=0)
    low, high = np.maximum(low1, low2), np.minimum(high1, high2)
    span = np.maximum(high1, high2) - np.minimum(low1, low2)
    volume = np.prod(np.where(span > 0, np.maximum(high - low, 0) / np.where(span > 0, span, 1.0), 1.0))
    both = np.vstack([first, second])
    inside = (both >= low) & (both <= high)
    return 1 / (1 + max(ratio, 0.0)), float(volume), inside.sum(axis=0).min() / n, _undecided(first, second) / n


def _undecided(first: Matrix, second: Matrix) -> int:
    """Return the rows left after each column in turn has removed those outside its overlapping region."""
    columns = np.arange(first.shape[1])
    while len(columns) and len(first) and len(second):
        low = np.maximum(first[:, columns].min(axis=0), second[:, columns].min(axis=0))
        high = np.minimum(first[:, columns].max(axis=0), second[:, columns].max(axis=0))
        inside = [(part[:, columns] >= low) & (part[:, columns] <= high) for part in (first, second)]
        best = int(np.argmin(inside[0].sum(axis=0) + inside[1].sum(axis=0)))
        first, second = first[inside[0][:, best]], second[inside[1][:, best]]
        columns = np.delete(columns, best)
    return 0 if len(columns) else len(first) + len(second)


@meta_features(
    group="complexity",
    tier="all",
    reference=_REFERENCE,
    names={
        "n1": ("Rows joined to another class in the minimum spanning tree, of 1,000 at most (N1)", "share", _NAN),
        "n2_mean": ("Mean over rows of r / (1 + r), r: distance to own class / to another (N2)", "share", _NAN),
        "n3": ("Leave-one-out error of the nearest neighbour (N3)", "share", _NAN),
        "n4": ("Error of the nearest neighbour on rows interpolated within classes (N4)", "share", _NAN),
        "lsc": ("1 - mean share of rows nearer than the nearest of another class (LSC)", "share", _NAN),
    },
)
def neighbourhoods(sample: Sample) -> dict[str, float]:
    """Return how classes mix among neighbours, by Gower's distance on at most 1,000 rows."""
    if not sample.is_classification or not sample.moments.varies.any():
        return {}
    rows = sample.some(MAX_NEIGHBOUR_ROWS)
    X, y = imputed(sample)[rows], sample.target[rows]
    X = unit_range(X)
    distances = gower_distances(X, X)
    enemy = y[:, None] != y
    if not enemy.any():
        return {}
    first, second = spanning_tree(distances)
    apart = y[first] != y[second]
    np.fill_diagonal(distances, np.inf)
    friends = np.where(enemy, np.inf, distances).min(axis=1)
    strangers = np.where(enemy, distances, np.inf).min(axis=1)
    ratio = friends / strangers
    ratio = np.where(np.isnan(ratio), 1.0, ratio)
    rng = np.random.default_rng(sample.random_state)
    made, labels = interpolated(X, y, rng)
    predicted = y[np.argmin(gower_distances(made, X), axis=1)]
    return {
        "n1": len(np.unique(np.concatenate([first[apart], second[apart]]))) / len(y),
        "n2_mean": float(np.mean(1 - 1 / (1 + ratio))),
        "n3": float(np.mean(y[np.argmin(distances, axis=1)] != y)),
        "n4": float(np.mean(predicted != labels)),
        # a row is always nearer to itself than to a row of another class that differs
        "lsc": 1 - float((np.sum(distances < strangers) + np.sum(strangers > 0)) / len(y) ** 2),
    }


@meta_features(
    group="complexity",
    tier="all",
    reference=_REFERENCE,
    names={
        "t2": ("Numeric columns divided by rows (T2)", "ratio", _NO_NUMBERS),
        "t3": ("Principal components for 95 % of the variance, divided by rows (T3)", "ratio", _NO_NUMBERS),
        "t4": ("Principal components for 95 % of the variance, divided by columns (T4)", "share", _NO_NUMBERS),
    },
)
def dimensionality(sample: Sample) -> dict[str, float]:
    """Return how many dimensions there are for a row, before and after removing linear dependence."""
    if not sample.moments.varies.any():
        return {}
    X = imputed(sample)
    X = X - X.mean(axis=0)
    variances = (
        np.linalg.svd(X, compute_uv=False) ** 2 if X.shape[1] < X.shape[0] else np.linalg.eigvalsh(X @ X.T)[::-1]
    )
    shares = np.cumsum(variances) / variances.sum()
    needed = int(np.searchsorted(shares, 0.95, side="right")) + 1
    n, p = sample.data.n_rows, sample.data.n_features * len(sample.numbers) / len(sample.columns)
    return {"t2": p / n, "t3": needed / n, "t4": needed / len(sample.numbers)}


def unit_range(X: Matrix) -> Matrix:
    """Return columns scaled to 0 to 1."""
    low, high = X.min(axis=0), X.max(axis=0)
    half = high / 2 - low / 2  # halves do not overflow
    return np.asarray((X / 2 - low / 2) / np.where(half > 0, half, 1.0))


def gower_distances(first: Matrix, second: Matrix) -> Matrix:
    """Return Gower's distances: the mean absolute difference of columns scaled to 0 to 1."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - slow to import

    return np.asarray(cdist(first, second, metric="cityblock") / first.shape[1])


def spanning_tree(distances: Matrix) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the edges of a minimum spanning tree."""
    from scipy.sparse.csgraph import minimum_spanning_tree  # noqa: PLC0415 - slow to import

    # rows at distance 0 are joined too: a stored zero would mean that there is no edge
    first, second = minimum_spanning_tree(np.triu(distances + 1e-12, 1)).nonzero()
    return first.astype(np.intp), second.astype(np.intp)


def interpolated(
    X: Matrix, y: npt.NDArray[np.integer], rng: np.random.Generator
) -> tuple[Matrix, npt.NDArray[np.integer]]:
    """Return rows between random pairs of rows of the same class, as many as there are."""
    order = np.argsort(y, kind="stable")
    labels = y[order]
    starts = np.searchsorted(labels, labels, side="left")
    sizes = np.searchsorted(labels, labels, side="right") - starts
    one, other = (X[order[starts + rng.integers(0, sizes)]] for _ in range(2))
    return one + (other - one) * rng.random(X.shape), labels
