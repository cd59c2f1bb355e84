"""Run fits in processes that can be ended when they are late or take too much memory, or one by one in this process."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from joblib.externals.loky.backend.reduction import dumps

from metalearn.evaluation.fit import Outcome, Rows, TrainingData, fit_and_score
from metalearn.evaluation.record import Status
from metalearn.exceptions import MissingExtraError
from metalearn.models import get_model
from metalearn.space import Configuration

__all__ = ["InProcess", "Processes", "Runner", "end_with_parent"]

_LINUX = sys.platform == "linux"

_GRACE = 1.0
"""Processor seconds beyond the limit after which a fit is ended that has not ended by itself."""


class Runner(Protocol):
    """Run fits, at most ``n_slots`` at a time."""

    n_slots: int

    @property
    def has_room(self) -> bool:
        """Whether another fit can be started."""
        ...

    def submit(self, key: Hashable, configuration: Configuration, where: int | Rows, deadline: float) -> None:
        """Start a fit on a fold, or on rows to keep its pipeline, that may last until a time of ``time.monotonic``."""
        ...

    def finished(self) -> list[tuple[Any, Outcome]]:
        """Wait until at least one fit has ended; return keys and outcomes, none if nothing is running."""
        ...

    def cancel(self) -> None:
        """End what is still running; other fits can be started afterwards."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


class InProcess:
    """Run one fit at a time in this process; a deadline cannot end it."""

    n_slots = 1

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._ended: list[tuple[Any, Outcome]] = []

    @property
    def has_room(self) -> bool:
        """Whether another fit can be started."""
        return not self._ended

    def submit(self, key: Hashable, configuration: Configuration, where: int | Rows, deadline: float) -> None:
        """Run a fit to its end."""
        del deadline
        self._ended.append((key, fit_and_score(self._data, configuration, where)))

    def finished(self) -> list[tuple[Any, Outcome]]:
        """Return what ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def cancel(self) -> None:
        """Forget what ended."""
        self._ended = []

    def close(self) -> None:
        """Do nothing: there is no process to end."""


@dataclass(slots=True)
class _Worker:
    process: Any  # of multiprocessing, or a fresh interpreter with the same methods
    connection: Connection
    key: Any = None
    deadline: float = float("inf")


@dataclass(frozen=True, slots=True)
class _Work:
    """Data and bounds that a worker is given when it starts."""

    data: TrainingData
    memory_mb: int | None
    fit_seconds: float | None


class Processes:
    """Run fits in processes of their own, each on one thread; one that is late or dies is replaced."""

    def __init__(
        self, data: TrainingData, n_slots: int = 1, *, memory_mb: int | None = None, fit_seconds: float | None = None
    ) -> None:
        self.n_slots = n_slots
        self._work = _Work(data, memory_mb, fit_seconds)
        self._workers: list[_Worker] = []
        try:
            for _ in range(n_slots):
                self._workers.append(self._start())
        except BaseException:
            self.close()
            raise

    def _start(self) -> _Worker:
        if os.name == "posix" and not _may_fork():
            return _start_fresh(self._work)
        mine, theirs = multiprocessing.Pipe()
        inherited = (mine, *(w.connection for w in self._workers)) if _LINUX else ()
        process = _context().Process(target=_serve, args=(theirs, self._work, inherited), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads; the child only fits, on one thread
            process.start()
        theirs.close()
        return _Worker(process, mine)

    @property
    def has_room(self) -> bool:
        """Whether another fit can be started."""
        return any(w.key is None for w in self._workers)

    def submit(self, key: Hashable, configuration: Configuration, where: int | Rows, deadline: float) -> None:
        """Start a fit that is ended at its deadline, a time of ``time.monotonic``."""
        worker = next(w for w in self._workers if w.key is None)
        worker.key, worker.deadline = key, deadline
        with suppress(BrokenPipeError):  # it has died; finished() will see that
            worker.connection.send((configuration, where))

    def finished(self) -> list[tuple[Any, Outcome]]:
        """Wait until at least one fit has ended or is late, and return what ended."""
        busy = [w for w in self._workers if w.key is not None]
        if not busy:
            return []
        patience = min(w.deadline for w in busy) - time.monotonic()
        ready = wait([w.connection for w in busy], None if patience == float("inf") else max(patience, 0))
        ended = []
        for worker in busy:
            if worker.connection in ready:
                try:
                    outcome = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    worker.process.join(5)
                    outcome = self._died(worker.process.exitcode)
            elif time.monotonic() >= worker.deadline:
                outcome = Outcome(Status.TIMEOUT, "it did not end in time")
            else:
                continue
            ended.append((worker.key, outcome))
            worker.key = None
            if outcome.status in (Status.TIMEOUT, Status.MEMORY) or not worker.process.is_alive():
                self._replace(worker)
        return ended

    def _died(self, exitcode: int | None) -> Outcome:
        if os.name == "posix" and exitcode == -signal.SIGPROF:
            return Outcome(Status.TIMEOUT, f"more than {self._work.fit_seconds:g} s")
        if exitcode == -9:  # noqa: PLR2004 - SIGKILL is what an out-of-memory killer sends
            return Outcome(Status.MEMORY, "the process was killed, probably out of memory")
        return Outcome(Status.FAILED, f"the process ended with code {exitcode}")

    def _replace(self, worker: _Worker) -> None:
        worker.process.terminate()
        worker.connection.close()
        _end(worker.process)
        self._workers[self._workers.index(worker)] = self._start()

    def cancel(self) -> None:
        """End what is still running; other fits can be started afterwards."""
        for worker in [w for w in self._workers if w.key is not None]:
            self._replace(worker)

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.process.terminate()
            worker.connection.close()
        for worker in self._workers:
            _end(worker.process)


def _end(process: Any) -> None:
    """Wait for a process that was asked to end, so that it leaves no zombie, and kill it if it does not."""
    process.join(1)
    if process.is_alive():
        process.kill()
        process.join()


def _may_fork() -> bool:
    """Whether a fork is safe here; it takes milliseconds and shares the table's memory."""
    ray = sys.modules.get("ray")
    in_ray = ray is not None and ray.is_initialized()
    alone = threading.current_thread() is threading.main_thread()
    return _LINUX and alone and not in_ray and not multiprocessing.current_process().daemon


