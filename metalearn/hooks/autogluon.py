"""AutoGluon: write the seeds as hyperparameters to be trained first, read the leaderboard back."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.hooks.base import (
    Harvest,
    Matching,
    Startable,
    none_told,
    plan,
    require_tool,
    tool_version,
    warn_of_lost_conditions,
)
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import Change, Drop, Seed, SeedReport
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace
from metalearn.space.aliases import PARAMETERS, known_name

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]

FAMILIES: Mapping[str, tuple[str, str]] = {
    "catboost": ("CAT", "CatBoostModel"),
    "extra_trees": ("XT", "XTModel"),
    "knn": ("KNN", "KNNModel"),
    "lightgbm": ("GBM", "LGBModel"),
    "linear": ("LR", "LinearModel"),
    "random_forest": ("RF", "RFModel"),
    "xgboost": ("XGB", "XGBoostModel"),
}
"""AutoGluon's key and class of our families; its neural networks have other parameters than ours."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "lightgbm": {
        "n_estimators": "num_boost_round",
        "min_child_samples": "min_data_in_leaf",
        "subsample": "bagging_fraction",
        "colsample_bytree": "feature_fraction",
        "reg_alpha": "lambda_l1",
        "reg_lambda": "lambda_l2",
    }
}
"""AutoGluon's names of our parameters, where they differ."""

_REFUSED = {"lightgbm": ("class_weight",), "linear": ("alpha", "l1_ratio", "class_weight")}
_SUFFIX = re.compile(r"_metalearn(\d+)")
_FIRST_PRIORITY = 1000
_STOPPING = "AutoGluon stops boosting early on its validation rows: the number of trees is an upper limit"


