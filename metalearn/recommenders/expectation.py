"""What to expect of a configuration on a new task: a score and its 80 % interval, calibrated on left-out families."""

from collections.abc import Sequence

import numpy as np

from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.posterior import posterior
from metalearn.recommenders.quantile import weighted_quantiles
from metalearn.recommenders.scale import FloatArray, from_working

__all__ = ["expect"]


def expect(past: PastTasks, query: Query, columns: Sequence[int]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Predict scores of configurations on a new task.

    Parameters
    ----------
    past : PastTasks
        What is known.
    query : Query
        The new task and what was observed on it.
    columns : sequence of int
        The configurations.

    Returns
    -------
    score : ndarray of shape (n_columns,)
        Median, in the metric's own direction; NaN if the unit of the losses is not known.
    low, high : ndarray of shape (n_columns,)
        Ends of the 80 % interval.
    """
    metric, problem_type = past.table.metric, past.table.problem_type
    members, weights = posterior(past, query)
    low, middle, high = weighted_quantiles(members[:, list(columns)], weights)
    ends = (middle, middle - past.stretch * (middle - low), middle + past.stretch * (high - middle))
    losses = from_working(np.array(ends), query.unit)
    if problem_type.is_classification and metric.greater_is_better:
        losses = np.minimum(losses, metric.optimum)
    scores: FloatArray = metric.from_loss(losses)
    return scores[0], scores[1:].min(axis=0), scores[1:].max(axis=0)
