"""What a user brings, turned into a data frame, a target and a kind of problem, or refused with the reason."""

import datetime as dt
import logging
import shlex
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import is_dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn._wording import advice
from metalearn.exceptions import InvalidInputError, unknown_name
from metalearn.table.amounts import as_numbers, number_form
from metalearn.task import ProblemType, as_problem_type

__all__ = [
    "MIN_ROWS",
    "REGRESSION_FROM",
    "as_frame",
    "as_text",
    "check_names",
    "chosen_columns",
    "column_names",
    "infer_problem_type",
    "is_lazy",
    "is_records",
    "label_name",
    "labelled_rows",
    "numeric_target",
    "row_names",
    "split_target",
    "take_in",
    "with_names",
]

MIN_ROWS = 20
"""Fewer rows than this say nothing about how a model would do."""

REGRESSION_FROM = 30
"""A numeric target with at least this many different values is a quantity, not a class."""

_FIRST_ROWS = 1000
_log = logging.getLogger(__name__)


def take_in(
    X: Any, y: Any, *, problem_type: ProblemType | str | None = None, categorical: str | Sequence[str] = ()
) -> tuple[pd.DataFrame, "pd.Series[Any]", ProblemType]:
    """Check a table and its target, and bring them into one form."""
    frame = as_frame(X)
    target = _series(y)
    _check_table(frame, target)
    check_names(frame, column_names(categorical))
    present = labelled_rows(target)
    if not present.all():
        frame, target = frame.loc[present], target.loc[present]
    frame.index = pd.RangeIndex(len(frame))
    target = target.reset_index(drop=True)
    _check_target(target)
    _check_several(target, n_missing=int((~present).sum()))
    target = numeric_target(target, problem_type)
    kind = infer_problem_type(target) if problem_type is None else _fitting(target, problem_type)
    _check_classes(target, kind)
    return frame, target.astype(float) if kind is ProblemType.REGRESSION else target, kind


def numeric_target(target: "pd.Series[Any]", problem_type: ProblemType | str | None = None) -> "pd.Series[Any]":
    """Return a target of numbers that are held as text as numbers, and say so; classes stay as they are."""
    kind = None if problem_type is None else as_problem_type(problem_type)
    if not pd.api.types.is_string_dtype(target.dtype) or kind not in (None, ProblemType.REGRESSION):
        return target
    few = kind is None and target.nunique() < REGRESSION_FROM
    form = None if few else number_form(target)
    if form is None:
        return target
    numbers = pd.Series(as_numbers(target, form), index=target.index, name=target.name)
    _log.warning(
        "The target %r holds numbers as text. They were read as numbers of the form %s.", str(target.name), form
    )
    return numbers


def split_target(
    X: Any, y: Any, target: str | None, *, drop: str | Sequence[str] = (), keep: str | Sequence[str] = ()
) -> tuple[Any, Any]:
    """Return the features, and the target: ``y``, or the column that is named."""
    if target is None and y is None:
        message = (
            "No target was given: metalearn requires y to be passed, but the target y is None. "  # as scikit-learn says it
            "Expected y, or the name of a column of X. Pass target='name'."
        )
        raise InvalidInputError(message)
    X, y = _without_target(X, y, target)
    return _chosen(X, drop, keep), y


def _chosen(X: Any, drop: str | Sequence[str], keep: str | Sequence[str]) -> Any:
    if not (column_names(drop) or column_names(keep)):
        return X
    frame = as_frame(X)
    return frame[chosen_columns(list(frame.columns), drop=drop, keep=keep)]


def chosen_columns(
    columns: Sequence[str], *, drop: str | Sequence[str] = (), keep: str | Sequence[str] = (), target: str | None = None
) -> list[str]:
    """Return the columns that are features."""
    dropped, kept = column_names(drop), column_names(keep)
    unknown = [column for column in (*dropped, *kept) if column not in columns]
    if unknown:
        raise unknown_name("column", unknown[0], columns)
    chosen = [name for name in columns if name != target and name not in dropped and (not kept or name in kept)]
    if not chosen:
        beside = "" if target is None else f" besides the target {target!r}"
        message = f"No column is left{beside}. Expected one or more of {list(columns)[:20]}. Drop fewer."
        raise InvalidInputError(message)
    return chosen


def _without_target(X: Any, y: Any, target: str | None) -> tuple[Any, Any]:
    if target is None:
        return X, y
    if y is not None:
        message = f"Both y and target={target!r} were given. Expected one of them. Leave the other out."
        raise InvalidInputError(message)
    frame = as_frame(X)
    if target not in frame.columns:
        raise unknown_name("target", target, map(str, frame.columns))
    return frame.drop(columns=target), frame[target]


