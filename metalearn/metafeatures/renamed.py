"""Former names of meta-features: what was stored under one is read under the name of today."""

from collections.abc import Mapping
from typing import TypeVar

__all__ = ["RENAMED", "current"]

Value = TypeVar("Value")

RENAMED: Mapping[str, str] = {
    **{
        f"share_{part}": f"{part}_fraction"
        for part in (
            *("binary", "boolean", "categorical", "columns_missing", "constant", "correlated", "datetime"),
            *("duplicate_rows", "informative", "integer", "majority", "many_levels", "minority", "missing", "negative"),
            *("normal", "numeric", "redundant", "rows_missing", "text", "zero"),
        )
    },
    **{f"target_{part}_share": f"target_{part}_fraction" for part in ("distinct", "mode", "outlier", "zero")},
    **{f"target_correlation_{part}": f"column_r2_{part}" for part in ("max", "mean", "top3")},
    "max_share_missing": "missing_fraction_max",
    "neighbour_distance_ratio": "nn_distance_ratio",
    "neighbour_score": "one_nn_score",
    "noise_to_signal": "log_noise_to_signal",
    "pca_first_share": "pca_first_fraction",
    "pca_top3_share": "pca_top3_fraction",
    "share_columns_outliers": "columns_outlier_fraction",
    "share_distinct_mean": "distinct_fraction_mean",
    "share_outliers": "outlier_fraction",
    "stump_score": "stump_train_score",
}


def current(found: Mapping[str, Value]) -> dict[str, Value]:
    """Return a mapping under the names of today; a value that already has one goes before a former one."""
    renamed = {RENAMED[name]: value for name, value in found.items() if name in RENAMED}
    return renamed | {name: value for name, value in found.items() if name not in RENAMED}
