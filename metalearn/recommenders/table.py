"""What recommenders learn from: the results of one metric as arrays."""

import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.models import get_model, model_names
from metalearn.recommenders.families import Codes, equal_weights, family_codes
from metalearn.recommenders.scale import FloatArray, capped, complete, log_losses, relative_regrets
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType, get_metric

__all__ = ["PerformanceTable", "related_tasks"]

TARGET_SPREAD = "target_std"
"""Meta-feature that holds the standard deviation of a numeric target, the unit of rmse and mae."""


@dataclass(frozen=True, eq=False)
class PerformanceTable:
    """Hold past tasks by configurations: losses, seconds and meta-features."""

    metric: Metric
    problem_type: ProblemType
    configurations: tuple[Configuration, ...]
    task_ids: tuple[str, ...]
    task_names: tuple[str, ...]
    families: tuple[str, ...]
    sizes: FloatArray
    meta_feature_names: tuple[str, ...]
    meta_features: FloatArray
    losses: FloatArray
    seconds: FloatArray
    units: FloatArray
    own: npt.NDArray[np.bool_]

    @classmethod
    def from_knowledge_base(
        cls, kb: KnowledgeBase, metric: Metric | None = None, problem_type: ProblemType | None = None
    ) -> Self:
        """Take the results of one metric out of a knowledge base."""
        kinds = sorted(set(kb.tasks["problem_type"]))
        if len(kinds) != 1 and not (problem_type and set(kinds) <= set(_CLASSIFICATION)):
            message = (
                f"The knowledge base holds tasks of {len(kinds)} problem types {kinds}. Expected exactly one. "
                "Choose one first: kb.subset(problem_type=...)."
            )
            raise InvalidInputError(message)
        problem_type = problem_type or ProblemType(kinds[0])
        metric = metric or get_metric(None, problem_type)
        found = kb.losses(metric)
        losses = found.to_numpy(dtype=float)
        rows = np.flatnonzero(np.isfinite(losses).any(axis=1))
        columns = np.flatnonzero(~np.isnan(losses).all(axis=0))
        own = (kb.tasks["problem_type"] == problem_type).to_numpy()[rows]
        if not own.any():
            message = (
                f"The knowledge base has no result of the metric {metric.name!r} for {problem_type} tasks. "
                f"Expected one of {sorted(set(kb.evaluations['metric'].astype(str)))}. Choose one of them."
            )
            raise InvalidInputError(message)
        by_id = kb.configuration_by_id
        tasks = kb.tasks.iloc[rows]
        features = kb.meta_feature_table.iloc[rows].drop(columns=TARGET_SPREAD, errors="ignore")
        return cls(
            metric=metric,
            problem_type=problem_type,
            configurations=tuple(by_id[i] for i in found.columns[columns]),
            task_ids=tuple(tasks["task_id"]),
            task_names=tuple(tasks["name"]),
            families=tuple(tasks["family"]),
            sizes=tasks[["n_rows_used", "n_features", "n_classes"]].to_numpy(dtype=float),
            meta_feature_names=tuple(features.columns),
            meta_features=_bearable(features.to_numpy(dtype=float)),
            losses=losses[np.ix_(rows, columns)],
            seconds=kb.fit_seconds.to_numpy(dtype=float)[np.ix_(rows, columns)],
            units=_units(kb, metric, rows),
            own=own,
        )

    @property
    def n_tasks(self) -> int:
        """Number of past tasks."""
        return len(self.task_ids)

    @cached_property
    def _known(self) -> FloatArray:
        """Share of the configurations that were run on each task, of shape (n_tasks,)."""
        return np.asarray((~np.isnan(self.losses)).mean(axis=1))

    @cached_property
    def family(self) -> Codes:
        """Number of each task's family, of shape (n_tasks,)."""
        return family_codes(self.families)

    @cached_property
    def equal(self) -> FloatArray:
        """Weights under which every family counts as one, of shape (n_tasks,)."""
        return equal_weights(self.family)

    @cached_property
    def uniform(self) -> FloatArray:
        """Weights of the own tasks, of all if there is none, of shape (n_tasks,): a family counts by its best known task."""
        own = self.own if self.own.any() else np.ones(self.n_tasks, dtype=bool)
        known = own * self._known
        most = np.zeros(self.family.max() + 1)
        np.maximum.at(most, self.family, known)
        together = np.bincount(self.family, known)
        weights = known * (most / np.maximum(together, 1e-12))[self.family]
        return np.asarray(weights / weights.sum())

    @cached_property
    def judging(self) -> npt.NDArray[np.bool_]:
        """Which own tasks can judge a choice, of shape (n_tasks,): where few results are known, the best is soon found."""
        found = self.own & (self._known >= _ENOUGH)
        return found if found.any() else self.own

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of each configuration, by its id."""
        return {c.id: j for j, c in enumerate(self.configurations)}

    @cached_property
    def models(self) -> npt.NDArray[np.str_]:
        """Model family of each configuration, of shape (n_configurations,)."""
        return np.array([c.model for c in self.configurations])

    @cached_property
    def _capped(self) -> FloatArray:
        return capped(self.losses, bounded=self.problem_type.is_classification and self.metric.greater_is_better)

    @cached_property
    def regrets(self) -> FloatArray:
        """Regret of each result between the task's best (0) and its worst (1); NaN if not run."""
        return relative_regrets(self._capped)

    @cached_property
    def working(self) -> npt.NDArray[np.float32]:
        """Losses on the working scale, completed where nothing was run and capped where a run failed."""
        return complete(log_losses(self._capped, self.units[:, None]), self.equal).astype(np.float32)

    @cached_property
    def completed_regrets(self) -> npt.NDArray[np.float32]:
        """Regrets, with expected ones where nothing was run."""
        known = self.regrets
        if not np.isnan(known).any():
            return known.astype(np.float32)
        guessed = relative_regrets(self.working.astype(float))
        return np.where(np.isnan(known), guessed, known).astype(np.float32)

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the tasks."""
        names: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in rows) for name in ("task_ids", "task_names", "families")
        }
        arrays: dict[str, Any] = {
            name: getattr(self, name)[rows] for name in ("sizes", "meta_features", "losses", "seconds", "units", "own")
        }
        taken = replace(self, **names, **arrays)
        vars(taken).update({name: getattr(self, name)[rows] for name in ("_capped", "regrets")})  # row by row the same
        return taken

    def vector(self, meta_features: MetaFeatures) -> FloatArray:
        """Bring the meta-features of a new task into the table's order."""
        return _bearable(meta_features.to_array(self.meta_feature_names))

    def unit_of(self, meta_features: MetaFeatures) -> float:
        """Return what losses of a new task are divided by; NaN if that was not measured."""
        return meta_features.values.get(TARGET_SPREAD, np.nan) if self.metric.name in _IN_TARGET_UNITS else 1.0

    def allowed(self, models: Collection[str] | None, n_rows: int = sys.maxsize) -> npt.NDArray[np.bool_]:
        """Mark the configurations of some model families."""
        if models is None:
            return np.ones(len(self.models), dtype=bool)
        specs = {name: get_model(name) for name in models if get_model(name).supports(self.problem_type)}
        return np.array(
            [
                c.model in specs and c.id not in self.not_buildable and specs[c.model].suits(c, n_rows)
                for c in self.configurations
            ],
            dtype=bool,
        )

    @cached_property
    def not_buildable(self) -> dict[str, tuple[str, ...]]:
        """The parameters that a registered family lacks, or that have no value of its kind, by the id of the configuration."""
        found = {}
        for c in self.configurations:
            spec = get_model(c.model) if c.model in model_names() else None
            if spec is None or not spec.supports(self.problem_type) or spec.takes(c, self.problem_type):
                continue
            alone = {name: Configuration(c.model, {name: value}) for name, value in c.params.items()}
            found[c.id] = tuple(name for name, one in alone.items() if not spec.takes(one, self.problem_type))
        return found


