"""nevergrad: suggest the seeds in their order, tell results, keep a record to read back."""

import time
from collections.abc import Iterable, Iterator, Mapping
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
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, ParamValue, SearchSpace
from metalearn.space.aliases import MODEL_PARAMETERS

__all__ = ["harvest", "read_space", "record", "seed", "tell", "verify", "write_space"]


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


def _label(choice: Any, index: int) -> ParamValue:
    value = choice.value if hasattr(choice, "value") else choice
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        words = {n: v for n, v in value.items() if isinstance(v, str)}
        named = [words[n] for n in MODEL_PARAMETERS if n in words] or list(words.values())
        return named[0] if named else str(index)
    return str(value)


def _choices(part: Any) -> list[Any]:
    return list(part.choices._content.values())  # noqa: SLF001


def _walk(members: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Parameter, Condition | None]]:
    """Yield every parameter by its path, parents first, with its condition."""
    for name, part in members.items():
        path = f"{prefix}{name}"
        if hasattr(part, "choices"):
            labels = [_label(choice, i) for i, choice in enumerate(_choices(part))]
            yield path, Categorical(tuple(labels)), None
            for label, choice in zip(labels, _choices(part), strict=True):
                if type(choice).__name__ == "Dict":
                    for child, parameter, condition in _walk(_members(choice), f"{path}/{label}/"):
                        yield child, parameter, condition or Condition(path, (label,))
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
    """Return a search space from a parametrization.

    Parameters
    ----------
    parametrization : nevergrad.p.Dict or Instrumentation
        Constants are left out; a choice among dicts becomes a categorical parameter, and what stands in the
        dicts becomes conditional, named by its path.

    Returns
    -------
    SearchSpace
        The parameters by path.

    Raises
    ------
    InvalidInputError
        If a part has no name or no bounds.
    """
    found = list(_walk(_members(parametrization)))
    conditions = {path: condition for path, _, condition in found if condition is not None}
    return SearchSpace({path: parameter for path, parameter, _ in found}, conditions)


def write_space(space: SearchSpace) -> Any:
    """Return a parametrization for a search space.

    Parameters
    ----------
    space : SearchSpace
        Conditions are lost, and a range with steps becomes an ordered choice.

    Returns
    -------
    nevergrad.p.Dict
        By name.

    Warns
    -----
    UserWarning
        If the space has conditions.
    """
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
            labels = [_label(choice, i) for i, choice in enumerate(_choices(part))]
            index = next(i for i, v in enumerate(labels) if type(v) is type(params[path]) and v == params[path])
            choice = _choices(part)[index]
            nested = type(choice).__name__ == "Dict"
            found[name] = _native(params, _members(choice), f"{path}/{labels[index]}/") if nested else choice.value
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
            labels = [_label(choice, i) for i, choice in enumerate(choices)]
            inner = value[name]
            if isinstance(inner, Mapping):
                constants = [
                    {n: v.value for n, v in _members(c).items() if type(v).__name__ == "Constant"} for c in choices
                ]
                index = next(i for i, c in enumerate(constants) if c.items() <= inner.items())
                found[path] = labels[index]
                found |= _flat(inner, _members(choices[index]), f"{path}/{labels[index]}/")
            else:
                found[path] = inner
        elif type(part).__name__ == "Dict":
            found |= _flat(value[name], _members(part), f"{path}/")
        elif hasattr(part, "bounds"):
            found[path] = value[name].item() if hasattr(value[name], "item") else value[name]
    return found


def _keywords(value: Any) -> Mapping[str, Any]:
    """Return the keyword arguments of an Instrumentation's value, or a Dict's value as it is."""
    return value[1] if isinstance(value, tuple) else value  # type: ignore[no-any-return]


class _Recorder:
    """Remember what is asked and told: nevergrad itself keeps no history."""

    def __init__(self) -> None:
        self.rows: list[tuple[dict[str, Any], float, float | None]] = []
        self.started: dict[str, float] = {}
        self.metric: str | None = None

    def asked(self, optimizer: Any, candidate: Any = None) -> None:  # noqa: ARG002 - nevergrad's signature
        if candidate is not None:
            self.started[candidate.uid] = time.perf_counter()

    def told(self, optimizer: Any, candidate: Any, loss: Any) -> None:
        started = self.started.pop(candidate.uid, None)
        seconds = None if started is None else time.perf_counter() - started
        members = _members(optimizer.parametrization)
        self.rows.append((_flat(_keywords(candidate.value), members), float(loss), seconds))


