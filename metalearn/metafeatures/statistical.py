"""The shape of numeric columns: moments, outliers, scales, correlations and principal components."""

import numpy as np

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.blocks import line_blocks
from metalearn.metafeatures.sample import Sample
from metalearn.metafeatures.simple import mean

__all__ = ["correlations", "principal_components", "shapes"]

_FEWER = "fewer than two columns that vary"
_NO_COLUMN = "no column that varies"
_NO_NUMBERS = "no numeric column that varies"


@meta_features(
    group="statistical",
    tier="cheap",
    reference="Michie, Spiegelhalter, Taylor, Machine Learning, Neural and Statistical Classification, 1994",
    names={
        "skewness_mean": ("Mean skewness of the numeric columns", "ratio", _NO_NUMBERS),
        "skewness_sd": ("Standard deviation of their skewness", "ratio", _NO_NUMBERS),
        "skewness_abs_median": ("Median absolute skewness", "ratio", _NO_NUMBERS),
        "kurtosis_mean": ("Mean excess kurtosis of the numeric columns", "ratio", _NO_NUMBERS),
        "kurtosis_median": ("Median excess kurtosis", "ratio", _NO_NUMBERS),
        "outlier_fraction": ("Mean share of values beyond 1.5 quartile ranges", "share", _NO_NUMBERS),
        "columns_outlier_fraction": ("Share of numeric columns with such a value", "share", _NO_NUMBERS),
        "zero_fraction": ("Mean share of zeros in numeric columns", "share", _NO_NUMBERS),
        "negative_fraction": ("Share of numeric columns with a value below zero", "share", _NO_NUMBERS),
        "normal_fraction": (
            "Share of numeric columns that the Jarque-Bera test takes for normal at 5 %",
            "share",
            _NO_NUMBERS,
        ),
        "scale_spread": (
            "Standard deviation of the decimal logarithm of the columns' standard deviations",
            "log",
            _NO_NUMBERS,
        ),
        "variation_median": (
            "Median of log(1 + standard deviation / |mean|), at most log(1 + 1e6)",
            "log",
            _NO_NUMBERS,
        ),
    },
)
def shapes(sample: Sample) -> dict[str, float]:
    """Return how the values of numeric columns are distributed."""
    moments = sample.moments
    varies = moments.varies
    if not varies.any():
        return {}
    skewness, kurtosis = moments.power_mean(3)[varies], moments.power_mean(4)[varies] - 3.0
    low, high = moments.quantile(0.25), moments.quantile(0.75)
    reach = 1.5 * (high - low)
    outside, zero = np.empty((2, len(varies)), dtype=np.int64)
    for lines in line_blocks(sample.numbers.shape):
        values = sample.numbers[lines]
        beyond = (values < (low - reach)[lines, None]) | (values > (high + reach)[lines, None])
        outside[lines], zero[lines] = np.count_nonzero(beyond, axis=1), np.count_nonzero(values == 0, axis=1)
    outliers, zeros = (outside / moments.count)[varies], (zero / moments.count)[varies]
    jarque_bera = moments.count[varies] / 6 * (skewness**2 + kurtosis**2 / 4)
    spread = np.sqrt(moments.scaled_variance[varies])
    deviations = np.log10(spread) + np.log10(moments.scale[varies])
    variation = np.minimum(spread / np.abs(moments.scaled_mean[varies]), 1e6)
    return {
        "skewness_mean": skewness.mean(),
        "skewness_sd": skewness.std(),
        "skewness_abs_median": np.median(np.abs(skewness)),
        "kurtosis_mean": kurtosis.mean(),
        "kurtosis_median": np.median(kurtosis),
        "outlier_fraction": outliers.mean(),
        "columns_outlier_fraction": np.mean(outliers > 0),
        "zero_fraction": zeros.mean(),
        "negative_fraction": np.mean(moments.low[varies] < 0),
        "normal_fraction": np.mean(jarque_bera < 5.991),  # noqa: PLR2004 - chi-squared, 2 degrees of freedom
        "scale_spread": deviations.std(),
        "variation_median": np.log1p(np.median(variation)),
    }


@meta_features(
    group="statistical",
    tier="cheap",
    reference="Castiello, Castellano, Fanelli, Meta-data: Characterization of Input Features, MDAI 2005",
    names={
        "correlation_mean": ("Mean absolute correlation between columns", "share", _FEWER),
        "correlation_max": ("Largest absolute correlation", "share", _FEWER),
        "correlated_fraction": ("Share of pairs with an absolute correlation of at least 0.5", "share", _FEWER),
        "redundant_fraction": ("Share of columns correlated above 0.95 with another", "share", _FEWER),
    },
)
def correlations(sample: Sample) -> dict[str, float]:
    """Return how encoded columns hang together."""
    source = sample.encoding[0]
    apart = source[:, None] != source
    pairs = apart.sum()
    if not pairs:
        return {}
    matrix = np.where(apart, np.abs(sample.design_products[0]), 0.0)
    return {
        "correlation_mean": matrix.sum() / pairs,
        "correlation_max": min(matrix.max(), 1.0),
        "correlated_fraction": np.sum(matrix >= 0.5) / pairs,  # noqa: PLR2004
        "redundant_fraction": np.mean(matrix.max(axis=1) > 0.95),  # noqa: PLR2004
    }


@meta_features(
    group="statistical",
    tier="cheap",
    reference="Bardenet et al., Collaborative hyperparameter tuning, ICML 2013",
    names={
        "pca_first_fraction": ("Share of the variance in the first principal component", "share", _NO_COLUMN),
        "pca_top3_fraction": ("Share of the variance in the first three", "share", _NO_COLUMN),
        "pca_components_95": ("Share of the components that hold 95 % of the variance", "share", _NO_COLUMN),
        "pca_effective_rank": (
            "Participation ratio of the variances, divided by the number of encoded columns",
            "share",
            _NO_COLUMN,
        ),
        "pca_first_skewness": ("Absolute skewness of the first component", "ratio", _NO_COLUMN),
        "pca_first_kurtosis": ("Excess kurtosis of the first component", "ratio", _NO_COLUMN),
    },
)
def principal_components(sample: Sample) -> dict[str, float]:
    """Return the spectrum of the encoded, standardised columns."""
    variances = sample.components[0]
    if not len(variances) or variances.sum() <= 0:
        return {}
    shares = variances / variances.sum()
    first = sample.ridge.first
    first = first / np.sqrt(np.mean(first**2))
    cube, fourth = mean(first**3), mean(first**4)
    return {
        "pca_first_fraction": shares[0],
        "pca_top3_fraction": shares[:3].sum(),
        "pca_components_95": (np.sum(np.cumsum(shares) < 0.95 - 1e-12) + 1) / len(shares),
        "pca_effective_rank": 1.0 / np.sum(shares**2) / len(shares),
        "pca_first_skewness": abs(cube),
        "pca_first_kurtosis": fourth - 3.0,
    }
