"""Optuna: queue the seeds in a study, tell it results, read its trials back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import (
    Harvest,
    Matching,
    Startable,
    none_told,
    plan,
    plan_told,
    require_tool,
    told_value,
    tool_version,
    warn_of_lost_conditions,
)
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import Change, Drop, Seed, SeedReport
from metalearn.importers.tuners import SEEDED_FAMILY
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace
from metalearn.space.adaptation import UNSET

__all__ = ["harvest", "read_space", "require_one_objective", "seed", "tell", "verify", "write_space"]

Distributions: TypeAlias = Mapping[str, Any]

_RANK = "metalearn_seed"
_METRIC = "metalearn_metric"
_TOLD = "metalearn_told"
_UNKNOWN = (
    "the study's space is not known before its first trial, so the seeds are queued under our names; "
    "pass space={name: distribution} to have them adapted"
)


def read_space(distributions: Distributions) -> SearchSpace:
    """Return a search space from Optuna's distributions.

    Parameters
    ----------
    distributions : mapping of str to BaseDistribution
        Such as ``trial.distributions``.

    Returns
    -------
    SearchSpace
        Without conditions: Optuna's spaces are defined by running.
    """
    return SearchSpace({name: _read(distribution) for name, distribution in distributions.items()})


def _read(distribution: Any) -> Parameter:
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
    """Return Optuna's distributions for a search space.

    Parameters
    ----------
    space : SearchSpace
        Conditions are lost: they are left to the objective.

    Returns
    -------
    dict of str to BaseDistribution
        For ``study.ask``, ``create_trial`` or ``trial.suggest_*``.

    Warns
    -----
    UserWarning
        If the space has conditions.
    """
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


def _space_of(study: Any, space: Distributions | SearchSpace | None) -> tuple[SearchSpace | None, dict[str, Any]]:
    """Return the space that is given or that the study's trials have shown, ours and Optuna's."""
    if isinstance(space, SearchSpace):
        return space, _distributions(space)  # a running objective has its own conditions
    found = dict(space) if space is not None else {}
    if space is None:
        for trial in study.get_trials(deepcopy=False):
            found |= trial.distributions
    return (read_space(found) if found else None), found


def require_one_objective(study: Any) -> None:
    """Refuse a study of several objectives.

    Parameters
    ----------
    study : optuna.Study
        Any study.

    Raises
    ------
    InvalidInputError
        If it has several.
    """
    if len(study.directions) > 1:
        message = f"The study has {len(study.directions)} objectives. Expected one. Take studies of one objective."
        raise InvalidInputError(message)


def _queued(trial: Any) -> dict[str, Any]:
    return dict(trial.system_attrs.get("fixed_params", trial.params))


def seed(
    study: Any,
    recommendation: Startable,
    *,
    space: Distributions | SearchSpace | None = None,
    strict: bool = False,
    **options: Unpack[Matching],
) -> SeedReport:
    """Queue the recommended configurations, to be evaluated first.

    Parameters
    ----------
    study : optuna.Study
        In memory or in any storage. Seeds count within ``n_trials``.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order.
    space : mapping of str to BaseDistribution, SearchSpace or None, default=None
        The objective's space; None takes it from the study's trials. Without any, seeds are queued as they
        are.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        The keys of the seeds are trial numbers.
    """
    require_tool("optuna", "optuna")
    known, _ = _space_of(study, space)
    report = plan("optuna", recommendation, known, strict=strict, matching=options)
    trials = [_queued(trial) for trial in study.get_trials(deepcopy=False)]
    for item in report.accepted:
        if dict(item.params) in trials:
            report = report.without(item.rank, "the study has it already")
    report.require(strict=strict)
    if isinstance(recommendation, Recommendation):
        study.set_user_attr(_METRIC, recommendation.task.metric.name)
    accepted = []
    for number, item in enumerate(report.accepted, start=len(trials)):
        study.enqueue_trial(dict(item.params), user_attrs={_RANK: item.rank, SEEDED_FAMILY: item.model})
        accepted.append(replace(item, key=str(number)))
    notes = (*report.notes, *((_UNKNOWN,) if known is None else ()))
    return replace(report, accepted=tuple(accepted), notes=notes)


def tell(
    study: Any,
    evaluations: Iterable[Evaluation],
    *,
    space: Distributions | SearchSpace | None = None,
    strict: bool = False,
    **options: Unpack[Matching],
) -> SeedReport:
    """Add measured results as finished trials; only what means the same in the study's space.

    Parameters
    ----------
    study : optuna.Study
        With one objective.
    evaluations : iterable of Evaluation
        Real results of the same task and metric.
    space : mapping of str to BaseDistribution, SearchSpace or None, default=None
        The objective's space; None takes it from the study's trials.
    strict : bool, default=False
        Whether a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was told and what could not be.

    Raises
    ------
    InvalidInputError
        If the study has several objectives, or it is strict and a result is dropped.
    """
    optuna = require_tool("optuna", "optuna")
    require_one_objective(study)
    evaluations = list(evaluations)
    known, distributions = _space_of(study, space)
    if known is None:
        why = "the study's space is not known before its first trial; pass space={name: distribution}"
        return none_told("optuna", evaluations, why, strict=strict)
    report, results = plan_told("optuna", evaluations, known, strict=strict, matching=options)
    maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
    states = optuna.trial.TrialState
    past = study.get_trials(deepcopy=False)
    for item in report.accepted:
        if any(_TOLD in trial.user_attrs and trial.params == dict(item.params) for trial in past):
            report = report.without(item.rank, "the study was told before")
    beside = [trial.value for trial in past if trial.state == states.COMPLETE]
    for item in report.require(strict=strict).accepted:
        result = results[item.rank]
        ok = result.status is Status.OK
        trial = optuna.trial.create_trial(
            params=dict(item.params),
            distributions={name: distributions[name] for name in item.params},
            value=told_value(result, maximize=maximize, beside=beside) if ok else None,
            state=states.COMPLETE if ok else states.PRUNED if result.status is Status.PRUNED else states.FAIL,
            user_attrs={SEEDED_FAMILY: item.model, _TOLD: True},
        )
        study.add_trial(trial)
    return report


def harvest(study: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every finished trial, failed and pruned ones as such.

    Parameters
    ----------
    study : optuna.Study
        With one objective.
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
        If the study has several objectives.
    """
    optuna = require_tool("optuna", "optuna")
    require_one_objective(study)
    status = {"COMPLETE": Status.OK, "PRUNED": Status.PRUNED, "FAIL": Status.FAILED}
    trials = [
        Trial(
            trial.params,
            trial.value if trial.state.name == "COMPLETE" else None,
            status[trial.state.name],
            trial.duration.total_seconds() if trial.duration is not None else None,
            f"seed {trial.user_attrs[_RANK]}" if _RANK in trial.user_attrs else "",
            model=trial.user_attrs.get(SEEDED_FAMILY, ""),
        )
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in status and trial.params
    ]
    said = (study.metric_names or [study.user_attrs.get(_METRIC)])[0]
    maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
    return gather(trials, X, y, maximize=maximize, said_metric=said, versions=tool_version("optuna"), options=options)


