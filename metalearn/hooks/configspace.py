"""ConfigSpace, the search spaces of SMAC and others: read, written, and filled with seeds."""

from collections.abc import Mapping
from typing import Any

from metalearn.hooks.base import require_tool
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, SearchSpace

__all__ = ["configuration", "read_space", "write_space"]


def _unboxed(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _parameter(hyperparameter: Any) -> Parameter:
    for name in ("choices", "sequence"):
        if hasattr(hyperparameter, name):
            return Categorical(tuple(_unboxed(choice) for choice in getattr(hyperparameter, name)))
    if not hasattr(hyperparameter, "lower"):
        return Categorical((_unboxed(hyperparameter.value),))
    low, high = _unboxed(hyperparameter.lower), _unboxed(hyperparameter.upper)
    kind: type[Integer | Float] = Integer if isinstance(low, int) else Float
    return kind(low, high, log=bool(getattr(hyperparameter, "log", False)))


def _condition(condition: Any, parameters: Mapping[str, Parameter]) -> Condition | None:
    """Return a condition as ours, or None where ours cannot say it."""
    kind = type(condition).__name__
    if kind == "OrConjunction":
        parts = [_condition(part, parameters) for part in condition.components]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts) and len({part.parent for part in known}) == 1:
            values = dict.fromkeys(value for part in known for value in part.values)
            return Condition(known[0].parent, tuple(values))
        return None
    if kind == "EqualsCondition":
        return Condition(condition.parent.name, (_unboxed(condition.value),))
    if kind == "InCondition":
        return Condition(condition.parent.name, tuple(_unboxed(value) for value in condition.values))
    parent = parameters.get(condition.parent.name) if hasattr(condition, "parent") else None
    if kind == "NotEqualsCondition" and isinstance(parent, Categorical):
        return Condition(condition.parent.name, tuple(c for c in parent.choices if c != _unboxed(condition.value)))
    return None


def read_space(space: Any) -> SearchSpace:
    """Return a search space from a ConfigurationSpace."""
    parameters = {name: _parameter(hyperparameter) for name, hyperparameter in space.items()}
    held: dict[str, list[Any]] = {}
    for condition in space.conditions:
        child = condition.child.name if hasattr(condition, "child") else condition.components[0].child.name
        held.setdefault(child, []).append(condition)
    found = {child: _condition(own[0], parameters) for child, own in held.items() if len(own) == 1}
    conditions = {child: c for child, c in found.items() if c is not None}
    order = [n for n in parameters if n not in conditions]
    while len(order) < len(parameters):  # parents before their children
        order += [n for n in parameters if n not in order and conditions[n].parent in order]
    defaults = {name: _unboxed(hyperparameter.default_value) for name, hyperparameter in space.items()}
    inside = {name: value for name, value in defaults.items() if parameters[name].contains(value)}
    return SearchSpace({name: parameters[name] for name in order}, conditions, inside)


def write_space(space: SearchSpace) -> Any:
    """Return a ConfigurationSpace."""
    cs = require_tool("ConfigSpace", "smac")
    found = cs.ConfigurationSpace()
    for name, p in space.parameters.items():
        start = {"default": space.defaults[name]} if name in space.defaults else {}
        if isinstance(p, Categorical):
            found.add(cs.Categorical(name, list(p.choices), **start))
        elif p.grid:
            found.add(cs.Categorical(name, list(p.grid), **start))
        else:
            kind = cs.Integer if isinstance(p, Integer) else cs.Float
            found.add(kind(name, (p.low, p.high), log=p.log, **start))
    found.add(*(cs.InCondition(found[child], found[c.parent], list(c.values)) for child, c in space.conditions.items()))
    return found


def configuration(space: Any, params: Mapping[str, Any]) -> Any:
    """Return a Configuration of a space, without what is inactive."""
    util = require_tool("ConfigSpace.util", "smac")
    complete = {name: params.get(name, hyperparameter.default_value) for name, hyperparameter in space.items()}
    return util.deactivate_inactive_hyperparameters(complete, space)
