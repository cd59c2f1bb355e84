"""Hostile input gives errors of ours, and neither crashes nor gets through to where it does harm."""

import json
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation
from metalearn.exceptions import MetalearnError
from metalearn.importers import from_aslib, from_cv_results, from_flaml_log, from_mlflow, from_table
from metalearn.knowledge import KnowledgeBase, open_store
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import Task

from .test_tuners import mlflow_database

FAST = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
MANY = settings(
    max_examples=1000,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TASK = Task(id="data:x", problem_type="binary")
KNN = Configuration("knn", {"n_neighbors": 3})
HOSTILE = (
    "'; DROP TABLE tasks; --",
    "<script>alert(1)</script>",
    "a\0b",
    "\ud800",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "1e999",
    "-1e-999",
    "NaN",
    "9" * 400,
    "x" * 5000,
    "{" * 2000,
    '{"a": ' * 500,
    "%s%n",
    "\r\n",
    "",
)
WORDS = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=30), st.sampled_from(["0.5", "1", "knn", "accuracy", "binary", "{}"])
)
CELLS = st.one_of(
    WORDS,
    st.floats(),
    st.integers(),
    st.none(),
    st.booleans(),
    st.binary(max_size=9),
    st.lists(st.integers(), max_size=2),
)


def survives(read: Callable[[], KnowledgeBase]) -> None:
    """What is read is refused by an error of ours, or it can be stored and read again, whole."""
    try:
        knowledge = read()
    except MetalearnError:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("store", "store.db"):
            store = open_store(Path(folder) / name)
            try:
                store.write(knowledge)
            except MetalearnError:
                assert len(store.read()) == 0
                continue
            kept = store.read()
            assert len(kept) == len(knowledge)
            assert len(kept.evaluations) == len(knowledge.evaluations)


def check_table(rows: list[dict[str, Any]]) -> None:
    survives(lambda: from_table(pd.DataFrame(rows, dtype=object), metric=None, problem_type="binary"))


