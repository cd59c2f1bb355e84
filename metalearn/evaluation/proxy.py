"""Which known metric agrees most with one of the user's own, found on made-up predictions of the target at hand."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.dataset import subsample_rows
from metalearn.evaluation import score_classes, score_numbers
from metalearn.exceptions import InvalidInputError
from metalearn.scorers import apply_scorer
from metalearn.task import Metric, ProblemType, get_metric, metrics_for

__all__ = ["with_stand_ins"]

FloatArray = npt.NDArray[np.float64]

N_MODELS = 100
_ROWS = 500
_TIE = 0.01
"""The problem type's default metric stands in where none agrees better by more than this."""

_SKILL = 0.6
_SPREAD = 0.2
_BALANCED = 0.15
"""Share of the made-up models that treat all classes as equally frequent, as those with class weights do."""

_SHARPNESS = 0.4
_MOST = 0.7
_RARER = 0.25
"""Where no class has most of the rows, each next one is made rarer so: of equally frequent classes all metrics agree."""

_HALF = 0.5
_HEAVY, _LIGHT = 2, 30
"""Degrees of freedom of Student's t: errors with and without outliers."""

_DRAWN = (0.6, 1.05)
_SHIFT = 0.2
_LEAST = 0.05
_FEWEST = 3


def with_stand_ins(
    metric: Metric,
    X: pd.DataFrame,
    target: npt.NDArray[Any],
    problem_type: ProblemType,
    classes: npt.NDArray[Any] | None,
) -> Metric:
    """Return a metric of the user's own with the known ones that may stand in for it."""
    if metric.scorer is None or metric.stand_ins:
        return metric
    kind = problem_type
    rows = subsample_rows(target, _ROWS, kind) if classes is None else _uneven_rows(target, len(classes))
    table, target = X.iloc[rows], target[rows]
    made_up = _number_models(target) if classes is None else _class_models(target, len(classes))
    truth = target if classes is None else classes[target]
    known = metrics_for(kind)
    own, others = np.empty(N_MODELS), np.empty((N_MODELS, len(known)))
    for i, predictions in enumerate(made_up):
        try:
            own[i] = -apply_scorer(metric.scorer, table, truth, predictions, classes)
        except Exception as error:
            message = (
                f"The metric {metric.name!r} cannot score this target: {(str(error) or repr(error)).rstrip('.')}. Expected a scorer that "
                "takes a model, a table and the truth. Correct it, or choose another metric; where a class has to be "
                "named, make_scorer(..., pos_label=...) names it."
            )
            raise InvalidInputError(message) from error
        scores = score_classes(target, predictions, kind) if classes is not None else score_numbers(target, predictions)
        others[i] = [m.to_loss(scores[m.name]) for m in known]
    if np.isnan(own).all():
        message = (
            f"The metric {metric.name!r} gives no number for any prediction. Expected numbers, the greater the better. "
            "Correct it, or choose another metric."
        )
        raise InvalidInputError(message)
    agreement = _rank_correlations(own, others)
    default = get_metric(None, kind)
    order = sorted(zip(known, agreement, strict=True), key=lambda pair: -pair[1] - _TIE * (pair[0] == default))
    return replace(metric, stand_ins=tuple((m.name, round(float(found), 4)) for m, found in order))


def _uneven_rows(codes: npt.NDArray[Any], n_classes: int) -> npt.NDArray[np.intp]:
    """Draw rows, some of them repeatedly, in which one class has most of them, as on many past tasks."""
    shares = np.bincount(codes, minlength=n_classes) / len(codes)
    if shares.max() < _MOST:
        shares[np.argsort(-shares.round(1), kind="stable")] = _RARER ** np.arange(n_classes)
    counts = np.maximum((_ROWS * shares / shares.sum()).astype(int), _FEWEST)
    rng = np.random.default_rng(0)
    return np.concatenate([rng.choice(np.flatnonzero(codes == code), counts[code]) for code in range(n_classes)])


def _class_models(codes: npt.NDArray[Any], n_classes: int) -> Iterator[FloatArray]:
    """Make up probabilities: each class gives a signal of its own, which is heard through noise."""
    rng = np.random.default_rng(0)
    truth = np.eye(n_classes)[codes]
    frequencies = np.log(np.maximum(truth.mean(axis=0), 1 / len(codes)))
    for _ in range(N_MODELS):
        skill = _SKILL * np.exp(_SPREAD * rng.normal())
        signal = skill * (skill * truth + rng.normal(size=truth.shape))
        logits = (signal + (rng.random() >= _BALANCED) * frequencies) * np.exp(_SHARPNESS * rng.normal())
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        yield odds / odds.sum(axis=1, keepdims=True)


def _number_models(target: FloatArray) -> Iterator[FloatArray]:
    """Make up predictions: drawn to the mean, shifted, with errors of different tails that may grow with the target."""
    rng = np.random.default_rng(0)
    spread = float(target.std()) or 1.0
    size = np.abs(target) / (float(np.abs(target).mean()) or 1.0)
    least = _LEAST * float(target.min())
    for _ in range(N_MODELS):
        tails = _HEAVY if rng.random() < _HALF else _LIGHT
        errors = rng.standard_t(tails, len(target)) * spread * _HALF * np.exp(_SPREAD * rng.normal())
        errors *= size if rng.random() < _HALF else 1.0
        drawn = target.mean() + (target - target.mean()) * rng.uniform(*_DRAWN)
        predicted = drawn + errors + spread * _SHIFT * rng.normal()
        yield np.maximum(predicted, least) if least > 0 else predicted  # positive targets are predicted so


def _rank_correlations(own: FloatArray, others: FloatArray) -> FloatArray:
    defined = np.isfinite(own) & np.isfinite(others).all(axis=1)
    if defined.sum() < _FEWEST or np.ptp(own[defined]) == 0:
        return np.zeros(others.shape[1])
    from scipy.stats import rankdata  # noqa: PLC0415 - scipy.stats is slow to import

    ranks: FloatArray = rankdata(np.column_stack([own, others])[defined], axis=0)
    with np.errstate(invalid="ignore"):
        correlations = np.asarray(np.corrcoef(ranks, rowvar=False))
    return np.nan_to_num(correlations[0, 1:])