def _context() -> Any:
    if _LINUX:
        return multiprocessing.get_context("fork")
    # of joblib's kind: unlike "spawn" it needs no guarded script
    from joblib.externals.loky.backend.context import get_context  # noqa: PLC0415 - only where it is needed

    return get_context("loky")


class _Fresh:
    """A fresh interpreter under the methods of a process of multiprocessing."""

    def __init__(self, started: "subprocess.Popen[bytes]") -> None:
        self._started = started
        self.pid, self.terminate, self.kill = started.pid, started.terminate, started.kill

    @property
    def exitcode(self) -> int | None:
        return self._started.poll()

    def is_alive(self) -> bool:
        return self.exitcode is None

    def join(self, timeout: float | None = None) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._started.wait(timeout)


_FRESH = "import sys; from metalearn.evaluation.workers import _serve_fresh; _serve_fresh(int(sys.argv[1]))"


def _start_fresh(work: _Work) -> _Worker:
    mine, theirs = multiprocessing.Pipe()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _FRESH, str(theirs.fileno())]
    fresh = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment)  # noqa: S603
    theirs.close()
    try:
        mine.send_bytes(dumps(work))  # a metric of the user's own may be a lambda
        mine.recv()
    except (EOFError, OSError) as error:
        message = (
            f"The Python at {sys.executable} ended with code {fresh.wait()} before it could fit anything. "
            "Expected metalearn to be installed for it. Run it with: -c 'import metalearn.evaluation.workers'."
        )
        raise MissingExtraError(message) from error
    return _Worker(_Fresh(fresh), mine)


def _serve_fresh(descriptor: int) -> None:
    connection = Connection(descriptor)
    work = connection.recv()
    connection.send("ready")
    _serve(connection, work)


def _serve(connection: Connection, work: _Work, inherited: Sequence[Connection] = ()) -> None:
    """Answer every request until the other end closes."""
    end_with_parent()
    for other in inherited:  # a copy of the other end would keep it open when its owner is gone
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that schedules
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a handler of the program's own would keep a late fit going
    _bound_memory(work.memory_mb)
    with suppress(EOFError, BrokenPipeError):
        while True:
            configuration, where = connection.recv()
            with suppress(Exception):  # importing its library does not count; an error is met again in the fit
                get_model(configuration.model).build(configuration, work.data.problem_type)
            _bound_seconds(work.fit_seconds)
            outcome = fit_and_score(work.data, configuration, where)
            _bound_seconds(None)
            connection.send(outcome)


def end_with_parent() -> None:
    """Let this process be killed when the one that started it has ended, however rudely; on Linux only."""
    if _LINUX:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _bound_memory(megabytes: int | None) -> None:
    if _LINUX and megabytes is not None:
        import resource  # noqa: PLC0415 - not on Windows

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        size = pages * resource.getpagesize() + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _bound_seconds(seconds: float | None) -> None:
    """End the process after so many processor seconds, also within a library that never returns to Python."""
    if os.name == "posix":
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, 0 if seconds is None else seconds + _GRACE)
