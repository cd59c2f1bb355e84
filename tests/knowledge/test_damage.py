"""Damaged and hostile records: refused where they enter, told where they are read."""

import json
import random
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from metalearn.cli import main
from metalearn.exceptions import InvalidInputError, KnowledgeBaseError, MetalearnError
from metalearn.knowledge import FileStore, KnowledgeBase, Store, file_store, open_store
from metalearn.knowledge.merge import merge
from metalearn.knowledge.validate import validate

from .records import FOUND, knowledge, runs, task

BEYOND = (2**31, 10**12 + 1, 2**63 - 1, 2**63, 2**64, 10**30, -1)


@pytest.mark.parametrize("fact", ["n_rows", "n_classes"])
def test_counts_are_refused_or_kept_alike_in_every_store(store: Store, fact: str) -> None:
    store.write(knowledge())
    before = store.read().id
    for number in (10**12 + 1, 2**63, -1):
        with pytest.raises(InvalidInputError, match=rf"{fact}.*Expected whole numbers from 0 to"):
            store.append(
                task("huge", **{fact: number}) if fact != "n_rows" else replace(task("huge"), n_rows=number), FOUND, []
            )
        assert store.read().id == before
    largest = replace(task("large"), **{fact: 10**12})
    store.append(largest, FOUND, runs(largest))
    store.append(replace(task("large2"), **{fact: 2**31}), FOUND, [])
    assert getattr(store.read().task("test:large"), fact) == 10**12
    assert store.info().n_tasks == 5
    assert store.delete(task="test:large") == len(runs(largest))


@pytest.mark.parametrize("fold", [-1, 32_768, 2**63, 0.5])
def test_folds_are_refused_alike_in_every_store(store: Store, fold: float) -> None:
    store.write(knowledge())
    before = store.read().id
    with pytest.raises(MetalearnError, match=r"(?i)fold.*expected"):
        store.append(task("x"), FOUND, [replace(run, fold=fold) for run in runs(task("x"))])
    assert store.read().id == before


@pytest.mark.parametrize("seed", range(2))
def test_no_record_makes_a_store_unreadable(store: Store, seed: int) -> None:
    """What is let in can be read, and what is refused leaves what was there."""
    store.write(knowledge())
    rng = random.Random(seed)  # noqa: S311 - no secret
    numbers = [*BEYOND, 0, 1, np.nan, np.inf, -np.inf, 1e300, 5e-324, -0.0, 3.5, True]
    texts = ["", "\0", "\ud800", "x" * 2000, "日本", "a/b", "'; DROP TABLE tasks; --", "nan", "\x1b[2J"]
    for _ in range(10):
        one = task("x")
        evaluation = runs(one, 1)[0]
        found = FOUND
        match rng.randrange(3):
            case 0:
                name = rng.choice(["n_rows", "n_features", "n_classes", "n_rows_used"])
                one = replace(one, **{name: rng.choice(numbers)})
            case 1:
                name = rng.choice(
                    ["name", "dataset_id", "family", "fingerprint", "source", "licence", "note", "predecessor"]
                )
                one = replace(one, **{name: rng.choice(texts)})
            case 2:
                name = rng.choice(["fold", "value", "fit_seconds", "predict_seconds", "metric", "message", "versions"])
                evaluation = replace(
                    evaluation, **{name: rng.choice(texts if name in ("metric", "message", "versions") else numbers)}
                )
        try:
            store.append(one, found, [evaluation])
        except MetalearnError as error:
            assert "xpected" in str(error)  # noqa: PT017 - either is fine
        assert set(knowledge().task_ids) <= set(store.read().task_ids)
        store.info()
    store.delete(source="local")
    assert not len(store.read())


def test_a_folder_with_counts_beyond_all_bounds_can_be_read_told_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path)
    store.write(knowledge())
    admit = file_store.admit

    def admitted(found: KnowledgeBase, **options: Any) -> KnowledgeBase:
        found = admit(found, **options)
        return replace(found, tasks=found.tasks.assign(n_rows=np.array([2**63], np.uint64)))

    with monkeypatch.context() as older:
        older.setattr(file_store, "admit", admitted)
        store.append(task("huge"), FOUND, [])
    assert len(store.read()) == store.info().n_tasks == 4
    assert any("more than any store keeps" in finding.message for finding in validate(store.read()))
    store.delete(task="test:huge")
    assert len(store.read()) == 3


