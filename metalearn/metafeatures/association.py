"""What columns say about the target: one by one, linearly together, and through neighbours."""

from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.blocks import Lines, line_blocks
from metalearn.metafeatures.columns import Matrix, adjusted_r2
from metalearn.metafeatures.ridge import principal_components, ridge
from metalearn.metafeatures.sample import Sample
from metalearn.metafeatures.simple import entropy, mean

__all__ = ["information", "linear_fit", "nearest_neighbours", "rescaled_accuracy", "single_columns"]

_NO_COLUMN = "no column that varies"
_NEIGHBOURS = 5
_INTERACTING = 6


@meta_features(
    group="information",
    tier="cheap",
    reference="Michie, Spiegelhalter, Taylor, Machine Learning, Neural and Statistical Classification, 1994",
    names={
        "mutual_information_max": (
            (
                "Largest mutual information of a binned column with the (in regression binned) target, as a share of the "
                "target's entropy; corrected for the bias of small samples (Miller-Madow)"
            ),
            "share",
            "all columns hold text",
        ),
        "mutual_information_top3": ("Mean of the three largest", "share", "all columns hold text"),
        "mutual_information_mean": ("Mean over the columns", "share", "all columns hold text"),
        "informative_fraction": (
            "Share of columns whose mutual information is above the noise (G test, 0.1 %)",
            "share",
            "all columns hold text",
        ),
        "log_equivalent_columns": (
            "Natural logarithm of the target's entropy divided by the mean mutual information, at most log(1e4)",
            "log",
            "all columns hold text",
        ),
        "log_noise_to_signal": (
            (
                "Natural logarithm of (mean entropy of the columns - mean mutual information) / mean mutual information, "
                "within log(1e-4) and log(1e4)"
            ),
            "log",
            "all columns hold text",
        ),
    },
)
def information(sample: Sample) -> dict[str, float]:
    """Return the mutual information of binned columns with the target."""
    if not len(sample.bins):
        return {}
    joint = sample.joint / sample.n_rows
    by_bin, by_group = joint.sum(axis=2), joint[0].sum(axis=0)
    bits = float(entropy(by_group))
    own = entropy(by_bin)
    raw = own + bits - entropy(joint.reshape(len(joint), -1))
    freedom = ((by_bin > 0).sum(axis=1) - 1) * (np.sum(by_group > 0) - 1)
    # Miller and Madow: each entropy grows by (cells that hold rows - 1) / 2n nats
    bins, groups, pairs = (
        (np.sum(part > 0, axis=-1) - 1) / (2 * sample.n_rows * np.log(2))
        for part in (by_bin, by_group, joint.reshape(len(joint), -1))
    )
    shared = np.clip((raw + bins + groups - pairs) / (bits + groups), 0.0, 1.0)
    ordered = np.sort(shared)[::-1]
    # Wilson and Hilferty's cube root brings the chi-squared statistic to the normal distribution
    statistic = 2 * np.log(2) * sample.n_rows * raw
    degrees = np.maximum(freedom, 1)
    normal = (np.cbrt(np.maximum(statistic, 0) / degrees) - (1 - 2 / (9 * degrees))) / np.sqrt(2 / (9 * degrees))
    signal = shared.mean() * bits
    noise = max(own.mean() - signal, 0.0)
    return {
        "mutual_information_max": ordered[0],
        "mutual_information_top3": ordered[:3].mean(),
        "mutual_information_mean": shared.mean(),
        "informative_fraction": np.mean((normal > 3.09) & (freedom > 0)),  # noqa: PLR2004
        "log_equivalent_columns": np.log(min(bits / max(signal, 1e-12), 1e4)),
        "log_noise_to_signal": np.log(np.clip(noise / max(signal, 1e-12), 1e-4, 1e4)),
    }


