"""nevergrad: suggest the seeds in their order, tell results, keep a record to read back."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import require_tool, warn_of_lost_conditions
from metalearn.hooks.choices import index_of, label, labels, plain
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, ParamValue, SearchSpace

__all__ = ["harvest", "read_space", "record", "seed", "tell", "trials", "verify", "write_space"]


def _members(parametrization: Any) -> dict[str, Any]:
    """Return the named parts of a Dict or of an Instrumentation's keyword arguments."""
    content = parametrization._content  # noqa: SLF001 - nevergrad has no public way to list them
    if type(parametrization).__name__ == "Instrumentation":
        return _members(content[1])
    if not all(isinstance(name, str) for name in content):
        message = (
            f"{type(parametrization).__name__} has no named parts. "
            "Expected a Dict or an Instrumentation by keyword. Use one."
        )
        raise InvalidInputError(message)
    return dict(content)


def _choices(part: Any) -> list[Any]:
    return list(part.choices._content.values())  # noqa: SLF001


def _labels(part: Any) -> list[ParamValue]:
    return labels([choice.value if hasattr(choice, "value") else choice for choice in _choices(part)])


def _walk(members: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Parameter, Condition | None]]:
    """Yield every parameter by its path, parents first, with its condition."""
    for name, part in members.items():
        path = f"{prefix}{name}"
        if hasattr(part, "choices"):
            yield path, Categorical(tuple(_labels(part))), None
            for name_of_it, choice in zip(_labels(part), _choices(part), strict=True):
                if type(choice).__name__ == "Dict":
                    for child, parameter, condition in _walk(_members(choice), f"{path}/{name_of_it}/"):
                        yield child, parameter, condition or Condition(path, (name_of_it,))
        elif type(part).__name__ == "Dict":
            yield from _walk(_members(part), f"{path}/")
        elif hasattr(part, "bounds"):
            if part.bounds[0] is None or part.bounds[1] is None:
                message = f"The parameter {path!r} has no bounds. Expected a range. Give lower=... and upper=..."
                raise InvalidInputError(message)
            low, high = float(part.bounds[0].item()), float(part.bounds[1].item())
            log = type(part).__name__ == "Log"
            yield (
                path,
                Integer(round(low), round(high), log=log) if part.integer else Float(low, high, log=log),
                None,
            )


def read_space(parametrization: Any) -> SearchSpace:
    """Return a search space from a parametrization."""
    found = list(_walk(_members(parametrization)))
    conditions = {path: condition for path, _, condition in found if condition is not None}
    return SearchSpace({path: parameter for path, parameter, _ in found}, conditions)


def write_space(space: SearchSpace) -> Any:
    """Return a parametrization for a search space."""
    warn_of_lost_conditions("nevergrad", space.conditions)
    p_module = require_tool("nevergrad", "nevergrad").p
    found = {}
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            found[name] = p_module.Choice(list(p.choices))
        elif p.grid:
            found[name] = p_module.TransitionChoice(list(p.grid))
        else:
            part = (p_module.Log if p.log else p_module.Scalar)(lower=p.low, upper=p.high)
            found[name] = part.set_integer_casting() if isinstance(p, Integer) else part
    return p_module.Dict(**found)


