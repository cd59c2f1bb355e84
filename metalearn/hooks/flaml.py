"""FLAML: starting points of AutoML.fit and tune.run, completed and in range; logs read back."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import SeedOptions, Startable, plan, require_tool, warn_of_lost_conditions
from metalearn.hooks.domains import leaves, nest, read_domains, write_domains
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Drop, Seed, SeedReport, compare, joined
from metalearn.hooks.tool import Queued, Told, Tool
from metalearn.models import get_model
from metalearn.recommendation import Recommendation
from metalearn.space import SearchSpace
from metalearn.space.aliases import family_of

__all__ = ["harvest", "read_log", "read_space", "seed", "tell", "trials", "verify", "write_space"]

LEARNERS: Mapping[str, tuple[str, ...]] = {
    "catboost": ("catboost",),
    "extra_trees": ("extra_tree",),
    "knn": ("kneighbor",),
    "lightgbm": ("lgbm",),
    "linear": ("lrl2", "lrl1"),
    "random_forest": ("rf",),
    "svm": ("svc",),
    "xgboost": ("xgb_limitdepth",),  # FLAML's own "xgboost" grows by leaves and has no depth
}
"""FLAML's names of our families."""

_HOLDOUT = 0.1
"""The share of rows that FLAML holds out unless told otherwise."""

_METRICS = {"ap": "average_precision", "macro_f1": "f1_macro", "micro_f1": "f1_micro", "mse": "mean_squared_error"}
"""FLAML's names of metrics, where they differ from those of scikit-learn."""


