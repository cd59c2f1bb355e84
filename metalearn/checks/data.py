"""Look for what spoils models before any is trained: leaks, identifiers, copies, rare classes, order in time."""

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn._wording import advice
from metalearn.checks.finding import Finding, dropping, listed, names_of, verb
from metalearn.checks.text import mixed, odd_values, written_as
from metalearn.dataset import Dataset
from metalearn.metafeatures.columns import levels_of
from metalearn.metafeatures.sample import Sample, sample_of
from metalearn.table.intake import as_text
from metalearn.table.schema import ColumnKind
from metalearn.task import Metric, get_metric

__all__ = ["Finding", "associations", "check_data", "unlabelled"]

LEAK_FROM = 0.99
"""Held-out balanced accuracy (rescaled), or R2 of ranks, from which one column alone is suspected of a leak."""

MIN_ROWS_PER_CLASS = 5
"""Fewer rows than this cannot be spread over the folds of a cross-validation."""

IMBALANCED_FROM = 100.0
"""Ratio of the largest class to the smallest that counts as extreme."""

_REWARDING_THE_MAJORITY = ("accuracy", "log_loss")
_OTHER_METRIC = " Choose a metric that does not reward the majority, such as roc_auc or balanced_accuracy."
_SUSPICIOUS = 0.5
_FEWEST_COPIES = 3
_COPIED_FROM = 0.01, 0.05
_AGREE_BY_CHANCE = 0.05, 0.15
_LEAK_BINS = 64
_LINEAR_LEAK_FROM = 0.999
_JUDGED_FROM, _JUDGED = 3, 0.95
_FEWEST = 20
_ID_SHARE = 0.95
_SCATTER = 0xC2B2AE3D27D4EB4F
_NAMED = 5
_FEWEST_GROUPS = 10
_AGREEING = 0.1
_SUBJECTS = "subject|patient|person|participant|respondent|user|customer|client|student|pupil|child|animal|household|session|device"
_GROUP_NAME = re.compile(
    rf"(^|[^a-z])(({_SUBJECTS})s?([^a-z]*(ids?|no|nr|num|number|code|key|name))?|ids?)[^a-z]*$|(?-i:[a-z]I[dD]$)",
    re.IGNORECASE,
)
_TIME_NAME = re.compile(r"(^|[^a-z])(date|time|timestamp|year|month|week|day)([^a-z]|$)", re.IGNORECASE)


def check_data(data: Dataset, *, metric: Metric | None = None) -> tuple[Finding, ...]:
    """Look for what spoils models, on the sample of rows and columns that meta-features are computed on.

    Parameters
    ----------
    data : Dataset
        The table.
    metric : Metric or None, default=None
        What models are judged by; default: the problem type's own.

    Returns
    -------
    tuple of Finding
        Warnings first; empty if nothing was found.

    Examples
    --------
    >>> X = pd.DataFrame({"size": np.arange(40.0) % 7, "site": ["A"] * 40})
    >>> [finding.kind for finding in check_data(Dataset.from_data(X, [0, 1] * 20))]
    ['duplicate_rows', 'constant']
    """
    sample = sample_of(data)
    classes = partial(_classes, metric=metric or get_metric(None, data.problem_type))
    checks = (
        _leaks,
        classes,
        _duplicate_rows,
        _time_order,
        _groups,
        _identifiers,
        mixed,
        odd_values,
        _constants,
        _duplicate_columns,
    )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [finding for check in checks for finding in check(sample)]
    return tuple(sorted([*found, *unlabelled(data)], key=lambda finding: finding.severity != "warning"))


def unlabelled(data: Dataset) -> Iterator[Finding]:
    """Tell that rows without a target were left out."""
    if data.n_unlabelled:
        yield Finding(
            kind="no_target",
            severity="info",
            columns=(),
            message=f"{data.n_unlabelled:,} of {data.n_unlabelled + data.n_rows:,} rows have no target and are left out "
            "(in a file, empty cells and words such as NA and None count as missing).",
        )


def _read_places(sample: Sample) -> tuple[list[int], list[int], list[int]]:
    """Return the positions in the frame of the lines of numbers, days and levels."""
    return (
        sample.places(ColumnKind.NUMERIC),
        sample.places(ColumnKind.DATETIME),
        sample.places(ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN),
    )


