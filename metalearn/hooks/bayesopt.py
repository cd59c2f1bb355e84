"""bayesian-optimization: queue seeds as probes, register known results, read results back."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.hooks.base import (
    Harvest,
    Matching,
    Startable,
    plan,
    plan_told,
    require_tool,
    told_value,
    tool_version,
    warn_of_lost_conditions,
)
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import SeedReport, compare
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]

_EXTRA = "the seeds are evaluated in addition to init_points and n_iter of maximize()"


def _read(bounds: Any) -> Parameter:
    kind = type(bounds).__name__
    if kind == "CategoricalParameter":
        return Categorical(tuple(bounds.categories))
    if kind in {"FloatParameter", "IntParameter"}:
        low, high = (float(bound) for bound in bounds.bounds.ravel())
        return Integer(math.ceil(low), math.floor(high)) if kind == "IntParameter" else Float(low, high)
    if len(bounds) == 3 and bounds[2] in (int, "int"):  # noqa: PLR2004 - (low, high, type)
        return Integer(int(bounds[0]), int(bounds[1]))
    if all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds[:2]):
        return Float(float(bounds[0]), float(bounds[1]))
    return Categorical(tuple(bounds))


def read_space(pbounds: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from bounds.

    Parameters
    ----------
    pbounds : mapping of str to tuple or BayesParameter
        As BayesianOptimization takes them, ``(low, high)``, ``(low, high, int)`` or a tuple of categories;
        or the parameters of its space.

    Returns
    -------
    SearchSpace
        All scales are linear.
    """
    return SearchSpace({name: _read(bounds) for name, bounds in pbounds.items()})


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return bounds for a search space.

    Parameters
    ----------
    space : SearchSpace
        Conditions, steps and log scales are lost: the tool has none.

    Returns
    -------
    dict of str to tuple
        For BayesianOptimization.

    Warns
    -----
    UserWarning
        If the space has conditions.
    """
    warn_of_lost_conditions("bayesian-optimization", space.conditions)
    found: dict[str, Any] = {}
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            found[name] = p.choices
        else:
            found[name] = (p.low, p.high, int) if isinstance(p, Integer) else (p.low, p.high)
    return found


def _space_of(optimizer: Any) -> SearchSpace:
    require_tool("bayes_opt", "bayesopt")
    return read_space(optimizer.space.params_config)


def seed(optimizer: Any, recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]) -> SeedReport:
    """Queue the recommended configurations as probes, to be evaluated first.

    Parameters
    ----------
    optimizer : bayes_opt.BayesianOptimization
        Before ``maximize``.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was accepted, changed and dropped.
    """
    report = plan("bayesian-optimization", recommendation, _space_of(optimizer), matching=options)
    known = [result["params"] for result in optimizer.res]
    for item in report.accepted:
        if dict(item.params) in known:
            report = report.without(item.rank, "the optimizer has a result of it already")
    report.require(strict=strict)
    for item in report.accepted:
        optimizer.probe(dict(item.params), lazy=True)
    notes = (*report.notes, *((_EXTRA,) if report.accepted else ()))
    return SeedReport(report.tool, report.accepted, report.changed, report.dropped, notes)


def tell(
    optimizer: Any, evaluations: Iterable[Evaluation], *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Register measured results.

    Parameters
    ----------
    optimizer : bayes_opt.BayesianOptimization
        It maximises.
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
    report, results = plan_told(
        "bayesian-optimization", evaluations, _space_of(optimizer), takes=[Status.OK], matching=options
    )
    known = [result["params"] for result in optimizer.res]
    for item in report.accepted:
        if dict(item.params) in known:
            report = report.without(item.rank, "the optimizer has a result of it already")
    for item in report.require(strict=strict).accepted:
        optimizer.register(params=dict(item.params), target=told_value(results[item.rank], maximize=True))
    return report


def _rows(optimizer: Any) -> list[tuple[dict[str, Any], float]]:
    return [
        ({k: v.item() if hasattr(v, "item") else v for k, v in r["params"].items()}, float(r["target"]))
        for r in optimizer.res
    ]


def harvest(optimizer: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every result that the optimizer holds, the told ones included.

    Parameters
    ----------
    optimizer : bayes_opt.BayesianOptimization
        After ``maximize``.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    **options : Reading
        How the trials are to be read.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``; the tool keeps no times.
    """
    require_tool("bayes_opt", "bayesopt")
    trials = [Trial(params, target) for params, target in _rows(optimizer)]
    return gather(trials, X, y, maximize=True, versions=tool_version("bayesian-optimization"), options=options)


def verify(optimizer: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    optimizer : bayes_opt.BayesianOptimization
        After ``maximize``.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that were never run are dropped.
    """
    return compare(report, [(params, True, str(i)) for i, (params, _) in enumerate(_rows(optimizer))])
