"""The search spaces of FLAML, Ray Tune and Syne Tune, which share one ancestor: nested dicts of domains."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from metalearn.exceptions import InvalidInputError
from metalearn.hooks.choices import index_of, label, labels, plain
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, ParamValue, SearchSpace, multiples

__all__ = ["flatten", "leaves", "nest", "read_domains", "write_domains"]

_TWO_SIGMA = 2.0


def _kind(domain: Any) -> str:
    """Name the kind of a domain; empty for constants."""
    if isinstance(domain, Mapping):
        return "grid" if set(domain) == {"grid_search"} else "nested"
    kind = type(domain).__name__
    known = {"Float", "Integer", "Categorical", "Ordinal", "OrdinalNearestNeighbor", "FiniteRange", "Function"}
    return {"Ordinal": "Categorical", "OrdinalNearestNeighbor": "Categorical"}.get(kind, kind) if kind in known else ""


def _choices(domain: Any) -> list[Any]:
    if isinstance(domain, Mapping):
        return list(domain["grid_search"])
    if type(domain).__name__ == "FiniteRange":
        return list(domain.values)
    return list(domain.categories)


def _parameter(domain: Any, *, inclusive: bool) -> Parameter:
    if _kind(domain) in {"Categorical", "FiniteRange", "grid"}:
        return Categorical(tuple(labels(_choices(domain))))
    sampler, step = domain.get_sampler(), None
    if hasattr(sampler, "q"):
        step, sampler = sampler.q, sampler.get_sampler()
    log = "LogUniform" in type(sampler).__name__ and "Reverse" not in type(sampler).__name__
    low, high = domain.lower, domain.upper
    if hasattr(sampler, "mean"):
        low, high = (sampler.mean + sign * _TWO_SIGMA * sampler.sd for sign in (-1, 1))
    if step is not None:
        low, high = math.ceil(low / step - 1e-8) * step, math.floor(high / step + 1e-8) * step
    if log and step is not None and step != 1:
        return multiples(low, high, step)
    if type(domain).__name__ == "Integer":
        low, high = int(low), int(high) - (0 if inclusive or step is not None else 1)
        return Categorical((low,)) if low == high else Integer(low, high, log=log, step=1 if log else int(step or 1))
    return Categorical((low,)) if low == high else Float(float(low), float(high), log=log, step=None if log else step)


def _walk(domains: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Condition | None]]:
    """Yield every domain by its path, parents first, with its condition."""
    for name, domain in domains.items():
        path, kind = f"{prefix}{name}", _kind(domain)
        if kind == "nested":
            yield from _walk(domain, f"{path}/")
        elif kind == "Function":
            continue  # computed from the others
        elif kind:
            yield path, domain, None
        if kind == "Categorical":
            for label, choice in zip(labels(_choices(domain)), _choices(domain), strict=True):
                if isinstance(choice, Mapping):
                    for child, inner, condition in _walk(choice, f"{path}/{label}/"):
                        yield child, inner, condition or Condition(path, (label,))


def read_domains(domains: Mapping[str, Any], *, inclusive: bool) -> SearchSpace:
    """Return a search space from nested dicts of domains."""
    parameters, conditions = {}, {}
    for path, domain, condition in _walk(domains):
        try:
            parameters[path] = _parameter(domain, inclusive=inclusive)
        except (AttributeError, TypeError, OverflowError) as error:
            message = (
                f"The domain of {path!r} ({domain!r}) cannot be read as a range. "
                "Expected bounds or choices. Give it some."
            )
            raise InvalidInputError(message) from error
        if condition is not None:
            conditions[path] = condition
    return SearchSpace(parameters, conditions)


def write_domains(space: SearchSpace, tune: Any, *, inclusive: bool) -> dict[str, Any]:
    """Return a flat dict of domains for a search space."""
    found = {}
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            found[name] = tune.choice(list(p.choices))
        elif p.grid:
            found[name] = tune.choice(list(p.grid))
        elif isinstance(p, Integer):
            found[name] = (tune.lograndint if p.log else tune.randint)(p.low, p.high + (not inclusive))
        else:
            found[name] = (tune.loguniform if p.log else tune.uniform)(p.low, p.high)
    return found


def nest(params: Mapping[str, ParamValue], domains: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return flat parameters in the nested form of their domains, constants included."""
    found: dict[str, Any] = {}
    for name, domain in domains.items():
        path, kind = f"{prefix}{name}", _kind(domain)
        if kind == "nested":
            found[name] = nest(params, domain, f"{path}/")
        elif kind in {"Categorical", "FiniteRange", "grid"}:
            if path not in params:
                continue
            choice = _choices(domain)[index_of(labels(_choices(domain)), params[path])]
            found[name] = nest(params, choice, f"{path}/{params[path]}/") if isinstance(choice, Mapping) else choice
        elif kind == "Function":
            continue
        elif not kind:
            found[name] = domain
        elif path in params:
            found[name] = params[path]
    return found


def _is_from(value: Mapping[str, Any], choice: Any) -> bool:
    """Tell whether a value was drawn from one dict among the choices: the same keys, the same constants."""
    if not isinstance(choice, Mapping) or set(choice) != set(value):
        return False
    return all(value[name] == inner for name, inner in choice.items() if not _kind(inner))


def flatten(config: Mapping[str, Any], domains: Mapping[str, Any], prefix: str = "") -> dict[str, ParamValue]:
    """Return a nested configuration by path; the inverse of :func:`nest`."""
    found: dict[str, ParamValue] = {}
    for name, domain in domains.items():
        path, kind = f"{prefix}{name}", _kind(domain)
        if name not in config or not kind or kind == "Function":
            continue
        value = config[name]
        if kind == "nested":
            found |= flatten(value, domain, f"{path}/")
        elif isinstance(value, Mapping):
            index = next(i for i, choice in enumerate(_choices(domain)) if _is_from(value, choice))
            found[path] = labels(_choices(domain))[index]
            found |= flatten(value, _choices(domain)[index], f"{path}/{found[path]}/")
        else:
            found[path] = label(value)
    return found


def leaves(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested configuration by path, whatever its space."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        inside = isinstance(value, Mapping)
        found |= leaves(value, f"{prefix}{name}/") if inside else {f"{prefix}{name}": plain(value)}
    return found
