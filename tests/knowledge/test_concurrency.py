import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from metalearn.exceptions import KnowledgeBaseError
from metalearn.knowledge import open_store

from .records import FOUND, N_RUNS, runs, task

PROGRAM = Path(__file__).with_name("records.py")


def check_whole(url: str, n_tasks: int) -> None:
    """Every task has all its runs and meta-features, once."""
    store = open_store(url)
    kept = store.read()
    counts = kept.evaluations["task_id"].value_counts()
    assert len(kept) == n_tasks
    assert set(counts) == {N_RUNS}
    assert kept.meta_feature_table.notna().all(axis=None)
    assert store.info().n_evaluations == n_tasks * N_RUNS


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["folder", "sqlite"], indirect=True)
def test_eight_processes_lose_nothing_and_repeat_nothing(store_url: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROGRAM, "together", store_url, tmp_path / "report"], check=True)
    check_whole(store_url, 8 * 3 + 1)


@pytest.mark.slow
def test_32_connections_to_postgresql_lose_nothing_and_repeat_nothing(postgresql_url: str) -> None:
    barrier = threading.Barrier(32)

    def work(number: int) -> None:
        store = open_store(postgresql_url, source=f"worker {number}")
        barrier.wait()
        for k in range(2):
            own, shared = task(f"{number}-{k}"), task("shared")
            store.append(own, FOUND, runs(own))
            store.append(shared, FOUND, reversed(runs(shared)) if number % 2 else runs(shared), source="all")

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))
    check_whole(postgresql_url, 32 * 2 + 1)


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["folder", "sqlite", "postgresql"], indirect=True)
def test_a_killed_writer_leaves_whole_records_and_all_that_it_reported(store_url: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    subprocess.run([sys.executable, PROGRAM, "killed", store_url, report], check=True)
    kept = open_store(store_url).read()
    assert set(report.read_text().split()) <= set(kept.task_ids)
    check_whole(store_url, len(kept))
    open_store(store_url).append(task("later"), FOUND, runs(task("later")))
    assert "test:later" in open_store(store_url).read().task_ids


def test_a_store_can_be_used_on_both_sides_of_a_fork(postgresql_url: str) -> None:
    store = open_store(postgresql_url)
    store.append(task("parent"), FOUND, runs(task("parent")))
    child = os.fork()
    if child == 0:
        try:
            store.append(task("child"), FOUND, runs(task("child")))
            os._exit(0)
        finally:
            os._exit(1)
    store.append(task("parent 2"), FOUND, runs(task("parent 2")))
    assert os.waitpid(child, 0)[1] == 0
    check_whole(postgresql_url, 3)


def test_readers_see_whole_appends_only(store_url: str) -> None:
    store, stop, seen = open_store(store_url), threading.Event(), []

    def write() -> None:
        writer = open_store(store_url)
        for number in range(8):
            writer.append(task(str(number)), FOUND, runs(task(str(number))))
        stop.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while not stop.is_set():
            kept = store.read()
            seen.append(len(kept))
            assert set(kept.evaluations["task_id"].value_counts()) <= {N_RUNS}
    finally:
        thread.join()
    assert seen == sorted(seen)


@pytest.fixture
def seen_read_only(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder, and a view of it through which nothing can be written."""
    place, view = tmp_path / "place", tmp_path / "view"
    place.mkdir()
    view.mkdir()
    for words in (["--bind", place, view], ["-o", "remount,bind,ro", view]):
        if os.getuid() or subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
            pytest.skip("Only root may mount a folder.")
    yield place, view
    subprocess.run(["umount", "-l", view], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["store.db", "folder"])
def test_who_may_only_read_sees_whole_appends_beside_a_writing_process(
    seen_read_only: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    place, view = seen_read_only
    open_store(place / name).append(task("first"), FOUND, runs(task("first")))
    reader, seen, refused = open_store(view / name), [], []
    with subprocess.Popen([sys.executable, PROGRAM, "alone", str(place / name), tmp_path / "report"]) as writer:
        while writer.poll() is None:
            try:
                kept = reader.read()
            except KnowledgeBaseError as error:
                refused.append(str(error))
            else:
                seen.append(len(kept))
                assert set(kept.evaluations["task_id"].value_counts()) == {N_RUNS}
    assert seen == sorted(seen)
    assert all("Expected a moment of rest" in said for said in refused)
    assert len(reader.read()) == 1 + 12 + 1