def record(optimizer: Any) -> None:
    """Have an optimizer keep what is told to it, to be harvested; ``seed`` and ``tell`` do so themselves.

    Parameters
    ----------
    optimizer : nevergrad optimizer
        Before its first ``tell``.
    """
    if not hasattr(optimizer, "_metalearn"):
        optimizer._metalearn = _Recorder()  # noqa: SLF001 - remembered for harvest
        optimizer.register_callback("tell", optimizer._metalearn.told)  # noqa: SLF001
        ask = optimizer.ask

        def timed() -> Any:  # nevergrad calls back before it asks, without the candidate
            candidate = ask()
            optimizer._metalearn.asked(optimizer, candidate)  # noqa: SLF001
            return candidate

        optimizer.ask = timed


def seed(optimizer: Any, recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]) -> SeedReport:
    """Suggest the recommended configurations, to be asked first and in their order.

    Parameters
    ----------
    optimizer : nevergrad optimizer
        Over a Dict or an Instrumentation with keywords.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order; nevergrad's own order is the reverse of what is suggested.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was accepted, changed and dropped.
    """
    require_tool("nevergrad", "nevergrad")
    members = _members(optimizer.parametrization)
    space = read_space(optimizer.parametrization)
    report = plan("nevergrad", recommendation, space, strict=strict, matching=options)
    record(optimizer)
    if isinstance(recommendation, Recommendation):
        optimizer._metalearn.metric = recommendation.task.metric.name  # noqa: SLF001
    for item in reversed(report.accepted):
        value = _native(item.params, members)
        if type(optimizer.parametrization).__name__ == "Instrumentation":
            optimizer.suggest(**value)
        else:
            optimizer.suggest(value)
    return report


def tell(
    optimizer: Any, evaluations: Iterable[Evaluation], *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Tell measured results that the optimizer did not ask for.

    Parameters
    ----------
    optimizer : nevergrad optimizer
        It minimises.
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
    require_tool("nevergrad", "nevergrad")
    members = _members(optimizer.parametrization)
    space = read_space(optimizer.parametrization)
    report, results = plan_told("nevergrad", evaluations, space, takes=[Status.OK], strict=strict, matching=options)
    record(optimizer)
    for item in report.accepted:
        value: Any = _native(item.params, members)
        if type(optimizer.parametrization).__name__ == "Instrumentation":
            value = ((), value)
        candidate = optimizer.parametrization.spawn_child(new_value=value)
        optimizer.tell(candidate, told_value(results[item.rank], maximize=False))
    return report


def _rows(optimizer: Any) -> list[tuple[dict[str, Any], float, float | None]]:
    if not hasattr(optimizer, "_metalearn"):
        message = (
            "This optimizer kept no record: nevergrad has no history. "
            "Expected one from the start. Call record(optimizer) first."
        )
        raise InvalidInputError(message)
    return list(optimizer._metalearn.rows)  # noqa: SLF001


def harvest(optimizer: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return everything that was told to an optimizer since it was seeded or recorded.

    Parameters
    ----------
    optimizer : nevergrad optimizer
        It minimises. Seconds run from ``ask`` to ``tell``.
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

    Raises
    ------
    InvalidInputError
        If nothing was recorded.
    """
    require_tool("nevergrad", "nevergrad")
    trials = [Trial(params, loss, seconds=seconds) for params, loss, seconds in _rows(optimizer)]
    said = optimizer._metalearn.metric  # noqa: SLF001
    versions = tool_version("nevergrad")
    return gather(trials, X, y, maximize=False, said_metric=said, versions=versions, options=options)


def verify(optimizer: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    optimizer : nevergrad optimizer
        After the search.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that were never told back are dropped.
    """
    return compare(report, [(params, True, str(i)) for i, (params, _, _) in enumerate(_rows(optimizer))])