def read_space(hyperparameters: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from the hyperparameters of one model.

    Parameters
    ----------
    hyperparameters : mapping of str to Space or constant
        One entry of AutoGluon's ``hyperparameters``; constants are left out.

    Returns
    -------
    SearchSpace
        With the defaults that lie in their range: AutoGluon does not check them.
    """
    parameters: dict[str, Parameter] = {}
    for name, space in hyperparameters.items():
        if hasattr(space, "data") and hasattr(space, "default"):
            parameters[name] = Categorical(tuple(space.data))
        elif hasattr(space, "lower") and hasattr(space, "default"):
            log = bool(getattr(space, "log", False))
            kind: type[Integer | Float] = Float if hasattr(space, "log") else Integer
            parameters[name] = kind(space.lower, space.upper, log=log)
    defaults = {name: hyperparameters[name].default for name in parameters}
    return SearchSpace(parameters, {}, {name: v for name, v in defaults.items() if parameters[name].contains(v)})


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return hyperparameters of one model, to be searched by AutoGluon.

    Parameters
    ----------
    space : SearchSpace
        Its defaults are what AutoGluon tries first. Conditions are lost, steps too, and so is the log scale
        of integers.

    Returns
    -------
    dict of str to Space
        One entry of ``hyperparameters``.

    Warns
    -----
    UserWarning
        If the space has conditions.
    """
    warn_of_lost_conditions("AutoGluon", space.conditions)
    spaces = require_tool("autogluon.common", "autogluon").space
    found: dict[str, Any] = {}
    for name, p in space.parameters.items():
        start = space.defaults.get(name)
        if isinstance(p, Categorical):
            first = [start] if name in space.defaults else []
            found[name] = spaces.Categorical(*first, *(c for c in p.choices if c not in first))
        elif isinstance(p, Integer):
            found[name] = spaces.Int(p.low, p.high, default=start)
        else:
            found[name] = spaces.Real(p.low, p.high, default=start, log=p.log)
    return found


def _native(model: str, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return AutoGluon's parameters, and why others were left out."""
    values, dropped = dict(params), {}
    for name in _REFUSED.get(model, ()):
        if values.pop(name, None) is not None:
            dropped[name] = "AutoGluon has no such parameter"
    if model == "linear" and "penalty" in values:
        values["penalty"] = str(values["penalty"]).upper()
    if values.get("subsample", 1.0) < 1.0 and model == "lightgbm":
        values["bagging_freq"] = 1  # without it LightGBM ignores the fraction
    return {NAMES.get(model, {}).get(name, name): value for name, value in values.items()}, dropped


def seed(
    kwargs: dict[str, Any], recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Add the recommended configurations to the keyword arguments of ``TabularPredictor.fit``.

    Parameters
    ----------
    kwargs : dict
        Gains ``hyperparameters``; those that it holds stay, and are trained after the seeds.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to train, in this order.
    strict : bool, default=False
        Whether a drop is an error.
    **options : Matching
        How configurations are chosen; AutoGluon has no bounds to clip to.

    Returns
    -------
    SeedReport
        The keys of the seeds are the suffixes of AutoGluon's model names.
    """
    require_tool("autogluon.tabular", "autogluon")
    report = plan("autogluon", recommendation, None, matching=options)
    accepted, dropped, entries = [], [], []
    for item in report.accepted:
        params = {name: value for name, value in item.params.items() if name != options.get("model_parameter", "model")}
        if item.model not in FAMILIES or params.get("penalty") == "elasticnet":
            dropped.append(Drop(item.rank, "", f"AutoGluon has no {item.model} with these parameters"))
            continue
        native, lost = _native(item.model, params)
        dropped += [Drop(item.rank, name, why) for name, why in lost.items()]
        suffix = f"_metalearn{item.rank}"
        arguments = {"name_suffix": suffix, "priority": _FIRST_PRIORITY - item.rank}
        entries.append((FAMILIES[item.model][0], {**native, "ag_args": arguments}))
        accepted.append(replace(item, params=native, key=suffix))
    stops = any(item.model in {"lightgbm", "xgboost", "catboost"} for item in accepted)
    notes = (_STOPPING,) if stops else ()
    report = SeedReport("autogluon", tuple(accepted), (), tuple(dropped), notes).require(strict=strict)
    held = kwargs.get("hyperparameters") or {}
    if isinstance(held, str):
        configs = require_tool("autogluon.tabular.configs.hyperparameter_configs", "autogluon")
        held = configs.get_hyperparameter_config(held)
    merged: dict[str, list[Any]] = {key: list(v) if isinstance(v, list) else [v] for key, v in held.items()}
    for key, entry in entries:
        merged.setdefault(key, []).append(entry)
    kwargs["hyperparameters"] = merged
    return report


def tell(predictor: Any, evaluations: Iterable[Evaluation], *, strict: bool = False) -> SeedReport:
    """Report that AutoGluon takes no results: everything is trained.

    Parameters
    ----------
    predictor : object
        Ignored.
    evaluations : iterable of Evaluation
        Results.
    strict : bool, default=False
        Whether that is an error.

    Returns
    -------
    SeedReport
        With everything dropped.
    """
    del predictor
    return none_told("autogluon", evaluations, "AutoGluon takes no known results", strict=strict)


def _rows(predictor: Any) -> list[dict[str, Any]]:
    """Return every model of a known family, failed ones too, with its own parameters."""
    family_of_class = {name: family for family, (_, name) in FAMILIES.items()}
    tables = [predictor.leaderboard(extra_info=True, display=False), predictor.model_failures()]
    rows = []
    for row in (row for table in tables if len(table) for row in table.to_dict("records")):
        bagged = isinstance(row.get("child_model_type"), str)
        family = family_of_class.get(row["child_model_type"] if bagged else row["model_type"])
        if family is None:
            continue
        raw = row["child_hyperparameters"] if bagged else row["hyperparameters"]
        known = {name: value for name, value in raw.items() if known_name(name, family) in PARAMETERS[family]}
        rows.append({**row, "family": family, "raw": raw, "known": known})
    return rows


def harvest(predictor: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every model of the families that we know, failed ones as such; ensembles are left out.

    Parameters
    ----------
    predictor : autogluon.tabular.TabularPredictor
        Fitted.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    **options : Reading
        How the trials are to be read.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``; scores are those of AutoGluon's validation rows or folds.
    """
    require_tool("autogluon.tabular", "autogluon")
    trials = []
    for row in _rows(predictor):
        ok = "score_val" in row and row["score_val"] is not None and math.isfinite(row["score_val"])
        params = dict(row["known"])
        if params.get("penalty") in {"L1", "L2"}:
            params["penalty"] = params["penalty"].lower()
        found = _SUFFIX.search(row["model"])
        note = f"seed {found[1]}" if found else ""
        trials.append(
            Trial(
                params,
                float(row["score_val"]) if ok else None,
                Status.OK if ok else Status.FAILED,
                row.get("fit_time") if ok else None,
                note if ok else str(row.get("exc_str", "")).strip()[:200],
                predict_seconds=row.get("pred_time_val") if ok else None,
                model=row["family"],
            )
        )
    said = predictor.eval_metric.name
    versions = tool_version("autogluon.tabular")
    return gather(trials, X, y, maximize=True, said_metric=said, versions=versions, options=options)


def verify(predictor: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really trained, and with which values.

    Parameters
    ----------
    predictor : autogluon.tabular.TabularPredictor
        Fitted.
    report : SeedReport or None, default=None
        What :func:`seed` returned; without it, values are not compared and seeds that were never begun are
        not named.

    Returns
    -------
    SeedReport
        Seeds that failed or were never begun are dropped.
    """
    require_tool("autogluon.tabular", "autogluon")
    asked = {item.rank: item for item in report.accepted} if report is not None else {}
    accepted, changed, dropped = [], [], []
    for row in _rows(predictor):
        found = _SUFFIX.search(row["model"])
        if not found:
            continue
        rank = int(found[1])
        if "exc_str" in row:
            dropped.append(Drop(rank, "", f"it failed: {str(row['exc_str']).strip()[:200]}"))
            continue
        wanted = asked[rank].params if rank in asked else row["known"]
        values = {name: row["raw"].get(name) for name in wanted}
        accepted.append(Seed(rank, row["family"], values, key=row["model"]))
        changed += [Change(rank, name, value, values[name]) for name, value in wanted.items() if values[name] != value]
    seen = {item.rank for item in accepted} | {drop.rank for drop in dropped}
    dropped += [Drop(rank, "", "it was never begun") for rank in asked if rank not in seen]
    accepted.sort(key=lambda item: item.rank)
    return SeedReport("autogluon", tuple(accepted), tuple(changed), tuple(dropped), deed="evaluated")
