"""What columns say about the target: one by one, linearly together, and through neighbours."""

from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.columns import adjusted_r2
from metalearn.metafeatures.sample import Sample
from metalearn.metafeatures.simple import entropy, mean

__all__ = ["information", "linear_fit", "nearest_neighbours", "rescaled_accuracy", "single_columns"]

_NO_COLUMN = "no column that varies"
_SHRINKAGES = (1e-4, 1e-2, 1.0)
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
        "share_informative": (
            "Share of columns whose mutual information is above the noise (G test, 0.1 %)",
            "share",
            "all columns hold text",
        ),
        "log_equivalent_columns": (
            "Natural logarithm of the target's entropy divided by the mean mutual information, at most log(1e4)",
            "log",
            "all columns hold text",
        ),
        "noise_to_signal": (
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
    """Return the mutual information of binned columns with the target.

    Parameters
    ----------
    sample : Sample
        The table.

    Returns
    -------
    dict of str to float
        Values by name; those that are not applicable may be absent.
    """
    if not len(sample.bins):
        return {}
    joint = sample.joint / sample.n_rows
    by_bin, by_group = joint.sum(axis=2), joint[0].sum(axis=0)
    bits = float(entropy(by_group))
    own = entropy(by_bin)
    raw = own + bits - entropy(joint.reshape(len(joint), -1))
    freedom = ((by_bin > 0).sum(axis=1) - 1) * (np.sum(by_group > 0) - 1)
    shared = np.clip((raw - freedom / (2 * sample.n_rows * np.log(2))) / bits, 0.0, 1.0)
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
        "share_informative": np.mean((normal > 3.09) & (freedom > 0)),  # noqa: PLR2004
        "log_equivalent_columns": np.log(min(bits / max(signal, 1e-12), 1e4)),
        "noise_to_signal": np.log(np.clip(noise / max(signal, 1e-12), 1e-4, 1e4)),
    }


