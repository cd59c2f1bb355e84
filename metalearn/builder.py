"""Evaluate configurations on tables by cross-validation: guarded, resumable, in parallel."""

import importlib
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status, score_classes, score_numbers
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.models import get_model
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task, metrics_for

__all__ = ["Limits", "Table", "WorkUnit", "describe", "evaluate", "plan"]

RANDOM_STATE = 0
"""Seed of folds, subsamples and estimators: rebuilding a table gives the stored scores."""

_PATIENCE = 2
"""Wall-clock seconds are waited for this many times the limit, which counts processor seconds."""


@dataclass(frozen=True, slots=True)
class Table:
    """Name a task and say how its table is read.

    Parameters
    ----------
    task : Task
        What is known beforehand: id, problem type, family, source, licence.
    load : callable
        Returns ``(X, y)``; called in the worker, so it has to pickle.
    """

    task: Task
    load: Callable[[], tuple[pd.DataFrame, "pd.Series[Any]"]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what one fit may take.

    Parameters
    ----------
    fit_seconds : float, default=60
        Processor seconds of fitting and predicting one fold on one thread; the wall clock may run twice as long.
    memory_mb : int, default=8000
        Address space of the process that fits, in megabytes; not enforced on Windows.
    max_rows : int, default=5000
        Rows that are used of a table, chosen by a fixed seed.
    n_folds : int, default=3
        Folds of the cross-validation.
    """

    fit_seconds: float = 60.0
    memory_mb: int = 8000
    max_rows: int = 5000
    n_folds: int = 3


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """Join a table with the configurations that are evaluated on it in one go.

    Parameters
    ----------
    table : Table
        The table.
    configurations : tuple of Configuration
        What is evaluated, in order.
    """

    table: Table
    configurations: tuple[Configuration, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    scores: dict[str, float]
    fit_seconds: float | None
    predict_seconds: float | None
    status: Status = Status.OK
    message: str = ""


def plan(
    tables: Iterable[Table],
    waves: Callable[[ProblemType], Sequence[Sequence[Configuration]]],
    done: Collection[tuple[str, str]] = frozenset(),
) -> list[WorkUnit]:
    """List what is still to be evaluated, breadth first: the first wave on every table, then the next.

    Parameters
    ----------
    tables : iterable of Table
        The tables; keep them in the order in which they shall be finished.
    waves : callable
        ``waves(problem_type)`` lists groups of configurations, the most valuable group first.
    done : collection of (task id, configuration id), default=()
        What is already known.

    Returns
    -------
    list of WorkUnit
        In order of priority.
    """
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
    """Evaluate work units in parallel and yield each as soon as it is finished.

    Parameters
    ----------
    units : sequence of WorkUnit
        What :func:`plan` lists.
    limits : Limits, optional
        Bounds on time, memory and rows.
    n_jobs : int, default=1
        Processes. A surrounding ``joblib.parallel_config`` chooses another backend, such as Dask's.

    Yields
    ------
    task : Task
        With the size of the table filled in.
    evaluations : list of Evaluation
        One for each configuration, fold and metric; failures have a status and no value.
    """
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
    yield from parallel(joblib.delayed(evaluate_unit)(unit, limits) for unit in units)


def describe(
    tables: Sequence[Table],
    *,
    limits: Limits = Limits(),
    n_jobs: int = 1,
) -> Iterator[tuple[Task, MetaFeatures]]:
    """Compute the meta-features of tables, on the rows that evaluations use.

    Parameters
    ----------
    tables : sequence of Table
        The tables.
    limits : Limits, optional
        Bound on rows.
    n_jobs : int, default=1
        Processes.

    Yields
    ------
    task : Task
        With the size of the table filled in.
    meta_features : MetaFeatures
        All default meta-features.
    """
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
    yield from parallel(joblib.delayed(_describe)(table, limits) for table in tables)


def _load(table: Table, limits: Limits) -> tuple[Task, Dataset]:
    X, y = table.load()
    full = Dataset.from_data(X, y, problem_type=table.task.problem_type)
    used = full.head(limits.max_rows, random_state=RANDOM_STATE)
    task = replace(
        table.task,
        fingerprint=full.fingerprint,
        n_rows=full.n_rows,
        n_features=full.n_features,
        n_classes=full.n_classes,
        n_rows_used=used.n_rows,
    )
    return task, used


def _describe(table: Table, limits: Limits) -> tuple[Task, MetaFeatures]:
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        task, data = _load(table, limits)
        return task, extract(data)


def evaluate_unit(unit: WorkUnit, limits: Limits) -> tuple[Task, list[Evaluation]]:
    """Evaluate the configurations of one work unit, each fit guarded by a process that can be ended.

    Parameters
    ----------
    unit : WorkUnit
        Table and configurations.
    limits : Limits
        Bounds on time, memory and rows.

    Returns
    -------
    task : Task
        With the size of the table filled in.
    evaluations : list of Evaluation
        One for each configuration, fold and metric.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task, data = _load(unit.table, limits)
    for configuration in unit.configurations:
        with suppress(
            Exception
        ):  # imports the libraries once, instead of in every child; a child meets the error again
            get_model(configuration.model).build(configuration, task.problem_type)
    outcomes = _guarded(data, unit.configurations, limits)
    names = [metric.name for metric in metrics_for(task.problem_type)]
    evaluations = [
        Evaluation(
            task_id=task.id,
            configuration=configuration,
            metric=name,
            value=outcome.scores.get(name, float("nan")),
            fold=fold,
            fit_seconds=outcome.fit_seconds,
            predict_seconds=outcome.predict_seconds,
            status=outcome.status,
            message=outcome.message,
            versions=_version(configuration),
        )
        for configuration, folds in zip(unit.configurations, outcomes, strict=True)
        for fold, outcome in enumerate(folds)
        for name in names
    ]
    return task, evaluations


def _version(configuration: Configuration) -> str:
    package = get_model(configuration.model).requires
    try:
        return f"{package} {importlib.import_module(package).__version__}"
    except ImportError:
        return ""


def _guarded(data: Dataset, configurations: Sequence[Configuration], limits: Limits) -> list[list[_Outcome]]:
    """Run every configuration in a child process that is replaced when it hangs or dies."""
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    found: list[list[_Outcome]] = [[] for _ in configurations]
    position = 0
    while position < len(configurations):
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_serve, args=(sender, data, configurations, position, limits))
        child.start()
        sender.close()
        ended = None
        while position < len(configurations):
            try:
                if not receiver.poll(_PATIENCE * limits.fit_seconds + 5):
                    ended = _Outcome({}, None, None, Status.TIMEOUT, f"more than {limits.fit_seconds:g} s")
                    break
                outcome = receiver.recv()
            except EOFError:
                child.join(5)
                ended = _Outcome({}, None, None, *_cause(child.exitcode))
                break
            if outcome.status is Status.TIMEOUT:
                found[position] += [outcome] * (limits.n_folds - len(found[position]))
            else:
                found[position].append(outcome)
            if len(found[position]) == limits.n_folds:
                position += 1
        if ended is not None:
            found[position] += [ended] * (limits.n_folds - len(found[position]))
            position += 1
            child.kill()
        child.join()
        receiver.close()
    return found


