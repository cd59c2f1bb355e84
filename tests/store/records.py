"""Records that the tests of stores share; also run as a program, by the processes that write at once or are killed."""

import sys
from itertools import count

from metalearn.evaluation import Evaluation
from metalearn.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.store import open_store
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
    return KnowledgeBase.from_records(
        tasks, {t.id: FOUND for t in tasks}, [e for t in tasks for e in runs(t)]
    )


def main(url: str, worker: str, n_appends: str) -> None:
    """Append tasks of this worker's own and one task that all workers share; print each that is safely stored."""
    store = open_store(url, source=f"worker {worker}")
    for number in range(int(n_appends)) if int(n_appends) else count():
        own = task(f"{worker}-{number}")
        store.append(own, FOUND, runs(own))
        shared = task("shared")
        store.append(shared, FOUND, runs(shared), source="all")
        print(own.id, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
