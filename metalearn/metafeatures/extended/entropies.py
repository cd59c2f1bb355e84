"""Entropies, concentrations and mutual information as the literature lists them, on discretised columns."""

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.blocks import line_blocks
from metalearn.metafeatures.columns import Codes, table_of
from metalearn.metafeatures.extended.classical import summaries, two
from metalearn.metafeatures.sample import Sample
from metalearn.metafeatures.simple import entropy

__all__ = ["discretised_information"]

_REGRESSION = "regression, or all columns hold text"
_MAX_PAIRED = 12
_MAX_LEVELS_PAIRED = 300
_EPSILON = 1e-8


def discretised(sample: Sample) -> Codes:
    """Return all columns as codes: levels, and numbers in bins of equal frequency, the cube root of n in number."""
    moments = sample.quantities
    n_bins = max(int(sample.n_rows ** (1 / 3)), 1)
    edges = np.stack([moments.quantile(share) for share in np.linspace(0, 1, n_bins + 1)[1:]], axis=1)
    kept = np.diff(edges, axis=1, prepend=-np.inf) > _EPSILON
    codes = np.zeros(moments.values.shape, dtype=np.int64)
    for lines in line_blocks(codes.shape):
        for edge, keep in zip(edges[lines].T, kept[lines].T, strict=True):
            codes[lines] += (moments.values[lines] > edge[:, None]) & keep[:, None]
    codes[~moments.present] = n_bins + 1
    return np.vstack([codes, sample.levels + 1])


@meta_features(
    group="information",
    tier="all",
    reference="Michie, Spiegelhalter, Taylor, Machine Learning, Neural and Statistical Classification, 1994",
    names={
        **two({"attr_ent": ("entropies of the columns", "bits")}, "all columns hold text"),
        **two(
            {"attr_conc": ("concentration coefficients between columns (of 12 at most)", "share")}, "a single column"
        ),
        **two({"class_conc": ("concentration coefficients between column and class", "share")}, _REGRESSION),
        **two({"joint_ent": ("joint entropies of column and class", "bits")}, _REGRESSION),
        **two({"mut_inf": ("mutual information of column and class", "bits")}, _REGRESSION),
        "eq_num_attr": ("Entropy of the class divided by the mean mutual information", "columns", _REGRESSION),
        "ns_ratio": ("Noise: entropy that is not mutual information, divided by the latter", "ratio", _REGRESSION),
    },
)
def discretised_information(sample: Sample) -> dict[str, float]:
    """Return what discretised columns say about each other and about the class, without bias correction."""
    codes = discretised(sample)
    if not len(codes):
        return {}
    n = sample.n_rows
    counts = table_of(codes, None)
    own = entropy(counts / n)
    found = {**summaries("attr_ent", own), **summaries("attr_conc", _concentrations(codes, sample.random_state))}
    if not sample.is_classification:
        return found
    classes, size = sample.groups, int(sample.groups.max()) + 1
    joint = table_of(codes * size + classes, None, counts.shape[1] * size).reshape(len(codes), -1, size)
    by_class = joint[0].sum(axis=0)
    # only combinations of levels and classes that both occur count as cells
    cells = np.where((counts > 0)[:, :, None] & (by_class > 0), joint / n + _EPSILON, 0.0)
    joint_entropy = entropy(cells.reshape(len(codes), -1))
    bits = float(entropy(by_class / n))
    shared = own + bits - joint_entropy
    return {
        **found,
        **summaries("class_conc", np.array([_concentration(table[table.sum(axis=1) > 0]) for table in cells])),
        **summaries("joint_ent", joint_entropy),
        **summaries("mut_inf", shared),
        "eq_num_attr": len(codes) * bits / shared.sum(),
        "ns_ratio": (own.sum() - shared.sum()) / shared.sum(),
    }


def _concentration(table: npt.NDArray[np.float64]) -> float:
    """Return Goodman and Kruskal's tau of the lines of a table given its columns."""
    columns = table.sum(axis=0)
    table, columns = table[:, columns > 0], columns[columns > 0]
    squares = np.sum(table.sum(axis=1) ** 2)
    return float((np.sum(table**2 / columns) - squares) / (1 - squares))


def _concentrations(codes: Codes, random_state: int) -> npt.NDArray[np.float64]:
    """Return the concentration coefficients of all ordered pairs of at most 12 columns of at most 300 levels."""
    chosen = np.flatnonzero((table_of(codes, None) > 0).sum(axis=1) <= _MAX_LEVELS_PAIRED)
    if len(chosen) > _MAX_PAIRED:
        chosen = np.sort(np.random.default_rng(random_state).choice(chosen, _MAX_PAIRED, replace=False))
    levels = [np.unique(codes[line], return_inverse=True)[1] for line in chosen]
    widths = [int(line.max()) + 1 for line in levels]
    found = []
    for first in range(len(levels)):
        for second in range(len(levels)):
            if first != second:
                size = widths[first] * widths[second]
                table = np.bincount(levels[first] * widths[second] + levels[second], minlength=size)
                found.append(_concentration(table.reshape(widths[first], -1) / codes.shape[1] + _EPSILON))
    return np.array(found)
