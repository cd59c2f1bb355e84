"""From a tool's trials to evaluations of a task: names, signs and states as ours."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import Harvest
from metalearn.metafeatures import extract
from metalearn.models import get_model, model_names
from metalearn.models.recognition import families_of_parameters, parameters_of, recognised
from metalearn.space import Configuration
from metalearn.space.aliases import MODEL_PARAMETERS, family_of, known_name
from metalearn.task import Metric, ProblemType, get_metric, scorer_of

__all__ = ["Reading", "Trial", "configuration_of", "gather", "resolve_metric"]


class Reading(TypedDict, total=False):
    """Say how a tool's trials are to be read; every key is optional.

    Attributes
    ----------
    metric : str or Metric
        What the trials measured; default: what the tool or the seeded recommendation says.
    family : str
        The model family; default: what the trials' parameters say, and the seeds where several families have them.
    names : mapping of str to str
        The tool's name by our name, where the table of aliases would not find it.
    model_parameter : str
        The parameter that chooses among families; default: the usual names.
    to_score : callable
        Turns the tool's value into the metric's; default: by the two directions.
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
    value : float or None
        In the tool's direction; None unless it succeeded.
    status : Status, default=Status.OK
        How it ended.
    seconds : float or None, default=None
        Wall-clock seconds.
    message : str, default=""
        What went wrong, whether it was seeded, and so on.
    fold : int, default=0
        Index of the fold.
    predict_seconds : float or None, default=None
        Seconds of prediction, where they are known apart.
    model : str, default=""
        The model family, where the tool says so.
    """

    params: Mapping[str, Any]
    value: float | None
    status: Status = Status.OK
    seconds: float | None = None
    message: str = ""
    fold: int = 0
    predict_seconds: float | None = None
    model: str = field(default="", kw_only=True)


def resolve_metric(
    metric: str | Metric | None, problem_type: ProblemType, *, maximize: bool, said: str | None = None
) -> Metric:
    """Return the metric that trials measured.

    Parameters
    ----------
    metric : str or Metric or None
        What the caller says.
    problem_type : ProblemType
        The kind of problem.
    maximize : bool
        Whether the tool maximises; the direction of a metric that nobody knows.
    said : str or None, default=None
        What the tool says, if the caller does not.

    Returns
    -------
    Metric
        A known metric, or one of the given name.

    Raises
    ------
    InvalidInputError
        If nobody says what was measured.
    """
    if isinstance(metric, Metric):
        return metric
    name = metric or said
    if name is None:
        message = (
            "Nobody says what the trials measured. Expected a metric such as 'accuracy'. "
            "Pass metric=..., or seed the search from a recommendation, which has one."
        )
        raise InvalidInputError(message)
    try:
        return get_metric(name, problem_type)
    except LookupError:
        return Metric(name, maximize, 1.0 if maximize else 0.0)


def _families(
    trial: Trial, family: str | None, reading: Reading, likely: Collection[str]
) -> tuple[list[str], dict[str, Any]]:
    """Return the families that a trial may be of, and its parameters without the one that names its family."""
    params = dict(trial.params)
    chooser = reading.get("model_parameter")
    model = trial.model or None
    for word in (chooser,) if chooser is not None else MODEL_PARAMETERS:
        said = params.get(word)
        owner = family_of(said) or (said if said in model_names() else None)
        if owner is not None and model in (None, owner):
            model = owner
            del params[word]
    model = model or family
    if model is not None:
        return [model], params
    ours = {theirs: name for name, theirs in reading.get("names", {}).items()}
    return families_of_parameters([ours.get(name, name) for name in params], likely), params


def configuration_of(
    trial: Trial, family: str | None = None, options: Reading | None = None, *, likely: Collection[str] = ()
) -> Configuration | None:
    """Return a trial's configuration under our names.

    Parameters
    ----------
    trial : Trial
        In the tool's own terms.
    family : str or None, default=None
        Our name of its family, where neither the trial nor its parameters say it.
    options : Reading or None, default=None
        How the trial is to be read.
    likely : collection of str, default=()
        Families that go before others where several have the parameters.

    Returns
    -------
    Configuration or None
        None if the parameters belong to no known family.

    Raises
    ------
    InvalidInputError
        If the parameters belong to several families equally well.
    """
    reading: Reading = options or {}
    families, params = _families(trial, family, reading, likely)
    if len(families) > 1:
        message = (
            f"The parameters {sorted(trial.params)[:10]} belong to several model families: {families}. "
            f"Expected those of one. Pass family={families[0]!r} or another of them."
        )
        raise InvalidInputError(message)
    if not families:
        return None
    ours = {theirs: name for name, theirs in reading.get("names", {}).items()}
    searched = parameters_of(families[0])
    found = {ours.get(name) or known_name(name, families[0], searched): value for name, value in params.items()}
    params = {name: _storable(v) for name, v in found.items() if name is not None}
    return recognised(families[0], params)


def _storable(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if isinstance(plain, float) and math.isfinite(plain):
        return float(f"{plain:.12g}")  # a log scale turns 0.1 into 0.09999999999999995
    return plain if plain is None or isinstance(plain, bool | int | str) else str(plain)


def gather(
    trials: Iterable[Trial],
    X: Any,
    y: Any,
    *,
    maximize: bool,
    said_metric: str | None = None,
    versions: str = "",
    options: Reading | None = None,
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
        Whether the tool maximises its values.
    said_metric : str or None, default=None
        What the tool says that it measured.
    versions : str, default=""
        The tool's name and version.
    options : Reading or None, default=None
        How the trials are to be read.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        The task is known by the fingerprint of its data, so that harvesting twice adds nothing.

    Raises
    ------
    InvalidInputError
        If it is not known what was measured, or of which one family a trial is, or a value cannot be of the metric.
    """
    reading: Reading = options or {}
    data = Dataset.from_data(X, y, problem_type=reading.get("problem_type"))
    metric = resolve_metric(reading.get("metric"), data.problem_type, maximize=maximize, said=said_metric)
    task = replace(data.as_task(reading.get("name")), metric=metric)
    if way := reading.get("way"):
        task = task.evaluated(way, note="folds split by hand")
    family = reading.get("family")
    family = get_model(family).name if family is not None else None
    rows = list(trials)
    seeded = {trial.model for trial in rows if trial.model}
    found_families = [_families(trial, family, reading, seeded)[0] for trial in rows]
    clear = {families[0] for families in found_families if len(families) == 1}  # a failed trial may have few parameters
    values = [t.value for t in rows if t.status is Status.OK and t.value is not None and math.isfinite(t.value)]
    score = reading.get("to_score") or scorer_of(values, metric, maximize=maximize)
    wrong = next((value for value in values if not metric.is_possible(float(score(value)))), None)
    if wrong is not None:
        low, high = metric.bounds
        message = (
            f"A trial has the value {wrong:g}, read as {metric.name} {float(score(wrong)):g}. Expected {low:g} to {high:g}. "
            "Name what was measured (metric=...), or how values become scores (to_score=lambda value: ...)."
        )
        raise InvalidInputError(message)
    found: dict[tuple[str, int], Evaluation] = {}
    for trial in rows:
        configuration = configuration_of(trial, family, reading, likely=clear)
        if configuration is None:
            message = (
                f"The parameters {sorted(trial.params)[:10]} belong to no known model family. "
                "Expected some that do. Pass family=..., and names=... where they have other names."
            )
            raise InvalidInputError(message)
        measured = trial.status is Status.OK and trial.value is not None and math.isfinite(trial.value)
        evaluation = Evaluation(
            task_id=task.id,
            configuration=configuration,
            metric=metric.name,
            value=float(score(trial.value)) if measured and trial.value is not None else math.nan,
            fold=trial.fold,
            fit_seconds=trial.seconds,
            predict_seconds=trial.predict_seconds,
            status=trial.status if measured or trial.status is not Status.OK else Status.FAILED,
            message=trial.message,
            versions=versions,
        )
        key = (evaluation.configuration_id, evaluation.fold)
        if key not in found or (measured and found[key].status is not Status.OK):
            found[key] = evaluation
    return task, extract(data), list(found.values())
