"""Stores: rates, sizes, time to the first recommendation, many writers at once, faults and hostile input."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from options import ROOT, Options
from report import Plot, Report, Table

import metalearn
from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation
from metalearn.knowledge import KnowledgeBase, Store, open_store
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.models import models_for
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

METRICS = ("roc_auc", "log_loss", "balanced_accuracy", "accuracy", "f1_macro")
BATCH_TASKS = 25
N_WRITERS = {"sqlite": 8, "postgresql": 32}
N_RUNS = 50
KIND = ProblemType.BINARY
TESTS = {
    "full disks, read-only places, locks, dropped connections, damaged files": "store/test_faults.py",
    "many writers at once, kill -9 in the middle of an append, forks": "store/test_concurrency.py",
    "hostile CSV, Parquet, ARFF, JSON, logs, folders, records and database files": "importers/test_fuzz.py",
}
"""What is injected, and the tests that do it."""

FIRST = "From opening an SQLite store to a recommendation for a table of 500 x 10"
APPENDING = f"Appending in batches of {BATCH_TASKS} tasks, and loading"
RATES = ("evaluations/s", "evaluations/processor s")
TABLES = {
    APPENDING: (
        (
            "store",
            *RATES,
            "load a million, s",
            "load a million, processor s",
            "MB per million",
        ),
        (
            "Targets: 50,000/s into SQLite, 20,000/s into PostgreSQL; a million loaded in 5 s. Processor seconds include "
            "the server's."
        ),
    ),
    f"Appending {N_RUNS} evaluations of one task": (("store", "median, ms", "90 %, ms", "median, processor ms"), ""),
    "Many writers at once, each with tasks of its own and one that all share": (
        ("store", "writers", "evaluations/s", "expected", "lost", "repeated"),
        "",
    ),
    FIRST: (
        (
            "store",
            "tasks",
            *(
                f"{what}, {unit}"
                for what in ("read", "first", "again", "after an append")
                for unit in ("s", "processor s")
            ),
        ),
        (
            "First the bundled knowledge base, of which a request concerns the tasks of its kind; then 40 configurations on "
            "tasks of one kind, whose meta-features mean nothing, which makes the deepest trees. The first request also fits "
            "the recommender, and so does the one after the append of a further task; each request reads the store anew. "
            "Target: 2 s after an append to 300 tasks."
        ),
    ),
    "Faults and hostile input": (
        ("injected", "tests", "inputs", "survived", "not run here"),
        "Survived: refused with a clear error or stored whole, and everything stored before is still there.",
    ),
}


def run(options: Options) -> Iterator[Report]:
    """Measure a folder, an SQLite file and, where there is a server, a PostgreSQL database, one after the other."""
    n_tasks, n_appends, sizes = (50, 2, (300,)) if options.quick else (445, 10, (300, 3_000, 10_000))
    knowledge = made_up(n_tasks, n_configurations=150)
    rows: dict[str, list[list[Any]]] = {title: [] for title in TABLES}
    rates, small, together, first, survived = rows.values()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["METALEARN_CACHE"] = str(folder / "cache")  # nothing that was fitted before is found
        kinds, socket = addresses(folder, stack)
        note = "" if isinstance(socket, Path) else f" PostgreSQL was not measured: {socket}."
        about = (
            f"{len(knowledge.evaluations):,} made-up evaluations: {n_tasks} tasks, 150 configurations, 3 folds, 5 metrics, "
            f"100 meta-features. {os.cpu_count()} cores, which {os.getloadavg()[0]:.0f} processes shared when this began: "
            f"the clock on the wall says how busy they were, processor seconds what the work costs.{note}"
        )
        for kind, new_address in kinds.items():
            processor = partial(processor_seconds, socket) if kind == "postgresql" else time.process_time
            rates.append([kind, *rate(new_address(), knowledge, processor)])
            small.append([kind, *single(new_address())])
            if kind in N_WRITERS:
                together.append([kind, N_WRITERS[kind], *writers(kind, new_address(), n_appends)])
            yield described(rows, about)
        bundled = metalearn.bundled_knowledge_base()
        for what, past in (("bundled", bundled), *(("made up", one_kind(n)) for n in sizes)):
            first.append([what, len(past), *recommendation(kinds["sqlite"](), past)])
            yield described(rows, about)
    for what, file in () if options.quick else TESTS.items():
        survived.append([what, *tests(file)])
        yield described(rows, about)


def described(rows: dict[str, list[list[Any]]], about: str) -> Report:
    """Return what was measured so far."""
    tables = [Table(title, list(TABLES[title][0]), found, TABLES[title][1]) for title, found in rows.items() if found]
    rates = {row[0]: dict(zip(TABLES[APPENDING][0], row, strict=True)) for row in rows[APPENDING]}
    points = {f"{kind}, {what}": (row[what],) * 3 for kind, row in rates.items() for what in RATES}
    plots = [Plot(APPENDING, points=points, reference=0.0, labels=("evaluations appended in a second", ""))]
    return Report("store", "Stores of past results", about, tables, plots)


@contextmanager
def server() -> Iterator[Any]:
    """Start a private PostgreSQL server, or give the reason why there is none."""
    spec = importlib.util.spec_from_file_location("postgresql", ROOT / "tests" / "knowledge" / "postgresql.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        with module.private_server() as folder:
            yield folder
    except module.NoServer as reason:
        yield reason


def addresses(folder: Path, stack: ExitStack) -> tuple[dict[str, Callable[[], str]], Any]:
    """Return functions that give a new address for each kind of store, and the server's folder or why there is none."""
    numbers = iter(range(1000))
    kinds: dict[str, Callable[[], str]] = {
        "folder": lambda: str(folder / f"store{next(numbers)}"),
        "sqlite": lambda: f"sqlite:///{folder}/store{next(numbers)}.db",
    }
    socket = stack.enter_context(server())
    if not isinstance(socket, Path):
        return kinds, socket

    def database() -> str:
        import psycopg  # noqa: PLC0415 - an optional package

        name = f"store{next(numbers)}"
        with psycopg.connect(f"postgresql://postgres@/postgres?host={socket}", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://postgres@/{name}?host={socket}"

    return {**kinds, "postgresql": database}, socket


def processor_seconds(server: Path) -> float:
    """Return what this process and a PostgreSQL server have used so far."""
    postmaster = int((server / "data" / "postmaster.pid").read_text().split()[0])
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent, *facts = map(int, (process / "stat").read_text().rpartition(")")[2].split()[1:15])
            if int(process.name) == postmaster:
                ticks += sum(facts[9:])  # its own, and those of connections that were closed
            elif parent == postmaster:
                ticks += sum(facts[9:11])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def made_up(n_tasks: int, n_configurations: int, n_features: int = 100) -> KnowledgeBase:
    """Return results of many configurations on many tasks."""
    rng = np.random.default_rng(0)
    ids = [f"made-up:{number}" for number in range(n_tasks)]
    configurations = [Configuration("lightgbm", {"num_leaves": 2 + k}) for k in range(n_configurations)]
    tasks = pd.DataFrame(
        [
            {
                "task_id": name, "problem_type": "binary", "dataset_id": name, "name": name, "family": name,
                "fingerprint": f"key-{number:024x}", "n_rows": 1000, "n_features": 10, "n_classes": 2,
                "n_rows_used": 1000, "source": "made up", "licence": "", "note": "", "predecessor": "",
            }
            for number, name in enumerate(ids)
        ]
    )  # fmt: skip
    i, j, k, m = np.indices((n_tasks, n_configurations, 3, len(METRICS))).reshape(4, -1)
    n = len(i)
    constant = {
        name: pd.Categorical.from_codes(np.zeros(n, np.int8), [text])
        for name, text in (("status", "ok"), ("message", ""), ("versions", "lightgbm 4.6.0"))
    }
    evaluations = pd.DataFrame(
        {
            "task_id": pd.Categorical.from_codes(i, ids),
            "configuration_id": pd.Categorical.from_codes(j, [c.id for c in configurations]),
            "metric": pd.Categorical.from_codes(m, list(METRICS)),
            "fold": k,
            "value": rng.random(n),
            "fit_seconds": rng.random(n),
            "predict_seconds": rng.random(n),
            **constant,
        }
    )
    features = pd.DataFrame(
        {
            "task_id": np.repeat(ids, n_features),
            "name": np.tile([f"feature_{f}" for f in range(n_features)], n_tasks),
            "value": rng.normal(size=n_tasks * n_features),
            "seconds": 0.001,
        }
    )
    described = [(c.id, c.model, json.dumps(dict(c.params), sort_keys=True)) for c in configurations]
    table = pd.DataFrame(described, columns=["configuration_id", "model", "params"])
    return KnowledgeBase(tasks, features, table, evaluations).normalised()


def rate(address: str, knowledge: KnowledgeBase, processor: Callable[[], float]) -> list[float]:
    """Append in batches, load, and compare what was loaded."""
    n = len(knowledge.evaluations)
    names = knowledge.task_ids
    batches = [
        knowledge.subset(tasks=names[start : start + BATCH_TASKS]) for start in range(0, len(names), BATCH_TASKS)
    ]
    store = open_store(address)
    seconds, used = clocked(lambda: [store.write(batch) for batch in batches], processor)
    loads = [clocked(store.read, processor) for _ in range(2)]
    if store.read().id != knowledge.id:
        message = f"{address} does not hold what was written."
        raise AssertionError(message)
    load, load_processor = (min(found) * 1e6 / n for found in zip(*loads, strict=True))
    return [round(n / seconds), round(n / used), load, load_processor, store.info().n_bytes / n]


def clocked(work: Callable[[], Any], processor: Callable[[], float] = time.process_time) -> tuple[float, float]:
    """Return the wall-clock and the processor seconds of a piece of work."""
    started, used = time.perf_counter(), processor()
    work()
    return time.perf_counter() - started, processor() - used


def append(store: Store, name: str, source: str | None = None) -> None:
    """Append a task with some runs."""
    task = Task(id=f"made-up:{name}", problem_type=ProblemType.BINARY, n_rows=100)
    runs = [
        Evaluation(
            task_id=task.id, configuration=Configuration("knn", {"n_neighbors": 1 + k}), metric="roc_auc", value=0.5
        )
        for k in range(N_RUNS)
    ]
    store.append(task, MetaFeatures({"n_rows": 100.0}), runs, source=source)


def single(address: str) -> list[float]:
    """Return the milliseconds of small appends."""
    store = open_store(address)
    append(store, "first")
    seconds = [clocked(lambda name=str(k): append(store, name)) for k in range(20)]
    wall, processor = (1000 * np.array(found) for found in zip(*seconds, strict=True))
    return [float(np.median(wall)), float(np.quantile(wall, 0.9)), float(np.median(processor))]


def write_many(address: str, n_appends: int, worker: int) -> None:
    """Append tasks of one writer, and one that all share."""
    store = open_store(address, source=f"worker {worker}")
    for number in range(n_appends):
        append(store, f"{worker}-{number}")
        append(store, "shared", source="all")


def writers(kind: str, address: str, n_appends: int) -> list[float]:
    """Let many write at once, and count."""
    n = N_WRITERS[kind]
    append(open_store(address), "before")
    started = time.perf_counter()
    if kind == "sqlite":
        workers = [get_context("fork").Process(target=write_many, args=(address, n_appends, k)) for k in range(n)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    else:
        with ThreadPoolExecutor(n) as pool:
            list(pool.map(partial(write_many, address, n_appends), range(n)))
    seconds = time.perf_counter() - started
    store = open_store(address)
    expected = (n * n_appends + 2) * N_RUNS
    kept, stored = len(store.read().evaluations), store.info().n_evaluations
    return [round(2 * n * n_appends * N_RUNS / seconds), expected, expected - kept, stored - kept]


def one_kind(n_tasks: int) -> KnowledgeBase:
    """Return results of 40 configurations on tasks of one kind, whose meta-features mean nothing."""
    rng = np.random.default_rng(0)
    names = list(extract(small_table()).values)
    configurations = [c for spec in models_for(KIND).values() for c in spec.design(KIND, 4)][:40]
    tasks = [Task(id=f"made-up:{k}", problem_type=KIND, n_rows=500, n_features=10, n_classes=2) for k in range(n_tasks)]
    level = rng.random((n_tasks, 1)) + 0.1 * rng.normal(size=(n_tasks, len(configurations)))
    runs = [
        Evaluation(task_id=task.id, configuration=c, metric="roc_auc", value=float(v), fit_seconds=0.1)
        for task, row in zip(tasks, np.clip(0.5 + 0.4 * level, 0, 1), strict=True)
        for c, v in zip(configurations, row, strict=True)
    ]
    found = {t.id: MetaFeatures(dict(zip(names, rng.normal(size=len(names)), strict=True))) for t in tasks}
    return KnowledgeBase.from_records(tasks, found, runs)


def small_table() -> Dataset:
    """Return a table of 500 x 10."""
    rng = np.random.default_rng(0)
    return Dataset.from_data(pd.DataFrame(rng.normal(size=(500, 10))), rng.integers(0, 2, 500))


def recommendation(address: str, knowledge: KnowledgeBase) -> list[float]:
    """Return the seconds of reading a store, and of recommendations from it: two, and one after an append."""
    data, store = small_table(), open_store(address)
    store.write(knowledge)

    def ask() -> None:
        metalearn.recommend(data.X, data.y, knowledge_base=store)

    spent = [clocked(store.read), clocked(ask), clocked(ask)]
    later = replace(data.as_task(), fingerprint="")
    runs = [
        Evaluation(task_id=later.id, configuration=c, metric="roc_auc", value=0.5)
        for c in knowledge.configuration_by_id.values()
    ]
    store.append(later, extract(data), runs)
    spent.append(clocked(ask))
    return [second for pair in spent for second in pair]


def tests(file: str) -> list[int]:
    """Run the tests of a file, slow ones included, and count what was injected and what was survived."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", f"--junitxml={report}"]
        command += ["-o", "junit_family=xunit1"]  # which can hold the number of inputs
        subprocess.run([*command, ROOT / "tests" / file], cwd=ROOT, check=False, stdout=sys.stderr)  # noqa: S603
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it
    skipped = sum(case.find("skipped") is not None for case in cases)
    broken = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    inputs = sum(int(p.get("value", 0)) for case in cases for p in case.iter("property") if p.get("name") == "inputs")
    return [len(cases) - skipped, inputs, len(cases) - skipped - broken, skipped]
