"""SMAC3: seeds before the Sobol design, results told under the right seed, the run history read back."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
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
)
from metalearn.hooks.configspace import configuration, read_space, write_space
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import SeedReport, compare

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]


def seed(
    kwargs: dict[str, Any], recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Add an initial design of the recommended configurations to the keyword arguments of a facade.

    Parameters
    ----------
    kwargs : dict
        With ``scenario``; gains ``initial_design``: the seeds instead of the Sobol points, which SMAC would
        put before them. It is left alone if no seed is accepted.
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
        If there is no scenario, or it is strict and anything was changed or dropped.
    """
    smac = require_tool("smac", "smac")
    if "scenario" not in kwargs:
        message = "The keyword arguments have no scenario. Expected those of a facade. Add the scenario before seeding."
        raise InvalidInputError(message)
    scenario = kwargs["scenario"]
    report = plan("smac", recommendation, read_space(scenario.configspace), matching=options)
    chosen: list[Any] = []
    accepted = []
    for item in report.accepted:
        try:
            found = configuration(scenario.configspace, item.params)
        except ValueError as error:
            report = report.without(item.rank, f"ConfigSpace refuses it: {error}")
            continue
        if len(chosen) == scenario.n_trials:
            report = report.without(item.rank, f"n_trials={scenario.n_trials} leaves no room for it")
            continue
        chosen.append(found)
        accepted.append(replace(item, params=dict(found)))
    report = replace(report, accepted=tuple(accepted)).require(strict=strict)
    if chosen:
        design = smac.initial_design.SobolInitialDesign
        if kwargs.get("initial_design") is not None:
            report = replace(
                report, notes=(*report.notes, "the seeds take the place of the initial_design that was given")
            )
        kwargs["initial_design"] = design(scenario, n_configs=0, additional_configs=chosen)
    return report


def tell(
    facade: Any, evaluations: Iterable[Evaluation], *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Add measured results to a facade before ``optimize``; they count within ``n_trials``.

    Parameters
    ----------
    facade : smac.facade.AbstractFacade
        Not yet run.
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
    dataclasses = require_tool("smac.runhistory.dataclasses", "smac")
    states = require_tool("smac.runhistory.enumerations", "smac").StatusType
    space = facade.scenario.configspace
    by_status = {
        Status.OK: states.SUCCESS,
        Status.FAILED: states.CRASHED,
        Status.TIMEOUT: states.TIMEOUT,
        Status.MEMORY: states.MEMORYOUT,
    }
    report, results = plan_told("smac", evaluations, read_space(space), takes=by_status, matching=options)
    costs = [told_value(r, maximize=False) for r in results.values() if r.status is Status.OK]
    worst = facade.scenario.crash_cost if math.isfinite(facade.scenario.crash_cost) else max(costs, default=None)
    for item in report.accepted if worst is None else ():  # SMAC's model fails on infinite costs
        report = report.without(item.rank, "nothing succeeded, so that a failure has no cost; set crash_cost")
    report.require(strict=strict)
    # SMAC draws the seed that it will evaluate under: told under another one, a seed would be run again
    facade.intensifier.__post_init__()
    for item in report.accepted:
        result = results[item.rank]
        cost = told_value(result, maximize=False) if result.status is Status.OK else worst
        info = facade.intensifier.get_trials_of_interest(configuration(space, item.params))[0]
        facade.tell(info, dataclasses.TrialValue(cost=cost, status=by_status[result.status]))
    return report


def harvest(facade: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every trial of the run history, crashed ones as such.

    Parameters
    ----------
    facade : smac.facade.AbstractFacade
        After ``optimize``. Trials on a part of the budget count as pruned; further seeds of a configuration
        are further folds.
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
    """
    require_tool("smac", "smac")
    by_name = {
        "SUCCESS": Status.OK,
        "CRASHED": Status.FAILED,
        "TIMEOUT": Status.TIMEOUT,
        "MEMORYOUT": Status.MEMORY,
    }
    trials: list[Trial] = []
    folds: Counter[int] = Counter()
    highest = facade.scenario.max_budget
    for key, value in facade.runhistory.items():
        if value.status.name not in by_name:
            continue
        status, note = by_name[value.status.name], ""
        if status is Status.OK and key.budget is not None and highest is not None and key.budget < highest:
            status, note = Status.PRUNED, f"on budget {key.budget:g} of {highest:g}: cost {value.cost:.6g}"
        params = dict(facade.runhistory.get_config(key.config_id))
        cost = float(value.cost) if status is Status.OK else None
        trials.append(Trial(params, cost, status, value.time, note, folds[key.config_id]))
        folds[key.config_id] += status is Status.OK
    return gather(trials, X, y, maximize=False, versions=tool_version("smac"), options=options)


def verify(facade: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    facade : smac.facade.AbstractFacade
        After ``optimize``.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that crashed or were never run are dropped.
    """
    rows = [
        (
            dict(facade.runhistory.get_config(key.config_id)),
            value.status.name == "SUCCESS",
            str(key.config_id),
        )
        for key, value in facade.runhistory.items()
    ]
    return compare(report, rows)
