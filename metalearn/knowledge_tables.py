"""The four tables of a knowledge base: their columns, and how they are joined and freed of repeats."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from metalearn.exceptions import InvalidInputError

__all__ = [
    "CONFIGURATION_COLUMNS",
    "COUNTS",
    "EVALUATION_COLUMNS",
    "EVALUATION_KEY",
    "META_FEATURE_COLUMNS",
    "MOST",
    "NUMBERS",
    "RECORD_COLUMNS",
    "TABLES",
    "TASK_COLUMNS",
    "categories",
    "check_counts",
    "join_tables",
    "normalise",
    "same_data",
]

TASK_COLUMNS = (
    "task_id",
    "problem_type",
    "dataset_id",
    "name",
    "family",
    "fingerprint",
    "n_rows",
    "n_features",
    "n_classes",
    "n_rows_used",
    "source",
    "licence",
    "note",
    "predecessor",
)
CONFIGURATION_COLUMNS = ("configuration_id", "model", "params")
META_FEATURE_COLUMNS = ("task_id", "name", "value", "seconds")
EVALUATION_COLUMNS = (
    "task_id",
    "configuration_id",
    "metric",
    "fold",
    "value",
    "fit_seconds",
    "predict_seconds",
    "status",
    "message",
    "versions",
)
TABLES = ("tasks", "meta_features", "configurations", "evaluations")
EVALUATION_KEY = ["task_id", "configuration_id", "metric", "fold"]
RECORD_COLUMNS = ("recorded_by", "recorded_with", "recorded_at")
"""Who brought a record, with which tool, and when: the last columns of tasks, meta-features and evaluations."""

COUNTS = ("n_rows", "n_features", "n_classes", "n_rows_used", "fold")
"""The columns of whole numbers."""

NUMBERS = (*COUNTS, "value", "seconds", "fit_seconds", "predict_seconds")
"""The columns of numbers; all others hold text."""

MOST: dict[str, int] = {**dict.fromkeys(COUNTS, 10**12), "fold": 32_767}
"""The largest count of each column, alike in all stores: what its type in memory and in every database can hold."""

_IDENTITY = ["fingerprint", "problem_type", "n_rows_used"]
_RECORD_TYPES: dict[str, Any] = dict.fromkeys(RECORD_COLUMNS, "category")
_MEASURED: dict[str, Any] = {
    "task_id": "category",
    "name": "category",
    "value": float,
    "seconds": float,
    **_RECORD_TYPES,
}
_COMPACT: dict[str, Any] = {
    "task_id": "category",
    "configuration_id": "category",
    "metric": "category",
    "fold": "int16",
    "value": "float64",
    "fit_seconds": "float32",
    "predict_seconds": "float32",
    "status": "category",
    "message": "category",
    "versions": "category",
    **_RECORD_TYPES,
}


def categories(codes: npt.NDArray[Any], texts: Sequence[str]) -> "pd.Categorical[Any]":
    """Return a column of texts from the positions of its texts."""
    return pd.Categorical.from_codes(codes, pd.Index(texts))


def normalise(
    tasks: pd.DataFrame, meta_features: pd.DataFrame, configurations: pd.DataFrame, evaluations: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Bring the tables into compact types, without repeats; of repeated rows the last one counts."""
    if "predecessor" not in tasks:
        tasks = tasks.assign(predecessor="")
    tasks, meta_features, evaluations = (_recorded(t) for t in (tasks, meta_features, evaluations))
    check_counts(evaluations, ["fold"], least=-MOST["fold"])  # negative ones are found by validate
    tasks = tasks.drop_duplicates("task_id", keep="last")
    same = same_data(tasks)
    if same:
        tasks = tasks[~tasks["task_id"].isin(list(same))].replace({"predecessor": same})
        meta_features = meta_features.assign(task_id=_renamed(meta_features["task_id"], same))
        evaluations = evaluations.assign(task_id=_renamed(evaluations["task_id"], same))
    return (
        tasks.reset_index(drop=True).astype(_RECORD_TYPES),
        meta_features.drop_duplicates(["task_id", "name"], keep="last").reset_index(drop=True).astype(_MEASURED),
        configurations.drop_duplicates("configuration_id", keep="last").reset_index(drop=True),
        evaluations.drop_duplicates(EVALUATION_KEY, keep="last").reset_index(drop=True).astype(_COMPACT),
    )


def check_counts(table: pd.DataFrame, names: Sequence[str], *, least: int = 0) -> None:
    """Refuse values that are no whole numbers within the bounds of their columns."""
    for name in names:
        column = table[name]
        number = column.dtype.kind in "iuf"
        wrong = column[~(column.between(least, MOST[name]) & (column == column.round()))] if number else column
        if len(wrong):
            message = (
                f"A value of {name} is {str(wrong.iloc[0])[:40]}, which is no count that can be kept. "
                f"Expected whole numbers from 0 to {MOST[name]}. Correct it."
            )
            raise InvalidInputError(message)


def _recorded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with all columns that say who recorded what; unknown is an empty string."""
    absent = [name for name in RECORD_COLUMNS if name not in table]
    return table.assign(**dict.fromkeys(absent, categories(np.zeros(len(table), np.int8), [""]))) if absent else table


def same_data(tasks: pd.DataFrame) -> dict[str, str]:
    """Find tasks on the same data."""
    known = tasks[tasks["fingerprint"] != ""]
    if not known.duplicated(_IDENTITY).any():
        return {}
    first = known.groupby(_IDENTITY, sort=False)["task_id"].transform("first")
    return {old: new for old, new in zip(known["task_id"], first, strict=True) if old != new}


def _renamed(ids: "pd.Series[Any]", new_by_old: Mapping[str, str]) -> "pd.Series[Any]":
    """Return task ids with some of them replaced."""
    as_category = ids.astype("category")
    replaced = [new_by_old.get(name, name) for name in as_category.cat.categories]
    return pd.Series(pd.Index(replaced).take(as_category.cat.codes.to_numpy()), index=ids.index).astype("category")


def join_tables(mine: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of two tables of the same kind; columns of categories stay such."""
    if not len(theirs) or not len(mine):
        return theirs if len(theirs) else mine
    mine, theirs = ((_recorded(t) if "task_id" in t else t) for t in (mine, theirs))
    columns = {}
    for name in mine.columns:
        pair = [mine[name], theirs[name]]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in pair):
            texts = [column.cat.set_categories(column.cat.categories.astype(str)) for column in pair]
            columns[name] = pd.Series(union_categoricals(texts))
        else:
            columns[name] = pd.concat([_plain(column) for column in pair], ignore_index=True)
    return pd.DataFrame(columns)


def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column without a category type."""
    return column.astype(str) if isinstance(column.dtype, pd.CategoricalDtype) else column