def labelled_rows(y: Any) -> npt.NDArray[np.bool_]:
    """Tell which rows :func:`take_in` keeps."""
    return np.asarray(_series(y).notna())


def row_names(X: Any) -> pd.Index | None:
    """Return what the caller calls the rows."""
    return X.index if isinstance(X, pd.DataFrame) else None


def with_names(frame: pd.DataFrame, names: pd.Index | None) -> pd.DataFrame:
    """Return a table whose rows are called as the caller does."""
    return frame if names is None else frame.set_axis(names)


def infer_problem_type(y: "pd.Series[Any]") -> ProblemType:
    """Tell the kind of problem from the target."""
    numeric = pd.api.types.is_numeric_dtype(y.dtype) and not pd.api.types.is_bool_dtype(y.dtype)
    if numeric and y.iloc[:_FIRST_ROWS].nunique() >= REGRESSION_FROM:  # counting all of a long target is slow
        return ProblemType.REGRESSION
    present = y.dropna()
    _check_several(present, n_missing=len(y) - len(present))
    n_values = int(present.nunique())
    if numeric:
        values = present.to_numpy(dtype=float)
        if n_values >= REGRESSION_FROM or (n_values > 2 and not np.all(values == np.floor(values))):  # noqa: PLR2004
            return ProblemType.REGRESSION
    elif n_values >= REGRESSION_FROM and not isinstance(y.dtype, pd.CategoricalDtype):
        numbers = np.isfinite(as_numbers(present))
        share = float(numbers.mean())
        if share > 0.9:  # noqa: PLR2004
            odd = present[~numbers].iloc[:1].tolist()
            message = (
                f"The target {str(y.name)!r} is text, but {share:.0%} of its values are numbers (not one: {odd[0]!r}). "
                "Expected numbers for regression, or classes. "
                + advice(
                    python="Correct these values or make them missing, or say that it holds classes: problem_type='multiclass'.",
                    command=f"If {odd[0]!r} means that the value is missing, add --missing {shlex.quote(str(odd[0]))}; else correct it, or say that the target holds classes: --task multiclass.",
                )
            )
            raise InvalidInputError(message)
    return ProblemType.BINARY if n_values == 2 else ProblemType.MULTICLASS  # noqa: PLR2004


