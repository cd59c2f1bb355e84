"""Evaluate configurations on tables by cross-validation: guarded, resumable, in parallel."""

import importlib
import math
import multiprocessing
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status
from metalearn.evaluation.fit import Outcome, TrainingData
from metalearn.evaluation.splits import random_folds
from metalearn.evaluation.workers import Processes, end_with_parent
from metalearn.exceptions import InvalidInputError
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.models import get_model
from metalearn.space import Configuration
from metalearn.table.intake import MIN_ROWS
from metalearn.task import ProblemType, Task, metrics_for

__all__ = ["Limits", "Table", "WorkUnit", "describe", "evaluate", "plan"]

Item = TypeVar("Item")
Found = TypeVar("Found")

RANDOM_STATE = 0
"""Seed of folds, subsamples and estimators: rebuilding a table gives the stored scores."""

_MOST_SECONDS, _MOST_MEGABYTES = 172_800, 1_000_000_000
"""Bounds of the limits themselves: what the system's timers and counters take."""

_PATIENCE, _MARGIN = 10, 5
"""Wall-clock seconds are waited for this many times the limit, which counts processor seconds, and a few more."""


@dataclass(frozen=True, slots=True)
class Table:
    """Name a task and say how its table is read."""

    task: Task
    load: Callable[[], tuple[pd.DataFrame, "pd.Series[Any]"]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what one fit may take."""

    fit_seconds: float = 60.0
    memory_mb: int = 8000
    max_rows: int = 5000
    n_folds: int = 3
    n_folds_run: int | None = None

    def __post_init__(self) -> None:
        bounds = (
            ("fit_seconds", 0 < self.fit_seconds <= _MOST_SECONDS, f"above 0 and at most {_MOST_SECONDS:,}"),
            ("memory_mb", 1 <= self.memory_mb <= _MOST_MEGABYTES, f"from 1 to {_MOST_MEGABYTES:,}"),
            ("max_rows", self.max_rows >= MIN_ROWS, f"at least {MIN_ROWS}"),
            ("n_folds", self.n_folds >= 2, "at least 2"),  # noqa: PLR2004
            ("n_folds_run", 1 <= self.n_run <= self.n_folds, f"from 1 to {self.n_folds}"),
        )
        for name, holds, expected in bounds:
            if not holds:
                message = (
                    f"The limit {name} is {getattr(self, name)}, which is out of range. Expected {expected}. "
                    "Give such a number, or leave it out for the default."
                )
                raise InvalidInputError(message)

    @property
    def n_run(self) -> int:
        """Number of folds that are run."""
        return self.n_folds if self.n_folds_run is None else self.n_folds_run


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """Join a table with the configurations that are evaluated on it in one go."""

    table: Table
    configurations: tuple[Configuration, ...]


def plan(
    tables: Iterable[Table],
    waves: Callable[[ProblemType], Sequence[Sequence[Configuration]]],
    done: Collection[tuple[str, str]] = frozenset(),
) -> list[WorkUnit]:
    """List what is still to be evaluated, breadth first: the first wave on every table, then the next."""
    units: list[tuple[int, WorkUnit]] = []
    for table in tables:
        for rank, wave in enumerate(waves(table.task.problem_type)):
            missing = tuple(c for c in wave if (table.task.id, c.id) not in done)
            if missing:
                units.append((rank, WorkUnit(table, missing)))
    return [unit for _, unit in sorted(units, key=lambda pair: pair[0])]


def evaluate(
    units: Sequence[WorkUnit],
    *,
    limits: Limits = Limits(),
    n_jobs: int = 1,
) -> Iterator[tuple[Task, list[Evaluation]]]:
    """Evaluate work units in parallel and yield each as soon as it is finished."""
    yield from _spread(evaluate_unit, units, limits, n_jobs)


def describe(
    tables: Sequence[Table],
    *,
    limits: Limits = Limits(),
    n_jobs: int = 1,
) -> Iterator[tuple[Task, MetaFeatures]]:
    """Compute the meta-features of tables, on the rows that evaluations use."""
    yield from _spread(_describe, tables, limits, n_jobs)


def _spread(
    function: Callable[[Item, Limits], Found], items: Sequence[Item], limits: Limits, n_jobs: int
) -> Iterator[Found]:
    """Yield what a function finds for each item, in whatever order the processes of the backend finish."""
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
    yield from parallel(joblib.delayed(function)(item, limits) for item in items)


def _load(table: Table, limits: Limits) -> tuple[Task, Dataset]:
    X, y = table.load()
    full = Dataset.from_data(X, y, problem_type=table.task.problem_type)
    used = full.head(limits.max_rows, random_state=RANDOM_STATE)
    task = replace(
        table.task,
        fingerprint=table.task.fingerprint or full.fingerprint,
        n_rows=full.n_rows,
        n_features=full.n_features,
        n_classes=full.n_classes,
        n_rows_used=used.n_rows,
    )
    return task, used


def _describe(table: Table, limits: Limits) -> tuple[Task, MetaFeatures]:
    _end_with_the_build()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        task, data = _load(table, limits)
        return task, extract(data)


def _end_with_the_build() -> None:
    """Let a worker of joblib end with the process that builds; those of clusters belong to others."""
    if multiprocessing.current_process().name.startswith("LokyProcess"):
        end_with_parent()


def evaluate_unit(unit: WorkUnit, limits: Limits) -> tuple[Task, list[Evaluation]]:
    """Evaluate the configurations of one work unit, each fit guarded by a process that can be ended."""
    _end_with_the_build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task, data = _load(unit.table, limits)
    _import_libraries(unit.configurations, task.problem_type)  # once, instead of in every child that is forked
    outcomes = cross_validate(data, unit.configurations, limits)
    names = [metric.name for metric in metrics_for(task.problem_type)]
    evaluations = [
        Evaluation(
            task_id=task.id,
            configuration=configuration,
            metric=name,
            value=outcome.scores.get(name, math.nan),
            fold=fold,
            fit_seconds=_known(outcome.fit_seconds),
            predict_seconds=_known(outcome.predict_seconds),
            status=outcome.status,
            message=outcome.message,
            versions=_version(configuration),
        )
        for configuration, folds in zip(unit.configurations, outcomes, strict=True)
        for fold, outcome in enumerate(folds)
        for name in names
        if name in outcome.scores or outcome.status is not Status.OK  # a metric that is undefined on a fold is missing
    ]
    return task, evaluations


def _known(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None


def _import_libraries(configurations: Sequence[Configuration], problem_type: ProblemType) -> None:
    for configuration in configurations:
        with suppress(Exception):  # it is met again, and recorded, when the configuration is run
            get_model(configuration.model).build(configuration, problem_type)


def _version(configuration: Configuration) -> str:
    package = get_model(configuration.model).requires
    try:
        version = getattr(importlib.import_module(package), "__version__", None)  # TabICL has none
        return f"{package} {version or importlib.metadata.version(package)}"
    except ImportError:
        return ""


def cross_validate(data: Dataset, configurations: Sequence[Configuration], limits: Limits) -> list[list[Outcome]]:
    """Return the outcomes of the folds of each configuration; one over a limit ends its configuration."""
    rows = np.arange(data.n_rows)
    classes = data.problem_type.is_classification
    fitted_on = TrainingData(
        data.X,
        data.target,
        data.problem_type,
        data.n_classes,
        random_folds(data.target, rows, limits.n_folds, classes=classes, random_state=RANDOM_STATE),
        random_state=RANDOM_STATE,
        clock="processor",
        keeps_predictions=False,
        schema=data.schema,
    )
    with closing(Processes(fitted_on, memory_mb=limits.memory_mb, fit_seconds=limits.fit_seconds)) as runner:
        return [_folds_of(configuration, runner, limits) for configuration in configurations]


def _folds_of(configuration: Configuration, runner: Processes, limits: Limits) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for fold in range(limits.n_run):
        runner.submit(fold, configuration, fold, time.monotonic() + _PATIENCE * limits.fit_seconds + _MARGIN)
        [(_, outcome)] = runner.finished()
        late = outcome.fit_seconds + outcome.predict_seconds > limits.fit_seconds  # False if they are unknown
        if late or outcome.status is Status.TIMEOUT:
            outcome = replace(outcome, status=Status.TIMEOUT, message=f"more than {limits.fit_seconds:g} s", scores={})
        outcomes.append(outcome)
        if outcome.status in (Status.TIMEOUT, Status.MEMORY):
            break
    return outcomes + outcomes[-1:] * (limits.n_run - len(outcomes))
