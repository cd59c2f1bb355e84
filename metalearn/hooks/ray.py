"""Ray Tune: points_to_evaluate in the form that each searcher takes, results told, the grid read back."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias, Unpack

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
from metalearn.hooks.domains import flatten, nest, read_domains, write_domains
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import SeedReport, compare
from metalearn.space import SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]

Searcher: TypeAlias = Literal["basic", "optuna", "hyperopt"]


def read_space(param_space: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from a ``param_space``.

    Parameters
    ----------
    param_space : mapping of str to Domain, mapping or constant
        As ``Tuner`` takes it.

    Returns
    -------
    SearchSpace
        The parameters by path, such as ``"model/max_depth"``.
    """
    return read_domains(param_space, inclusive=False)


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return a ``param_space`` for a search space.

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
    warn_of_lost_conditions("Ray Tune", space.conditions)
    return write_domains(space, require_tool("ray.tune", "ray"), inclusive=False)


def _check(param_space: Mapping[str, Any], space: SearchSpace, searcher: Searcher) -> str:
    """Say why a searcher cannot be seeded over a space; empty if it can."""
    if space.conditions:
        return f"the {searcher} searcher of Ray Tune cannot start from a choice among dicts"
    grids = [n for n, d in param_space.items() if isinstance(d, Mapping) and set(d) == {"grid_search"}]
    if grids and searcher != "basic":
        return f"the {searcher} searcher of Ray Tune takes no grid_search ({grids[0]})"
    if searcher == "hyperopt" and any("/" in name for name in space.parameters):
        return "the hyperopt searcher of Ray Tune cannot start from nested dicts"
    return ""


def seed(
    kwargs: dict[str, Any],
    recommendation: Startable,
    *,
    searcher: Searcher,
    space: Mapping[str, Any] | None = None,
    strict: bool = False,
    **options: Unpack[Matching],
) -> SeedReport:
    """Add points to evaluate to the keyword arguments of a searcher.

    Parameters
    ----------
    kwargs : dict
        Of ``BasicVariantGenerator``, ``OptunaSearch`` or ``HyperOptSearch``; gains ``points_to_evaluate``.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order.
    searcher : {"basic", "optuna", "hyperopt"}
        Which searcher: each wants its points in another form.
    space : mapping of str to Domain or None, default=None
        The ``param_space`` of the Tuner; None takes ``kwargs["space"]``.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was accepted, changed and dropped.

    Raises
    ------
    InvalidInputError
        If there is no space, or it is strict and anything was changed or dropped.
    """
    require_tool("ray.tune", "ray")
    domains = space if space is not None else kwargs.get("space")
    if domains is None:
        message = "There is no search space. Expected the Tuner's param_space. Pass space=..."
        raise InvalidInputError(message)
    known = read_space(domains)
    report = plan("ray", recommendation, known, matching=options)
    obstacle = _check(domains, known, searcher)
    for item in report.accepted if obstacle else ():
        report = report.without(item.rank, obstacle)
    report.require(strict=strict)
    # Optuna's keys have to be the searched ones exactly; the plain generator takes the nested form
    points = [
        nest(item.params, domains) if searcher == "basic" else _native(item.params, domains) for item in report.accepted
    ]
    kwargs["points_to_evaluate"] = [*points, *(kwargs.get("points_to_evaluate") or [])]
    return report


def _native(params: Mapping[str, Any], domains: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by path, choices as the objects that they stand for."""

    def pick(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in nested.items():
            path = f"{prefix}{name}"
            if path in params:
                found[path] = value
            elif isinstance(value, Mapping):
                found |= pick(value, f"{path}/")
        return found

    return pick(nest(params, domains))


def tell(
    searcher: Any,
    evaluations: Iterable[Evaluation],
    *,
    space: Mapping[str, Any] | None = None,
    strict: bool = False,
    **options: Unpack[Matching],
) -> SeedReport:
    """Add measured results to an ``OptunaSearch``; the other searchers take none.

    Parameters
    ----------
    searcher : ray.tune.search.Searcher
        An ``OptunaSearch`` made with its space, metric and mode.
    evaluations : iterable of Evaluation
        Real results of the same task and metric.
    space : mapping of str to Domain or None, default=None
        The search space that the searcher was made with.
    strict : bool, default=False
        Whether a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was told and what could not be.
    """
    require_tool("ray.tune", "ray")
    evaluations = list(evaluations)
    if type(searcher).__name__ != "OptunaSearch":
        why = f"{type(searcher).__name__} takes no known results; OptunaSearch does"
        return none_told("ray", evaluations, why, strict=strict)
    if space is None:
        return none_told("ray", evaluations, "the search space is not known; pass space=...", strict=strict)
    known, takes = read_space(space), set(Status) - {Status.PRUNED}
    report, results = plan_told("ray", evaluations, known, takes=takes, strict=strict, matching=options)
    for item in report.accepted:
        result = results[item.rank]
        ok = result.status is Status.OK
        value = told_value(result, maximize=searcher.mode == "max") if ok else math.nan
        searcher.add_evaluated_point(_native(item.params, space), value, error=not ok)
    return report


def harvest(
    grid: Any,
    X: Any,
    y: Any,
    *,
    key: str,
    mode: Literal["min", "max"],
    space: Mapping[str, Any] | None = None,
    **options: Unpack[Reading],
) -> Harvest:
    """Return every result of a grid, failed trials and those that a scheduler stopped early as such.

    Parameters
    ----------
    grid : ray.tune.ResultGrid
        What ``Tuner.fit`` returned. Trials that reported fewer times than the longest one count as pruned.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    key : str
        What the trainable calls its metric.
    mode : {"min", "max"}
        Which values are better.
    space : mapping of str to Domain or None, default=None
        The ``param_space``; with it, constants are left out.
    **options : Reading
        How the trials are to be read; the key counts as the metric's name if nothing else is said.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``.
    """
    require_tool("ray.tune", "ray")
    results = list(grid)
    longest = max((_iterations(result) for result in results), default=0)
    trials = []
    for result in results:
        metrics, status, note = result.metrics or {}, Status.OK, ""
        if result.error is not None or key not in metrics:
            status, note = Status.FAILED, str(result.error or "").strip().rpartition("\n")[2]
        elif _iterations(result) < longest:
            status = Status.PRUNED
            note = f"after {_iterations(result)} of {longest} iterations: {key} {metrics[key]:.6g}"
        value = float(metrics[key]) if status is Status.OK else None
        trials.append(Trial(_by_path(result.config, space), value, status, metrics.get("time_total_s"), note))
    versions = tool_version("ray")
    return gather(trials, X, y, maximize=mode == "max", said_metric=key, versions=versions, options=options)


def _iterations(result: Any) -> int:
    return int((result.metrics or {}).get("training_iteration", 0))


def _by_path(config: Mapping[str, Any], space: Mapping[str, Any] | None, prefix: str = "") -> dict[str, Any]:
    if space is not None:
        return flatten(config, space)
    found: dict[str, Any] = {}
    for name, value in config.items():
        inside = isinstance(value, Mapping)
        found |= _by_path(value, None, f"{prefix}{name}/") if inside else {f"{prefix}{name}": value}
    return found


def verify(grid: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    grid : ray.tune.ResultGrid
        What ``Tuner.fit`` returned.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that failed or were never run are dropped.
    """
    rows = [(_by_path(result.config, None), result.error is None, str(i)) for i, result in enumerate(grid)]
    return compare(report, rows)
