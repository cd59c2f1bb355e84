"""Ax: attach the seeds as trials after checking what Ax does not, complete known ones, read trials back."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
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
from metalearn.hooks.report import Drop, Seed, SeedReport
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]

_ARM = "metalearn_seed_"
_LOOP = "Ax leaves the evaluation of attached trials to you: complete_trial(int(seed.key), ...) for each seed"


def _read(p: Any) -> Parameter | None:
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
    """Return a search space from the parameters of an experiment.

    Parameters
    ----------
    parameters : iterable of RangeParameterConfig, ChoiceParameterConfig or core Parameter
        Constants and derived parameters are left out.

    Returns
    -------
    SearchSpace
        Dependent parameters are conditional.
    """
    found, conditions = {}, {}
    for p in parameters:
        parameter = _read(p)
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
    """Return parameter configurations for a search space.

    Parameters
    ----------
    space : SearchSpace
        With conditions, as far as they are on choices. A choice that is not of one type becomes a choice of text.

    Returns
    -------
    list of RangeParameterConfig or ChoiceParameterConfig
        For ``client.configure_experiment``.

    Warns
    -----
    UserWarning
        If a condition is on a number.
    """
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


def _space_of(client: Any) -> SearchSpace:
    require_tool("ax", "ax")
    return read_space(client._experiment.search_space.parameters.values())  # noqa: SLF001


def _objective(client: Any) -> tuple[str, bool]:
    """Return the name of the metric and whether it is maximised."""
    objective = client._experiment.optimization_config.objective  # noqa: SLF001
    return objective.metric_names[0], not objective.minimize


def seed(client: Any, recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]) -> SeedReport:
    """Attach the recommended configurations as trials to be evaluated by you.

    Parameters
    ----------
    client : ax.api.client.Client
        With a configured experiment. Attached trials do not replace Ax's own Sobol start.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        The keys of the seeds are trial indices: evaluate ``seed.params`` and complete ``int(seed.key)``.
    """
    report = plan("ax", recommendation, _space_of(client), strict=strict, matching=options)
    accepted = []
    for item in report.accepted:
        params = {**_constants(client), **item.params}
        index = client.attach_trial(parameters=params, arm_name=f"{_ARM}{item.rank}_{item.model}")
        accepted.append(replace(item, key=str(index)))
    return replace(report, accepted=tuple(accepted), notes=(*report.notes, *((_LOOP,) if accepted else ())))


def tell(
    client: Any, evaluations: Iterable[Evaluation], *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Attach measured results as completed trials.

    Parameters
    ----------
    client : ax.api.client.Client
        With a configured optimization of one metric.
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
    known, takes = _space_of(client), set(Status) - {Status.PRUNED}
    report, results = plan_told("ax", evaluations, known, takes=takes, strict=strict, matching=options)
    name, maximize = _objective(client)
    for item in report.accepted:
        result = results[item.rank]
        index = client.attach_trial(parameters={**_constants(client), **item.params})
        if result.status is Status.OK:
            client.complete_trial(index, raw_data={name: told_value(result, maximize=maximize)})
        else:
            client.mark_trial_failed(index)
    return report


def _trials(client: Any) -> list[Any]:
    return list(client._experiment.trials.values())  # noqa: SLF001


def harvest(client: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every finished trial, failed and early stopped ones as such.

    Parameters
    ----------
    client : ax.api.client.Client
        After the search.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    **options : Reading
        How the trials are to be read; the name of Ax's own metric counts if it is one of ours.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``.
    """
    require_tool("ax", "ax")
    name, maximize = _objective(client)
    table = client.summarize().set_index("trial_index")
    by_name = {
        "COMPLETED": Status.OK,
        "FAILED": Status.FAILED,
        "ABANDONED": Status.FAILED,
        "EARLY_STOPPED": Status.PRUNED,
    }
    constants, rows = _constants(client), []
    for trial in _trials(client):
        status = by_name.get(trial.status.name)
        if status is None or trial.arm is None:
            continue
        span = (
            (trial.time_completed - trial.time_run_started).total_seconds()
            if trial.time_completed is not None and trial.time_run_started is not None
            else None
        )
        value = float(table.loc[trial.index, name]) if status is Status.OK else None
        params = {k: v for k, v in trial.arm.parameters.items() if k not in constants}
        rank, model = _seed_of(trial) if trial.arm.name.startswith(_ARM) else (0, "")
        rows.append(Trial(params, value, status, span, f"seed {rank}" if rank else "", model=model))
    return gather(
        rows, X, y, maximize=maximize, said_metric=name, versions=tool_version("ax-platform"), options=options
    )


def _seed_of(trial: Any) -> tuple[int, str]:
    rank, model = trial.arm.name.removeprefix(_ARM).split("_", 1)
    return int(rank), model


def verify(client: Any) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    client : ax.api.client.Client
        After the search.

    Returns
    -------
    SeedReport
        Seeds that failed or were never completed are dropped.
    """
    require_tool("ax", "ax")
    accepted, dropped = [], []
    for trial in _trials(client):
        if trial.arm is None or not trial.arm.name.startswith(_ARM):
            continue
        rank, model = _seed_of(trial)
        if trial.status.name == "COMPLETED":
            accepted.append(Seed(rank, model, dict(trial.arm.parameters), key=str(trial.index)))
        else:
            running = trial.status.name in {"RUNNING", "CANDIDATE", "STAGED"}
            dropped.append(
                Drop(rank, "", "it was never completed" if running else f"it is {trial.status.name.lower()}")
            )
    return SeedReport("ax", tuple(accepted), (), tuple(dropped), deed="evaluated")