def column_names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return names of columns as text, a single one as well."""
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def check_names(frame: pd.DataFrame, categorical: Sequence[str]) -> None:
    """Check that columns are in a table."""
    unknown = [name for name in categorical if name not in frame.columns]
    if unknown:
        message = f"The categorical columns {unknown[:5]} are not in the table. Expected some of {list(frame.columns)[:20]}. Correct the names."
        raise InvalidInputError(message)


def as_frame(X: Any) -> pd.DataFrame:
    """Return a table of any library, or an array, as a DataFrame."""
    if isinstance(X, pd.Series):
        X = X.to_frame("x0" if X.name is None else X.name)
    if not isinstance(X, pd.DataFrame):
        return _foreign_frame(X)
    frame = X.copy(deep=False)
    frame.columns = [str(name) for name in X.columns]
    for place, dtype in enumerate(X.dtypes):
        if _is_nested(dtype):
            frame.isetitem(place, frame.iloc[:, place].array.astype(object))
        elif pd.api.types.is_object_dtype(dtype) or (isinstance(dtype, pd.ArrowDtype) and dtype.kind == "m"):
            column = frame.iloc[:, place]
            if pd.api.types.infer_dtype(column, skipna=True) in {"timedelta", "timedelta64"}:
                frame.isetitem(place, pd.to_timedelta(column.astype(object)).array)
    return frame


def is_records(X: Any) -> bool:
    """Tell whether rows are mappings or tuples with names, or columns stand in a mapping: a table with names."""
    if isinstance(X, Mapping):
        return all(np.ndim(column) == 1 for column in X.values())
    if not isinstance(X, Sequence) or isinstance(X, str | bytes) or not len(X):
        return False
    return all(isinstance(row, Mapping) for row in X) or all(hasattr(row, "_fields") or is_dataclass(row) for row in X)


def is_lazy(X: Any) -> bool:
    """Tell whether a table of another library has yet to be computed."""
    return hasattr(X, "collect") and hasattr(X, "lazy")


def _foreign_frame(X: Any) -> pd.DataFrame:
    if is_records(X):
        return as_frame(pd.DataFrame(X))
    if isinstance(X, list | tuple) and X and all(isinstance(row, list | tuple) for row in X):
        mixed = pd.DataFrame(list(X))  # an array would make text of the numbers beside text
        return mixed.set_axis([f"x{i}" for i in range(mixed.shape[1])], axis=1)
    return _of_library(X.collect() if is_lazy(X) else X)


def _of_library(X: Any) -> pd.DataFrame:
    if hasattr(X, "to_pandas"):  # polars, pyarrow, narwhals and others
        return as_frame(X.to_pandas())
    if hasattr(X, "__arrow_c_stream__"):
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        return as_frame(pa.table(X).to_pandas())
    if hasattr(X, "__dataframe__"):
        with warnings.catch_warnings():  # pandas 3 advises Arrow's stream, which such a table lacks
            warnings.simplefilter("ignore")
            return as_frame(pd.api.interchange.from_dataframe(X))
    if hasattr(X, "tocsc"):
        sparse: pd.DataFrame = pd.DataFrame.sparse.from_spmatrix(X)  # type: ignore[attr-defined]  # stubs lack it
        return sparse.set_axis([f"x{i}" for i in range(X.shape[1])], axis=1)
    return _array_frame(np.asanyarray(X), type(X).__name__)  # a masked array keeps its mask


def _array_frame(array: npt.NDArray[Any], name: str) -> pd.DataFrame:
    if array.dtype.names:
        return as_frame(pd.DataFrame(array))
    if array.ndim == 0:
        message = (
            f"The table is a {name}. Expected rows and columns: a data frame or an array of two dimensions. "
            "Convert it; a lazy frame by collect()."
        )
        raise InvalidInputError(message)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:  # noqa: PLR2004
        message = f"The table has {array.ndim} dimensions. Expected 2: rows and columns. Reshape it."
        raise InvalidInputError(message)
    return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])


def _series(y: Any) -> "pd.Series[Any]":
    if isinstance(y, pd.DataFrame):
        if y.shape[1] != 1:
            message = f"The target has {y.shape[1]} columns. Expected one. Choose one column."
            raise InvalidInputError(message)
        y = y.iloc[:, 0]
    if isinstance(y, pd.Series):
        target: pd.Series[Any] = y.rename("target" if y.name is None else str(y.name))
        return target.astype(object) if _is_nested(y.dtype) else _plain_numbers(target)
    if hasattr(y, "to_pandas"):
        return _series(y.to_pandas())
    if isinstance(y, str):
        message = (
            f"The target is the text {y!r}. Expected one value for each row. "
            f"If that names a column, pass target={y!r} and no y."
        )
        raise InvalidInputError(message)
    array = np.asanyarray(y)
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004
        array = array[:, 0]
    if array.ndim != 1:
        message = f"The target has shape {array.shape}. Expected one value for each row. Choose one column."
        raise InvalidInputError(message)
    return _plain_numbers(pd.Series(array, name="target"))


def _plain_numbers(target: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return numbers that are held as objects in the dtype of numbers; whole ones stay whole beside missing ones."""
    held = pd.api.types.infer_dtype(target, skipna=True) if target.dtype == object else ""
    if held == "integer":
        present = target.dropna().infer_objects()
        if len(present) == len(target) or present.dtype == object:  # object: some are beyond 64 bits
            return present if len(present) == len(target) else target
        return target.astype(present.convert_dtypes().dtype)
    return pd.to_numeric(target) if held in {"floating", "mixed-integer-float", "decimal"} else target


def _is_nested(dtype: Any) -> bool:
    """Whether values of Arrow have parts (lists, structs, maps), on which pandas can do next to nothing."""
    return isinstance(dtype, pd.ArrowDtype) and dtype.pyarrow_dtype.num_fields > 0


