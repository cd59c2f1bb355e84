import time
from pathlib import Path

import pytest

from metalearn.knowledge import open_store
from metalearn.knowledge.merge import merge

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


def test_another_version_of_the_data_is_no_contradiction(tmp_path: Path) -> None:
    ana, ben = open_store(tmp_path / "a", source="ana"), open_store(tmp_path / "b", source="ben")
    ana.append(task("one", fingerprint="k-11111111", n_features=3), FOUND, runs(task("one"), value=0.5))
    ben.append(task("one", fingerprint="k-22222222", n_features=4), FOUND, runs(task("one"), value=0.75))
    into = open_store(tmp_path / "out")
    assert merge([ana, ben], into).n_conflicts == 0
    assert into.read().task_ids == ("test:one", "test:one@22222222")
    assert merge([ana, ben], into).n_conflicts == 0


def test_tasks_on_the_same_data_become_one(tmp_path: Path) -> None:
    ana, ben = open_store(tmp_path / "a", source="ana"), open_store(tmp_path / "b", source="ben")
    ana.append(task("one", fingerprint="k-1"), FOUND, runs(task("one"), 3))
    ben.append(task("uno", fingerprint="k-1"), FOUND, runs(task("uno"), 6))
    into = open_store(tmp_path / "out.db")
    merge([ana, ben], into)
    assert into.read().task_ids == ("test:one",)
    assert len(into.read().evaluations) == 6


@pytest.mark.parametrize("kind", ["", ".db"])
def test_a_store_written_from_another_one_keeps_every_source(tmp_path: Path, kind: str) -> None:
    first, copy = open_store(tmp_path / f"first{kind}"), open_store(tmp_path / f"copy{kind}")
    for n, source in enumerate(("ana", "ben")):
        first.append(task("one"), FOUND if source == "ana" else None, runs(task("one"))[n : n + 1], source=source)
    copy.write(first.read())
    assert [(s.source, s.n_tasks, s.n_evaluations) for s in copy.info().sources] == [("ana", 1, 1), ("ben", 1, 1)]
    assert copy.read().id == first.read().id
    for target in ("out", "out.db"):
        into = open_store(tmp_path / target)
        assert merge([copy], into).n_new_evaluations == 2
        assert into.read().id == first.read().id
    copy.delete(source="ben")
    assert copy.read().id == first.read(source="ana").id


@pytest.mark.parametrize("kind", ["", ".db"])
def test_a_source_without_a_task_of_its_own_is_merged_as_well(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, copy = open_store(tmp_path / f"first{kind}"), open_store(tmp_path / f"copy{kind}")
    first.append(task("one"), FOUND, runs(task("one"), 1), source="ana")
    first.append(task("one"), None, runs(task("one"), 2)[1:], source="ben")
    with monkeypatch.context() as patch:  # as the first versions wrote it
        patch.setattr("metalearn.knowledge.admission.with_own_tasks", lambda tasks, *_: tasks)
        copy.write(first.read())
    assert [s.source for s in copy.info().sources] == ["ana", "ben"]
    into = open_store(tmp_path / "out")
    merge([copy], into)
    assert into.read().id == first.read().id


@pytest.mark.parametrize("target", ["out", "out.db"])
def test_of_two_records_the_newer_counts_whatever_the_order_of_merging(tmp_path: Path, target: str) -> None:
    both = open_store(tmp_path / "both")
    for source, value in (("zed", 0.5), ("amy", 0.75)):
        both.append(task("one"), None, runs(task("one"), 1, value=value), source=source)
        time.sleep(0.01)
    into = open_store(tmp_path / target)
    merge([both], into)
    assert into.read().evaluations["value"].tolist() == [0.75]
    for value in (0.9, 0.6, 0.9):
        into.append(task("one"), None, runs(task("one"), 1, value=value), source="zed")
        assert into.read().evaluations["value"].tolist() == [value]
