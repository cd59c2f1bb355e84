import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metalearn.evaluation import Evaluation, Status
from metalearn.knowledge import KnowledgeBase
from metalearn.knowledge.validate import Severity, validate
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

STUMP = Configuration("decision_tree", {"max_depth": 1})


@cache
def sound(n_tasks: int = 4, n_configurations: int = 25) -> KnowledgeBase:
    rng = np.random.default_rng(0)
    tasks = [
        Task(id=f"t:{i}", problem_type=ProblemType.BINARY, n_rows=100 + i, n_features=3, n_classes=2)
        for i in range(n_tasks)
    ]
    configurations = [Configuration("knn", {"n_neighbors": 1 + k}) for k in range(n_configurations - 1)] + [STUMP]
    runs = []
    for task in tasks:
        for configuration in configurations:
            level = rng.uniform(0.6, 0.9)
            runs += [
                Evaluation(
                    task_id=task.id, configuration=configuration, metric="roc_auc", value=level + 0.01 * f, fold=f
                )
                for f in range(3)
            ]
    return KnowledgeBase.from_records(tasks, {t.id: MetaFeatures({"landmark_stump": 0.7}) for t in tasks}, runs)


def with_run(**facts: Any) -> KnowledgeBase:
    given: dict[str, Any] = {"task_id": "t:0", "configuration": STUMP, "metric": "roc_auc", "value": 0.7, "fold": 0}
    return sound() + KnowledgeBase.from_records([sound().task("t:0")], {}, [Evaluation(**{**given, **facts})])


def with_task(**facts: Any) -> KnowledgeBase:
    given: dict[str, Any] = {
        "id": "t:9",
        "problem_type": ProblemType.BINARY,
        "n_rows": 9,
        "n_features": 2,
        "n_classes": 2,
    }
    found = {"t:9": MetaFeatures({"landmark_stump": 0.5})}
    return sound() + KnowledgeBase.from_records([Task(**{**given, **facts})], found, [])


def repeated(table: str) -> KnowledgeBase:
    whole = sound()
    rows = getattr(whole, table)
    return replace(whole, **{table: pd.concat([rows, rows.iloc[:1]], ignore_index=True)})


def loose(table: str, column: str) -> KnowledgeBase:
    whole = sound()
    return replace(whole, **{table: getattr(whole, table).assign(**{column: "unknown"})})


def set_losses(change: Callable[[pd.DataFrame], Any]) -> KnowledgeBase:
    whole = sound()
    runs = whole.evaluations.copy()
    runs["value"] = change(runs)
    return replace(whole, evaluations=runs)


def copied() -> KnowledgeBase:
    whole = sound()
    runs = whole.evaluations.copy()
    of = [(runs["task_id"] == name).to_numpy() for name in ("t:1", "t:2")]
    runs.loc[of[1], "value"] = runs.loc[of[0], "value"].to_numpy() * 0.9
    return replace(whole, evaluations=runs)


