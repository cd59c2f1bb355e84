from dataclasses import replace
from pathlib import Path

import pytest

from metalearn.knowledge import open_store
from metalearn.task import ProblemType

from .records import FOUND, task


@pytest.mark.parametrize("kind", ["", ".db"])
def test_versions_of_a_task_that_come_back_keep_their_predecessors(tmp_path: Path, kind: str) -> None:
    store = open_store(tmp_path / f"store{kind}")
    for version in (1, 2, 3, 1, 3, 2):
        store.append(task("one", fingerprint=f"k-{str(version) * 10}"), None, [])
    versions = {name: store.read().task(name).predecessor for name in store.read().task_ids}
    assert versions == {
        "test:one": "",
        "test:one@22222222": "test:one",
        "test:one@33333333": "test:one@22222222",
    }


def test_a_new_version_follows_the_newest_one_after_compacting(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    for version in (1, 3, 2):
        store.append(task("one", fingerprint=f"k-{str(version) * 10}"), None, [])
    store.compact()
    store.append(task("one", fingerprint="k-4444444444"), None, [])
    assert store.read().task("test:one@44444444").predecessor == "test:one@22222222"


@pytest.mark.parametrize("kind", ["", ".db"])
def test_a_version_of_another_kind_is_linked_to_the_one_before(tmp_path: Path, kind: str) -> None:
    store = open_store(tmp_path / f"store{kind}")
    for number, problem in ((1, ProblemType.BINARY), (2, ProblemType.MULTICLASS)):
        of_day = replace(task("orders", fingerprint=f"k-{str(number) * 10}"), problem_type=problem)
        store.append(of_day, FOUND, [])
    tasks = store.read().tasks.set_index("task_id")
    first, second = sorted(tasks.index, key=len)
    assert tasks.loc[second, "predecessor"] == first
    assert tasks.loc[second, "problem_type"] == "multiclass"
    same = replace(task("orders", fingerprint=f"k-{'1' * 10}"), problem_type=ProblemType.REGRESSION)
    store.append(same, FOUND, [])
    again = store.read().tasks.set_index("task_id")
    assert again.loc[f"{first}:regression", "problem_type"] == "regression"
    assert len(again) == 3
