"""Faults that stores must survive: full disks, read-only places, locks, dropped connections, damaged files."""

import json
import os
import re
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metalearn._installation import install_command
from metalearn.exceptions import InvalidInputError, KnowledgeBaseError, MetalearnError, MissingExtraError
from metalearn.knowledge import FileStore, Store, open_store, sql_connection, sql_transfer
from metalearn.knowledge.validate import validate

from .records import FOUND, knowledge, runs, task


def append(store: Store, name: str = "one") -> None:
    store.append(task(name), FOUND, runs(task(name)))


def append_many(store: Store, n: int) -> None:
    for number in range(n):
        append(store, str(number))


@pytest.mark.parametrize("name", ["folder", "store.db"])
def test_a_full_disk_is_named_and_leaves_what_was_there(
    small_disk: Path, fill: Callable[[Path], None], name: str
) -> None:
    store = open_store(small_disk / name)
    append(store)
    filler = small_disk / "filler"
    fill(filler)
    with pytest.raises(KnowledgeBaseError, match=r"(No space|is full|disk I/O).*[Ee]xpected"):
        append_many(store, 50)
    filler.unlink()
    kept = store.read()
    assert "test:one" in kept.task_ids
    append(store, "later")
    assert len(store.read()) == len(kept) + 1


@pytest.fixture
def sealed_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Callable[[], object]]]:
    """A folder, and what makes it read-only: a mounted disk for root, who may write in any folder, else permissions."""
    if os.getuid() == 0:
        disk = request.getfixturevalue("small_disk")
        yield disk, lambda: subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        return
    yield tmp_path, lambda: [path.chmod(path.stat().st_mode & 0o555) for path in (tmp_path, *tmp_path.rglob("*"))]
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(path.stat().st_mode | 0o600)


@pytest.mark.parametrize("name", ["folder", "store.db"])
def test_where_nothing_may_be_written_is_named_and_can_be_read(
    sealed_place: tuple[Path, Callable[[], object]], name: str
) -> None:
    place, seal = sealed_place
    append(open_store(place / name))
    seal()
    store = open_store(place / name)
    assert len(store.read()) == store.info().n_tasks == 1
    with pytest.raises(KnowledgeBaseError, match="may write"):
        append(store, "two")
    assert len(store.read()) == 1


def test_a_read_only_database_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    append(store)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON tasks BEGIN SELECT RAISE(ABORT, 'readonly'); END")
    connection.close()
    with pytest.raises(KnowledgeBaseError, match="may write"):
        append(store, "two")


def test_a_place_under_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file/store", "file/store.db"):
        with pytest.raises(KnowledgeBaseError, match="may write"):
            append(open_store(tmp_path / name))


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    append(store)
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.5, lambda: holder.execute("ROLLBACK"))
    release.start()
    started = time.monotonic()
    append(store, "two")
    assert time.monotonic() - started > 0.4
    assert len(store.read()) == 2
    release.join()
    holder.close()


def test_a_lock_that_is_never_released_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_connection, "_BUSY_SECONDS", 0.05)
    monkeypatch.setattr(sql_connection, "_FIRST_DELAY", 0.001)
    store = open_store(tmp_path / "a.db")
    append(store)
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(KnowledgeBaseError, match=r"locked.*Expected other processes to finish"):
        append(store, "two")
    assert len(store.read()) == 1  # readers do not wait for writers
    holder.close()


def test_a_dropped_connection_is_opened_again(postgresql_url: str) -> None:
    import psycopg  # noqa: PLC0415 - an optional package

    store = open_store(postgresql_url)
    append(store)
    for number in range(3):
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        append(store, str(number))
    assert len(store.read()) == 4


@pytest.mark.parametrize("bulk", ["_copied", "_as_csv"])
def test_a_connection_that_drops_in_the_middle_of_a_copy_is_opened_again(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, bulk: str
) -> None:
    import psycopg  # noqa: PLC0415 - an optional package

    store, dropped = open_store(postgresql_url), []
    append(store)
    usual = getattr(sql_transfer, bulk)

    def drop_first(*arguments: object) -> object:
        if not dropped:
            with psycopg.connect(postgresql_url, autocommit=True) as connection:
                query = (
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                dropped.append(connection.execute(query).fetchone()[0])
        return usual(*arguments)

    monkeypatch.setattr(sql_transfer, bulk, drop_first)
    append(store, "another")
    assert len(store.read()) == 2
    assert dropped == [1]


@pytest.mark.slow
def test_connections_that_drop_all_the_time_lose_nothing(postgresql_url: str) -> None:
    import psycopg  # noqa: PLC0415 - an optional package

    store, stop = open_store(postgresql_url), threading.Event()
    append(store)
    dropped = []

    def drop() -> None:
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            while not stop.wait(0.02) and sum(dropped) < 5:  # fewer than an append's tries
                query = (
                    "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity "
                    "WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - interval '1 ms' LIMIT 1) AS busy"
                )
                dropped.append(connection.execute(query).fetchone()[0])

    thread = threading.Thread(target=drop)
    thread.start()
    try:
        for number in range(8):
            append(store, str(number))
    finally:
        stop.set()
        thread.join()
    assert sum(dropped) > 0
    assert len(store.read()) == 9
    assert store.info().n_evaluations == 9 * 20


def test_a_server_that_does_not_answer_is_named_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(sql_connection, "_FIRST_DELAY", 0.001)
    store = open_store(f"postgresql://ana:secret@/none?host={tmp_path}")
    with pytest.raises(KnowledgeBaseError, match=r"6 tries") as caught:
        store.read()
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(store)


def test_an_absent_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("postgresql"))):
        open_store("postgresql://ana@host/team").read()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("these are notes, and no database at all " * 100)
    for use in (Store.read, Store.info):
        with pytest.raises(KnowledgeBaseError, match="not a database"):
            getattr(open_store(tmp_path / "a.db"), use.__name__)()


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE tasks (id INTEGER)")
    connection.close()
    store = open_store(tmp_path / "a.db")
    assert len(store.read()) == 0
    with pytest.raises(KnowledgeBaseError, match="Expected a metalearn store"):
        append(store)


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    append(store)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("INSERT INTO schema_versions VALUES (99, 'later')")
    connection.close()
    for use in (store.read, store.info, lambda: append(store), lambda: store.delete(source="local")):
        with pytest.raises(KnowledgeBaseError, match="version 99"):
            use()


