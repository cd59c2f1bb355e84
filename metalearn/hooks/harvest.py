"""From a tool's trials to evaluations of a task: names, signs and states as ours."""

import logging
import math
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypedDict

from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.measure import Convention, Measure, measure_of
from metalearn.hooks.report import share_of
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.models import get_model, model_names
from metalearn.models.recognition import (
    families_of_parameters,
    left_out,
    parameters_of,
    recognised,
    storable,
    unfolded,
)
from metalearn.report.markup import visible
from metalearn.space import Configuration
from metalearn.space.aliases import MODEL_PARAMETERS, family_of, known_name
from metalearn.task import Metric, ProblemType, Task

__all__ = [
    "Harvest",
    "HarvestOptions",
    "Trial",
    "Trials",
    "configuration_of",
    "evaluations_of",
    "gather",
    "knowledge_of",
    "tell_extras",
]

_logger = logging.getLogger(__name__)
_WORDS = frozenset(MODEL_PARAMETERS) - {"algorithm", "family", "learner"}
"""Parameters whose value names a family even where nobody knows that family."""

Harvest: TypeAlias = tuple[Task, MetaFeatures, list[Evaluation]]
"""What ``store.append`` takes."""


class HarvestOptions(TypedDict, total=False):
    """Say how a tool's trials are to be read; every key is optional.

    Attributes
    ----------
    metric : str or Metric
        What the objective returned, such as ``"accuracy"``, ``"neg_r2"`` or ``"1-accuracy"``; default: what the tool says.
    family : str
        The model family; default: what the trials' parameters say, and the seeds where several families have them.
    names : mapping of str to str
        The tool's name by our name, where the table of aliases would not find it.
    model_parameter : str
        The parameter that chooses among families; default: the usual names.
    to_score : callable
        Turns the tool's value into the metric's; default: by the name of the metric.
    problem_type : ProblemType or str
        The kind of problem; default: inferred from the target.
    name : str
        What the dataset is called, through all versions of its data; default: nothing that tells its name.
    way : str
        Short name of the way rows were split, where it was not at random: such results are those of another task.
    """

    metric: str | Metric
    family: str
    names: Mapping[str, str]
    model_parameter: str
    to_score: Callable[[float], float]
    problem_type: ProblemType | str
    name: str
    way: str


@dataclass(frozen=True)
class Trial:
    """Hold one trial in the tool's own terms.

    Parameters
    ----------
    params : mapping
        Parameters under the tool's names.
    value : float or None, default=None
        In the tool's direction; None unless it succeeded.
    status : Status, default=Status.OK
        How it ended.
    seconds : float or None, default=None
        Wall-clock seconds.
    message : str, default=""
        What went wrong, whether it was seeded, and so on.
    fold : int or None, default=None
        Index of the fold; None where each trial is a whole one: repeats of a configuration are then its folds.
    predict_seconds : float or None, default=None
        Seconds of prediction, where they are known apart.
    model : str, default=""
        The model family, where the tool says so.
    key : str, default=""
        What the tool calls it.
    rank : int or None, default=None
        The seed that it is, where the tool remembers that.
    asked : mapping or None, default=None
        The seed's parameters, where the tool remembers those.
    unfinished : str, default=""
        What the tool calls the state of a trial that has not ended, such as ``"waiting"``.
    """

    params: Mapping[str, Any]
    value: float | None = None
    status: Status = Status.OK
    seconds: float | None = None
    message: str = ""
    fold: int | None = None
    predict_seconds: float | None = None
    model: str = field(default="", kw_only=True)
    key: str = field(default="", kw_only=True)
    rank: int | None = field(default=None, kw_only=True)
    asked: Mapping[str, Any] | None = field(default=None, kw_only=True)
    unfinished: str = field(default="", kw_only=True)

    @property
    def is_measured(self) -> bool:
        """Whether it ended with a finite value."""
        return self.status is Status.OK and self.value is not None and math.isfinite(self.value)

    @property
    def is_seed(self) -> bool:
        """Whether it used at least half of the values of a seed."""
        asked = self.params if self.asked is None else self.asked
        return self.rank is not None and share_of(asked, self.params, self.model) >= 0.5  # noqa: PLR2004


@dataclass(frozen=True)
class Trials:
    """Hold a tool's trials, their direction and what they measured, as far as the tool says so."""

    rows: Iterable[Trial]
    maximize: bool = False
    metric: str | Metric | None = None
    convention: Convention = "as named"


