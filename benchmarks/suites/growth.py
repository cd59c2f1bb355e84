"""Does more knowledge help? The knowledge base cut back to fewer tasks and fewer configurations."""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from inference import by_family, cells, interval
from options import ROOT, Options
from protocol import make
from report import Plot, Report, Table

from metalearn.knowledge import KnowledgeBase
from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.simulation import curve, family_folds, play
from metalearn.task import ProblemType
from suites.public import TASKS

sys.path.insert(0, str(ROOT / "knowledge_base"))
from card import pairs, usual, waves

Rows = npt.NDArray[np.intp]

COUNTS = (1, 3, 5, 10)
LENGTH = 10
FEWEST = 4
LOADS = 5

LOAD = """
import time
from metalearn.knowledge import FileStore
started = time.perf_counter(), time.process_time()
FileStore({folder!r}).read()
print((time.perf_counter() - started[0]) * 1000, (time.process_time() - started[1]) * 1000)
"""


def run(options: Options) -> Report:
    """Replay recommendations from a part of the knowledge base."""
    facts = yaml.safe_load((TASKS / "growth.yaml").read_text(encoding="utf-8"))
    chosen = facts["quick"] if options.quick else facts
    kb = usual(options.past)
    by_tasks, by_configurations = [], []
    for kind in ProblemType:
        table = PerformanceTable.from_knowledge_base(kb.subset(problem_type=kind))
        by_tasks.append(pd.DataFrame(fewer_tasks(table, chosen, len(kb))).assign(kind=str(kind)))
        by_configurations.append(pd.DataFrame(fewer_configurations(table, chosen)).assign(kind=str(kind)))
    tasks, configurations = pd.concat(by_tasks), pd.concat(by_configurations)
    tables = [the_facts(kb, options.knowledge_base), *task_tables(tasks), *configuration_tables(configurations)]
    about = f"{len(kb)} tasks of the usual size; families left out, everything fitted on a part of the others."
    return Report("growth", "Growth of the knowledge base", about, tables, plots(tasks, chosen["strategies"][-1]))


# fewer tasks ---------------------------------------------------------------------------------------------------------


def fewer_tasks(table: PerformanceTable, chosen: dict[str, Any], n_tasks: int) -> Iterator[dict[str, object]]:
    """Replay on each left-out task what is recommended from random parts of the other tasks."""
    for fold, (kept, left_out) in enumerate(family_folds(table, chosen["folds"])):
        for size in chosen["tasks"]:
            share = min(size / n_tasks, 1.0) if size != max(chosen["tasks"]) else 1.0
            for subset in range(chosen["subsets"] if share < 1 else 1):
                draw = np.random.default_rng([fold, size, subset]).permutation(kept)
                part = np.sort(draw[: max(round(share * len(kept)), FEWEST)])
                about = {"size": size, "subset": subset, "n_known": len(part)}
                for row in replayed(table, table.regrets, part, left_out, chosen["strategies"]):
                    yield about | row


