"""scikit-optimize: seeds as x0 of gp_minimize and its siblings, results told and read back."""

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
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

_N_CALLS, _N_INITIAL = 100, 10
"""What gp_minimize, forest_minimize and gbrt_minimize take if they are told nothing."""


def _read(dimension: Any) -> Parameter:
    if hasattr(dimension, "categories"):
        return Categorical(tuple(c.item() if hasattr(c, "item") else c for c in dimension.categories))
    kind: type[Integer | Float] = Integer if type(dimension).__name__ == "Integer" else Float
    return kind(dimension.low, dimension.high, log=dimension.prior == "log-uniform")


def read_space(dimensions: Sequence[Any]) -> SearchSpace:
    """Return a search space from dimensions.

    Parameters
    ----------
    dimensions : sequence of Dimension
        With names.

    Returns
    -------
    SearchSpace
        The parameters in the order of the dimensions.

    Raises
    ------
    InvalidInputError
        If a dimension has no name.
    """
    unnamed = [d for d in dimensions if not getattr(d, "name", None)]
    if unnamed:
        message = (
            f"The dimension {unnamed[0]!r} has no name. "
            "Expected names, to know which parameter it is. Give name=... to each."
        )
        raise InvalidInputError(message)
    return SearchSpace({d.name: _read(d) for d in dimensions})


def write_space(space: SearchSpace) -> list[Any]:
    """Return dimensions for a search space.

    Parameters
    ----------
    space : SearchSpace
        Conditions are lost, and a range with steps becomes a choice.

    Returns
    -------
    list of Dimension
        In the space's order.

    Warns
    -----
    UserWarning
        If the space has conditions.
    """
    warn_of_lost_conditions("scikit-optimize", space.conditions)
    dimensions = require_tool("skopt", "skopt").space
    found = []
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            found.append(dimensions.Categorical(list(p.choices), name=name))
        elif p.grid:
            found.append(dimensions.Categorical(list(p.grid), name=name))
        else:
            kind = dimensions.Integer if isinstance(p, Integer) else dimensions.Real
            found.append(kind(p.low, p.high, prior="log-uniform" if p.log else "uniform", name=name))
    return found


def _space_of(kwargs: dict[str, Any]) -> SearchSpace:
    if not isinstance(kwargs, dict) or "dimensions" not in kwargs:
        message = (
            "There are no dimensions to seed. Expected the keyword arguments of gp_minimize as a dict. "
            "Put dimensions=... into it before seeding."
        )
        raise InvalidInputError(message)
    return read_space(kwargs["dimensions"])


def seed(
    kwargs: dict[str, Any], recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Add starting points to the keyword arguments of a minimiser.

    Parameters
    ----------
    kwargs : dict
        Of ``gp_minimize``, ``forest_minimize`` or ``gbrt_minimize``: with named ``dimensions`` and
        ``n_calls``; gains ``x0``, and fewer ``n_initial_points`` where ``n_calls`` leaves no room for them.
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

    Raises
    ------
    InvalidInputError
        If a dimension has no name, results were told before, or it is strict and anything was changed or
        dropped.
    """
    require_tool("skopt", "skopt")
    space = _space_of(kwargs)
    if kwargs.get("y0") is not None:
        message = (
            "The keyword arguments hold known results (y0), which must be as many as the points. Seed another search."
        )
        raise InvalidInputError(message)
    report = plan("scikit-optimize", recommendation, space, matching=options)
    n_calls = kwargs.get("n_calls", _N_CALLS)
    for item in report.accepted[n_calls:]:
        report = report.without(item.rank, f"n_calls={n_calls} leaves no room for it")
    report.require(strict=strict)
    points = [[item.params[name] for name in space.parameters] for item in report.accepted]
    own = kwargs.get("x0") or []
    own = own if not own or isinstance(own[0], list | tuple) else [own]  # a single point may stand for itself
    kwargs["x0"] = [*points, *own]
    room, wanted = max(n_calls - len(kwargs["x0"]), 0), kwargs.get("n_initial_points", _N_INITIAL)
    if wanted > room:
        kwargs["n_initial_points"] = room
        note = f"n_initial_points={room} instead of {wanted}: n_calls={n_calls} holds {len(kwargs['x0'])} seeds"
        report = SeedReport(report.tool, report.accepted, report.changed, report.dropped, (*report.notes, note))
    return report


def tell(
    target: Any, evaluations: Iterable[Evaluation], *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Give measured results to an optimizer, or to the keyword arguments of a minimiser.

    Parameters
    ----------
    target : skopt.Optimizer or dict
        An optimizer over named dimensions; or keyword arguments without seeds, which gain ``x0`` and ``y0``.
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

    Raises
    ------
    InvalidInputError
        If the keyword arguments hold seeds, which have no results.
    """
    require_tool("skopt", "skopt")
    if isinstance(target, dict) and len(target.get("x0") or []) != len(target.get("y0") or []):
        message = (
            "The keyword arguments hold seeds (x0) without results. Expected as many results. Tell another search."
        )
        raise InvalidInputError(message)
    space = _space_of(target) if isinstance(target, dict) else read_space(target.space.dimensions)
    report, results = plan_told(
        "scikit-optimize", evaluations, space, takes=[Status.OK], strict=strict, matching=options
    )
    points = [[item.params[name] for name in space.parameters] for item in report.accepted]
    beside = (target.get("y0") or []) if isinstance(target, dict) else target.yi
    losses = [told_value(results[item.rank], maximize=False, beside=beside) for item in report.accepted]
    if isinstance(target, dict):
        target["x0"] = [*points, *(target.get("x0") or [])]
        target["y0"] = [*losses, *(target.get("y0") or [])]
    elif points:
        target.tell(points, losses)
    return report


def harvest(result: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every point that was evaluated, the told ones included.

    Parameters
    ----------
    result : OptimizeResult
        What a minimiser returned, or ``Optimizer.get_result()``.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    **options : Reading
        How the trials are to be read.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``; scikit-optimize keeps no times.
    """
    require_tool("skopt", "skopt")
    trials = [Trial(params, float(value)) for params, value in zip(_points(result), result.func_vals, strict=True)]
    return gather(trials, X, y, maximize=False, versions=tool_version("scikit-optimize"), options=options)


def _points(result: Any) -> list[dict[str, Any]]:
    names = result.space.dimension_names
    return [
        {name: v.item() if hasattr(v, "item") else v for name, v in zip(names, point, strict=True)}
        for point in result.x_iters
    ]


def verify(result: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    result : OptimizeResult
        What a minimiser returned.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that were never run are dropped.
    """
    return compare(report, [(params, True, str(i)) for i, params in enumerate(_points(result))])
