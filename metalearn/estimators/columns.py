"""Tell whether a new table has the columns that a model was fitted on, holding what they held then."""

import warnings
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from metalearn.exceptions import InvalidInputError
from metalearn.table.amounts import POINT, as_numbers
from metalearn.table.intake import as_frame, label_name
from metalearn.table.schema import ColumnKind, is_date_text

__all__ = ["EMPTY", "check_values", "note_unseen", "select_columns", "without_surplus"]

EMPTY = "empty"
"""Kind of a column that held nothing in fitting, so that no model looks at it."""

_SHOWN = 5

_FEW_VALUES = 5
"""Fewer new categories than this are no reason for a warning."""


def without_surplus(X: Any, kinds: Mapping[str, str]) -> Any:
    """Return a table without the columns that a model does not know, if it has all others."""
    if np.ndim(X) < 2:  # noqa: PLR2004
        return X
    frame = as_frame(X)
    return frame[[name for name in frame.columns if name in kinds]] if set(kinds) < set(frame.columns) else X


def note_unseen(frame: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> None:
    """Warn of columns of categories none of which was there in fitting."""
    present = {name: frame[name].dropna() for name in levels if name in frame.columns}
    unseen = [
        name
        for name, values in present.items()
        if len(values) >= _FEW_VALUES and not set(levels[name]) & set(map(label_name, values.unique()))
    ]
    if unseen:
        message = (
            f"No category in {unseen[:_SHOWN]} was there when the model was fitted, so that these columns tell it nothing. "
            "Expected some of the same. Check how they are written."
        )
        warnings.warn(message, UserWarning, stacklevel=4)


def select_columns(
    frame: pd.DataFrame, kinds: Mapping[str, str], formats: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns that a model needs, in its order."""
    if not len(frame):
        message = "The table has no rows. Expected some to predict. Check the file."
        raise InvalidInputError(message)
    named = as_frame(frame)
    absent = [name for name in kinds if name not in named.columns]
    surplus = [name for name in named.columns if name not in kinds]
    if absent:
        near = get_close_matches(absent[0], surplus, n=1)
        hint = f" Is {near[0]!r} the column {absent[0]!r}? Rename it." if near else " Add them."
        message = (
            f"The table lacks {len(absent)} of {len(kinds)} columns that the model was fitted on: {absent[:_SHOWN]}. "
            f"It has {list(named.columns)[:_SHOWN]}.{hint}"
        )
        raise InvalidInputError(message)
    chosen = named[list(kinds)]
    check_values(chosen, kinds, formats)
    return chosen, surplus


def check_values(frame: pd.DataFrame, kinds: Mapping[str, str], formats: Mapping[str, str] | None = None) -> None:
    """Check that columns of numbers and dates still hold numbers and dates."""
    for name, dtype in frame.dtypes.items():
        kind = kinds[str(name)]
        plain = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype)
        dates = pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype)
        if kind in (ColumnKind.NUMERIC, ColumnKind.BOOLEAN) and not plain:
            _refuse(
                frame[name], dates or np.isnan(as_numbers(frame[name], (formats or {}).get(str(name), POINT))), kind
            )
        elif kind == ColumnKind.DATETIME and not dates:
            unreadable = plain or ~_as_objects(frame[name]).map(is_date_text).astype(bool)
            _refuse(frame[name], unreadable, kind)


def _as_objects(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.astype(object)


def _refuse(column: "pd.Series[Any]", unreadable: Any, kind: str) -> None:
    wrong = column[column.notna() & unreadable]
    tolerated = (
        int(column.notna().sum()) // 2 if kind == ColumnKind.DATETIME else 0
    )  # a sample told that these are dates
    if len(wrong) > tolerated:
        what = "dates" if kind == ColumnKind.DATETIME else "numbers"
        message = (
            f"The column {str(column.name)!r} held {what} when the model was fitted, but now it holds "
            f"{str(wrong.iloc[0])[:40]!r}. Expected {what} or missing values. Correct the column."
        )
        raise InvalidInputError(message)