@meta_features(
    group="association",
    tier="cheap",
    reference="Lorena et al., Data complexity meta-features for regression problems, Machine Learning 2018 (C1, C2)",
    names={
        "target_correlation_max": (
            (
                "Largest share of the target's variance (in classification: of the classes' indicators) that one encoded "
                "column explains linearly, adjusted"
            ),
            "share",
            _NO_COLUMN,
        ),
        "target_correlation_top3": ("Mean of the three largest", "share", _NO_COLUMN),
        "target_correlation_mean": ("Mean over the encoded columns", "share", _NO_COLUMN),
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
        "stump_score": (
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
    """Return what single columns explain of the target's variance.

    Parameters
    ----------
    sample : Sample
        The table.

    Returns
    -------
    dict of str to float
        Values by name; those that are not applicable may be absent.
    """
    if not len(sample.bins):
        return {}
    bin_r2 = sample.bin_r2
    found = {"bin_r2_max": bin_r2.max(), "bin_r2_mean": bin_r2.mean(), "stump_score": bin_r2.max()}
    if sample.is_classification:
        joint = sample.joint
        counts = joint[0].sum(axis=0)
        share, n_groups = np.maximum(counts, 1) / sample.n_rows, np.sum(counts > 0)
        balanced = (joint / share).max(axis=2).sum(axis=1).max() / (sample.n_rows * n_groups)
        found["stump_score"] = max((balanced - 1 / n_groups) / (1 - 1 / n_groups), 0.0)
    if len(sample.design):
        ordered = np.sort(sample.line_r2)[::-1]
        found["target_correlation_max"] = ordered[0]
        found["target_correlation_top3"] = ordered[:3].mean()
        found["target_correlation_mean"] = ordered.mean()
    numbers = sample.quantities.standardised[sample.quantities.varies]
    if len(numbers):
        gain = bin_r2[: len(sample.quantities.values)][sample.quantities.varies] - adjusted_r2(
            numbers, sample.responses
        )
        found["nonlinearity_max"] = max(gain.max(), 0.0)
    return found


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
    """Return how much all columns explain linearly together, by closed-form leave-one-out errors.

    Parameters
    ----------
    sample : Sample
        The table.

    Returns
    -------
    dict of str to float
        Values by name; those that are not applicable may be absent.
    """
    design, responses = sample.design, sample.responses
    if not len(design):
        return {}
    variances, directions = sample.components
    keep = variances > 1e-10 * variances[0]
    scores = directions[:, keep].T @ design / np.sqrt(variances[keep] * sample.n_rows)[:, None]
    r2, predicted = _leave_one_out(scores, variances[keep], responses)
    strength = np.square(design @ responses.T).sum(axis=1)
    best = np.sort(np.argsort(-strength, kind="stable")[:_INTERACTING])
    chosen = design[best]
    first, second = np.triu_indices(len(chosen))
    products = np.clip(chosen[first], -3, 3) * np.clip(chosen[second], -3, 3)
    plain, curved = (_fit(np.vstack(lines), responses) for lines in ([chosen], [chosen, products]))
    return {
        "linear_r2": r2,
        "linear_score": rescaled_accuracy(sample.groups, _decide(predicted, sample) == sample.groups)
        if sample.is_classification
        else r2,
        "linear_gain": r2 - sample.line_r2.max(),
        "interaction_gain": curved - plain,
    }


def _fit(lines: npt.NDArray[np.float64], responses: npt.NDArray[np.float64]) -> float:
    centred = lines - lines.mean(axis=1, keepdims=True)
    variances, directions = np.linalg.eigh(centred @ centred.T / lines.shape[1])
    keep = variances > 1e-9 * variances[-1]
    scores = directions[:, keep].T @ centred / np.sqrt(variances[keep] * lines.shape[1])[:, None]
    return _leave_one_out(scores, variances[keep], responses)[0]


def _leave_one_out(
    scores: npt.NDArray[np.float64], variances: npt.NDArray[np.float64], responses: npt.NDArray[np.float64]
) -> tuple[float, npt.NDArray[np.float64]]:
    """Return the best leave-one-out R2 over a few shrinkages, and its predictions."""
    n = scores.shape[1]
    weights, squares = scores @ responses.T, scores**2
    total = np.sum(responses**2) * (n / (n - 1)) ** 2
    best, predicted = -np.inf, np.zeros_like(responses)
    for shrinkage in _SHRINKAGES:
        kept = variances / (variances + shrinkage)
        leverage = np.minimum(kept @ squares + 1 / n, 1 - 1e-6)
        errors = (responses - (weights * kept[:, None]).T @ scores) / (1 - leverage)
        r2 = 1 - np.sum(errors**2) / total
        if r2 > best:
            best, predicted = r2, responses - errors
    return max(float(best), -1.0), predicted


def _decide(predicted: npt.NDArray[np.float64], sample: Sample) -> npt.NDArray[np.intp]:
    """Choose the class whose indicator rises most above its prior, in units of the prior."""
    share = np.bincount(sample.groups) / sample.n_rows
    return np.asarray(np.argmax(predicted / np.maximum(share, 1e-12)[:, None], axis=0), dtype=np.intp)


@meta_features(
    group="association",
    tier="cheap",
    reference="Pfahringer, Bensusan, Giraud-Carrier, Meta-learning by landmarking various learning algorithms, ICML 2000",
    names={
        "neighbour_score": (
            (
                "Leave-one-out balanced accuracy of the nearest neighbour on 500 rows, rescaled to 0 for chance and 1 for "
                "perfect; in regression the R2 of five neighbours"
            ),
            "score",
            _NO_COLUMN,
        ),
        "neighbour_distance_ratio": (
            "Median distance to the nearest neighbour divided by the mean distance: near 1 in many dimensions",
            "share",
            _NO_COLUMN,
        ),
        "share_duplicate_rows": ("Share of 500 rows with an equal one among them", "share", _NO_COLUMN),
    },
)
def nearest_neighbours(sample: Sample) -> dict[str, float]:
    """Return how well near rows predict each other, on at most 500 rows of the encoded columns.

    Parameters
    ----------
    sample : Sample
        The table.

    Returns
    -------
    dict of str to float
        Values by name; those that are not applicable may be absent.
    """
    rows = sample.few
    lines = sample.design[:, rows]
    if not len(lines):
        return {}
    squares = np.einsum("ij,ij->j", lines, lines)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * lines.T @ lines, 0.0))
    distances[distances < 1e-6 * np.sqrt(squares.mean() + 1e-300)] = 0.0
    everyday = distances.sum() / (len(rows) * (len(rows) - 1))
    np.fill_diagonal(distances, np.inf)
    count = 1 if sample.is_classification else _NEIGHBOURS
    reach = np.partition(distances, count - 1, axis=1)[:, count - 1] if count > 1 else distances.min(axis=1)
    near = distances <= (reach * (1 + 1e-9))[:, None]  # of equally near rows all count
    if sample.is_classification:
        groups = sample.groups[rows]
        score = rescaled_accuracy(groups, (near & (groups[:, None] == groups)).sum(axis=1) / near.sum(axis=1))
    else:
        y = sample.responses[0, rows]
        errors = y - near @ y / near.sum(axis=1)
        score = max(1 - np.sum(errors**2) / max(np.sum((y - y.mean()) ** 2), 1e-300), -1.0)
    nearest = distances.min(axis=1)
    return {
        "neighbour_score": score,
        "neighbour_distance_ratio": np.median(nearest) / everyday if everyday > 0 else np.nan,
        "share_duplicate_rows": np.mean(nearest == 0),
    }


def rescaled_accuracy(truth: npt.NDArray[np.integer], hits: npt.NDArray[Any]) -> float:
    """Return the balanced accuracy, rescaled so that chance is 0 and perfect is 1.

    Parameters
    ----------
    truth : ndarray of int, shape (n_rows,)
        Class codes.
    hits : ndarray of bool or float, shape (n_rows,)
        Whether, or with what probability, a row is predicted rightly.

    Returns
    -------
    float
        NaN if there is a single class.
    """
    counts = np.bincount(truth)
    right = np.bincount(truth, weights=hits)
    present = counts > 0
    if present.sum() < 2:  # noqa: PLR2004
        return np.nan
    chance = 1 / present.sum()
    return float((mean(right[present] / counts[present]) - chance) / (1 - chance))
