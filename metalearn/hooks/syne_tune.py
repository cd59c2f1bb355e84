"""Syne Tune: points_to_evaluate of every scheduler, results told and read back by ask/tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import require_tool, warn_of_lost_conditions
from metalearn.hooks.domains import flatten, nest, read_domains, write_domains
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool, refuse_several
from metalearn.space import SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]


def read_space(config_space: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from a ``config_space``."""
    return read_domains(config_space, inclusive=True)


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return a ``config_space`` for a search space."""
    warn_of_lost_conditions("Syne Tune", space.conditions)
    return write_domains(space, require_tool("syne_tune.config_space", "syne-tune"), inclusive=True)


class _SyneTune(Tool):
    """Seed the keyword arguments of a scheduler, with ``config_space``: they gain ``points_to_evaluate``."""

    name = extra = distribution = "syne-tune"
    package = "syne_tune"

    def space_of(self, target: Any, **_: Any) -> SearchSpace:
        return read_space(self._domains(target))

    def _domains(self, target: Any) -> Mapping[str, Any]:
        if hasattr(target, "base_scheduler"):
            return target.base_scheduler.config_space  # type: ignore[no-any-return]
        if "config_space" not in target:
            message = (
                "The keyword arguments have no config_space. Expected those of a scheduler. Add it before seeding."
            )
            raise InvalidInputError(message)
        return target["config_space"]  # type: ignore[no-any-return]

    def enqueue(self, kwargs: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        points = [nest(item.params, self._domains(kwargs)) for item in seeds]
        kwargs["points_to_evaluate"] = [*points, *(kwargs.get("points_to_evaluate") or [])]
        return seeds, ()

    def maximizes(self, scheduler: Any, **_: Any) -> bool:
        return bool(scheduler.base_scheduler.metric_mode() == "max")

    def insert(self, scheduler: Any, told: Sequence[Told], **_: Any) -> None:
        trial_of = require_tool("syne_tune.backend.trial_status", "syne-tune").Trial
        (name, *_others), domains = scheduler.base_scheduler.metric_names(), self._domains(scheduler)
        for item, _result, value in told:
            now = datetime.now()  # noqa: DTZ005 - Syne Tune's own times have no zone
            trial = trial_of(trial_id=scheduler.trial_counter, config=nest(item.params, domains), creation_time=now)
            scheduler.trial_counter += 1
            scheduler.tell(trial, {name: value})

    def trials(self, scheduler: Any, **_: Any) -> Trials:
        names = scheduler.base_scheduler.metric_names()
        refuse_several(names, "scheduler")
        rows = [
            Trial(
                flatten(result.config, self._domains(scheduler)),
                float(result.metrics[names[0]]),
                seconds=(result.training_end_time - result.creation_time).total_seconds(),
                key=str(key),
            )
            for key, result in scheduler.completed_experiments.items()
        ]
        return Trials(rows, self.maximizes(scheduler), names[0])


_TOOL = _SyneTune()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
