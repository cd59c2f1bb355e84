"""Results that are told to an advisor: which configuration was run, and whether its score is possible."""

from metalearn.models.recognition import recognised
from metalearn.space import Configuration
from metalearn.space.aliases import family_of
from metalearn.task import Metric

__all__ = ["impossible_score", "recognised_by_hand"]


def impossible_score(score: float, metric: Metric, sign: float) -> str:
    """Say why a score, of a metric times a sign, cannot be."""
    low, high = sorted(sign * bound + 0.0 for bound in metric.bounds)  # no -0
    name = metric.name if sign > 0 else f"negated {metric.name}"
    message = f"The score is {score:g}. Expected a value of the {name} from {low:g} to {high:g}."
    if sign * score < 0 and metric.is_possible(-sign * score):
        return (
            f"{message} Its sign is likely turned round: scorers such as neg_mean_absolute_error give negative values, "
            "functions such as mean_absolute_error positive ones. Tell the other, or give the advisor the scorer's name "
            "as its metric."
        )
    return f"{message} Tell a score of this metric, or give the advisor the metric that was measured."


def recognised_by_hand(configuration: Configuration) -> Configuration:
    """Return a configuration made by hand under our names and kinds of values: C=10 is C=10.0."""
    return recognised(family_of(configuration.model) or configuration.model, configuration.params)
