"""Ax: attach the seeds as trials after checking what Ax does not, complete known ones, read trials back."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from metalearn.evaluation import Status
from metalearn.hooks.base import require_tool, warn_of_lost_conditions
from metalearn.hooks.choices import plain
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool, refuse_several
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]

_STATUS = {"COMPLETED": Status.OK, "FAILED": Status.FAILED, "ABANDONED": Status.FAILED, "EARLY_STOPPED": Status.PRUNED}
_ARM = "metalearn_seed_"
_LOOP = "Ax leaves the evaluation of attached trials to you: complete_trial(int(seed.key), ...) for each seed"


def _parameter(p: Any) -> Parameter | None:
    """Return the range of a parameter or of its configuration; None for constants and derived ones."""
    if hasattr(p, "values"):
        return Categorical(tuple(p.values))
    kind = getattr(p, "parameter_type", None)
    whole = kind == "int" or getattr(kind, "name", "") == "INT"
    if hasattr(p, "bounds"):
        (low, high), log, step = p.bounds, p.scaling == "log", p.step_size
    elif hasattr(p, "lower"):
        low, high, log, step = p.lower, p.upper, p.log_scale, None
    else:
        return None
    if whole:
        return Integer(int(low), int(high), log=log, step=int(step or 1))
    return Float(float(low), float(high), log=log, step=step)


def read_space(parameters: Iterable[Any]) -> SearchSpace:
    """Return a search space from the parameters of an experiment."""
    found, conditions = {}, {}
    for p in parameters:
        parameter = _parameter(p)
        if parameter is None:
            continue
        found[p.name] = parameter
        held = getattr(p, "dependent_parameters", None) or (
            p.dependents if getattr(p, "is_hierarchical", False) else {}
        )
        for child in {name for names in held.values() for name in names}:
            conditions[child] = Condition(p.name, tuple(value for value, names in held.items() if child in names))
    order = [name for name in found if name not in conditions]
    while len(order) < len(found):  # parents before their children
        order += [name for name in found if name not in order and conditions[name].parent in order]
    return SearchSpace({name: found[name] for name in order}, conditions)


def write_space(space: SearchSpace) -> list[Any]:
    """Return parameter configurations for a search space."""
    warn_of_lost_conditions("Ax", (n for n, c in space.conditions.items() if not _on_choice(c, space)))
    configs = require_tool("ax.api.configs", "ax")
    found = []
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            kinds = {type(c) for c in p.choices}
            kind = {bool: "bool", int: "int", float: "float"}.get(kinds.pop(), "str") if len(kinds) == 1 else "str"
            values: Sequence[Any] = p.choices if kind != "str" else [str(c) for c in p.choices]
            children = {
                v: [n for n, c in space.conditions.items() if c.parent == name and c.holds({name: v})]
                for v in p.choices
            }
            dependent = {v: names for v, names in children.items() if names} or None
            found.append(
                configs.ChoiceParameterConfig(
                    name=name,
                    values=list(values),
                    parameter_type=kind,
                    is_ordered=False,
                    dependent_parameters=dependent,
                )
            )
        else:
            whole = isinstance(p, Integer)
            step = p.step if p.grid else None
            found.append(
                configs.RangeParameterConfig(
                    name=name,
                    bounds=(p.low, p.high),
                    parameter_type="int" if whole else "float",
                    step_size=step,
                    scaling="log" if p.log else "linear",
                )
            )
    return found


def _on_choice(condition: Condition, space: SearchSpace) -> bool:
    return isinstance(space.parameters[condition.parent], Categorical)


def _constants(client: Any) -> dict[str, Any]:
    """Return the fixed parameters, which Ax wants to see in every trial."""
    parameters = client._experiment.search_space.parameters  # noqa: SLF001 - Ax has no public way to read it
    return {name: p.value for name, p in parameters.items() if type(p).__name__ == "FixedParameter"}


def _objective(client: Any) -> tuple[str, bool]:
    """Return the name of the metric and whether it is maximised."""
    objective = client._experiment.optimization_config.objective  # noqa: SLF001
    refuse_several(list(objective.metric_names), "experiment")
    return objective.metric_names[0], not objective.minimize


class _Ax(Tool):
    """Attach trials to a ``Client`` with a configured experiment: evaluate ``seed.params`` and complete ``int(seed.key)``."""

    name = package = extra = "ax"
    distribution = "ax-platform"
    takes = tuple(set(Status) - {Status.PRUNED})
    remembers = True

    def space_of(self, client: Any, **_: Any) -> SearchSpace:
        return read_space(client._experiment.search_space.parameters.values())  # noqa: SLF001

    def enqueue(self, client: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        accepted = []
        for item in seeds:
            params = {**_constants(client), **item.params}
            index = client.attach_trial(parameters=params, arm_name=f"{_ARM}{item.rank}_{item.model}")
            accepted.append(replace(item, key=str(index)))
        return accepted, [_LOOP] if accepted else []

    def maximizes(self, client: Any, **_: Any) -> bool:
        return _objective(client)[1]

    def insert(self, client: Any, told: Sequence[Told], **_: Any) -> None:
        name, _maximize = _objective(client)
        for item, _result, value in told:
            index = client.attach_trial(parameters={**_constants(client), **item.params})
            if value is None:
                client.mark_trial_failed(index)
            else:
                client.complete_trial(index, raw_data={name: value})

    def trials(self, client: Any, **_: Any) -> Trials:
        name, maximize = _objective(client)
        found = [trial for trial in client._experiment.trials.values() if trial.arm is not None]  # noqa: SLF001
        table = client.summarize().set_index("trial_index") if found else None
        rows = [_trial(trial, table, name, _constants(client)) for trial in found]
        return Trials(rows, maximize, name)


def _trial(trial: Any, table: Any, metric: str, constants: Iterable[str]) -> Trial:
    state, rank, model, span = trial.status.name, None, "", None
    if trial.arm.name.startswith(_ARM):
        number, model = trial.arm.name.removeprefix(_ARM).split("_", 1)
        rank = int(number)
    if trial.time_completed is not None and trial.time_run_started is not None:
        span = (trial.time_completed - trial.time_run_started).total_seconds()
    return Trial(
        {k: plain(v) for k, v in trial.arm.parameters.items() if k not in constants},
        float(table.loc[trial.index, metric]) if state == "COMPLETED" else None,
        _STATUS.get(state, Status.FAILED),
        span,
        model=model,
        key=str(trial.index),
        rank=rank,
        unfinished="" if state in _STATUS else "not completed",
    )


_TOOL = _Ax()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