def _families(
    trial: Trial, family: str | None, reading: HarvestOptions, likely: Collection[str]
) -> tuple[list[str], dict[str, Any]]:
    """Return the families that a trial may be of, and its parameters without the one that names its family."""
    step, params = unfolded(trial.params)
    chooser = reading.get("model_parameter")
    model, nobodys = trial.model or step or None, None
    for word in (chooser,) if chooser is not None else MODEL_PARAMETERS:
        said = params.get(word)
        owner = family_of(said) or (said if said in model_names() else None)
        if owner is not None and model in (None, owner):
            model = owner
            del params[word]
        elif owner is None and isinstance(said, str) and said and (chooser is not None or word in _WORDS):
            nobodys = nobodys or (word, said)
    if model is None and family is None and nobodys is not None:
        del params[nobodys[0]]
        return [nobodys[1]], params
    model = model or family
    if model is not None:
        return [model], params
    ours = {theirs: name for name, theirs in reading.get("names", {}).items()}
    return families_of_parameters([ours.get(name, name) for name in params], likely), params


def configuration_of(
    trial: Trial,
    family: str | None = None,
    options: HarvestOptions | None = None,
    *,
    likely: Collection[str] = (),
    extras: "Counter[str] | None" = None,
    asks: str = "family=",
) -> Configuration | None:
    """Return a trial's configuration under our names."""
    reading: HarvestOptions = options or {}
    families, params = _families(trial, family, reading, likely)
    if len(families) > 1:
        message = (
            f"The parameters {sorted(trial.params)[:10]} belong to several model families: {families}. "
            f"Expected those of one, or a parameter that names it. Say which: {asks}{families[0]!r} or another of them."
        )
        raise InvalidInputError(message)
    if not families:
        return None
    ours = {theirs: name for name, theirs in reading.get("names", {}).items()}
    searched = parameters_of(families[0])
    found: dict[str, Any] = {}
    for name, value in params.items():
        full = ours.get(name) or known_name(name, families[0], searched)
        if full is not None:
            found[full] = storable(value)
    for name in left_out(families[0], found):
        del found[name]
        if extras is not None:
            extras[name] += 1
    return recognised(families[0], found)


def evaluations_of(
    trials: Iterable[Trial],
    task: Task,
    score: Callable[[float], float],
    *,
    versions: str = "",
    options: HarvestOptions | None = None,
    asks: str = "family=",
) -> list[Evaluation]:
    """Turn trials into evaluations of a task."""
    reading: HarvestOptions = options or {}
    metric = task.metric
    family = reading.get("family")
    family = (family_of(family) or get_model(family).name) if family is not None else None
    rows = list(trials)
    seeded = {trial.model for trial in rows if trial.model}
    kinds = {(trial.model, *trial.params): trial for trial in rows}.values()
    clear = {found[0] for found in (_families(t, family, reading, seeded)[0] for t in kinds) if len(found) == 1}
    extras: Counter[str] = Counter()
    found = []
    for trial in rows:
        configuration = configuration_of(trial, family, reading, likely=clear, extras=extras, asks=asks)
        if configuration is None:
            message = (
                f"The parameters {sorted(trial.params)[:10]} belong to no known model family. "
                f"Expected some that do. Say which it is: {asks}'lightgbm', or another."
            )
            raise InvalidInputError(message)
        value = float(score(float(trial.value))) if trial.is_measured and trial.value is not None else math.nan
        if trial.is_measured and not metric.is_possible(value):
            low, high = metric.bounds
            message = (
                f"A trial has the value {trial.value:g}, read as {metric.name} {value:g}. Expected {low:g} to {high:g}. "
                "Name what was measured (metric='neg_...' where it was negated), or how values become scores "
                "(to_score=lambda value: ...)."
            )
            raise InvalidInputError(message)
        seconds = trial.seconds if trial.seconds is not None and 0 <= trial.seconds < 1e9 else None  # noqa: PLR2004
        evaluation = Evaluation(
            task_id=task.id,
            configuration=configuration,
            metric=metric.name,
            value=value,
            fit_seconds=seconds,
            predict_seconds=trial.predict_seconds,
            status=trial.status if trial.is_measured or trial.status is not Status.OK else Status.FAILED,
            message=trial.message or (f"seed {trial.rank}" if trial.is_seed else ""),
            versions=versions,
        )
        found.append((trial.fold, evaluation))
    tell_extras(extras)
    return _with_folds(found)


