"""Evaluate configurations on tables by cross-validation: guarded, resumable, in parallel."""

import importlib
import importlib.metadata
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status, score_classes, score_numbers
from metalearn.exceptions import InvalidInputError, MissingExtraError
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

_GRACE = 1.0
"""Processor seconds beyond the limit after which a fit is ended that has not ended by itself."""

_MOST_SECONDS, _MOST_MEGABYTES = 172_800, 1_000_000_000
"""Bounds of the limits themselves: what the system's timers and counters take."""

_PATIENCE, _MARGIN = 10, 5
"""Wall-clock seconds are waited for this many times the limit, which counts processor seconds, and a few more."""


@dataclass(frozen=True, slots=True)
class Table:
    """Name a task and say how its table is read.

    Parameters
    ----------
    task : Task
        What is known beforehand: id, problem type, family, source, licence. A fingerprint that it has is kept: the
        key that seals it belongs to the machine that plans, not to the workers of a cluster.
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
        Processor seconds of fitting and predicting one fold on one thread; the wall clock may run ten times as long, and
        five seconds more. Above 0, at most 172,800 (two days).
    memory_mb : int, default=8000
        Address space of the process that fits, in megabytes, from 1; enforced on Linux only.
    max_rows : int, default=5000
        Rows that are used of a table, chosen by a fixed seed; at least 20.
    n_folds : int, default=3
        Folds of the cross-validation, at least 2.

    Raises
    ------
    InvalidInputError
        If one is out of range.
    """

    fit_seconds: float = 60.0
    memory_mb: int = 8000
    max_rows: int = 5000
    n_folds: int = 3

    def __post_init__(self) -> None:
        bounds = (
            ("fit_seconds", 0 < self.fit_seconds <= _MOST_SECONDS, f"above 0 and at most {_MOST_SECONDS:,}"),
            ("memory_mb", 1 <= self.memory_mb <= _MOST_MEGABYTES, f"from 1 to {_MOST_MEGABYTES:,}"),
            ("max_rows", self.max_rows >= MIN_ROWS, f"at least {MIN_ROWS}"),
            ("n_folds", self.n_folds >= 2, "at least 2"),  # noqa: PLR2004
        )
        for name, holds, expected in bounds:
            if not holds:
                message = (
                    f"The limit {name} is {getattr(self, name)}, which is out of range. Expected {expected}. "
                    "Give such a number, or leave it out for the default."
                )
                raise InvalidInputError(message)


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
        Processes. A surrounding ``joblib.parallel_config`` chooses another backend, such as Dask's or Ray's.

    Yields
    ------
    task : Task
        With the size of the table filled in.
    evaluations : list of Evaluation
        One for each configuration, fold and metric; failures have a status and no value.
    """
    yield from _spread(evaluate_unit, units, limits, n_jobs)


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
    _import_libraries(unit.configurations, task.problem_type)  # once, instead of in every child that is forked
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


def _guarded(data: Dataset, configurations: Sequence[Configuration], limits: Limits) -> list[list[_Outcome]]:
    """Run every configuration in a child process that is replaced when it hangs or dies."""
    found: list[list[_Outcome]] = [[] for _ in configurations]
    position = 0
    while position < len(configurations):
        child = _start((data, configurations, position, limits))
        ended = None
        while position < len(configurations):
            try:
                if not child.receiver.poll(_PATIENCE * limits.fit_seconds + _MARGIN):
                    ended = _Outcome({}, None, None, Status.TIMEOUT, f"more than {limits.fit_seconds:g} s")
                    break
                outcome = child.receiver.recv()
            except (EOFError, OSError):
                ended = _Outcome({}, None, None, *_cause(child.wait(), limits))
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
        child.kill()  # it hangs, or has nothing left to say
        child.wait()
        child.receiver.close()
    return found


_Work = tuple[Dataset, Sequence[Configuration], int, Limits]


@dataclass(frozen=True, slots=True)
class _Child:
    """A process that serves outcomes; ``wait`` returns its exit code."""

    receiver: Connection
    kill: Callable[[], None]
    wait: Callable[[], int | None]


def _start(work: _Work) -> _Child:
    """Start a child: forked where that is safe, else a fresh interpreter that is sent its work.

    A fork costs milliseconds, a fresh interpreter a second or two. But Python forbids children of daemonic processes,
    such as the workers of Dask and of multiprocessing's pools, a fork off a thread may copy a lock that another thread
    holds, which nobody will ever release, and Ray forbids forks, which would share its sockets.
    """
    in_thread = threading.current_thread() is not threading.main_thread()
    ray = sys.modules.get("ray")
    in_ray = ray is not None and ray.is_initialized()
    methods = multiprocessing.get_all_start_methods()
    mine, theirs = multiprocessing.Pipe()
    if os.name == "posix" and (in_thread or in_ray or multiprocessing.current_process().daemon):
        return _start_fresh(mine, theirs, work)
    context: Any = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    forked = context.Process(target=_serve, args=(theirs, work, mine), daemon=True)
    forked.start()
    theirs.close()

    def wait() -> int | None:
        forked.join()
        code: int | None = forked.exitcode
        return code

    return _Child(mine, forked.kill, wait)


def _start_fresh(mine: Connection, theirs: Connection, work: _Work) -> _Child:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _FRESH, str(theirs.fileno())]
    fresh = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment)  # noqa: S603
    theirs.close()
    try:
        mine.send(work)
        mine.recv()
    except (EOFError, OSError) as error:
        message = (
            f"The Python at {sys.executable} ended with code {fresh.wait()} before it could fit anything. "
            "Expected metalearn to be installed for it. Run it with: -c 'import metalearn.builder'."
        )
        raise MissingExtraError(message) from error
    return _Child(mine, fresh.kill, fresh.wait)


_FRESH = "import sys; from metalearn.builder import _serve_fresh; _serve_fresh(int(sys.argv[1]))"


def _serve_fresh(descriptor: int) -> None:
    parent = Connection(descriptor)
    work = parent.recv()
    _import_libraries(work[1], work[0].problem_type)
    parent.send("ready")
    _serve(parent, work)


def _bound_memory(limits: Limits) -> None:
    """Let the process ask for so much memory beyond what it inherited; systems other than Linux keep no such bound."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on Windows

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        size = pages * resource.getpagesize() + limits.memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _bound_seconds(limits: Limits) -> None:
    """End the process after so many processor seconds, also within a library that never returns to Python."""
    if os.name == "posix":
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, limits.fit_seconds + _GRACE)


def _cause(exitcode: int | None, limits: Limits) -> tuple[Status, str]:
    if os.name == "posix" and exitcode == -signal.SIGPROF:
        return Status.TIMEOUT, f"more than {limits.fit_seconds:g} s"
    if exitcode == -9:  # noqa: PLR2004 - SIGKILL is what an out-of-memory killer sends
        return Status.MEMORY, "the process was killed, probably out of memory"
    return Status.FAILED, f"the process ended with code {exitcode}"


def _serve(sender: Connection, work: _Work, inherited: Connection | None = None) -> None:
    """Send one outcome for each fold of each configuration; a fold over the limit ends its configuration."""
    if inherited is not None:
        inherited.close()  # else a child whose parent was killed would go on, since it seems to be listened to
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer, which then ends its children
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by this
    data, configurations, start, limits = work
    warnings.simplefilter("ignore")
    _bound_memory(limits)
    folds = _folds(data, limits.n_folds)
    with threadpool_limits(1), suppress(BrokenPipeError):
        for configuration in configurations[start:]:
            for train, test in folds:
                _bound_seconds(limits)
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
