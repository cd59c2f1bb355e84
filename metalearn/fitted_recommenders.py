"""Fitted recommenders, kept by content hash: fit once, then read in milliseconds."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from platformdirs import user_cache_path

from metalearn._version import __version__
from metalearn.exceptions import KnowledgeBaseError
from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.recommenders import Recommender, Strategy, get_recommender, load, related_tasks, save
from metalearn.task import METRICS, Metric, ProblemType, metrics_for

__all__ = ["AUTO", "bundled_knowledge_base", "evidence_file", "fit_recommender", "fitted_file", "fitted_recommender"]

_log = logging.getLogger(__name__)

AUTO = "blend"
"""The recommender that ``"auto"`` stands for: it chooses by evidence on families of tables left out."""

_FITTED = "fitted"
_KEPT_IN_MEMORY = 16
_KEPT_IN_FILES = 64


def _bundled_folder() -> Path:
    package = Path(str(files("metalearn")))
    installed, checkout = package / "_knowledge_base", package.parent / "knowledge_base" / "tables"
    folder = installed if (installed / "manifest.json").exists() else checkout
    if not (folder / "manifest.json").exists():
        message = (
            f"The bundled knowledge base is not at {installed}. Expected its tables there. "
            "Reinstall metalearn-recommender."
        )
        raise KnowledgeBaseError(message)
    return folder


@cache
def bundled_knowledge_base() -> KnowledgeBase:
    """Return the knowledge base that comes with the package."""
    return FileStore(_bundled_folder()).read()


def fitted_file(folder: Path, problem_type: ProblemType, metric: Metric, name: str) -> Path:
    """Return where a recommender fitted on the knowledge base in a folder is shipped."""
    return folder / _FITTED / f"{problem_type}-{metric.name}-{name}-{_digest(folder)}.npz"


def fit_recommender(
    kb: KnowledgeBase,
    problem_type: ProblemType,
    metric: Metric,
    name: str,
    *,
    evidence: Mapping[str, Any] | None = None,
) -> Recommender:
    """Fit a recommender on the tasks of one kind, whatever was fitted before."""
    name = AUTO if name == "auto" else name
    kind: Any = get_recommender(name)
    own = kb.subset(problem_type=problem_type)
    measured = own.evaluations["metric"] == metric.name if len(own) else ()
    if not any(measured):
        message = (
            f"The knowledge base has no {problem_type} task with the metric {metric.name!r}. Expected at least one. "
            "Add results, choose another metric, or use the bundled knowledge base."
        )
        raise KnowledgeBaseError(message)
    options = {"evidence": dict(evidence)} if evidence and name == AUTO else {}
    made: Recommender = kind(metric=metric, **options)
    if isinstance(made, Strategy):
        return made.fit(related_tasks(kb, problem_type), problem_type=problem_type)
    return made.fit(own)


def evidence_file(folder: Path) -> Path:
    """Return where the evidence for every metric is shipped."""
    return folder / _FITTED / f"evidence-{_digest(folder)}.json"


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()[:12]


@cache
def _shipped_evidence() -> dict[str, Any]:
    file = evidence_file(_bundled_folder())
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


@lru_cache(maxsize=_KEPT_IN_MEMORY)
def _shipped(problem_type: ProblemType, metric: Metric, name: str) -> Recommender | None:
    return _load(fitted_file(_bundled_folder(), problem_type, metric, name))


def _load(file: Path) -> Recommender | None:
    """Return the recommender in a file; one that another version wrote, or that is damaged, is as good as absent."""
    if not file.exists():
        return None
    try:
        return load(file)
    except Exception as error:  # noqa: BLE001 - a damaged archive raises anything; what is fitted again is right
        _log.warning("The fitted recommender %r cannot be read (%r); it is fitted again.", str(file), error)
        return None


def fitted_recommender(
    kb: KnowledgeBase | None, problem_type: ProblemType, metric: Metric, name: str = "auto"
) -> Recommender:
    """Return a recommender fitted on a knowledge base: shipped, cached, or fitted now."""
    name = AUTO if name == "auto" else name
    get_recommender(name)  # an unknown name is refused before anything is read
    metric = _answered_by(kb, problem_type, metric)
    if kb is None:
        found = _shipped(problem_type, metric, name)
        if found is not None:
            return found
        return _cached(_Key(bundled_knowledge_base(), _shipped_evidence()), problem_type, metric, name)
    return _cached(_Key(kb), problem_type, metric, name)


def _answered_by(kb: KnowledgeBase | None, problem_type: ProblemType, metric: Metric) -> Metric:
    """Return the metric that is learned from: for one of the user's own, what agrees most with it and has results."""
    if not metric.is_own:
        return metric
    if kb is None:  # the builder measured all of its metrics
        has = {known.name for known in metrics_for(problem_type)}
    else:
        has = set(kb.subset(problem_type=problem_type).evaluations["metric"].astype(str).unique())
    best = next((name for name, _ in metric.stand_ins if name in has), None)
    return metric if best is None else METRICS[best]


class _Key:
    """Let a knowledge base be looked up by its content."""

    def __init__(self, kb: KnowledgeBase, evidence: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.kb = kb
        self.evidence = evidence

    def __hash__(self) -> int:
        return hash(self.kb.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.kb.id == self.kb.id


@lru_cache(maxsize=_KEPT_IN_MEMORY)
def _cached(key: _Key, problem_type: ProblemType, metric: Metric, name: str) -> Recommender:
    folder = Path(os.environ.get("METALEARN_CACHE") or user_cache_path("metalearn", appauthor=False))
    past = _related(key.kb, problem_type)
    text = f"{past.id};{problem_type};{metric.name};{name};{__version__}"
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.npz"
    known = _load(file)
    if known is not None:
        return known
    evidence = key.evidence.get(f"{problem_type}/{metric.name}")
    fitted = fit_recommender(past, problem_type, metric, name, evidence=evidence)
    if isinstance(fitted, Strategy):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save(fitted, file)
            _forget_the_oldest(folder)
        except OSError as error:
            _log.warning("The fitted recommender cannot be kept in %r (%s).", str(folder), error)
    return fitted


def _related(kb: KnowledgeBase, problem_type: ProblemType) -> KnowledgeBase:
    """Return what is learned from for one kind of problem, so that news of another kind leaves its id as it is."""
    past = related_tasks(kb, problem_type)
    used = past.configurations["configuration_id"].isin(past.evaluations["configuration_id"].unique())
    return replace(past, configurations=past.configurations[used].reset_index(drop=True))


def _forget_the_oldest(folder: Path) -> None:
    """Each append leaves a file behind that may never be asked for again."""
    oldest_first = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime)
    for file in oldest_first[:-_KEPT_IN_FILES]:
        file.unlink(missing_ok=True)
