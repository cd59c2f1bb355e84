"""Read a table from a file, or one that scikit-learn ships, and take its target out."""

import importlib.util
import json
import logging
import re
import shlex
import warnings
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from metalearn._files import replacing
from metalearn._installation import install_command
from metalearn._wording import advice
from metalearn.exceptions import InvalidInputError, MetalearnError, MissingExtraError, unknown_name
from metalearn.table.arff import read_arff
from metalearn.table.delimited import read_delimited, whole_numbers
from metalearn.table.intake import chosen_columns
from metalearn.table.packed import MAX_RATIO, MAX_UNPACKED, PACKED, opened
from metalearn.table.schema import date_format, is_ambiguous_date, read_dates

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

_TEXTS = (".csv", ".tsv", ".txt")
_PACKABLE = (*_TEXTS, ".arff", ".jsonl", ".ndjson")

SUFFIXES = (
    *(text + packed for text in _PACKABLE for packed in ("", *PACKED)),
    *(".parquet", ".pq", ".feather", ".xlsx"),
)
"""Endings of files that can be read."""

_SHOWN_SUFFIXES = (
    ".csv, .tsv, .txt, .arff, .jsonl (also with .gz, .bz2, .xz, .zst or .zip behind), .parquet, .feather or .xlsx"
)

_CELL = "radius texture perimeter area smoothness compactness concavity concave_points symmetry fractal_dimension"
_WINE = (
    "alcohol malic_acid ash alcalinity_of_ash magnesium total_phenols flavanoids nonflavanoid_phenols proanthocyanins "
    "color_intensity hue od280/od315_of_diluted_wines proline"
)
_LABELLED = {
    "iris": ("iris.csv", [f"{part} {side} (cm)" for part in ("sepal", "petal") for side in ("length", "width")]),
    "wine": ("wine_data.csv", _WINE.split()),
    "breast_cancer": (
        "breast_cancer.csv",
        [form.format(name.replace("_", " ")) for form in ("mean {}", "{} error", "worst {}") for name in _CELL.split()],
    ),
}

_log = logging.getLogger(__name__)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = 2.0**53
_LISTED = 20
_TARGET_NAMES = ("target", "label", "labels", "y", "class", "outcome", "response")
_OPENML = "openml:"


@dataclass(frozen=True, slots=True)
class NamedTable:
    """Hold a table as read, its target apart."""

    name: str
    X: pd.DataFrame
    y: "pd.Series[Any]"


def has_own_target(source: str | Path) -> bool:
    """Tell whether a table comes with a target, so that none has to be named."""
    return str(source) in SHIPPED or str(source).startswith(_OPENML)


def read_table(
    source: str | Path,
    target: str | None = None,
    *,
    text: Collection[str] = (),
    header: bool | None = None,
    names: Sequence[str] = (),
    sheet: str | None = None,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
    dates: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
) -> NamedTable:
    """Read a table and take its target out.

    Parameters
    ----------
    source : str or Path
        A file whose ending is one of :data:`SUFFIXES`, an OpenML dataset such as ``"openml:31"``, or the name of a table
        that scikit-learn ships, such as ``"wine"``.
    target : str or None, default=None
        Name of the target column; the shipped tables (``"target"``) and those of OpenML have one of their own.
    text : collection of str, or mapping of str to collection of str, default=()
        Columns that stay text in a CSV or TSV file, whatever they look like; with a mapping, and words of each that are no
        missing values, such as "NA".
    header : bool or None, default=None
        Whether names of columns stand in the first line of a CSV or TSV file; None expects them, and refuses a first line
        that looks like data.
    names : sequence of str, default=()
        Names of the columns of a CSV or TSV file; its first line is then data, unless ``header`` is true.
    sheet : str or None, default=None
        Sheet of an Excel file; None reads the first.
    drop : collection of str, default=()
        Columns that are no features.
    keep : collection of str, default=()
        The only columns that are features; empty keeps all.
    dates : mapping of str to str or None, default=None
        Columns that hold dates, and the format of each as in :meth:`datetime.datetime.strptime`; empty for one that tells itself.
    missing : collection of str, default=()
        Values that mean that there is none, such as ``"?"`` or ``"-999"``.

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
        frame = read_frame(
            Path(source), text=text, header=header, names=names, sheet=sheet, dates=dates, missing=missing
        )
        name = Path(source).name
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        message = f"{name} is empty: {frame.shape[0]} rows, {frame.shape[1]} columns. Expected both. Check the file."
        raise InvalidInputError(message)
    columns = [str(column) for column in frame.columns]
    if target is None:
        likely = _likely_targets(columns)
        message = (
            f"No target was named for {name}. Expected one of its {len(columns):,} columns, likely {' or '.join(map(repr, likely))}. "
            f"Add it: {advice(python=f'target={likely[0]!r}', command=f'--target {shlex.quote(likely[0])}')}."
        )
        raise InvalidInputError(message)
    if target not in columns:
        raise unknown_name(
            "target", target, columns if len(columns) <= _LISTED else _likely_targets(columns), further=columns
        )
    frame.columns = pd.Index(columns)
    if has_own_target(source):
        frame = _as_told(frame, name, dates=dates, missing=missing)
    chosen = chosen_columns(columns, drop=tuple(drop), keep=tuple(keep), target=target)
    return NamedTable(name, frame[chosen], _as_written(frame[target]))


def _likely_targets(columns: Sequence[str]) -> list[str]:
    """Return the columns that are called like a target, and the last one."""
    called = [name for name in columns if name.strip().lower() in _TARGET_NAMES]
    return list(dict.fromkeys([*called[:3], columns[-1]]))


def _as_written(target: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole numbers that became 1.0 and 2.0 beside missing ones as 1 and 2 again."""
    present = target.dropna()
    gaps = pd.api.types.is_float_dtype(target.dtype) and 0 < len(present) < len(target)
    if not gaps or not (present.abs() < _WHOLE).all() or not (present % 1 == 0).all():
        return target
    return target.astype("Int64")


