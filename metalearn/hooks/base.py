"""What every hook can do, and the way of every seed from a recommendation into a tool."""

import importlib
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from numbers import Integral
from typing import Any, Protocol, TypeAlias, TypedDict, runtime_checkable

from metalearn._installation import install_command
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError, MissingExtraError, UnknownNameError, unknown_name
from metalearn.hooks.harvest import Harvest
from metalearn.hooks.measure import measure_of
from metalearn.hooks.report import Change, Drop, Seed, SeedReport
from metalearn.models import get_model
from metalearn.models.recognition import family_of_parameters
from metalearn.recommendation import Candidate, Recommendation
from metalearn.space import Categorical, Configuration, ParamValue, Policy, SearchSpace, adapt, model_parameter_of
from metalearn.task import ProblemType

__all__ = [
    "Harvest",
    "Hook",
    "SeedOptions",
    "Startable",
    "plan",
    "plan_told",
    "told_value",
]

Startable: TypeAlias = Recommendation | Iterable[Candidate | Configuration]
"""What a search can be started from."""


class SeedOptions(TypedDict, total=False):
    """Say how configurations are matched with a tool's search space; every key is optional.

    Attributes
    ----------
    policy : {"clip", "drop", "raise"}
        What happens to values that do not fit; default: ``"clip"``.
    family : str
        Seed this model family only; default: the family that the space's parameters belong to, or every
        family if the space chooses among families.
    names : mapping of str to str
        The tool's name by our name, where the table of aliases would not find it.
    model_parameter : str
        The parameter that chooses among families; default: the usual names.
    n : int
        How many candidates of the recommendation to consider; default: all.
    """

    policy: Policy
    family: str
    names: Mapping[str, str]
    model_parameter: str
    n: int


@runtime_checkable
class Hook(Protocol):
    """Start one tool's search from a recommendation and read its results back; a module can be one."""

    def seed(self, target: Any, recommendation: Startable, /, *, strict: bool = False, **options: Any) -> SeedReport:
        """Have the tool evaluate the recommended configurations first.

        Parameters
        ----------
        target : object
            The tool's own object, or the keyword arguments of its call where it has none.
        recommendation : Recommendation or iterable of Candidate or Configuration
            What to try, in this order.
        strict : bool, default=False
            Whether a change or a drop is an error.
        **options : object
            See :class:`SeedOptions`.

        Returns
        -------
        SeedReport
            What was accepted, changed and dropped.
        """
        ...

    def tell(
        self, target: Any, evaluations: Iterable[Evaluation], /, *, strict: bool = False, **options: Any
    ) -> SeedReport:
        """Give the tool results that were really measured on the same task by the same metric.

        Parameters
        ----------
        target : object
            The tool's own object.
        evaluations : iterable of Evaluation
            Real results.
        strict : bool, default=False
            Whether a drop is an error.
        **options : object
            See :class:`SeedOptions`.

        Returns
        -------
        SeedReport
            What was told and what could not be.
        """
        ...

    def harvest(self, target: Any, X: Any, y: Any, /, **options: Any) -> Harvest:
        """Return everything that the tool evaluated, ready for ``store.append``.

        Parameters
        ----------
        target : object
            The tool's own object after the search.
        X : DataFrame or array-like of shape (n_rows, n_features)
            The table.
        y : Series or array-like of shape (n_rows,)
            The target column.
        **options : object
            See :class:`metalearn.hooks.harvest.HarvestOptions`.

        Returns
        -------
        tuple of Task, MetaFeatures and list of Evaluation
            For ``store.append``.
        """
        ...

    def verify(self, target: Any, /) -> SeedReport:
        """Say which seeds were really evaluated, and with which values.

        Parameters
        ----------
        target : object
            The tool's own object after the search.

        Returns
        -------
        SeedReport
            Evaluated as accepted, evaluated otherwise as changed, never evaluated as dropped.
        """
        ...


