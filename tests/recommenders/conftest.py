"""Small knowledge bases whose right answers are known, and what is fitted on them."""

from collections.abc import Callable

import numpy as np
import pytest

from metalearn.evaluation import Evaluation, Status
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.models import get_model
from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.task import ProblemType, Task

FAMILIES = ("linear", "random_forest", "svm", "knn")


def _make(
    n_tasks: int = 40,
    *,
    problem_type: ProblemType = ProblemType.BINARY,
    metrics: tuple[str, ...] = ("roc_auc", "accuracy"),
    missing: float = 0.0,
    seed: int = 0,
    prefix: str = "t",
) -> KnowledgeBase:
    """Tasks of two kinds, told apart by the meta-feature `kind`; on each kind other families win."""
    rng = np.random.default_rng(seed)
    configurations = [c for name in FAMILIES for c in get_model(name).design(problem_type, 3)]
    tasks, features, evaluations = [], {}, []
    for t in range(n_tasks):
        kind = t % 2
        task = Task(
            id=f"{prefix}{t}",
            problem_type=problem_type,
            name=f"table {t}",
            family=f"family {t // 2}" if t < 4 else f"own {t}",
            n_rows=int(100 * 2 ** rng.integers(0, 5)),
            n_features=int(rng.integers(3, 40)),
            n_classes=2 if problem_type.is_classification else 0,
        )
        tasks.append(task)
        features[task.id] = MetaFeatures(
            {
                "kind": kind + 0.1 * rng.normal(),
                "log_n": float(np.log(task.n_rows)),
                "noise": rng.normal(),
                "sometimes": np.nan if t % 3 else 1.0,
            }
        )
        level = rng.uniform(0.6, 0.85)
        for j, configuration in enumerate(configurations):
            if rng.random() < missing and j != t % len(configurations):
                continue
            good = (configuration.model in FAMILIES[:2]) == (kind == 0)
            value = level + 0.1 * good + 0.01 * (j % 3) + 0.005 * rng.normal()
            failed = configuration.model == "svm" and t % 7 == 0
            seconds = 1e-4 * task.n_rows * (1 + 5 * (configuration.model == "svm")) * np.exp(0.1 * rng.normal())
            evaluations += [
                Evaluation(
                    task_id=task.id,
                    configuration=configuration,
                    metric=metric,
                    value=np.nan if failed else value * (10.0 if metric == "rmse" else 1.0),
                    fit_seconds=None if failed else seconds,
                    status=Status.FAILED if failed else Status.OK,
                )
                for metric in metrics
            ]
    return KnowledgeBase.from_records(tasks, features, evaluations)


@pytest.fixture(scope="session")
def make_knowledge() -> Callable[..., KnowledgeBase]:
    return _make


@pytest.fixture(scope="session")
def features_of() -> Callable[[float], MetaFeatures]:
    """Meta-features of a new table of kind 0 or 1."""
    return lambda kind: MetaFeatures({"kind": kind, "log_n": float(np.log(800)), "noise": 0.0, "sometimes": np.nan})


@pytest.fixture(scope="session")
def knowledge() -> KnowledgeBase:
    return _make()


@pytest.fixture(scope="session")
def sparse_knowledge() -> KnowledgeBase:
    return _make(missing=0.4)


@pytest.fixture(scope="session")
def table(knowledge: KnowledgeBase) -> PerformanceTable:
    return PerformanceTable.from_knowledge_base(knowledge)


@pytest.fixture(scope="session")
def past(table: PerformanceTable) -> PastTasks:
    return PastTasks.fit(table)


@pytest.fixture(scope="session")
def new_task() -> Task:
    return Task(id="new", problem_type=ProblemType.BINARY, n_rows=800, n_features=10, n_classes=2)
