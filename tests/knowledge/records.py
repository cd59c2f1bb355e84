"""Records that the tests of stores share."""

import os
import signal
import sys
import time
from pathlib import Path

from metalearn.evaluation import Evaluation
from metalearn.knowledge import KnowledgeBase, open_store
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

FOUND = MetaFeatures({"n_rows": 100.0, "skewness": 0.25})
N_RUNS = 20


def task(name: str, **facts: object) -> Task:
    return Task(id=f"test:{name}", problem_type=ProblemType.BINARY, n_rows=100, **facts)


def runs(of: Task, n: int = N_RUNS, value: float = 0.5) -> list[Evaluation]:
    return [
        Evaluation(
            task_id=of.id,
            configuration=Configuration("knn", {"n_neighbors": 1 + k}),
            metric="roc_auc",
            value=value + k / 1000,
            fit_seconds=0.5,
        )
        for k in range(n)
    ]


def knowledge(n_tasks: int = 3) -> KnowledgeBase:
    tasks = [task(str(i)) for i in range(n_tasks)]
    return KnowledgeBase.from_records(tasks, {t.id: FOUND for t in tasks}, [e for t in tasks for e in runs(t)])


def keep_appending(url: str, worker: int, n_appends: int, report: Path) -> None:
    """Append tasks of this worker's own and one task that all workers share; note each that is safely stored."""
    store = open_store(url, source=f"worker {worker}")
    with report.open("a", buffering=1) as file:
        for number in range(n_appends):
            own, shared = task(f"{worker}-{number}"), task("shared")
            store.append(own, FOUND, runs(own))
            store.append(shared, FOUND, runs(shared), source="all")
            file.write(f"{own.id}\n")


def in_child(url: str, worker: int, n_appends: int, report: Path) -> int:
    """Run a worker in a process of its own and return its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        keep_appending(url, worker, n_appends, report)
        status = 0
    finally:
        os._exit(status)


def main(what: str, url: str, path: str) -> None:
    """Write alone, let eight processes write at once, or kill four of them one after the other in the middle of their work."""
    report = Path(path)
    report.touch()
    if what == "alone":
        keep_appending(url, 0, 12, report)
        return
    if what == "together":
        children = [in_child(url, worker, 3, report) for worker in range(8)]
        sys.exit(max(os.waitpid(child, 0)[1] for child in children))
    for worker in range(4):
        n_before = report.stat().st_size
        child = in_child(url, worker, 1_000_000, report)
        while report.stat().st_size == n_before:
            time.sleep(0.005)
        time.sleep(0.02 * worker)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
