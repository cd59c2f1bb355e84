"""Split a table into folds: at random, by groups, in time, or as the user says."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv

from metalearn.dataset import date_format, subsample_rows
from metalearn.estimators.fold import Rows
from metalearn.exceptions import InvalidInputError
from metalearn.task import Metric, ProblemType

__all__ = ["split", "time_folds"]

ROWS_PER_SECOND = 1000
"""With a time budget, folds are made of at most this many rows for every second of it."""

FEWEST_ROWS = 10_000
"""A time budget never leaves fewer rows than this for the folds."""

MANY_ROWS = 5000
"""From here on three folds are enough."""

TOO_FEW_ROWS = 10
"""With fewer rows nothing is tried: there is nothing to hold out."""

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
    """Split rows into folds, in classification with the classes in their proportions.

    Parameters
    ----------
    target : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    problem_type : ProblemType
        The kind of problem.
    metric : Metric
        What has to be computed on every fold.
    cv : int, splitter, iterable or None, default=None
        How many folds, a splitter of scikit-learn, or pairs of rows to train on and to test on; None takes 5 folds, or 3
        where there are more than 5,000 rows.
    groups : array-like of shape (n_rows,) or None, default=None
        Which rows belong together: those of one group are on the same side of every fold.
    time_budget : float or None, default=None
        Seconds; bounds the rows that are used.
    random_state : int, default=0
        Seed.

    Returns
    -------
    tuple of (ndarray, ndarray)
        Rows to train on and rows to test on; empty if the table is too small.

    Raises
    ------
    InvalidInputError
        If the rows cannot be split so, a row is on both sides of a fold, or one side holds a single class where the
        metric needs two.
    """
    n_rows, classes = len(target), problem_type.is_classification
    most = n_rows if time_budget is None else max(FEWEST_ROWS, int(ROWS_PER_SECOND * time_budget))
    rows = subsample_rows(target, most, problem_type, random_state=random_state)
    members = None if groups is None else _codes_of(groups, n_rows)
    if cv is not None and not isinstance(cv, Integral):
        folds = _as_told(cv, target, members, classes=classes)
        if len(rows) < n_rows:
            folds = tuple((train[np.isin(train, rows)], test[np.isin(test, rows)]) for train, test in folds)
        return _checked(folds, target if classes else None, metric)
    wanted = cv or (5 if len(rows) <= MANY_ROWS else 3)
    if members is not None:
        n_groups = len(np.unique(members[rows]))
        if n_groups < 2:  # noqa: PLR2004
            message = "The groups hold a single value. Expected at least two groups: one side of a fold needs another. Leave groups out."
            raise InvalidInputError(message)
        kind = StratifiedGroupKFold if classes else GroupKFold
        splitter = kind(min(wanted, n_groups), shuffle=True, random_state=random_state)
        return _checked(_pairs(splitter, rows, target, members), target if classes else None, metric)
    possible = int(np.bincount(target[rows].astype(np.intp)).max()) if classes else len(rows) // 2
    if len(rows) < TOO_FEW_ROWS or possible < 2:  # noqa: PLR2004 - a fold needs its counterpart
        return ()
    kind = StratifiedKFold if classes else KFold
    return _pairs(kind(min(wanted, possible), shuffle=True, random_state=random_state), rows, target, None)


def time_folds(values: "pd.Series[Any]", n_folds: int = 5) -> list[tuple[Rows, Rows]]:
    """Split rows so that every fold is tested on later rows than it is trained on.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        When each row was: dates, dates as text, or numbers.
    n_folds : int, default=5
        How many; fewer where many rows are of the same time, which is never divided.

    Returns
    -------
    list of (ndarray, ndarray)
        Rows to train on, from the beginning, and those of the time that follows.

    Raises
    ------
    InvalidInputError
        If the values have no order in time, one is missing, or all are equal.
    """
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
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.to_numpy()
    text = values.astype(object)
    form = date_format(text) if pd.api.types.infer_dtype(text) == "string" else None
    reason = "its text is not of one known form of dates"
    if form is not None or pd.api.types.infer_dtype(text) in {"date", "datetime", "datetime64", "period"}:
        try:
            return pd.to_datetime(text.map(str) if form is None else text, format=form, utc=True).to_numpy()
        except (ValueError, TypeError) as error:
            reason = str(error)
    message = f"The column {values.name!r} cannot be read as times: {reason}. Expected dates such as 2026-12-31, or numbers. Name another column."
    raise InvalidInputError(message)


def _codes_of(groups: Any, n_rows: int) -> npt.NDArray[np.intp]:
    codes = pd.factorize(np.asarray(groups, dtype=object))[0]
    if len(codes) != n_rows:
        message = f"There are {len(codes)} groups for {n_rows} rows. Expected one value for each row. Align them."
        raise InvalidInputError(message)
    if (codes < 0).any():
        message = f"The group is missing in {int((codes < 0).sum()):,} rows. Expected one in every row. Fill them, or leave those rows out."
        raise InvalidInputError(message)
    return codes


def _as_told(cv: Any, target: npt.NDArray[Any], groups: npt.NDArray[np.intp] | None, *, classes: bool) -> Folds:
    try:
        return _pairs(check_cv(cv, target, classifier=classes), np.arange(len(target)), target, groups)
    except (ValueError, TypeError, IndexError) as error:
        message = f"cv cannot be used: {error}. Expected a number of folds, a splitter such as TimeSeriesSplit(), or pairs of rows to train on and to test on."
        raise InvalidInputError(message) from error


def _pairs(splitter: Any, rows: Rows, target: npt.NDArray[Any], groups: npt.NDArray[np.intp] | None) -> Folds:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # models do without it where it is absent
        some = None if groups is None else groups[rows]
        return tuple((rows[train], rows[test]) for train, test in splitter.split(rows, target[rows], some))


def _checked(folds: Folds, classes: npt.NDArray[Any] | None, metric: Metric) -> Folds:
    """Refuse folds on which nothing could be learned or measured."""
    if not folds:
        message = "cv gives no folds. Expected some (a generator gives them once). Pass a list of pairs or a splitter."
        raise InvalidInputError(message)
    for i, (train, test) in enumerate(folds, start=1):
        both = np.intersect1d(train, test)
        problem = None
        if not len(train) or not len(test):
            problem = f"Fold {i} has {len(train)} rows to train on and {len(test)} to test on. Expected some of each."
        elif len(both):
            problem = f"{len(both)} rows of fold {i} are in both parts. Expected none to be tested that was trained on."
        elif classes is not None and len(np.unique(classes[train])) < 2:  # noqa: PLR2004
            problem = f"Fold {i} has a single class to train on. Expected two."
        elif classes is not None and metric.name == "roc_auc" and len(np.unique(classes[test])) < 2:  # noqa: PLR2004
            problem = f"Fold {i} has a single class to test on. Expected two for {metric.name}."
        if problem:
            message = f"{problem} Ask for fewer folds, or split in another way."
            raise InvalidInputError(message)
    return folds
