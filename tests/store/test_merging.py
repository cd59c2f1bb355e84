from pathlib import Path

import pytest

from metalearn.store import open_store
from metalearn.store.merging import merge

from .records import FOUND, runs, task


def filled(url: Path, source: str, *names: str, value: float = 0.5) -> object:
    store = open_store(url, source=source)
    for name in names:
        store.append(task(name), FOUND, runs(task(name), value=value))
    return store


@pytest.mark.parametrize("target", ["out", "out.db"])
def test_everything_comes_together_with_who_recorded_it(tmp_path: Path, target: str) -> None:
    ana, ben = filled(tmp_path / "a.db", "ana", "one", "two"), filled(tmp_path / "b", "ben", "three")
    into = open_store(tmp_path / target)
    report = merge([ana, ben], into)
    assert (report.n_new_tasks, report.n_new_evaluations, report.n_conflicts) == (3, 60, 0)
    assert into.read().id == (ana.read() + ben.read()).id
    assert [(s.source, s.n_evaluations) for s in into.info().sources] == [("ana", 40), ("ben", 20)]
    assert {s.first for s in into.info().sources} == {s.first for st in (ana, ben) for s in st.info().sources}


def test_merging_again_changes_nothing(tmp_path: Path) -> None:
    ana, into = filled(tmp_path / "a", "ana", "one"), open_store(tmp_path / "out.db")
    merge([ana], into)
    before = into.read()
    report = merge([ana, ana], into)
    assert (report.n_new_tasks, report.n_new_evaluations, report.n_conflicts) == (0, 0, 0)
    assert into.read().id == before.id


def test_contradictions_are_listed_and_both_sides_stay(tmp_path: Path) -> None:
    ana = filled(tmp_path / "a.db", "ana", "one")
    ben = filled(tmp_path / "b.db", "ben", "one", value=0.75)
    into = open_store(tmp_path / "out.db")
    report = merge([ana, ben], into)
    assert report.n_conflicts == 20
    first = report.conflicts[0]
    assert (first.task_id, first.old_by, first.new_by) == ("test:one", "ana", "ben")
    assert "roc_auc of knn(n_neighbors=" in first.what
    assert {(c.old, c.new) for c in report.conflicts} >= {("0.5", "0.75")}
    into.delete(source="ben")
    assert into.read().id == ana.read().id
    assert report.to_dict()["n_conflicts"] == 20


def test_facts_that_differ_are_contradictions(tmp_path: Path) -> None:
    ana, ben = open_store(tmp_path / "a", source="ana"), open_store(tmp_path / "b", source="ben")
    ana.append(task("one", family="x"), None, [])
    ben.append(task("one", family="y"), None, [])
    report = merge([ana, ben], open_store(tmp_path / "out"))
    assert [(c.what, c.old, c.new) for c in report.conflicts] == [("family", "x", "y")]


def test_tasks_on_the_same_data_become_one(tmp_path: Path) -> None:
    ana, ben = open_store(tmp_path / "a", source="ana"), open_store(tmp_path / "b", source="ben")
    ana.append(task("one", fingerprint="k-1"), FOUND, runs(task("one"), 3))
    ben.append(task("uno", fingerprint="k-1"), FOUND, runs(task("uno"), 6))
    into = open_store(tmp_path / "out.db")
    merge([ana, ben], into)
    assert into.read().task_ids == ("test:one",)
    assert len(into.read().evaluations) == 6
