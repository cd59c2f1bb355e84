"""Read what separates values by commas, semicolons, tabs, bars or spaces: CSV files as programs and spreadsheets write them."""

import codecs
import csv
import io
import itertools
import logging
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd

from metalearn._wording import advice
from metalearn.exceptions import InvalidInputError
from metalearn.table.packed import opened

__all__ = ["decimal_commas", "read_delimited", "separator_of", "shortened", "whole_numbers"]

_log = logging.getLogger(__name__)

_SEPARATORS = ",;\t|"
_SPACES = r"\s+"
_ALONE = "\x1f"
"""Taken for the separator of a single column: it stands in no text."""

_HEAD_BYTES = 262_144
_HEAD_ROWS = 200
_LOOKED_AT = 100
_SHOWN = 60
_DECIMAL_COMMA = r"-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"
_THOUSANDS = r"-?[1-9]\d{0,2}(\.\d{3})*|0"
_WITH_THOUSANDS = r"-?[1-9]\d{0,2}(,\d{3})+|-?\d{1,3}"
_FEWEST_POINTS = 50
"""So many points before three digits, beside numbers without one, are no decimal points: some would have fewer digits."""

_SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)[ \t]*\r?\n", re.IGNORECASE)
"""A first line by which spreadsheets are told the separator."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ZERO = re.compile(rb"(?:^|[,;|\"\s])0\d")
_GROUP = re.compile(r"[^\d,]{0,3}\d{1,3}")
_NEXT_GROUP = re.compile(r"\d{3}(\.\d+)?\D{0,2}")
_TOO_LONG = re.compile(r"Expected \d+ fields in line \d+, saw \d+")

_WHOLE_NUMBER = r"\s*[+-]?\d+\s*"
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


@dataclass(frozen=True, slots=True)
class _Given:
    """Facts about the header from whoever has the file read."""

    header: bool | None
    names: Sequence[str]
    missing: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _Form:
    """How a file is written."""

    encoding: str
    separator: str
    escape: str | None
    skipped: int
    names: tuple[str, ...]
    has_header: bool

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of :func:`pandas.read_csv`."""
        found: dict[str, Any] = {
            "sep": self.separator,
            "encoding": self.encoding,
            "skipinitialspace": True,
            "low_memory": False,
            "escapechar": self.escape,
            "skiprows": self.skipped or None,
            "names": list(self.names),
            "header": 0 if self.has_header else None,
        }
        if self.separator == _ALONE:
            found["skip_blank_lines"] = False  # an empty line is a missing value there
        return found


def read_delimited(
    path: Path,
    text: Collection[str] = (),
    *,
    header: bool | None = None,
    names: Sequence[str] = (),
    missing: Collection[str] = (),
) -> pd.DataFrame:
    """Read a file whose separator, quotes, encoding and marks of numbers are found out from what stands in it."""
    with opened(path) as file:
        start = file.read(2)
        marked = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what spreadsheets call Unicode text
        try:
            return _decoded(file, path, text, "utf-16" if marked else "utf-8-sig", _Given(header, names, missing))
        except UnicodeDecodeError:
            frame = _decoded(file, path, text, "cp1252", _Given(header, names, missing))
            if any("\0" in name for name in frame.columns):  # UTF-16
                raise
    _log.warning("%s is not UTF-8. It was read as Windows-1252; if letters look wrong, save it as UTF-8.", path.name)
    return frame


