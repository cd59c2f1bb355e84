"""What is to be learned: the problem type, the metric, and the task that joins them to a dataset."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

from metalearn.exceptions import InvalidInputError, UnknownNameError, unknown_name
from metalearn.scorers import has_scorer, is_scorer_of, named_scorer, own_scorer, scorer_name, scorer_names

__all__ = [
    "METRICS",
    "NEW",
    "Metric",
    "ProblemType",
    "Task",
    "as_problem_type",
    "get_metric",
    "metrics_for",
    "scorer_sign",
]


class ProblemType(StrEnum):
    """Tell the kinds of supervised problem apart."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        """Whether the target holds classes."""
        return self is not ProblemType.REGRESSION

    @classmethod
    def _missing_(cls, value: object) -> "ProblemType | None":
        """Read other spellings; the number of classes tells what ``"classification"`` is."""
        plain = str(value).strip().lower()
        return cls.MULTICLASS if plain == "classification" else next((kind for kind in cls if kind == plain), None)


def as_problem_type(value: ProblemType | str) -> ProblemType:
    """Return a kind of problem by its name; refuse others with those that there are."""
    try:
        return ProblemType(value)
    except ValueError as error:
        message = (
            f"Unknown problem type {str(value)!r}. Expected one of {[str(p) for p in ProblemType]}. Choose one of them."
        )
        raise InvalidInputError(message) from error


_CLASSIFICATION = (ProblemType.BINARY, ProblemType.MULTICLASS)
_REGRESSION = (ProblemType.REGRESSION,)
_SHARES = frozenset({"roc_auc", "balanced_accuracy", "accuracy", "f1_macro"})
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Metric:
    """Describe a measure of quality and the direction in which it improves.

    Parameters
    ----------
    name : str
        The name under which values are stored.
    greater_is_better : bool
        Whether larger values are better.
    optimum : float, default=1.0
        The best value that can be reached.
    problem_types : tuple of ProblemType, default=()
        The problem types it is defined for; empty means any.
    scorer : callable or None, default=None
        What measures one of the user's own: takes a model, a table and the truth.
    stand_ins : tuple of (str, float), default=()
        For one of the user's own, the known metrics from which is learned instead, and how well they agree with it on the
        target at hand, from -1 to 1; the best first.

    Examples
    --------
    >>> Metric("accuracy", greater_is_better=True).to_loss(0.75)
    0.25
    """

    name: str
    greater_is_better: bool
    optimum: float = 1.0
    problem_types: tuple[ProblemType, ...] = ()
    scorer: Callable[..., Any] | None = field(default=None, compare=False, repr=False)
    stand_ins: tuple[tuple[str, float], ...] = field(default=(), compare=False)

    @property
    def is_own(self) -> bool:
        """Whether it is a metric of the user's, which the bundled results do not have."""
        return self.name not in METRICS

    @property
    def scoring(self) -> str:
        """What scikit-learn calls a metric of the user's as ``scoring``; empty for one that has no name there."""
        return self.name if not self.is_own or has_scorer(self.name) else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the metric as plain values."""
        return {"metric": self.name, **({"stand_ins": dict(self.stand_ins)} if self.is_own else {})}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], problem_type: ProblemType) -> "Metric":
        """Return the metric that :meth:`to_dict` wrote."""
        stand_ins = tuple((str(name), float(share)) for name, share in values.get("stand_ins", {}).items())
        try:
            return replace(get_metric(values.get("metric"), problem_type), stand_ins=stand_ins)
        except UnknownNameError:
            return cls(str(values["metric"]), greater_is_better=True, stand_ins=stand_ins)

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value that can be measured; infinite for what is not ours and no negated error."""
        if self.name not in METRICS:
            return -math.inf, 0.0 if self.name.startswith("neg_") and has_scorer(self.name) else math.inf
        if not self.greater_is_better:
            return self.optimum, math.inf
        return 0.0 if self.name in _SHARES else -math.inf, self.optimum

    def is_possible(self, value: Any) -> Any:
        """Tell whether values lie in the metric's range, up to rounding."""
        low, high = self.bounds
        return (value >= low - _ROUNDING) & (value <= high + _ROUNDING)

    def to_loss(self, value: Any) -> Any:
        """Turn values as measured into losses: lower is better, 0 is perfect."""
        return self.optimum - value if self.greater_is_better else value - self.optimum

    def from_loss(self, loss: Any) -> Any:
        """Turn losses back into values of the metric."""
        return self.optimum - loss if self.greater_is_better else loss + self.optimum


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", True, 1.0, _CLASSIFICATION),  # noqa: FBT003 - read as a table
        Metric("log_loss", False, 0.0, _CLASSIFICATION),  # noqa: FBT003
        Metric("balanced_accuracy", True, 1.0, _CLASSIFICATION),  # noqa: FBT003
        Metric("accuracy", True, 1.0, _CLASSIFICATION),  # noqa: FBT003
        Metric("f1_macro", True, 1.0, _CLASSIFICATION),  # noqa: FBT003
        Metric("r2", True, 1.0, _REGRESSION),  # noqa: FBT003
        Metric("rmse", False, 0.0, _REGRESSION),  # noqa: FBT003
        Metric("mae", False, 0.0, _REGRESSION),  # noqa: FBT003
    )
}

