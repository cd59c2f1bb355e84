import json
import os
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metalearn.exceptions import KnowledgeBaseError
from metalearn.knowledge import FileStore, KnowledgeBase, file_store

from .records import FOUND, knowledge, runs, task


def manifest(folder: Path) -> dict[str, object]:
    return json.loads((folder / "manifest.json").read_text())


def rewritten(folder: Path, table: str, change: object) -> None:
    """Replace a part by a changed one, with a manifest that vouches for it."""
    found = manifest(folder)
    entry = found["tables"][table][0]
    content = change(pq.read_table(folder / entry["file"]))
    entry["file"] = f"{table}-changed.parquet"
    pq.write_table(content, folder / entry["file"])
    entry["rows"] = content.num_rows
    entry["sha256"] = file_store.hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(found))


def test_the_first_version_of_the_format_is_read_and_brought_forward(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.write(knowledge())
    wanted = store.read().id
    new = ["recorded_by", "recorded_with", "recorded_at"]
    for table in ("tasks", "meta_features", "configurations", "evaluations"):
        gone = [*new, "predecessor"] if table == "tasks" else new if table != "configurations" else []
        rewritten(tmp_path, table, lambda content, gone=gone: content.drop_columns(gone) if gone else content)
    old = manifest(tmp_path)
    for entries in old["tables"].values():
        for entry in entries:
            del entry["schema_version"], entry["content"]
    (tmp_path / "manifest.json").write_text(json.dumps({**old, "schema_version": 1}))
    assert store.read().id == wanted
    assert [s.source for s in store.info().sources] == [""]
    store.append(task("new"), FOUND, runs(task("new")))
    assert manifest(tmp_path)["schema_version"] == 2
    assert len(store.read()) == 4
    store.compact()
    assert [s.source for s in store.info().sources] == ["", "local"]
    assert len(store.read()) == 4


def test_compacting_keeps_what_every_source_recorded(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for source, value in (("ana", 0.5), ("ben", 0.75), ("ana", 0.6)):
        store.append(task("one"), FOUND, runs(task("one"), value=value), source=source)
    before, parts = store.read().id, store.read(source="ana").id
    store.compact()
    assert {len(entries) for entries in manifest(tmp_path)["tables"].values()} == {1}
    assert (store.read().id, store.read(source="ana").id) == (before, parts)
    assert store.info().n_evaluations == 40
    named = {e["file"] for entries in manifest(tmp_path)["tables"].values() for e in entries}
    assert {file.name for file in tmp_path.glob("*.parquet")} == named


def test_compacting_what_is_compact_changes_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.write(knowledge())
    store.compact()
    before = {file.name for file in tmp_path.iterdir()}
    found = manifest(tmp_path)
    found["written"] = "2020-01-01T00:00:00+00:00"  # a second writing would be noticed
    (tmp_path / "manifest.json").write_text(json.dumps(found))
    store.compact()
    assert manifest(tmp_path)["written"] == "2020-01-01T00:00:00+00:00"
    assert {file.name for file in tmp_path.iterdir()} == before


def test_many_appends_are_compacted_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store, "_MAX_PARTS", 5)
    store = FileStore(tmp_path)
    for number in range(12):
        store.append(task(str(number)), FOUND, runs(task(str(number)), 2))
        assert len(list(tmp_path.glob("tasks-*.parquet"))) <= 6
    assert len(store.read()) == 12


def test_the_same_content_is_written_once(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for _ in range(3):
        store.write(knowledge())
    assert len(list(tmp_path.glob("*.parquet"))) == 4


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop_columns(["task_id"]),
        lambda t: t.set_column(0, "task_id", pa.array(range(t.num_rows))),
        lambda t: t.set_column(0, "task_id", pa.array([[1]] * t.num_rows)),
        lambda t: t.set_column(0, "task_id", pa.nulls(t.num_rows, pa.string())),
        lambda t: t.set_column(4, "value", pa.array(["1e5"] * t.num_rows)),
        lambda _: pa.table({f"c{i}": [0] for i in range(10_000)}),
    ],
)
def test_tables_of_another_shape_are_refused(tmp_path: Path, change: object) -> None:
    store = FileStore(tmp_path)
    store.write(knowledge())
    rewritten(tmp_path, "evaluations", change)
    with pytest.raises(KnowledgeBaseError, match="evaluations-"):
        store.read()


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store, "_MAX_PART_BYTES", 1_000_000)
    store = FileStore(tmp_path)
    store.write(knowledge())
    rewritten(tmp_path, "evaluations", lambda _: pa.table({"task_id": pd.Series(["x" * 100] * 100_000).to_numpy()}))
    with pytest.raises(KnowledgeBaseError, match="unpacks to 10000000 bytes"):
        store.read()


def test_parts_whose_codes_have_other_widths_are_read_together(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    counts = (3, 100, 100, 300)
    for part, count in enumerate(counts):
        for_part = [task(f"{part}-{i}") for i in range(count)]
        store.write(KnowledgeBase.from_records(for_part, {}, [r for t in for_part for r in runs(t, 1)]))
    found = store.read()
    assert found.evaluations["task_id"].nunique() == sum(counts)
    assert found.evaluations["task_id"].cat.codes.dtype == "int16"


def test_compacting_keeps_tasks_on_the_same_data_one(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for name in ("1", "2"):
        store.append(task(name, fingerprint="k-1"), FOUND, runs(task(name), 1, value=int(name) / 4))
    before = store.read()
    store.compact()
    assert (len(before), store.read().id) == (1, before.id)


def test_compacting_keeps_the_order_of_sources(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for source in ("zed", "amy"):
        store.write(knowledge(40), source=source)
    store.compact()
    tasks = store._tables()[0]["tasks"]
    assert tasks["recorded_by"].tolist() == ["zed", "amy"] * 40


def test_a_replaced_evaluation_is_deleted_once(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for value in (0.5, 0.75):
        store.append(task("one"), None, runs(task("one"), 1, value=value), source="ana")
    assert store.info().n_evaluations == 1
    assert store.delete(source="ana") == 1


def test_facts_are_told_while_another_process_compacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    for name in ("1", "2"):
        store.append(task(name), FOUND, runs(task(name)))
    read = FileStore._tables

    def compacted_afterwards(self: FileStore) -> object:
        found = read(self)
        monkeypatch.setattr(FileStore, "_tables", read)
        FileStore(tmp_path).compact()
        return found

    monkeypatch.setattr(FileStore, "_tables", compacted_afterwards)
    assert store.info().n_tasks == 2


def test_compacting_removes_what_a_killed_writer_left_an_hour_ago(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.write(knowledge())
    store.compact()
    before = {file.name for file in tmp_path.iterdir()}
    old, theirs = [f"tasks-{'0' * 16}.parquet", f".tasks-{'0' * 16}.parquet.{'1' * 32}"], "notes.parquet"
    for name in (*old, theirs):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (0, time.time() - 4000))
    new = f"evaluations-{'0' * 16}.parquet"
    (tmp_path / new).write_text("")
    store.compact()
    assert {file.name for file in tmp_path.iterdir()} == before | {new, theirs}
    assert len(store.read()) == 3
