"""Tune on a table whatever its kind of problem, and predict tables that a file holds."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metalearn.dataset import Dataset
from metalearn.estimators.base import MetaLearnEstimator
from metalearn.estimators.classifier import MetaLearnClassifier
from metalearn.estimators.columns import select_columns
from metalearn.estimators.regressor import MetaLearnRegressor
from metalearn.task import ProblemType

__all__ = ["predict_table", "text_columns", "tune"]


def tune(
    X: Any,
    y: Any,
    *,
    problem_type: ProblemType | str | None = None,
    categorical: Sequence[str] = (),
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
    kind = MetaLearnClassifier if data.problem_type.is_classification else MetaLearnRegressor
    model: MetaLearnEstimator = kind(categorical=categorical, **options)
    return model.fit(data.X, data.y)


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