_OF_PROBABILITIES = ("roc_auc_score", "log_loss")

_OPTIONS = {"roc_auc_score": {"multi_class": "ovr", "average": "macro"}, "f1_score": {"average": "macro"}}
"""What scikit-learn's functions may be told, since past results were measured so."""

_ALIASES = {
    "auc": "roc_auc",
    "roc_auc_score": "roc_auc",
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "r2_score": "r2",
    "roc_auc_ovr": "roc_auc",
    "neg_log_loss": "log_loss",
    "logloss": "log_loss",
    "neg_root_mean_squared_error": "rmse",
    "root_mean_squared_error": "rmse",
    "neg_mean_absolute_error": "mae",
    "mean_absolute_error": "mae",
}

_DEFAULTS = {
    ProblemType.BINARY: "roc_auc",
    ProblemType.MULTICLASS: "accuracy",
    ProblemType.REGRESSION: "r2",
}


def metrics_for(problem_type: ProblemType) -> tuple[Metric, ...]:
    """List the metrics that are measured for a problem type."""
    return tuple(metric for metric in METRICS.values() if problem_type in metric.problem_types)


def get_metric(name: str | Callable[..., Any] | Metric | None, problem_type: ProblemType) -> Metric:
    """Return a metric by its name, scikit-learn's names, scorers and functions included, or one of the user's own.

    Parameters
    ----------
    name : str, callable, Metric or None
        The name; a name that scikit-learn knows as ``scoring``; a scorer, which takes a model, a table and the truth; a
        function of ``sklearn.metrics``; a metric, which is returned. None takes the default of the problem type
        (``roc_auc``, ``accuracy``, ``r2``).
    problem_type : ProblemType
        The kind of problem the metric has to fit.

    Returns
    -------
    Metric
        What past results were measured by, where it is that; else one of the user's own: as scikit-learn's scorers, the
        greater the better.

    Raises
    ------
    UnknownNameError
        If no metric has the name.
    InvalidInputError
        If the metric is not defined for the problem type, or is a function of predictions that does not say whether it
        is to be large or small.

    Examples
    --------
    >>> get_metric("neg_log_loss", ProblemType.BINARY).name
    'log_loss'
    >>> get_metric("average_precision", ProblemType.BINARY).is_own
    True
    """
    if isinstance(name, Metric):
        return name
    known = _DEFAULTS[problem_type] if name is None else _measured(name)
    if known is None:
        return _own(name, problem_type)
    metric = METRICS[known]
    if problem_type not in metric.problem_types:
        raise _unfit(metric.name, problem_type)
    return metric


def _unfit(name: str, problem_type: ProblemType) -> InvalidInputError:
    fitting = [m.name for m in metrics_for(problem_type)]
    message = (
        f"The metric {name!r} does not fit a {problem_type} problem. Expected one of {fitting}. "
        "Choose one of them, or set the problem type if it was inferred wrongly."
    )
    return InvalidInputError(message)


def _measured(name: str | Callable[..., Any]) -> str | None:
    """Return our name of what past results were measured by; None if it is something else."""
    if isinstance(name, str):
        plain = _spelled(name)
        plain = _ALIASES.get(plain, plain)
        return plain if plain in METRICS else None
    function: Any = getattr(name, "_score_func", name)
    if not str(getattr(function, "__module__", "")).startswith("sklearn.metrics"):
        return None  # it may bear any name
    said = str(getattr(function, "__name__", function))
    if said in _OF_PROBABILITIES and getattr(name, "_response_method", None) == "predict":
        return None  # of classes: another measure
    usual, options = _OPTIONS.get(said, {}), getattr(name, "_kwargs", {})
    if any(repr(usual.get(option)) != repr(value) for option, value in options.items()):  # some are arrays
        return None
    return _measured("f1_macro" if said == "f1_score" and options else said)


def _spelled(name: str) -> str:
    """Return a name as METRICS and scikit-learn spell theirs: ``ROC-AUC`` as ``roc_auc``."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _own(given: str | Callable[..., Any] | None, problem_type: ProblemType) -> Metric:
    """Return a metric of scikit-learn that past results lack, or of the user's own."""
    if callable(given):
        scorer = own_scorer(given)
        name = scorer_name(scorer)
        if name in METRICS or name in _ALIASES or (has_scorer(name) and not is_scorer_of(name, scorer)):
            name = f"own_{name}"
    else:
        name = _spelled(str(given))
        if not has_scorer(name):
            raise unknown_name("metric", str(given), METRICS, further=scorer_names())
        found = named_scorer(name, classes=problem_type.is_classification)
        if found is None:
            raise _unfit(name, problem_type)
        scorer = found
    return Metric(name, greater_is_better=True, optimum=_optimum(scorer), scorer=scorer)


