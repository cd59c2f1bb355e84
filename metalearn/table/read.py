"""Read a table from a file, or one that scikit-learn ships, and take its target out."""

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from metalearn._files import replacing
from metalearn.exceptions import InvalidInputError, unknown_name
from metalearn.table.delimited import read_delimited, shortened

__all__ = [
    "SHIPPED",
    "SUFFIXES",
    "NamedTable",
    "has_own_target",
    "read_frame",
    "read_table",
    "write_frame",
]

SHIPPED = ("breast_cancer", "diabetes", "digits", "iris", "wine")
"""Tables that scikit-learn ships, by name."""

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".pq", ".arff")
"""Endings of files that can be read."""

_WHOLE = 2.0**53
_OPENML = "openml:"


@dataclass(frozen=True, slots=True)
class NamedTable:
    """Hold a table as read, its target apart.

    Parameters
    ----------
    name : str
        What to call it.
    X : DataFrame of shape (n_rows, n_features)
        The columns without the target.
    y : Series of shape (n_rows,)
        The target.
    """

    name: str
    X: pd.DataFrame
    y: "pd.Series[Any]"


def has_own_target(source: str | Path) -> bool:
    """Tell whether a table comes with a target, so that none has to be named.

    Parameters
    ----------
    source : str or Path
        What :func:`read_table` takes.

    Returns
    -------
    bool
        True for the tables that scikit-learn ships and those of OpenML.
    """
    return str(source) in SHIPPED or str(source).startswith(_OPENML)


def read_table(source: str | Path, target: str | None = None, *, text: Collection[str] = ()) -> NamedTable:
    """Read a table and take its target out.

    Parameters
    ----------
    source : str or Path
        A CSV, TSV, Parquet or ARFF file, an OpenML dataset such as ``"openml:31"``, or the name of a table that
        scikit-learn ships, such as ``"wine"``.
    target : str or None, default=None
        Name of the target column; the shipped tables (``"target"``) and those of OpenML have one of their own.
    text : collection of str, or mapping of str to collection of str, default=()
        Columns that stay text in a CSV or TSV file, whatever they look like; with a mapping, and words of each that are no
        missing values, such as "NA".

    Returns
    -------
    NamedTable
        Name, columns and target.

    Raises
    ------
    UnknownNameError
        If the table or the target does not exist.
    InvalidInputError
        If the file cannot be read, is empty, or names two columns alike.

    Examples
    --------
    >>> read_table("iris").X.shape
    (150, 4)
    """
    name = str(source)
    if name in SHIPPED:
        frame, target = _shipped(name), target or "target"
    elif name.startswith(_OPENML):
        frame, own_target = _from_openml(name)
        target = target or own_target
    else:
        frame = read_frame(Path(source), text=text)
        name = Path(source).name
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        message = f"{name} is empty: {frame.shape[0]} rows, {frame.shape[1]} columns. Expected both. Check the file."
        raise InvalidInputError(message)
    columns = [str(column) for column in frame.columns]
    if target is None:
        message = (
            f"No target was named for {name}. Expected one of its columns {shortened(columns)}. "
            f"Add it: --target {columns[-1]}."
        )
        raise InvalidInputError(message)
    if target not in columns:
        raise unknown_name("target", target, columns)
    frame.columns = pd.Index(columns)
    return NamedTable(name, frame.drop(columns=target), _as_written(frame[target]))