def replayed(
    table: PerformanceTable, regrets: npt.NDArray[np.float64], part: Rows, left_out: Rows, names: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Fit on a part of the tasks and yield a regret curve for each task that is left out."""
    past = PastTasks.fit(table.take(part))
    for name in names:
        strategy = make(name, 0).fit_past(past)
        for i in left_out:
            order = play(strategy, table.meta_features[i], table.losses[i], LENGTH, unit=float(table.units[i]))
            yield {"strategy": name, "family": table.families[i], "curve": curve(regrets[i], order, LENGTH)}


def task_tables(found: pd.DataFrame) -> list[Table]:
    """Return one table a problem type, and one of all."""
    tables = []
    for kind, part in [("all problem types", found), *found.groupby("kind")]:
        rows = [
            [size, f"{group['n_known'].mean():.0f}", strategy, *cells(curves, COUNTS)]
            for size, group in part.groupby("size")
            for strategy, curves in by_family(group).items()
        ]
        columns = ["tasks in the knowledge base", "of the type, learned from", "strategy", *(f"k={k}" for k in COUNTS)]
        note = (
            f"{part['family'].nunique()} families. Mean normalised regret after k evaluations; in brackets 95 % bootstrap intervals "
            "over families. A part keeps the shares of the problem types."
        )
        tables.append(Table(f"{kind}: regret by number of tasks", columns, rows, note))
    return tables


def plots(found: pd.DataFrame, strategy: str) -> list[Plot]:
    """Draw regret against the number of tasks for each number of evaluations."""
    drawn = []
    for kind, part in [("all problem types", found), *found.groupby("kind")]:
        sizes = sorted(part["size"].unique())
        curves = [by_family(part[part["size"] == size])[strategy] for size in sizes]
        lines = {}
        for k in COUNTS:
            bands = [interval(values[:, [k - 1]]) for values in curves]
            lines[f"k = {k}"] = {
                "x": [float(size) for size in sizes],
                "y": [float(values[:, k - 1].mean()) for values in curves],
                "low": [float(low[0]) for low, _ in bands],
                "high": [float(high[0]) for _, high in bands],
            }
        labels = ("tasks in the knowledge base", "mean normalised regret")
        drawn.append(Plot(f"{kind}: {strategy}", curves=lines, labels=labels))
    return drawn


# fewer configurations ------------------------------------------------------------------------------------------------


def fewer_configurations(table: PerformanceTable, chosen: dict[str, Any]) -> Iterator[dict[str, object]]:
    """Replay what is recommended when only the configurations of the first waves are known; all are in the race."""
    known = -1
    groups = waves(table.problem_type, sys.maxsize)
    for last in range(1, len(groups) + 1):
        ids = {c.id for wave in groups[:last] for c in wave}
        columns = np.array([j for j, c in enumerate(table.configurations) if c.id in ids], dtype=np.intp)
        if len(columns) == known:
            continue  # nobody has run this wave yet
        known = len(columns)
        smaller = replace(
            table,
            configurations=tuple(table.configurations[j] for j in columns),
            losses=table.losses[:, columns],
            seconds=table.seconds[:, columns],
        )
        for kept, left_out in family_folds(table, chosen["folds"]):
            for row in replayed(smaller, table.regrets[:, columns], kept, left_out, chosen["strategies"]):
                yield row | {"wave": last, "n_known": known}


def configuration_tables(found: pd.DataFrame) -> list[Table]:
    """Return one table a problem type."""
    tables = []
    for kind, part in found.groupby("kind"):
        rows = [
            [wave, int(group["n_known"].iloc[0]), strategy, *cells(curves, COUNTS)]
            for wave, group in part.groupby("wave")
            for strategy, curves in by_family(group).items()
        ]
        columns = ["after wave", "configurations", "strategy", *(f"k={k}" for k in COUNTS)]
        note = "Regret to the best of all configurations that are known today; the first row is the library defaults of the quick families."
        tables.append(Table(f"{kind}: regret by number of configurations", columns, rows, note))
    return tables


# facts ---------------------------------------------------------------------------------------------------------------


def the_facts(kb: KnowledgeBase, folder: Path) -> Table:
    """Return what is filled, how large it is, and how long it takes to load."""
    done = pairs(kb)
    planned = sum(
        n * sum(map(len, waves(ProblemType(kind), sys.maxsize)))
        for kind, n in kb.tasks["problem_type"].value_counts().items()
    )
    loads = np.array([load_times(folder) for _ in range(LOADS)]).min(axis=0)
    files = [file for file in folder.rglob("*") if file.is_file()]
    tables = sum(file.stat().st_size for file in files if file.parent == folder)
    fitted = sum(file.stat().st_size for file in files) - tables
    rows = [
        ["tasks", len(kb)],
        ["pairs of task and configuration", f"{len(done):,}"],
        ["share of the planned grid", f"{len(done) / planned:.1%}"],
        ["pairs cut by time or memory", int((done["ended"] == "cut").sum())],
        ["hours of fitting and predicting on one thread", f"{done['seconds'].sum() / 3600:.1f}"],
        ["tables on disk, MB", f"{tables / 1e6:.2f}"],
        ["fitted recommenders on disk, MB", f"{fitted / 1e6:.2f}"],
        ["package with both, zipped like the wheel, MB (target: below 12)", f"{zipped(folder) / 1e6:.2f}"],
        ["loading the tables, ms (target: below 150)", f"{loads[0]:.0f}"],
        ["loading the tables, ms of processor", f"{loads[1]:.0f}"],
    ]
    note = f"Loading: best of {LOADS} fresh processes, imports not counted."
    return Table("What there is", ["what", "value"], rows, note)


def load_times(folder: Path) -> tuple[float, float]:
    """Return milliseconds on the wall and on the processor of a first read in a fresh process."""
    code = LOAD.format(folder=str(folder))
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603
    wall, processor = said.split()
    return float(wall), float(processor)


def zipped(folder: Path) -> int:
    """Return the size of the package with a knowledge base, compressed as in a wheel."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for root in (ROOT / "metalearn", folder):
                for one in root.rglob("*"):
                    if one.is_file() and "__pycache__" not in one.parts:
                        archive.write(one)
        return file.tell()
