"""Seconds and memory of meta-features and of a whole recommendation, side by side with pymfe, amltk and FLAML."""

import importlib
import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
from options import Options
from report import Plot, Report, Table
from threadpoolctl import threadpool_limits

from metalearn.api import recommend
from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.metafeatures import extract, list_meta_features
from metalearn.metafeatures.sample import Sample

CHEAP = {(10_000, 50): 0.040, (100_000, 50): 0.150, (1_000_000, 50): 0.600, (1_000, 10_000): 0.300}
LANDMARKS = 0.5
MEMORY = 2.0
RECOMMEND = {(10_000, 50): 0.060, (100_000, 50): 0.250, (1_000_000, 50): 1.0}
RIVAL_SIZES = ((10_000, 50), (100_000, 50))
ROWS = (100, 1_000, 10_000, 100_000, 1_000_000)
COLUMNS = (5, 50, 500, 5_000, 10_000)
PYMFE_AT_MOST = 10_000
PYMFE_GROUPS = ["general", "statistical", "info-theory", "model-based"]
_PYMFE = (
    *("sizes", "kinds", "class_distribution", "counts", "column_statistics", "pairs", "canonical_correlations"),
    *("class_geometry", "discretised_information", "tree_shape"),
)
SHARED = {
    "pymfe's default groups": (*_PYMFE, "landmarks"),
    "pymfe's without landmarking": _PYMFE,
    "amltk's": ("sizes", "kinds", "missing", "class_distribution", "counts", "moment_extremes", "shapes"),
}
"""Our functions that compute what the others do, and what else comes in the same pass."""
FIRST_CALL = 0.5
WINE = 2.5
FIRST_CALLS = """
import json, time
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=({n_rows}, {n_columns}))
y = (X[:, 0] + rng.normal(size={n_rows}) > 0).astype(int)
times = [(time.perf_counter(), time.process_time())]
from metalearn import recommend
times.append((time.perf_counter(), time.process_time()))
for _ in range(2):
    recommend(X, y)
    times.append((time.perf_counter(), time.process_time()))
print(json.dumps(np.diff(times, axis=0).tolist()))
"""

Seconds = tuple[float, float]
"""Wall clock and processor."""