def test_sources_may_give_one_task_different_dataset_ids(store: Store) -> None:
    old = replace(task("t"), fingerprint="key-00000000aaaaaaaa", dataset_id="one")
    store.append(old, FOUND, runs(old), source="ana")
    store.append(replace(old, dataset_id="two"), FOUND, runs(old), source="ben")
    new = replace(old, fingerprint="key-00000000bbbbbbbb")
    store.append(new, FOUND, runs(new), source="ana")
    ids = set(store.read().task_ids)
    assert ids == {"test:t", "test:t@bbbbbbbb"}
    assert store.read().task("test:t@bbbbbbbb").predecessor == "test:t"


DAMAGES = {
    "a score": "UPDATE evaluations SET value = value + 0.1 WHERE rowid_is = 1",
    "a time": "UPDATE evaluations SET fit_seconds = 9 WHERE 1",
    "a status": "UPDATE evaluations SET status = 'pruned' WHERE 1",
    "a meta-feature": """UPDATE meta_features SET value = replace(value, '0.25', '0.75')""",
    "a fact": "UPDATE tasks SET n_classes = 3",
    "parameters": "UPDATE configurations SET params = replace(params, '1', '2')",
    "an origin": "UPDATE origins SET recorded_at = '2020'",
    "lost rows": "DELETE FROM evaluations WHERE fold = 0 AND value > 0.51",
    "a lost task": "DELETE FROM tasks WHERE task_id = 'test:1'",
    "lost configurations": "DELETE FROM configurations",
    "a lost digest": "DELETE FROM digests WHERE task_id = 'test:1'",
    "lost versions": "DELETE FROM schema_versions",
    "no versions": "DROP TABLE schema_versions",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_changed_in_a_database_is_refused(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "a.db"
    open_store(file).write(knowledge())
    with sqlite3.connect(file) as connection:
        connection.execute(DAMAGES[damage].replace("rowid_is = 1", "value < 0.501"))
    connection.close()
    with pytest.raises(KnowledgeBaseError, match=r"Expected .*Restore"):
        open_store(file).read()
    result = CliRunner().invoke(main, ["kb", "validate", str(file)])
    assert result.exit_code == 1, result.output


def test_damage_is_not_sealed_by_the_next_append_and_can_be_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    store = open_store(file)
    store.write(knowledge())
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE evaluations SET value = 0.9 WHERE task_id = 'test:1'")
    connection.close()
    with pytest.raises(KnowledgeBaseError, match="test:1"):
        store.append(task("1"), FOUND, runs(task("1")))
    store.append(task("new"), FOUND, runs(task("new")))
    store.delete(task="test:1")
    assert store.read().task_ids == ("test:0", "test:2", "test:new")


def test_an_error_in_the_middle_of_many_rows_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    open_store(file).write(knowledge(40))
    content = bytearray(file.read_bytes())
    start = content.index(b"test:39")
    for page in range(start // 4096, len(content) // 4096):
        content[page * 4096 : page * 4096 + 12] = b"\xff" * 12
    file.write_bytes(content)
    with pytest.raises(KnowledgeBaseError, match="xpected"):
        open_store(file).read()
    assert CliRunner().invoke(main, ["kb", "validate", str(file)]).exit_code == 1


@pytest.mark.parametrize("name", ["store.db", "folder"])
def test_bit_flips_never_change_an_answer(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    open_store(place).write(knowledge(6))
    right, rng = open_store(place).read().id, random.Random(7)  # noqa: S311 - no secret
    files = [place] if place.is_file() else sorted(f for f in place.iterdir() if f.stat().st_size)
    for _ in range(25):
        file = rng.choice(files)
        good = file.read_bytes()
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        file.write_bytes(bad)
        try:
            assert open_store(place).read().id == right
        except MetalearnError as error:
            assert "xpected" in str(error)  # noqa: PT017 - either is fine
        file.write_bytes(good)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a file after a fault of a disk, a transfer or an editor."""
    found, at, many = bytearray(content), rng.randrange(len(content)), rng.choice([1, 8, 100, 4096])
    page = 4096 if len(content) > 8192 else 64
    match rng.randrange(7):
        case 0:
            found[at] ^= 1 << rng.randrange(8)
        case 1:
            del found[at:]
        case 2:
            found[at : at + many] = bytes(len(found[at : at + many]))
        case 3:
            found[at : at + many] = rng.randbytes(len(found[at : at + many]))
        case 4:
            found[at:at] = rng.randbytes(many)
        case 5:
            del found[at : at + many]
        case 6:
            i, j = (page * rng.randrange(max(len(found) // page, 1)) for _ in range(2))
            found[i : i + page], found[j : j + page] = found[j : j + page], found[i : i + page]
    return bytes(found)


def told(place: Path) -> tuple[object, ...]:
    store = open_store(place)
    read, info = store.read(), store.info()
    return read.id, store.read(source="local").id, info.n_tasks, info.n_evaluations, info.n_configurations, info.sources


@pytest.mark.slow
@pytest.mark.parametrize("name", ["store.db", "folder"])
def test_damage_of_any_kind_never_changes_an_answer(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    open_store(place).write(knowledge(12))
    right, rng = told(place), random.Random(1)  # noqa: S311 - no secret
    good = {f: f.read_bytes() for f in ([place] if place.is_file() else place.iterdir()) if f.stat().st_size}
    for _ in range(120):
        file = rng.choice(sorted(good))
        file.write_bytes(damaged(good[file], rng))
        try:
            assert told(place) == right
        except MetalearnError as error:
            assert "xpected" in str(error)  # noqa: PT017 - either is fine
        for other in [*tmp_path.glob("store.db-*"), *(place.iterdir() if place.is_dir() else ())]:
            if other not in good and other.name != ".lock":
                other.unlink()
        file.write_bytes(good[file])


def test_the_counts_of_a_damaged_index_are_not_told(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    open_store(file).write(knowledge())
    with sqlite3.connect(file) as connection:
        roots = dict(connection.execute("SELECT tbl_name, rootpage FROM sqlite_master WHERE type = 'index'"))
    connection.close()
    content = bytearray(file.read_bytes())
    tasks, origins = (slice(4096 * (roots[name] - 1), 4096 * roots[name]) for name in ("tasks", "origins"))
    content[tasks], content[origins] = content[origins], content[tasks]
    file.write_bytes(content)
    with pytest.raises(KnowledgeBaseError, match=r"Expected .*Restore"):
        open_store(file).info()


def test_a_database_without_digests_is_sealed_when_it_is_brought_forward(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    open_store(file).write(knowledge())
    right = open_store(file).read().id
    with sqlite3.connect(file) as connection:
        connection.executescript("DROP TABLE digests; DELETE FROM schema_versions WHERE version > 2")
    connection.close()
    assert open_store(file).read().id == right
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM digests").fetchone() == (3,)
    connection.close()
    target = open_store(tmp_path / "b.db")
    merge([open_store(file)], target)
    assert len(target.read()) == 3


@pytest.mark.parametrize("url", ["", ":memory:", "sqlite:///", "sqlite://"])
def test_addresses_that_name_no_place_are_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match="Expected"):
        open_store(url)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["~/team", "~/team.db", "sqlite:///~/team.db", "file:~/team"])
def test_the_home_folder_is_found(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(here)
    open_store(url).write(knowledge())
    assert len(list(home.iterdir())) >= 1
    assert not list(here.iterdir())


@pytest.mark.parametrize("url", ["sqlite:///{}/typo.db", "{}/typo.db", "{}/typo", "sqlite:///{}/typo/deep.db"])
def test_reading_a_mistyped_place_makes_nothing(url: str, tmp_path: Path) -> None:
    place = url.format(tmp_path)
    for command in (
        ["kb", "info", place],
        ["kb", "validate", place],
        ["kb", "search", "x", "--store", place],
        ["kb", "merge", place, "-o", str(tmp_path / "out.db")],
        ["kb", "delete", "--source", "local", "--store", place, "--yes"],
        ["kb", "build", "iris", "--store", place, "--dry-run", "--configurations", "portfolio:1"],
    ):
        CliRunner().invoke(main, command)
        assert not list(tmp_path.iterdir()), command


def test_counts_have_one_meaning() -> None:
    facts = KnowledgeBase.empty().summary() | knowledge().summary()
    assert (facts["tasks"], facts["tables"], facts["fits"], facts["evaluations"]) == (3, 3, 60, 60)
    bundled = json.loads(CliRunner().invoke(main, ["kb", "info", "--json"]).stdout)
    assert (bundled["tables"], bundled["tasks"]) == (302, 368)