def _cause(exitcode: int | None) -> tuple[Status, str]:
    if exitcode == -9:  # noqa: PLR2004 - SIGKILL is what an out-of-memory killer sends
        return Status.MEMORY, "the process was killed, probably out of memory"
    return Status.FAILED, f"the process ended with code {exitcode}"


def _serve(
    sender: Connection, data: Dataset, configurations: Sequence[Configuration], start: int, limits: Limits
) -> None:
    """Send one outcome for each fold of each configuration; a fold over the limit ends its configuration."""
    warnings.simplefilter("ignore")
    if os.name == "posix":
        import resource  # noqa: PLC0415 - not on Windows

        size = limits.memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    folds = _folds(data, limits.n_folds)
    with threadpool_limits(1):
        for configuration in configurations[start:]:
            for train, test in folds:
                outcome = _fit_and_score(data, configuration, train, test, limits)
                sender.send(outcome)
                if outcome.status is Status.TIMEOUT:
                    break
    sender.close()


def _folds(data: Dataset, n_folds: int) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    kind = StratifiedKFold if data.problem_type.is_classification else KFold
    splitter = kind(n_folds, shuffle=True, random_state=RANDOM_STATE)
    return list(splitter.split(np.zeros(data.n_rows), data.target))


def _fit_and_score(
    data: Dataset,
    configuration: Configuration,
    train: npt.NDArray[np.intp],
    test: npt.NDArray[np.intp],
    limits: Limits,
) -> _Outcome:
    X, y = data.X, data.target
    started = time.process_time()  # on one thread it is the wall clock of an idle machine, also on a busy one
    try:
        model = get_model(configuration.model).build(
            configuration, data.problem_type, random_state=RANDOM_STATE, n_jobs=1
        )
        model.fit(X.iloc[train], y[train])
        fitted = time.process_time()
        if data.problem_type.is_classification:
            probabilities = np.zeros((len(test), data.n_classes))
            probabilities[:, model.classes_.astype(int)] = model.predict_proba(X.iloc[test])
            scores = score_classes(y[test], probabilities, data.problem_type)
        else:
            scores = score_numbers(y[test], np.asarray(model.predict(X.iloc[test]), dtype=float).ravel())
    except MemoryError as error:
        return _Outcome({}, None, None, Status.MEMORY, repr(error)[:200])
    except Exception as error:  # noqa: BLE001 - whatever a library raises is a result
        if "bad_alloc" in str(error) or "allocate" in str(error):  # how C++ libraries say it
            return _Outcome({}, None, None, Status.MEMORY, repr(error)[:200])
        return _Outcome({}, None, None, Status.FAILED, repr(error)[:200])
    fit_seconds, predict_seconds = fitted - started, time.process_time() - fitted
    if fit_seconds + predict_seconds > limits.fit_seconds:
        return _Outcome({}, fit_seconds, predict_seconds, Status.TIMEOUT, f"more than {limits.fit_seconds:g} s")
    if not all(np.isfinite(value) for value in scores.values()):
        return _Outcome({}, fit_seconds, predict_seconds, Status.FAILED, "the predictions are not finite")
    return _Outcome(scores, fit_seconds, predict_seconds)