def _leaks(sample: Sample) -> Iterator[Finding]:
    numbers, days, levels = _read_places(sample)
    quantities = sample.quantities.values
    places = [*numbers, *days, *levels]
    leaking = []
    for line in np.flatnonzero(_explained(sample) > _SUSPICIOUS):
        is_number = line < len(quantities)
        values = quantities[line] if is_number else sample.levels[line - len(quantities)]
        codes, present = (_fine_bins(values), ~np.isnan(values)) if is_number else (values + 1, values >= 0)
        target: npt.NDArray[Any] = sample.groups if sample.is_classification else sample.target
        some = present if present.mean() >= 0.5 else np.ones_like(present)  # noqa: PLR2004 - gaps hide no leak
        determines = _class_determined if sample.is_classification else _number_determined
        in_order = is_number and _is_in_order(values[present], target[present], classes=sample.is_classification)
        if in_order or determines(codes, target) or determines(codes[some], target[some]):
            leaking.append(places[line])
    names = names_of(sample, leaking)
    for name in names:
        yield Finding(
            kind="target_leak",
            severity="warning",
            columns=(name,),
            message=f"Column {name!r} alone nearly determines the target. If it is not known when a prediction is "
            f"made, drop it ({dropping((name,))}): scores with it would mislead.",
        )


def _explained(sample: Sample) -> npt.NDArray[np.float64]:
    """Share of the target's variance that the bins of each column explain; of a numeric target's ranks, if that is more."""
    if sample.is_classification:
        return sample.bin_r2
    joint = sample.joint
    ranks = np.arange(joint.shape[2]) - sample.groups.mean()
    by_bin = (joint @ ranks) ** 2 / np.maximum(joint.sum(axis=2), 1)
    of_ranks = by_bin.sum(axis=1) / max(float(np.square(ranks[sample.groups]).sum()), 1e-12)
    return np.asarray(np.maximum(sample.bin_r2, of_ranks))


def associations(data: Dataset) -> dict[str, float]:
    """Return the share of the target's variance that the bins of each column explain, NaN for text."""
    sample = sample_of(data)
    numbers, days, levels = _read_places(sample)
    with np.errstate(all="ignore"):
        shares = _explained(sample)
    found = dict.fromkeys(data.kinds, math.nan)
    return found | dict(zip(names_of(sample, [*numbers, *days, *levels]), map(float, shares), strict=True))


def _is_in_order(values: npt.NDArray[np.float64], target: npt.NDArray[Any], *, classes: bool) -> bool:
    """Whether a threshold parts two classes, or the numbers or their ranks rise or fall together."""
    if len(values) < _FEWEST or len(values) < len(target) / 2:
        return False
    if not classes:
        numbers = pd.DataFrame({"values": values, "target": target})
        together, in_ranks = (np.corrcoef(found.to_numpy().T)[0, 1] ** 2 for found in (numbers, numbers.rank()))
        return bool(in_ranks >= LEAK_FROM or together >= _LINEAR_LEAK_FROM)
    codes, counts = np.unique(target, return_counts=True)
    if len(codes) != 2:  # noqa: PLR2004
        return False
    order = np.argsort(values)
    gaps = np.cumsum(np.where(target[order] == codes[0], 1 / counts[0], -1 / counts[1]))
    between = np.diff(values[order]) > 0
    return bool(np.abs(gaps[:-1][between]).max(initial=0.0) >= LEAK_FROM)


