"""Recommend what to try first on a new table, from what worked on hundreds of others."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from metalearn._version import __version__

if TYPE_CHECKING:
    from metalearn import plot
    from metalearn.advisor import Advisor
    from metalearn.api import bundled_knowledge_base, open_store, recommend
    from metalearn.building import build_knowledge_base
    from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor, load_model, save_model, tune
    from metalearn.estimators.recheck import recheck
    from metalearn.knowledge import KnowledgeBase
    from metalearn.metafeatures import extract
    from metalearn.recommendation import Candidate, Recommendation
    from metalearn.space import Configuration
    from metalearn.task import ProblemType, Task

__all__ = [
    "Advisor",
    "Candidate",
    "Configuration",
    "KnowledgeBase",
    "MetaLearnClassifier",
    "MetaLearnRegressor",
    "ProblemType",
    "Recommendation",
    "Task",
    "__version__",
    "build_knowledge_base",
    "bundled_knowledge_base",
    "extract",
    "load_model",
    "open_store",
    "plot",
    "recheck",
    "recommend",
    "save_model",
    "tune",
]

_HOMES = {
    "Advisor": "metalearn.advisor",
    "Candidate": "metalearn.recommendation",
    "Configuration": "metalearn.space",
    "KnowledgeBase": "metalearn.knowledge",
    "MetaLearnClassifier": "metalearn.estimators",
    "MetaLearnRegressor": "metalearn.estimators",
    "ProblemType": "metalearn.task",
    "Recommendation": "metalearn.recommendation",
    "Task": "metalearn.task",
    "build_knowledge_base": "metalearn.building",
    "bundled_knowledge_base": "metalearn.api",
    "extract": "metalearn.metafeatures",
    "load_model": "metalearn.estimators",
    "open_store": "metalearn.api",
    "recheck": "metalearn.estimators.recheck",
    "recommend": "metalearn.api",
    "save_model": "metalearn.estimators",
    "tune": "metalearn.estimators",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``import metalearn`` alone stays light."""
    if name == "plot":
        return import_module("metalearn.plot")
    if name not in _HOMES:
        message = f"module 'metalearn' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