def read_frame(
    path: Path,
    *,
    text: Collection[str] = (),
    header: bool | None = None,
    names: Sequence[str] = (),
    sheet: str | None = None,
    dates: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
) -> pd.DataFrame:
    """Read a file by its ending; parameters and errors are those of :func:`read_table`."""
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            message = f"There is no file {str(path)!r}. Expected a path to a table ({_SHOWN_SUFFIXES}). Check the path."
            raise InvalidInputError(message)
        raise unknown_name("table", str(path), SHIPPED)
    name = path.name.lower()
    ending = max((suffix for suffix in SUFFIXES if name.endswith(suffix)), key=len, default="")
    if path.is_dir() or not ending:
        message = (
            f"{str(path)!r} is not a table that can be read. Expected a file ending in {_SHOWN_SUFFIXES}. Convert it."
        )
        raise InvalidInputError(message)
    inner = f".{ending.split('.')[1]}"
    try:
        if inner in _TEXTS:
            frame = read_delimited(path, text, header=header, names=names, missing=missing)
        else:
            frame = _READERS[inner](path) if inner != ".xlsx" else _excel(path, sheet)
        return _as_told(frame, path.name, dates=dates, missing=() if inner in _TEXTS else missing)
    except MetalearnError:
        raise
    except Exception as error:  # readers of damaged files raise anything
        first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        advice = "Save it as UTF-8" if isinstance(error, UnicodeError) else "Check the file"
        message = f"{str(path)!r} cannot be read: {first}. Expected a table in the format of its ending. {advice}."
        raise InvalidInputError(message) from error


def _as_told(
    frame: pd.DataFrame, file: str, *, dates: Mapping[str, str] | None, missing: Collection[str]
) -> pd.DataFrame:
    """Make values missing that mean so, and dates of columns that hold them."""
    known = {float(value) for value in missing if _NUMBER.fullmatch(value)}
    for place in range(frame.shape[1] if missing else 0):
        column = frame.iloc[:, place]
        means = column.isin(known) if pd.api.types.is_numeric_dtype(column.dtype) else column.isin(list(missing))
        if means.any():
            frame.isetitem(place, column.mask(means).infer_objects().array)
    for name, form in (dates or {}).items():
        if name in frame.columns:
            frame = frame.assign(**{name: _dates(frame[name], form, file)})
        elif name not in map(str, frame.columns):
            raise unknown_name("column", name, map(str, frame.columns))
    return frame