def tell_extras(extras: "Counter[str]") -> None:
    """Log the parameters that were left out."""
    if extras:
        named = ", ".join(
            f"{visible(name[:40])} ({n})" for name, n in sorted(extras.items(), key=lambda e: (-e[1], e[0]))[:10]
        )
        more = f" and {len(extras) - 10} more" if len(extras) > 10 else ""  # noqa: PLR2004
        _logger.warning(
            "Left out, since they are no parameters of the model or may tell of the data: %s%s.", named, more
        )


def _with_folds(found: Iterable[tuple[int | None, Evaluation]]) -> list[Evaluation]:
    """Give numbers to runs of a configuration that bear none, or the same; drop failures beside successes."""
    groups: dict[Configuration, dict[int | None, list[tuple[int, Evaluation]]]] = {}
    for place, (fold, evaluation) in enumerate(found):
        groups.setdefault(evaluation.configuration, {}).setdefault(fold, []).append((place, evaluation))
    numbered: list[tuple[int, Evaluation]] = []
    for folds in groups.values():
        kept = {}
        for fold, runs in folds.items():
            good = [entry for entry in runs if entry[1].status is Status.OK]
            if fold is not None:  # the same rows and the same score: the same run
                good = list({run.value: (place, run) for place, run in reversed(good)}.values())[::-1]
            kept[fold] = good or runs[:1]
        if None in kept or any(len(runs) > 1 for runs in kept.values()):
            every = [entry for runs in kept.values() for entry in runs]
            numbered += [(place, replace(run, fold=fold)) for fold, (place, run) in enumerate(every)]
        else:
            numbered += [(place, replace(run, fold=fold or 0)) for fold, ((place, run),) in kept.items()]
    return [run for _, run in sorted(numbered, key=lambda entry: entry[0])]


def gather(
    trials: Iterable[Trial],
    X: Any,
    y: Any,
    *,
    maximize: bool,
    said_metric: str | Metric | None = None,
    convention: Convention = "as named",
    versions: str = "",
    options: HarvestOptions | None = None,
) -> Harvest:
    """Turn a tool's trials into what ``store.append`` takes.

    Parameters
    ----------
    trials : iterable of Trial
        Finished trials.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    maximize : bool
        Whether the tool maximises.
    said_metric : str, Metric or None, default=None
        What the tool says it measured.
    convention : {"as named", "score", "loss"}, default="as named"
        What the tool itself does to the values of a metric.
    versions : str, default=""
        The tool and its version.
    options : HarvestOptions or None, default=None
        How the trials are to be read.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        Under our names and in the metric's own direction.

    Raises
    ------
    InvalidInputError
        If it is not known what was measured, or of which one family a trial is, or a value cannot be of the metric.
    """
    reading: HarvestOptions = options or {}
    data = Dataset.from_data(X, y, problem_type=reading.get("problem_type"))
    task = data.as_task(reading.get("name"))
    task, score = _measured(task, Trials((), maximize, said_metric, convention), reading)
    if way := reading.get("way"):
        task = task.evaluated(way, note="folds split by hand")
    return task, extract(data), evaluations_of(trials, task, score, versions=versions, options=reading)


def _measured(task: Task, said: Trials, reading: HarvestOptions) -> tuple[Task, Callable[[float], float]]:
    """Return the task with the metric that trials measured, and what turns their values into the metric's."""
    name, to_score = reading.get("metric") or said.metric, reading.get("to_score")
    convention = said.convention
    if to_score is not None and name is not None:
        convention = "score"  # any: the user says how
    measure: Measure = measure_of(name, task.problem_type, maximize=said.maximize, convention=convention)
    return replace(task, metric=measure.metric), to_score or measure.score


def knowledge_of(
    found: Trials, task: Task, *, tool: str, options: HarvestOptions | None = None, asks: str = "family="
) -> KnowledgeBase:
    """Turn the trials that a tool's files hold into a knowledge base."""
    reading: HarvestOptions = options or {}
    task.require_known_data()
    measured, score = _measured(task, found, reading)
    evaluations = evaluations_of(found.rows, measured, score, options=reading, asks=asks)
    plain = KnowledgeBase.from_records([measured], {}, evaluations)
    return KnowledgeBase(
        plain.tasks.assign(recorded_with=tool),
        plain.meta_features,
        plain.configurations,
        plain.evaluations.assign(recorded_with=tool),
    ).normalised()


def __getattr__(name: str) -> Any:
    """Return what a deprecated name stands for, for one version."""
    if name == "Reading":
        warnings.warn("Reading is now HarvestOptions.", DeprecationWarning, stacklevel=2)
        return HarvestOptions
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
