"""FLAML: starting points of AutoML.fit and tune.run, completed and in range; logs read back."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import (
    Harvest,
    Matching,
    Startable,
    none_told,
    plan,
    plan_told,
    require_tool,
    told_value,
    tool_version,
    warn_of_lost_conditions,
)
from metalearn.hooks.domains import nest, read_domains, write_domains
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import Drop, Seed, SeedReport, compare
from metalearn.models import get_model
from metalearn.recommendation import Recommendation
from metalearn.space import SearchSpace
from metalearn.space.aliases import family_of

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]

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


def read_space(domains: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from the config of ``tune.run`` or an estimator's search space.

    Parameters
    ----------
    domains : mapping of str to Domain or mapping
        Nested dicts of domains, or FLAML's dicts with ``domain`` and ``init_value``.

    Returns
    -------
    SearchSpace
        With FLAML's initial values as defaults.
    """
    plain = {name: d["domain"] if isinstance(d, Mapping) and "domain" in d else d for name, d in domains.items()}
    space = read_domains({name: d for name, d in plain.items() if d is not None}, inclusive=False)
    starts = {
        n: d.get("init_value", d.get("low_cost_init_value")) for n, d in domains.items() if isinstance(d, Mapping)
    }
    inside = {n: v for n, v in starts.items() if n in space.parameters and space.parameters[n].contains(v)}
    return SearchSpace(space.parameters, space.conditions, inside)


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return the config of ``tune.run`` for a search space.

    Parameters
    ----------
    space : SearchSpace
        Conditions are lost.

    Returns
    -------
    dict of str to Domain
        By name.

    Warns
    -----
    UserWarning
        If the space has conditions.
    """
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


def seed(
    kwargs: dict[str, Any], recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Add starting points to the keyword arguments of a search.

    Parameters
    ----------
    kwargs : dict
        For ``AutoML.fit``: with ``X_train``, ``y_train``, ``task`` and, if any, ``estimator_list``,
        ``custom_hp`` and
        ``split_ratio``; gains ``starting_points``, and ``log_type="all"`` if a log file is named.
        For ``flaml.tune.run``: with ``config``; gains ``points_to_evaluate``.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try; each family's in this order, the families interleaved by FLAML.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was accepted, changed and dropped; the keys are FLAML's estimators.

    Raises
    ------
    InvalidInputError
        If the keyword arguments name neither a table nor a space, or it is strict and anything was changed or
        dropped.
    """
    require_tool("flaml", "flaml")
    if "config" in kwargs:
        report = plan("flaml", recommendation, read_space(kwargs["config"]), strict=strict, matching=options)
        queued = list(kwargs.get("points_to_evaluate", []))
        nested = {item.rank: nest(item.params, kwargs["config"]) for item in report.accepted}
        for rank, point in nested.items():
            if point in queued:
                report = report.without(rank, "points_to_evaluate has it already")
        points = [nested[item.rank] for item in report.require(strict=strict).accepted]
        told = len(kwargs.get("evaluated_rewards", []))  # FLAML takes the first points for those
        kwargs["points_to_evaluate"] = [*queued[:told], *points, *queued[told:]]
        return report
    report = _plan_learners(kwargs, recommendation, options).require(strict=strict)
    points_by_learner: dict[str, list[dict[str, Any]]] = {}
    for item in report.accepted:
        points_by_learner.setdefault(item.key, []).append(dict(item.params))
    own = kwargs.get("starting_points")
    own = own if isinstance(own, Mapping) else {}  # else a word that says where FLAML finds some
    for learner, given in own.items():
        points_by_learner.setdefault(learner, []).extend(given if isinstance(given, list) else [given])
    if points_by_learner:
        kwargs["starting_points"] = points_by_learner
    notes = list(report.notes)
    if kwargs.get("log_file_name") and kwargs.setdefault("log_type", "all") != "all":
        notes.append(f"log_type={kwargs['log_type']!r} keeps improvements only; 'all' is needed to harvest everything")
    if isinstance(recommendation, Recommendation) and "metric" not in kwargs:
        notes.append(f"FLAML chooses the metric itself; metric={recommendation.task.metric.name!r} was asked for")
    return replace(report, notes=tuple(notes))


def _plan_learners(kwargs: Mapping[str, Any], recommendation: Startable, options: Matching) -> SeedReport:
    items = list(recommendation)[: options.get("n")]
    wanted = options.get("family")
    wanted = get_model(wanted).name if wanted is not None else None
    allowed = kwargs.get("estimator_list") or "auto"
    models = [getattr(item, "configuration", item).model for item in items]
    reports, dropped = {}, []
    for model in dict.fromkeys(models):
        if wanted not in (None, model):
            continue
        learners = [name for name in LEARNERS.get(model, ()) if allowed == "auto" or name in allowed]
        space = _learner_space(kwargs, learners[0]) if learners else None
        if space is None:
            why = f"estimator_list has no {model}" if model in LEARNERS else f"FLAML has no {model}"
            dropped += [Drop(rank, "", why) for rank, m in enumerate(models, start=1) if m == model]
        else:
            reports[learners[0]] = plan("flaml", items, space, matching={**options, "family": model})
    accepted = [replace(item, key=name) for name, r in reports.items() for item in r.accepted]
    changed = [change for r in reports.values() for change in r.changed]
    dropped += [drop for r in reports.values() for drop in r.dropped]
    by_rank = lambda entry: entry.rank  # noqa: E731 - a sort key
    return SeedReport(
        "flaml",
        tuple(sorted(accepted, key=by_rank)),
        tuple(sorted(changed, key=by_rank)),
        tuple(sorted(dropped, key=by_rank)),
    )


