"""SMAC3: seeds before the Sobol design, results told under the right seed, the run history read back."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import require_tool
from metalearn.hooks.choices import plain
from metalearn.hooks.configspace import configuration, read_space, write_space
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool, refuse_several
from metalearn.space import SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]

_STATUS = {"SUCCESS": Status.OK, "CRASHED": Status.FAILED, "TIMEOUT": Status.TIMEOUT, "MEMORYOUT": Status.MEMORY}


class _Smac(Tool):
    """Seed the keyword arguments of a facade, with ``scenario``: they gain ``initial_design``, the seeds instead of Sobol points."""

    name = package = extra = distribution = "smac"
    takes = tuple(_STATUS.values())

    def space_of(self, target: Any, **_: Any) -> SearchSpace:
        return read_space(_scenario(target).configspace)

    def obstacle(self, kwargs: Any, item: Seed, place: int, **_: Any) -> str:
        try:
            configuration(kwargs["scenario"].configspace, item.params)
        except ValueError as error:
            return f"ConfigSpace refuses it: {error}"
        n_trials = kwargs["scenario"].n_trials
        return f"n_trials={n_trials} leaves no room for it" if place >= n_trials else ""

    def enqueue(self, kwargs: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        chosen = [configuration(kwargs["scenario"].configspace, item.params) for item in seeds]
        notes = []
        if chosen:
            if kwargs.get("initial_design") is not None:
                notes = ["the seeds take the place of the initial_design that was given"]
            design = self.require().initial_design.SobolInitialDesign
            kwargs["initial_design"] = design(kwargs["scenario"], n_configs=0, additional_configs=chosen)
        return [replace(item, params=dict(c)) for item, c in zip(seeds, chosen, strict=True)], notes

    def insert(self, facade: Any, told: Sequence[Told], **_: Any) -> None:
        dataclasses = require_tool("smac.runhistory.dataclasses", "smac")
        states = require_tool("smac.runhistory.enumerations", "smac").StatusType
        by_status = {status: states[name] for name, status in _STATUS.items()}
        costs, crash = [value for _, _, value in told if value is not None], facade.scenario.crash_cost
        worst = crash if math.isfinite(crash) else max(costs, default=None)
        # SMAC draws the seed that it will evaluate under: told under another one, a seed would be run again
        facade.intensifier.__post_init__()
        for item, result, value in told:
            found = configuration(facade.scenario.configspace, item.params)
            info = facade.intensifier.get_trials_of_interest(found)[0]
            cost = worst if value is None else value
            facade.tell(info, dataclasses.TrialValue(cost=cost, status=by_status[result.status]))

    def unfit(self, facade: Any, results: Sequence[Any], **_: Any) -> str:
        """Say why results cannot be told: SMAC's model fails on infinite costs."""
        known = math.isfinite(facade.scenario.crash_cost) or any(r.status is Status.OK for r in results)
        return "" if known else "nothing succeeded, so that a failure has no cost; set crash_cost"

    def trials(self, facade: Any, **_: Any) -> Trials:
        objectives = facade.scenario.objectives
        refuse_several([objectives] if isinstance(objectives, str) else list(objectives), "scenario")
        highest, rows = facade.scenario.max_budget, []
        for key, value in facade.runhistory.items():
            if value.status.name not in _STATUS:
                continue
            status, note = _STATUS[value.status.name], ""
            if status is Status.OK and key.budget is not None and highest is not None and key.budget < highest:
                status, note = Status.PRUNED, f"on budget {key.budget:g} of {highest:g}: cost {value.cost:.6g}"
            params = {name: plain(v) for name, v in dict(facade.runhistory.get_config(key.config_id)).items()}
            cost = float(value.cost) if status is Status.OK else None
            rows.append(Trial(params, cost, status, value.time, note, key=str(key.config_id)))
        return Trials(rows)


def _scenario(target: Any) -> Any:
    if isinstance(target, dict) and "scenario" not in target:
        message = "The keyword arguments have no scenario. Expected those of a facade. Add the scenario before seeding."
        raise InvalidInputError(message)
    return target["scenario"] if isinstance(target, dict) else target.scenario


_TOOL = _Smac()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
