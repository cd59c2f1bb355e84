"""Foreign results end here: what other tools and libraries keep becomes a knowledge base."""

from collections.abc import Callable

from metalearn._registry import Registry
from metalearn.importers.aslib import from_aslib
from metalearn.importers.cv_results import from_cv_results
from metalearn.importers.flaml import from_flaml_log
from metalearn.importers.long_table import from_table
from metalearn.importers.mlflow import from_mlflow
from metalearn.importers.openml import from_openml
from metalearn.importers.optuna import from_optuna
from metalearn.knowledge import KnowledgeBase

__all__ = [
    "from_aslib",
    "from_cv_results",
    "from_flaml_log",
    "from_mlflow",
    "from_openml",
    "from_optuna",
    "from_table",
    "get_importer",
    "importer_names",
]

_REGISTRY: Registry[Callable[..., KnowledgeBase]] = Registry("metalearn.importers", "importer", Callable)  # type: ignore[arg-type]


def importer_names() -> tuple[str, ...]:
    """List the names of all registered importers, those of plug-ins included.

    Returns
    -------
    tuple of str
        In alphabetical order.
    """
    return _REGISTRY.names


def get_importer(name: str) -> Callable[..., KnowledgeBase]:
    """Return an importer by its name.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    callable
        Call it with what is to be read; it returns a knowledge base.

    Raises
    ------
    UnknownNameError
        If no importer has the name.

    Examples
    --------
    >>> get_importer("table") is from_table
    True
    """
    return _REGISTRY.get(name)