def _decoded(file: IO[bytes], path: Path, text: Collection[str], encoding: str, given: _Given) -> pd.DataFrame:
    form = _form(file, path, encoding, given)
    options = form.options
    if isinstance(text, Mapping) and any(_MISSING & set(words) for words in text.values()):
        options |= {
            "keep_default_na": False,
            "na_values": {n: _MISSING - set(text.get(n, ())) | set(given.missing) for n in form.names},
        }
    elif given.missing:
        options["na_values"] = list(given.missing)
    first = next(itertools.islice(_rows(file, form), int(form.has_header), None), [])
    surplus = _surplus(file, path, form) if len(first) > len(form.names) else ""
    try:
        frame = _frame(file, text, form, options, surplus)
    except pd.errors.ParserError as error:
        if not _TOO_LONG.search(str(error)):
            raise
        frame = _frame(file, text, form, options, _surplus(file, path, form))
    frame = _with_zeros_kept(frame, path, text, file, options)
    if form.separator == _ALONE:
        frame = frame.iloc[: len(frame) - _blank_end(file)] if len(frame) else frame
    return frame if form.separator == "," else _with_marks_read(frame, path, text, file, options)


def _frame(file: IO[bytes], text: Collection[str], form: _Form, options: dict[str, Any], surplus: str) -> pd.DataFrame:
    if surplus == "empty":
        options |= {"index_col": False, "usecols": list(form.names)}
    return whole_numbers(_read(file, dtype={name: str for name in text if name in form.names}, **options), text=text)


def _read(file: IO[bytes], **options: Any) -> pd.DataFrame:
    file.seek(0)
    found: pd.DataFrame = pd.read_csv(file, **options)
    return found


def whole_numbers(frame: pd.DataFrame, *, text: Collection[str] = ()) -> pd.DataFrame:
    """Read whole numbers beyond 63 bits beside missing values, which pandas leaves as text, the missing ones too."""
    for name in frame.columns:
        column = frame[name]
        if name in text or column.dtype.kind not in "OT" or not (missing := column.isin(_MISSING)).any():
            continue
        if column[~missing].astype(str).str.fullmatch(_WHOLE_NUMBER).all():
            whole = [math.nan if gone else int(value) for value, gone in zip(column, missing, strict=True)]
            frame[name] = pd.Series(whole, index=frame.index, dtype=object)
    return frame


