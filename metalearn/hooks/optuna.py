"""Optuna: queue the seeds in a study, tell it results, read its trials back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import require_tool, warn_of_lost_conditions
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed
from metalearn.hooks.tool import Queued, Told, Tool
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace
from metalearn.space.aliases import family_of

__all__ = ["harvest", "objective_of", "read_space", "seed", "tell", "trials", "verify", "write_space"]

Distributions: TypeAlias = Mapping[str, Any]

_RANK = "metalearn_seed"
_FAMILY = "metalearn_model"
_TOLD = "metalearn_told"
_STATUS = {"COMPLETE": Status.OK, "PRUNED": Status.PRUNED, "FAIL": Status.FAILED}
_UNKNOWN = (
    "the study's space is not known before its first trial: the seeds are queued unchecked under our names, and count only if the "
    "objective asks for these; pass space={name: distribution} to have them adapted, and call verify after the search"
)


def read_space(distributions: Distributions) -> SearchSpace:
    """Return a search space from Optuna's distributions."""
    return SearchSpace({name: _parameter(distribution) for name, distribution in distributions.items()})


def _parameter(distribution: Any) -> Parameter:
    if not isinstance(distribution, require_tool("optuna", "optuna").distributions.BaseDistribution):
        message = (
            f"The space holds {distribution!r}. Expected a distribution of Optuna's. "
            "Use one, such as optuna.distributions.FloatDistribution(0.01, 0.3, log=True)."
        )
        raise InvalidInputError(message)
    if hasattr(distribution, "choices"):
        return Categorical(tuple(distribution.choices))
    if distribution.low == distribution.high:
        return Categorical((distribution.low,))
    kind: type[Float | Integer] = Integer if isinstance(distribution.low, int) else Float
    return kind(distribution.low, distribution.high, log=distribution.log, step=distribution.step)


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return Optuna's distributions for a search space."""
    warn_of_lost_conditions("Optuna", space.conditions)
    return _distributions(space)


def _distributions(space: SearchSpace) -> dict[str, Any]:
    distributions = require_tool("optuna", "optuna").distributions
    found = {}
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            found[name] = distributions.CategoricalDistribution(p.choices)
        elif isinstance(p, Integer):
            found[name] = distributions.IntDistribution(p.low, p.high, log=p.log, step=p.step)
        else:
            found[name] = distributions.FloatDistribution(p.low, p.high, log=p.log, step=p.step)
    return found


def _shown(study: Any, space: Distributions | SearchSpace | None) -> dict[str, Any]:
    """Return the distributions that are given, or that the study's trials have shown."""
    if isinstance(space, SearchSpace):
        return _distributions(space)  # a running objective has its own conditions
    if space is not None:
        return dict(space)
    found: dict[str, Any] = {}
    for trial in study.get_trials(deepcopy=False):
        found |= trial.distributions
    return found


def objective_of(study: Any, objective: str | int | None = None) -> int:
    """Return the index of the objective that is meant."""
    n, names = len(study.directions), list(study.metric_names or [])
    known = [*names, *map(str, range(n))]
    if objective is None and n == 1:
        return 0
    if objective is None or str(objective) not in known:
        found = f"no objective {objective!r} among its" if objective is not None else ""
        message = (
            f"The study has {found or ''}{' ' if found else ''}{n} objectives. Expected one. "
            f"Say which: objective={' or '.join(repr(name) for name in names or range(n))} where a study is read; searches are of one."
        )
        raise InvalidInputError(message)
    return names.index(str(objective)) if str(objective) in names else int(objective)


class _Optuna(Tool):
    """Start a study (in memory or any storage; seeds count within ``n_trials``); options ``space`` and ``objective``."""

    name = package = extra = "optuna"
    own = ("space", "objective")
    takes = tuple(Status)
    partial = remembers = True

    def space_of(self, study: Any, space: Distributions | SearchSpace | None = None, **_: Any) -> SearchSpace | None:
        if isinstance(space, SearchSpace):
            return space
        found = _shown(study, space)
        return read_space(found) if found else None

    def obstacle(self, study: Any, item: Seed, place: int, **_: Any) -> str:  # noqa: ARG002
        trials = [_asked(trial) for trial in study.get_trials(deepcopy=False)]
        return "the study has it already" if dict(item.params) in trials else ""

    def enqueue(self, study: Any, seeds: Sequence[Seed], space: Any = None, **_: Any) -> Queued:
        notes = () if not seeds or _shown(study, space) else (_UNKNOWN,)
        first = len(study.get_trials(deepcopy=False))
        for item in seeds:
            study.enqueue_trial(dict(item.params), user_attrs={_RANK: item.rank, _FAMILY: item.model})
        return [replace(item, key=str(number)) for number, item in enumerate(seeds, start=first)], notes

    def knows(self, study: Any, item: Seed, **_: Any) -> str:
        past = (trial for trial in study.get_trials(deepcopy=False) if _TOLD in trial.user_attrs)
        return "the study was told before" if any(trial.params == dict(item.params) for trial in past) else ""

    def maximizes(self, study: Any, **_: Any) -> bool:
        objective_of(study)
        return bool(study.direction.name == "MAXIMIZE")

    def insert(self, study: Any, told: Sequence[Told], space: Any = None, **_: Any) -> None:
        optuna, distributions = self.require(), _shown(study, space)
        states = optuna.trial.TrialState
        ended = {Status.OK: states.COMPLETE, Status.PRUNED: states.PRUNED}
        for item, result, value in told:
            trial = optuna.trial.create_trial(
                params=dict(item.params),
                distributions={name: distributions[name] for name in item.params},
                value=value,
                state=ended.get(result.status, states.FAIL),
                user_attrs={_FAMILY: item.model, _TOLD: True},
            )
            study.add_trial(trial)

    def trials(self, study: Any, objective: str | int | None = None, tag: str = "", **_: Any) -> Trials:
        index = objective_of(study, objective)
        names = study.metric_names
        rows = [_trial(t, index, tag) for t in study.get_trials(deepcopy=False)]
        return Trials(
            rows,
            study.directions[index].name == "MAXIMIZE",
            names[index] if names else None,
        )


def _asked(trial: Any) -> dict[str, Any]:
    return dict(trial.system_attrs.get("fixed_params", trial.params))


def _trial(trial: Any, index: int, tag: str) -> Trial:
    """Return a trial; the attribute ``tag`` may name its family."""
    state, rank = trial.state.name, trial.user_attrs.get(_RANK)
    said = str(trial.user_attrs.get(tag) or "")
    model = family_of(said) or said or trial.user_attrs.get(_FAMILY, "")
    asked = _asked(trial)
    if not trial.params and state in _STATUS:
        state = "failed"  # before it tried anything
    found = Trial(
        trial.params,
        trial.values[index] if state == "COMPLETE" else None,
        _STATUS.get(state, Status.FAILED),
        trial.duration.total_seconds() if trial.duration is not None else None,
        model=model,
        key=str(trial.number),
        rank=rank,
        asked=asked,
        unfinished="" if state in _STATUS else state.lower(),
    )
    return found if rank is None or found.is_seed else replace(found, model="")  # its own family is what it ran


_TOOL = _Optuna()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
