"""What can be counted: sizes, kinds of columns, missing values, levels, and the target's distribution."""

import numpy as np

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.columns import Moments
from metalearn.metafeatures.sample import Sample
from metalearn.table.schema import ColumnKind

__all__ = ["class_distribution", "entropy", "kinds", "levels", "mean", "missing", "sizes", "target_distribution"]

_REGRESSION = "regression"
_CLASSIFICATION = "classification"
_MANY_LEVELS = 30


def entropy(probabilities: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the Shannon entropy of distributions."""
    positive = np.where(probabilities > 0, probabilities, 1.0)
    return np.asarray(-(positive * np.log2(positive)).sum(axis=axis))


@meta_features(
    group="simple",
    tier="cheap",
    reference="Michie, Spiegelhalter, Taylor, Machine Learning, Neural and Statistical Classification, 1994",
    names={
        "n_rows": ("Rows with a target", "rows", "never"),
        "n_features": ("Columns without the target", "columns", "never"),
        "log_n_rows": ("Natural logarithm of the rows", "log", "never"),
        "log_n_features": ("Natural logarithm of the columns", "log", "never"),
        "log_rows_per_feature": ("Natural logarithm of rows divided by columns", "log", "never"),
    },
)
def sizes(sample: Sample) -> dict[str, float]:
    """Return the exact size of the whole table."""
    n, p = sample.data.n_rows, sample.data.n_features
    return {
        "n_rows": n,
        "n_features": p,
        "log_n_rows": np.log(n),
        "log_n_features": np.log(p),
        "log_rows_per_feature": np.log(n / p),
    }


@meta_features(
    group="simple",
    tier="cheap",
    reference="Feurer et al., Efficient and Robust Automated Machine Learning, NeurIPS 2015 (supplement)",
    names={
        "n_numeric": ("Numeric columns", "columns", "never"),
        "n_categorical": ("Categorical columns", "columns", "never"),
        "numeric_fraction": ("Share of numeric columns", "share", "never"),
        "boolean_fraction": ("Share of boolean columns", "share", "never"),
        "categorical_fraction": ("Share of categorical columns", "share", "never"),
        "datetime_fraction": ("Share of date and time columns", "share", "never"),
        "text_fraction": ("Share of free-text columns", "share", "never"),
    },
)
def kinds(sample: Sample) -> dict[str, float]:
    """Return how many columns of the whole table are of which kind."""
    found = list(sample.data.kinds.values())
    count = {kind: sum(k is kind for k in found) for kind in ColumnKind}
    return {
        "n_numeric": count[ColumnKind.NUMERIC],
        "n_categorical": count[ColumnKind.CATEGORICAL],
        **{f"{kind}_fraction": count[kind] / len(found) for kind in ColumnKind},
    }


@meta_features(
    group="missing",
    tier="cheap",
    reference="Feurer et al., Efficient and Robust Automated Machine Learning, NeurIPS 2015 (supplement)",
    names={
        "missing_fraction": ("Share of values that are missing", "share", "never"),
        "columns_missing_fraction": ("Share of columns with a missing value", "share", "never"),
        "rows_missing_fraction": ("Share of rows with a missing value", "share", "never"),
        "missing_fraction_max": ("Largest share of missing values in a column", "share", "never"),
    },
)
def missing(sample: Sample) -> dict[str, float]:
    """Return the exact shares of missing values in the whole table."""
    columns, n_rows_missing = sample.data.missing
    n = sample.data.n_rows
    return {
        "missing_fraction": columns.mean() / n,
        "columns_missing_fraction": np.mean(columns > 0),
        "rows_missing_fraction": n_rows_missing / n,
        "missing_fraction_max": columns.max() / n,
    }


@meta_features(
    group="cardinality",
    tier="cheap",
    reference="Feurer et al., Efficient and Robust Automated Machine Learning, NeurIPS 2015 (supplement: symbols)",
    names={
        "levels_mean": ("Mean number of levels of categorical and boolean columns", "levels", "no such column"),
        "log_levels_max": ("Natural logarithm of the largest number of levels", "log", "no such column"),
        "many_levels_fraction": ("Share of columns that are categorical with more than 30 levels", "share", "never"),
        "level_entropy_mean": (
            "Mean entropy of the levels, divided by its maximum",
            "share",
            "no categorical or boolean column with two levels",
        ),
        "log_encoded_width": ("Natural logarithm of the columns after one-hot encoding", "log", "never"),
        "distinct_fraction_mean": ("Mean share of distinct values of numeric columns", "share", "no numeric column"),
        "integer_fraction": ("Share of the numeric columns that hold whole numbers only", "share", "no numeric column"),
        "binary_fraction": ("Share of all columns with exactly two values", "share", "never"),
        "constant_fraction": ("Share of all columns with one value or none", "share", "never"),
    },
)
def levels(sample: Sample) -> dict[str, float]:
    """Return how many different values the sampled columns have."""
    counts = sample.level_counts
    n_levels = (counts > 0).sum(axis=1)
    several = n_levels > 1
    spread = entropy(counts[several] / counts[several].sum(axis=1, keepdims=True)) / np.log2(n_levels[several])
    moments, n_columns = sample.moments, len(sample.columns)
    distinct = moments.n_distinct
    with_values = moments.count > 0
    width = (len(distinct) + n_levels.sum()) / n_columns * sample.data.n_features
    return {
        "levels_mean": mean(n_levels),
        "log_levels_max": np.log(max(n_levels.max(initial=0), 1)) if len(n_levels) else np.nan,
        "many_levels_fraction": np.sum(n_levels > _MANY_LEVELS) / n_columns,
        "level_entropy_mean": mean(spread),
        "log_encoded_width": np.log(max(width, 1.0)),
        "distinct_fraction_mean": mean(distinct[with_values] / moments.count[with_values]),
        "integer_fraction": mean(moments.whole[with_values]),
        "binary_fraction": (np.sum(distinct == 2) + np.sum(n_levels == 2)) / n_columns,  # noqa: PLR2004
        "constant_fraction": (np.sum(distinct <= 1) + np.sum(n_levels <= 1)) / n_columns,
    }


@meta_features(
    group="class",
    tier="cheap",
    reference="Lorena et al., How Complex Is Your Classification Problem?, ACM Computing Surveys 2019 (C1, C2)",
    names={
        "n_classes": ("Classes", "classes", _REGRESSION),
        "class_entropy": ("Entropy of the classes", "bits", _REGRESSION),
        "class_balance": ("Entropy of the classes divided by its maximum (C1)", "share", _REGRESSION),
        "majority_fraction": ("Share of the most frequent class", "share", _REGRESSION),
        "minority_fraction": ("Share of the rarest class", "share", _REGRESSION),
        "log_imbalance": ("Natural logarithm of the largest class divided by the smallest", "log", _REGRESSION),
        "class_imbalance": ("Multi-class imbalance ratio (C2)", "share", _REGRESSION),
        "log_rows_minority": ("Natural logarithm of the rows of the rarest class", "log", _REGRESSION),
    },
)
def class_distribution(sample: Sample) -> dict[str, float]:
    """Return the exact distribution of the classes in the whole table."""
    counts = sample.class_counts
    if not len(counts):
        return {}
    n, k = counts.sum(), len(counts)
    bits = float(entropy(counts / n))
    ratio = (k - 1) / k * np.sum(counts / (n - counts))
    return {
        "n_classes": k,
        "class_entropy": bits,
        "class_balance": bits / np.log2(k),
        "majority_fraction": counts.max() / n,
        "minority_fraction": counts.min() / n,
        "log_imbalance": np.log(counts.max() / counts.min()),
        "class_imbalance": 1 - 1 / ratio,
        "log_rows_minority": np.log(counts.min()),
    }


@meta_features(
    group="target",
    tier="cheap",
    reference="Lorena et al., Data complexity meta-features for regression problems, Machine Learning 2018",
    names={
        "target_std": ("Standard deviation of the target, of the whole table", "target's unit", _CLASSIFICATION),
        "target_skewness": ("Skewness of the target", "ratio", _CLASSIFICATION),
        "target_kurtosis": ("Excess kurtosis of the target", "ratio", _CLASSIFICATION),
        "target_log_skewness": (
            "Skewness of the target after a signed logarithm of its distance from the median in quartile ranges",
            "ratio",
            _CLASSIFICATION,
        ),
        "target_outlier_fraction": ("Share of targets beyond 1.5 quartile ranges", "share", _CLASSIFICATION),
        "target_distinct_fraction": ("Share of distinct values of the target", "share", _CLASSIFICATION),
        "target_mode_fraction": ("Share of the target's most frequent value", "share", _CLASSIFICATION),
        "target_zero_fraction": ("Share of zeros in the target", "share", _CLASSIFICATION),
        "target_is_integer": ("1 if the target holds whole numbers only, else 0", "flag", _CLASSIFICATION),
        "target_is_positive": ("1 if no target is below zero, else 0", "flag", _CLASSIFICATION),
    },
)
def target_distribution(sample: Sample) -> dict[str, float]:
    """Return how the sampled targets of a regression are distributed."""
    if sample.is_classification:
        return {}
    moments = sample.target_moments
    y = moments.values[0]
    low, middle, high = (moments.quantile(share)[0] for share in (0.25, 0.5, 0.75))
    width = high - low if high > low else moments.high[0] - moments.low[0]
    distance = (y - middle) / width
    logarithm = Moments((np.sign(distance) * np.log1p(np.abs(distance)))[None, :])
    reach = 1.5 * (high - low)
    ends = np.flatnonzero(np.append(np.diff(moments.ordered[0]) != 0, True))
    runs = np.diff(np.append(-1, ends))
    scale = max(float(np.abs(sample.data.target).max()), 1e-300)  # squares of large numbers would overflow
    return {
        "target_std": np.std(sample.data.target / scale) * scale,
        "target_skewness": moments.power_mean(3)[0],
        "target_kurtosis": moments.power_mean(4)[0] - 3.0,
        "target_log_skewness": logarithm.power_mean(3)[0],
        "target_outlier_fraction": np.mean((y < low - reach) | (y > high + reach)),
        "target_distinct_fraction": moments.n_distinct[0] / len(y),
        "target_mode_fraction": runs.max() / len(y),
        "target_zero_fraction": np.mean(y == 0),
        "target_is_integer": float(np.all(y == np.floor(y))),
        "target_is_positive": float(np.all(y >= 0)),
    }


def mean(values: np.ndarray) -> float:
    """Return the mean of the values that are numbers."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan
