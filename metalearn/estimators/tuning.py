"""Tune on a table whatever its kind of problem, and predict tables that a file holds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from metalearn.checks import unlabelled
from metalearn.dataset import Dataset
from metalearn.estimators.base import MetaLearnEstimator
from metalearn.estimators.classifier import MetaLearnClassifier, unstorable
from metalearn.estimators.columns import select_columns
from metalearn.estimators.regressor import MetaLearnRegressor
from metalearn.evaluation.splits import among_kept, fewer_folds, time_folds
from metalearn.exceptions import InvalidInputError, unknown_name
from metalearn.table.intake import column_names, label_name, labelled_rows, split_target, with_names
from metalearn.task import ProblemType

__all__ = ["predict_table", "remembered", "text_columns", "tune"]


def tune(
    X: Any,
    y: Any = None,
    *,
    target: str | None = None,
    problem_type: ProblemType | str | None = None,
    categorical: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    groups: Any = None,
    time: Any = None,
    sample_weight: Any = None,
    cv: Any = None,
    **options: Any,
) -> MetaLearnEstimator:
    """Search for the best configuration on a table, and fit it.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,) or None, default=None
        The target; rows where it is missing are left out. None takes the column that ``target`` names.
    target : str or None, default=None
        The column of ``X`` that is the target, where ``y`` is not given.
    problem_type : ProblemType, str or None, default=None
        The kind of problem; default: inferred from the target.
    categorical : str or sequence of str, default=()
        Columns that are categorical whatever they look like.
    drop : str or sequence of str, default=()
        Columns that are no features, such as identifiers; a table to be predicted may hold them or not.
    keep : str or sequence of str, default=()
        The only columns that are features; empty keeps all.
    groups : str, array-like of shape (n_rows,) or None, default=None
        Which rows belong together, such as those of one patient: they are on the same side of every fold. A column that
        is named is left out of the features, since the groups to be predicted are others.
    time : str, array-like of shape (n_rows,) or None, default=None
        When each row was, as dates, months or numbers: every fold is tested on later rows than it is trained on. A column
        that is named stays a feature.
    sample_weight : str, array-like of shape (n_rows,) or None, default=None
        Weights of the rows in fitting, none negative; scores do not weigh rows. A column that is named is left out of the
        features, since rows to be predicted have no weight.
    cv : int, splitter, iterable or None, default=None
        As in the estimators; with ``time`` a number of folds, by default 5, of which there may be fewer where many rows are
        of the same time. Pairs of rows are numbered as in the table; those without a target are left out.
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
    X, y = split_target(X, y, target, drop=drop, keep=keep)
    data = Dataset.from_data(X, y, problem_type=problem_type, categorical=categorical)
    if groups is not None and time is not None:
        message = "Both groups and time were given. Expected one of them. Pass a splitter as cv that does both."
        raise InvalidInputError(message)
    frame, folds = data.X, among_kept(cv, labelled_rows(y))
    notes = [finding.message for finding in unlabelled(data)]
    if groups is not None:
        groups, frame = _per_row(groups, frame, y), frame.drop(columns=groups if isinstance(groups, str) else [])
        notes.append("Rows of one group are on the same side of every fold.")
    if time is not None:
        times = _per_row(time, frame, y)
        folds = time_folds(times, _number_of_folds(cv))
        notes.append(f"Every fold is tested on later rows than it is trained on, by {str(times.name)!r}.")
        if cv is not None and len(folds) < cv:
            notes.append(fewer_folds(cv, len(folds)))
    if sample_weight is not None:
        named = [sample_weight] if isinstance(sample_weight, str) else []
        sample_weight, frame = _numbers(_per_row(sample_weight, frame, y)), frame.drop(columns=named)
    labels: Any = data.y
    kind: type[MetaLearnEstimator] = MetaLearnRegressor
    if data.problem_type.is_classification:
        kind, label = MetaLearnClassifier, unstorable(data.labels)
        if label is not None:
            labels = labels.astype(object).map(label_name)
            notes.append(
                f"The classes are of type {type(label).__name__}; the model calls them by their text, {label_name(label)!r}."
            )
    model = kind(categorical=[c for c in data.categorical if c in frame.columns], cv=folds, **options)
    model.fit(with_names(frame, data.names), labels, sample_weight=sample_weight, groups=groups)
    present = labelled_rows(y)
    if not present.all():  # one row of predictions for each row of the caller's table
        held_out = model.held_out_predictions_
        model.held_out_predictions_ = np.full((len(present), *held_out.shape[1:]), np.nan)
        model.held_out_predictions_[present] = held_out
    model.set_params(
        cv=cv, drop=column_names(drop), keep=column_names(keep)
    )  # the rows of the folds are those of this table
    model.way_["split_by"] = "time" if time is not None else model.way_["split_by"]
    model.way_["dropped"] = [name for name in data.X.columns if name not in frame.columns]
    model.recommendation_ = replace(model.recommendation_, notes=(*model.recommendation_.notes, *notes))
    return model


def _per_row(given: Any, frame: pd.DataFrame, y: Any) -> "pd.Series[Any]":
    """Return a column, or values of the rows that have a target."""
    if isinstance(given, str):
        if given not in frame.columns:
            raise unknown_name("column", given, list(frame.columns))
        return frame[given]
    present = labelled_rows(y)
    values = pd.Series(np.ravel(given.to_numpy() if hasattr(given, "to_numpy") else np.asarray(given, dtype=object)))
    values.name = getattr(given, "name", None) or "the values given"
    if len(values) != len(present):
        message = f"There are {len(values)} values for {len(present)} rows. Expected one for each row. Align them."
        raise InvalidInputError(message)
    return values[present].reset_index(drop=True)


def _numbers(weights: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return weights.astype(float)
    except (TypeError, ValueError) as error:
        message = f"The weights of the rows, {str(weights.name)!r}, are not numbers ({error}). Expected one number for each row."
        raise InvalidInputError(message) from error


def _number_of_folds(cv: Any) -> int:
    if cv is None:
        return 5
    if isinstance(cv, Integral) and int(cv) > 1:
        return int(cv)
    message = f"cv is {cv!r} with a column of times. Expected a number of folds. Leave time out to use a splitter."
    raise InvalidInputError(message)


def text_columns(model: MetaLearnEstimator) -> dict[str, list[str]]:
    """List the columns that have to be read from a file as text for a model."""
    found: dict[str, list[str]] = model.members_[0].pipeline["preprocessing"]["clean"].text_columns()
    return found


def remembered(model: MetaLearnEstimator, reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a file is read for a model: as its table was, where nothing else is asked for."""
    known = model.recommendation_.reading
    dates = {name: form for name, form in known.get("dates", {}).items() if name in model.column_kinds_}
    before = {"dates": dates, "missing": tuple(known.get("missing", ()))}
    return {option: value for option, value in before.items() if value} | dict(reading)


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
    chosen, surplus = select_columns(frame, model.column_kinds_, model.column_formats)
    dropped = {*column_names(model.drop), *model.recommendation_.reading.get("drop", ()), model.target_["name"]}
    surplus = [name for name in surplus if name not in dropped]
    if not isinstance(model, MetaLearnClassifier):
        return pd.DataFrame({"prediction": model.predict(chosen)}), surplus
    probabilities = model.predict_proba(chosen)
    named = {f"probability of {label}": probabilities[:, i] for i, label in enumerate(model.classes_)}
    return pd.DataFrame({"prediction": model.classes_[probabilities.argmax(axis=1)], **named}), surplus
