"""Algorithm selection on an ASlib scenario: cross-validated remaining gap, and predictions for its test part."""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from options import Options, data_folder
from report import Report, Table
from sklearn.model_selection import KFold

from metalearn.evaluation import Evaluation
from metalearn.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType, Task
from suites.public import TASKS

Array = npt.NDArray[np.float64]

METRIC = Metric("predictive_accuracy", greater_is_better=True)
STRATEGIES = ("single best", "nearest", "ours")


def run(options: Options) -> Report:
    """Cross-validate on the training part; with --predict, choose for the test part as well."""
    facts: dict[str, Any] = yaml.safe_load((TASKS / "aslib.yaml").read_text(encoding="utf-8"))
    folder = data_folder(options, facts["folder"], facts["source"])
    kb = read_scenario(folder / facts["train"])
    table = PerformanceTable.from_knowledge_base(kb, METRIC)
    repeats, n_folds = (facts["quick"]["repeats"], facts["quick"]["folds"]) if options.quick else (10, 10)
    gaps = np.array([cross_validate(table, n_folds, seed) for seed in range(repeats)])
    if options.predict is not None:
        tests = read_features(folder / facts["test"] / "feature_values.arff").reindex(
            columns=list(table.meta_feature_names)
        )
        seeds = 1 if options.quick else facts["seeds"]
        predict(table, tests, options.predict, seeds)
        print(f"{seeds} files in {options.predict}")
    rows = [
        [name, gap.mean(), gap.std(), *np.quantile(gap, [0.05, 0.95]).tolist()]
        for name, gap in zip(STRATEGIES, gaps.T, strict=True)
    ]
    published = [[name, value] for name, value in facts["published_on_test"].items()]
    return Report(
        "aslib",
        f"ASlib scenario {facts['name']}: {table.n_tasks} tables x {len(table.configurations)} algorithms",
        facts["source"],
        [
            Table(
                f"Remaining gap on the training part, {repeats} x {n_folds}-fold",
                ["selector", "mean", "deviation", "5 %", "95 %"],
                rows,
                "0 = the oracle, 1 = the single best algorithm of the training folds. The spread is over repetitions.",
            ),
            Table("Published remaining gaps on the test part", ["selector", "gap"], published, facts["reference"]),
        ],
    )


def cross_validate(table: PerformanceTable, n_folds: int, seed: int) -> list[float]:
    """Return the remaining gap of each selector over one cross-validation."""
    values = METRIC.from_loss(table.losses)
    reached = np.zeros((3, table.n_tasks))
    for kept, left_out in KFold(n_folds, shuffle=True, random_state=seed).split(values):
        part = table.take(kept)
        past = PastTasks.fit(part, min_leaf=1, random_state=seed)
        for i in left_out:
            nearest = int(past.novelty.distances_to(table.meta_features[i]).argmin())
            chosen = (
                part.losses.mean(axis=0).argmin(),
                part.losses[nearest].argmin(),
                select(past, table.meta_features[i]),
            )
            reached[:, i] = values[i, list(chosen)]
    best, (base, *_) = values.max(axis=1).mean(), reached.mean(axis=1)
    return [float((best - found) / (best - base)) for found in reached.mean(axis=1)]


def select(past: PastTasks, meta_features: Array) -> int:
    """Choose the algorithm with the least expected loss: the scenario scores accuracy, not regret."""
    weights, _ = past.prior(meta_features)
    return int((weights @ past.table.losses).argmin())


def predict(table: PerformanceTable, tests: pd.DataFrame, folder: Path, seeds: int) -> None:
    """Write the algorithm chosen for each test table, one CSV a seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        past = PastTasks.fit(table, min_leaf=1, random_state=seed)
        with (folder / f"seed_{seed}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["instance_id", "algorithm"])
            for i, row in zip(tests.index, tests.to_numpy(dtype=float), strict=True):
                writer.writerow([i, table.configurations[select(past, row)].model])


def read_scenario(folder: Path) -> KnowledgeBase:
    """Return the results of an ASlib scenario that maximises one performance measure."""
    description = yaml.safe_load((folder / "description.txt").read_text(encoding="utf-8"))
    if not description["maximize"][0]:
        sys.exit(f"The scenario in {folder} minimises its measure. Expected one that is maximised, such as accuracy.")
    measure = description["performance_measures"][0]
    runs = read_arff(folder / "algorithm_runs.arff")
    features = read_features(folder / "feature_values.arff")
    evaluations = [
        Evaluation(task_id=task, configuration=Configuration(algorithm, {}), metric=METRIC.name, value=float(value))
        for task, algorithm, value in zip(runs["instance_id"], runs["algorithm"], runs[measure], strict=True)
    ]
    tasks = [Task(id=i, problem_type=ProblemType.MULTICLASS) for i in features.index]
    return KnowledgeBase.from_records(
        tasks, {i: MetaFeatures(row) for i, row in features.to_dict("index").items()}, evaluations
    )


def read_features(path: Path) -> pd.DataFrame:
    """Return one row of features an instance."""
    return read_arff(path).set_index("instance_id").drop(columns="repetition").astype(float)


def read_arff(path: Path) -> pd.DataFrame:
    """Return the plain table in an ARFF file as ASlib writes it; missing values are NaN."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line.startswith("%")]
    start = next(i for i, line in enumerate(lines) if line.upper() == "@DATA")
    names = [line.split()[1].strip("'\"") for line in lines[:start] if line.upper().startswith("@ATTRIBUTE")]
    return pd.DataFrame(list(csv.reader(lines[start + 1 :], quotechar="'")), columns=names).replace("?", np.nan)
