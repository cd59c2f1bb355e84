"""Other people's tools on a real table: what they choose, kept once it was computed."""

import hashlib
import logging
import math
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from real_tables import FIT_SECONDS, MODEL, Bench, from_joint, joint_space

from metalearn.evaluation import score_classes, score_numbers
from metalearn.hooks.optuna import write_space
from metalearn.models import get_model
from metalearn.space import Categorical, Configuration, Float, SearchSpace

WORST_TOLD = 2.0
"""Tuners are told at most this loss, also for a failure."""


def told(bench: Bench, configuration: Configuration) -> float:
    """Return the loss that a tuner is told."""
    return min(bench.evaluator.validation_loss(configuration), WORST_TOLD)


def digest(seeds: Sequence[Configuration]) -> str:
    """Name a list of configurations."""
    return hashlib.sha256(";".join(c.id for c in seeds).encode()).hexdigest()[:16] if seeds else "cold"


def kept_trials(bench: Bench, key: str, make: Callable[[], Sequence[Configuration]]) -> list[Configuration]:
    """Return the configurations that a tuner tried, running it only once."""
    found = bench.evaluator.cache.get(f"{bench.table.id}/{key}", lambda: [c.to_dict() for c in make()])
    return [Configuration.from_dict(c) for c in found]


def suggest(trial: Any, space: SearchSpace) -> dict[str, Any]:
    """Ask an Optuna trial for every parameter that is active."""
    distributions = write_space(SearchSpace(space.parameters))  # the conditions are kept below
    params: dict[str, Any] = {}
    for name, parameter in space.parameters.items():
        condition = space.conditions.get(name)
        if condition is not None and not condition.holds(params):
            continue
        d = distributions[name]
        if isinstance(parameter, Categorical):
            params[name] = trial.suggest_categorical(name, d.choices)
        else:
            ask = trial.suggest_float if isinstance(parameter, Float) else trial.suggest_int
            params[name] = ask(name, d.low, d.high, step=d.step, log=d.log)
    return params


def tpe(
    bench: Bench, what: str, space: SearchSpace, n_trials: int, made: Callable[[dict[str, Any]], Configuration]
) -> list[Configuration]:
    """Return what Optuna's TPE tries on a space."""

    def make() -> list[Configuration]:
        import optuna  # noqa: PLC0415 - not needed when everything is kept

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        found = []
        for _ in range(n_trials):
            trial = study.ask()
            found.append(made(suggest(trial, space)))
            study.tell(trial, told(bench, found[-1]))
        return found

    return kept_trials(bench, f"tpe/{version('optuna')}/{what}/{n_trials}", make)


def tpe_on_family(bench: Bench, family: str, n_trials: int) -> list[Configuration]:
    """Return what Optuna's TPE tries on one family's space."""
    space = get_model(family).spaces[bench.table.task.problem_type]
    return tpe(bench, family, space, n_trials, partial(Configuration, family))


def tpe_over_all(bench: Bench, n_trials: int) -> list[Configuration]:
    """Return what Optuna's TPE tries on the joint space of all families."""
    space = joint_space(bench.table.task.problem_type)
    return tpe(
        bench, "all families", space, n_trials, lambda params: from_joint({MODEL: params[MODEL], **params}, space)
    )


def flaml_zero_shot(bench: Bench, learner: str) -> dict[str, float]:
    """Return test regret and seconds of the configuration that FLAML suggests without any trial."""

    def make() -> dict[str, Any]:
        from flaml.default import preprocess_and_suggest_hyperparams  # noqa: PLC0415 - not needed when kept

        X, y = bench.table.train_part()
        started = time.perf_counter()
        task = "regression" if bench.table.data.n_classes == 0 else "classification"
        params, kind, X_seen, y_seen, columns, labels = preprocess_and_suggest_hyperparams(
            task, X, y.to_numpy(), learner
        )
        model = kind(**{**params, "n_jobs": 1}).fit(X_seen, y_seen)
        classes = getattr(model, "classes_", None)
        if classes is not None and labels is not None:
            classes = labels.inverse_transform(np.asarray(classes, dtype=int))
        predicted = _predicted(bench, model, columns.transform(_test_rows(bench)), classes)
        return {"loss": loss_of(bench, predicted), "seconds": time.perf_counter() - started}

    return _external(bench, f"flaml-default/{version('flaml')}/{learner}", make)


def flaml_automl(bench: Bench, n_trials: int) -> dict[str, float]:
    """Return test regret and seconds of FLAML AutoML with a number of trials."""

    def make() -> dict[str, Any]:
        from flaml import AutoML  # noqa: PLC0415 - not needed when kept

        X, y = bench.table.train_part()
        started = time.perf_counter()
        model = AutoML()
        metric = {"roc_auc": "roc_auc", "accuracy": "accuracy", "r2": "r2"}[bench.table.metric.name]
        task = "regression" if bench.table.data.n_classes == 0 else "classification"
        model.fit(
            X, y.to_numpy(), task=task, metric=metric, max_iter=n_trials, time_budget=10 * FIT_SECONDS,
            eval_method="cv", n_splits=3, n_jobs=1, seed=0, verbose=0,
        )  # fmt: skip
        predicted = _predicted(bench, model, _test_rows(bench), getattr(model, "classes_", None))
        return {"loss": loss_of(bench, predicted), "seconds": time.perf_counter() - started}

    return _external(bench, f"flaml-automl/{version('flaml')}/{n_trials}", make)


def _test_rows(bench: Bench) -> Any:
    return bench.table.data.X.iloc[bench.table.test].reset_index(drop=True)


def _predicted(bench: Bench, model: Any, X: Any, classes: Any) -> np.ndarray:
    if not bench.table.data.n_classes:
        return np.asarray(model.predict(X), dtype=float).ravel()
    found = np.zeros((len(X), bench.table.data.n_classes))
    found[:, np.asarray(classes, dtype=int)] = model.predict_proba(X)
    return found


def loss_of(bench: Bench, predicted: np.ndarray) -> float:
    """Return the test loss of predictions."""
    y, table = bench.table.data.target[bench.table.test], bench.table
    if table.data.n_classes:
        scores = score_classes(y, predicted, table.task.problem_type)
    else:
        scores = score_numbers(y, predicted)
    return float(table.metric.to_loss(scores[table.metric.name]))


def _external(bench: Bench, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, float]:
    """Return what a tool reached; one that raises has the worst regret."""

    def guarded() -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.getLogger("flaml").setLevel(logging.ERROR)
            try:
                return make()
            except Exception as error:  # noqa: BLE001 - whatever a tool raises is its result
                return {"loss": None, "seconds": math.nan, "error": repr(error)[:300]}

    found = bench.evaluator.cache.get(f"{bench.table.id}/{key}", guarded)
    loss = math.inf if found["loss"] is None else found["loss"]
    return {"test": bench.test.regret(loss), "seconds": found["seconds"]}