def _blank_end(file: IO[bytes]) -> int:
    """Return the number of empty lines at the end of a file."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - 4096, 0))
    tail = file.read().replace(b"\r\n", b"\n")
    return max(len(tail) - len(tail.rstrip(b"\n")) - 1, 0)


def _form(file: IO[bytes], path: Path, encoding: str, given: _Given) -> _Form:
    header, names = given.header, given.names
    file.seek(0)
    raw = file.read(_HEAD_BYTES)
    whole = len(raw) < _HEAD_BYTES
    head = codecs.getincrementaldecoder(encoding)().decode(raw, final=whole)
    told = _SEPARATOR_LINE.match(head)
    if told:
        head = head[told.end() :]
    if not head.strip():
        message = f"{path.name} cannot be read: it is empty. Expected names of columns, and rows. Check the file."
        raise InvalidInputError(message)
    escape = "\\" if _is_escaped(file, encoding) else None
    mark = told[1] if told else _separator(head, path, escape)
    rows = _parsed(head, mark, escape)
    if not whole and len(rows) > 1:
        rows = rows[:-1]  # which may be cut
    first = [name.strip() for name in rows[0]]
    if names or header is False:
        own = [str(name) for name in names] or [f"x{i}" for i in range(_width(rows))]
        if not names:
            _log.warning("%s: its columns were named %s.", path.name, shortened(own))
        elif _width(rows) != len(own):
            message = (
                f"{path.name} has {_width(rows)} columns, but {len(own)} names were given. Expected as many. Name each."
            )
            raise InvalidInputError(message)
        has_header = header is True
    else:
        _refuse_title(path, first, rows[1:])
        if header is None:
            _refuse_data(path, first, rows[1:])
        own, has_header = _named(first, rows[1:]), True
    repeated = sorted({name for name in own if own.count(name) > 1})
    if repeated:
        message = f"Column names stand twice in {path.name}: {repeated[:5]}. Expected unique names. Rename them."
        raise InvalidInputError(message)
    if mark == _SPACES:
        _log.warning("%s: values were read as separated by spaces.", path.name)
    return _Form(encoding, mark, escape, 1 if told else 0, tuple(own), has_header)


def _named(first: list[str], rows: list[list[str]]) -> list[str]:
    """Return names of columns; one without is called as pandas does, one without name and values is none."""
    if len(first) > 1 and not first[-1] and all(len(row) < len(first) or not row[-1] for row in rows):
        first = first[:-1]
    return [name or f"Unnamed: {place}" for place, name in enumerate(first)]


def _width(rows: list[list[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def _parsed(head: str, mark: str, escape: str | None, n_rows: int = _HEAD_ROWS) -> list[list[str]]:
    """Return the first rows of values; none if they cannot be told apart."""
    try:
        return list(itertools.islice(_values(io.StringIO(head, newline=""), mark, escape), n_rows))
    except csv.Error:
        return []


def _values(lines: Iterable[str], mark: str, escape: str | None) -> Iterator[list[str]]:
    if mark == _SPACES:
        lines, mark = (re.sub(r"[ \t]+", " ", line.strip()) for line in lines), " "
    reader = csv.reader(lines, delimiter=mark, escapechar=escape, skipinitialspace=True)
    return (row for row in reader if row)


def _rows(file: IO[bytes], form: _Form) -> Iterator[list[str]]:
    file.seek(0)
    lines = io.TextIOWrapper(io.BufferedReader(_Kept(file)), encoding=form.encoding, newline="")
    return itertools.islice(_values(lines, form.separator, form.escape), form.skipped, None)


class _Kept(io.RawIOBase):
    """A file that stays open when what wraps it is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _is_escaped(file: IO[bytes], encoding: str) -> bool:
    """Tell whether quotes inside of values are written with a backslash, as MySQL does, and not twice."""
    file.seek(0)
    before = b""
    while chunk := file.read(1 << 20):
        if b'\\"' in before + chunk:
            break
        before = chunk[-1:]
    else:
        return False
    for options in ({}, {"escapechar": "\\"}):
        file.seek(0)
        lines = io.TextIOWrapper(io.BufferedReader(_Kept(file)), encoding=encoding, newline="")
        try:
            for _ in csv.reader(lines, strict=True, skipinitialspace=True, **options):  # type: ignore[arg-type]
                pass
        except csv.Error:
            continue
        return bool(options)
    return False


def _separator(head: str, path: Path, escape: str | None) -> str:
    """Return what stands between the names of the first line and, as often, between the values below."""
    inner = path.name.lower().split(".")
    usual = "\t" if "tsv" in inner[1:] or "tab" in inner[1:] else ","
    found: list[tuple[tuple[float, ...], str]] = []
    for mark in _SEPARATORS:
        rows = _parsed(head, mark, escape)
        width = len(rows[0]) if rows else 0
        if width > 1:
            alike = sum(len(row) == width for row in rows[1:]) / max(len(rows) - 1, 1)
            near = sum(abs(len(row) - width) == 1 for row in rows[1:]) / max(len(rows) - 1, 1)
            sure = mark == usual == "\t"
            found.append(((sure and alike + near > 0.5, round(alike + near / 2, 1), width, mark == usual), mark))  # noqa: PLR2004
    if found:
        return max(found)[1]
    below = head.partition("\n")[2]
    for mark in _SEPARATORS:  # a title, or names of rows without a name
        rows = _parsed(below, mark, escape)
        if rows and len(rows[0]) > 1 and {len(row) for row in rows} == {len(rows[0])}:
            return mark
    rows = _parsed(head, _SPACES, escape)
    numeric = rows and any(
        all(_NUMBER.fullmatch(row[i]) for row in rows[1:] if i < len(row)) for i in range(len(rows[0]))
    )
    if len(rows) > 1 and len(rows[0]) > 1 and numeric and {len(row) for row in rows} == {len(rows[0])}:
        return _SPACES
    return _ALONE


