"""Compute the ladder of sizes: every table at 250 to 300,000 rows, as tasks of one family, into a store of its own.

    python ladder.py build                # resumable; a terminated build loses a minute or two of work
    python ladder.py publish FOLDER       # add to another store what it lacks, as one more part
    python ladder.py describe             # the other meta-features of what has been evaluated
    python ladder.py status               # what is filled, by rung

The store is ``knowledge_base/checkpoint``. What the shipped knowledge base knows is not run again, and its tables are
not touched: the ladder becomes part of it when somebody merges the two.
"""

import argparse
import os
import signal
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from reading import catalog, is_installed, load
from recipe import DEFAULT_STORE, TOO_SLOW_WHEN_LARGE, UNIT_SECONDS, as_table, valuable, waves
from threadpoolctl import threadpool_limits

from metalearn.builder import RANDOM_STATE, Limits, Table, WorkUnit, evaluate
from metalearn.builder import describe as describe_tables
from metalearn.dataset import Dataset
from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.metafeatures import MetaFeatures, Tier, extract, list_meta_features
from metalearn.models import models_for
from metalearn.recommenders import PerformanceTable
from metalearn.recommenders.cost import CostModel
from metalearn.space import Configuration
from metalearn.task import ProblemType

CHECKPOINT = DEFAULT_STORE.parent / "checkpoint"
USUAL = Limits().max_rows
SMALL_FIRST = 20
"""Configurations beside the defaults that every table up to the usual size gets first."""

