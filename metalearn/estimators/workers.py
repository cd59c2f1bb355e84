"""Run fits in processes that can be ended when their time is over, or one after another in this process."""

import multiprocessing
import signal
import sys
import time
import warnings
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from metalearn.estimators.fold import Outcome, Rows, TrainingData, fit_and_predict
from metalearn.evaluation import Status
from metalearn.space import Configuration

__all__ = ["InProcess", "Processes", "Runner"]

_KILLED = -9

_FORKS = sys.platform == "linux"
"""Whether processes start as copies of this one: at once, and sharing the table's memory."""


class Runner(Protocol):
    """Run fits, at most ``n_slots`` at a time."""

    n_slots: int

    @property
    def has_room(self) -> bool:
        """Whether another fit can be started."""
        ...

    def submit(self, key: Hashable, configuration: Configuration, where: int | Rows, deadline: float) -> None:
        """Start a fit that may last until a deadline.

        Parameters
        ----------
        key : hashable
            Names the fit.
        configuration : Configuration
            What to fit.
        where : int or ndarray of int
            The fold, or the rows to fit on.
        deadline : float
            On the clock of ``time.monotonic``.
        """
        ...

    def finished(self) -> list[tuple[Any, Outcome]]:
        """Wait until at least one fit has ended, and return what ended.

        Returns
        -------
        list of (key, Outcome)
            Empty if nothing is running.
        """
        ...

    def cancel(self) -> None:
        """End what is still running; other fits can be started afterwards."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


class InProcess:
    """Run one fit at a time in this process; a deadline cannot end it.

    Parameters
    ----------
    data : TrainingData
        The table.
    """

    n_slots = 1

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._ended: list[tuple[Any, Outcome]] = []

    @property
    def has_room(self) -> bool:
        """Whether another fit can be started."""
        return not self._ended

    def submit(
        self,
        key: Hashable,
        configuration: Configuration,
        where: int | Rows,
        deadline: float,  # noqa: ARG002 - the same signature as of processes
    ) -> None:
        """Run a fit.

        Parameters
        ----------
        key : hashable
            Names the fit.
        configuration : Configuration
            What to fit.
        where : int or ndarray of int
            The fold, or the rows to fit on.
        deadline : float
            Ignored.
        """
        self._ended.append((key, fit_and_predict(self._data, configuration, where)))

    def finished(self) -> list[tuple[Any, Outcome]]:
        """Return what ended.

        Returns
        -------
        list of (key, Outcome)
            Empty if nothing was run since the last call.
        """
        ended, self._ended = self._ended, []
        return ended

    def cancel(self) -> None:
        """Forget what ended."""
        self._ended = []

    def close(self) -> None:
        """Do nothing: there is no process to end."""


@dataclass(slots=True)
class _Worker:
    process: Any
    connection: Connection
    key: Any = None
    deadline: float = float("inf")


class Processes:
    """Run fits in processes of their own, each on one thread; one that is late is killed and replaced.

    Parameters
    ----------
    data : TrainingData
        The table.
    n_slots : int
        Number of processes.
    """

    def __init__(self, data: TrainingData, n_slots: int) -> None:
        self.n_slots = n_slots
        self._context = _context()
        self._data = data
        self._workers: list[_Worker] = []
        for _ in range(n_slots):
            self._workers.append(self._start())

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        inherited = (mine, *(w.connection for w in self._workers)) if _FORKS else ()
        process = self._context.Process(target=_serve, args=(theirs, self._data, inherited), daemon=True)
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
        """Start a fit that is killed at its deadline.

        Parameters
        ----------
        key : hashable
            Names the fit.
        configuration : Configuration
            What to fit.
        where : int or ndarray of int
            The fold, or the rows to fit on.
        deadline : float
            On the clock of ``time.monotonic``.
        """
        worker = next(w for w in self._workers if w.key is None)
        worker.key, worker.deadline = key, deadline
        with suppress(BrokenPipeError):  # it has died; finished() will see that
            worker.connection.send((configuration, where))

    def finished(self) -> list[tuple[Any, Outcome]]:
        """Wait until at least one fit has ended or is late, and return what ended.

        Returns
        -------
        list of (key, Outcome)
            Empty if nothing is running.
        """
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
                    outcome = _died(worker.process.exitcode)
            elif time.monotonic() >= worker.deadline:
                outcome = Outcome(Status.TIMEOUT, "it did not end in time")
            else:
                continue
            ended.append((worker.key, outcome))
            worker.key = None
            if outcome.status in (Status.TIMEOUT, Status.MEMORY) or not worker.process.is_alive():
                self._replace(worker)
        return ended

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


def _context() -> Any:
    if _FORKS:
        return multiprocessing.get_context("fork")
    # of joblib's kind: unlike "spawn" it needs no guarded script
    from joblib.externals.loky.backend.context import get_context  # noqa: PLC0415 - only where it is needed

    return get_context("loky")


def _died(exitcode: int | None) -> Outcome:
    if exitcode == _KILLED:
        return Outcome(Status.MEMORY, "the process was killed, probably out of memory")
    return Outcome(Status.FAILED, f"the process ended with code {exitcode}")


def _serve(connection: Connection, data: TrainingData, inherited: Sequence[Connection]) -> None:
    """Answer every request until the other end closes."""
    for other in inherited:  # a copy of the other end would keep it open when its owner is gone
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that searches
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a handler of the program's own would keep a late fit going
    try:
        while True:
            configuration, where = connection.recv()
            connection.send(fit_and_predict(data, configuration, where))
    except (EOFError, BrokenPipeError):
        return