def folder_with_knowledge(path: Path) -> FileStore:
    store = FileStore(path)
    store.write(knowledge())
    return store


@pytest.mark.parametrize("table", ["tasks", "meta_features", "configurations", "evaluations"])
@pytest.mark.parametrize("damage", ["truncated", "changed", "removed", "emptied"])
def test_a_damaged_part_is_named(tmp_path: Path, table: str, damage: str) -> None:
    store = folder_with_knowledge(tmp_path)
    file = next(tmp_path.glob(f"{table}-*.parquet"))
    content = file.read_bytes()
    if damage == "removed":
        file.unlink()
    else:
        half = len(content) // 2
        changed = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        file.write_bytes({"truncated": content[:-7], "changed": changed, "emptied": b""}[damage])
    with pytest.raises(KnowledgeBaseError, match=re.escape(file.name)):
        store.read()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        "null",
        '{"schema_version": "x", "tables": {}}',
        '{"schema_version": 2, "tables": {"tasks": 3}}',
        "[" * 100_000,
        '{"schema_version": 0, "tables": {"tasks": [], "meta_features": [], "configurations": [], "evaluations": []}}',
    ],
)
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    store = folder_with_knowledge(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(KnowledgeBaseError, match=re.escape("manifest.json")):
        store.read()


def test_a_newer_folder_is_refused(tmp_path: Path) -> None:
    store = folder_with_knowledge(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    for use in (store.read, store.compact, lambda: append(store)):
        with pytest.raises(KnowledgeBaseError, match="version 99"):
            use()


def test_a_lock_that_leads_elsewhere_is_not_written_to(tmp_path: Path) -> None:
    store = folder_with_knowledge(tmp_path / "kb")
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "kb" / ".lock").unlink()
    (tmp_path / "kb" / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(KnowledgeBaseError, match="cannot be written"):
        append(store)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("version", ["Infinity", "1e400", "-10", "[]"])
def test_versions_that_are_none_are_refused(tmp_path: Path, version: str) -> None:
    store = folder_with_knowledge(tmp_path)
    text = (tmp_path / "manifest.json").read_text()
    for place in ('"schema_version": 2, "tables"', '"schema_version": 2}'):
        flat = json.dumps(json.loads(text))
        assert place in flat
        (tmp_path / "manifest.json").write_text(flat.replace(place, place.replace("2", version, 1)))
        with pytest.raises(KnowledgeBaseError, match="manifest"):
            store.read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
@pytest.mark.parametrize("file", ["manifest.json", "tasks"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_never_ends_is_not_read(tmp_path: Path, file: str, kind: str) -> None:
    store = folder_with_knowledge(tmp_path)
    path = next(tmp_path.glob(f"{file}*"))
    path.unlink()
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(KnowledgeBaseError, match="regular"):
        store.read()


@pytest.mark.parametrize("params", ["{", "[1]", "[" * 100_000, '{"a": [1]}'])
def test_parameters_that_are_none_are_told(params: str) -> None:
    whole = knowledge()
    broken = replace(whole, configurations=whole.configurations.assign(params=params))
    with pytest.raises(KnowledgeBaseError, match="no JSON object"):
        _ = broken.configuration_by_id
    assert "configuration ids" in {finding.check for finding in validate(broken)}


@pytest.mark.parametrize(
    "name", ["../outside.parquet", "/etc/passwd", "a/b.parquet", "tasks-\0.parquet", "tasks-\ud800.parquet"]
)
def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path, name: str) -> None:
    store = folder_with_knowledge(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["tables"]["tasks"][0]["file"] = name
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(KnowledgeBaseError, match="none of a knowledge base"):
        store.read()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE configurations SET model = CAST(x'e1' AS TEXT)",
        "UPDATE tasks SET n_rows_used = ''",
        "UPDATE evaluations SET fold = 'first'",
        "DELETE FROM origins",
    ],
)
def test_values_that_are_none_are_refused(tmp_path: Path, damage: str) -> None:
    append(open_store(tmp_path / "store.db"))
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(MetalearnError, match=r"(?i)expected"):
        open_store(tmp_path / "store.db").read()


@pytest.mark.parametrize("name", ["folder", "store.db"])
@pytest.mark.parametrize("column", ["metric", "versions"])
def test_a_missing_text_is_refused_and_leaves_what_was_there(tmp_path: Path, name: str, column: str) -> None:
    store = open_store(tmp_path / name)
    append(store)
    broken = [replace(run, **{column: None}) for run in runs(task("two"))]
    with pytest.raises(InvalidInputError, match=f"{column} is missing"):
        store.append(task("two"), FOUND, broken)
    assert store.read().task_ids == ("test:one",)
