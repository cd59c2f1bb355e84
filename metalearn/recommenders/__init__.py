"""Recommenders: what to try first on a new task, learned from past ones."""

from pathlib import Path

from metalearn._registry import Registry
from metalearn.exceptions import UnknownNameError
from metalearn.recommenders.base import Recommender
from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.proposals import recommend_beyond
from metalearn.recommenders.state import from_bytes, read_arrays, write_arrays
from metalearn.recommenders.strategy import Strategy
from metalearn.recommenders.table import PerformanceTable, related_tasks

__all__ = [
    "PastTasks",
    "PerformanceTable",
    "Posterior",
    "Query",
    "Recommender",
    "Strategy",
    "get_recommender",
    "load",
    "recommend_beyond",
    "recommender_names",
    "related_tasks",
    "save",
]

_MOVED = {"average_rank": "portfolio", "nearest": "forest", "random": "default", "ranking": "ensemble"}
"""Strategies that the default never took, and what to use instead."""

_REGISTRY: Registry[type] = Registry("metalearn.recommenders", "recommender", type)


def recommender_names() -> tuple[str, ...]:
    """List the names of all registered recommenders."""
    return _REGISTRY.names


def get_recommender(name: str) -> type[Recommender]:
    """Return the class of a recommender.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    type
        Call it with ``metric=`` and ``random_state=``, then ``fit`` it.

    Raises
    ------
    UnknownNameError
        If no recommender has the name.

    Examples
    --------
    >>> get_recommender("portfolio")().random_state
    0
    """
    if name in _MOVED and name not in _REGISTRY.names:
        message = (
            f"{name!r} is no longer a recommender: it was only compared with, and stands in benchmarks/baselines.py. "
            f"Expected one of {list(_REGISTRY.names)}. Choose one of them; the nearest in kind is {_MOVED[name]!r}."
        )
        raise UnknownNameError(message)
    return _REGISTRY.get(name)


def save(recommender: Strategy, path: str | Path) -> None:
    """Write a fitted built-in recommender to a file of plain arrays."""
    write_arrays(path, recommender.to_arrays())


def load(path: str | Path) -> Strategy:
    """Read a recommender that :func:`save` wrote; nothing in the file is executed."""
    arrays = read_arrays(path)
    kind: type[Strategy] = _REGISTRY.get(from_bytes(arrays["about"])["name"])
    return kind.from_arrays(arrays)
