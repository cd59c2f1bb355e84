"""What is to be learned: the problem type, the metric, and the task that joins them to a dataset."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from metalearn.exceptions import InvalidInputError, unknown_name

__all__ = ["METRICS", "Metric", "ProblemType", "Task", "get_metric", "metrics_for", "scorer_of", "scorer_sign"]


class ProblemType(StrEnum):
    """Tell the kinds of supervised problem apart."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        """Whether the target holds classes."""
        return self is not ProblemType.REGRESSION


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

    Examples
    --------
    >>> Metric("accuracy", greater_is_better=True).to_loss(0.75)
    0.25
    """

    name: str
    greater_is_better: bool
    optimum: float = 1.0
    problem_types: tuple[ProblemType, ...] = ()

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value that can be measured; infinite for a metric that is not ours."""
        if self.name not in METRICS:
            return -math.inf, math.inf
        if not self.greater_is_better:
            return self.optimum, math.inf
        return 0.0 if self.name in _SHARES else -math.inf, self.optimum

    def is_possible(self, value: Any) -> Any:
        """Tell whether values lie in the metric's range, up to rounding.

        Parameters
        ----------
        value : float or ndarray
            Values in the metric's own direction.

        Returns
        -------
        bool or ndarray of bool
            Of the same shape; False for NaN.
        """
        low, high = self.bounds
        return (value >= low - _ROUNDING) & (value <= high + _ROUNDING)

    def to_loss(self, value: Any) -> Any:
        """Turn values as measured into losses: lower is better, 0 is perfect.

        Parameters
        ----------
        value : float or ndarray
            Values in the metric's own direction.

        Returns
        -------
        float or ndarray
            Losses of the same shape.
        """
        return self.optimum - value if self.greater_is_better else value - self.optimum

    def from_loss(self, loss: Any) -> Any:
        """Turn losses back into values of the metric.

        Parameters
        ----------
        loss : float or ndarray
            Losses, lower is better.

        Returns
        -------
        float or ndarray
            Values in the metric's own direction, of the same shape.
        """
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
    """List the metrics that are measured for a problem type.

    Parameters
    ----------
    problem_type : ProblemType
        The kind of problem.

    Returns
    -------
    tuple of Metric
        In a fixed order.
    """
    return tuple(metric for metric in METRICS.values() if problem_type in metric.problem_types)


def get_metric(name: str | Callable[..., Any] | None, problem_type: ProblemType) -> Metric:
    """Return a metric by its name, scikit-learn's names, scorers and functions included.

    Parameters
    ----------
    name : str, callable or None
        The name, a scorer or a function of ``sklearn.metrics`` that measures the same; None takes the default of the
        problem type (``roc_auc``, ``accuracy``, ``r2``).
    problem_type : ProblemType
        The kind of problem the metric has to fit.

    Returns
    -------
    Metric
        The metric.

    Raises
    ------
    UnknownNameError
        If no metric has the name.
    InvalidInputError
        If the metric is not defined for the problem type.

    Examples
    --------
    >>> get_metric("neg_log_loss", ProblemType.BINARY).name
    'log_loss'
    """
    if callable(name):
        name = _named(name)
    known = _DEFAULTS[problem_type] if name is None else _ALIASES.get(name, name)
    if known not in METRICS:
        raise unknown_name("metric", known, METRICS)
    metric = METRICS[known]
    if problem_type not in metric.problem_types:
        fitting = [m.name for m in metrics_for(problem_type)]
        message = (
            f"The metric {metric.name!r} does not fit a {problem_type} problem. Expected one of {fitting}. "
            "Choose one of them, or set the problem type if it was inferred wrongly."
        )
        raise InvalidInputError(message)
    return metric


def _named(scorer: Callable[..., Any]) -> str:
    """Return the name of what a scorer or a function of scikit-learn measures; any other may measure anything."""
    function: Any = getattr(scorer, "_score_func", scorer)
    name = str(getattr(function, "__name__", function))
    if not str(getattr(function, "__module__", "")).startswith("sklearn.metrics"):
        message = (
            f"The metric {name!r} is a function of your own. Expected a function or scorer of scikit-learn, since past "
            f"results are of its metrics. Choose one of {sorted(METRICS)}; your own can score what is recommended."
        )
        raise InvalidInputError(message)
    usual, options = _OPTIONS.get(name, {}), getattr(scorer, "_kwargs", {})
    other = {option: value for option, value in options.items() if usual.get(option) != value}
    if other:
        message = f"The metric {name!r} was made with {other}, which past results were not measured with. Expected it without. Choose one of {sorted(METRICS)}."
        raise InvalidInputError(message)
    return "f1_macro" if name == "f1_score" and options else name


def scorer_sign(name: str | Callable[..., Any] | None) -> float:
    """Return what a scorer's values are multiplied with to be in the metric's own direction.

    Parameters
    ----------
    name : str, callable or None
        What :func:`get_metric` takes.

    Returns
    -------
    float
        -1 for scorers that negate, by name (``neg_log_loss``) or as an object of scikit-learn, else 1.

    Examples
    --------
    >>> scorer_sign("neg_log_loss"), scorer_sign("log_loss")
    (-1.0, 1.0)
    """
    if isinstance(name, str):
        return -1.0 if name.startswith("neg_") else 1.0
    return float(getattr(name, "_sign", 1.0))


def scorer_of(values: Sequence[float], metric: Metric, *, maximize: bool) -> Callable[[float], float]:
    """Return what turns a tool's value into the metric's, judging by the directions and the signs.

    Parameters
    ----------
    values : sequence of float
        All values known so far.
    metric : Metric
        What was measured.
    maximize : bool
        Whether the tool maximises.

    Returns
    -------
    callable
        Takes a value of the tool, gives the metric's own.

    Raises
    ------
    InvalidInputError
        If a loss is maximised and positive.
    """
    if metric.greater_is_better == maximize:
        return lambda value: value
    if metric.greater_is_better:  # a minimised loss: negated, or the distance from the optimum
        return (lambda value: -value) if any(value < 0 for value in values) else metric.from_loss
    if any(value > 0 for value in values):
        message = (
            f"The search maximises, the metric {metric.name!r} is better when smaller, and some values are "
            "positive. Expected negated values. Name the metric that was maximised, or pass to_score=... where a hook reads."
        )
        raise InvalidInputError(message)
    return lambda value: -value


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
        return replace(self, id=f"{self.id}/{way}", fingerprint=f"{self.fingerprint}{way}", note=note)

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
        return {**asdict(self), "problem_type": str(self.problem_type), "metric": self.metric.name}

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
        return cls(**{**values, "metric": get_metric(values.get("metric"), problem_type)})
