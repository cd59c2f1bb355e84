"""Numbers that are written with separators of thousands, signs of currency, percent signs or parentheses."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["COMMA", "POINT", "amount_form", "as_numbers", "number_form"]

POINT = "1,234.5"
"""Form of numbers whose decimal mark is the point."""

COMMA = "1.234,5"
"""Form of numbers whose decimal mark is the comma."""

_PLAIN = str.maketrans(dict.fromkeys("\u2007\u2009\u202f", "\u00a0") | {"\u2212": "-", "\u2019": "'"})
_CURRENCY = r"(?:[$€£¥₹₩₽]|[A-Z]{0,2}\$|USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|kr|Fr|Rs)\.?"
_AROUND = r"(?P<open>\()?[ \u00a0]*(?P<sign>[+-])?[ \u00a0]*(?:{c}[ \u00a0]*)?(?P<sign2>[+-])?(?P<number>{n})(?:[ \u00a0]*(?:{c}|%))?[ \u00a0]*(?P<close>\))?(?P<behind>-)?"
_NUMBERS = {
    POINT: r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?|[1-9]\d{0,2}(?:[ \u00a0']\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+",
    COMMA: r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?|[1-9]\d{0,2}(?:[ \u00a0']\d{3})+(?:,\d*)?|\d+(?:,\d*)?",
}
_FORMS = {form: re.compile(_AROUND.format(c=_CURRENCY, n=numbers)) for form, numbers in _NUMBERS.items()}
_BARE = re.compile(r"[+-]?[\d.,' ]+")
_BOTH_MARKS = re.compile(r"\.\d{3},\d")
_SPACED = re.compile(r"\d \d{3}")
_PADDED = re.compile(r"0\d")


def _read(text: str, form: str) -> float | None:
    parts = _FORMS[form].fullmatch(text)
    if parts is None or (parts["open"] is None) != (parts["close"] is None):
        return None
    if sum(parts[mark] is not None for mark in ("open", "sign", "sign2", "behind")) > 1:
        return None
    digits = re.sub(r"[ \u00a0']", "", parts["number"])
    digits = digits.replace(",", "") if form == POINT else digits.replace(".", "").replace(",", ".")
    negative = parts["open"] or parts["behind"] or "-" in (parts["sign"], parts["sign2"])
    return -float(digits) if negative else float(digits)


def amount_form(texts: Iterable[str]) -> str | None:
    """Return the form in which all texts are numbers with marks; None if they are not, or have no marks."""
    each = (text.strip().translate(_PLAIN) for text in texts)
    first = next(each, None)
    if first is None or all(_read(first, form) is None for form in _FORMS):
        return None  # a column of words is told from one of them
    found = {first, *each}
    if any(_PADDED.match(text) for text in found):
        return None
    marked = {text for text in found if not _is_plain(text)}
    if not marked:
        return None
    if all(_read(text, POINT) is not None for text in found):
        spaced = {text for text in marked if _SPACED.search(text) and _BARE.fullmatch(text)}
        whole = spaced == found  # such as telephone numbers
        return None if whole else POINT
    sure = any(_BOTH_MARKS.search(text) or not _BARE.fullmatch(text) for text in marked)
    return COMMA if sure and all(_read(text, COMMA) is not None for text in found) else None


def number_form(column: "pd.Series[Any]") -> str | None:
    """Return the form in which all of a column's texts are numbers, plain ones included; None if one is not."""
    present = column.dropna()
    if present.map(lambda value: isinstance(value, bool)).any():
        return None
    found = set(map(str, present))
    return POINT if found and all(map(_is_plain, found)) else amount_form(found)


def _is_plain(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def as_numbers(column: "pd.Series[Any]", form: str = POINT) -> npt.NDArray[np.float64]:
    """Return a column as numbers, missing where a value is none in this form."""
    held = column.astype(object)
    is_text = held.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
    readable = held.where(~is_text) if form == COMMA else held  # to pandas, every point is a decimal point
    numbers = pd.to_numeric(readable, errors="coerce").to_numpy(dtype=float, na_value=np.nan).copy()
    rest = np.flatnonzero(np.isnan(numbers) & is_text)
    if len(rest):
        texts = held.iloc[rest]
        known = {text: _read(text.strip().translate(_PLAIN), form) for text in set(texts)}
        numbers[rest] = [np.nan if known[text] is None else known[text] for text in texts]
    return numbers