def _optimum(scorer: Callable[..., Any]) -> float:
    """Errors that are negated end at 0, what else scikit-learn has at 1 or nowhere."""
    return 0.0 if getattr(scorer, "_sign", 1) < 0 else 1.0


def scorer_sign(name: str | Callable[..., Any] | Metric | None) -> float:
    """Return what a scorer's values are multiplied with to be in the metric's own direction.

    Parameters
    ----------
    name : str, callable, Metric or None
        What :func:`get_metric` takes.

    Returns
    -------
    float
        -1 for scorers that negate what we do not, by name (``neg_log_loss``) or as an object of scikit-learn, else 1.

    Examples
    --------
    >>> scorer_sign("neg_log_loss"), scorer_sign("log_loss")
    (-1.0, 1.0)
    """
    if name is None or isinstance(name, Metric) or _measured(name) is None:
        return 1.0
    if isinstance(name, str):
        return -1.0 if _spelled(name).startswith("neg_") else 1.0
    return float(getattr(name, "_sign", 1.0))


NEW = "new:"
"""How the ids of tasks begin that were asked about only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Name a problem on a dataset, with the plain facts that are kept about it.

    Parameters
    ----------
    id : str
        Namespaced and unique, such as ``"openml:3913"``.
    problem_type : ProblemType
        The kind of problem.
    metric : Metric, optional
        What is asked for; default: the problem type's default metric. It is not stored.
    dataset_id : str, default=""
        The dataset's own id; default: the task's.
    name : str, default=""
        What people call the dataset; default: the task's id.
    family : str, default=""
        Shared by near-copies of a dataset, which must be left out together; default: the name.
    fingerprint : str, default=""
        Identifies the data without revealing it.
    n_rows, n_features, n_classes : int, default=0
        The size of the dataset; no classes in regression.
    n_rows_used : int, default=0
        How many rows were evaluated; default: all of them.
    source, licence, note : str, default=""
        Where the dataset comes from, what its licence says, and what is peculiar about it.
    predecessor : str, default=""
        Id of the task on the version of the data that came before, if any.
    """

    id: str
    problem_type: ProblemType
    metric: Metric = None  # type: ignore[assignment]  # filled below
    dataset_id: str = ""
    name: str = ""
    family: str = ""
    fingerprint: str = ""
    n_rows: int = 0
    n_features: int = 0
    n_classes: int = 0
    n_rows_used: int = 0
    source: str = ""
    licence: str = ""
    note: str = ""
    predecessor: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            message = "A task needs an id, but it is empty. Expected a unique name such as 'openml:3913'."
            raise InvalidInputError(message)
        fill = object.__setattr__
        fill(self, "problem_type", ProblemType(self.problem_type))
        fill(self, "metric", self.metric or get_metric(None, self.problem_type))
        fill(self, "dataset_id", self.dataset_id or self.id)
        fill(self, "name", self.name or self.id)
        fill(self, "family", self.family or self.name)
        fill(self, "n_rows_used", self.n_rows_used or self.n_rows)

    def require_known_data(self) -> None:
        """Refuse the task of a request, whose id does not tell its data: results of two tables would become one task's.

        Raises
        ------
        InvalidInputError
            If the task is that of a recommendation or an advisor.
        """
        if self.id.startswith(NEW):
            message = (
                f"The task {self.id!r} is that of a request, which does not tell the data. Expected one under which results "
                "can be kept. Make it of the table: metalearn.dataset.Dataset.from_data(X, y).as_task()."
            )
            raise InvalidInputError(message)

    def evaluated(self, way: str, *, note: str) -> Self:
        """Return the task of the same data whose scores come about in another way, so that they are kept apart.

        Parameters
        ----------
        way : str
            Short name of the way, such as a hash of the folds.
        note : str
            What is peculiar about it.

        Returns
        -------
        Task
            With another id and fingerprint, of the same dataset and family.
        """
        key, dash, digits = self.fingerprint.rpartition("-")
        return replace(self, id=f"{self.id}/{way}", fingerprint=f"{key}{dash}{way}{digits}", note=note)

    def with_metric(self, metric: Metric) -> Self:
        """Return the same task with another metric asked for.

        Parameters
        ----------
        metric : Metric
            The metric.

        Returns
        -------
        Task
            A changed copy.
        """
        return replace(self, metric=metric)

    def to_dict(self) -> dict[str, Any]:
        """Return the task as plain values.

        Returns
        -------
        dict
            Strings and numbers only.
        """
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**plain, "problem_type": str(self.problem_type), **self.metric.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the task that :meth:`to_dict` wrote.

        Parameters
        ----------
        values : dict
            Plain values.

        Returns
        -------
        Task
            An equal task.
        """
        problem_type = ProblemType(values["problem_type"])
        metric = Metric.from_dict(values, problem_type)
        return cls(**{k: v for k, v in values.items() if k != "stand_ins"} | {"metric": metric})