Load = tuple[pd.DataFrame, "pd.Series[object]"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One size: tables with more than ``above`` rows enter with at most ``limits.max_rows``."""

    above: int
    limits: Limits
    n_valuable: int | None = None  # beside the defaults; None: the whole grid
    too_slow: tuple[str, ...] = ()


RUNGS = {
    250: Rung(250, Limits(max_rows=250)),
    1_000: Rung(1_000, Limits(max_rows=1_000)),
    USUAL: Rung(0, Limits()),
    25_000: Rung(USUAL, Limits(max_rows=25_000), 40, TOO_SLOW_WHEN_LARGE),
    100_000: Rung(
        25_000, Limits(max_rows=100_000, fit_seconds=300, n_folds_run=1), 25, (*TOO_SLOW_WHEN_LARGE, "knn")
    ),
    300_000: Rung(
        100_000, Limits(max_rows=300_000, fit_seconds=300, n_folds_run=1), 25, (*TOO_SLOW_WHEN_LARGE, "knn")
    ),
}  # fmt: skip

LAST = max(RUNGS)
LANDMARKS = tuple(f.name for f in list_meta_features(tier="landmarks") if f.tier is Tier.LANDMARKS)


@dataclass(frozen=True, slots=True)
class Piece:
    """A work unit with its rung, its stage and the processor seconds that it is expected to take."""

    stage: int
    rows: int
    unit: WorkUnit
    seconds: float


@lru_cache(maxsize=2)
def _loaded(file: str, name: str) -> Load:
    return load(next(row for row in catalog(file) if row["name"] == name))


def tables(rows: int) -> list[tuple[Table, dict[str, str]]]:
    """Return the tables that have a rung, each with its row of the catalog."""
    found = []
    for file in ("catalog.csv", "catalog_large.csv"):
        for row in catalog(file):
            if int(row["n_rows"]) > RUNGS[rows].above and is_installed(row):
                table = as_table(row, "" if rows == USUAL else f":{rows}", f" (up to {rows:,} rows)")
                found.append((replace(table, load=partial(_loaded, file, row["name"])), row))
    return found


@cache
def stages(problem_type: ProblemType, rows: int, kb: KnowledgeBase) -> list[tuple[int, list[Configuration]]]:
    """Return what is run on one rung: for each stage the configurations that it adds."""
    rung = RUNGS[rows]
    families = [n for n, s in models_for(problem_type).items() if n not in rung.too_slow and not s.weights]
    defaults = [models_for(problem_type)[name].default(problem_type) for name in families]
    n_most = 60 if rung.n_valuable is None else rung.n_valuable
    ordered = [c for c in valuable(problem_type, kb, n_most, families) if c not in defaults]
    if rows > USUAL:
        return [(1 if rows < LAST else 2, defaults), (3, ordered)]
    others = [c for wave in waves(problem_type) for c in wave if c not in defaults and c not in ordered]
    return [(1, defaults + ordered[:SMALL_FIRST]), (3, ordered[SMALL_FIRST:]), (4, others)]


def planned(kb: KnowledgeBase, done: Collection[tuple[str, str]], names: Collection[str] = ()) -> list[Piece]:
    """List what is missing: the tables that only large rungs know come first, each group stage by stage."""
    pieces: list[Piece] = []
    classes = dict(kb.tasks[["dataset_id", "n_classes"]].itertuples(index=False))
    for rows, rung in RUNGS.items():
        for table, row in tables(rows):
            if names and row["name"] not in names:
                continue
            size = (min(int(row["n_rows"]), rows), int(row["n_features"]), classes.get(table.task.dataset_id, 2))
            for stage, wanted in stages(table.task.problem_type, rows, kb):
                missing = [c for c in wanted if (table.task.id, c.id) not in done]
                if missing:
                    seconds = _seconds(missing, table.task.problem_type, size, rung.limits, kb)
                    pieces += _cut(table, missing, seconds, rows, stage)
    new = {row["name"] for row in catalog("catalog_large.csv")}
    groups = [
        [p for p in pieces if (p.unit.table.task.dataset_id.split(":")[1] in new) == first] for first in (True, False)
    ]
    return [piece for own in groups for stage in sorted({p.stage for p in own}) for piece in _in_turn(own, stage)]


def _seconds(
    configurations: Sequence[Configuration],
    problem_type: ProblemType,
    size: tuple[int, int, int],
    limits: Limits,
    kb: KnowledgeBase,
) -> npt.NDArray[np.float64]:
    """Predict the processor seconds of all folds that are run."""
    columns, cost = _cost(problem_type, kb)
    one = cost.predict(np.array(size, dtype=float))[[columns[c.id] for c in configurations]]
    return np.minimum(one * limits.n_run, limits.fit_seconds * 2)


@cache
def _cost(problem_type: ProblemType, kb: KnowledgeBase) -> tuple[dict[str, int], CostModel]:
    table = PerformanceTable.from_knowledge_base(kb.subset(problem_type=problem_type))
    cost = CostModel.fit(table.sizes, table.seconds, table.models)
    return {c.id: j for j, c in enumerate(table.configurations)}, cost


def _cut(
    table: Table, missing: Sequence[Configuration], seconds: npt.NDArray[np.float64], rows: int, stage: int
) -> Iterator[Piece]:
    """Cut the work of one table into pieces of about a minute, the cheapest first."""
    order = np.argsort(seconds)
    numbers = np.cumsum(seconds[order]) // UNIT_SECONDS
    for number in np.unique(numbers):
        part = order[numbers == number]
        yield Piece(stage, rows, WorkUnit(table, tuple(missing[i] for i in part)), float(seconds[part].sum()))


def _in_turn(pieces: Sequence[Piece], stage: int) -> Iterator[Piece]:
    """Yield the pieces of a stage, those with the cheapest pairs first; large and small tables share the time evenly."""
    own = sorted((p for p in pieces if p.stage == stage), key=lambda p: p.seconds / len(p.unit.configurations))
    if stage > 1:
        yield from own
        return
    queues = [[p for p in own if (p.rows > USUAL) == large] for large in (True, False)]
    spent = [0.0, 0.0]
    while any(queues):
        turn = min((i for i in (0, 1) if queues[i]), key=lambda i: spent[i])
        piece = queues[turn].pop(0)
        spent[turn] += piece.seconds
        yield piece


def build(store: FileStore) -> None:
    """Run what is missing, and say after each piece how much is left."""
    base = FileStore(DEFAULT_STORE).read()
    known = store.read()
    fingerprints = dict(pd.concat([base.tasks, known.tasks])[["dataset_id", "fingerprint"]].itertuples(index=False))
    pieces = planned(base, base.done | known.done)
    left = sum(piece.seconds for piece in pieces)
    pairs = sum(len(piece.unit.configurations) for piece in pieces)
    print(f"{pairs:,} pairs in {len(pieces):,} pieces, some {left / 3600:.1f} hours on one idle core", flush=True)
    landmarked = set(known.meta_features.loc[known.meta_features["name"].isin(LANDMARKS), "task_id"])
    started, spent, expected = time.time(), 0.0, 0.0
    for piece in pieces:
        table = piece.unit.table
        task = replace(table.task, fingerprint=fingerprints.get(table.task.dataset_id, ""))
        unit = replace(piece.unit, table=replace(table, task=task))
        left, pairs = left - piece.seconds, pairs - len(unit.configurations)
        try:
            [(found, evaluations)] = evaluate([unit], limits=RUNGS[piece.rows].limits)
            store.append(found, None, evaluations)
            fingerprints[found.dataset_id] = found.fingerprint
            if (usual := table.task.dataset_id) not in landmarked:
                landmarks(store, replace(table, task=replace(task, id=usual)))
                landmarked.add(usual)
        except Exception as error:  # noqa: BLE001 - one table that cannot be run must not end a run of days
            print(f"{table.task.id} is left out: {error!r}", flush=True)
            continue
        runs = {(e.configuration_id, e.fold): (e.fit_seconds or 0) + (e.predict_seconds or 0) for e in evaluations}
        spent, expected = spent + sum(runs.values()), expected + piece.seconds
        cpu = left / 3600 * spent / expected
        wall = left / 3600 * (time.time() - started) / expected
        print(
            f"{time.strftime('%m-%d %H:%M:%S')} stage {piece.stage} {found.id} {len(unit.configurations)} pairs, "
            f"{sum(runs.values()):.0f} s (expected {piece.seconds:.0f}); left: {pairs:,} pairs, "
            f"{cpu:.1f} h of fitting, {wall:.1f} h at this pace",
            flush=True,
        )
    store.compact()


def landmarks(store: FileStore, table: Table) -> None:
    """Compute the landmarks of a table at the usual number of rows; while it is loaded this takes seconds."""
    X, y = table.load()
    whole = Dataset.from_data(X, y, problem_type=table.task.problem_type)
    used = whole.head(USUAL, random_state=RANDOM_STATE)
    with threadpool_limits(1):
        found = extract(used, tier="landmarks")
    own = MetaFeatures({n: found.values[n] for n in LANDMARKS}, {n: found.seconds[n] for n in LANDMARKS})
    sizes = {"n_rows": whole.n_rows, "n_features": whole.n_features, "n_classes": whole.n_classes}
    task = replace(table.task, name=table.task.dataset_id.partition(":")[2], n_rows_used=used.n_rows, **sizes)
    store.append(replace(task, fingerprint=task.fingerprint or whole.fingerprint), own, [])


def publish(store: FileStore, target: FileStore) -> None:
    """Add what another store lacks."""
    found, known = store.read(), target.read()
    pairs = found.evaluations[["task_id", "configuration_id"]].astype(str).itertuples(index=False, name=None)
    done = known.done
    new = np.array([pair not in done for pair in pairs], dtype=bool)
    evaluations = found.evaluations[new]
    key = ["task_id", "name"]
    known_features = set(known.meta_features[key].astype(str).itertuples(index=False, name=None))
    features = found.meta_features[key].astype(str).itertuples(index=False, name=None)
    described = found.meta_features[np.array([pair not in known_features for pair in features], dtype=bool)]
    told = {*evaluations["task_id"].unique(), *described["task_id"].unique()}
    tasks = found.tasks[found.tasks["task_id"].isin(told)]
    configurations = found.configurations[
        found.configurations["configuration_id"].isin(evaluations["configuration_id"].unique())
    ]
    if len(evaluations) or len(described):
        target.write(KnowledgeBase(tasks, described, configurations, evaluations))
    print(f"{len(evaluations):,} values and {described['task_id'].nunique()} descriptions added")


def describe(store: FileStore) -> None:
    """Compute the meta-features of all tasks that have evaluations but none yet."""
    kb = store.read()
    plain = kb.meta_features[~kb.meta_features["name"].isin(LANDMARKS)]
    known = {*FileStore(DEFAULT_STORE).read().task_ids, *plain["task_id"].unique()}
    evaluated = set(kb.task_ids)
    for rows, rung in RUNGS.items():
        bare = [table for table, _ in tables(rows) if table.task.id in evaluated - known]
        for task, meta_features in describe_tables(bare, limits=rung.limits):
            store.append(task, meta_features, [])
    store.compact()


def status(store: FileStore) -> None:
    """Print what is filled."""
    base, kb = FileStore(DEFAULT_STORE).read(), store.read()
    done = base.done | kb.done
    for rows in RUNGS:
        ids = {table.task.id: table.task.problem_type for table, _ in tables(rows)}
        wanted = {kind: [c for _, cs in stages(kind, rows, base) for c in cs] for kind in set(ids.values())}
        filled = sum((task_id, c.id) in done for task_id, kind in ids.items() for c in wanted[kind])
        total = sum(len(wanted[kind]) for kind in ids.values())
        begun = len({task_id for task_id, _ in done} & set(ids))
        print(f"{rows:>7,} rows: {begun} of {len(ids)} tables begun, {filled:,} of {total:,} pairs")


def main() -> None:
    """Run one step."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault("METALEARN_FINGERPRINT_KEY", "bundled")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("build", "publish", "describe", "status"))
    parser.add_argument("target", nargs="?", type=Path, help="where publish adds what is new")
    parser.add_argument("--store", type=Path, default=CHECKPOINT)
    arguments = parser.parse_args()
    store = FileStore(arguments.store, keep_names=True)
    if arguments.step == "publish":
        publish(store, FileStore(arguments.target, keep_names=True))
    else:
        {"build": build, "describe": describe, "status": status}[arguments.step](store)


if __name__ == "__main__":
    main()