FAULTS: dict[str, tuple[Severity, KnowledgeBase]] = {
    "duplicate keys: tasks": (Severity.ERROR, repeated("tasks")),
    "duplicate keys: evaluations": (Severity.ERROR, repeated("evaluations")),
    "duplicate keys: configurations": (Severity.ERROR, repeated("configurations")),
    "duplicate keys: meta-features": (Severity.ERROR, repeated("meta_features")),
    "loose records: task": (Severity.ERROR, loose("evaluations", "task_id")),
    "loose records: configuration": (Severity.ERROR, loose("evaluations", "configuration_id")),
    "loose records: meta-features": (Severity.ERROR, loose("meta_features", "task_id")),
    "configuration ids: hash": (Severity.ERROR, loose("configurations", "model")),
    "configuration ids: JSON": (Severity.ERROR, loose("configurations", "params")),
    "problem types: unknown": (Severity.ERROR, loose("tasks", "problem_type")),
    "sizes: classes": (Severity.ERROR, with_task(n_classes=3)),
    "meta-features: too large": (
        Severity.ERROR,
        replace(sound(), meta_features=sound().meta_features.assign(value=1e308)),
    ),
    "sizes: rows": (Severity.ERROR, with_task(n_rows_used=20)),
    "values: not finite": (Severity.ERROR, with_run(value=math.inf)),
    "values: failed with a score": (Severity.ERROR, with_run(status=Status.FAILED)),
    "values: seconds": (Severity.ERROR, with_run(fit_seconds=-1.0)),
    "values: fold": (Severity.ERROR, with_run(fold=-1)),
    "impossible scores: auc": (Severity.ERROR, with_run(value=1.5)),
    "impossible scores: loss": (Severity.ERROR, with_run(metric="log_loss", value=-0.5)),
    "impossible scores: kind": (Severity.ERROR, with_run(metric="r2", value=0.5)),
    "unknown metrics: name": (Severity.WARNING, with_run(metric="kappa", value=0.5)),
    "leaks: perfect stump": (
        Severity.WARNING,
        set_losses(lambda runs: runs["value"].where(runs["configuration_id"] != STUMP.id, 1.0)),
    ),
    "leaks: landmark": (
        Severity.WARNING,
        sound() + KnowledgeBase.from_records([], {"t:1": MetaFeatures({"landmark_stump": 1.0})}, []),
    ),
    "no difference: constant": (Severity.WARNING, set_losses(lambda runs: 0.5 + 0.1 * runs["fold"])),
    "nothing worked: task": (
        Severity.WARNING,
        with_task()
        + KnowledgeBase.from_records(
            [Task(id="t:9", problem_type=ProblemType.BINARY, n_rows=9, n_features=2, n_classes=2)],
            {},
            [Evaluation(task_id="t:9", configuration=STUMP, metric="roc_auc", value=math.nan, status=Status.FAILED)],
        ),
    ),
    "folds disagree: wildly": (Severity.WARNING, set_losses(lambda runs: (runs["value"] - 0.3 * runs["fold"]).clip(0))),
    "near-copies: profile": (Severity.WARNING, copied()),
    "no meta-features: task": (
        Severity.WARNING,
        sound() + KnowledgeBase.from_records([Task(id="t:9", problem_type=ProblemType.BINARY)], {}, []),
    ),
}


def test_a_sound_knowledge_base_gives_no_finding() -> None:
    assert validate(sound()) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    severity, knowledge = FAULTS[fault]
    found = [f for f in validate(knowledge) if f.check == fault.partition(":")[0]]
    assert [f.severity for f in found] == [severity] * len(found)
    assert found


def test_errors_come_first() -> None:
    whole = copied()
    runs = whole.evaluations.copy()
    runs.loc[(runs["task_id"] == "t:0").idxmax(), "value"] = 1.5
    found = validate(replace(whole, evaluations=runs))
    assert [f.severity for f in found] == sorted((f.severity for f in found), key=lambda s: s != Severity.ERROR)
    assert {f.severity for f in found} == set(Severity)


def test_near_copies_are_found_in_sparse_matrices_and_named_in_pairs() -> None:
    knowledge = copied()
    kept = knowledge.evaluations.groupby("task_id", observed=True).sample(frac=0.96, random_state=1)
    sparse = replace(knowledge, evaluations=kept.reset_index(drop=True))
    found = [f.subject for f in validate(sparse) if f.check == "near-copies"]
    assert found == ["t:1, t:2"]


def test_copies_of_the_same_family_are_no_news() -> None:
    knowledge = copied()
    tasks = knowledge.tasks.assign(family="same")
    assert not [f for f in validate(replace(knowledge, tasks=tasks)) if f.check == "near-copies"]


def test_a_mean_absolute_error_above_the_root_mean_square_is_impossible() -> None:
    task = Task(id="t:r", problem_type=ProblemType.REGRESSION, n_rows=50, n_features=2)
    runs = [
        Evaluation(task_id=task.id, configuration=STUMP, metric=metric, value=value)
        for metric, value in (("rmse", 1.0), ("mae", 2.0), ("r2", -3.0))
    ]
    found = {task.id: MetaFeatures({"n_rows": 50.0})}
    assert [f.check for f in validate(KnowledgeBase.from_records([task], found, runs))] == ["impossible scores"]


def test_findings_are_plain_values() -> None:
    finding = validate(with_run(value=1.5))[0]
    assert finding.to_dict()["severity"] == "error"
