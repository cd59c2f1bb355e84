"""Statistics of the numeric columns as the meta-learning literature lists them: each as mean and deviation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.sample import Sample
from metalearn.metafeatures.simple import mean
from metalearn.table.schema import ColumnKind

__all__ = ["column_statistics", "counts", "moment_extremes", "pairs", "summaries", "two"]

_NO_NUMBERS = "no numeric column"
_LEVEL = 0.05
_FEWER = "fewer than two numeric columns that vary"
_STATLOG = "Michie, Spiegelhalter, Taylor, Machine Learning, Neural and Statistical Classification, 1994"
_MFE = "Alcobaca et al., MFE: Towards reproducible meta-feature extraction, JMLR 2020"
_AUTOSKLEARN = "Feurer et al., Efficient and Robust Automated Machine Learning, NeurIPS 2015 (supplement)"

_COLUMN_STATISTICS = {
    "mean": ("mean", "column's unit"),
    "median": ("median", "column's unit"),
    "min": ("smallest value", "column's unit"),
    "max": ("largest value", "column's unit"),
    "range": ("range", "column's unit"),
    "sd": ("standard deviation (n - 1)", "column's unit"),
    "var": ("variance (n - 1)", "column's unit squared"),
    "iq_range": ("quartile range", "column's unit"),
    "mad": ("median absolute deviation times 1.4826", "column's unit"),
    "t_mean": ("mean without the lowest and highest fifth", "column's unit"),
    "g_mean": ("geometric mean (0 with a zero; columns with negative values left out)", "column's unit"),
    "h_mean": ("harmonic mean (0 with a zero; columns with negative values left out)", "column's unit"),
    "skewness_b1": ("skewness b1 = m3 / s^3", "ratio"),
    "kurtosis_b2": ("excess kurtosis b2 = m4 / s^4 - 3", "ratio"),
}


def two(names: Mapping[str, tuple[str, str]], nan_when: str) -> dict[str, tuple[str, str, str]]:
    """Return the descriptions of mean and deviation of quantities."""
    return {
        f"{name}_{suffix}": (f"{what} of the {text}", unit, other if nan_when == "never" else nan_when)
        for name, (text, unit) in names.items()
        for suffix, what, other in (("mean", "Mean", "never"), ("sd", "Standard deviation (n - 1)", "a single column"))
    }


def summaries(name: str, values: npt.NDArray[Any]) -> dict[str, float]:
    """Return mean and deviation of the values that are numbers."""
    known = values[np.isfinite(values)]
    spread = known.std(ddof=1) if known.size > 1 else np.nan
    return {f"{name}_mean": mean(known), f"{name}_sd": float(spread)}


@meta_features(
    group="simple",
    tier="all",
    reference=_AUTOSKLEARN,
    names={
        "attr_to_inst": ("Columns divided by rows", "ratio", "never"),
        "inst_to_attr": ("Rows divided by columns", "ratio", "never"),
        "cat_to_num": ("Categorical columns divided by the others", "ratio", "no other column"),
        "num_to_cat": ("Other columns divided by categorical ones", "ratio", "no categorical column"),
        "n_binary": ("Columns with exactly two values, scaled up from the sample", "columns", "never"),
        "n_missing": ("Missing values", "values", "never"),
        "n_columns_missing": ("Columns with a missing value", "columns", "never"),
        "n_rows_missing": ("Rows with a missing value", "rows", "never"),
        "symbols_min": ("Smallest number of levels of a categorical or boolean column", "levels", "no such column"),
        "symbols_max": ("Largest number of levels", "levels", "no such column"),
        "symbols_sum": ("Sum of the numbers of levels, scaled up from the sample", "levels", "no such column"),
        **two({"symbols": ("number of levels of categorical and boolean columns", "levels")}, "no such column"),
        **two({"freq_class": ("shares of the classes", "share")}, "regression"),
        **two({"attr_sparsity": ("rows per distinct value, scaled to 0 (all differ) to 1", "share")}, "never"),
    },
)
def counts(sample: Sample) -> dict[str, float]:
    """Return exact counts under the names of the literature, and the numbers of levels."""
    data = sample.data
    n, p = data.n_rows, data.n_features
    columns, rows = data.missing
    found = list(data.kinds.values())
    categorical = sum(kind in (ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN) for kind in found)
    levels = (sample.level_counts > 0).sum(axis=1)
    distinct = sample.quantities.n_distinct
    up = p / len(sample.columns)
    rows_per_value = sample.n_rows / np.maximum(np.concatenate([distinct, levels]), 1)
    return {
        "attr_to_inst": p / n,
        "inst_to_attr": n / p,
        "cat_to_num": categorical / (p - categorical) if p > categorical else np.nan,
        "num_to_cat": (p - categorical) / categorical if categorical else np.nan,
        "n_binary": (np.sum(distinct == 2) + np.sum(levels == 2)) * up,  # noqa: PLR2004
        "n_missing": columns.sum(),
        "n_columns_missing": np.sum(columns > 0),
        "n_rows_missing": rows,
        "symbols_min": levels.min() if len(levels) else np.nan,
        "symbols_max": levels.max() if len(levels) else np.nan,
        "symbols_sum": levels.sum() * up if len(levels) else np.nan,
        **summaries("symbols", levels),
        **summaries("freq_class", sample.class_counts / n),
        **summaries("attr_sparsity", (rows_per_value - 1) / (sample.n_rows - 1)),
    }


@meta_features(
    group="statistical",
    tier="all",
    reference=_STATLOG,
    names=two({k: (f"{text} of numeric columns", unit) for k, (text, unit) in _COLUMN_STATISTICS.items()}, _NO_NUMBERS),
)
def column_statistics(sample: Sample) -> dict[str, float]:
    """Return location, spread and shape of the numeric columns."""
    moments = sample.moments
    values, count = sample.numbers, moments.count
    median = moments.quantile(0.5)
    deviations = np.sort(np.abs(values - median[:, None]), axis=1)
    places = np.arange(len(values)), np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    mad = (deviations[places[0], places[1]] + deviations[places[0], places[2]]) / 2
    cut = (0.2 * count).astype(int)
    rank = np.arange(values.shape[1])
    inner = (rank >= cut[:, None]) & (rank < (count - cut)[:, None])
    mean_ = moments.scaled_mean * moments.scale
    var = moments.scaled_variance * count / (count - 1) * moments.scale**2
    flat = ~moments.varies
    mean_[flat], var[flat] = moments.low[flat], np.where(count > 1, 0.0, np.nan)[flat]
    positive = np.where(moments.present & (values > 0), values, 1.0)
    zero = np.where(moments.low == 0, 0.0, np.nan)
    found = {
        "mean": mean_,
        "median": median,
        "min": moments.low,
        "max": moments.high,
        "range": moments.high - moments.low,
        "sd": np.sqrt(var),
        "var": var,
        "iq_range": moments.quantile(0.75) - moments.quantile(0.25),
        "mad": mad * 1.4826,
        "t_mean": np.where(inner, moments.ordered, 0.0).sum(axis=1) / inner.sum(axis=1),
        "g_mean": np.where(moments.low > 0, np.exp(np.log(positive).sum(axis=1) / count), zero),
        "h_mean": np.where(moments.low > 0, count / np.where(moments.present, 1 / positive, 0.0).sum(axis=1), zero),
        "skewness_b1": moments.power_mean(3) * (1 - 1 / count) ** 1.5,
        "kurtosis_b2": moments.power_mean(4) * (1 - 1 / count) ** 2 - 3,
    }
    return {key: value for name, values in found.items() for key, value in summaries(name, values).items()}


@meta_features(
    group="statistical",
    tier="all",
    reference=_AUTOSKLEARN,
    names={
        "skewness_min": ("Smallest skewness of a numeric column", "ratio", _NO_NUMBERS),
        "skewness_max": ("Largest skewness of a numeric column", "ratio", _NO_NUMBERS),
        "kurtosis_min": ("Smallest excess kurtosis of a numeric column", "ratio", _NO_NUMBERS),
        "kurtosis_max": ("Largest excess kurtosis of a numeric column", "ratio", _NO_NUMBERS),
        "kurtosis_sd": ("Standard deviation of the excess kurtosis", "ratio", _NO_NUMBERS),
    },
)
def moment_extremes(sample: Sample) -> dict[str, float]:
    """Return the extremes of skewness and kurtosis."""
    varies = sample.moments.varies
    if not varies.any():
        return {}
    skewness, kurtosis = sample.moments.power_mean(3)[varies], sample.moments.power_mean(4)[varies] - 3
    return {
        "skewness_min": skewness.min(),
        "skewness_max": skewness.max(),
        "kurtosis_min": kurtosis.min(),
        "kurtosis_max": kurtosis.max(),
        "kurtosis_sd": kurtosis.std(),
    }


@meta_features(
    group="statistical",
    tier="all",
    reference=_MFE,
    names={
        **two({"cor": ("absolute correlations between numeric columns", "share")}, _FEWER),
        **two({"cov": ("absolute covariances between numeric columns", "squared units")}, _FEWER),
        **two({"eigenvalues": ("eigenvalues of the covariance matrix", "squared units")}, _FEWER),
        "nr_cor_attr": (
            "Share of pairs of numeric columns with an absolute correlation of at least 0.5",
            "share",
            _FEWER,
        ),
        "nr_outliers": ("Numeric columns with a value beyond 1.5 quartile ranges", "columns", _NO_NUMBERS),
        "nr_norm": ("Numeric columns that the Shapiro-Wilk test takes for normal at 5 %", "columns", _NO_NUMBERS),
    },
)
def pairs(sample: Sample) -> dict[str, float]:
    """Return how numeric columns vary together, and how many are normal or have outliers."""
    from scipy.stats import shapiro  # noqa: PLC0415 - slow to import

    moments = sample.moments
    if not len(sample.numbers):
        return {}
    reach = 1.5 * (moments.quantile(0.75) - moments.quantile(0.25))
    outlying = (moments.low < moments.quantile(0.25) - reach) | (moments.high > moments.quantile(0.75) + reach)
    varies = moments.varies
    normal = [
        not varying or shapiro(line[present]).pvalue > _LEVEL  # nothing speaks against a constant
        for line, present, varying in zip(sample.numbers, moments.present, varies, strict=True)
    ]
    found = {"nr_outliers": outlying.sum(), "nr_norm": sum(map(bool, normal))}
    if varies.sum() < 2:  # noqa: PLR2004
        return found
    z = moments.standardised()
    spread = (np.sqrt(moments.scaled_variance * sample.n_rows / (sample.n_rows - 1)) * moments.scale)[varies]
    correlation = z @ z.T / sample.n_rows
    covariance = correlation * spread[:, None] * spread
    below = np.tril_indices(len(z), -1)
    eigenvalues = np.linalg.eigvalsh(covariance) if np.isfinite(covariance).all() else np.full(1, np.nan)
    return {
        **found,
        **summaries("cor", np.abs(correlation[below])),
        **summaries("cov", np.abs(covariance[below])),
        **summaries("eigenvalues", eigenvalues),
        "nr_cor_attr": np.mean(np.abs(correlation[below]) >= 0.5),  # noqa: PLR2004
    }