def verify(study: Any) -> SeedReport:
    """Say which seeds were really evaluated, and with which values.

    Parameters
    ----------
    study : optuna.Study
        After the search.

    Returns
    -------
    SeedReport
        Parameters that the objective sampled itself are changed; those it never asked for are dropped.
    """
    require_tool("optuna", "optuna")
    accepted, changed, dropped = [], [], []
    for trial in study.get_trials(deepcopy=False):
        rank = trial.user_attrs.get(_RANK)
        if rank is None:
            continue
        asked = _queued(trial)
        if trial.state.name not in {"COMPLETE", "PRUNED"}:
            why = "it failed" if trial.state.name == "FAIL" else f"it is {trial.state.name.lower()}"
            dropped.append(Drop(rank, "", why))
            continue
        accepted.append(Seed(rank, trial.user_attrs.get(SEEDED_FAMILY, ""), trial.params, key=str(trial.number)))
        for name, value in trial.params.items():
            if name not in asked:
                changed.append(Change(rank, name, UNSET, value))
            elif asked[name] != value:
                changed.append(Change(rank, name, asked[name], value))
        unused = [name for name, value in asked.items() if name not in trial.params and value != accepted[-1].model]
        dropped += [Drop(rank, name, "the objective never asked for it") for name in unused]
    return SeedReport("optuna", tuple(accepted), tuple(changed), tuple(dropped), deed="evaluated")