def _refuse_title(path: Path, names: list[str], rows: list[list[str]]) -> None:
    """Refuse a file whose first line has a single name, where those that follow have several values."""
    told = [name for name in names if name]
    values = [sum(bool(v.strip()) for v in row) for row in rows]
    if len(told) == 1 and sum(n > 2 for n in values) > len(values) / 2:  # noqa: PLR2004 - two may be a name of the row and a value
        message = (
            f"The first line of {path.name}, {told[0][:_SHOWN]!r}, looks like a title. Expected the names of the columns. "
            "Delete the lines above them."
        )
        raise InvalidInputError(message)


def _refuse_data(path: Path, first: list[str], rows: list[list[str]]) -> None:
    """Refuse a file whose first line holds such values as those that follow."""
    columns = [[row[i].strip() for row in rows if i < len(row) and row[i].strip()] for i in range(len(first))]
    if len(rows) < 2 or len(first) < 2 or not all(columns):  # noqa: PLR2004
        return
    numeric = [all(map(_NUMBER.fullmatch, column)) for column in columns]
    is_number = [bool(_NUMBER.fullmatch(name)) for name in first]
    if any(
        below and not above and above_text for below, above, above_text in zip(numeric, is_number, first, strict=True)
    ):
        return  # a word above numbers is a name
    numbers = [name for name, number in zip(first, is_number, strict=True) if number]
    words = [
        (name, column) for name, number, column in zip(first, is_number, columns, strict=True) if not number and name
    ]
    seen = [name in column for name, column in words]
    whole = [int(name) for name in numbers if name.isdecimal()]
    counted = len(whole) == len(numbers) > 1 and all(b - a == 1 for a, b in itertools.pairwise(whole))
    looks = (
        bool(numbers) and not counted and (len(set(numbers)) < len(numbers) or len(whole) < len(numbers) or any(seen))
    )
    looks = looks or (bool(numbers) and not counted and not words)
    looks = looks or (counted and any(seen)) or (not numbers and len(seen) > 1 and all(seen))
    if looks:
        message = (
            f"The first line of {path.name} looks like data: {shortened([name[:20] for name in first[:5]])}. Expected the names of the "
            "columns. "
            + advice(
                python="Say that there are none by header=False, or name them by names=[...]; if these are names: header=True.",
                command="Say that there are none by --no-header, or name them by --names a,b,c; if these are names, add --header.",
            )
        )
        raise InvalidInputError(message)


def _surplus(file: IO[bytes], path: Path, form: _Form) -> str:
    """Say what is surplus in lines that are longer than the header: nothing, or names of rows; refuse values."""
    width, n_rows, empty, every = len(form.names), 0, True, True
    longer: list[tuple[int, list[str]]] = []
    first: list[str] = []
    for number, row in enumerate(_rows(file, form), start=1):
        if number == 1 and form.has_header:
            continue
        n_rows += 1
        first.append(row[0])
        every = every and len(row) == width + 1
        if len(row) > width:
            empty = empty and not any(value.strip() for value in row[width:])
            if len(longer) < _HEAD_ROWS:
                longer.append((number + form.skipped, row))
    if empty:
        return "empty"
    sequence = first == [str(i) for i in range(len(first))] or first == [str(i + 1) for i in range(len(first))]
    places = [{i for i, _ in enumerate(row[:-1]) if _is_split_number(row, i)} for _, row in longer]
    split = set.intersection(*places) - ({0} if sequence else set()) if places else set()
    words = not any(map(_NUMBER.fullmatch, first))
    if every and len(set(first)) == n_rows and (sequence or words) and not (split and form.separator == ","):
        _log.warning("%s: the first value of each line has no name and was read as the name of the row.", path.name)
        return "names"
    number, row = longer[0]
    at = next((i for i in range(len(row) - 1) if _is_split_number(row, i)), None)
    shown = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}.get(form.separator, "a space")
    cause = (
        f"Is '{row[at]},{row[at + 1]}' one number? Write it without the comma, or in quotes"
        if at is not None and form.separator == ","
        else f"Put values that hold {shown} in double quotes"
    )
    message = (
        f"Row {number} of {path.name} has {len(row)} values, but there are {width} names: "
        f"{form.separator.join(row)[:_SHOWN]!r}. Expected one value for each name. {cause}."
    )
    raise InvalidInputError(message)


