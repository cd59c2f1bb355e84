"""Fit a configuration on one fold of a table, or on rows of it, and report the outcome."""

import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import config_context
from threadpoolctl import threadpool_limits

from metalearn.evaluation.metrics import score_classes, score_numbers
from metalearn.evaluation.record import Status
from metalearn.models import get_model
from metalearn.scorers import apply_scorer
from metalearn.space import Configuration
from metalearn.table.intake import with_names
from metalearn.table.schema import Schema
from metalearn.task import Metric, ProblemType

__all__ = ["Outcome", "Rows", "TrainingData", "failure", "fit_and_score", "predict"]

Rows = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]

_CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}

_MEMORY = re.compile(r"bad.?alloc|allocate|out of memory", re.IGNORECASE)
"""Words of C++ libraries for a lack of memory."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Hold a table, its target as codes of classes or numbers, and the folds."""

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
    clock: Literal["wall", "processor"] = "wall"
    keeps_predictions: bool = True
    schema: Schema | None = None

    def own_score(self, rows: Rows, predictions: FloatArray) -> float:
        """Score predictions of some rows by the metric of the user's own."""
        scorer: Any = self.metric and self.metric.scorer
        truth = self.target[rows] if self.classes is None else self.classes[self.target[rows]]
        table = with_names(self.X.iloc[rows], None if self.names is None else self.names[rows])
        return apply_scorer(scorer, table, truth, predictions, self.classes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Report one fit: its status, scores by every metric that is defined there, and predictions of the rows held out."""

    status: Status
    message: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    predictions: npt.NDArray[np.floating] | None = None
    fit_seconds: float = float("nan")
    predict_seconds: float = float("nan")
    pipeline: Any = None


def failure(error: BaseException) -> Outcome:
    """Classify an error: out of memory, in Python or in a library, or failed."""
    memory = isinstance(error, MemoryError) or _MEMORY.search(str(error))
    return Outcome(Status.MEMORY if memory else Status.FAILED, repr(error)[:200])


def fit_and_score(data: TrainingData, configuration: Configuration, where: int | Rows) -> Outcome:
    """Fit on the training rows of a fold and score the others, or fit on given rows and return the pipeline."""
    plain = config_context(enable_metadata_routing=False)  # weights go to the last step by its name
    with warnings.catch_warnings(), threadpool_limits(1), plain:
        warnings.simplefilter("ignore")
        try:
            if isinstance(where, int):
                return _score(data, configuration, *data.folds[where])
            pipeline, seconds = _fit(data, configuration, where)
            return Outcome(Status.OK, fit_seconds=seconds, pipeline=pipeline)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is a result
            return failure(error)


def _fit(data: TrainingData, configuration: Configuration, rows: Rows) -> tuple[Any, float]:
    """Fit a pipeline and take the time; importing the family's library, once in a process, does not count."""
    model = get_model(configuration.model).build(
        configuration, data.problem_type, random_state=data.random_state, n_jobs=1, schema=data.schema
    )
    weights = {} if data.weights is None else {"model__sample_weight": data.weights[rows]}
    now = _CLOCKS[data.clock]
    started = now()
    model.fit(data.X.iloc[rows], data.target[rows], **weights)
    return model, now() - started


def _score(data: TrainingData, configuration: Configuration, train: Rows, test: Rows) -> Outcome:
    model, fit_seconds = _fit(data, configuration, train)
    now = _CLOCKS[data.clock]
    fitted = now()
    predictions = _predictions(model, data.X.iloc[test], data.n_classes)
    seconds: dict[str, Any] = {"fit_seconds": fit_seconds, "predict_seconds": now() - fitted}
    if not np.isfinite(predictions).all():
        return Outcome(Status.FAILED, "the predictions are not finite", **seconds)
    y = data.target[test]
    scores = score_classes(y, predictions, data.problem_type) if data.n_classes else score_numbers(y, predictions)
    predictions = _shares(predictions) if data.n_classes else predictions
    scores = {name: value for name, value in scores.items() if not np.isnan(value)}  # undefined on these rows
    if data.metric is not None and data.metric.scorer is not None:
        scores[data.metric.name] = data.own_score(test, predictions)
    for name, value in scores.items():
        if not np.isfinite(value):
            return Outcome(Status.FAILED, f"{name} is {value}", **seconds)
    kept = predictions.astype(np.float32) if data.n_classes else predictions
    return Outcome(Status.OK, scores=scores, predictions=kept if data.keeps_predictions else None, **seconds)


def _predictions(pipeline: Any, X: pd.DataFrame, n_classes: int) -> FloatArray:
    """Predict numbers, or probabilities of all classes, also of those that the pipeline never saw."""
    if not n_classes:
        return np.asarray(pipeline.predict(X), dtype=float).ravel()
    probabilities = np.zeros((len(X), n_classes))
    probabilities[:, pipeline.classes_.astype(int)] = pipeline.predict_proba(X)
    return probabilities


def _shares(probabilities: FloatArray) -> FloatArray:
    total = probabilities.sum(axis=1, keepdims=True)
    return np.asarray(probabilities / np.where(total > 0, total, 1.0))


def predict(pipeline: Any, X: pd.DataFrame, n_classes: int) -> FloatArray:
    """Predict numbers of shape (n_rows,), or probabilities of shape (n_rows, n_classes) whose rows sum to 1."""
    found = _predictions(pipeline, X, n_classes)
    return _shares(found) if n_classes else found
