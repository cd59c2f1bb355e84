"""Tune on a table whatever its kind of problem, and predict tables that a file holds."""

from collections.abc import Sequence
from difflib import get_close_matches
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from metalearn.dataset import Dataset
from metalearn.estimators.base import MetaLearnEstimator
from metalearn.estimators.classifier import MetaLearnClassifier
from metalearn.estimators.columns import select_columns
from metalearn.estimators.folds import time_folds
from metalearn.estimators.regressor import MetaLearnRegressor
from metalearn.exceptions import InvalidInputError
from metalearn.task import ProblemType

__all__ = ["predict_table", "text_columns", "tune"]

_SHOWN = 5


def tune(
    X: Any,
    y: Any,
    *,
    problem_type: ProblemType | str | None = None,
    categorical: Sequence[str] = (),
    groups: Any = None,
    time: str | None = None,
    cv: Any = None,
    **options: Any,
) -> MetaLearnEstimator:
    """Search for the best configuration on a table, and fit it.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target; rows where it is missing are left out.
    problem_type : ProblemType, str or None, default=None
        The kind of problem; default: inferred from the target.
    categorical : sequence of str, default=()
        Columns that are categorical whatever they look like.
    groups : str, array-like of shape (n_rows,) or None, default=None
        Which rows belong together, such as those of one patient: they are on the same side of every fold. A column that
        is named is left out of the features, since the groups to be predicted are others.
    time : str or None, default=None
        A column of dates or numbers: every fold is tested on later rows than it is trained on.
    cv : int, splitter, iterable or None, default=None
        As in the estimators; with ``time`` a number of folds.
    **options : object
        Parameters of :class:`MetaLearnClassifier` and :class:`MetaLearnRegressor`.

    Returns
    -------
    MetaLearnClassifier or MetaLearnRegressor
        Fitted.

    Raises
    ------
    InvalidInputError
        If the table, the target or an option cannot be used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> model = tune(*load_iris(return_X_y=True), n_trials=2, families=["linear", "knn"])
    >>> type(model).__name__
    'MetaLearnClassifier'
    """
    data = Dataset.from_data(X, y, problem_type=problem_type, categorical=categorical)
    frame = data.X
    if groups is not None and time is not None:
        message = "Both groups and time were given. Expected one of them. Pass a splitter as cv that does both."
        raise InvalidInputError(message)
    if isinstance(groups, str):
        groups = _column(frame, groups)
        frame = frame.drop(columns=groups.name)
    elif groups is not None:
        groups = np.asarray(groups, dtype=object)[~np.asarray(pd.isna(y))]
    if time is not None:
        cv = time_folds(_column(frame, time), *(() if cv is None else (_number_of_folds(cv),)))
    kind = MetaLearnClassifier if data.problem_type.is_classification else MetaLearnRegressor
    model: MetaLearnEstimator = kind(categorical=[c for c in categorical if c in frame.columns], cv=cv, **options)
    return model.fit(frame, data.y, groups=groups)


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    if name not in frame.columns:
        near = get_close_matches(name, [str(c) for c in frame.columns], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = (
            f"The table has no column {name!r}. Expected one of {list(frame.columns)[:_SHOWN]}.{hint} Check the name."
        )
        raise InvalidInputError(message)
    return frame[name]


def _number_of_folds(cv: Any) -> int:
    if isinstance(cv, Integral) and int(cv) >= 1:
        return int(cv)
    message = f"cv is {cv!r} with a column of times. Expected a number of folds. Leave time out to use a splitter."
    raise InvalidInputError(message)


def text_columns(model: MetaLearnEstimator) -> list[str]:
    """List the columns that have to be read from a file as text for a model.

    Parameters
    ----------
    model : MetaLearnClassifier or MetaLearnRegressor
        Fitted.

    Returns
    -------
    list of str
        Taken for numbers, "01067" becomes 1067, which the model does not know.
    """
    found: list[str] = model.members_[0].pipeline["preprocessing"]["clean"].text_columns()
    return found


def predict_table(model: MetaLearnEstimator, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Predict every row of a table that may hold its columns in any order, and others beside them.

    Parameters
    ----------
    model : MetaLearnClassifier or MetaLearnRegressor
        Fitted.
    frame : DataFrame of shape (n_rows, n_columns)
        The table; categories that were not seen in fitting are fine.

    Returns
    -------
    predictions : DataFrame of shape (n_rows, 1) or (n_rows, 1 + n_classes)
        ``prediction`` and, for classes, ``probability of <class>``.
    surplus : list of str
        Columns that were not used.

    Raises
    ------
    InvalidInputError
        If a column is absent, or holds another kind of value than it did.
    """
    chosen, surplus = select_columns(frame, model.column_kinds_)
    if not isinstance(model, MetaLearnClassifier):
        return pd.DataFrame({"prediction": model.predict(chosen)}), surplus
    probabilities = model.predict_proba(chosen)
    named = {f"probability of {label}": probabilities[:, i] for i, label in enumerate(model.classes_)}
    return pd.DataFrame({"prediction": model.classes_[probabilities.argmax(axis=1)], **named}), surplus
