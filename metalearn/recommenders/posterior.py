"""Hypotheses about a new task: what similarity predicts plus past errors, moved and weighed by what is observed."""

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.selection import heaviest

__all__ = ["posterior"]

NOISE = 0.02
"""Variance of what the ensemble cannot explain, on the log scale."""

OFFSET_VARIANCE = 4.0
"""Variance of the new task's level, on the log scale: almost nothing is known about it."""

SHARPNESS = 50.0
"""How fast a member loses weight that does not fit what was observed."""

MEMBERS = 500
"""Past tasks that become hypotheses at most: the lightest change nothing."""

KEPT = 0.1
"""Share of the prior weights that no observation takes away."""


def posterior(past: PastTasks, query: Query, *, from_errors: bool = True) -> tuple[npt.NDArray[np.float32], FloatArray]:
    """Return hypotheses about the new task's log losses, and their weights.

    Parameters
    ----------
    past : PastTasks
        What is known.
    query : Query
        The new task and what was observed on it.
    from_errors : bool, default=True
        Whether a hypothesis is what the similarity predicts plus the error it made on a past task, or else that past
        task itself, as it is anyway where too little is known of the new task for a prediction.

    Returns
    -------
    members : ndarray of shape (n_members, n_configurations)
        One a past task, moved towards the observations.
    weights : ndarray of shape (n_members,)
        Sums to 1.

    Notes
    -----
    The errors were made on left-out families, so the members scatter around the truth as the prediction does. Each
    moves by the Kalman gain S_oo^-1 S_o, where S is the covariance of the errors plus an offset common to all
    configurations, and is weighed by how well it fits what was observed up to that offset.

    References
    ----------
    Evensen. The ensemble Kalman filter: theoretical formulation and practical implementation. Ocean Dynamics, 2003.
    """
    rows = heaviest(query.weights, MEMBERS)
    errors = past.errors[rows]
    members = errors + query.mean.astype(np.float32) if from_errors and query.described else past.table.working[rows]
    prior = query.weights[rows] / query.weights[rows].sum()
    seen = query.columns
    if not len(seen):
        return members, prior
    covariance = errors[:, seen].T @ errors / len(errors) + OFFSET_VARIANCE
    gap = query.values - members[:, seen]
    gain = np.linalg.solve(covariance[:, seen] + NOISE * np.eye(len(seen)), covariance)
    misfit = ((gap - gap.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
    likely = prior * np.exp(-SHARPNESS * (misfit - misfit.min()))
    weights = (1 - KEPT) * likely / likely.sum() + KEPT * prior
    moved = gap @ gain
    moved += members
    return moved.astype(np.float32), weights
