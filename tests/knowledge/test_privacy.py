"""Nothing of a table's cells, labels, names or paths enters a store unless asked."""

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metalearn.builder import Limits, Table, evaluate
from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore, SqlStore, Store, open_store
from metalearn.metafeatures import extract
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

NUMBERS = (918273.515625, -555123.75)
WORDS = ("PlantedLabel", "planted_column", "Planted-Cell", "/home/planted", "planted.csv")


def planted_table() -> tuple[pd.DataFrame, "pd.Series[str]"]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"planted_column": rng.normal(size=80), "b": rng.choice(["Planted-Cell", "x", "y"], 80)})
    X.loc[3, "planted_column"], X.loc[4, "planted_column"] = NUMBERS
    return X, pd.Series(np.where(rng.random(80) < 0.5, "PlantedLabel", "other"), name="planted_target")


def everything_in(store: Store) -> bytes:
    """Return all that lies in a store, in plain bytes."""
    found = b""
    kept = store.read()
    for table in (kept.tasks, kept.meta_features, kept.configurations, kept.evaluations):
        found += table.to_csv().encode()
    if isinstance(store, FileStore):
        found += b"".join(file.read_bytes() for file in store.path.rglob("*") if file.is_file())
        found += b"".join(pd.read_parquet(file).to_csv().encode() for file in store.path.glob("*.parquet"))
    if isinstance(store, SqlStore) and store.database.file is not None:
        found += b"".join(file.read_bytes() for file in store.database.file.parent.glob("*.db*"))
        with sqlite3.connect(store.database.file) as connection:
            found += "\n".join(connection.iterdump()).encode()
        connection.close()
    return found


def appended(store: Store) -> bytes:
    X, y = planted_table()
    data = Dataset.from_data(X, y)
    task = Task(id=f"data:{data.fingerprint}", problem_type=data.problem_type, fingerprint=data.fingerprint, n_rows=80)
    runs = [
        Evaluation(
            task_id=task.id,
            configuration=Configuration("knn", {"n_neighbors": 1 + k}),
            metric="roc_auc",
            value=float("nan"),
            status=Status.FAILED,
            message=message,
        )
        for k, message in enumerate(
            (
                "ValueError(\"could not convert string to float: 'Planted-Cell'\")",
                "KeyError: 'planted_column'",
                "no such file: /home/planted/planted.csv",
                f"Input contains {NUMBERS[0]}",
                "PlantedLabel",
            )
        )
    ]
    store.append(task, extract(data), runs)
    return everything_in(store)


def test_nothing_of_the_table_is_in_the_store(store: Store) -> None:
    found = appended(store)
    assert b"ValueError" in found
    for word in WORDS:
        assert word.lower().encode() not in found.lower(), word
    for number in NUMBERS:
        assert str(number).encode() not in found, number
    values = store.read().meta_features["value"].to_numpy()
    assert not np.isin(values, NUMBERS).any()


def test_names_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    found = appended(open_store(tmp_path / "a.db", keep_names=True))
    for word in WORDS:
        assert word.lower().encode() in found.lower(), word


def test_what_the_builder_finds_out_is_private_too(tmp_path: Path) -> None:
    table = Table(Task(id="team:1", problem_type=ProblemType.BINARY), planted_table)
    units = __import__("metalearn.builder", fromlist=["WorkUnit"]).WorkUnit(
        table, (Configuration("gaussian_nb", {}), Configuration("knn", {"n_neighbors": 10_000}))
    )
    store = open_store(tmp_path / "a.db")
    for task, runs in evaluate([units], limits=Limits(n_folds=2)):
        store.append(task, None, runs)
    found = everything_in(store).lower()
    assert len(store.read().evaluations) == 20
    assert not [word for word in WORDS if word.lower().encode() in found]


@pytest.mark.parametrize(
    "params",
    [
        {"train_dir": "/home/planted/run"},
        {"cache": "C:\\planted"},
        {"categorical_feature": "name:planted_column"},
        {"ignored_features": "planted"},
        {"note": "a long sentence with blanks in it"},
        {"note": "('planted', 1)"},
        {"note": "{1: 0.5}"},
        {"ignored_features": "(1, 2)"},
    ],
)
def test_a_parameter_that_may_tell_names_is_refused(tmp_path: Path, params: dict[str, str]) -> None:
    task = Task(id="team:1", problem_type=ProblemType.BINARY)
    run = Evaluation(task_id=task.id, configuration=Configuration("lightgbm", params), metric="roc_auc", value=0.5)
    with pytest.raises(InvalidInputError, match="keep_names=True"):
        open_store(tmp_path / "a").append(task, None, [run])
    open_store(tmp_path / "a", keep_names=True).append(task, None, [run])


def test_texts_of_numbers_may_be_stored(tmp_path: Path) -> None:
    task = Task(id="team:1", problem_type=ProblemType.BINARY)
    texts = ["(100,)", "[50, 50]", "(0.1, 1e-05, None, True)", "((1, 2), [-3.5])", "()"]
    runs = [
        Evaluation(task_id=task.id, configuration=Configuration("mlp", {"a": text}), metric="roc_auc", value=0.5)
        for text in texts
    ]
    store = open_store(tmp_path / "a")
    store.append(task, None, runs)
    assert len(store.read().configuration_by_id) == len(texts)


def test_every_configuration_of_our_families_may_be_stored(tmp_path: Path) -> None:
    from metalearn.models import models_for  # noqa: PLC0415 - many packages

    task = Task(id="team:1", problem_type=ProblemType.BINARY)
    runs = [
        Evaluation(task_id=task.id, configuration=c, metric="roc_auc", value=0.5)
        for spec in models_for(ProblemType.BINARY).values()
        for c in spec.design(ProblemType.BINARY, 20)
    ]
    store = open_store(tmp_path / "a")
    store.append(task, None, runs)
    assert len(store.read().evaluations) == len({run.configuration_id for run in runs})


@pytest.mark.parametrize(
    "change", [{"name": "/home/planted/x"}, {"note": "from C:\\planted\\x"}, {"source": "file:///planted"}]
)
def test_paths_in_the_facts_of_a_task_are_withheld(tmp_path: Path, change: dict[str, str]) -> None:
    store = open_store(tmp_path / "a")
    store.append(Task(id="team:1", problem_type=ProblemType.BINARY, **change), None, [])
    assert "planted" not in store.read().tasks.to_csv()


def test_addresses_and_names_with_slashes_are_no_paths(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a")
    facts = {"id": "pypi:rd/AER-SmokeBan", "source": "https://www.openml.org/d/31", "name": "rd/AER-SmokeBan"}
    task = Task(problem_type=ProblemType.BINARY, **facts)
    store.append(task, None, [])
    assert store.read().task(task.id) == task
