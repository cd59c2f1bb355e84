"""Seconds for meta-features, side by side with pymfe, amltk and FLAML, and how they grow with the table."""

import importlib
import importlib.util
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from options import Options
from report import Plot, Report, Table

from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.metafeatures import extract, list_meta_features
from metalearn.metafeatures.sample import Sample

TARGETS = {(10_000, 50): 0.040, (100_000, 50): 0.150, (1_000_000, 50): 0.600, (1_000, 10_000): 0.300}
RIVAL_SIZES = ((10_000, 50), (100_000, 50))
ROWS = (100, 1_000, 10_000, 100_000, 1_000_000)
COLUMNS = (5, 50, 500, 5_000, 10_000)
PYMFE_AT_MOST = 10_000


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


def seconds(call: Callable[[], Any], *, repetitions: int = 5) -> float:
    """Return the shortest CPU time of a call, the first one left out."""
    call()
    best = np.inf
    for _ in range(repetitions):
        started = time.process_time()
        call()
        best = min(best, time.process_time() - started)
    return float(best)


def once(call: Callable[[], Any]) -> float:
    """Return the CPU time of the only call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def ours(X: pd.DataFrame, y: pd.Series, tier: str = "cheap") -> Any:
    """Extract from scratch: checking the table counts, nothing is cached."""
    return extract(Dataset.from_data(X, y), tier=tier)


def without_complexity(X: pd.DataFrame, y: pd.Series) -> None:
    """Compute what pymfe's default groups compute, and our cheap tier and landmarks."""
    sample = Sample(Dataset.from_data(X, y))
    with np.errstate(all="ignore"):
        for compute in dict.fromkeys(f.compute for f in list_meta_features() if f.group != "complexity"):
            compute(sample)


def floor(X: pd.DataFrame) -> Any:
    """Pass once over the numbers."""
    return X.select_dtypes("number").to_numpy().sum()


def rivals() -> dict[str, Callable[[pd.DataFrame, pd.Series], Any]]:
    """Return the other tools that are installed."""
    found: dict[str, Callable[[pd.DataFrame, pd.Series], Any]] = {}
    if importlib.util.find_spec("pymfe"):
        mfe = importlib.import_module("pymfe.mfe").MFE
        found["pymfe (111 values)"] = lambda X, y: mfe(random_state=0).fit(X.to_numpy(), y.to_numpy()).extract()
        found["pymfe without landmarking"] = lambda X, y: (
            mfe(groups=["general", "statistical", "info-theory", "model-based"], random_state=0)
            .fit(X.to_numpy(), y.to_numpy())
            .extract()
        )
    if importlib.util.find_spec("amltk"):
        compute = importlib.import_module("amltk.metalearning").compute_metafeatures
        found["amltk (30 values)"] = compute
    if importlib.util.find_spec("flaml"):
        try:
            suggest = importlib.import_module("flaml.default").preprocess_and_suggest_hyperparams
        except ImportError:  # FLAML needs further packages for it
            return found
        found["FLAML preprocess_and_suggest"] = lambda X, y: suggest("classification", X.copy(), y.copy(), "lgbm")
    return found


def run(options: Options) -> Report:
    """Time the tiers, the other tools, and the growth with rows and columns."""
    small = options.quick
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Report(
            suite="metafeatures_speed",
            title="Speed of meta-features",
            about="CPU seconds on one core (OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1), which on an idle machine are "
            "wall-clock seconds; reading the table into a Dataset is included. Shortest of a few runs; slow tools: one run.",
            tables=[_tiers(small=small), _side_by_side(small=small)],
            plots=_growth(small=small),
        )


def _tiers(*, small: bool) -> Table:
    rows = []
    for size, target in TARGETS.items():
        if small and size[0] > 100_000:
            continue
        for mixed in (False, True):
            X, y = table(*size, mixed=mixed)
            tracemalloc.start()
            ours(X, y)
            peak = tracemalloc.get_traced_memory()[1] / X.memory_usage().sum()
            tracemalloc.stop()
            rows.append(
                [
                    f"{size[0]:,} x {size[1]:,}",
                    "half" if mixed else "none",
                    seconds(lambda X=X, y=y: ours(X, y)),
                    target,
                    seconds(lambda X=X, y=y: ours(X, y, "landmarks"), repetitions=2),
                    seconds(lambda X=X, y=y: ours(X, y, "all"), repetitions=1),
                    seconds(lambda X=X, y=y: check_data(Dataset.from_data(X, y))),
                    seconds(lambda X=X: floor(X)),
                    float(peak),
                ]
            )
    columns = [
        "table",
        "categorical",
        "cheap",
        "target",
        "landmarks",
        "all",
        "data checks",
        "one plain pass",
        "peak memory / table",
    ]
    return Table("Tiers", columns, rows)


def _side_by_side(*, small: bool) -> Table:
    rows = []
    for size in RIVAL_SIZES[: 1 if small else None]:
        X, y = table(*size)
        own = {
            tier: seconds(lambda X=X, y=y, t=tier: ours(X, y, t), repetitions=2)
            for tier in ("cheap", "landmarks", "all")
        }
        for tier, taken in own.items():
            n_values = len(list_meta_features(tier=tier))
            rows.append(
                [
                    f"{size[0]:,} x {size[1]:,}",
                    f"metalearn, {tier} ({n_values} values)",
                    taken,
                    taken / own["cheap"],
                    taken / own["all"],
                ]
            )
        same = seconds(lambda X=X, y=y: without_complexity(X, y), repetitions=2)
        label = "metalearn, all but the complexity group, which pymfe's 111 values lack"
        rows.append([f"{size[0]:,} x {size[1]:,}", label, same, same / own["cheap"], same / own["all"]])
        for name, call in rivals().items():
            if name.startswith("pymfe (") and (small or size[0] > PYMFE_AT_MOST):
                continue
            time_it = once if name.startswith("pymfe") else seconds
            taken = time_it(lambda X=X, y=y, c=call: c(X, y))
            rows.append([f"{size[0]:,} x {size[1]:,}", name, taken, taken / own["cheap"], taken / own["all"]])
    return Table("Side by side", ["table", "tool", "seconds", "times our cheap tier", "times our all tier"], rows)


def _growth(*, small: bool) -> list[Plot]:
    plots = []
    for title, sizes, place in (
        ("Seconds by rows, 50 columns", [(n, 50) for n in ROWS], 0),
        ("Seconds by columns, 1,000 rows", [(1_000, p) for p in COLUMNS], 1),
    ):
        some = sizes[:3] if small else sizes
        curves: dict[str, dict[str, list[float]]] = {}
        for size in some:
            X, y = table(*size)
            for name, call in {
                "cheap": lambda X=X, y=y: ours(X, y),
                "landmarks": lambda X=X, y=y: ours(X, y, "landmarks"),
                "one plain pass": lambda X=X: floor(X),
            }.items():
                curve = curves.setdefault(name, {"x": [], "y": [], "low": [], "high": []})
                taken = seconds(call, repetitions=2)
                for key in ("y", "low", "high"):
                    curve[key].append(taken)
                curve["x"].append(size[place])
        plots.append(Plot(title, curves=curves, labels=("rows" if place == 0 else "columns", "seconds")))
    return plots
