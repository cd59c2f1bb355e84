"""scikit-optimize: seeds as x0 of gp_minimize and its siblings, results told and read back."""

from collections.abc import Sequence
from typing import Any

from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import require_tool, warn_of_lost_conditions
from metalearn.hooks.choices import plain
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]

_N_CALLS, _N_INITIAL = 100, 10
"""What gp_minimize, forest_minimize and gbrt_minimize take if they are told nothing."""


def _parameter(dimension: Any) -> Parameter:
    if hasattr(dimension, "categories"):
        return Categorical(tuple(dimension.categories))
    kind: type[Integer | Float] = Integer if type(dimension).__name__ == "Integer" else Float
    return kind(plain(dimension.low), plain(dimension.high), log=dimension.prior == "log-uniform")


def read_space(dimensions: Sequence[Any]) -> SearchSpace:
    """Return a search space from dimensions."""
    unnamed = [d for d in dimensions if not getattr(d, "name", None)]
    if unnamed:
        message = (
            f"The dimension {unnamed[0]!r} has no name. "
            "Expected names, to know which parameter it is. Give name=... to each."
        )
        raise InvalidInputError(message)
    return SearchSpace({d.name: _parameter(d) for d in dimensions})


def write_space(space: SearchSpace) -> list[Any]:
    """Return dimensions for a search space."""
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


class _Skopt(Tool):
    """Seed the keyword arguments of ``gp_minimize`` and its siblings: with named ``dimensions`` and ``n_calls``; they gain ``x0``."""

    name = distribution = "scikit-optimize"
    package = extra = "skopt"

    def space_of(self, target: Any, **_: Any) -> SearchSpace:
        if isinstance(target, dict) and "dimensions" in target:
            return read_space(target["dimensions"])
        if hasattr(target, "space"):
            return read_space(target.space.dimensions)
        message = (
            "There are no dimensions to seed. Expected the keyword arguments of gp_minimize as a dict. "
            "Put dimensions=... into it before seeding."
        )
        raise InvalidInputError(message)

    def obstacle(self, kwargs: Any, item: Seed, place: int, **_: Any) -> str:  # noqa: ARG002
        if kwargs.get("y0") is not None:
            message = "The keyword arguments hold known results (y0), which must be as many as the points. Seed another search."
            raise InvalidInputError(message)
        n_calls = kwargs.get("n_calls", _N_CALLS)
        return f"n_calls={n_calls} leaves no room for it" if place >= n_calls else ""

    def enqueue(self, kwargs: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        n_calls = kwargs.get("n_calls", _N_CALLS)
        own = kwargs.get("x0") or []
        own = own if not own or isinstance(own[0], list | tuple) else [own]  # a single point may stand for itself
        kwargs["x0"] = [*self._points(kwargs, seeds), *own]
        room, wanted = max(n_calls - len(kwargs["x0"]), 0), kwargs.get("n_initial_points", _N_INITIAL)
        if wanted <= room:
            return seeds, ()
        kwargs["n_initial_points"] = room
        return seeds, [
            f"n_initial_points={room} instead of {wanted}: n_calls={n_calls} holds {len(kwargs['x0'])} seeds"
        ]

    def _points(self, target: Any, seeds: Sequence[Seed]) -> list[list[Any]]:
        names = self.space_of(target).parameters
        return [[item.params[name] for name in names] for item in seeds]

    def insert(self, target: Any, told: Sequence[Told], **_: Any) -> None:
        points, losses = self._points(target, [item for item, _, _ in told]), [value for _, _, value in told]
        if not isinstance(target, dict):
            target.tell(points, losses)
            return
        if len(target.get("x0") or []) != len(target.get("y0") or []):
            message = (
                "The keyword arguments hold seeds (x0) without results. Expected as many results. Tell another search."
            )
            raise InvalidInputError(message)
        target["x0"] = [*points, *(target.get("x0") or [])]
        target["y0"] = [*losses, *(target.get("y0") or [])]

    def trials(self, result: Any, **_: Any) -> Trials:
        names = result.space.dimension_names
        points = ({name: plain(v) for name, v in zip(names, point, strict=True)} for point in result.x_iters)
        found = enumerate(zip(points, result.func_vals, strict=True))
        return Trials([Trial(params, float(value), key=str(i)) for i, (params, value) in found])


_TOOL = _Skopt()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