def _dates(column: "pd.Series[Any]", form: str, file: str) -> "pd.Series[Any]":
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    held = _as_written(column) if pd.api.types.is_float_dtype(column.dtype) else column
    text = held.astype(object).map(lambda value: str(value).strip(), na_action="ignore")
    known = form or date_format(text)
    if not known and is_ambiguous_date(text):
        option, argument = f"{column.name}=%d/%m/%Y", {str(column.name): "%d/%m/%Y"}
        message = (
            f"Column {str(column.name)!r} of {file} holds dates in which day or month may come first. Expected the format. "
            f"Add it: {advice(python=f'dates={argument}', command=f'--date {shlex.quote(option)}')}, or with %m/%d/%Y."
        )
        raise InvalidInputError(message)
    found = read_dates(text, known or "mixed")
    wrong = text[found.isna() & text.notna()]
    if len(wrong) > text.notna().sum() / 2:
        message = (
            f"Column {str(column.name)!r} of {file} holds {wrong.iloc[0]!r}. Expected dates{f' of the form {form}' if form else ''}. "
            f"Name another format: {advice(python='dates={column: format}', command='--date COLUMN=%d.%m.%y')}."
        )
        raise InvalidInputError(message)
    if len(wrong):
        _log.warning(
            "%s: %s values of %r are no dates and count as missing.", file, f"{len(wrong):,}", str(column.name)
        )
    return found


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table to a file, by its ending."""
    with replacing(path) as draft:
        if path.suffix.lower() in (".parquet", ".pq"):
            frame.to_parquet(draft, index=False)
        else:
            frame.to_csv(draft, index=False, sep="\t" if path.suffix.lower() == ".tsv" else ",")


def _shipped(name: str) -> pd.DataFrame:
    """Return a table that scikit-learn ships; its labelled files are read without importing it, which takes a second."""
    package = importlib.util.find_spec("sklearn")
    if name in _LABELLED and package is not None and package.origin is not None:
        file, names = _LABELLED[name]
        path = Path(package.origin).parent / "datasets" / "data" / file
        if path.is_file():
            return _labelled(path, names)
    from sklearn import datasets  # noqa: PLC0415 - slow to import, and not needed for files

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    if hasattr(bunch, "target_names") and name != "digits":
        labels = dict(enumerate(map(str, bunch.target_names)))
        return bunch.data.assign(target=bunch.target.map(labels))  # type: ignore[no-any-return]
    return bunch.frame  # type: ignore[no-any-return]


def _labelled(path: Path, names: list[str]) -> pd.DataFrame:
    """Read a file of scikit-learn: number of rows and columns and the labels, then the rows with the label's number."""
    with path.open(encoding="utf-8") as file:
        labels = dict(enumerate(file.readline().strip().split(",")[2:]))
        rows = np.loadtxt(file, delimiter=",")
    return pd.DataFrame(rows[:, :-1], columns=names).assign(target=[labels[int(number)] for number in rows[:, -1]])


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


def _parquet(path: Path) -> pd.DataFrame:
    facts = pq.ParquetFile(path).metadata
    unpacked = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
    cells, size = facts.num_rows * facts.num_columns, path.stat().st_size
    if unpacked > max(MAX_UNPACKED, MAX_RATIO * size) or cells > max(MAX_UNPACKED, MAX_RATIO * size):
        message = (
            f"{path.name} has {size:,} bytes and unpacks to {unpacked:,} or more ({facts.num_rows:,} rows, {facts.num_columns:,} "
            "columns). Expected a table of bearable size. "
            + advice(
                python="If it is one, read it with pandas.read_parquet and pass that.",
                command="Keep fewer rows, or save it as CSV.",
            )
        )
        raise InvalidInputError(message)
    return _with_index(pd.read_parquet(path))


def _json_lines(path: Path) -> pd.DataFrame:
    with opened(path) as file:
        rows = [json.loads(line) for line in file if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        message = f"{path.name} holds lines that are no JSON objects. Expected one object a row. Check the file."
        raise InvalidInputError(message)
    return pd.DataFrame(rows)


def _excel(path: Path, sheet: str | None) -> pd.DataFrame:
    if importlib.util.find_spec("openpyxl") is None:
        message = (
            f"{path.name} needs the package 'openpyxl', which is not installed. "
            f"Run: {install_command('excel')}, or save the sheet as CSV."
        )
        raise MissingExtraError(message)
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > max(MAX_UNPACKED, MAX_RATIO * path.stat().st_size):
        message = (
            f"{path.name} unpacks to {unpacked:,} bytes. Expected a table of bearable size. Save the sheet as CSV."
        )
        raise InvalidInputError(message)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that styles are not read
        with pd.ExcelFile(path, engine="openpyxl") as book:
            if sheet is not None and sheet not in book.sheet_names:
                raise unknown_name("sheet", sheet, map(str, book.sheet_names))
            if sheet is None and len(book.sheet_names) > 1:
                _log.warning(
                    "%s: the first of its sheets %s was read; %s chooses.",
                    path.name,
                    book.sheet_names[:5],
                    advice(python="sheet=", command="--sheet"),
                )
            found: pd.DataFrame = pd.read_excel(book, sheet_name=sheet if sheet is not None else 0)
    return whole_numbers(found)


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": _parquet,
    ".pq": _parquet,
    ".feather": pd.read_feather,
    ".arff": read_arff,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
