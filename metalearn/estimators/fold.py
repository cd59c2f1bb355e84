"""Fit a configuration on one fold of a table, or on all of it, and report what happened."""

import math
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import config_context
from threadpoolctl import threadpool_limits

from metalearn.evaluation import Status, score_classes, score_numbers
from metalearn.models import get_model
from metalearn.scorers import apply_scorer
from metalearn.space import Configuration
from metalearn.table.intake import with_names
from metalearn.task import Metric, ProblemType

__all__ = ["Fitted", "Outcome", "Rows", "TrainingData", "fit_and_predict", "predict"]

Rows = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Hold what every fit needs: the table, the target as numbers, and how it is split.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        The table.
    target : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    problem_type : ProblemType
        The kind of problem.
    n_classes : int
        Number of classes; 0 in regression.
    folds : tuple of (ndarray, ndarray)
        Rows to train on and rows to test on.
    weights : ndarray of shape (n_rows,) or None
        Weights of the rows in fitting.
    random_state : int
        Seed of the estimators.
    metric : Metric or None, default=None
        What is optimised; one of the user's own is measured beside those of the problem type.
    classes : ndarray of shape (n_classes,) or None, default=None
        The labels, as a metric of the user's own sees them; None in regression.
    names : Index of shape (n_rows,) or None, default=None
        What the caller calls the rows, for the same.
    """

    X: pd.DataFrame
    target: npt.NDArray[Any]
    problem_type: ProblemType
    n_classes: int
    folds: tuple[tuple[Rows, Rows], ...]
    weights: FloatArray | None = None
    random_state: int = 0
    metric: Metric | None = None
    classes: npt.NDArray[Any] | None = None
    names: pd.Index | None = None

    def own_score(self, rows: Rows, predictions: FloatArray) -> float:
        """Score predictions by the metric of the user's own.

        Parameters
        ----------
        rows : ndarray of int
            Which rows were predicted.
        predictions : ndarray of shape (n_rows, n_classes) or (n_rows,)
            Probabilities, or numbers.

        Returns
        -------
        float
            The greater the better.
        """
        scorer: Any = self.metric and self.metric.scorer
        truth = self.target[rows] if self.classes is None else self.classes[self.target[rows]]
        table = with_names(self.X.iloc[rows], None if self.names is None else self.names[rows])
        return apply_scorer(scorer, table, truth, predictions, self.classes)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Hold a pipeline that was fitted.

    Parameters
    ----------
    pipeline : Pipeline
        Takes the table as it is.
    """

    pipeline: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """Report one fit.

    Parameters
    ----------
    status : Status
        How it ended.
    message : str, default=""
        What went wrong, if anything.
    scores : dict of str to float, default={}
        Every metric of the problem type; empty unless the status is ok.
    predictions : ndarray or None, default=None
        Of the rows that were held out: probabilities of shape (n_test, n_classes), or numbers of shape (n_test,).
    fit_seconds, predict_seconds : float, default=nan
        Wall-clock seconds on one thread.
    fitted : Fitted or None, default=None
        The pipeline, where it was fitted to be kept.
    """

    status: Status
    message: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    predictions: npt.NDArray[np.floating] | None = None
    fit_seconds: float = float("nan")
    predict_seconds: float = float("nan")
    fitted: Fitted | None = None


def fit_and_predict(data: TrainingData, configuration: Configuration, where: int | Rows) -> Outcome:
    """Fit a configuration on the training rows of a fold and score it on the others, or fit it to be kept.

    Parameters
    ----------
    data : TrainingData
        The table and its folds.
    configuration : Configuration
        What to fit.
    where : int or ndarray of int
        Index of the fold; or rows to fit on, and keep the pipeline.

    Returns
    -------
    Outcome
        Whatever a library raises is reported as a failure.
    """
    plain = config_context(enable_metadata_routing=False)  # weights go to the last step by its name
    with warnings.catch_warnings(), threadpool_limits(1), plain:
        warnings.simplefilter("ignore")
        try:
            if isinstance(where, int):
                return _score(data, configuration, *data.folds[where])
            pipeline, seconds = _fit(data, configuration, where)
            return Outcome(Status.OK, fit_seconds=seconds, fitted=Fitted(pipeline))
        except MemoryError as error:
            return Outcome(Status.MEMORY, repr(error)[:200])
        except Exception as error:  # noqa: BLE001 - one configuration that fails must not end the search
            return Outcome(Status.FAILED, repr(error)[:200])


def _fit(data: TrainingData, configuration: Configuration, rows: Rows) -> tuple[Any, float]:
    """Fit a pipeline and take the time; importing the family's library, once in a process, does not count."""
    model = get_model(configuration.model).build(
        configuration, data.problem_type, random_state=data.random_state, n_jobs=1
    )
    weights = {} if data.weights is None else {"model__sample_weight": data.weights[rows]}
    started = time.perf_counter()
    model.fit(data.X.iloc[rows], data.target[rows], **weights)
    return model, time.perf_counter() - started


def _score(data: TrainingData, configuration: Configuration, train: Rows, test: Rows) -> Outcome:
    model, fit_seconds = _fit(data, configuration, train)
    fitted = time.perf_counter()
    predictions = predict(model, data.X.iloc[test], data.n_classes)
    predicted = time.perf_counter()
    if not np.isfinite(predictions).all():
        return Outcome(Status.FAILED, "the predictions are not finite", fit_seconds=fit_seconds)
    y = data.target[test]
    scores = score_classes(y, predictions, data.problem_type) if data.n_classes else score_numbers(y, predictions)
    if data.metric is not None and data.metric.scorer is not None:
        scores[data.metric.name] = own = data.own_score(test, predictions)
        if not math.isfinite(own):
            return Outcome(Status.FAILED, f"{data.metric.name} is {own}", fit_seconds=fit_seconds)
    return Outcome(
        Status.OK,
        scores=scores,
        predictions=predictions.astype(np.float32) if data.n_classes else predictions,
        fit_seconds=fit_seconds,
        predict_seconds=predicted - fitted,
    )


def predict(pipeline: Any, X: pd.DataFrame, n_classes: int) -> FloatArray:
    """Predict probabilities of all classes, also of those that the pipeline never saw, or numbers.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted on codes of classes, or on numbers.
    X : DataFrame of shape (n_rows, n_features)
        The table.
    n_classes : int
        Number of classes; 0 in regression.

    Returns
    -------
    ndarray of shape (n_rows, n_classes) or (n_rows,)
        Rows of probabilities sum to 1.
    """
    if not n_classes:
        return np.asarray(pipeline.predict(X), dtype=float).ravel()
    probabilities = np.zeros((len(X), n_classes))
    probabilities[:, pipeline.classes_.astype(int)] = pipeline.predict_proba(X)
    total = probabilities.sum(axis=1, keepdims=True)
    return probabilities / np.where(total > 0, total, 1.0)