@meta_features(
    group="association",
    tier="cheap",
    reference="Lorena et al., Data complexity meta-features for regression problems, Machine Learning 2018 (C1, C2)",
    names={
        "column_r2_max": (
            (
                "Largest share of the target's variance (in classification: of the classes' indicators) that one encoded "
                "column explains linearly, adjusted"
            ),
            "share",
            _NO_COLUMN,
        ),
        "column_r2_top3": ("Mean of the three largest", "share", _NO_COLUMN),
        "column_r2_mean": ("Mean over the encoded columns", "share", _NO_COLUMN),
        "bin_r2_max": (
            "Largest share of the target's variance that the bins of one column explain, adjusted",
            "share",
            "all columns hold text",
        ),
        "bin_r2_mean": ("Mean over the columns", "share", "all columns hold text"),
        "nonlinearity_max": (
            "Largest gain of the bins of a number over a straight line",
            "share",
            "no number that varies",
        ),
        "stump_train_score": (
            (
                "Balanced accuracy of the best binned column, rescaled to 0 for chance and 1 for perfect; in regression "
                "its adjusted R2"
            ),
            "score",
            "all columns hold text",
        ),
    },
)
def single_columns(sample: Sample) -> dict[str, float]:
    """Return what single columns explain of the target's variance."""
    if not len(sample.bins):
        return {}
    bin_r2 = sample.bin_r2
    found = {"bin_r2_max": bin_r2.max(), "bin_r2_mean": bin_r2.mean(), "stump_train_score": bin_r2.max()}
    if sample.is_classification:
        joint = sample.joint
        counts = joint[0].sum(axis=0)
        share, n_groups = np.maximum(counts, 1) / sample.n_rows, np.sum(counts > 0)
        balanced = (joint / share).max(axis=2).sum(axis=1).max() / (sample.n_rows * n_groups)
        found["stump_train_score"] = max((balanced - 1 / n_groups) / (1 - 1 / n_groups), 0.0)
    if len(sample.design):
        ordered = np.sort(sample.line_r2)[::-1]
        found["column_r2_max"] = ordered[0]
        found["column_r2_top3"] = ordered[:3].mean()
        found["column_r2_mean"] = ordered.mean()
    varies = np.flatnonzero(sample.quantities.varies)
    if len(varies):
        in_design = sample.encoding[1] < 0  # all of them, unless lines of the design were sampled
        straight = (
            sample.line_r2[in_design]
            if in_design.sum() == len(varies)
            else adjusted_r2(*_products(sample, varies), sample.responses)
        )
        found["nonlinearity_max"] = max((bin_r2[varies] - straight).max(), 0.0)
    return found


def _products(sample: Sample, varies: npt.NDArray[np.intp]) -> tuple[Matrix, Matrix]:
    """Return the products of numbers and dates with the responses, and with themselves, summed over rows."""
    products, squares = np.empty((len(varies), len(sample.responses))), np.empty(len(varies))
    for some in line_blocks((len(varies), sample.n_rows)):
        values = sample.quantities.standardised(varies[some])
        products[some] = values @ sample.responses.T
        squares[some] = np.einsum("ij,ij->i", values, values)
    return products, squares


@meta_features(
    group="association",
    tier="cheap",
    reference="Allen, The relationship between variable selection and data augmentation, Technometrics 1974 (PRESS)",
    names={
        "linear_r2": (
            "Leave-one-out R2 of ridge regression on the target (in classification: on the classes' indicators)",
            "share",
            _NO_COLUMN,
        ),
        "linear_score": (
            "Balanced accuracy of that fit, rescaled to 0 for chance and 1 for perfect; in regression its R2",
            "score",
            _NO_COLUMN,
        ),
        "linear_gain": ("linear_r2 minus the best that one encoded column explains", "share", _NO_COLUMN),
        "interaction_gain": (
            "Gain in leave-one-out R2 from squares and products of the six columns that say most",
            "share",
            _NO_COLUMN,
        ),
    },
)
def linear_fit(sample: Sample) -> dict[str, float]:
    """Return how much all columns explain linearly together, by closed-form leave-one-out errors."""
    if not len(sample.design):
        return {}
    fit = sample.ridge
    strength = np.square(sample.design_products[1]).sum(axis=1)
    best = np.sort(np.argsort(-strength, kind="stable")[:_INTERACTING])
    plain, curved = _with_products(sample.encode(best))
    gram, products = curved.products(sample.responses)
    few = slice(len(plain))  # the first lines of the curved ones
    gain = _fit(curved, gram, products, sample.responses) - _fit(plain, gram[few, few], products[few], sample.responses)
    return {
        "linear_r2": fit.r2,
        "linear_score": rescaled_accuracy(sample.groups, _decide(fit.predicted, sample) == sample.groups)
        if sample.is_classification
        else fit.r2,
        "linear_gain": fit.r2 - sample.line_r2.max(),
        "interaction_gain": gain,
    }


def _fit(lines: Lines, gram: Matrix, products: Matrix, responses: Matrix) -> float:
    return ridge(lines, principal_components(gram), products, responses, least=1e-9).r2


def _with_products(chosen: Lines) -> tuple[Lines, Lines]:
    """Return lines as they are, and together with their squares and products; all centred."""
    values, n = chosen.read(slice(None)), len(chosen)
    clipped = np.clip(values, -3, 3)
    products = (clipped @ clipped.T / chosen.n_rows)[np.triu_indices(n)]
    means = np.concatenate([values.mean(axis=1), products])[:, None]
    del clipped  # as large as the values, and quickly made again for some rows

    def read_plain(rows: slice | npt.NDArray[np.intp]) -> Matrix:
        return np.asarray(values[:, rows] - means[:n])

    def read_curved(rows: slice | npt.NDArray[np.intp]) -> Matrix:
        some = values[:, rows]
        lines = np.empty((len(means), some.shape[1]))
        lines[:n] = some
        some, place = np.clip(some, -3, 3), n
        for line in range(n):
            np.multiply(some[line], some[line:], out=lines[place : place + n - line])
            place += n - line
        lines -= means
        return lines

    return Lines(n, chosen.n_rows, read_plain), Lines(len(means), chosen.n_rows, read_curved)


