"""Speed and memory with 10,000 tasks and 1,000 configurations."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from options import Options
from report import Plot, Report, Table

from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender, save
from metalearn.recommenders.expectation import Expectation
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric

T = TypeVar("T")

N_FEATURES = 60
N_REQUESTS = 30
KNOWN = 0.3
MEDIAN = 3
"""Place of a request's median processor milliseconds in what is measured of it."""

STRATEGIES = ("portfolio", "forest", "ensemble")

ASK = """
import json, re, sys, time
from pathlib import Path
import numpy as np
import metalearn
from metalearn.metafeatures import MetaFeatures
from metalearn.recommenders import load
from metalearn.task import ProblemType, Task

path, n_features, n_requests, n_observed = sys.argv[1], *map(int, sys.argv[2:])
before = time.process_time()
loaded = load(path)
load_seconds = time.process_time() - before
table = loaded.past_.table
generator = np.random.default_rng(1)
task = Task(id="new", problem_type=ProblemType.BINARY, n_rows=1000, n_features=20, n_classes=2)
observed = {c.id: float(v) for c, v in zip(table.configurations, generator.random(n_observed))}
wall, processor = [], []
for values in generator.normal(size=(n_requests, n_features)):
    found = MetaFeatures(dict(zip(table.meta_feature_names, values.tolist())))
    started, before = time.perf_counter(), time.process_time()
    loaded.recommend(task, found, n=10, observed=observed)
    processor.append((time.process_time() - before) * 1000)
    wall.append((time.perf_counter() - started) * 1000)
# getrusage would count what the parent held when it started us
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps([load_seconds, processor[0], *np.median([wall[1:], processor[1:]], axis=1), peak]))
"""


def run(options: Options) -> Report:
    """Time fitting here, loading and requests in fresh processes, on made-up sparse results with real structure."""
    sizes, n_configurations = ((100, 500), 100) if options.quick else ((1_000, 3_000, 10_000), 1_000)
    n_tasks = sizes[-1]
    curves: dict[str, dict[str, list[float]]] = {}
    for size in sizes:
        rows, once = measure(size, n_configurations)
        found = {"fit, once": once[0][1]}
        found |= {f"{name}, {n} results observed": row[MEDIAN] / 1000 for name, n, *row in rows}
        for name, seconds in found.items():
            curve = curves.setdefault(name, {"x": [], "y": [], "low": [], "high": []})
            curve["x"].append(size)
            for key in ("y", "low", "high"):
                curve[key].append(seconds)
    return Report(
        "scale",
        f"{n_tasks:,} tasks x {n_configurations:,} configurations",
        f"Made-up results, {KNOWN:.0%} of them known. Target: 100 ms a request and 1 GB. Every line is a fresh process that "
        "loads the fitted recommender and answers; processor times hold on an idle machine as well.",
        [
            Table(
                "One request for ten configurations, expected scores and neighbours included",
                [
                    "strategy",
                    "results observed",
                    "load, s",
                    "first, processor ms",
                    "median, wall ms",
                    "median, processor ms",
                    "peak memory, MB",
                ],
                rows,
            ),
            Table("Once, before", ["what", "value"], once),
        ],
        [Plot("Processor seconds by size", curves=curves, labels=("tasks", "processor seconds"))],
    )


def measure(n_tasks: int, n_configurations: int) -> tuple[list[list[Any]], list[list[Any]]]:
    """Return the lines of both tables for one size."""
    fit_seconds, past = timed(partial(PastTasks.fit, made_up(n_tasks, n_configurations)))
    calibrate_seconds, _ = timed(partial(Expectation.fit, past))
    fit_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in STRATEGIES:
            fitted = get_recommender(name)().fit_past(past)
            fitted.expectation_ = Expectation.fit(past, fitted.posterior)
            path = Path(folder) / f"{name}.npz"
            save(fitted, path)
            megabytes = path.stat().st_size / 1e6
            rows += [[name, n_observed, *ask(path, n_observed)] for n_observed in (0, 10)]
            path.unlink()
    return rows, [
        ["fit, processor s", fit_seconds],
        ["calibrate, processor s", calibrate_seconds],
        ["peak memory until then, MB", fit_memory],
        ["file, MB", megabytes],
    ]


def ask(path: Path, n_observed: int) -> list[float]:
    """Load a recommender in a fresh process and let it answer; return seconds, milliseconds and megabytes."""
    arguments = [str(path), str(N_FEATURES), str(N_REQUESTS), str(n_observed)]
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, check=True
    )
    found: list[float] = json.loads(done.stdout)
    return found


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Return processor seconds and the result of a call."""
    started = time.process_time()
    found = call()
    return time.process_time() - started, found


def made_up(n_tasks: int, n_configurations: int) -> PerformanceTable:
    """Return results that depend on meta-features through a few factors."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(n_tasks, N_FEATURES))
    factors = np.tanh(features @ generator.normal(size=(N_FEATURES, 5)) / 4)
    level = generator.normal(-1.5, 1, size=(n_tasks, 1))
    logits = (
        level
        + 0.5 * factors @ generator.normal(size=(5, n_configurations))
        + generator.normal(0, 0.2, (n_tasks, n_configurations))
    )
    losses = np.where(generator.random(logits.shape) < KNOWN, 0.5 / (1 + np.exp(-logits)), np.nan)
    losses[:, 0] = 0.5 / (1 + np.exp(-logits[:, 0]))
    names = tuple(f"task {i}" for i in range(n_tasks))
    return PerformanceTable(
        metric=get_metric("roc_auc", ProblemType.BINARY),
        problem_type=ProblemType.BINARY,
        configurations=tuple(Configuration(f"family {j % 10}", {"x": j}) for j in range(n_configurations)),
        task_ids=names,
        task_names=names,
        families=names,
        sizes=np.exp(generator.normal(6, 1, size=(n_tasks, 3))),
        meta_feature_names=tuple(f"feature {j}" for j in range(N_FEATURES)),
        meta_features=features,
        losses=losses,
        seconds=np.where(np.isnan(losses), np.nan, np.exp(generator.normal(size=losses.shape))),
        units=np.ones(n_tasks),
        own=np.ones(len(names), dtype=bool),
    )
