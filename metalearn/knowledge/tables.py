"""Tables of a knowledge base: joined, freed of repeats, and brought into compact types."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from metalearn.exceptions import InvalidInputError
from metalearn.knowledge.schema import CONFIGURATIONS, EVALUATIONS, META_FEATURES, PROVENANCE, TASKS
from metalearn.metafeatures.renamed import RENAMED

__all__ = ["categories", "check_counts", "join_tables", "normalise", "same_data", "under_current_names"]

_IDENTITY = ["fingerprint", "problem_type", "n_rows_used"]


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
    check_counts(
        evaluations, EVALUATIONS.counts, least=-EVALUATIONS.counts["fold"]
    )  # negative ones are found by validate
    tasks = tasks.drop_duplicates(TASKS.key, keep="last")
    meta_features = under_current_names(meta_features)
    same = same_data(tasks)
    if same:
        tasks = tasks[~tasks["task_id"].isin(list(same))].replace({"predecessor": same})
        meta_features = meta_features.assign(task_id=_renamed(meta_features["task_id"], same))
        evaluations = evaluations.assign(task_id=_renamed(evaluations["task_id"], same))
    pairs = zip(
        (TASKS, META_FEATURES, CONFIGURATIONS, EVALUATIONS),
        (tasks, meta_features, configurations, evaluations),
        strict=True,
    )
    found = [t.drop_duplicates(s.key, keep="last").reset_index(drop=True).astype(s.compact) for s, t in pairs]
    return found[0], found[1], found[2], found[3]


def check_counts(table: pd.DataFrame, largest: Mapping[str, int], *, least: int = 0) -> None:
    """Refuse values that are no whole numbers within the bounds of their columns."""
    for name, most in largest.items():
        column = table[name]
        number = column.dtype.kind in "iuf"
        wrong = column[~(column.between(least, most) & (column == column.round()))] if number else column
        if len(wrong):
            message = (
                f"A value of {name} is {str(wrong.iloc[0])[:40]}, which is no count that can be kept. "
                f"Expected whole numbers from 0 to {most}. Correct it."
            )
            raise InvalidInputError(message)


def _recorded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with all columns that say who recorded what; unknown is an empty string."""
    absent = [name for name in PROVENANCE if name not in table]
    return table.assign(**dict.fromkeys(absent, categories(np.zeros(len(table), np.int8), [""]))) if absent else table


def same_data(tasks: pd.DataFrame) -> dict[str, str]:
    """Find tasks on the same data."""
    known = tasks[tasks["fingerprint"] != ""]
    if not known.duplicated(_IDENTITY).any():
        return {}
    first = known.groupby(_IDENTITY, sort=False)["task_id"].transform("first")
    return {old: new for old, new in zip(known["task_id"], first, strict=True) if old != new}


def under_current_names(meta_features: pd.DataFrame) -> pd.DataFrame:
    """Return meta-features of which none stands under a name that it has no more."""
    names = meta_features["name"]
    renamed = _renamed(names, RENAMED)
    return meta_features if renamed is names else meta_features.assign(name=renamed)


def _renamed(ids: "pd.Series[Any]", new_by_old: Mapping[str, str]) -> "pd.Series[Any]":
    """Return a column of texts with some of them replaced."""
    as_category = ids.astype("category")
    if not any(name in new_by_old for name in as_category.cat.categories):
        return ids
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
            columns[name] = pd.concat([_without_categories(column) for column in pair], ignore_index=True)
    return pd.DataFrame(columns)


def _without_categories(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column without a category type."""
    return column.astype(str) if isinstance(column.dtype, pd.CategoricalDtype) else column
