"""Ray Tune: points_to_evaluate in the form that each searcher takes, results told, the grid read back."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import require_tool, warn_of_lost_conditions
from metalearn.hooks.domains import flatten, leaves, nest, read_domains, write_domains
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool
from metalearn.space import SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]

Searcher: TypeAlias = Literal["basic", "optuna", "hyperopt"]


def read_space(param_space: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from a ``param_space``."""
    return read_domains(param_space, inclusive=False)


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return a ``param_space`` for a search space."""
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


class _Ray(Tool):
    """Seed the keyword arguments of a searcher, which gain ``points_to_evaluate``; tell an ``OptunaSearch``; read a ``ResultGrid``."""

    name = extra = distribution = "ray"
    package = "ray.tune"
    own = ("searcher", "space", "key", "mode")
    takes = tuple(set(Status) - {Status.PRUNED})

    def space_of(self, target: Any, space: Mapping[str, Any] | None = None, **_: Any) -> SearchSpace | None:
        if isinstance(target, dict):
            return read_space(_domains(target, space))
        return read_space(space) if space is not None else None

    def obstacle(
        self,
        kwargs: Any,
        item: Seed,  # noqa: ARG002
        place: int,  # noqa: ARG002
        *,
        searcher: Searcher,
        space: Any = None,
        **_: Any,
    ) -> str:
        domains = _domains(kwargs, space)
        return _check(domains, read_space(domains), searcher)

    def enqueue(self, kwargs: Any, seeds: Sequence[Seed], *, searcher: Searcher, space: Any = None, **_: Any) -> Queued:
        domains = _domains(kwargs, space)
        # Optuna's keys have to be the searched ones exactly; the plain generator takes the nested form
        points = [(nest if searcher == "basic" else _native)(item.params, domains) for item in seeds]
        kwargs["points_to_evaluate"] = [*points, *(kwargs.get("points_to_evaluate") or [])]
        return seeds, ()

    def takes_none(self, searcher: Any, space: Any = None, **_: Any) -> str:
        if type(searcher).__name__ != "OptunaSearch":
            return f"{type(searcher).__name__} takes no known results; OptunaSearch does"
        return "" if space is not None else "the search space is not known; pass space=..."

    def maximizes(self, searcher: Any, **_: Any) -> bool:
        return bool(searcher.mode == "max")

    def insert(self, searcher: Any, told: Sequence[Told], space: Any = None, **_: Any) -> None:
        for item, _result, value in told:
            point = _native(item.params, space)
            searcher.add_evaluated_point(point, math.nan if value is None else value, error=value is None)

    def trials(
        self, grid: Any, key: str | None = None, mode: Literal["min", "max"] = "min", space: Any = None, **_: Any
    ) -> Trials:
        results = list(grid)
        longest = max((_iterations(result) for result in results), default=0)
        rows = []
        for number, result in enumerate(results):
            metrics, status, note = result.metrics or {}, Status.OK, ""
            if result.error is not None or (key is not None and key not in metrics):
                status, note = Status.FAILED, str(result.error or "").strip().rpartition("\n")[2]
            elif _iterations(result) < longest and key is not None:
                status = Status.PRUNED
                note = f"after {_iterations(result)} of {longest} iterations: {key} {metrics[key]:.6g}"
            value = float(metrics[key]) if status is Status.OK and key is not None else None
            params = leaves(result.config) if space is None else flatten(result.config, space)
            rows.append(Trial(params, value, status, metrics.get("time_total_s"), note, key=str(number)))
        return Trials(rows, mode == "max", key)


def _domains(kwargs: Mapping[str, Any], space: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = space if space is not None else kwargs.get("space")
    if found is None:
        message = "There is no search space. Expected the Tuner's param_space. Pass space=..."
        raise InvalidInputError(message)
    return found


def _iterations(result: Any) -> int:
    return int((result.metrics or {}).get("training_iteration", 0))


_TOOL = _Ray()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
