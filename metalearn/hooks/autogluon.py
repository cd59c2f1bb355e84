"""AutoGluon: write the seeds as hyperparameters to be trained first, read the leaderboard back."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from metalearn.evaluation import Status
from metalearn.hooks.base import Startable, plan, require_tool, warn_of_lost_conditions
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Drop, Seed, SeedReport
from metalearn.hooks.tool import Queued, SeedTool, by_rank
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace
from metalearn.space.aliases import PARAMETERS, known_name

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]

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
    """Return a search space from the hyperparameters of one model."""
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
    """Return hyperparameters of one model, to be searched by AutoGluon."""
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


class _AutoGluon(SeedTool):
    """Seed the keyword arguments of ``TabularPredictor.fit``: they gain ``hyperparameters``, trained before those they hold."""

    name = extra = "autogluon"
    refusal = "AutoGluon takes no known results"
    package = distribution = "autogluon.tabular"
    remembers = True

    def planned(self, kwargs: Any, recommendation: Startable, matching: Any, **_: Any) -> SeedReport:  # noqa: ARG002
        report = plan(self.name, recommendation, None, matching=matching)
        accepted, dropped = [], []
        for item in report.accepted:
            params = {name: v for name, v in item.params.items() if name != matching.get("model_parameter", "model")}
            if item.model not in FAMILIES or params.get("penalty") == "elasticnet":
                dropped.append(Drop(item.rank, "", f"AutoGluon has no {item.model} with these parameters"))
                continue
            native, lost = _native(item.model, params)
            dropped += [Drop(item.rank, name, why) for name, why in lost.items()]
            accepted.append(replace(item, params=native, key=f"_metalearn{item.rank}"))
        stops = any(item.model in {"lightgbm", "xgboost", "catboost"} for item in accepted)
        return SeedReport(self.name, tuple(accepted), (), tuple(dropped), (_STOPPING,) if stops else ())

    def enqueue(self, kwargs: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        held = kwargs.get("hyperparameters") or {}
        if isinstance(held, str):
            configs = require_tool("autogluon.tabular.configs.hyperparameter_configs", "autogluon")
            held = configs.get_hyperparameter_config(held)
        merged: dict[str, list[Any]] = {key: list(v) if isinstance(v, list) else [v] for key, v in held.items()}
        for item in seeds:
            arguments = {"name_suffix": item.key, "priority": _FIRST_PRIORITY - item.rank}
            merged.setdefault(FAMILIES[item.model][0], []).append({**item.params, "ag_args": arguments})
        kwargs["hyperparameters"] = merged
        return seeds, ()

    def trials(self, predictor: Any, raw: bool = False, **_: Any) -> Trials:  # noqa: FBT001, FBT002
        rows = []
        for row in _rows(predictor):
            score, found = row.get("score_val"), _SUFFIX.search(row["model"])
            ok = score is not None and math.isfinite(score)
            params = dict(row["raw"] if raw and found else row["known"])
            if not raw and params.get("penalty") in {"L1", "L2"}:
                params["penalty"] = params["penalty"].lower()
            rows.append(
                Trial(
                    params,
                    float(score) if ok and score is not None else None,
                    Status.OK if ok else Status.FAILED,
                    row.get("fit_time") if ok else None,
                    "" if ok else str(row.get("exc_str", "")).strip()[:200],
                    predict_seconds=row.get("pred_time_val") if ok else None,
                    model=row["family"],
                    key=row["model"],
                    rank=int(found[1]) if found else None,
                )
            )
        return Trials(rows, maximize=True, metric=predictor.eval_metric.name, convention="score")

    def verify(self, predictor: Any, report: SeedReport | None = None, /, **own: Any) -> SeedReport:
        if report is None:
            return super().verify(predictor, None, **own)
        asked = {item.rank: item.params for item in report.accepted}
        rows = []
        for trial in self.trials(predictor, raw=True).rows:
            wanted = asked.get(trial.rank or 0, trial.params)
            rows.append(replace(trial, asked=wanted, params={name: trial.params.get(name) for name in wanted}))
        return by_rank(self.name, rows, report)


_TOOL = _AutoGluon()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