def table(n_rows: int, n_columns: int, *, mixed: bool = False) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table of numbers, half of the columns categorical if mixed, and two classes."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(n_rows, n_columns - n_columns // 2 if mixed else n_columns))
    y = pd.Series((numbers[:, 0] + numbers[:, 1] ** 2 + rng.normal(size=n_rows) > 1).astype(int))
    X = pd.DataFrame(numbers).add_prefix("x")
    if mixed:
        levels = {
            f"c{i}": pd.Categorical.from_codes(rng.integers(0, 8, n_rows), list("abcdefgh"))
            for i in range(n_columns // 2)
        }
        X = pd.concat([X, pd.DataFrame(levels)], axis=1)
    return X, y


def once(call: Callable[[], Any]) -> Seconds:
    """Time a single call."""
    started = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def seconds(call: Callable[[], Any], *, repetitions: int = 5) -> Seconds:
    """Return the shortest times of a call, a first one left out."""
    call()
    walls, processors = zip(*(once(call) for _ in range(repetitions)), strict=True)
    return min(walls), min(processors)


def ours(X: pd.DataFrame, y: pd.Series, tier: str = "cheap") -> Any:
    """Extract from scratch: checking the table counts, nothing is cached."""
    return extract(Dataset.from_data(X, y), tier=tier)


def shared(X: pd.DataFrame, y: pd.Series, names: tuple[str, ...]) -> None:
    """Compute what another tool computes."""
    sample = Sample(Dataset.from_data(X, y))
    with np.errstate(all="ignore"):
        for compute in dict.fromkeys(f.compute for f in list_meta_features() if f.compute.__name__ in names):
            compute(sample)


def _n_values(names: tuple[str, ...]) -> int:
    return sum(feature.compute.__name__ in names for feature in list_meta_features())


def floor(X: pd.DataFrame) -> Any:
    """Pass once over the numbers."""
    return X.select_dtypes("number").to_numpy().sum()


def run(options: Options) -> Report:
    """Time the tiers, a recommendation, the other tools, and the growth with rows and columns."""
    small = options.quick
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        tiers, memory = _tiers(small=small)
        return Report(
            suite="speed",
            title="Speed",
            about="One thread, the shortest of several runs after a first one; "
            "what takes seconds runs once. On an idle machine wall clock and processor agree; on a busy one read the "
            "processor's, which neighbours in the cache still stretch. Reading the data frame into a Dataset is included, "
            "nothing is kept between runs.",
            tables=[tiers, memory, _recommendations(small=small), _side_by_side(small=small)],
            plots=_growth(small=small),
        )


def _sizes(sizes: Any, *, small: bool) -> Iterator[tuple[int, int]]:
    return (size for size in sizes if not small or size[0] * size[1] <= 1_000_000)


def _label(size: tuple[int, int]) -> str:
    return f"{size[0]:,} x {size[1]:,}"


def _tiers(*, small: bool) -> tuple[Table, Table]:
    rows, memory = [], []
    for size in _sizes(CHEAP, small=small):
        for mixed in (False, True):
            X, y = table(*size, mixed=mixed)
            calls: dict[str, tuple[Callable[[], Any], int, float | str]] = {
                "one plain pass over the numbers": (partial(floor, X), 5, ""),
                "cheap": (partial(ours, X, y), 9, CHEAP[size]),
                "landmarks": (partial(ours, X, y, "landmarks"), 3, LANDMARKS),
                "all": (partial(ours, X, y, "all"), 1, ""),
                "data checks": (lambda X=X, y=y: check_data(Dataset.from_data(X, y)), 5, ""),
            }
            where = [_label(size), "half" if mixed else "none"]
            for what, (call, repetitions, target) in calls.items():
                rows.append([*where, what, *seconds(call, repetitions=repetitions), target])
            tracemalloc.start()
            ours(X, y)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            held = int(X.memory_usage().sum())
            memory.append([*where, held / 1e6, peak / 1e6, peak / held, MEMORY])
    columns = ["table", "categorical", "what", "wall clock", "processor", "target"]
    return (
        Table("Meta-features, seconds", columns, rows),
        Table(
            "Meta-features, peak of extra memory of the cheap tier",
            ["table", "categorical", "table, MB", "peak, MB", "peak / table", "target"],
            memory,
            "What numpy and Python allocate beside the table (tracemalloc).",
        ),
    )


def _recommendations(*, small: bool) -> Table:
    rows = []
    for size in _sizes(RECOMMEND, small=small):
        for mixed in (False, True):
            X, y = table(*size, mixed=mixed)
            label = f"{_label(size)}, half of it categorical" if mixed else _label(size)
            rows.append([label, "warm", *seconds(partial(recommend, X, y)), RECOMMEND[size]])
    size = next(iter(RECOMMEND))
    code = FIRST_CALLS.format(n_rows=size[0], n_columns=size[1])
    runs = [json.loads(_python("-c", code)) for _ in range(3)]
    loading, first, second = np.min(runs, axis=0)
    rows.append([_label(size), "import of recommend in a new process", *loading, ""])
    rows.append(
        [_label(size), "first call in a process, beyond what a second one takes", *(first - second), FIRST_CALL]
    )
    rows.append(["wine (178 x 13)", "metalearn recommend wine, whole process", *_wine(), WINE])
    return Table("ml.recommend, seconds", ["table", "call", "wall clock", "processor", "target"], rows)


def _python(*arguments: str) -> str:
    command, one = [sys.executable, *arguments], os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, env=one, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own


def _wine() -> Seconds:
    """Time the command line from start to exit."""
    walls, processors = [], []
    for _ in range(3):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        _python("-m", "metalearn", "recommend", "wine")
        walls.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(walls), min(processors)


def _rivals() -> Iterator[tuple[str, str, str, Callable[[pd.DataFrame, pd.Series], Any] | str]]:
    """Yield package, what is timed, the key of what we share with it, and the call or why there is none."""
    for package, what, same, module, make in (
        ("pymfe", "default groups, 111 values", "pymfe's default groups", "pymfe.mfe", _pymfe),
        (
            *("pymfe", "the same without landmarking", "pymfe's without landmarking", "pymfe.mfe"),
            partial(_pymfe, groups=PYMFE_GROUPS),
        ),
        ("amltk", "compute_metafeatures, 30 values", "amltk's", "amltk.metalearning", _amltk),
        ("flaml", "preprocess_and_suggest_hyperparams", "", "flaml.default", _flaml),
    ):
        try:
            label = f"{package} {version(package)}"
            yield label, what, same, make(importlib.import_module(module))
        except PackageNotFoundError:
            yield package, what, same, "not installed"
        except ImportError as error:
            yield label, what, same, f"cannot be used: {error}"


def _pymfe(module: Any, groups: list[str] | None = None) -> Callable[[pd.DataFrame, pd.Series], Any]:
    options = {} if groups is None else {"groups": groups}
    return lambda X, y: module.MFE(random_state=0, **options).fit(X.to_numpy(), y.to_numpy()).extract()


def _amltk(module: Any) -> Callable[[pd.DataFrame, pd.Series], Any]:
    compute: Callable[[pd.DataFrame, pd.Series], Any] = module.compute_metafeatures
    return compute


def _flaml(module: Any) -> Callable[[pd.DataFrame, pd.Series], Any]:
    suggest = module.preprocess_and_suggest_hyperparams
    return lambda X, y: suggest("classification", X.copy(), y.copy(), "lgbm")


def _side_by_side(*, small: bool) -> Table:
    rows = []
    for size in RIVAL_SIZES[: 1 if small else None]:
        X, y = table(*size)
        where = _label(size)
        tiers = {tier: seconds(partial(ours, X, y, tier)) for tier in ("cheap", "landmarks", "all")}
        same = {what: seconds(partial(shared, X, y, names)) for what, names in SHARED.items()}
        cheap = tiers["cheap"][1]
        calls = {
            **{f"{tier} tier, {len(list_meta_features(tier=tier))} values": taken for tier, taken in tiers.items()},
            **{f"{what}, {_n_values(SHARED[what])} values": taken for what, taken in same.items()},
            "recommend": seconds(partial(recommend, X, y)),
        }
        rows += [[where, "metalearn", what, *taken, taken[1] / cheap, ""] for what, taken in calls.items()]
        for tool, what, key, call in _rivals():
            if isinstance(call, str):
                rows.append([where, tool, f"{what}: {call}", "", "", "", ""])
                continue
            slow = tool.startswith("pymfe")  # takes many seconds, and minutes with landmarks on more rows
            if slow and "landmarking" not in what and (small or size[0] > PYMFE_AT_MOST):
                continue
            taken = (once if slow else seconds)(partial(call, X, y))
            rows.append([where, tool, what, *taken, taken[1] / cheap, taken[1] / same[key][1] if key else ""])
    return Table(
        "Side by side",
        ["table", "tool", "what", "wall clock", "processor", "times our cheap tier", "times ours for the same values"],
        rows,
        "The last columns compare processor seconds. Target: pymfe's default groups take 50 times what ours take for them.",
    )


def _growth(*, small: bool) -> list[Plot]:
    plots = []
    for title, sizes, place in (
        ("Processor seconds by rows, 50 columns", [(n, 50) for n in ROWS], 0),
        ("Processor seconds by columns, 1,000 rows", [(1_000, p) for p in COLUMNS], 1),
    ):
        some = sizes[:3] if small else sizes
        curves: dict[str, dict[str, list[float]]] = {}
        for size in some:
            X, y = table(*size)
            for name, call in {
                "cheap": partial(ours, X, y),
                "landmarks": partial(ours, X, y, "landmarks"),
                "all": partial(ours, X, y, "all"),
                "recommend": partial(recommend, X, y),
                "one plain pass": partial(floor, X),
            }.items():
                curve = curves.setdefault(name, {"x": [], "y": [], "low": [], "high": []})
                taken = seconds(call, repetitions=1 if name == "all" else 3)[1]
                for key in ("y", "low", "high"):
                    curve[key].append(taken)
                curve["x"].append(size[place])
        plots.append(Plot(title, curves=curves, labels=("rows" if place == 0 else "columns", "processor seconds")))
    return plots
