"""Everything that is only shown beside a list: neighbours, evidence, drivers, notes and the map of tasks."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from metalearn.recommendation import Neighbour, TaskPosition
from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.scale import FloatArray

__all__ = ["drivers", "evidence", "neighbours", "notes", "places"]

_NEIGHBOURS = 10
_EVIDENCE = 3
_DRIVERS = 8

_MOST = 500
"""More past tasks than this make a map no clearer."""

_FEWEST = 3

_BEYOND = 2
"""Times the rows of the largest past task from which a table is told to lie beyond them."""


def evidence(past: PastTasks, query: Query, column: int) -> tuple[str, ...]:
    """Name the past tasks of different families that count most among those where a configuration did well."""
    table = past.table
    known = ~np.isnan(table.losses[:, column])
    support = query.weights * known * (1 - table.completed_regrets[:, column])
    return tuple(table.task_names[i] for i in _first_of_families(np.argsort(-support), past, _EVIDENCE))


def neighbours(past: PastTasks, query: Query) -> tuple[Neighbour, ...]:
    """Describe the past families that count most, each by its weightiest task."""
    table = past.table
    distances = past.novelty.distances_to(query.meta_features)
    distances = np.where(past.comparable(query.meta_features), distances, np.nan)
    together = np.bincount(table.family, query.weights)[table.family]
    found = []
    for i in _first_of_families(np.lexsort((distances, -query.weights, -together)), past, _NEIGHBOURS):
        best = int(np.nanargmin(table.losses[i]))
        found.append(
            Neighbour(
                task_id=table.task_ids[i],
                name=table.task_names[i],
                weight=float(together[i]),
                distance=float(distances[i]),
                n_rows=int(table.sizes[i, 0]),
                n_features=int(table.sizes[i, 1]),
                best=table.configurations[best],
                best_score=float(table.metric.from_loss(table.losses[i, best])),
            )
        )
    return tuple(found)


def _first_of_families(order: npt.NDArray[np.intp], past: PastTasks, n: int) -> npt.NDArray[np.intp]:
    """Return the first tasks in an order, one of each family."""
    _, first = np.unique(past.table.family[order], return_index=True)
    return order[np.sort(first)[:n]]


def drivers(past: PastTasks, query: Query) -> dict[str, float]:
    """Return the share of each meta-feature: important to the forest, and nearer among neighbours than among all tasks."""
    novelty, equal = past.novelty, past.table.equal
    gaps = (novelty.points - novelty.standardise(query.meta_features)) ** 2
    closer = np.maximum(equal @ gaps / equal.sum() - query.weights @ gaps, 0) * past.similarity.importance
    share = closer / max(float(closer.sum()), 1e-12)
    names = past.table.meta_feature_names
    return {names[j]: float(share[j]) for j in np.argsort(-share)[:_DRIVERS] if share[j] > 0}


def notes(past: PastTasks, query: Query, n_rows: int = 0) -> tuple[str, ...]:
    """Say why no score can be predicted, and whether the table is far larger than all past ones."""
    found = []
    if np.isnan(query.unit):
        found.append(
            f"No {past.table.metric.name} can be predicted: the meta-feature target_std, its unit, was not measured."
        )
    most = int(np.nan_to_num(past.table.sizes[:, 0]).max(initial=0))
    if n_rows > _BEYOND * most > 0:
        found.append(
            f"The table has {n_rows:,} rows, past tasks were measured on at most {most:,}: the order, the scores and the "
            "intervals are extrapolated. Try a default of a boosting family beside the first candidate."
        )
    return tuple(found)


def places(past: PastTasks, meta_features: FloatArray, name: str) -> tuple[TaskPosition, ...]:
    """Place a new task, then at most 500 past ones, on a map of the first two principal components of meta-features."""
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
        TaskPosition(name, float(here[0]), float(here[1])),
        *(TaskPosition(names[i], float(drawn[i, 0]), float(drawn[i, 1]), best[i]) for i in chosen),
    )


@lru_cache(maxsize=8)
def _drawn(past: PastTasks) -> tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.str_]]:
    points, equal = past.novelty.points, past.table.equal[:, None]
    centre = (equal * points).sum(axis=0) / equal.sum()
    _, vectors = np.linalg.eigh((points - centre).T @ (equal * (points - centre)))
    axes = vectors[:, :-3:-1]
    axes = axes * np.where(axes.sum(axis=0) < 0, -1.0, 1.0)  # eigenvectors have no sign of their own
    losses = past.table.losses
    winners = past.table.models[np.where(np.isnan(losses), np.inf, losses).argmin(axis=1)]
    return centre, axes, (points - centre) @ axes, winners
