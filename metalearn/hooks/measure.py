"""From a tool's values to a metric's and back: names, directions and signs are told or refused, never guessed."""

from typing import Any, Literal, NamedTuple, TypeAlias

from metalearn.exceptions import InvalidInputError, MetalearnError
from metalearn.task import METRICS, Metric, ProblemType, get_metric

__all__ = ["Convention", "Measure", "measure_of", "our_metric"]

Convention: TypeAlias = Literal["as named", "score", "loss"]
"""Values as the name says; larger is better, errors negated; or smaller is better, scores as 1 minus the score."""

_METRICS: dict[str, tuple[str, float, float]] = {
    # our name, factor and offset: ours = factor * theirs + offset
    "predictive_accuracy": ("accuracy", 1.0, 0.0),
    "acc": ("accuracy", 1.0, 0.0),
    "error_rate": ("accuracy", -1.0, 1.0),
    "mean_misclassification_error": ("accuracy", -1.0, 1.0),
    "mmce": ("accuracy", -1.0, 1.0),
    "balanced_error_rate": ("balanced_accuracy", -1.0, 1.0),
    "bac": ("balanced_accuracy", 1.0, 0.0),
    "area_under_roc_curve": ("roc_auc", 1.0, 0.0),
    "rocauc": ("roc_auc", 1.0, 0.0),
    "f1-macro": ("f1_macro", 1.0, 0.0),
    "macro_f1": ("f1_macro", 1.0, 0.0),
    "mean_squared_error": ("mean_squared_error", 1.0, 0.0),
}


class Measure(NamedTuple):
    """Relate a tool's values to a metric: ``score = factor * value + offset``."""

    metric: Metric
    factor: float = 1.0
    offset: float = 0.0

    @property
    def maximize(self) -> bool:
        """Whether larger values of the tool are better."""
        return self.metric.greater_is_better == (self.factor > 0)

    def score(self, value: float) -> float:
        """Return the metric's value."""
        return self.factor * value + self.offset

    def value(self, score: float) -> float:
        """Return the tool's value."""
        return (score - self.offset) / self.factor


def our_metric(name: str) -> tuple[str, float, float]:
    """Return our name of a metric, and how its values become ours."""
    plain = name.strip().lower().replace(" ", "")
    if plain in _METRICS:
        return _METRICS[plain]
    for prefix, factor, offset in (("", 1.0, 0.0), ("neg_", -1.0, 0.0), ("1-", -1.0, 1.0)):
        if not plain.startswith(prefix):
            continue
        rest = plain.removeprefix(prefix)
        if prefix and rest in _METRICS:
            ours, inner, base = _METRICS[rest]
            return ours, factor * inner, base + inner * offset
        known = next(
            (m for m in METRICS.values() if not (prefix == "" and plain.startswith("neg_")) and _is(rest, m)), None
        )
        if known is not None:
            return known.name, factor, offset
    return name, 1.0, 0.0


def _is(name: str, metric: Metric) -> bool:
    try:
        return get_metric(name, metric.problem_types[0]) is metric
    except MetalearnError:
        return False


def measure_of(
    name: str | Metric | None,
    problem_type: ProblemType | None,
    *,
    maximize: bool,
    convention: Convention = "as named",
) -> Measure:
    """Return how a tool's values relate to a metric."""
    if name is None:
        message = (
            "Nobody says what the trials measured. Expected a metric such as 'accuracy'. "
            "Name what the objective returned: metric='accuracy'."
        )
        raise InvalidInputError(message)
    metric, factor, offset = _named(name, problem_type, maximize=maximize)
    better = metric.greater_is_better
    if convention == "score":
        return Measure(metric, 1.0 if better else -1.0)
    if convention == "loss":
        return Measure(metric, -1.0, 1.0) if better else Measure(metric)
    found = Measure(metric, factor, offset)
    if found.maximize != maximize:
        said = metric.name if isinstance(name, Metric) else name
        turned = f"metric='neg_{metric.name}' if it returned -{metric.name}"
        if better:
            turned += f", metric='1-{metric.name}' if it returned 1 - {metric.name}"
        message = (
            f"The search {'maximises' if maximize else 'minimises'}, but {said!r} is better when "
            f"{'larger' if found.maximize else 'smaller'}: the sign of its values is not known. Expected the name of what the "
            f"objective returned. Say {turned}."
        )
        raise InvalidInputError(message)
    return found


def _named(name: Any, problem_type: ProblemType | None, *, maximize: bool) -> tuple[Metric, float, float]:
    if isinstance(name, Metric):
        return name, 1.0, 0.0
    ours, factor, offset = our_metric(name)
    if problem_type is None and ours in METRICS:
        return METRICS[ours], factor, offset
    problem_type = problem_type or ProblemType.BINARY
    try:
        return get_metric(ours, problem_type), factor, offset
    except LookupError:
        return Metric(ours, maximize, 1.0 if maximize else 0.0), factor, offset
