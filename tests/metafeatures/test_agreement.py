"""Agreement with pymfe 0.4.4 on 30 real tables; what differs by design is listed in the README of the package."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metalearn.dataset import Dataset
from metalearn.metafeatures import simple
from metalearn.metafeatures.extended import classical, complexity, discriminant, entropies, model_based
from metalearn.metafeatures.sample import Sample

from .real_tables import NAMES, load, numeric_columns

VALUES = json.loads(Path(__file__).with_name("pymfe_values.json").read_text(encoding="utf-8"))


def _both(names: dict[str, str] | tuple[str, ...], ours: dict[str, str] | None = None) -> dict[str, str]:
    ours = ours or {}
    return {f"{name}.{summary}": f"{ours.get(name, name)}_{summary}" for name in names for summary in ("mean", "sd")}


ANY_TABLE = {
    "attr_to_inst": "attr_to_inst",
    "inst_to_attr": "inst_to_attr",
    "cat_to_num": "cat_to_num",
    "num_to_cat": "num_to_cat",
    "nr_attr": "n_features",
    "nr_inst": "n_rows",
    "nr_cat": "n_categorical",
    "nr_num": "n_numeric",
    "nr_class": "n_classes",
    "nr_bin": "n_binary",
    "class_ent": "class_entropy",
    "eq_num_attr": "eq_num_attr",
    "ns_ratio": "ns_ratio",
    **_both(("freq_class", "attr_ent", "class_conc", "joint_ent", "mut_inf")),
}
SMALL_PAIRS = _both(("attr_conc",))
COLUMN_BY_COLUMN = {
    **_both(("iq_range", "mad", "max", "mean", "median", "min", "range", "sd", "t_mean", "var")),
    **_both(("sparsity",), {"sparsity": "attr_sparsity"}),
    "nr_outliers": "nr_outliers",
    "gravity": "gravity",
    "nr_disc": "nr_disc",
    "c1": "class_balance",
    "c2": "class_imbalance",
    "t2": "t2",
    "t3": "t3",
    "t4": "t4",
}
NO_CONSTANT = {
    **_both(("cor", "cov", "eigenvalues")),
    **_both(("skewness", "kurtosis"), {"skewness": "skewness_b1", "kurtosis": "kurtosis_b2"}),
    "nr_cor_attr": "nr_cor_attr",
    "nr_norm": "nr_norm",
    "f1.mean": "f1_mean",
}
NO_NEGATIVE = _both(("g_mean", "h_mean"))
FEW_CLASSES = {"f2.mean": "f2_mean", "f3.mean": "f3_mean", "f4.mean": "f4_mean"}
TREE = {
    "leaves": "tree_leaves",
    "nodes": "tree_nodes",
    "nodes_per_attr": "tree_nodes_per_attr",
    "nodes_per_inst": "tree_nodes_per_inst",
    **_both(
        ("tree_depth", "leaves_branch", "leaves_corrob", "leaves_homo", "leaves_per_class", "nodes_per_level",
         "nodes_repeated", "tree_shape", "tree_imbalance", "var_importance"),
        {"leaves_branch": "tree_leaves_branch", "leaves_corrob": "tree_leaves_corrob", "leaves_homo": "tree_leaves_homo",
         "leaves_per_class": "tree_leaves_per_class", "nodes_per_level": "tree_nodes_per_level",
         "nodes_repeated": "tree_nodes_repeated", "var_importance": "tree_importance"},
    ),
}  # fmt: skip
CANONICAL = {
    **_both(("can_cor",)),
    "p_trace": "p_trace",
    "w_lambda": "w_lambda",
    "lh_trace": "lh_trace",
    "roy_root": "roy_root",
}
NEIGHBOURS = {"n3.mean": "n3", "lsc": "lsc", "n1": "n1"}
DISTINCT_ROWS = {"n2.mean": "n2_mean"}


def _values(X: Any, y: Any, *functions: Any) -> dict[str, float]:
    data = Dataset.from_data(X, y, problem_type="multiclass")
    sample = Sample(data)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: value for function in functions for name, value in function(sample).items()}


def _compare(name: str, found: Any, names: dict[str, str] | tuple[str, ...], *, tolerance: float = 1e-6) -> None:
    expected = {theirs: VALUES[name][theirs] for theirs in names}
    for theirs, value in expected.items():
        ours = float(found[names[theirs]])
        if value is None:
            assert np.isnan(ours), theirs
        else:
            assert ours == pytest.approx(value, rel=tolerance, abs=1e-9), theirs


@pytest.mark.parametrize("name", NAMES)
def test_counts_and_entropies_agree_on_numeric_and_mixed_tables(name: str) -> None:
    X, y = load(name)
    found = _values(
        X, y, simple.sizes, simple.kinds, simple.class_distribution, classical.counts, entropies.discretised_information
    )
    _compare(name, found, ANY_TABLE)
    if X.shape[1] <= 12:  # of more columns a random dozen is compared
        _compare(name, found, SMALL_PAIRS)


@pytest.mark.parametrize("name", [name for name in NAMES if "mad.mean" in VALUES[name]])
def test_statistics_agree_on_numeric_columns(name: str) -> None:
    X, y = load(name)
    X = X.iloc[:, numeric_columns(X)]
    constant, negative = (X.nunique() <= 1).any(), (X.min() < 0).any()
    found = _values(
        X, y, simple.class_distribution, classical.counts, classical.column_statistics, classical.pairs,
        discriminant.canonical_correlations, discriminant.class_geometry, complexity.dimensionality,
        complexity.feature_overlap,
    )  # fmt: skip
    _compare(name, found, COLUMN_BY_COLUMN)
    _compare(name, found, CANONICAL, tolerance=1e-3)  # theirs are iterated to a tolerance of 1e-6
    if not constant:
        _compare(name, found, NO_CONSTANT)
        if len(set(y)) <= 10:
            _compare(name, found, FEW_CLASSES)
    if not negative:
        _compare(name, found, NO_NEGATIVE)


@pytest.mark.parametrize("name", [name for name in NAMES if "mad.mean" in VALUES[name]])
def test_trees_and_neighbours_agree_on_numeric_columns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = load(name)
    X = X.iloc[:, numeric_columns(X)]
    monkeypatch.setattr(model_based, "MAX_TREE_ROWS", len(X))
    if (X.nunique() > 1).all():
        _compare(name, _values(X, y, model_based.tree_shape), TREE)
    if len(X) <= complexity.MAX_NEIGHBOUR_ROWS and not X.duplicated().any():
        found = _values(X, y, complexity.neighbourhoods)
        _compare(name, found, DISTINCT_ROWS, tolerance=1e-4)  # theirs in single precision
        _compare(name, found, NEIGHBOURS, tolerance=0.02)


def test_at_least_25_tables_are_compared() -> None:
    assert len(VALUES) >= 25
    assert (
        len(ANY_TABLE | SMALL_PAIRS | COLUMN_BY_COLUMN | NO_CONSTANT | NO_NEGATIVE | FEW_CLASSES | TREE | CANONICAL)
        >= 95
    )
