"""Speed and memory with 10,000 tasks and 1,000 configurations."""

import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from options import Options
from report import Report, Table

from metalearn.metafeatures import MetaFeatures
from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender, load, save
from metalearn.recommenders.expectation import Expectation
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task, get_metric

T = TypeVar("T")

N_FEATURES = 60
N_REQUESTS = 30


def run(options: Options) -> Report:
    """Time fitting, loading and requests on made-up results with real structure: low rank plus noise."""
    n_tasks, n_configurations = (500, 100) if options.quick else (10_000, 1_000)
    table = made_up(n_tasks, n_configurations)
    fit_seconds, past = timed(partial(PastTasks.fit, table))
    calibrate_seconds, expectation = timed(partial(Expectation.fit, past))
    rows = []
    generator = np.random.default_rng(1)
    task = Task(id="new", problem_type=ProblemType.BINARY, n_rows=1000, n_features=20, n_classes=2)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("portfolio", "forest", "ensemble"):
            fitted = get_recommender(name)().fit_past(past)
            fitted.expectation_ = expectation
            path = Path(folder) / f"{name}.npz"
            save(fitted, path)
            load_seconds, loaded = timed(partial(load, path))
            for n_observed in (0, 10):
                told = table.configurations[:n_observed]
                observed = {c.id: float(v) for c, v in zip(told, generator.random(n_observed), strict=True)}
                wall, processor = [], []
                for values in generator.normal(size=(N_REQUESTS, N_FEATURES)):
                    found = MetaFeatures(dict(zip(table.meta_feature_names, values.tolist(), strict=True)))
                    before = time.process_time()
                    wall.append(timed(partial(loaded.recommend, task, found, n=10, observed=observed))[0] * 1000)
                    processor.append((time.process_time() - before) * 1000)
                first, *rest = wall
                row = [first, float(np.median(rest)), float(np.median(processor[1:]))]
                rows.append([name, n_observed, load_seconds, *row])
            size = path.stat().st_size / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Report(
        "scale",
        f"{n_tasks:,} tasks x {n_configurations:,} configurations",
        "Made-up results. Target: 100 ms a request and 1 GB. The peak of memory includes fitting.",
        [
            Table(
                "One request for ten configurations, expected scores and neighbours included",
                ["strategy", "results observed", "load, s", "first, ms", "median, ms", "processor, ms"],
                rows,
            ),
            Table(
                "Once",
                ["what", "value"],
                [
                    ["fit, s", fit_seconds],
                    ["calibrate, s", calibrate_seconds],
                    ["file, MB", size],
                    ["peak memory, MB", memory],
                ],
            ),
        ],
    )


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Return wall-clock seconds and the result of a call."""
    started = time.perf_counter()
    found = call()
    return time.perf_counter() - started, found


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
        losses=0.5 / (1 + np.exp(-logits)),
        seconds=np.exp(generator.normal(size=(n_tasks, n_configurations))),
        units=np.ones(n_tasks),
    )