def require_tool(package: str, extra: str, *, how: str | None = None) -> Any:
    """Import a tool."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        top = package.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise  # the tool is there, something that it needs itself is not
        message = f"The hook needs the package {top!r}, which is not installed. " + (
            how or f"Run: {install_command(extra)}."
        )
        raise MissingExtraError(message) from error


def tool_version(distribution: str) -> str:
    """Return the name and version of an installed tool, as evaluations record it."""
    return f"{distribution} {version(distribution)}"


def _configurations(recommendation: Startable, n: int | None) -> list[tuple[int, Configuration, ProblemType | None]]:
    """Return rank, configuration and kind of problem of what is to be seeded."""
    found: list[tuple[int, Configuration, ProblemType | None]] = []
    for rank, item in enumerate(recommendation, start=1):
        if isinstance(item, Candidate):
            found.append((rank, item.configuration, item.problem_type))
        elif isinstance(item, Configuration):
            found.append((rank, item, None))
        else:
            message = (
                f"A seed is a {type(item).__name__}. Expected a recommendation, or a list of candidates or configurations. "
                "Make one of its parameters: Configuration('lightgbm', {...})."
            )
            raise InvalidInputError(message)
    return found[:n]


def defaults_of(configuration: Configuration, problem_type: ProblemType | None) -> dict[str, ParamValue]:
    """Return what leaving a parameter out means to the library."""
    try:
        spec = get_model(configuration.model)
    except UnknownNameError:
        return {}
    kinds = [problem_type] if problem_type in spec.defaults else list(spec.defaults)
    searched = {name: p for kind in kinds for name, p in spec.spaces[kind].parameters.items()}  # type: ignore[index]
    words = {  # the library's own, where our space has numbers only
        name: values[0]
        for name, values in spec.further.items()
        if name in searched and not isinstance(searched[name], Categorical)
    }
    numbers = {name: value for kind in reversed(kinds) for name, value in spec.defaults[kind].items()}  # type: ignore[index]
    return words | numbers


def plan(
    tool: str,
    recommendation: Startable,
    space: SearchSpace | None,
    *,
    strict: bool = False,
    exact: bool = False,
    partial: bool = False,
    matching: SeedOptions | None = None,
) -> SeedReport:
    """Adapt configurations to a tool's search space, and drop what cannot be used.

    Parameters
    ----------
    tool : str
        The tool's name.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order.
    space : SearchSpace or None
        The tool's search space; None where it is not known before the run.
    strict : bool, default=False
        Whether a change or a drop is an error.
    exact : bool, default=False
        Whether a seed that would not mean the same is dropped.
    partial : bool, default=False
        Whether parameters of other families are left out, which the tool need not be given.
    matching : SeedOptions or None, default=None
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        The accepted seeds under the tool's own names, their values still plain.

    Raises
    ------
    InvalidInputError
        If a seed is no configuration, or it is strict and anything was changed or dropped.
    UnknownNameError
        If there is no such option.
    """
    options: SeedOptions = matching or {}
    _require_known(options)
    items = _configurations(recommendation, options.get("n"))
    if space is None:
        return SeedReport(tool, tuple(_as_they_are(items, options)))
    family, notes, drops = _choose_family(items, space, options)
    said = [*(options.get("names") or {}).values(), *filter(None, [options.get("model_parameter")])]
    notes += [f"the search space has no parameter {name!r}" for name in said if name not in space.parameters]
    changes: list[Change] = []
    seeds: list[Seed] = []
    first: dict[Configuration, int] = {}
    for rank, configuration, problem_type in items:
        if family is not None and configuration.model != family:
            continue
        found = adapt(
            configuration,
            space,
            "drop" if exact else options.get("policy", "clip"),
            names=options.get("names"),
            model_parameter=options.get("model_parameter"),
            defaults=defaults_of(configuration, problem_type),
        )
        adapted = found.configuration
        if adapted is None:
            drops.append(Drop(rank, "", found.dropped[""]))
        elif exact and not found.is_exact:
            lost = ", ".join([*found.dropped, *found.changed])
            why = f"the result would belong to another configuration: {lost} cannot be kept"
            drops.append(Drop(rank, "", why))
        elif adapted in first:
            drops.append(Drop(rank, "", f"the same as seed {first[adapted]} after adaptation"))
        else:
            first[adapted] = rank
            idle = found.foreign if partial else ()
            params = {
                name: adapted.params[name] for name in space.parameters if name in adapted.params and name not in idle
            }
            seeds.append(Seed(rank, configuration.model, params))
            changes += [Change(rank, name, old, new) for name, (old, new) in found.changed.items()]
            drops += [Drop(rank, name, why) for name, why in found.dropped.items()]
    drops.sort(key=lambda drop: drop.rank)
    return SeedReport(tool, tuple(seeds), tuple(changes), tuple(drops), tuple(notes)).require(strict=strict)


def _require_known(options: SeedOptions) -> None:
    unknown = sorted(set(options) - set(SeedOptions.__annotations__))
    if unknown:
        raise unknown_name("option", unknown[0], SeedOptions.__annotations__)
    n = options.get("n")
    if n is not None and (isinstance(n, bool) or not isinstance(n, Integral) or n < 1):
        message = f"n is {n!r}. Expected how many candidates to consider, 1 or more. Leave it out for all."
        raise InvalidInputError(message)


def _as_they_are(
    items: Sequence[tuple[int, Configuration, ProblemType | None]], options: SeedOptions
) -> Iterator[Seed]:
    """Yield seeds for a space that nobody knows: our names and values, with the family beside them."""
    family = options.get("family")
    wanted = get_model(family).name if family is not None else None
    names = options.get("names", {})
    for rank, configuration, _ in items:
        if wanted in (None, configuration.model):
            model = {} if wanted else {options.get("model_parameter", "model"): configuration.model}
            params = {names.get(name, name): value for name, value in configuration.params.items()}
            yield Seed(rank, configuration.model, {**model, **params})


def _choose_family(
    items: Sequence[tuple[int, Configuration, ProblemType | None]], space: SearchSpace, options: SeedOptions
) -> tuple[str | None, list[str], list[Drop]]:
    """Return the one family that a space is about, if any, what to note, and the seeds that are of others."""
    models = [configuration.model for _, configuration, _ in items]
    asked = options.get("family")
    if asked is not None:
        family = get_model(asked).name
    elif model_parameter_of(space, options.get("model_parameter")) is not None:
        return None, [], []
    else:
        found = family_of_parameters(space.parameters, models)
        if found is None:
            return None, [], []
        family = found
    others = [] if asked is not None else [rank for rank, c, _ in items if c.model != family]
    drops = [Drop(rank, "", f"{models[rank - 1]}, but the search space is that of {family}") for rank in others]
    notes = [f"the search space is taken for that of {family}; family= names another"] if others else []
    own = models.count(family)
    if own < len(models):
        share = f"only {own} of {len(models)} candidates are of" if own else "no candidate is of"
        notes.append(f"{share} {family}: recommend(..., families=[{family!r}]) gives more")
    return family, notes, drops


def plan_told(
    tool: str,
    evaluations: Iterable[Evaluation],
    space: SearchSpace,
    *,
    takes: Collection[Status] = tuple(Status),
    strict: bool = False,
    matching: SeedOptions | None = None,
) -> tuple[SeedReport, dict[int, Evaluation]]:
    """Adapt measured results to a tool's search space, only those that mean the same there.

    Parameters
    ----------
    tool : str
        The tool's name.
    evaluations : iterable of Evaluation
        Results of one task and one metric; the folds of a configuration are averaged.
    space : SearchSpace
        The tool's search space.
    takes : collection of Status, default=all
        What the tool can be told; other results are dropped.
    strict : bool, default=False
        Whether a drop is an error.
    matching : SeedOptions or None, default=None
        How configurations are matched with the space.

    Returns
    -------
    report : SeedReport
        What can be told.
    results : dict of int to Evaluation
        The mean result by rank; NaN where any fold failed.

    Raises
    ------
    InvalidInputError
        If the results are of several tasks or metrics, or it is strict and one does not fit.
    """
    groups: dict[Configuration, list[Evaluation]] = {}
    kinds = set()
    for evaluation in evaluations:
        groups.setdefault(evaluation.configuration, []).append(evaluation)
        kinds.add((evaluation.task_id, evaluation.metric))
    if len(kinds) > 1:
        message = (
            f"The results are of several tasks or metrics: {sorted(kinds)[:4]}. Expected one of each. Select them."
        )
        raise InvalidInputError(message)
    results = {}
    for rank, folds in enumerate(groups.values(), start=1):
        bad = next((f for f in folds if f.status is not Status.OK), None)
        mean = sum(f.value for f in folds) / len(folds)
        results[rank] = bad or Evaluation(
            task_id=folds[0].task_id, configuration=folds[0].configuration, metric=folds[0].metric, value=mean
        )
    report = plan(tool, list(groups), space, exact=True, matching=matching)
    for item in report.accepted:
        if (status := results[item.rank].status) not in takes:
            report = report.without(item.rank, f"{tool} takes no result that is {status}")
    return replace(report.require(strict=strict), deed="told"), results


def told_value(evaluation: Evaluation, *, maximize: bool, metric: str | None = None) -> float:
    """Return a measured value as a tool's objective would have returned it.

    Parameters
    ----------
    evaluation : Evaluation
        A successful result.
    maximize : bool
        Whether the tool maximises.
    metric : str or None, default=None
        What the objective returns, such as ``"neg_accuracy"`` or ``"1-accuracy"``; None for the metric itself.

    Returns
    -------
    float
        In the tool's direction.

    Raises
    ------
    InvalidInputError
        If the direction of the tool is not that of the metric and nobody says how it is turned, or the objective returns
        another metric.
    """
    measure = measure_of(metric or evaluation.metric, None, maximize=maximize)
    if measure.metric.name != evaluation.metric:
        message = (
            f"The results are {evaluation.metric}, but the objective returns {measure.metric.name}. Expected results of the same "
            "metric. Tell others, or correct metric=..."
        )
        raise InvalidInputError(message)
    return measure.value(evaluation.value)


def none_told(tool: str, evaluations: Iterable[Evaluation], why: str, *, strict: bool = False) -> SeedReport:
    """Return the report of a tool that takes no results."""
    ranks = range(1, 1 + len({evaluation.configuration for evaluation in evaluations}))
    return SeedReport(tool, dropped=tuple(Drop(rank, "", why) for rank in ranks), deed="told").require(strict=strict)


def warn_of_lost_conditions(tool: str, names: Iterable[str]) -> None:
    """Warn of parameters that a tool will search where they are inactive, if there are any."""
    if lost := list(names):
        message = (
            f"{tool} cannot express the conditions of {lost}: it searches them where they are inactive, too. Expected a "
            "space without such conditions. Pass SearchSpace(space.parameters) and ignore what is inactive, or search "
            "each branch by itself."
        )
        warnings.warn(message, UserWarning, stacklevel=3)


def __getattr__(name: str) -> Any:
    """Return what a deprecated name stands for, for one version."""
    if name == "Matching":
        warnings.warn("Matching is now SeedOptions.", DeprecationWarning, stacklevel=2)
        return SeedOptions
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