def check_csv(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.csv"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        survives(lambda: from_table(file, metric="accuracy", problem_type="binary"))


def check_parquet(columns: dict[str, list[Any]], flip: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.parquet"
        try:
            pq.write_table(pa.table(columns), file)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return
        content = bytearray(file.read_bytes())
        if flip:
            content[flip % len(content)] ^= 1 + flip % 255
            file.write_bytes(bytes(content))
        survives(lambda: from_table(file, metric="accuracy", problem_type="binary"))


def check_arff(text: str, description: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "description.txt").write_text(description, encoding="utf-8", errors="surrogatepass")
        Path(folder, "algorithm_runs.arff").write_text(text, encoding="utf-8", errors="surrogatepass")
        survives(lambda: from_aslib(folder))


def check_log(lines: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log"
        text = "\n".join(line if isinstance(line, str) else json.dumps(line, default=str) for line in lines)
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        survives(lambda: from_flaml_log(file, TASK, metric="accuracy"))


def check_results(results: dict[str, Any]) -> None:
    survives(lambda: from_cv_results(results, TASK, model="SVC", metric="accuracy"))


def check_search(content: Any, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"search{ending}"
        text = content if isinstance(content, str) else json.dumps(content, default=str)
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        survives(lambda: from_cv_results(file, TASK, model="SVC", metric="accuracy"))


def check_runs(meta: str, params: dict[str, str], values: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "1" / "run"
        (run / "params").mkdir(parents=True)
        (run / "metrics").mkdir()
        (run / "meta.yaml").write_text(meta, encoding="utf-8", errors="surrogatepass")
        (run / "metrics" / "accuracy").write_text(values, encoding="utf-8", errors="surrogatepass")
        for number, (name, text) in enumerate(params.items()):
            safe = "".join(c for c in name if c.isalnum())[:40] or f"p{number}"
            (run / "params" / safe).write_text(text, encoding="utf-8", errors="surrogatepass")
        survives(lambda: from_mlflow(folder, TASK, metric="accuracy"))


def check_tracked(statuses: list[Any], key: str, value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            url = mlflow_database(Path(folder) / "mlflow.db", statuses, key=key, value=value)
        except (sqlite3.Error, OverflowError, UnicodeEncodeError):
            return
        survives(lambda: from_mlflow(url, TASK, metric="val_accuracy"))


def check_records(record: dict[str, dict[str, Any]]) -> None:
    """What is appended to a store is refused, or comes back as it was."""
    with tempfile.TemporaryDirectory() as folder:
        for place in ("store", "store.db"):
            store = open_store(Path(folder) / place)
            try:
                task = Task(**{"id": "data:x", "problem_type": "binary", **record["facts"]})
                configuration = Configuration("knn", record["params"])
                plain = {"metric": "accuracy", "value": 0.5, **record["run"]}
                run = Evaluation(task_id=task.id, configuration=configuration, **plain)
                store.append(task, MetaFeatures(record["features"]), [run])
            except (MetalearnError, TypeError, ValueError, OverflowError):
                assert len(store.read()) == 0
                continue
            kept = store.read()
            assert len(kept) == len(kept.evaluations) == 1
            assert kept.evaluations["metric"].tolist() == [run.metric]
            assert kept.configuration_by_id[configuration.id] == configuration


def check_database(flips: list[int]) -> None:
    """A database file with changed bytes is refused, or what is read of it is a knowledge base."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        store = open_store(file)
        task = Task(id="data:x", problem_type="binary")
        store.append(task, None, [Evaluation(task_id="data:x", configuration=KNN, metric="accuracy", value=0.5)])
        content = bytearray(file.read_bytes())
        for flip in flips:
            content[flip % len(content)] ^= 1 + flip % 255
        file.write_bytes(bytes(content))
        try:
            kept = open_store(file).read()
        except MetalearnError:
            return
        assert len(kept.evaluations) <= 1


ROWS = st.lists(
    st.fixed_dictionaries(
        {"task": CELLS, "model": CELLS, "metric": CELLS, "value": CELLS},
        optional={
            "params": CELLS,
            "fold": CELLS,
            "status": CELLS,
            "param_a": CELLS,
            "meta_m": CELLS,
            "n_rows": CELLS,
            "name": CELLS,
        },
    ),
    min_size=1,
    max_size=4,
)
HEADER = st.sampled_from(["task,model,value\n", "task,model,value,params,fold\n", "model,value\n", ""])
COLUMNS = st.integers(1, 3).flatmap(
    lambda n: st.fixed_dictionaries(
        {name: st.lists(CELLS, min_size=n, max_size=n) for name in ("task", "model", "value")}
    )
)
ARFF = st.lists(
    st.one_of(
        WORDS,
        st.sampled_from(
            [
                "@relation x",
                "@attribute instance_id string",
                "@attribute algorithm string",
                "@attribute q numeric",
                "@data",
                "a,b,0.5",
                "'a,b",
                "@attribute",
            ]
        ),
    ),
    max_size=12,
).map("\n".join)
LINES = st.lists(
    st.one_of(
        WORDS,
        st.fixed_dictionaries(
            {
                "learner": CELLS,
                "validation_loss": CELLS,
                "trial_time": CELLS,
                "config": st.dictionaries(WORDS, CELLS, max_size=3),
            }
        ),
    ),
    max_size=4,
)
RESULTS = st.fixed_dictionaries(
    {
        "params": st.lists(st.dictionaries(WORDS, CELLS, max_size=2), max_size=2),
        "split0_test_score": st.lists(CELLS, max_size=2),
    }
)
TEXTS = ("id", "name", "family", "dataset_id", "fingerprint", "source", "note", "predecessor")
RECORDS = st.fixed_dictionaries(
    {
        "facts": st.dictionaries(st.sampled_from(TEXTS), WORDS, max_size=4),
        "run": st.dictionaries(st.sampled_from(["metric", "message", "versions", "value", "fold"]), CELLS, max_size=3),
        "params": st.dictionaries(WORDS, CELLS, max_size=2),
        "features": st.dictionaries(WORDS, st.floats(), max_size=2),
    }
)
FUZZED: dict[str, tuple[Callable[..., None], dict[str, st.SearchStrategy[Any]]]] = {
    "table": (check_table, {"rows": ROWS}),
    "csv": (
        check_csv,
        {
            "text": st.tuples(HEADER, st.lists(st.lists(WORDS, max_size=6).map(",".join), max_size=4)).map(
                lambda p: p[0] + "\n".join(p[1])
            )
        },
    ),
    "parquet": (check_parquet, {"columns": COLUMNS, "flip": st.integers(0, 100_000)}),
    "arff": (check_arff, {"text": ARFF, "description": WORDS}),
    "log": (check_log, {"lines": LINES}),
    "results": (check_results, {"results": RESULTS}),
    "search": (
        check_search,
        {
            "content": st.one_of(
                WORDS,
                st.lists(st.lists(WORDS, max_size=3).map(",".join), max_size=3).map(
                    lambda rows: "\n".join(["param_C,split0_test_score,mean_fit_time", *rows])
                ),
                st.dictionaries(
                    st.sampled_from(["params", "split0_test_score", "mean_fit_time"]),
                    st.one_of(CELLS, st.lists(CELLS, max_size=2), st.dictionaries(WORDS, CELLS, max_size=2)),
                ),
            ),
            "ending": st.sampled_from([".csv", ".json"]),
        },
    ),
    "records": (check_records, {"record": RECORDS}),
    "database": (check_database, {"flips": st.lists(st.integers(0, 10**6), min_size=1, max_size=8)}),
    "runs": (
        check_runs,
        {
            "meta": st.lists(st.one_of(WORDS, st.sampled_from(["status: 3", "start_time: x"])), max_size=4).map(
                "\n".join
            ),
            "params": st.dictionaries(WORDS, WORDS, max_size=2),
            "values": WORDS,
        },
    ),
    "tracked": (
        check_tracked,
        {
            "statuses": st.lists(st.one_of(CELLS, st.sampled_from(["FINISHED", "FAILED"])), max_size=3),
            "key": WORDS,
            "value": CELLS,
        },
    ),
}


def tried(name: str, how: settings) -> int:
    """Try hostile inputs and count them."""
    check, strategies = FUZZED[name]
    count = 0

    def counted(**inputs: Any) -> None:
        nonlocal count
        count += 1
        check(**inputs)

    how(given(**strategies)(counted))()
    return count


@pytest.mark.parametrize("name", FUZZED)
def test_hostile_input_is_refused_or_harmless(name: str, record_property: Callable[[str, object], None]) -> None:
    record_property("inputs", tried(name, FAST))


@pytest.mark.slow
@pytest.mark.parametrize("name", FUZZED)
def test_thousands_of_hostile_inputs_are_refused_or_harmless(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    record_property("inputs", tried(name, MANY))