def _as_written(target: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole numbers that became 1.0 and 2.0 beside missing ones as 1 and 2 again."""
    present = target.dropna()
    gaps = pd.api.types.is_float_dtype(target.dtype) and 0 < len(present) < len(target)
    if not gaps or not (present.abs() < _WHOLE).all() or not (present % 1 == 0).all():
        return target
    return target.astype("Int64")


def read_frame(path: Path, *, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a file by its ending.

    Parameters
    ----------
    path : Path
        A CSV, TSV, Parquet or ARFF file.
    text : collection of str, or mapping of str to collection of str, default=()
        Columns that stay text in a CSV or TSV file, whatever they look like; with a mapping, and words of each that are no
        missing values, such as "NA".

    Returns
    -------
    DataFrame
        Every column as found.

    Raises
    ------
    UnknownNameError
        If there is no such file, nor a shipped table of this name.
    InvalidInputError
        If the file cannot be read or names two columns alike.
    """
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            message = (
                f"There is no file {str(path)!r}. Expected a path to a table ({', '.join(SUFFIXES)}). Check the path."
            )
            raise InvalidInputError(message)
        raise unknown_name("table", str(path), SHIPPED)
    ending = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if path.is_dir() or ending not in SUFFIXES:
        message = f"{str(path)!r} is not a table that can be read. Expected a file ending in {', '.join(SUFFIXES)}. Convert it."
        raise InvalidInputError(message)
    try:
        if ending in (".parquet", ".pq"):
            return _with_index(pd.read_parquet(path))
        if ending == ".arff":
            return _arff(path)
        return read_delimited(path, text)
    except InvalidInputError:
        raise
    except (OSError, ValueError, UnicodeError, NotImplementedError, ArithmeticError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        advice = "Save it as UTF-8" if isinstance(error, UnicodeError) else "Check the file"
        message = f"{str(path)!r} cannot be read: {first}. Expected a table in the format of its ending. {advice}."
        raise InvalidInputError(message) from error


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table to a file, by its ending.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is left out.
    path : Path
        A Parquet, TSV or CSV file; any other ending means CSV.
    """
    with replacing(path) as draft:
        if path.suffix.lower() in (".parquet", ".pq"):
            frame.to_parquet(draft, index=False)
        else:
            frame.to_csv(draft, index=False, sep="\t" if path.suffix.lower() == ".tsv" else ",")


def _shipped(name: str) -> pd.DataFrame:
    from sklearn import datasets  # noqa: PLC0415 - slow to import, and not needed for files

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    if hasattr(bunch, "target_names") and name != "digits":
        labels = dict(enumerate(map(str, bunch.target_names)))
        return bunch.data.assign(target=bunch.target.map(labels))  # type: ignore[no-any-return]
    return bunch.frame  # type: ignore[no-any-return]


def _from_openml(source: str) -> tuple[pd.DataFrame, str | None]:
    """Return a dataset of OpenML and the name of its own target, through scikit-learn's reader and its cache."""
    from sklearn.datasets import fetch_openml  # noqa: PLC0415 - slow to import, and not needed for files

    number = source.removeprefix(_OPENML)
    if not number.isdigit():
        message = (
            f"{source!r} names no OpenML dataset. Expected its number, such as 'openml:31'. Look it up on openml.org."
        )
        raise InvalidInputError(message)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # that its cache is to blame
            try:
                bunch = fetch_openml(data_id=int(number), as_frame=True)
            except TypeError:  # its fast reader stumbles over categories that look like numbers
                bunch = fetch_openml(data_id=int(number), as_frame=True, parser="liac-arff")
    except (OSError, ValueError) as error:
        message = f"The OpenML dataset {number} cannot be read: {error}. Expected an active dataset and a way to openml.org. Check both, or download the file."
        raise InvalidInputError(message) from error
    own = bunch.target_names[0] if len(bunch.target_names) == 1 else None
    return bunch.frame, own


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what names the rows as columns, if it has a name itself: groups and keys often do."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(level=named) if named else frame


def _arff(path: Path) -> pd.DataFrame:
    from scipy.io import arff  # noqa: PLC0415 - rarely needed

    rows, _ = arff.loadarff(path)
    frame = pd.DataFrame(rows)
    for name in frame.columns:
        if frame[name].dtype == object:
            text = frame[name].str.decode("utf-8", errors="replace")
            frame[name] = text.where(text != "?").astype("category")
    return frame
