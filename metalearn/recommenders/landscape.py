"""Draw the past tasks as a map, and find the place of a new one on it."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from metalearn.recommendation import Place
from metalearn.recommenders.past import PastTasks
from metalearn.recommenders.scale import FloatArray

__all__ = ["places"]

_MOST = 500
"""More past tasks than this make a map no clearer."""

_FEWEST = 3


def places(past: PastTasks, meta_features: FloatArray, name: str) -> tuple[Place, ...]:
    """Place a new task and the past ones on a map of their meta-features.

    Parameters
    ----------
    past : PastTasks
        The past tasks.
    meta_features : ndarray of shape (n_meta_features,)
        Of the new task, NaN where one is missing.
    name : str
        What the new task is called.

    Returns
    -------
    tuple of Place
        The new task, then at most 500 past ones, the nearest included; empty with fewer than three past tasks or two
        meta-features.

    Notes
    -----
    The axes are the first two principal components of the standardised meta-features of the past tasks.
    """
    if past.table.n_tasks < _FEWEST or len(meta_features) < 2:  # noqa: PLR2004 - a map has two axes
        return ()
    centre, axes, drawn, best = _drawn(past)
    here = (past.novelty.standardise(meta_features) - centre) @ axes
    chosen = np.arange(len(drawn))
    if len(drawn) > _MOST:
        near = np.argsort(past.novelty.distances_to(meta_features), kind="stable")[: _MOST // 10]
        even = np.linspace(0, len(drawn) - 1, _MOST - len(near)).astype(np.intp)
        chosen = np.unique(np.concatenate([near, even]))
    names = past.table.task_names
    return (
        Place(name, float(here[0]), float(here[1])),
        *(Place(names[i], float(drawn[i, 0]), float(drawn[i, 1]), best[i]) for i in chosen),
    )


@lru_cache(maxsize=8)
def _drawn(past: PastTasks) -> tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.str_]]:
    points = past.novelty.points
    centre = points.mean(axis=0)
    _, vectors = np.linalg.eigh((points - centre).T @ (points - centre))
    axes = vectors[:, :-3:-1]
    axes = axes * np.where(axes.sum(axis=0) < 0, -1.0, 1.0)  # eigenvectors have no sign of their own
    losses = past.table.losses
    winners = past.table.models[np.where(np.isnan(losses), np.inf, losses).argmin(axis=1)]
    return centre, axes, (points - centre) @ axes, winners
