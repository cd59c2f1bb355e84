"""bayesian-optimization: queue seeds as probes, register known results, read results back."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from metalearn.hooks.base import warn_of_lost_conditions
from metalearn.hooks.choices import plain
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]

_EXTRA = "the seeds are evaluated in addition to init_points and n_iter of maximize()"


def _parameter(bounds: Any) -> Parameter:
    kind = type(bounds).__name__
    if kind == "CategoricalParameter":
        return Categorical(tuple(bounds.categories))
    if kind in {"FloatParameter", "IntParameter"}:
        low, high = (float(bound) for bound in bounds.bounds.ravel())
        return Integer(math.ceil(low), math.floor(high)) if kind == "IntParameter" else Float(low, high)
    if len(bounds) == 3 and bounds[2] in (int, "int"):  # noqa: PLR2004 - (low, high, type)
        return Integer(int(bounds[0]), int(bounds[1]))
    if all(isinstance(plain(bound), int | float) and not isinstance(plain(bound), bool) for bound in bounds[:2]):
        return Float(float(bounds[0]), float(bounds[1]))
    return Categorical(tuple(bounds))


def read_space(pbounds: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from bounds."""
    return SearchSpace({name: _parameter(bounds) for name, bounds in pbounds.items()})


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return bounds for a search space."""
    warn_of_lost_conditions("bayesian-optimization", space.conditions)
    found: dict[str, Any] = {}
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            found[name] = p.choices
        else:
            found[name] = (p.low, p.high, int) if isinstance(p, Integer) else (p.low, p.high)
    return found


class _BayesOpt(Tool):
    """Start a ``BayesianOptimization`` before ``maximize``; it maximises and keeps no times."""

    name = distribution = "bayesian-optimization"
    package, extra = "bayes_opt", "bayesopt"

    def space_of(self, optimizer: Any, **_: Any) -> SearchSpace:
        return read_space(optimizer.space.params_config)

    def knows(self, optimizer: Any, item: Seed, **_: Any) -> str:
        known = [result["params"] for result in optimizer.res]
        return "the optimizer has a result of it already" if dict(item.params) in known else ""

    def obstacle(self, optimizer: Any, item: Seed, place: int, **_: Any) -> str:  # noqa: ARG002
        return self.knows(optimizer, item)

    def enqueue(self, optimizer: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        for item in seeds:
            optimizer.probe(dict(item.params), lazy=True)
        return seeds, [_EXTRA] if seeds else []

    def maximizes(self, optimizer: Any, **_: Any) -> bool:  # noqa: ARG002
        return True

    def insert(self, optimizer: Any, told: Sequence[Told], **_: Any) -> None:
        for item, _result, value in told:
            optimizer.register(params=dict(item.params), target=value)

    def trials(self, optimizer: Any, **_: Any) -> Trials:
        found = (({k: plain(v) for k, v in r["params"].items()}, float(r["target"])) for r in optimizer.res)
        return Trials([Trial(params, value, key=str(i)) for i, (params, value) in enumerate(found)], maximize=True)


_TOOL = _BayesOpt()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