def _native(params: Mapping[str, Any], members: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return flat parameters in the nested form of a parametrization, constants included."""
    found: dict[str, Any] = {}
    for name, part in members.items():
        path = f"{prefix}{name}"
        if hasattr(part, "choices"):
            choice = _choices(part)[index_of(_labels(part), params[path])]
            nested = type(choice).__name__ == "Dict"
            found[name] = _native(params, _members(choice), f"{path}/{params[path]}/") if nested else choice.value
        elif type(part).__name__ == "Dict":
            found[name] = _native(params, _members(part), f"{path}/")
        else:
            found[name] = params.get(path, part.value if hasattr(part, "value") else part)
    return found


def _flat(value: Mapping[str, Any], members: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested value by path; the inverse of _native."""
    found: dict[str, Any] = {}
    for name, part in members.items():
        path = f"{prefix}{name}"
        if hasattr(part, "choices"):
            choices = _choices(part)
            inner = value[name]
            if isinstance(inner, Mapping):
                constants = [
                    {n: v.value for n, v in _members(c).items() if type(v).__name__ == "Constant"} for c in choices
                ]
                index = next(i for i, c in enumerate(constants) if c.items() <= inner.items())
                found[path] = _labels(part)[index]
                found |= _flat(inner, _members(choices[index]), f"{path}/{found[path]}/")
            else:
                found[path] = label(inner)
        elif type(part).__name__ == "Dict":
            found |= _flat(value[name], _members(part), f"{path}/")
        elif hasattr(part, "bounds"):
            found[path] = plain(value[name])
    return found


def _keywords(value: Any) -> Mapping[str, Any]:
    """Return the keyword arguments of an Instrumentation's value, or a Dict's value as it is."""
    return value[1] if isinstance(value, tuple) else value  # type: ignore[no-any-return]


class _Recorder:
    """Remember what is asked and told: nevergrad itself keeps no history."""

    def __init__(self) -> None:
        self.rows: list[tuple[dict[str, Any], float, float | None]] = []
        self.started: dict[str, float] = {}

    def asked(self, optimizer: Any, candidate: Any = None) -> None:  # noqa: ARG002 - nevergrad's signature
        if candidate is not None:
            self.started[candidate.uid] = time.perf_counter()

    def told(self, optimizer: Any, candidate: Any, loss: Any) -> None:
        started = self.started.pop(candidate.uid, None)
        seconds = None if started is None else time.perf_counter() - started
        members = _members(optimizer.parametrization)
        self.rows.append((_flat(_keywords(candidate.value), members), float(loss), seconds))


def record(optimizer: Any) -> None:
    """Have an optimizer keep what is told to it, to be harvested; ``seed`` and ``tell`` do so themselves."""
    if not hasattr(optimizer, "_metalearn"):
        optimizer._metalearn = _Recorder()  # noqa: SLF001 - remembered for harvest
        optimizer.register_callback("tell", optimizer._metalearn.told)  # noqa: SLF001
        ask = optimizer.ask

        def timed() -> Any:  # nevergrad calls back before it asks, without the candidate
            candidate = ask()
            optimizer._metalearn.asked(optimizer, candidate)  # noqa: SLF001
            return candidate

        optimizer.ask = timed


class _Nevergrad(Tool):
    """Suggest to an optimizer over a Dict, or an Instrumentation with keywords; it minimises. Seconds run from ask to tell."""

    name = package = extra = distribution = "nevergrad"

    def space_of(self, optimizer: Any, **_: Any) -> SearchSpace:
        return read_space(optimizer.parametrization)

    def enqueue(self, optimizer: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        record(optimizer)
        for item in reversed(seeds):  # nevergrad's own order is the reverse of what is suggested
            value = _native(item.params, _members(optimizer.parametrization))
            if type(optimizer.parametrization).__name__ == "Instrumentation":
                optimizer.suggest(**value)
            else:
                optimizer.suggest(value)
        return seeds, ()

    def insert(self, optimizer: Any, told: Sequence[Told], **_: Any) -> None:
        record(optimizer)
        for item, _result, loss in told:
            value: Any = _native(item.params, _members(optimizer.parametrization))
            if type(optimizer.parametrization).__name__ == "Instrumentation":
                value = ((), value)
            optimizer.tell(optimizer.parametrization.spawn_child(new_value=value), loss)

    def trials(self, optimizer: Any, **_: Any) -> Trials:
        if not hasattr(optimizer, "_metalearn"):
            message = (
                "This optimizer kept no record: nevergrad has no history. "
                "Expected one from the start. Call record(optimizer) first."
            )
            raise InvalidInputError(message)
        found = enumerate(optimizer._metalearn.rows)  # noqa: SLF001
        return Trials([Trial(params, loss, seconds=took, key=str(i)) for i, (params, loss, took) in found])


_TOOL = _Nevergrad()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
