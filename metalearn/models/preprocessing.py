"""The preprocessing that all families share: any DataFrame becomes numbers."""

import re
import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted

from metalearn._wording import advice
from metalearn.exceptions import InvalidInputError
from metalearn.models.text import TextEncoder, texts
from metalearn.table.amounts import POINT, as_numbers
from metalearn.table.intake import as_frame
from metalearn.table.schema import ColumnKind, Schema, date_format, is_no_day, read_dates
from metalearn.task import ProblemType

__all__ = [
    "MAX_LEVELS",
    "QuietTargetEncoder",
    "TableCleaner",
    "dense_preprocessing",
    "few_levels",
    "many_levels",
    "numbers",
    "tree_preprocessing",
]

MAX_LEVELS = 30
"""Categorical columns with more levels are encoded by the target instead of one by one."""

_DIFFERENT = 0.9
"""Share of rows with a text of their own from which on categories are read as text."""

_MICROSECONDS_PER_DAY = 86_400e6
_LARGEST = float(np.finfo(np.float32).max)
_FOLDS = 5
_FEWEST_CLASSES = 3
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?")
_PADDED_NUMBER = re.compile(r"[+-]?0\d+(\.\d+)?|\+\d.*")
_WRITTEN = {
    "numbers": _PLAIN_NUMBER,
    "truth values": re.compile("True|False"),
    "dates": re.compile(r"\d{4}-\d{2}-\d{2}.*"),
}


