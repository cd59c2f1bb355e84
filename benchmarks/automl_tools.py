"""Run one AutoML tool on a table in a folder, in any environment: python automl_tools.py TOOL FOLDER.

Reads train.parquet, test.parquet and about.json; writes predictions.npy and found.json. Needs nothing of this project
but for the tools "metalearn", "lightgbm" and "tpe".
"""

# ruff: noqa: PLC0415 - each tool is imported where it is used: no environment holds them all

import importlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TARGET = "__target__"
MODULES = {
    "metalearn": "metalearn.estimators",
    "flaml": "flaml.automl",
    "autogluon": "autogluon.tabular",
    "lightgbm": "metalearn.models",
    "tpe": "foreign",
}
"""What is imported before the clock starts."""

LIBRARIES = ("sklearn.ensemble", "lightgbm", "xgboost", "catboost", "optuna")
"""Those of these that the environment has are imported then as well."""

DISTRIBUTIONS = {"metalearn": "metalearn-recommender", "autogluon": "autogluon.tabular", "tpe": "optuna"}
"""What tells a tool's version, where it is not called like the tool."""


def metalearn(train: pd.DataFrame, y: pd.Series, about: dict[str, Any]) -> Any:
    """Fit our estimator, which knows nothing of the table's family."""
    from metalearn import MetaLearnClassifier, MetaLearnRegressor

    kind = MetaLearnClassifier if about["n_classes"] else MetaLearnRegressor
    model = kind(n_trials=None, time_budget=about["seconds"], n_jobs=about["jobs"], knowledge_base=about["past"]).fit(
        train, y
    )
    return model, {"trials": len(model.leaderboard_), "decision": model.decision_}


def flaml(train: pd.DataFrame, y: pd.Series, about: dict[str, Any]) -> Any:
    """Fit FLAML AutoML as it comes."""
    from flaml import AutoML

    model = AutoML()
    task = "classification" if about["n_classes"] else "regression"
    model.fit(
        train, y.to_numpy(), task=task, metric=about["metric"], time_budget=about["seconds"], n_jobs=about["jobs"],
        seed=0, verbose=0,
    )  # fmt: skip
    return model, {"decision": str(model.best_estimator)}


def autogluon(train: pd.DataFrame, y: pd.Series, about: dict[str, Any]) -> Any:
    """Fit AutoGluon with its medium quality preset."""
    from autogluon.tabular import TabularPredictor

    kind = {0: "regression", 2: "binary"}.get(about["n_classes"], "multiclass")
    model = TabularPredictor(TARGET, problem_type=kind, eval_metric=about["metric"], path="autogluon", verbosity=0)
    model.fit(
        train.assign(**{TARGET: y.to_numpy()}), presets="medium_quality", time_limit=about["seconds"],
        num_cpus=about["jobs"], num_gpus=0,
    )  # fmt: skip
    return model, {"decision": str(model.model_best), "trials": len(model.model_names()), "models": model.model_names()}


def lightgbm(train: pd.DataFrame, y: pd.Series, about: dict[str, Any]) -> Any:
    """Fit LightGBM with its defaults."""
    from metalearn.models import build_pipeline, get_model
    from metalearn.task import ProblemType

    kind = ProblemType(about["problem_type"])
    model = build_pipeline(get_model("lightgbm").default(kind), kind, n_jobs=about["jobs"])
    return model.fit(train, y.to_numpy()), {}


def tpe(train: pd.DataFrame, y: pd.Series, about: dict[str, Any]) -> Any:
    """Tune LightGBM by Optuna's TPE and five-fold cross-validation, and keep time for the last fit."""
    import optuna
    from foreign import suggest
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    from metalearn.models import build_pipeline, get_model
    from metalearn.space import Configuration
    from metalearn.task import ProblemType

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kind, jobs, started = ProblemType(about["problem_type"]), about["jobs"], time.monotonic()
    folds = (StratifiedKFold if about["n_classes"] else KFold)(5, shuffle=True, random_state=0)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    best, best_score, longest, trials = get_model("lightgbm").default(kind), -np.inf, 0.0, 0
    while time.monotonic() - started + 1.3 * longest < about["seconds"] or not trials:
        begun = time.monotonic()
        trial = study.ask()
        configuration = Configuration("lightgbm", suggest(trial, get_model("lightgbm").spaces[kind]))
        model = build_pipeline(configuration, kind, n_jobs=jobs)
        score = float(np.mean(cross_val_score(model, train, y.to_numpy(), scoring=about["metric"], cv=folds)))
        study.tell(trial, score)
        trials += 1
        if score > best_score:
            best, best_score = configuration, score
        longest = max(longest, time.monotonic() - begun)
    return build_pipeline(best, kind, n_jobs=jobs).fit(train, y.to_numpy()), {"trials": trials}


TOOLS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (metalearn, flaml, autogluon, lightgbm, tpe)}


def _processor_seconds() -> float:
    """Return what this process and those of its children that ended have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def main() -> None:
    """Fit, predict, and write both."""
    tool, folder = sys.argv[1], Path(sys.argv[2])
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    y = train.pop(TARGET)
    warnings.simplefilter("ignore")
    if hasattr(
        os, "sched_setaffinity"
    ):  # a tool that counts the processors itself must not take more than it was given
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: about["jobs"]])
    importlib.import_module(MODULES[tool])
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)
    if tool == "metalearn":  # as it is shipped: read and fitted beforehand
        about["past"] = importlib.import_module("metalearn.knowledge").FileStore(Path(about["knowledge_base"])).read()
    started, worked = time.perf_counter(), _processor_seconds()
    model, found = TOOLS[tool](train, y, about)
    found["seconds"] = time.perf_counter() - started
    found["cores"] = (_processor_seconds() - worked) / found["seconds"]
    found["version"] = version(DISTRIBUTIONS.get(tool, tool))
    if about["n_classes"]:
        chances = model.predict_proba(test)
        classes = getattr(model, "classes_", None)
        classes = chances.columns if isinstance(chances, pd.DataFrame) else classes
        predicted = np.zeros((len(test), about["n_classes"]))
        predicted[:, np.asarray(classes, dtype=int)] = np.asarray(chances)
    else:
        predicted = np.asarray(model.predict(test), dtype=float).ravel()
    np.save(folder / "predictions.npy", predicted)
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