def _bearable(values: FloatArray) -> FloatArray:
    """Return values with those unknown that single precision, in which trees are grown, cannot hold."""
    return np.where(np.abs(values) < np.finfo(np.float32).max, values, np.nan)


def related_tasks(kb: KnowledgeBase, problem_type: ProblemType) -> KnowledgeBase:
    """Return what is known about one kind of problem; the rarer kind of classification borrows from the other."""
    own = kb.subset(problem_type=problem_type)
    if not len(own) or problem_type not in _CLASSIFICATION:
        return own
    classification = kb.tasks[kb.tasks["problem_type"].isin(_CLASSIFICATION)]
    few = classification["family"].nunique() <= 2 * own.tasks["family"].nunique()
    return own if few else kb.subset(tasks=list(classification["task_id"]))


_CLASSIFICATION = (ProblemType.BINARY, ProblemType.MULTICLASS)
_ENOUGH = 0.25
"""Share of the configurations that must be known of a task for it to judge a choice among them."""
_IN_TARGET_UNITS = ("rmse", "mae")


def _units(kb: KnowledgeBase, metric: Metric, rows: npt.NDArray[np.intp]) -> FloatArray:
    """Spread of each task's target for metrics in its units: as measured, else rmse / sqrt(1 - r2) of the same runs."""
    if metric.name not in _IN_TARGET_UNITS:
        return np.ones(len(rows))
    table = kb.meta_feature_table
    measured = np.full(len(rows), np.nan)
    if TARGET_SPREAD in table:
        measured = table[TARGET_SPREAD].to_numpy(dtype=float)[rows]
    if (measured > 0).all():
        return measured
    unexplained, errors = (
        kb.losses(get_metric(name, ProblemType.REGRESSION)).to_numpy(dtype=float)[rows] for name in ("r2", "rmse")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where((unexplained > 0) & np.isfinite(unexplained), errors / np.sqrt(unexplained), np.nan)
    inferred = [np.median(r[np.isfinite(r)]) if np.isfinite(r).any() else 1.0 for r in ratio]
    return np.array([m if m > 0 else i for m, i in zip(measured, inferred, strict=True)])
