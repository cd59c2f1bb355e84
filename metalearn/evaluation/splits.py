"""Split a table into folds: at random, by groups, in time, or as the user says."""

import re
import warnings
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

from metalearn.dataset import subsample_rows
from metalearn.evaluation.fit import Rows
from metalearn.exceptions import InvalidInputError
from metalearn.metafeatures.columns import days_of, levels_of, numbers_of
from metalearn.table.intake import as_frame
from metalearn.table.schema import ColumnKind, column_kinds
from metalearn.task import Metric, ProblemType

__all__ = ["Folds", "among_kept", "fewer_folds", "random_folds", "split", "time_folds"]

ROWS_PER_SECOND = 1000
"""With a time budget, folds are made of at most this many rows for every second of it."""

FEWEST_ROWS = 10_000
"""A time budget never leaves fewer rows than this for the folds."""

MANY_ROWS = 5000
"""From here on three folds are enough."""

TOO_FEW_ROWS = 10
"""With fewer rows nothing is tried: there is nothing to hold out."""

_MONTH = re.compile(r"\d{4}[-/. ]?[QqWw]?\d\d?")
"""Months, quarters and weeks, whose order as text is that of time where all are equally long."""

Folds = tuple[tuple[Rows, Rows], ...]


def split(
    target: npt.NDArray[np.generic],
    problem_type: ProblemType,
    *,
    metric: Metric,
    cv: Any = None,
    groups: Any = None,
    time_budget: float | None = None,
    random_state: int = 0,
) -> Folds:
    """Split rows into folds, in classification with the classes in their proportions."""
    n_rows, classes = len(target), problem_type.is_classification
    members = None if groups is None else _codes_of(groups, n_rows)
    most = n_rows if time_budget is None else max(FEWEST_ROWS, int(ROWS_PER_SECOND * time_budget))
    rows = subsample_rows(target, most, problem_type, random_state=random_state)
    if cv is not None and not isinstance(cv, Integral):
        return _checked(
            _as_told(cv, rows, target, members, classes=classes), target, members, classes=classes, metric=metric
        )
    if len(rows) < TOO_FEW_ROWS:
        return ()
    wanted = int(cv or (5 if len(rows) <= MANY_ROWS else 3))
    if members is not None:
        fewer = range(wanted, 1, -1) if cv is None else (wanted,)
        return _by_groups(fewer, rows, target, members, classes=classes, metric=metric, random_state=random_state)
    counts = np.bincount(target[rows].astype(np.intp)) if classes else np.array([len(rows) // 2])
    both = problem_type is ProblemType.BINARY and metric.name == "roc_auc"  # without one of them it is not defined
    possible = int(counts.min() if both else counts.max())
    if possible < 2:  # noqa: PLR2004 - a fold needs its counterpart
        return ()
    return random_folds(target, rows, min(wanted, possible), classes=classes, random_state=random_state)


def random_folds(target: npt.NDArray[Any], rows: Rows, n_folds: int, *, classes: bool, random_state: int) -> Folds:
    """Split some rows at random, in classification with the classes in their proportions."""
    kind = StratifiedKFold if classes else KFold
    return _pairs(kind(n_folds, shuffle=True, random_state=random_state), rows, target, None)


def _by_groups(
    numbers: Iterable[int],
    rows: Rows,
    target: npt.NDArray[Any],
    groups: npt.NDArray[np.intp],
    *,
    classes: bool,
    metric: Metric,
    random_state: int,
) -> Folds:
    """Return the first of several numbers of folds on which everything can be measured."""
    n_groups = len(np.unique(groups[rows]))
    if n_groups < 2:  # noqa: PLR2004
        message = "The groups hold a single value. Expected at least two: one is tested on what was learned of others. Leave groups out."
        raise InvalidInputError(message)
    refused: InvalidInputError | None = None
    for number in dict.fromkeys(min(n, n_groups) for n in numbers):
        splitter = (
            StratifiedGroupKFold(number, shuffle=True, random_state=random_state) if classes else GroupKFold(number)
        )
        try:
            folds = _pairs(splitter, rows, target, groups)
            return _checked(folds, target, groups, classes=classes, metric=metric)
        except InvalidInputError as error:
            refused = error
        except ValueError as error:  # every class has fewer rows than folds
            refused = InvalidInputError(f"{error}. Expected folds that hold every class. Ask for fewer folds.")
    raise refused or InvalidInputError("There are no folds. Expected at least two. Ask for two or more.")


def among_kept(cv: Any, kept: npt.NDArray[np.bool_]) -> Any:
    """Return folds of a table as folds of those of its rows that are kept."""
    if kept.all():
        return cv
    if isinstance(cv, PredefinedSplit):
        cv = list(cv.split())
    if cv is None or isinstance(cv, Integral) or hasattr(cv, "split"):
        return cv
    every, place = np.arange(len(kept)), np.cumsum(kept) - 1
    try:
        pairs = [(every[train], every[test]) for train, test in cv]
    except (ValueError, TypeError, IndexError) as error:
        raise _unusable(error) from error
    return [(place[train[kept[train]]], place[test[kept[test]]]) for train, test in pairs]


def fewer_folds(asked: int, made: int) -> str:
    """Tell that the rows do not allow as many folds as were asked for."""
    return f"Of {asked} folds asked for {made} could be made: there are too few rows, groups or times that differ, or rows of a class."


def time_folds(values: "pd.Series[Any]", n_folds: int = 5) -> list[tuple[Rows, Rows]]:
    """Split rows so that every fold is tested on later rows than it is trained on."""
    times = _times(values)
    order = np.argsort(times, kind="stable")
    in_order = times[order]
    wanted = np.linspace(0, len(order), n_folds + 2).astype(np.intp)[1:-1]
    before, after = (np.searchsorted(in_order, in_order[wanted], side) for side in ("left", "right"))
    cuts = np.unique(np.where(wanted - before <= after - wanted, before, after))
    cuts = cuts[(cuts > 0) & (cuts < len(order))]
    if not len(cuts):
        message = f"Nearly all rows have the same {values.name!r}. Expected rows of several times. Name another column."
        raise InvalidInputError(message)
    ends = [*cuts[1:], len(order)]
    return [(np.sort(order[:cut]), np.sort(order[cut:end])) for cut, end in zip(cuts, ends, strict=True)]


def _times(values: "pd.Series[Any]") -> npt.NDArray[Any]:
    if values.isna().any():
        message = f"The column {values.name!r} is missing in {int(values.isna().sum()):,} rows. Expected a time in every row. Leave those rows out."
        raise InvalidInputError(message)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    table = as_frame(values.to_frame("time"))
    values, kind = pd.Series(table["time"], name=values.name), column_kinds(table)["time"]
    if kind is ColumnKind.NUMERIC:
        return numbers_of(values)
    if kind is ColumnKind.CATEGORICAL and _are_months(values.astype(str)):
        return pd.factorize(values.astype(str), sort=True)[0]
    times = days_of(values) if kind is ColumnKind.DATETIME else np.array([np.nan])
    if np.isnan(times).any():
        example = values.iloc[int(np.isnan(times).argmax())]
        message = f"The column {values.name!r} cannot be read as times (such a value: {str(example)[:50]!r}). Expected dates such as 2026-12-31, months such as 2026-12, or numbers. Name another column."
        raise InvalidInputError(message)
    return times


def _are_months(text: "pd.Series[str]") -> bool:
    return bool(text.str.fullmatch(_MONTH).all()) and len(set(text.str.len())) == 1


def _codes_of(groups: Any, n_rows: int) -> npt.NDArray[np.intp]:
    values = np.asarray(groups, dtype=object)
    if values.ndim == 2 and values.shape[1] == 1:  # noqa: PLR2004 - a frame of one column
        values = values.ravel()
    if values.shape != (n_rows,):
        message = (
            f"The groups have the shape {values.shape} for {n_rows} rows. Expected one value for each row. Align them."
        )
        raise InvalidInputError(message)
    codes = levels_of(pd.Series(values))
    if (codes < 0).any():
        message = f"The group is missing in {int((codes < 0).sum()):,} rows. Expected one in every row. Fill them, or leave those rows out."
        raise InvalidInputError(message)
    return codes.astype(np.intp)


def _as_told(
    cv: Any, rows: Rows, target: npt.NDArray[Any], groups: npt.NDArray[np.intp] | None, *, classes: bool
) -> Folds:
    """Return the folds of a splitter or of pairs; where time is short, with some of their rows."""
    every = np.arange(len(target))
    try:
        folds = _pairs(check_cv(cv, target, classifier=classes), every, target, groups)
    except (ValueError, TypeError, IndexError) as error:
        raise _unusable(error) from error
    if len(rows) == len(every):
        return folds
    few = np.isin(every, rows)
    return tuple((_thinned(train, few), _thinned(test, few)) for train, test in folds)


def _unusable(error: Exception) -> InvalidInputError:
    message = f"cv cannot be used: {str(error).rstrip('.')}. Expected a number of folds, a splitter such as TimeSeriesSplit(), or pairs of rows to train on and to test on."
    return InvalidInputError(message)


def _thinned(part: Rows, few: npt.NDArray[np.bool_]) -> Rows:
    kept = part[few[part]]
    return kept if len(kept) > 1 else part  # r2 is not defined on a single row


def _pairs(splitter: Any, rows: Rows, target: npt.NDArray[Any], groups: npt.NDArray[np.intp] | None) -> Folds:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # models do without it where it is absent
        warnings.filterwarnings("ignore", "The groups parameter is ignored")  # folds that divide groups are refused
        some = None if groups is None else groups[rows]
        return tuple((rows[train], rows[test]) for train, test in splitter.split(rows, target[rows], some))


def _checked(
    folds: Folds, target: npt.NDArray[Any], groups: npt.NDArray[np.intp] | None, *, classes: bool, metric: Metric
) -> Folds:
    """Refuse folds on which nothing could be learned or measured, and those that tell what is to be foretold."""
    if not folds:
        message = "cv gives no folds. Expected some (a generator gives them once). Pass a list of pairs or a splitter."
        raise InvalidInputError(message)
    for i, (train, test) in enumerate(folds, start=1):
        problem = None
        if not len(train) or not len(test):
            problem = f"Fold {i} has {len(train)} rows to train on and {len(test)} to test on. Expected some of each."
        elif n_both := len(np.intersect1d(train, test)):
            problem = f"{n_both} rows of fold {i} are in both parts. Expected none to be tested that was trained on."
        elif groups is not None and len(both := np.intersect1d(groups[train], groups[test])):
            problem = f"{len(both)} groups of fold {i} are in both parts. Expected a splitter that keeps them together, such as GroupKFold()."
        elif classes and len(np.unique(target[train])) < 2:  # noqa: PLR2004
            problem = f"Fold {i} has a single class to train on. Expected two; fewer folds may have them."
        elif classes and metric.name == "roc_auc" and len(np.unique(target[test])) < 2:  # noqa: PLR2004
            problem = (
                f"Fold {i} has a single class to test on. Expected two for {metric.name}; fewer folds may have them."
            )
        elif metric.name == "r2" and len(test) < 2:  # noqa: PLR2004
            problem = f"Fold {i} has a single row to test on. Expected two for r2; fewer folds have them."
        if problem:
            message = f"{problem} Split in another way."
            raise InvalidInputError(message)
    return folds