def _is_split_number(row: list[str], place: int) -> bool:
    return bool(_GROUP.fullmatch(row[place]) and _NEXT_GROUP.fullmatch(row[place + 1]))


def _with_zeros_kept(
    frame: pd.DataFrame, path: Path, text: Collection[str], file: IO[bytes], options: dict[str, Any]
) -> pd.DataFrame:
    """Return columns of digits that begin with zeros, such as postcodes, as text: numbers would lose them."""
    numeric = [n for n in frame.columns if n not in text and pd.api.types.is_numeric_dtype(frame[n].dtype)]
    whole = [
        n for n in numeric if not pd.api.types.is_bool_dtype(frame[n].dtype) and (frame[n].dropna() % 1 == 0).all()
    ]
    if not whole or not isinstance(frame.index, pd.RangeIndex) or not _has_zeros(file, options["encoding"]):
        return frame
    written = _read(file, dtype=str, **{**options, "usecols": whole})
    padded = {}
    for name in whole:
        present = written[name].dropna().str.strip()
        if present.str.fullmatch(r"0\d+").any() and present.str.fullmatch(r"\d+").all():
            padded[name] = present.reindex(written.index)
    if padded:
        _log.warning("%s: leading zeros were kept, so that %s are text.", path.name, shortened(list(padded)))
    return frame.assign(**padded)


def _has_zeros(file: IO[bytes], encoding: str) -> bool:
    """Tell whether some value in a file may begin with a zero before another digit."""
    if encoding == "utf-16":
        return True
    file.seek(0)
    before = b""
    while chunk := file.read(1 << 20):
        if _ZERO.search(before + chunk):
            return True
        before = chunk[-2:]
    return False


def _with_marks_read(
    frame: pd.DataFrame, path: Path, text: Collection[str], file: IO[bytes], options: dict[str, Any]
) -> pd.DataFrame:
    """Return numbers that are written as in countries where the comma is the decimal mark, and the point no other."""
    commas = decimal_commas(frame, text)
    doubtful = [name for name in commas if frame[name].dropna().str.strip().str.fullmatch(_WITH_THOUSANDS).all()]
    if doubtful and len(doubtful) == len(commas) and any(map(_has_points, frame.items())):
        commas = {}  # points are decimal points there, so commas separate thousands
    if commas:
        _log.warning("%s: commas were read as decimal points in %s.", path.name, shortened(list(commas)))
    elif options["sep"] != ";":
        return frame
    pointed = [name for name in frame.columns if pd.api.types.is_float_dtype(frame[name].dtype)]
    written = _read(file, dtype=str, **{**options, "usecols": pointed}) if pointed else pd.DataFrame()
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


def _has_points(item: "tuple[Any, pd.Series[Any]]") -> bool:
    """Tell whether a column of numbers was read as having fractions."""
    present = item[1].dropna()
    return pd.api.types.is_float_dtype(present.dtype) and bool((present % 1 != 0).any())


def separator_of(header: str, *, usual: str = ",") -> str:
    """Return what stands most often between the names of a first line."""
    return max(usual + _SEPARATORS, key=header.count)


def decimal_commas(frame: pd.DataFrame, text: Collection[str] = ()) -> dict[str, "pd.Series[float]"]:
    """Return columns of numbers with a decimal comma, as spreadsheets of many countries write them, as numbers."""
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
    """Return names for a message, no more of them than one reads."""
    return str(columns if len(columns) <= 20 else [*columns[:20], "..."])  # noqa: PLR2004
