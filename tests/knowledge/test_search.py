import math

import numpy as np
import pandas as pd
import pytest

from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.knowledge import KnowledgeBase
from metalearn.knowledge.search import PastTask, search
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

KNN, TREE, SVM = (
    Configuration("knn", {"n_neighbors": 1}),
    Configuration("decision_tree", {}),
    Configuration("svm", {}),
)


def task(name: str, kind: str = "binary", rows: int = 1000, **facts: object) -> Task:
    classes = {"binary": 2, "multiclass": 5, "regression": 0}[kind]
    return Task(
        id=f"t:{name}",
        name=name,
        problem_type=ProblemType(kind),
        n_rows=rows,
        n_features=10,
        n_classes=classes,
        **facts,
    )


def shown(values: dict[str, float]) -> MetaFeatures:
    return MetaFeatures(values)


@pytest.fixture
def knowledge() -> KnowledgeBase:
    tasks = [
        task("credit", rows=9_000),
        task("fraud", rows=11_000),
        task("digits", "multiclass", 1_800),
        task("houses", "regression", 10_000),
        task("tiny", rows=90),
    ]
    found = {
        "t:credit": shown({"minority_fraction": 0.5, "n_classes": 2, "skew": 1.0}),
        "t:fraud": shown({"minority_fraction": 0.01, "n_classes": 2, "skew": 9.0}),
        "t:digits": shown({"minority_fraction": 0.2, "n_classes": 5, "skew": 0.0}),
        "t:houses": shown({"n_classes": math.nan, "skew": 9.0}),
        "t:tiny": shown({"minority_fraction": 0.4, "n_classes": 2, "skew": 2.0}),
    }
    runs = [
        Evaluation(task_id="t:fraud", configuration=c, metric="roc_auc", value=v, fold=f)
        for c, values in ((KNN, (0.80, 0.82, 0.81)), (TREE, (0.70, 0.73, 0.71)), (SVM, (0.99,)))
        for f, v in enumerate(values)
    ]
    runs.append(
        Evaluation(
            task_id="t:fraud", configuration=SVM, metric="roc_auc", value=math.nan, fold=1, status=Status.TIMEOUT
        )
    )
    return KnowledgeBase.from_records(tasks, found, runs)


def ids(found: tuple[PastTask, ...]) -> list[str]:
    return [f.task_id for f in found]


def test_words_find_kind_size_and_balance(knowledge: KnowledgeBase) -> None:
    assert ids(search(knowledge, "imbalanced binary 10k rows"))[0] == "t:fraud"
    assert ids(search(knowledge, "balanced binary 10k rows"))[0] == "t:credit"
    assert ids(search(knowledge, "regression")) == ["t:houses"]
    assert set(ids(search(knowledge, "classification"))) == {"t:credit", "t:fraud", "t:digits", "t:tiny"}
    assert ids(search(knowledge, "5 classes"))[0] == "t:digits"
    assert ids(search(knowledge, "small binary", n=1)) == ["t:tiny"]
    assert ids(search(knowledge, "digits")) == ["t:digits"]


def test_words_that_fit_nothing_find_nothing(knowledge: KnowledgeBase) -> None:
    assert search(knowledge, "zebras") == ()
    assert search(KnowledgeBase.empty(), "binary") == ()


def test_likeness_orders_by_meta_features_of_the_same_kind(knowledge: KnowledgeBase) -> None:
    assert (
        ids(search(knowledge, like=MetaFeatures({"minority_fraction": 0.02, "n_classes": 2, "skew": 8.0})))[0]
        == "t:fraud"
    )
    near = ids(search(knowledge, like="t:credit"))
    assert "t:credit" not in near
    assert near[0] == "t:tiny"
    assert "t:houses" not in near


def test_likeness_and_words_go_together(knowledge: KnowledgeBase) -> None:
    assert ids(search(knowledge, "multiclass", like="t:credit")) == ["t:digits"]


def test_a_table_finds_itself() -> None:
    rng = np.random.default_rng(0)
    tables = []
    for number in range(6):
        X = pd.DataFrame(rng.normal(size=(60 + 30 * number, 3 + number)) ** (1 + number % 3))
        tables.append(Dataset.from_data(X, rng.integers(0, 2 + number % 3, len(X))))
    tasks = [Task(id=f"t:{i}", problem_type=d.problem_type, n_rows=d.n_rows) for i, d in enumerate(tables)]
    known = KnowledgeBase.from_records(tasks, {t.id: extract(d) for t, d in zip(tasks, tables, strict=True)}, [])
    for number, data in enumerate(tables):
        first = search(known, like=data, n=1)[0]
        assert first.task_id == f"t:{number}"
        assert first.match == pytest.approx(1)


def test_the_winner_is_said_with_its_certainty(knowledge: KnowledgeBase) -> None:
    fraud = search(knowledge, "fraud")[0]
    assert fraud.best == KNN  # the support vector machine failed on a fold
    assert fraud.metric == "roc_auc"
    assert fraud.score == pytest.approx(0.81)
    assert fraud.standard_error == pytest.approx(0.01 / math.sqrt(3))
    gains = np.array([0.10, 0.09, 0.10])
    t = gains.mean() / (gains.std(ddof=1) / math.sqrt(3))
    assert fraud.certainty == pytest.approx(1 - 0.5 * (1 - t / math.sqrt(t**2 + 2)))  # Student's t with 2 degrees
    assert fraud.n_configurations == 3
    assert fraud.to_dict()["best"] == KNN.to_dict()


def test_a_task_without_results_says_so(knowledge: KnowledgeBase) -> None:
    credit = search(knowledge, "credit")[0]
    assert credit.best is None
    assert math.isnan(credit.certainty)


def test_what_cannot_be_looked_for_is_named(knowledge: KnowledgeBase) -> None:
    with pytest.raises(InvalidInputError, match="Nothing to look for"):
        search(knowledge, "  ")
    with pytest.raises(UnknownNameError, match="t:fraud"):
        search(knowledge, like="t:frau")


def test_a_row_count_that_agrees_does_not_make_two_tables_alike() -> None:
    names = ("n_rows", "n_features", "skew", "kurtosis", "missing_fraction")
    tasks = [task("bare"), task("full"), task("other")]
    values = {"t:bare": {"n_rows": 5.0}, "t:full": dict.fromkeys(names, 5.0), "t:other": dict.fromkeys(names, 9.0)}
    known = KnowledgeBase.from_records(tasks, {key: MetaFeatures(found) for key, found in values.items()}, [])
    match = {found.task_id: found.match for found in search(known, like=MetaFeatures(values["t:full"]))}
    assert match["t:full"] > 0.8
    assert match["t:bare"] <= 0.2


@pytest.mark.parametrize("number", ["1.000", "1,000", "1k", "1.0k", "1.000k"])
def test_a_thousand_is_written_in_many_ways(number: str) -> None:
    tasks = [task("one", rows=1), task("thousand", rows=1000), task("large", rows=1_000_000)]
    found = search(KnowledgeBase.from_records(tasks, {}, []), f"{number} rows")
    assert (ids(found)[0], found[0].match) == ("t:thousand", 1.0)


@pytest.mark.parametrize("number", ["1.000.000", "1,000,000", "1000k", "1m"])
def test_large_numbers_are_understood_in_every_notation(number: str) -> None:
    tasks = [task("small", rows=1000), task("large", rows=1_000_000)]
    found = search(KnowledgeBase.from_records(tasks, {}, []), f"{number} rows")
    assert (found[0].task_id, found[0].match) == ("t:large", pytest.approx(1))
