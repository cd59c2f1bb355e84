import pickle
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore, SqlStore, Store, open_store, sql_schema
from metalearn.knowledge.sql_connection import Database

from .records import FOUND, knowledge, runs, task


@pytest.mark.parametrize("url", ["sqlite", "postgresql"])
def test_a_database_of_the_first_version_is_brought_forward(
    url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = request.getfixturevalue("postgresql_url") if url == "postgresql" else f"sqlite:///{tmp_path}/a.db"
    database = Database(address)
    database.run(lambda connection: sql_schema.migrate(connection, to=1), write=True)
    row = "INSERT INTO tasks VALUES ('t:old', 'ana', 'binary', 't:old', 'old', 'old', '', 5, 2, 2, 5, '', '', '', 'x', 'y')"
    database.run(lambda connection: connection.execute(text(row)), write=True)
    store = open_store(address)
    assert store.read().task_ids == ("t:old",)
    assert store.read().task("t:old").predecessor == ""
    store.append(task("new"), FOUND, runs(task("new")))
    assert set(store.read().task_ids) == {"t:old", "test:new"}
    assert database.run(sql_schema.stored_version, write=False) == sql_schema.SCHEMA_VERSION


def test_any_text_and_number_comes_back_as_it_was(store: Store) -> None:
    texts = ['a "b", c', "two\nlines\r\n.", "\\.", "\\N", "NULL", "", "'; --", "日本", "%s %(x)s", "a\tb"]
    values = [1 / 3, 5e-324, 1e16 + 1, -0.0, 0.1 + 0.2]
    store.keep_names = True
    failed = [
        replace(run, status=Status.FAILED, message=text, value=np.nan, fit_seconds=None)
        for run, text in zip(runs(task("a")), texts, strict=False)
    ]
    scored = [replace(run, metric="log_loss", value=v) for run, v in zip(runs(task("b")), values, strict=False)]
    store.append(task("a"), FOUND, failed)
    store.append(task("b"), FOUND, scored)
    found = {(str(r.task_id), str(r.configuration_id)): r for r in store.read().evaluations.itertuples()}
    for run in (*failed, *scored):
        row = found.pop((run.task_id, run.configuration_id))
        assert (row.message, row.status, row.metric) == (run.message, run.status, run.metric)
        np.testing.assert_array_equal([row.value, row.fit_seconds], [run.value, run.fit_seconds or np.nan])
    assert not found


def test_a_store_pickles_without_its_connections(store: Store) -> None:
    store.write(knowledge())
    copy = pickle.loads(pickle.dumps(store))
    assert copy.read().id == store.read().id
    assert repr(copy) == repr(store)


@pytest.mark.parametrize(
    "url", ["file:///team/a b", "FILE:///team/a%20b", "file://localhost/team/a%20b", "file:/team/a b"]
)
def test_the_address_of_a_file_is_its_path(url: str) -> None:
    assert open_store(url).path == Path("/team/a b")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("team/folder", FileStore),
        ("file:///team/folder", FileStore),
        ("C:\\team\\folder", FileStore),
        (Path("team"), FileStore),
        ("team.db", SqlStore),
        (Path("a/team.sqlite3"), SqlStore),
        ("sqlite:///team.sqlite", SqlStore),
        ("postgresql://ana@host/team", SqlStore),
        ("postgres://ana@host/team", SqlStore),
        ("postgresql+psycopg://ana@host/team", SqlStore),
    ],
)
def test_the_address_chooses_the_store(url: str | Path, kind: type[Store]) -> None:
    store = open_store(url, source="ana", tool="x 1")
    assert isinstance(store, kind)
    assert (store.source, store.tool) == ("ana", "x 1")


@pytest.mark.parametrize(
    "url", ["mysql://host/team", "s3://bucket/team", "http://host", "sqlite://", "sqlite:///:memory:"]
)
def test_an_address_without_a_store_is_named(url: str) -> None:
    with pytest.raises(InvalidInputError, match="Expected"):
        open_store(url)


def test_opening_and_reading_writes_nothing(tmp_path: Path) -> None:
    for name in ("store", "store.db"):
        store = open_store(tmp_path / name)
        assert len(store.read()) == 0
        assert store.info().n_tasks == 0
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_never_shown() -> None:
    store = open_store("postgresql://ana:secret@host/team")
    assert "secret" not in repr(store)
    assert "ana" in repr(store)


def test_the_tables_can_be_asked_in_plain_sql(tmp_path: Path) -> None:
    open_store(tmp_path / "a.db", source="ana").write(knowledge())
    query = (
        "SELECT e.recorded_by, c.model, count(*), max(e.value) FROM evaluations e "
        "JOIN configurations c USING (configuration_id) JOIN origins o USING (origin_id) GROUP BY 1, 2"
    )
    with sqlite3.connect(tmp_path / "a.db") as connection:
        assert connection.execute(query).fetchall() == [("ana", "knn", 60, 0.519)]
    connection.close()


def test_rates_hold_on_the_processor(tmp_path: Path, units_of: Callable[..., float]) -> None:
    whole = knowledge(500)
    stores = iter([open_store(tmp_path / f"{i}.db") for i in range(3)])
    assert units_of(lambda: next(stores).write(whole), 3) < 25  # 6 when written
    store = open_store(tmp_path / "0.db")
    assert units_of(store.read, 3) < 20  # 4 when written
    assert store.read().id == whole.id
