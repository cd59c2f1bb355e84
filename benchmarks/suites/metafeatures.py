"""What each group and tier of meta-features gives the recommendation, on families left out."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from inference import by_family, interval
from options import Options, cache_folder
from protocol import Setting, replay
from real_tables import Cache, code_digest, recipe
from report import Plot, Report, Table
from rich.console import Console
from rich.progress import track

from metalearn.builder import Limits
from metalearn.builder import Table as Source
from metalearn.dataset import Dataset
from metalearn.metafeatures import MetaFeatures, extract, list_meta_features
from metalearn.recommenders import PerformanceTable
from metalearn.task import ProblemType, get_metric

METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}
COUNTS = (1, 2, 3, 5, 10)
N_FOLDS = 10
QUICK_FOLDS = 2
QUICK_TASKS = 40
CHEAP = "cheap tier"
DEALT = "cheap tier, dealt out to other tasks"
NONE = "none (greedy portfolio)"


def describe_tables(tier: str, task_ids: set[str]) -> dict[str, MetaFeatures]:
    """Compute the meta-features of bundled tables; their packages have to be installed."""

    def describe(table: Source) -> dict[str, float]:
        data = Dataset.from_data(*table.load(), problem_type=table.task.problem_type).head(Limits().max_rows)
        return dict(extract(data, tier=tier).values)

    prefix = f"meta-features/{tier}/{code_digest()}"
    with closing(Cache(cache_folder())) as cache:  # an interrupted run goes on
        return {
            table.task.id: MetaFeatures(cache.get(f"{prefix}/{table.task.id}", partial(describe, table)))
            for table in track(recipe().tables(), "Meta-features", console=Console(stderr=True))
            if table.task.id in task_ids
        }


def selections() -> Iterator[tuple[str, list[str]]]:
    """Yield the sets of names that are compared."""
    known = list_meta_features()
    cheap = [f.name for f in known if f.tier == "cheap"]
    yield CHEAP, cheap
    yield "n_rows, n_features, n_classes", ["n_rows", "n_features", "n_classes"]
    yield "cheap and landmarks tier", [f.name for f in known if f.tier != "all"]
    yield "all tiers", [f.name for f in known]
    for group in dict.fromkeys(f.group for f in known if f.tier == "cheap"):
        members = [f.name for f in known if f.tier == "cheap" and f.group == group]
        yield f"{CHEAP} without {group}", [name for name in cheap if name not in members]
        yield f"{group} alone", members
    for group in dict.fromkeys(f.group for f in known if f.tier != "cheap"):
        yield (
            f"{CHEAP} with the further {group}",
            cheap + [f.name for f in known if f.tier != "cheap" and f.group == group],
        )


def _with(table: PerformanceTable, values: pd.DataFrame) -> PerformanceTable:
    matrix = values.reindex(list(table.task_ids)).to_numpy(dtype=float)
    kept = ~np.isnan(matrix).all(axis=0)
    names = tuple(name for name, keep in zip(values.columns, kept, strict=True) if keep)
    return replace(table, meta_features=matrix[:, kept], meta_feature_names=names)


def replays(options: Options, table: PerformanceTable, values: pd.DataFrame) -> dict[str, tuple[int, pd.DataFrame]]:
    """Return, by name of a set, how many values it has and what the forest finds with them on families left out."""
    n_folds = QUICK_FOLDS if options.quick else N_FOLDS
    found: dict[str, tuple[int, pd.DataFrame]] = {}
    done: dict[tuple[str, ...], str] = {}
    for name, columns in selections():
        part = _with(table, values.reindex(columns=columns))
        names = part.meta_feature_names
        if not names or (name.startswith(CHEAP) and names in done):  # the group says nothing of such problems
            continue
        done[names] = name
        setting = Setting(name, part, table.regrets, n_folds, options.seeds)
        found[name] = len(names), replay(setting, ["forest"])
        if name == CHEAP:
            found[NONE] = 0, replay(setting, ["portfolio"])
            dealt = replace(part, meta_features=np.random.default_rng(0).permutation(part.meta_features))
            found[DEALT] = len(names), replay(replace(setting, table=dealt), ["forest"])
    return found


def _curves(found: pd.DataFrame) -> np.ndarray:
    """Return curves by family, shape (n_families, length)."""
    return next(iter(by_family(found.assign(strategy="")).values()))


def differences(found: Mapping[str, tuple[int, pd.DataFrame]]) -> dict[str, tuple[float, float, float]]:
    """Return how much more regret each set has than the cheap tier, family by family, with its interval."""
    reach = max(COUNTS)
    base = _curves(found[CHEAP][1])
    more = {}
    for name, (_, replayed) in found.items():
        if name != CHEAP:
            gap = (_curves(replayed) - base)[:, :reach].mean(axis=1, keepdims=True)
            low, high = interval(gap)
            more[name] = float(gap.mean()), float(low[0]), float(high[0])
    return more


def summary(title: str, found: Mapping[str, tuple[int, pd.DataFrame]]) -> Table:
    """Compare every set with the cheap tier."""
    gaps = differences(found)
    rows = []
    for name, (n_values, replayed) in found.items():
        curves = _curves(replayed)
        means = [float(curves[:, k - 1].mean()) for k in COUNTS]
        more = "{:+.4f} [{:+.4f}, {:+.4f}]".format(*gaps[name]) if name in gaps else ""
        rows.append([name, n_values, *means, more])
    n_tasks, n_families = found[CHEAP][1]["task"].nunique(), len(_curves(found[CHEAP][1]))
    return Table(
        f"{title}: {n_tasks} tasks in {n_families} families",
        [
            "meta-features",
            "values",
            *(f"k = {k}" for k in COUNTS),
            f"more than the cheap tier, mean of k = 1 to {max(COUNTS)}",
        ],
        rows,
    )


def run(options: Options) -> Report:
    """Describe the tables, and replay the forest with each set of meta-features."""
    kb = options.past
    performances = {}
    for kind, metric in list(METRICS.items())[: 1 if options.quick else None]:
        problem_type = ProblemType(kind)
        part = kb.subset(problem_type=problem_type)
        table = PerformanceTable.from_knowledge_base(part, get_metric(metric, problem_type))
        if options.quick:
            table = table.take(np.arange(min(QUICK_TASKS, table.n_tasks)))
        performances[f"{kind}, {metric}"] = table
    task_ids = {task_id for table in performances.values() for task_id in table.task_ids}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        described = describe_tables("all", task_ids)
        values = pd.DataFrame({task_id: dict(found.values) for task_id, found in described.items()}).T
        by_type = {title: replays(options, table, values) for title, table in performances.items()}
    tables = [summary(title, found) for title, found in by_type.items()]
    common = [name for name in next(iter(by_type.values())) if all(name in found for found in by_type.values())]
    pooled = {name: (max(found[name][0] for found in by_type.values()), _joined(by_type, name)) for name in common}
    tables.insert(0, summary("All problem types together", pooled))
    about = (
        "Mean normalised regret after k evaluations of the forest strategy on families left out, "
        "lower is better, by the meta-features that it may see; they are computed anew from the tables. The last column "
        "is the difference from the cheap tier with its 95 % bootstrap interval over families: above zero, the set does "
        "worse. Dealt out to other tasks, meta-features must lose what they give."
    )
    plot = Plot(
        "All problem types together",
        points=differences(pooled),
        reference=0.0,
        labels=(f"more regret than the cheap tier, mean of k = 1 to {max(COUNTS)}", ""),
    )
    return Report("metafeatures", "Value of meta-features", about, tables, [plot])


def _joined(by_type: Mapping[str, Mapping[str, tuple[int, pd.DataFrame]]], name: str) -> pd.DataFrame:
    parts = [found[name][1].assign(family=lambda d, t=title: t + d["family"]) for title, found in by_type.items()]
    return pd.concat(parts, ignore_index=True)
