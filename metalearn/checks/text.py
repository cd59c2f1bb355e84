"""Look at what columns hold as text: numbers, dates, codes for missing values, labels that are nearly the same."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn._wording import advice
from metalearn.checks.finding import Finding, listed, names_of, verb
from metalearn.metafeatures.sample import Sample
from metalearn.table.intake import as_text
from metalearn.table.schema import ColumnKind

__all__ = ["mixed", "odd_values", "written_as"]

_PROBED = 50
_FEWEST_WRITTEN = 5
_MEANS_MISSING = frozenset(
    ("?", "-", "--", ".", "n.a.", "k.a.", "missing", "none", "nil", "#n/v", "(null)", "(missing)")
)
_NUMBER_CODES = frozenset((-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, 999999.0))
_FAR = 5
_MOSTLY = 0.9
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_NAMED = 5
_FEWEST = 20
_AMOUNT = re.compile(r"[(+-]?[$€£¥]?\s?[+-]?\d+([.,' ]\d+)*\s?[%$€£¥]?\)?-?")
_DAY = re.compile(
    rf"(\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}|\d{{1,2}}[ .-]+{_MONTH}[ .,-]+\d{{2,4}}|{_MONTH}[ .]+\d{{1,2}}[ .,]+\d{{2,4}})"
    r"([ T,]+\d{1,2}:\d{2}.*)?",
    re.IGNORECASE,
)


def mixed(sample: Sample) -> Iterator[Finding]:
    """Tell what columns of text hold beside words."""
    found: dict[str, list[int]] = {"read": [], "odd": [], "digits": [], "amount": [], "date": []}
    dtypes = sample.data.X.dtypes.iloc[sample.columns]
    looked_at = [place for place, dtype in enumerate(dtypes) if pd.api.types.is_string_dtype(dtype)]
    for place, (_, column) in zip(looked_at, sample.part(looked_at).items(), strict=True):
        held = _held(column, sample.kinds[place])
        if held is not None:
            found[held].append(place)
    told = _told()
    for held, places in found.items():
        names = names_of(sample, places)
        if names:
            kind, severity, (one, many), text = told[held]
            yield Finding(
                kind=kind,
                severity=severity,
                columns=names,
                message=f"{listed(names)} {verb(names, one, many)} {text}",
            )


def _held(column: "pd.Series[Any]", kind: ColumnKind) -> str | None:
    share = _share_of_numbers(column.dropna()) if kind is ColumnKind.CATEGORICAL else 0.0
    if kind is ColumnKind.NUMERIC:
        return "read"
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in {"mixed", "mixed-integer"}:
        return "odd"
    if share == 1:
        padded = any(
            isinstance(value, str) and value[:1] == "0" and value.isdecimal() and len(value) > 1 for value in column
        )
        return None if padded else "digits"  # leading zeros are kept on purpose
    if kind in {ColumnKind.CATEGORICAL, ColumnKind.TEXT} and (written := written_as(column)):
        return written
    return "odd" if share > 0.5 else None  # noqa: PLR2004 - more numbers than words


def _told() -> dict[str, tuple[str, str, tuple[str, str], str]]:
    """Return kind, severity, verbs and text of the findings on text by what it holds."""
    holds = ("holds", "hold")
    word = "to a model, every value is a word."
    return {
        "read": (
            "numbers_as_text",
            "info",
            holds,
            "numbers with separators, or signs of currency or percent. They were read as numbers.",
        ),
        "odd": (
            "mixed_types",
            "warning",
            ("mixes", "mix"),
            "numbers and text. Find out what the odd values mean; mark missing ones as such"
            + advice(python=".", command=": --missing VALUE."),
        ),
        "digits": (
            "numbers_as_text",
            "info",
            holds,
            "numbers as text"
            + advice(
                python=". Convert with pandas.to_numeric if they are quantities.",
                command=", read as categories. If they are quantities, write them as numbers.",
            ),
        ),
        "amount": (
            "numbers_as_text",
            "warning",
            holds,
            f"numbers in a form that is not read: {word} "
            + advice(
                python="Convert them, as by X[column].str.replace(',', '.').astype(float).",
                command="Write them with a decimal point, or with decimal commas in a file separated by semicolons.",
            ),
        ),
        "date": (
            "dates_as_text",
            "warning",
            holds,
            f"dates in a form that is not read: {word} "
            + advice(
                python="Convert with pandas.to_datetime.", command="Add --date COLUMN, or --date COLUMN=%d/%m/%y."
            ),
        ),
    }


def written_as(column: "pd.Series[Any]") -> str | None:
    """Tell amounts ("$1,234.50", "12 %", "99,95-"), also with an odd word among them, and dates that are not read from other text."""
    present = column.dropna()
    values = as_text(present.iloc[:: max(len(present) // _PROBED, 1)]).str.strip()
    if values.nunique() < _FEWEST_WRITTEN:
        return None
    amounts = values.map(lambda value: bool(_AMOUNT.fullmatch(value)))
    if amounts.mean() >= _MOSTLY and not values[amounts].map(_is_number).all():
        return "amount" if amounts.all() else "odd"
    if not values.map(lambda value: bool(_DAY.fullmatch(value))).all():
        return None
    return "date" if pd.to_datetime(values, errors="coerce", format="mixed", utc=True).notna().mean() > 0.5 else None  # noqa: PLR2004


def _share_of_numbers(present: "pd.Series[Any]") -> float:
    """Look at a few values spread over the column first, since to convert thousands of columns takes seconds."""
    values = present.to_numpy(dtype=object)[:: max(len(present) // _PROBED, 1)]
    if not any(_is_number(value) for value in values):
        return 0.0
    return float(pd.to_numeric(as_text(present), errors="coerce").notna().mean())


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return bool(value == value)  # noqa: PLR0124 - NaN differs from itself


def odd_values(sample: Sample) -> Iterator[Finding]:
    """Look for codes that stand for missing values, and for labels that are nearly the same."""
    places = sample.places(ColumnKind.CATEGORICAL, ColumnKind.TEXT)
    columns = zip(places, sample.part(places).items(), strict=True)
    texts = {
        place: _few_texts(column) for place, (_, column) in columns if not pd.api.types.is_numeric_dtype(column.dtype)
    }
    yield from _missing_codes(sample, texts)
    yield from _similar_labels(sample, texts)


def _missing_codes(sample: Sample, texts: Mapping[int, Sequence[str]]) -> Iterator[Finding]:
    """Look for values such as "?" and -999 that stand for missing ones."""
    found: dict[str, list[int]] = {}
    for place, values in zip(sample.places(ColumnKind.NUMERIC), sample.numbers, strict=True):
        for number in _codes_in(values):
            found.setdefault(f"{number:.0f}", []).append(place)
    for place, levels in texts.items():
        for level in levels if len(levels) > 1 else ():
            if level.strip().lower() in _MEANS_MISSING:
                found.setdefault(level, []).append(place)
    for code, places in found.items():
        names = names_of(sample, places)
        option = f"--missing {shlex.quote(code)}" if code[:1] != "-" else f"--missing={code}"
        yield Finding(
            kind="missing_codes",
            severity="info",
            columns=names,
            message=f"{listed(names)} {verb(names, 'holds', 'hold')} {code!r}, which often means that a value is missing. "
            + advice(python="If so, make it missing before: X.replace(value, None).", command=f"If so, add {option}."),
        )


def _codes_in(values: npt.NDArray[np.float64]) -> Iterator[float]:
    """Yield the lowest value if it is such as -999 and none else is negative, the highest if it is such as 9999 and far away."""
    present = values[~np.isnan(values)]
    if len(present) < _FEWEST:
        return
    for code in _NUMBER_CODES & {present.min(), present.max()}:
        held = present == code
        if held.sum() < 2:  # noqa: PLR2004
            continue
        rest = present[~held]
        if len(rest) and ((code < 0 and rest.min() >= 0) or (code > 0 and 0 <= rest.max() * _FAR < code)):
            yield code


def _few_texts(column: "pd.Series[Any]") -> list[str]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [value for value in column.cat.categories if isinstance(value, str)]
    try:
        return [value for value in column.unique() if isinstance(value, str)]
    except TypeError:  # unhashable
        return []


def _similar_labels(sample: Sample, texts: Mapping[int, Sequence[str]]) -> Iterator[Finding]:
    """Look for labels that differ in case or spaces only."""
    names = names_of(sample, [p for p in sample.places(ColumnKind.CATEGORICAL) if _alike(texts.get(p, ()))])
    how = advice(python="X[column].str.strip().str.lower()", command="write them alike in the file")
    if names:
        yield Finding(
            kind="similar_labels",
            severity="info",
            columns=names,
            message=f"{listed(names)} {verb(names, 'has', 'have')} labels that differ only in case or spaces. Each counts as a "
            f"category of its own. If they mean the same, join them: {how}.",
        )
    alike = _alike(
        [label for label in sample.data.labels if isinstance(label, str)] if sample.is_classification else []
    )
    if alike:
        shown = ", ".join(map(repr, alike[:_NAMED]))
        yield Finding(
            kind="similar_labels",
            severity="warning",
            columns=(str(sample.data.y.name),),
            message=f"The target has classes that differ only in case or spaces: {shown}. Each counts as a class of its own. "
            f"If they mean the same, join them: {how.replace('X[column]', 'y')}.",
        )


def _alike(labels: Sequence[str]) -> list[str]:
    """Return labels of which another one differs in case or spaces only."""
    plain = [" ".join(label.split()).casefold() for label in labels]
    counts = Counter(plain)
    return sorted(label for label, key in zip(labels, plain, strict=True) if counts[key] > 1)