class TableCleaner(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc,call-arg]
    """Turn any DataFrame into columns of numbers (float64), of category codes (int32) and of text (object)."""

    def __init__(self, schema: Mapping[str, Any] | None = None) -> None:
        self.schema = schema

    def set_output(self, *, transform: str | None = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Stay as it is: the form of output is the next step's to choose, which takes a table of pandas."""
        return self

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn which columns there are, and the categories of the categorical ones."""
        known = None if self.schema is None else Schema.from_dict(self.schema)
        frame = self._frame(X)
        if known is not None and known.dropped:
            frame = frame.drop(columns=list(known.dropped), errors="ignore")
        self.feature_names_in_ = np.array(frame.columns, dtype=object)
        self.n_features_in_ = frame.shape[1]
        self.kinds_, self.levels_, self.formats_ = {}, {}, {}
        schema = Schema.of(frame, known=known)
        for name, kind in schema.kinds.items():
            column = frame[name]
            levels = self._levels(column) if kind is ColumnKind.CATEGORICAL else []
            if name not in schema.categorical and _differ(column, levels):
                self.kinds_[name] = str(ColumnKind.TEXT)
            elif kind is ColumnKind.CATEGORICAL:
                if len(levels) + column.isna().any() > 1:
                    self.kinds_[name], self.levels_[name] = str(kind), levels
            else:
                if name in schema.formats:
                    self.formats_[name] = schema.formats[name]
                if kind in (ColumnKind.DATETIME, ColumnKind.TEXT) or self._varies(column):
                    self.kinds_[name] = str(kind)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return numbers, category codes and text."""
        check_is_fitted(self, "kinds_")
        frame = self._frame(X)
        absent = [name for name in self.feature_names_in_ if name not in frame.columns]
        if absent:
            message = f"The columns {absent[:5]} are absent. Expected those seen in fitting. Add them."
            raise ValueError(message)
        columns: dict[str, Any] = {}
        for name, kind in self.kinds_.items():
            columns |= self._columns(name, kind, frame[name])
        if not columns:  # everything was constant: estimators need at least one column
            columns["constant"] = np.zeros(len(frame))
        for name, values in columns.items():
            if values.dtype == object:
                columns[name] = pd.Series(
                    values, dtype=object
                )  # else pandas makes strings of it, which hold no half characters
        return pd.DataFrame(columns, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:  # noqa: ARG002
        """Name the columns that come out."""
        check_is_fitted(self, "kinds_")
        empty = pd.DataFrame({name: pd.Series(dtype=object) for name in self.feature_names_in_})
        return np.array(self.transform(empty).columns, dtype=object)

    def text_columns(self) -> dict[str, list[str]]:
        """List the columns that have to be read from a file as text: taken for numbers, "01067" becomes 1067."""
        check_is_fitted(self, "kinds_")
        read: dict[str, list[str]] = {name: [] for name, kind in self.kinds_.items() if kind == ColumnKind.TEXT}
        return read | {n: levels for n, levels in self.levels_.items() if not all(map(_PLAIN_NUMBER.fullmatch, levels))}

    def _frame(self, X: Any) -> pd.DataFrame:
        return as_frame(X.toarray() if issparse(X) else X)  # type: ignore[attr-defined]

    @staticmethod
    def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
        """Return categories as strings, so that 1 and '1' read from different files are the same."""
        pairs = zip(column.astype(object), column.isna(), strict=True)
        text = [None if missing else str(value) for value, missing in pairs]
        return pd.Series(text, index=column.index, dtype=object)  # Arrow's strings hold no half characters

    def _levels(self, column: "pd.Series[Any]") -> list[str]:
        if isinstance(column.dtype, pd.CategoricalDtype):
            used = column.cat.remove_unused_categories().cat.categories
            names = [str(level) for level in used]
            return list(dict.fromkeys(names)) if column.cat.ordered else sorted(set(names))
        return sorted(set(self._plain(column).dropna()))

    def _numbers(self, column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
        if pd.api.types.is_timedelta64_dtype(column.dtype):
            return np.asarray(column.dt.total_seconds(), dtype=float)
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
            values = column.to_numpy(dtype=float, copy=True)
        else:
            values = as_numbers(column, self.formats_.get(str(column.name), POINT))
        values[~np.isfinite(values)] = np.nan
        return np.clip(values, -_LARGEST, _LARGEST, out=values)

    def _varies(self, column: "pd.Series[Any]") -> bool:
        values = self._numbers(column)
        missing = np.isnan(values)
        if missing.all():
            return False
        return bool(missing.any() or (values != values[0]).any())

    def _columns(self, name: str, kind: str, column: "pd.Series[Any]") -> dict[str, npt.NDArray[Any]]:
        if kind == ColumnKind.CATEGORICAL:
            if isinstance(column.dtype, pd.CategoricalDtype):
                used = column.cat.remove_unused_categories().cat
                codes = self._codes(name, pd.Series(used.categories))
                return {name: np.append(codes, np.int32(-1))[used.codes.to_numpy()]}
            return {name: self._codes(name, column)}
        _check_kind(name, kind, column, self.formats_.get(name, POINT))
        if kind == ColumnKind.DATETIME:
            return self._dates(name, column)
        if kind == ColumnKind.TEXT:
            text = self._plain(column).where(column.notna(), "")
            lengths = {"characters": text.str.len(), "words": text.str.count(r"\S+")}
            found = {part: np.asarray(length, dtype=float) for part, length in lengths.items()}
            return self._derived(name, {**found, "text": text.to_numpy()})
        return {name: self._numbers(column)}

    def _codes(self, name: str, column: "pd.Series[Any]") -> npt.NDArray[np.int32]:
        """Return the positions of values among the levels, by their text, and numbers also by their value."""
        levels = self.levels_[name]
        text = pd.Index(self._plain(column), dtype=object)
        codes = pd.Index(levels, dtype=object).get_indexer(text).astype(np.int32)
        unknown = (codes < 0) & column.notna().to_numpy()
        held = _held(column)
        if not unknown.any():
            return codes
        if held == "text":  # what a file was read as does not change what it holds
            present = text[column.notna()]
            held = next((kind for kind, form in _WRITTEN.items() if all(map(form.fullmatch, present))), "text")
            if held == "text" or any(map(_WRITTEN[held].fullmatch, levels)):
                return codes
        padded = held == "numbers" and any(map(_PADDED_NUMBER.fullmatch, levels))
        if padded or not any(map(_WRITTEN[held].fullmatch, levels)):
            shown = next(filter(_PADDED_NUMBER.fullmatch, levels), levels[0] if levels else "")
            raise _another_kind(name, f"text such as {shown[:40]!r}", held, column[unknown])
        if held == "numbers":
            by_value = {float(level): i for i, level in enumerate(levels) if _PLAIN_NUMBER.fullmatch(level)}
            codes[unknown] = [by_value.get(float(value), -1) for value in column[unknown]]
        return codes

    def _read_dates(self, name: str, column: "pd.Series[Any]") -> "pd.Series[Any]":
        """Read dates of any form; where several formats fit text, the one that it had in fitting counts."""
        if _held(column) != "text":
            return column.dt.to_timestamp() if isinstance(column.dtype, pd.PeriodDtype) else column
        form = date_format(column) or self.formats_.get(name, "ISO8601")
        return read_dates(column, form)

    def _dates(self, name: str, column: "pd.Series[Any]") -> dict[str, npt.NDArray[Any]]:
        when = pd.to_datetime(self._read_dates(name, column), errors="coerce", utc=True)
        present = column[column.notna()]
        if len(present) and when.isna().all() and not any(map(is_no_day, set(map(str, present)))):
            raise _another_kind(name, "dates", _held(column), present)
        microseconds = when.dt.tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)
        found = {"days": np.where(when.isna(), np.nan, microseconds / _MICROSECONDS_PER_DAY)}
        for unit in ("year", "month", "day_of_week", "hour"):
            found[unit] = getattr(when.dt, unit).to_numpy(dtype=float, na_value=np.nan)
        return self._derived(name, found)

    def _derived(self, name: str, parts: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Name what is read out of a column, so that no other column has the name."""
        stem = name
        while any(f"{stem}.{part}" in self.kinds_ for part in parts):
            stem += "."
        return {f"{stem}.{part}": values for part, values in parts.items()}


def _differ(column: "pd.Series[Any]", levels: list[str]) -> bool:
    """Tell whether nearly every row has a text of its own, as names and titles do: only their words can say something."""
    if len(levels) <= MAX_LEVELS or isinstance(column.dtype, pd.CategoricalDtype) or _held(column) != "text":
        return False
    return len(levels) > _DIFFERENT * int(column.notna().sum())


def _held(column: "pd.Series[Any]") -> str:
    """Say what a column holds, as far as its dtype tells; all else is text."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return "truth values"
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.PeriodDtype):
        return "dates"
    is_number = pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype)
    return "numbers" if is_number else "text"


def _check_kind(name: str, kind: str, column: "pd.Series[Any]", form: str) -> None:
    """Refuse a column of another kind than in fitting; text will do if some of it reads as numbers or dates."""
    before = {ColumnKind.TEXT: "text", ColumnKind.DATETIME: "dates"}.get(ColumnKind(kind), "numbers")
    held = _held(column)
    if held == before or (held == "truth values" and before == "numbers"):
        return
    present = column[column.notna()]
    if held == "text" and before == "dates":
        return  # to be seen when they are read
    if held == "text" and np.isfinite(as_numbers(present, form)).any():
        return
    if len(present):
        raise _another_kind(name, before, held, present)


def _another_kind(name: str, before: str, held: str, found: "pd.Series[Any]") -> InvalidInputError:
    expected = before.split(" such", maxsplit=1)[0]
    action = (
        advice(
            python=f"Read it as text, as by pandas.read_csv(..., dtype={{{name!r}: str}})",
            command="Write it in the file as it was",
        )
        if expected == "text"
        else "Correct it"
    )
    return InvalidInputError(
        f"The column {name!r} held {before} when the model was fitted, but now it holds {held} such as "
        f"{str(found.iloc[0])[:40]!r}. Expected {expected} or missing values. {action}."
    )


def numbers(X: pd.DataFrame) -> list[str]:
    """List the columns of numbers."""
    return [str(name) for name, dtype in X.dtypes.items() if dtype == np.float64]


def _level_counts(X: pd.DataFrame) -> dict[str, int]:
    return {str(n): int(X[n].max()) + 1 for n, dtype in X.dtypes.items() if dtype == np.int32}


def few_levels(X: pd.DataFrame) -> list[str]:
    """List the columns of codes with at most :data:`MAX_LEVELS` levels."""
    return [name for name, n_levels in _level_counts(X).items() if n_levels <= MAX_LEVELS]


def many_levels(X: pd.DataFrame) -> list[str]:
    """List the columns of codes with more than :data:`MAX_LEVELS` levels."""
    return [name for name, n_levels in _level_counts(X).items() if n_levels > MAX_LEVELS]


class QuietTargetEncoder(TargetEncoder):  # type: ignore[misc]
    """Encode categories by the target, without a warning where a class has fewer rows than there are inner folds."""

    def fit_transform(self, X: Any, y: Any, **params: Any) -> Any:
        """Learn the encoding, and encode every row by what the other folds say."""
        told, folds = vars(self)["target_type"], vars(self)["cv"]
        _, counts = np.unique(y, return_counts=True)
        if told == "multiclass" and len(counts) < _FEWEST_CLASSES:  # a fold may lack the rare ones
            self.target_type = "binary"
        if told != "continuous" and counts.max() < _FOLDS:  # no class has a row for each fold
            self.cv = int(counts.max()) if counts.max() > 1 else KFold(_FOLDS, shuffle=True, random_state=0)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The least populated class in y has only")
                return super().fit_transform(X, y, **params)
        finally:
            self.target_type, self.cv = told, folds


def _by_target(problem_type: ProblemType) -> TargetEncoder:
    kinds = {ProblemType.REGRESSION: "continuous", ProblemType.BINARY: "binary", ProblemType.MULTICLASS: "multiclass"}
    kind = kinds[problem_type]  # "auto" takes whole numbers for classes
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        return QuietTargetEncoder(target_type=kind, random_state=0)
    folds = StratifiedKFold if problem_type.is_classification else KFold
    return QuietTargetEncoder(target_type=kind, cv=folds(_FOLDS, shuffle=True, random_state=0))


def tree_preprocessing(problem_type: ProblemType, schema: Schema | None = None) -> Pipeline:
    """Return preprocessing for families that take missing values and split on category codes."""
    encode = ColumnTransformer(
        [
            ("numbers", "passthrough", numbers),
            ("few_levels", "passthrough", few_levels),
            ("many_levels", _by_target(problem_type), many_levels),
            ("texts", TextEncoder(problem_type), texts),
        ],
        verbose_feature_names_out=False,
    )
    return _as_it_is(
        Pipeline([("clean", TableCleaner(None if schema is None else schema.to_dict())), ("encode", encode)])
    )


def dense_preprocessing(problem_type: ProblemType, schema: Schema | None = None) -> Pipeline:
    """Return preprocessing for families that need complete, scaled numbers."""
    encode = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                    StandardScaler(),
                ),
                numbers,
            ),
            ("few_levels", OneHotEncoder(handle_unknown="ignore", sparse_output=False), few_levels),
            (
                "many_levels",
                make_pipeline(_by_target(problem_type), StandardScaler()),
                many_levels,
            ),
            ("texts", make_pipeline(TextEncoder(problem_type), StandardScaler()), texts),
        ],
        verbose_feature_names_out=False,
    )
    return _as_it_is(
        Pipeline([("clean", TableCleaner(None if schema is None else schema.to_dict())), ("encode", encode)])
    )


def _as_it_is(preprocessing: Pipeline) -> Pipeline:
    """Keep a pipeline's tables in the form that its next step takes, whatever scikit-learn's configuration asks of others."""
    return preprocessing.set_output(transform="default")