def _fine_bins(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return bins of nearly equal frequency in which equal values stay together; missing ones get their own."""
    rank = pd.Series(values).rank(method="min", na_option="bottom").to_numpy() - 1
    return np.asarray(rank * _LEAK_BINS // len(values), dtype=np.int64)


def _class_determined(codes: npt.NDArray[np.int64], classes: npt.NDArray[np.int64]) -> bool:
    """Whether codes predict the classes of rows left out of the count, of all rows or those whose code is not too rare."""
    common = np.bincount(codes)[codes] >= _JUDGED_FROM
    if common.mean() >= _JUDGED:
        codes, classes = codes[common], classes[common]
    table = np.zeros((codes.max() + 1, classes.max() + 1))
    np.add.at(table, (codes, classes), 1)
    ordered = np.sort(table, axis=1)
    certain = ordered[:, -1] - 1 > ordered[:, -2]
    hits = np.where(certain[:, None] & (table == ordered[:, -1:]), table, 0).sum(axis=0)
    counts = table.sum(axis=0)
    present = counts > 0
    chance = 1 / present.sum()
    return bool((np.mean(hits[present] / counts[present]) - chance) / (1 - chance) >= LEAK_FROM)


def _number_determined(codes: npt.NDArray[np.int64], target: npt.NDArray[np.float64]) -> bool:
    """Whether codes predict the ranks of targets left out of the means."""
    ranks = pd.Series(target).rank().to_numpy()
    ranks = ranks - ranks.mean()
    counts = np.bincount(codes)[codes]
    means = (np.bincount(codes, weights=ranks)[codes] - ranks) / np.maximum(counts - 1, 1)
    return bool(1 - np.sum((ranks - means) ** 2) / np.sum(ranks**2) >= LEAK_FROM)


def _classes(sample: Sample, *, metric: Metric) -> Iterator[Finding]:
    counts = sample.class_counts
    if not len(counts):
        return
    rare = [str(label) for label, count in zip(sample.data.labels, counts, strict=True) if count < MIN_ROWS_PER_CLASS]
    if rare:
        shown = ", ".join(repr(label) for label in rare[:_NAMED]) + (", ..." if len(rare) > _NAMED else "")
        yield Finding(
            kind="rare_classes",
            severity="warning",
            columns=(),
            message=f"{len(rare)} of {len(counts)} classes have fewer than {MIN_ROWS_PER_CLASS} rows ({shown}). "
            "Cross-validation cannot judge them: join or drop them, or bring more rows.",
        )
    ratio = counts.max() / counts.min()
    if ratio >= IMBALANCED_FROM:
        yield Finding(
            kind="imbalance",
            severity="warning",
            columns=(),
            message=f"The largest class has {ratio:,.0f} times the rows of the smallest."
            + (_OTHER_METRIC if metric.name in _REWARDING_THE_MAJORITY else ""),
        )


def _duplicate_rows(sample: Sample) -> Iterator[Finding]:
    """Tell copies from rows that are equal by chance: where that happens, different rows often agree in most columns."""
    texts = [levels_of(column) for _, column in sample.part(sample.places(ColumnKind.TEXT)).items()]
    columns = [sample.quantities.values, sample.levels, *(codes[None, :] for codes in texts)]
    target = sample.target if sample.is_classification else sample.target.astype(float)
    cells = [*columns, target[None, :]]
    different = np.unique(_total(cells), return_index=True)[1]
    n_copies, looked_at = sample.n_rows - len(different), sample.n_rows / sample.data.n_rows
    copied = min(n_copies / sample.n_rows / looked_at, 1.0)  # its original is in the sample that often
    if n_copies < _FEWEST_COPIES or copied < _COPIED_FROM[0]:
        return
    n_different = len(np.unique(_total(columns)))  # the target aside
    if n_different > 1 and not _may_be_equal_by_chance(cells, different):
        about = "About " if looked_at < 1 else ""
        yield Finding(
            kind="duplicate_rows",
            severity="warning" if copied >= _COPIED_FROM[1] else "info",
            columns=(),
            message=f"{about}{copied:.0%} of the {sample.data.n_rows:,} rows are copies of others, target included. "
            "Drop them: a copy in the test part flatters the score.",
        )
    elif 1 < n_different < sample.n_rows / 2:
        yield Finding(
            kind="duplicate_rows",
            severity="info",
            columns=(),
            message=f"The {sample.n_rows:,} rows looked at are only {n_different:,} different ones (target aside), since their "
            "columns take few values. That is no fault, unless rows were copied.",
        )


def _hashed(
    cells: Sequence[npt.NDArray[Any]], rows: npt.NDArray[np.intp] | slice = slice(None)
) -> Iterator[npt.NDArray[np.uint64]]:
    """Hash each column, a line of one of the matrices, so that the sum over the columns tells rows apart."""
    rng = np.random.default_rng(0)
    for matrix in cells:
        for line in matrix:
            values = line[rows].astype(float if matrix.dtype == float else np.int64).view(np.uint64)
            values *= np.uint64(_SCATTER)
            values ^= values >> np.uint64(29)
            yield values * (rng.integers(1, 2**63, dtype=np.uint64) | np.uint64(1))


def _total(
    cells: Sequence[npt.NDArray[Any]], rows: npt.NDArray[np.intp] | slice = slice(None)
) -> npt.NDArray[np.uint64]:
    nothing: Any = np.uint64(0)
    return np.asarray(reduce(np.add, _hashed(cells, rows), nothing))


def _may_be_equal_by_chance(cells: Sequence[npt.NDArray[Any]], rows: npt.NDArray[np.intp]) -> bool:
    """Tell whether different rows often agree in half, or in all but one, of their columns."""
    order = np.argsort([-len(np.unique(line)) for line in _hashed(cells, rows)], kind="stable")
    half = np.empty(len(order), dtype=np.intp)
    half[order] = np.isin(np.arange(len(order)) % 4, (0, 3))  # both halves tell apart about equally many values
    halves, whole = np.zeros((2, len(rows)), dtype=np.uint64), _total(cells, rows)
    found = np.zeros(len(rows), dtype=bool)
    for side, line in zip(half, _hashed(cells, rows), strict=True):
        halves[side] += line
        found |= _with_an_equal(whole - line)
    seldom = min(_with_an_equal(values).mean() for values in halves) <= _AGREE_BY_CHANCE[0]
    return not seldom and bool(found.mean() > _AGREE_BY_CHANCE[1])


def _with_an_equal(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[place] > 1)


def _time_order(sample: Sample) -> Iterator[Finding]:
    numbers, dates, _ = _read_places(sample)
    ordered: list[int] = []
    unordered: list[int] = []
    for place, values in zip(dates, sample.days, strict=True):
        (ordered if _is_sorted(values) else unordered).append(place)
    for place, values in zip(numbers, sample.numbers, strict=True):
        if _TIME_NAME.search(names_of(sample, [place])[0]) and _is_sorted(values):
            ordered.append(place)
    if ordered:
        names = names_of(sample, ordered)
        yield Finding(
            kind="time_order",
            severity="warning",
            columns=names,
            message=f"The rows are sorted by time ({listed(names)}). "
            f"If the model is to predict the future, validate on later rows, not on random ones: {_by_time()}.",
        )
    elif unordered:
        names = names_of(sample, unordered)
        yield Finding(
            kind="time_order",
            severity="info",
            columns=names,
            message=f"{listed(names)} {verb(names, 'holds', 'hold')} dates. "
            f"If the model is to predict the future, validate on later rows: {_by_time()}.",
        )


def _by_time() -> str:
    return advice(python="ml.tune(X, y, time=...)", command="metalearn tune --time COLUMN")


def _groups(sample: Sample) -> Iterator[Finding]:
    """Look for subjects that were measured several times: random folds find each of them in the training part."""
    data, found = sample.data, []
    for place in range(len(sample.columns)):
        known = sample.kinds[place] in {ColumnKind.NUMERIC, ColumnKind.CATEGORICAL}
        if known and _GROUP_NAME.search(names_of(sample, [place])[0]):
            codes = levels_of(data.X.iloc[:, sample.columns[place]])
            if _agree(codes[codes >= 0], data.target[codes >= 0], classes=sample.is_classification):
                found.append(place)
    names = names_of(sample, found)
    if names:
        yield Finding(
            kind="groups",
            severity="warning",
            columns=names,
            message=f"{listed(names)} {verb(names, 'names', 'name')} groups of rows with similar targets. "
            "If the model is to predict other groups than these, keep each in one fold: "
            + advice(python="ml.tune(X, y, groups=...).", command="metalearn tune --groups COLUMN."),
        )


def _agree(groups: npt.NDArray[np.integer[Any]], y: npt.NDArray[Any], *, classes: bool) -> bool:
    """Tell whether more of the target's variance lies between many groups than by chance."""
    n, sizes = len(groups), np.bincount(groups)
    k = len(sizes)
    if not _FEWEST_GROUPS <= k <= n / 2:
        return False
    if classes:  # variances of the indicators of the classes, summed
        pairs = np.unique(np.column_stack([groups, y]), axis=0, return_counts=True)
        within = n - float((pairs[1] ** 2 / sizes[pairs[0][:, 0]]).sum())
        total = n - float((np.bincount(y.astype(np.intp)) ** 2 / n).sum())
    else:
        within = float(((y - (np.bincount(groups, weights=y) / sizes)[groups]) ** 2).sum())
        total = float(((y - y.mean()) ** 2).sum())
    by_chance = math.sqrt(2 * (k - 1) / ((n - k) * (n + 1)))  # standard deviation of the share
    return total > 0 and 1 - within / (n - k) / (total / (n - 1)) >= max(_AGREEING, 3 * by_chance)


def _is_sorted(values: npt.NDArray[np.float64]) -> bool:
    steps = np.diff(values[~np.isnan(values)])
    return bool(steps.any() and (np.all(steps >= 0) or np.all(steps <= 0)))


def _identifiers(sample: Sample) -> Iterator[Finding]:
    numbers, _, levels = _read_places(sample)
    moments, n = sample.moments, sample.data.n_rows
    dense = moments.high - moments.low + 1 <= 1.5 * n
    found = [numbers[line] for line in np.flatnonzero(moments.whole & dense & (moments.n_distinct == sample.n_rows))]
    counts = sample.level_counts
    present = counts.sum(axis=1)
    several = (counts > 0).sum(axis=1)
    found += [levels[line] for line in np.flatnonzero((several >= _ID_SHARE * present) & (present > sample.n_rows / 2))]
    found = [place for place in found if place in numbers or written_as(sample.part([place]).iloc[:, 0]) is None]
    names = names_of(sample, found)
    if names:
        yield Finding(
            kind="id_like",
            severity="info",
            columns=names,
            message=f"{listed(names)} {verb(names, 'has', 'have')} a new value in (nearly) every row, like an "
            f"identifier. Drop {verb(names, 'it unless it carries', 'them unless they carry')} meaning: {dropping(names)}.",
        )


def _constants(sample: Sample) -> Iterator[Finding]:
    numbers, days, levels = _read_places(sample)
    single = np.concatenate([sample.quantities.n_distinct <= 1, (sample.level_counts > 0).sum(axis=1) <= 1])
    places = np.array([*numbers, *days, *levels], dtype=int)[single]
    whole = sample.data.X.iloc[:, sample.columns[places]]  # the sample may have missed a value; missing is one too
    places = [place for place, (_, column) in zip(places, whole.items(), strict=True) if _is_constant(column)]
    names = names_of(sample, places)
    if names:
        yield Finding(
            kind="constant",
            severity="warning" if len(names) == sample.data.n_features else "info",
            columns=names,
            message=f"{listed(names)} {verb(names, 'has', 'have')} a single value or none, so nothing can be learned "
            f"from {verb(names, 'it. Drop it', 'them. Drop them')}, or check how the file was read.",
        )


def _is_constant(column: "pd.Series[Any]") -> bool:
    try:
        n_values = column.nunique(dropna=False)
    except TypeError:  # unhashable
        n_values = as_text(column).nunique(dropna=False)
    return n_values <= 1


def _duplicate_columns(sample: Sample) -> Iterator[Finding]:
    numbers, days, levels = _read_places(sample)
    moments, counts = sample.quantities, np.sort(sample.level_counts, axis=1)
    keys = [*(ranks.tobytes() for ranks in moments.ranks.T), *(count.tobytes() for count in counts)]
    varies = np.concatenate([moments.varies, (counts[:, -1:] < sample.n_rows).all(axis=1) & counts.any(axis=1)])
    few = (counts > 0).sum(axis=1) <= counts.sum(axis=1) / 2  # any two columns that never repeat map one to one
    alike = Counter(keys)  # copies agree in what is already known of them, so that few columns are compared in full
    first: dict[int, int] = {}
    copies: dict[int, int] = {}
    for line, place in enumerate([*numbers, *days, *levels]):
        if varies[line] and alike[keys[line]] > 1:
            level = line - len(moments.values)
            if level < 0:
                values = moments.values[line]
            elif few[level]:
                values = pd.factorize(sample.levels[level])[0]
            else:
                values = pd.util.hash_array(as_text(sample.part([place]).iloc[:, 0]).to_numpy(dtype=object))
            original = first.setdefault(hash(values.tobytes()), place)
            if original != place:
                copies[place] = original
    names = names_of(sample, copies)
    if names:
        originals = listed(names_of(sample, dict.fromkeys(copies.values()))).split(" ", 1)[1]
        yield Finding(
            kind="duplicate_columns",
            severity="info",
            columns=names,
            message=f"{listed(names)} {verb(names, 'repeats', 'repeat')} the values of {originals}. Keep one of each.",
        )