def read_space(domains: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from the config of ``tune.run`` or an estimator's search space."""
    plain = {name: d["domain"] if isinstance(d, Mapping) and "domain" in d else d for name, d in domains.items()}
    space = read_domains({name: d for name, d in plain.items() if d is not None}, inclusive=False)
    starts = {
        n: d.get("init_value", d.get("low_cost_init_value")) for n, d in domains.items() if isinstance(d, Mapping)
    }
    inside = {n: v for n, v in starts.items() if n in space.parameters and space.parameters[n].contains(v)}
    return SearchSpace(space.parameters, space.conditions, inside)


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return the config of ``tune.run`` for a search space."""
    warn_of_lost_conditions("FLAML", space.conditions)
    return write_domains(space, require_tool("flaml.tune", "flaml"), inclusive=False)


def _table(kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    if "X_train" in kwargs:
        return kwargs["X_train"], kwargs["y_train"]
    if "dataframe" in kwargs:
        frame, label = kwargs["dataframe"], kwargs["label"]
        return frame.drop(columns=label), frame[label]
    message = (
        "The keyword arguments hold neither a table nor a search space. Expected those of AutoML.fit "
        "(X_train, y_train) or of flaml.tune.run (config). Add them before seeding."
    )
    raise InvalidInputError(message)


def _learner_space(kwargs: Mapping[str, Any], learner: str) -> SearchSpace | None:
    """Return the space that FLAML will search for an estimator on this table; None if it has none."""
    factory = require_tool("flaml.automl.task.factory", "flaml").task_factory
    X, y = _table(kwargs)
    task = factory(kwargs.get("task", "classification"), X, y)
    share = 0.0 if kwargs.get("eval_method") == "cv" else kwargs.get("split_ratio", _HOLDOUT)
    # the ranges depend on the rows left for training: fewer rows, narrower ranges, which hold in either case
    size = (max(1, math.floor(X.shape[0] * (1 - share))), X.shape[1])
    try:
        own = task.estimator_class_from_str(learner).search_space(data_size=size, task=task)
    except (ValueError, ImportError):
        return None
    custom = (kwargs.get("custom_hp") or {}).get(learner, {})
    return read_space({**own, **custom})


def _is_tune(target: Any) -> bool:
    return "config" in target if isinstance(target, Mapping) else hasattr(target, "trials")


class _Flaml(Tool):
    """Seed the keyword arguments of ``AutoML.fit`` (gain ``starting_points``) or ``tune.run`` (``points_to_evaluate``)."""

    name = package = extra = distribution = "flaml"

    def space_of(self, kwargs: Any, **_: Any) -> SearchSpace:
        return read_space(kwargs["config"])

    def planned(self, kwargs: Any, recommendation: Startable, matching: Any, **own: Any) -> SeedReport:
        if _is_tune(kwargs):
            return super().planned(kwargs, recommendation, matching, **own)
        found = _plan_learners(kwargs, recommendation, matching)
        if isinstance(recommendation, Recommendation) and "metric" not in kwargs:
            note = f"FLAML chooses the metric itself; metric={recommendation.task.metric.name!r} was asked for"
            return replace(found, notes=(*found.notes, note))
        return found

    def obstacle(self, kwargs: Any, item: Seed, place: int, **_: Any) -> str:  # noqa: ARG002
        queued = kwargs.get("points_to_evaluate", []) if _is_tune(kwargs) else []
        known = bool(queued) and nest(item.params, kwargs["config"]) in queued
        return "points_to_evaluate has it already" if known else ""

    def enqueue(self, kwargs: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        if _is_tune(kwargs):
            queued, told = list(kwargs.get("points_to_evaluate", [])), len(kwargs.get("evaluated_rewards", []))
            points = [nest(item.params, kwargs["config"]) for item in seeds]
            kwargs["points_to_evaluate"] = [*queued[:told], *points, *queued[told:]]  # the first ones are those told
            return seeds, ()
        points_by_learner: dict[str, list[dict[str, Any]]] = {}
        for item in seeds:
            points_by_learner.setdefault(item.key, []).append(dict(item.params))
        own = kwargs.get("starting_points")
        for learner, given in (own if isinstance(own, Mapping) else {}).items():  # else a word: where FLAML finds some
            points_by_learner.setdefault(learner, []).extend(given if isinstance(given, list) else [given])
        if points_by_learner:
            kwargs["starting_points"] = points_by_learner
        if kwargs.get("log_file_name") and kwargs.setdefault("log_type", "all") != "all":
            return seeds, [
                f"log_type={kwargs['log_type']!r} keeps improvements only; 'all' is needed to harvest everything"
            ]
        return seeds, ()

    def takes_none(self, kwargs: Any, **_: Any) -> str:
        return "" if _is_tune(kwargs) else "AutoML.fit takes no known results; flaml.tune.run does"

    def maximizes(self, kwargs: Any, **_: Any) -> bool:
        return bool(kwargs.get("mode", "min") == "max")

    def insert(self, kwargs: Any, told: Sequence[Told], **_: Any) -> None:
        points = [nest(item.params, kwargs["config"]) for item, _, _ in told]
        kwargs["points_to_evaluate"] = [*points, *kwargs.get("points_to_evaluate", [])]
        kwargs["evaluated_rewards"] = [*(value for _, _, value in told), *kwargs.get("evaluated_rewards", [])]

    def trials(self, target: Any, n_rows: int = 0, **_: Any) -> Trials:
        if _is_tune(target):
            rows = [_tune_trial(trial, target.default_metric) for trial in target.trials]
            return Trials(rows, target.default_mode == "max", target.default_metric)
        kwargs = target if isinstance(target, Mapping) else {}
        path = kwargs.get("log_file_name", target)
        metric = kwargs.get("metric")
        metric = metric if isinstance(metric, str) and metric != "auto" else None
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        return read_log(lines, str(path), n_rows=n_rows, metric=metric)

    def verify(self, target: Any, report: SeedReport | None = None, /, **own: Any) -> SeedReport:
        if _is_tune(target) or report is None:
            return super().verify(target, report, **own)
        rows = list(self.trials(target).rows)
        parts = []
        for key in dict.fromkeys(item.key for item in report.accepted):
            mine = [
                (t.params, t.status is not Status.FAILED, t.key) for t in rows if t.model == (family_of(key) or key)
            ]
            parts.append(compare(replace(report, accepted=tuple(i for i in report.accepted if i.key == key)), mine))
        return joined(self.name, parts, deed="evaluated")


def _plan_learners(kwargs: Mapping[str, Any], recommendation: Startable, options: Any) -> SeedReport:
    """Fit each family's seeds to the space of its estimator; the keys are FLAML's estimators."""
    plan("flaml", (), None, matching=options)  # checks the options
    items = list(recommendation)[: options.get("n")]
    wanted = options.get("family")
    wanted = get_model(wanted).name if wanted is not None else None
    allowed = kwargs.get("estimator_list") or "auto"
    models = [getattr(item, "configuration", item).model for item in items]
    parts = []
    for model in dict.fromkeys(models):
        if wanted not in (None, model):
            continue
        learners = [name for name in LEARNERS.get(model, ()) if allowed == "auto" or name in allowed]
        space = _learner_space(kwargs, learners[0]) if learners else None
        if space is None:
            why = f"estimator_list has no {model}" if model in LEARNERS else f"FLAML has no {model}"
            parts.append(
                SeedReport("flaml", dropped=tuple(Drop(r, "", why) for r, m in enumerate(models, 1) if m == model))
            )
        else:
            own = cast("SeedOptions", {**options, "family": model})
            found = plan("flaml", items, space, matching=own)
            parts.append(replace(found, accepted=tuple(replace(i, key=learners[0]) for i in found.accepted), notes=()))
    found = joined("flaml", parts)
    known = [family for family, names in LEARNERS.items() if allowed != "auto" and set(names) & set(allowed)]
    if known and not set(models) <= set(known):
        found = replace(found, notes=(f"estimator_list has {known} only: recommend(..., families={known}) gives more",))
    return found


def read_log(lines: Iterable[str], path: str, *, n_rows: int = 0, metric: str | None = None) -> Trials:
    """Read the lines of a log of ``AutoML.fit``."""
    records: list[tuple[str, dict[str, Any], float, int, float, str]] = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if "curr_best_record_id" in record:
                continue
            loss, config = float(record["validation_loss"]), dict(record["config"])
            size = int(config.pop("FLAML_sample_size", None) or record.get("sample_size") or 0)
            learner = str(record["learner"]).encode("utf-8", "replace").decode()
            records.append(
                (learner, config, loss, size, float(record["trial_time"]), str(record.get("record_id", number)))
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            message = (
                f"{path} has a line {number + 1} that is no trial ({error!r}). Expected a log of FLAML. Check the file."
            )
            raise InvalidInputError(message) from error
    if not records:
        message = f"{path} holds no trial. Expected a log of FLAML. Check the file."
        raise InvalidInputError(message)
    largest = max(record[3] for record in records)
    full = largest if 2 * largest >= n_rows or not largest else n_rows
    rows = []
    for learner, config, loss, size, seconds, key in records:
        status = Status.FAILED if not math.isfinite(loss) else Status.PRUNED if size < full else Status.OK
        note = f"on {size} of {n_rows or full} rows: loss {loss:.6g}" if status is Status.PRUNED else ""
        value = loss if status is Status.OK else None
        rows.append(Trial(config, value, status, seconds, note, model=family_of(learner) or learner, key=key))
    return Trials(rows, metric=_METRICS.get(metric or "", metric), convention="loss")


def _tune_trial(trial: Any, metric: str) -> Trial:
    result = trial.last_result or {}
    value = result.get(metric)
    status = Status.FAILED if value is None or not math.isfinite(value) else Status.OK
    return Trial(leaves(trial.config), value, status, result.get("time_total_s"), key=str(trial.trial_id))


_TOOL = _Flaml()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
