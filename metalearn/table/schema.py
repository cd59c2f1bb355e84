"""Kinds of columns, and how their dates are written."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.table.amounts import amount_form
from metalearn.table.intake import column_names

__all__ = [
    "ColumnKind",
    "Schema",
    "column_kinds",
    "columns_at",
    "date_format",
    "is_ambiguous_date",
    "is_date_text",
    "is_no_day",
    "kind_of_dtype",
    "read_dates",
]

_TEXT_LENGTH = 40
_KIND_ROWS = 1000
_ISO_DATE = re.compile(r"^\s*(?:\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?|(?:1[5-9]|2[01])\d{2}-(?:0[1-9]|1[0-2]))\s*$")
_OTHER_DATE = re.compile(r"^\s*(?:\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}/\d{1,2}/\d{4}|\d{4}/\d{1,2}/\d{1,2})\s*$")
_PERIOD = re.compile(r"^\s*(\d{4})-?([WQ])(\d{1,2})(?:-?([1-7]))?\s*$")
_PERIODS = "week or quarter"
"""Format of ISO weeks (2021-W11, 2021-W11-3) and quarters (2021-Q1, 2021Q1)."""

_OTHER_FORMATS = ("%d.%m.%Y", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y")


class ColumnKind(StrEnum):
    """Tell the kinds of column apart."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    DATETIME = "datetime"
    TEXT = "text"


def _some_text(values: "pd.Series[Any]") -> list[str]:
    if len(values) > _KIND_ROWS:  # a sample tells the kind as well
        rows = np.random.default_rng(0).choice(len(values), _KIND_ROWS, replace=False)
        some = values.iloc[np.sort(rows)].dropna()
        values = some if len(some) > _KIND_ROWS // 20 else values.dropna().iloc[:_KIND_ROWS]
    array = values.to_numpy(dtype=object)
    return [str(value) for value in array[~np.asarray(pd.isna(array))]]  # as a list, since a table may have thousands


def _format_of(text: Sequence[str]) -> str | None:
    if all(map(_ISO_DATE.match, text)):
        return "ISO8601"
    if all(map(_PERIOD.match, text)):
        return _PERIODS
    if not all(map(_OTHER_DATE.match, text)):
        return None
    days = pd.Series(list(set(text)), dtype=object).str.strip()
    fitting = [form for form in _OTHER_FORMATS if pd.to_datetime(days, format=form, errors="coerce").notna().all()]
    return fitting[0] if len(fitting) == 1 else None


def date_format(values: "pd.Series[Any]") -> str | None:
    """Tell how dates are written.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Text.

    Returns
    -------
    str or None
        A format that :func:`read_dates` takes; None if it is not the only one that fits, or none does.

    Examples
    --------
    >>> date_format(pd.Series(["12/31/2020", "01/02/2021"]))
    '%m/%d/%Y'
    >>> date_format(pd.Series(["03/04/2020", "01/02/2021"])) is None
    True
    """
    text = _some_text(values)
    return _format_of(text) if text else None


def is_ambiguous_date(values: "pd.Series[Any]") -> bool:
    """Tell whether several formats fit dates, so that none was chosen."""
    text = _some_text(values)
    return bool(text) and all(map(_OTHER_DATE.match, text)) and _format_of(text) is None


def read_dates(text: "pd.Series[Any]", form: str) -> "pd.Series[Any]":
    """Return text as times of UTC by a format that :func:`date_format` returned; missing where it does not fit."""
    stripped = text.astype(object).map(lambda value: value.strip() if isinstance(value, str) else value)
    if form != _PERIODS:
        return pd.to_datetime(stripped, errors="coerce", utc=True, format=form)
    parts = stripped.map(lambda value: _first_day(str(value)), na_action="ignore")
    return pd.to_datetime(parts, errors="coerce", utc=True, format="ISO8601")


def _first_day(period: str) -> str | None:
    """Return the first day of an ISO week or a quarter, or the day of a week that is named."""
    parts = _PERIOD.match(period)
    if parts is None:
        return None
    year, number = int(parts[1]), int(parts[3])
    if parts[2] == "Q":
        return f"{year:04}-{3 * number - 2:02}-01" if 1 <= number <= 4 else None  # noqa: PLR2004
    try:
        return dt.date.fromisocalendar(year, number, int(parts[4] or 1)).isoformat()
    except ValueError:
        return None


def is_date_text(value: object) -> bool:
    """Tell whether a value is written like a date in one of the known formats."""
    text = str(value)
    return bool(_ISO_DATE.match(text) or _OTHER_DATE.match(text) or _PERIOD.match(text))


def is_no_day(value: object) -> bool:
    """Tell whether a value is written like a date that the calendar lacks."""
    text = str(value).strip()
    one = pd.Series([text], dtype=object)
    read = (read_dates(one, form)[0] for form in ("ISO8601", _PERIODS, *_OTHER_FORMATS))
    return is_date_text(text) and all(map(pd.isna, read))