def tell(
    kwargs: dict[str, Any],
    evaluations: Iterable[Evaluation],
    *,
    strict: bool = False,
    **options: Unpack[Matching],
) -> SeedReport:
    """Add measured results to the keyword arguments of ``flaml.tune.run``; AutoML takes none.

    Parameters
    ----------
    kwargs : dict
        With ``config`` and ``mode``; gains ``points_to_evaluate`` and ``evaluated_rewards``. Told points stand first, since
        FLAML takes the first points for the evaluated ones.
    evaluations : iterable of Evaluation
        Real results of the same task and metric.
    strict : bool, default=False
        Whether a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was told and what could not be.
    """
    require_tool("flaml", "flaml")
    evaluations = list(evaluations)
    if "config" not in kwargs:
        return none_told("flaml", evaluations, "AutoML.fit takes no known results; flaml.tune.run does", strict=strict)
    space = read_space(kwargs["config"])
    report, results = plan_told("flaml", evaluations, space, takes=[Status.OK], strict=strict, matching=options)
    maximize = kwargs.get("mode", "min") == "max"
    beside = kwargs.get("evaluated_rewards", [])
    told = [told_value(results[item.rank], maximize=maximize, beside=beside) for item in report.accepted]
    points = [nest(item.params, kwargs["config"]) for item in report.accepted]
    kwargs["points_to_evaluate"] = [*points, *kwargs.get("points_to_evaluate", [])]
    kwargs["evaluated_rewards"] = [*told, *kwargs.get("evaluated_rewards", [])]
    return report


def _records(target: Any) -> list[dict[str, Any]]:
    """Return the lines of a log of AutoML; the last one only names the best."""
    path = target["log_file_name"] if isinstance(target, Mapping) else target
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, lines) if "config" in record]


def harvest(target: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every trial of a log of ``AutoML.fit``, or of what ``flaml.tune.run`` returned.

    Parameters
    ----------
    target : dict, str, Path or ExperimentAnalysis
        The keyword arguments of ``AutoML.fit`` or its log file, written with ``log_type="all"``; or what
        ``flaml.tune.run`` returned. Trials on a part of the rows count as pruned.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    **options : Reading
        How the trials are to be read.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``.
    """
    require_tool("flaml", "flaml")
    versions = tool_version("flaml")
    if hasattr(target, "trials"):
        metric, mode = target.default_metric, target.default_mode
        trials = [_tune_trial(trial, metric) for trial in target.trials]
        return gather(trials, X, y, maximize=mode == "max", versions=versions, options=options)
    kwargs = target if isinstance(target, Mapping) else {}
    full = math.floor(len(X) * (1 - kwargs.get("split_ratio", _HOLDOUT))) - 1
    trials = []
    for record in _records(target):
        loss, n_rows = record["validation_loss"], record["sample_size"]
        status = Status.FAILED if not math.isfinite(loss) else Status.PRUNED if n_rows < full else Status.OK
        note = f"on {n_rows} of {len(X)} rows: loss {loss:.6g}" if status is Status.PRUNED else ""
        params = {k: v for k, v in record["config"].items() if k != "FLAML_sample_size"}
        model = family_of(record["learner"]) or record["learner"]
        value = loss if status is Status.OK else None
        trials.append(Trial(params, value, status, record["trial_time"], note, model=model))
    said = kwargs.get("metric")
    said = said if isinstance(said, str) and said != "auto" else None
    return gather(trials, X, y, maximize=False, said_metric=said, versions=versions, options=options)


def _tune_trial(trial: Any, metric: str) -> Trial:
    result = trial.last_result or {}
    value = result.get(metric)
    status = Status.FAILED if value is None or not math.isfinite(value) else Status.OK
    return Trial(_leaves(trial.config), value, status, result.get("time_total_s"))


def _leaves(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in config.items():
        found |= _leaves(value, f"{prefix}{name}/") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def verify(target: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated, and with which values.

    Parameters
    ----------
    target : dict, str, Path or ExperimentAnalysis
        As in :func:`harvest`.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that FLAML removed are dropped, those that it completed at random are changed.
    """
    if hasattr(target, "trials"):
        metric = target.default_metric
        rows = [(t.config, (t.last_result or {}).get(metric) is not None, str(t.trial_id)) for t in target.trials]
        return compare(report, rows)
    found = [
        (r["learner"], r["config"], math.isfinite(r["validation_loss"]), str(r["record_id"])) for r in _records(target)
    ]
    if report is None or len({item.key for item in report.accepted}) < 2:  # noqa: PLR2004
        return compare(report, [row[1:] for row in found])
    parts = [
        compare(
            replace(report, accepted=tuple(i for i in report.accepted if i.key == key)),
            [r[1:] for r in found if r[0] == key],
        )
        for key in dict.fromkeys(item.key for item in report.accepted)
    ]
    return _joined(parts)


def _joined(parts: list[SeedReport]) -> SeedReport:
    accepted: list[Seed] = sorted((s for part in parts for s in part.accepted), key=lambda s: s.rank)
    changed = tuple(c for part in parts for c in part.changed)
    dropped = tuple(d for part in parts for d in part.dropped)
    return SeedReport("flaml", tuple(accepted), changed, dropped, deed="evaluated")