def as_text(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return values as text."""
    try:
        return values.astype(str)
    except UnicodeEncodeError:
        return values.map(lambda value: str(value).encode("utf-8", "backslashreplace").decode())


def label_name(label: Any) -> str:
    """Name a class by its value, alike as 1 and as 1.0, and times alike whatever library they are of.

    Parameters
    ----------
    label : object
        The class; booleans are no numbers.

    Returns
    -------
    str
        Its name.

    Examples
    --------
    >>> [label_name(label) for label in (1, 1.0, 0.5, True, "1")]
    ['1', '1', '0.5', 'True', '1']
    """
    if isinstance(label, np.datetime64 | dt.date):
        return str(pd.Timestamp(label))
    if isinstance(label, np.timedelta64 | dt.timedelta):
        return str(pd.Timedelta(label))
    whole = isinstance(label, Real) and not isinstance(label, bool) and float(label).is_integer()
    return str(int(label)) if whole else str(label)


def _check_table(frame: pd.DataFrame, target: "pd.Series[Any]") -> None:
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        message = f"The table is empty: {frame.shape[0]} rows, {frame.shape[1]} columns besides the target. Expected both. Check the file."
        raise InvalidInputError(message)
    if not frame.columns.is_unique:
        repeated = sorted(set(frame.columns[frame.columns.duplicated()]))
        message = f"Column names stand twice: {repeated[:5]}. Expected unique names. Rename or drop the copies."
        raise InvalidInputError(message)
    if len(frame) != len(target):
        message = f"The table has {len(frame)} rows but the target {len(target)}. Expected the same number. Align them."
        raise InvalidInputError(message)


def _check_target(target: "pd.Series[Any]") -> None:
    if len(target) == 0:
        message = f"The target {str(target.name)!r} is missing in every row. Expected values to learn from. Choose another column."
        raise InvalidInputError(message)
    if len(target) < MIN_ROWS:
        message = f"The table has {len(target)} rows with a target. Expected at least {MIN_ROWS}. Bring more rows."
        raise InvalidInputError(message)
    if pd.api.types.is_complex_dtype(target.dtype):
        message = f"The target {str(target.name)!r} holds complex numbers. Expected real ones, or classes. Take a part or the absolute values."
        raise InvalidInputError(message)
    if target.dtype == object and not all(isinstance(value, Hashable) for value in target):
        message = f"The target {str(target.name)!r} holds lists or other collections. Expected one class or number a row. Choose another column."
        raise InvalidInputError(message)
    if pd.api.types.is_numeric_dtype(target.dtype) and not pd.api.types.is_bool_dtype(target.dtype):
        n_infinite = int(np.isinf(target.to_numpy(dtype=float)).sum())
        if n_infinite:
            message = f"The target {str(target.name)!r} holds {n_infinite} infinite values. Expected finite ones. Drop those rows or correct them."
            raise InvalidInputError(message)


def _check_several(target: "pd.Series[Any]", *, n_missing: int) -> None:
    if target.iloc[:_FIRST_ROWS].nunique() < 2 and target.nunique() < 2:  # noqa: PLR2004
        values = (
            f"{n_missing:,} missing values (a word such as NA in a file counts as one) and a single other value"
            if n_missing
            else "a single value"
        )
        hint = " or, if NA is a class, write it in another way" if n_missing else ""
        message = (
            f"The target {str(target.name)!r} has {values}, so there is nothing to learn. "
            f"Expected at least two values. Choose another target column{hint}."
        )
        raise InvalidInputError(message)


def _check_classes(target: "pd.Series[Any]", kind: ProblemType) -> None:
    """Refuse classes that come once each: no row of theirs is left to predict when others are learned from."""
    if not kind.is_classification:
        return
    n_values, n_rows = int(target.nunique()), len(target)
    if n_values > n_rows / 2:
        message = (
            f"The target {str(target.name)!r} has {n_values:,} classes in {n_rows:,} rows (such a class: "
            f"{str(target.iloc[0])[:40]!r}), so that nearly every value is a class of its own. "
            "Expected two rows or more a class on average. Choose another target column; "
            "if these are numbers or dates, convert them to numbers for regression."
        )
        raise InvalidInputError(message)


def _task(kind: str) -> str:
    return advice(python=f"problem_type={kind!r}", command=f"--task {kind}")


def _other_kind(target: "pd.Series[Any]") -> str:
    if pd.api.types.is_numeric_dtype(target.dtype) and target.nunique() > _MOST_CODES:
        return f"Quantities such as prices are a regression problem: {_task('regression')}."
    return f"For several classes give {_task('multiclass')}."


_MOST_CODES = 20
"""Numbers with more different values than this are taken for quantities where a message proposes a problem type."""


def _fitting(target: "pd.Series[Any]", problem_type: ProblemType | str) -> ProblemType:
    kind = as_problem_type(problem_type)
    n_values = int(target.nunique())
    if kind is ProblemType.REGRESSION:
        odd = [] if pd.api.types.is_numeric_dtype(target.dtype) else target[np.isnan(as_numbers(target))].tolist()
        if odd or target.dtype == object:
            message = f"The target {str(target.name)!r} is not numeric: it holds {str([*odd, *target][0])[:40]!r}. Expected numbers for regression. Correct such values, make them missing, or choose another column."
            raise InvalidInputError(message)
    if kind is ProblemType.BINARY and n_values != 2:  # noqa: PLR2004
        message = f"The target {str(target.name)!r} has {n_values:,} different values. Expected two for a binary problem. {_other_kind(target)}"
        raise InvalidInputError(message)
    return ProblemType.BINARY if kind is ProblemType.MULTICLASS and n_values == 2 else kind  # noqa: PLR2004