def _decide(predicted: npt.NDArray[np.float64], sample: Sample) -> npt.NDArray[np.intp]:
    """Choose the class whose indicator rises most above its prior, in units of the prior."""
    share = np.bincount(sample.groups) / sample.n_rows
    return np.asarray(np.argmax(predicted / np.maximum(share, 1e-12)[:, None], axis=0), dtype=np.intp)


@meta_features(
    group="association",
    tier="cheap",
    reference="Pfahringer, Bensusan, Giraud-Carrier, Meta-learning by landmarking various learning algorithms, ICML 2000",
    names={
        "one_nn_score": (
            (
                "Leave-one-out balanced accuracy of the nearest neighbour on 500 rows, rescaled to 0 for chance and 1 for "
                "perfect; in regression the R2 of five neighbours"
            ),
            "score",
            _NO_COLUMN,
        ),
        "nn_distance_ratio": (
            "Median distance to the nearest neighbour divided by the mean distance: near 1 in many dimensions",
            "share",
            _NO_COLUMN,
        ),
        "duplicate_rows_fraction": ("Share of 500 rows with an equal one among them", "share", _NO_COLUMN),
    },
)
def nearest_neighbours(sample: Sample) -> dict[str, float]:
    """Return how well near rows predict each other, on at most 500 rows of the encoded columns."""
    if not len(sample.design):
        return {}
    rows = sample.few
    lines = sample.design.read(rows)
    squares, ones = np.vecdot(lines.T, lines.T), np.ones(len(rows))
    equal = 1e-12 * (squares.mean() + 1e-300)
    lines = np.vstack([lines, squares, ones])
    total, nearest, scores = 0.0, np.empty(len(rows)), np.empty(len(rows))
    for some in line_blocks((len(rows), len(rows))):
        distances = np.vstack([-2 * lines[:-2, some], ones[some], squares[some]]).T @ lines  # squared
        np.abs(distances, out=distances)  # rounding may leave a little below zero
        own = np.arange(len(distances)), np.arange(len(rows))[some]
        distances[own] = np.inf
        nearest[some] = distances.min(axis=1)
        scores[some] = _of_neighbours(distances, np.maximum(nearest[some], equal), sample, rows, some)
        distances[own] = 0.0
        total += np.sqrt(distances, out=distances).sum()
    nearest = np.sqrt(np.where(nearest > equal, nearest, 0.0))
    everyday = total / (len(rows) * (len(rows) - 1))
    if sample.is_classification:
        score = rescaled_accuracy(sample.groups[rows], scores)
    else:
        y = sample.responses[0, rows]
        score = max(1 - np.sum((y - scores) ** 2) / max(np.sum((y - y.mean()) ** 2), 1e-300), -1.0)
    return {
        "one_nn_score": score,
        "nn_distance_ratio": np.median(nearest) / everyday if everyday > 0 else np.nan,
        "duplicate_rows_fraction": np.mean(nearest == 0),
    }


def _of_neighbours(
    distances: Matrix, nearest: Matrix, sample: Sample, rows: npt.NDArray[np.intp], some: slice
) -> Matrix:
    """Return the share of the nearest rows that have a row's class, or the mean target of the five nearest."""
    reach = nearest
    if not sample.is_classification:
        reach = np.partition(distances, _NEIGHBOURS - 1, axis=1)[:, _NEIGHBOURS - 1]
        reach = np.maximum(reach, nearest)
    near = distances <= (reach * (1 + 2e-9))[:, None]  # of equally near rows all count
    one, other = np.divmod(np.flatnonzero(near), len(rows))
    truth = sample.groups[rows] if sample.is_classification else sample.responses[0, rows]
    said = truth[other] == truth[some][one] if sample.is_classification else truth[other]
    return np.bincount(one, said) / np.bincount(one)


def rescaled_accuracy(truth: npt.NDArray[np.integer], hits: npt.NDArray[Any]) -> float:
    """Return the balanced accuracy, rescaled so that chance is 0 and perfect is 1."""
    counts = np.bincount(truth)
    right = np.bincount(truth, weights=hits)
    present = counts > 0
    if present.sum() < 2:  # noqa: PLR2004
        return np.nan
    chance = 1 / present.sum()
    return float((mean(right[present] / counts[present]) - chance) / (1 - chance))
