"""Read what separates values by commas, semicolons, tabs or bars: CSV files as programs and spreadsheets write them."""

import codecs
import csv
import logging
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from metalearn.exceptions import InvalidInputError

__all__ = ["decimal_commas", "read_delimited", "separator_of", "shortened"]

_log = logging.getLogger(__name__)

_SEPARATORS = ",;\t|"
_SNIFFED_BYTES = 65536
_LOOKED_AT = 100
_DECIMAL_COMMA = r"-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"
_THOUSANDS = r"-?[1-9]\d{0,2}(\.\d{3})*|0"
_FEWEST_POINTS = 50
"""So many points before three digits, beside numbers without one, are no decimal points: some would have fewer digits."""

_SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)
"""A first line by which spreadsheets are told the separator."""

_MISSING = frozenset(
    (
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
        "",
    )
)
"""What pandas takes for a missing value."""


def read_delimited(path: Path, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a file whose separator, encoding, decimal marks and marks of thousands are found out from what stands in it.

    Parameters
    ----------
    path : Path
        The file.
    text : collection of str, or mapping of str to collection of str, default=()
        Columns that stay text, whatever they look like; with a mapping, and words of each that are no missing values, such as
        "NA".

    Returns
    -------
    DataFrame
        Every column as found. What was guessed, and may be wrong, is logged as a warning.

    Raises
    ------
    InvalidInputError
        If two columns are named alike, or a title stands above their names.
    """
    with path.open("rb") as file:
        marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what spreadsheets call Unicode text
    try:
        return _decoded(path, text, "utf-16" if marked else "utf-8")
    except UnicodeDecodeError:
        frame = _decoded(path, text, "cp1252")
        if any("\0" in name for name in frame.columns):  # UTF-16
            raise
    _log.warning("%s is not UTF-8. It was read as Windows-1252; if letters look wrong, save it as UTF-8.", path.name)
    return frame


def _decoded(path: Path, text: Collection[str], encoding: str) -> pd.DataFrame:
    head = pd.read_csv(
        path,
        sep="\x01",
        header=None,
        nrows=20,
        dtype=str,
        skip_blank_lines=True,
        quoting=csv.QUOTE_NONE,
        encoding=encoding,
    )
    lines = head.iloc[:, 0].astype(str).tolist()
    options: dict[str, Any] = {"low_memory": False, "encoding": encoding}
    told = _SEPARATOR_LINE.fullmatch(lines[0])
    if told:
        lines, options["skiprows"] = lines[1:], 1
    try:
        separator = csv.Sniffer().sniff("\n".join(lines)[:_SNIFFED_BYTES], delimiters=_SEPARATORS).delimiter
    except csv.Error:
        separated = (line for line in lines if any(mark in line for mark in _SEPARATORS))
        separator = separator_of(next(separated, ""), usual="\t" if path.suffix == ".tsv" else ",")
    separator = told[1] if told else separator
    names = next(csv.reader(lines[:1], delimiter=separator), [])
    _refuse_title(path, names, lines[1:], separator)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = f"Column names stand twice in {path.name}: {repeated[:5]}. Expected unique names. Rename them."
        raise InvalidInputError(message)
    options["sep"] = separator
    if isinstance(text, Mapping) and any(_MISSING & set(words) for words in text.values()):
        options |= {"keep_default_na": False, "na_values": {n: _MISSING - set(text.get(n, ())) for n in names}}
    frame: pd.DataFrame = pd.read_csv(path, dtype=dict.fromkeys(text, str), **options)
    first = next(csv.reader(lines[1:2], delimiter=separator), names)
    if len(first) > len(names) and not first[-1] and frame.iloc[:, -1].isna().all():  # a separator ends every line
        options["index_col"] = False
        frame = pd.read_csv(path, dtype=dict.fromkeys(text, str), **options)
    return frame if separator == "," else _with_marks_read(frame, path, text, options)


def _with_marks_read(frame: pd.DataFrame, path: Path, text: Collection[str], options: dict[str, Any]) -> pd.DataFrame:
    """Return numbers that are written as in countries where the comma is the decimal mark, and the point no other."""
    commas = decimal_commas(frame, text)
    if commas:
        _log.warning("%s: commas were read as decimal points in %s.", path.name, shortened(list(commas)))
    elif options["sep"] != ";":
        return frame
    pointed = [name for name in frame.columns if pd.api.types.is_float_dtype(frame[name].dtype)]
    written = pd.read_csv(path, dtype=str, usecols=pointed, **options) if pointed else pd.DataFrame()
    points, doubtful = _thousands(written, fewest=1 if commas else _FEWEST_POINTS)
    if points:
        _log.warning("%s: points were read as separators of thousands in %s.", path.name, shortened(list(points)))
    if doubtful:
        _log.warning(
            "%s: points were read as decimal points in %s, though each stands before three digits. "
            "If they separate thousands, write these numbers without them.",
            path.name,
            shortened(doubtful),
        )
    return frame.assign(**commas, **points)


def _refuse_title(path: Path, names: list[str], lines: list[str], separator: str) -> None:
    """Refuse a file whose first line has a single name, where those that follow have several values."""
    told = [name for name in names if name.strip()]
    values = [sum(bool(v.strip()) for v in row) for row in csv.reader(lines, delimiter=separator)]
    if len(told) == 1 and sum(n > 2 for n in values) > len(values) / 2:  # noqa: PLR2004 - two may be a name of the row and a value
        message = (
            f"The first line of {path.name}, {told[0][:60]!r}, looks like a title. Expected the names of the columns. "
            "Delete the lines above them."
        )
        raise InvalidInputError(message)


def separator_of(header: str, *, usual: str = ",") -> str:
    """Return what stands most often between the names of a first line.

    Parameters
    ----------
    header : str
        The line.
    usual : str, default=","
        What it is where none stands more often.

    Returns
    -------
    str
        A comma, semicolon, tab or bar.
    """
    return max(usual + _SEPARATORS, key=header.count)


def decimal_commas(frame: pd.DataFrame, text: Collection[str] = ()) -> dict[str, "pd.Series[float]"]:
    """Return columns of numbers with a decimal comma, as spreadsheets of many countries write them, as numbers.

    Parameters
    ----------
    frame : DataFrame
        As read, without gaps that are empty texts.
    text : collection of str, default=()
        Columns that stay text.

    Returns
    -------
    dict of str to Series
        Only the columns that have such.
    """
    found = {}
    for column in map(str, frame.columns):
        values = frame[column]
        if column in text or not pd.api.types.is_string_dtype(values.dtype):
            continue
        present = values.dropna().astype(str).str.strip()
        first = present[:_LOOKED_AT].str.fullmatch(_DECIMAL_COMMA).all()  # most columns of words end here
        if first and present.str.fullmatch(_DECIMAL_COMMA).all() and present.str.contains(",", regex=False).any():
            plain = present.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
            found[column] = plain.astype(float).reindex(frame.index)
    return found


def _thousands(written: pd.DataFrame, fewest: int) -> tuple[dict[str, "pd.Series[float]"], list[str]]:
    """Return the columns in which every point separates thousands, and the names of those where it may or may not."""
    found, doubtful = {}, []
    for name in written.columns:
        present = written[name].dropna().str.strip()
        points = present.str.contains(".", regex=False)
        if not points.any() or not present.str.fullmatch(_THOUSANDS).all():
            continue
        if points.sum() >= fewest and (fewest == 1 or not points.all()):
            found[name] = present.str.replace(".", "", regex=False).astype(float).reindex(written.index)
        else:
            doubtful.append(str(name))
    return found, doubtful


def shortened(columns: list[str]) -> str:
    """Return names for a message, no more of them than one reads.

    Parameters
    ----------
    columns : list of str
        The names.

    Returns
    -------
    str
        At most twenty.
    """
    return str(columns if len(columns) <= 20 else [*columns[:20], "..."])  # noqa: PLR2004
