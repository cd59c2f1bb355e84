"""The LightGBM configurations of AutoGluon's portfolio: cross-validation on 62 tasks, and lists for 31 more."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from inference import band, by_family, cells
from options import Options
from protocol import LENGTH, Setting, make, replay, replay_baselines, worst_to_best
from public_data import data_folder
from report import Plot, Report, Table

from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.simulation import ranked
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType
from suites.leave_out import paired

TASKS = Path(__file__).parents[1] / "tasks"
COMMON = 0.95
COUNTS = (1, 3, 5, 10, 25)
STRATEGIES = ("portfolio", "nearest", "forest", "ensemble", "analogies", "blend")


def run(options: Options) -> Report:
    """Cross-validate, and write the lists for the tasks whose results are not known."""
    facts: dict[str, Any] = yaml.safe_load((TASKS / "autogluon_lightgbm.yaml").read_text(encoding="utf-8"))
    folder = data_folder(options, facts)
    table, names, asked = read(folder)
    n_folds, seeds = facts["folds"], options.seeds
    written = options.results / "autogluon_lightgbm_predictions.csv"
    predict(table, names, asked, facts["recommender"], written)
    if options.quick:
        table, n_folds, seeds = table.take(np.arange(facts["quick"]["tasks"])), facts["quick"]["folds"], 1
    default = table.columns[Configuration("lightgbm", {}).id]
    setting = Setting("AutoGluon's LightGBM", table, worst_to_best(table.losses), n_folds, seeds, default)
    curves = by_family(pd.concat([replay_baselines(setting), replay(setting, STRATEGIES)], ignore_index=True))
    rows = [[name, *cells(found, COUNTS)] for name, found in sorted(curves.items(), key=lambda pair: -pair[1].mean())]
    columns = ["strategy", *(f"k={k}" for k in COUNTS)]
    tables = [
        Table(
            "Mean normalised regret after k evaluations",
            columns,
            rows,
            f"{table.n_tasks} tasks, {n_folds} folds, seeds: {seeds}; in brackets 95 % bootstrap intervals over tasks. "
            "Lower is better. The strategies ensemble, analogies and blend are told each result before they go on.",
        ),
        Table(
            "Published for the greedy portfolio and others, one task left out",
            columns,
            [[name, *values] for name, values in facts["published"].items()],
            "Over all 93 tasks, of which the results of 31 are not in the data: not the same tasks as above. The target is "
            "of the 93 tasks too.",
        ),
        paired(setting.title, curves, [(name, "portfolio") for name in STRATEGIES if name != "portfolio"]),
    ]
    return Report(
        "autogluon_lightgbm",
        f"AutoGluon's LightGBM grid: {table.n_tasks} tasks x {len(table.configurations)} configurations",
        f"{facts['source']}. Lists of the recommender `{facts['recommender']}` for {len(asked)} further tasks, without "
        f"feedback, are in {written.name}.",
        tables,
        [
            Plot(
                f"{setting.title} ({table.n_tasks} tasks)", curves={name: band(found) for name, found in curves.items()}
            )
        ],
    )


def read(folder: Path) -> tuple[PerformanceTable, list[str], pd.DataFrame]:
    """Return the tasks with results, the names of the configurations, and the meta-features of those without.

    Errors are in units of each task's median: 1 - ROC AUC, log loss and RMSE have no common one. Meta-features that fewer
    than 95 % of the tasks have are left out: a median in their place says little.
    """
    errors = pd.read_csv(folder / "train_error.csv", index_col="dataset")
    seconds = pd.read_csv(folder / "train_seconds.csv", index_col="dataset").reindex_like(errors)
    parameters = json.loads((folder / "configurations.json").read_text(encoding="utf-8"))
    about = pd.read_csv(folder / "train_features.csv", index_col="dataset").reindex(errors.index)
    asked = meta_features(pd.read_csv(folder / "test_features.csv", index_col="dataset"))
    features = meta_features(about)
    features = features.loc[:, features.notna().mean() > COMMON]
    asked = asked.reindex(columns=features.columns)
    losses = errors.to_numpy(dtype=float)
    ids = tuple(errors.index.astype(str))
    table = PerformanceTable(
        metric=Metric("error", greater_is_better=False, optimum=0.0),
        problem_type=ProblemType.REGRESSION,  # all three kinds together; errors without an upper bound
        configurations=tuple(Configuration("lightgbm", parameters[name]) for name in errors.columns),
        task_ids=ids,
        task_names=tuple(about["name"]),
        families=ids,
        sizes=about[["NumberOfInstances", "NumberOfFeatures", "NumberOfClasses"]].to_numpy(dtype=float),
        meta_feature_names=tuple(features.columns),
        meta_features=features.to_numpy(dtype=float),
        losses=losses / np.median(losses, axis=1, keepdims=True),
        seconds=seconds.to_numpy(dtype=float),
        units=np.ones(len(losses)),
        own=np.ones(len(losses), dtype=bool),
    )
    return table, list(errors.columns), asked


def meta_features(about: pd.DataFrame) -> pd.DataFrame:
    """Return numbers: OpenML's qualities, the kind of problem, and ratios of sizes that all tasks have."""
    qualities = about.drop(columns=["problem_type", "did", "name", "Runs"]).astype(float)
    rows, columns = qualities["NumberOfInstances"], qualities["NumberOfFeatures"]
    made = {
        **{f"is_{kind}": (about["problem_type"] == kind).astype(float) for kind in ProblemType},
        "rows_per_feature": rows / columns,
        "fraction_numeric": qualities["NumberOfNumericFeatures"] / columns,
        "fraction_missing": qualities["NumberOfMissingValues"] / (rows * columns),
        "fraction_minority": qualities["MinorityClassSize"] / rows,
    }
    return pd.concat([qualities, pd.DataFrame(made)], axis=1)


def predict(table: PerformanceTable, names: Sequence[str], asked: pd.DataFrame, recommender: str, path: Path) -> None:
    """Write the first 25 configurations for each new task."""
    strategy = make(recommender, 0).fit_past(PastTasks.fit(table))
    everything = np.ones(len(table.configurations), dtype=bool)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["task", "rank", "configuration"])
        for task, features in zip(asked.index, asked.to_numpy(dtype=float), strict=True):
            query = strategy.past_.query(features, n=LENGTH, observed={}, allowed=everything)
            writer.writerows((task, rank, names[j]) for rank, j in enumerate(ranked(strategy, query), 1))
