"""Read ARFF files as WEKA writes them."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arff  # type: ignore[import-untyped]
import pandas as pd

from metalearn.exceptions import InvalidInputError
from metalearn.table.packed import opened

__all__ = ["read_arff"]

_log = logging.getLogger(__name__)

_NAME = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{'"]+"""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_NAME})\s*(.*)", re.IGNORECASE)
_TYPE = re.compile(r"(numeric|real|integer|string)\b.*", re.IGNORECASE)
_DATE = re.compile(r"""date\b\s*(?:'([^']*)'|"([^"]*)"|([^\s%]+))?.*""", re.IGNORECASE)
_LEVELS = re.compile(r"""\{(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^'"}])*\}""")
_WEIGHT = re.compile(r",\s*\{\s*[\d.eE+-]+\s*\}\s*$")
_COMMENT = re.compile(r"\s%[^'\"]*$")
_ISO = "yyyy-MM-dd'T'HH:mm:ss"
_UNITS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
} | {
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%f",
    "a": "%p",
    "Z": "%z",
    "X": "%z",
    "XXX": "%z",
    "EEE": "%a",
    "EEEE": "%A",
    "MMMM": "%B",
}


def read_arff(path: Path) -> pd.DataFrame:
    """Read a file with liac-arff, after its header was brought into the form which that knows."""
    with opened(path) as file:
        raw = file.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
        _log.warning(
            "%s is not UTF-8. It was read as Windows-1252; if letters look wrong, save it as UTF-8.", path.name
        )
    dates: dict[str, str] = {}
    found = arff.load(_normal_lines(text, path, dates))
    names = [str(name) for name, _ in found["attributes"]]
    frame = pd.DataFrame(found["data"], columns=names)
    for name, kind in found["attributes"]:
        if isinstance(kind, list):
            frame[name] = pd.Categorical(frame[name], list(dict.fromkeys(kind)))
        elif name in dates:
            form = _strptime(dates[name])
            frame[name] = pd.to_datetime(frame[name], format="ISO8601" if dates[name] == _ISO else form)
        elif kind != "STRING":
            frame[name] = frame[name].astype(float) if kind != "INTEGER" else _whole(frame[name])
    return frame


def _whole(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole numbers in 64 bits if they fit, beside missing ones too."""
    present = values.dropna().map(int)
    if not present.between(-(2**63), 2**63 - 1).all():
        return values
    whole = present.astype("int64")
    return whole if len(whole) == len(values) else whole.astype("Int64").reindex(values.index)


def _normal_lines(text: str, path: Path, dates: dict[str, str]) -> Iterator[str]:
    """Yield lines without comments behind declarations, ranges, weights of rows and dates, which are noted."""
    in_data = weighed = False
    for line in text.splitlines():
        if in_data:
            if "{" in line and not line.lstrip().startswith("{") and _WEIGHT.search(line):
                weighed = True
                yield _WEIGHT.sub("", line)
            else:
                yield _COMMENT.sub("", line) if "%" in line else line
            continue
        told = line.strip()
        start = told.split(None, 1)[0].lower() if told else ""
        if start == "@relation":
            yield "@relation table"
        elif start == "@attribute":
            yield _declared(told, dates)
        elif start == "@data":
            in_data = True
            yield "@data"
        elif start.startswith("@"):
            message = f"{path.name} declares {told[:60]!r}. Expected @relation, @attribute and @data. Correct the line, or convert the file to CSV."
            raise InvalidInputError(message)
    if weighed:
        _log.warning("%s: weights of rows were not read.", path.name)


def _declared(line: str, dates: dict[str, str]) -> str:
    parts = _ATTRIBUTE.fullmatch(line)
    if parts is None:
        return line
    name, kind = parts[1], parts[2].strip()
    bare = re.sub(r"\\(.)", r"\1", name[1:-1]) if name[0] in "'\"" else name
    quoted = '"' + bare.replace('"', "'") + '"'
    if levels := _LEVELS.match(kind):
        return f"@attribute {quoted} {levels[0]}"
    if plain := _TYPE.fullmatch(kind):
        return f"@attribute {quoted} {plain[1]}"
    if date := _DATE.fullmatch(kind):
        dates[bare.strip("\"'")] = date[1] or date[2] or date[3] or _ISO
        return f"@attribute {quoted} string"
    return f"@attribute {quoted} {kind}"


def _strptime(form: str) -> str:
    """Turn a pattern of Java's SimpleDateFormat into one of strptime."""
    found = ""
    for part in re.finditer(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']+", form):
        word = part[0]
        if part[1]:
            if word not in _UNITS:
                message = f"Dates are written as {form!r}. Expected such parts as yyyy, MM, dd, HH, mm, ss; {word!r} is none. Convert them."
                raise InvalidInputError(message)
            found += _UNITS[word]
        else:
            found += word.strip("'").replace("%", "%%")
    return found