def _kind_of_strings(values: "pd.Series[Any]") -> ColumnKind:
    text = _some_text(values)
    if not text:
        return ColumnKind.CATEGORICAL
    if _format_of(text) is not None:
        return ColumnKind.DATETIME
    if amount_form(text) and amount_form(map(str, values.dropna())):
        return ColumnKind.NUMERIC
    if sum(map(len, text)) > _TEXT_LENGTH * len(text) and len(set(text)) > len(text) / 2:
        return ColumnKind.TEXT
    return ColumnKind.CATEGORICAL


@lru_cache(maxsize=1000)
def kind_of_dtype(dtype: Any) -> ColumnKind | None:
    """Return the kind that a dtype implies, None if the values have to be looked at."""
    if pd.api.types.is_bool_dtype(dtype):
        return ColumnKind.BOOLEAN
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return ColumnKind.DATETIME
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return ColumnKind.NUMERIC
    return None


def _kind_of(values: "pd.Series[Any]") -> ColumnKind:
    if values.dtype == object:
        inferred = pd.api.types.infer_dtype(values, skipna=True)
        if inferred in {"integer", "floating", "mixed-integer-float", "decimal"}:
            return ColumnKind.NUMERIC
        if inferred == "boolean":
            return ColumnKind.BOOLEAN
        if inferred in {"datetime64", "datetime", "date"}:
            return ColumnKind.DATETIME
    return _kind_of_strings(values)


def column_kinds(
    X: pd.DataFrame, categorical: str | Sequence[str] = (), known: Mapping[str, ColumnKind] | None = None
) -> dict[str, ColumnKind]:
    """Tell the kind of every column.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        The table.
    categorical : str or sequence of str, default=()
        Columns that are categorical whatever they look like.
    known : mapping of str to ColumnKind or None, default=None
        Kinds of columns of text, found before; their values are not looked at.

    Returns
    -------
    dict of str to ColumnKind
        In the order of the columns.

    Examples
    --------
    >>> X = pd.DataFrame({"when": ["2024-01-31", "2024-02-01"], "size": [1.5, 2.5], "shop": ["a", "b"]})
    >>> [str(kind) for kind in column_kinds(X).values()]
    ['datetime', 'numeric', 'categorical']
    """
    forced = set(column_names(categorical))
    before = {name: kind for name, kind in (known or {}).items() if kind in _KINDS_OF_TEXT}
    told = [
        ColumnKind.CATEGORICAL
        if name in forced or isinstance(dtype, pd.CategoricalDtype)
        else kind_of_dtype(dtype) or before.get(str(name))
        for name, dtype in X.dtypes.items()
    ]
    looked_at = columns_at(X, [place for place, kind in enumerate(told) if kind is None]).items()
    return {str(name): kind or _kind_of(next(looked_at)[1]) for name, kind in zip(X.columns, told, strict=True)}


_KINDS_OF_TEXT = (ColumnKind.CATEGORICAL, ColumnKind.TEXT, ColumnKind.DATETIME, ColumnKind.NUMERIC)
_FORMS: Mapping[ColumnKind, Callable[["pd.Series[Any]"], str | None]] = {
    ColumnKind.DATETIME: date_format,
    ColumnKind.NUMERIC: lambda values: amount_form(map(str, values.dropna())),
}


@dataclass(frozen=True, slots=True)
class Schema:
    """Hold how the columns of a table are read: found once, and taken along to whatever is built for the table."""

    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    categorical: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(cls, X: pd.DataFrame, categorical: str | Sequence[str] = (), known: Self | None = None) -> Self:
        """Find the kinds and formats of a table's columns, as far as they are not known."""
        forced = column_names(categorical) or (() if known is None else known.categorical)
        before = None
        if known is not None:
            told = known.kinds.items()
            before = {name: kind for name, kind in told if kind is not ColumnKind.NUMERIC or name in known.formats}
        kinds = column_kinds(X, forced, before)
        formats = {} if known is None else {name: form for name, form in known.formats.items() if name in kinds}
        for name, kind in kinds.items():
            if name in formats or kind not in _FORMS or kind_of_dtype(X[name].dtype) is not None:
                continue
            form = _FORMS[kind](X[name])
            formats |= {} if form is None else {name: form}
        dropped = () if known is None else known.dropped
        return cls(kinds, formats, tuple(name for name in forced if name in kinds), dropped)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        kinds = {name: str(kind) for name, kind in self.kinds.items()}
        found = {"kinds": kinds, "formats": dict(self.formats), "categorical": list(self.categorical)}
        return found | ({"dropped": list(self.dropped)} if self.dropped else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the schema that :meth:`to_dict` wrote."""
        kinds = {name: ColumnKind(kind) for name, kind in values["kinds"].items()}
        return cls(kinds, dict(values["formats"]), tuple(values["categorical"]), tuple(values.get("dropped", ())))


def columns_at(X: pd.DataFrame, places: Sequence[int] | npt.NDArray[np.intp]) -> pd.DataFrame:
    """Return columns by position; neighbouring ones are not copied."""
    if len(places) == X.shape[1]:
        return X
    if len(places) and places[-1] - places[0] == len(places) - 1:
        return X.iloc[:, places[0] : places[-1] + 1]
    return X.iloc[:, list(places)]
