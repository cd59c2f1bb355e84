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
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold

from metalearn.evaluation import Evaluation
from metalearn.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.novelty import Novelty
from metalearn.recommenders.past import PROFILE_FLOOR
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType, Task
from suites.public import TASKS

Array = npt.NDArray[np.float64]

METRIC = Metric("predictive_accuracy", greater_is_better=True)
SELECTORS = ("single best", "nearest", "ours", "trees and kernel")
N_TREES = 500
KERNEL_WIDTH = 2.0
KERNEL_NOISE = 0.1
N_RESAMPLES = 10_000


def run(options: Options) -> Report:
    """Cross-validate on the training part; with --predict, choose for the test part as well."""
    facts: dict[str, Any] = yaml.safe_load((TASKS / "aslib.yaml").read_text(encoding="utf-8"))
    folder = data_folder(options, facts["folder"], facts["source"])
    kb = read_scenario(folder / facts["train"])
    table = PerformanceTable.from_knowledge_base(kb, METRIC)
    repeats, n_folds = (facts["quick"]["repeats"], facts["quick"]["folds"]) if options.quick else (10, 10)
    regrets = np.stack([cross_validate(table, n_folds, seed) for seed in range(repeats)], axis=1)
    if options.predict is not None:
        tests = read_features(folder / facts["test"] / "feature_values.arff").reindex(
            columns=list(table.meta_feature_names)
        )
        seeds = 1 if options.quick else facts["seeds"]
        predict(table, tests, options.predict, seeds)
        print(f"{seeds} files in {options.predict}")
    gaps = remaining_gap(regrets)
    drawn = np.random.default_rng(0).integers(table.n_tasks, size=(N_RESAMPLES, table.n_tasks))
    resampled = remaining_gap(regrets.mean(axis=1)[:, drawn])
    rows = [
        [name, gap.mean(), gap.std(), *np.quantile(spread, [0.05, 0.95]).tolist()]
        for name, gap, spread in zip(SELECTORS, gaps, resampled, strict=True)
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
                "0 = the oracle, 1 = the single best algorithm of the training folds. The deviation is over repetitions, "
                "the interval over tables drawn anew.",
            ),
            Table("Published remaining gaps on the test part", ["selector", "gap"], published, facts["reference"]),
        ],
    )


def remaining_gap(regrets: Array) -> Array:
    """Divide mean regrets over the last axis by those of the single best, the first selector."""
    means = regrets.mean(axis=-1)
    gaps: Array = means / means[0]
    return gaps


def cross_validate(table: PerformanceTable, n_folds: int, seed: int) -> Array:
    """Return the regret of each selector on each table over one cross-validation."""
    regrets = table.losses - table.losses.min(axis=1, keepdims=True)
    found = np.zeros((len(SELECTORS), table.n_tasks))
    for kept, left_out in KFold(n_folds, shuffle=True, random_state=seed).split(regrets):
        part, asked = table.take(kept), table.meta_features[left_out]
        past = PastTasks.fit(part, min_leaf=1, random_state=seed)
        nearest = [int(past.novelty.distances_to(features).argmin()) for features in asked]
        priors = np.array([past.prior(features)[0] for features in asked])
        chosen = (
            np.full(len(asked), part.losses.mean(axis=0).argmin()),
            part.losses[nearest].argmin(axis=1),
            (priors @ part.losses).argmin(axis=1),
            expected_losses(part, asked, seed).argmin(axis=1),
        )
        found[:, left_out] = regrets[left_out, np.array(chosen)]
    return found


def expected_losses(table: PerformanceTable, asked: Array, seed: int) -> Array:
    """Predict the loss of each algorithm on new tables: the mean of random trees and of a kernel.

    The trees split for log regrets and average losses: the scenario scores accuracy, not regret. Method and constants
    were chosen on other matrices, see metalearn/recommenders/README.md.
    """
    novelty = Novelty.fit(table.meta_features, np.array(table.families))
    known, new = novelty.points, np.array([novelty.standardise(features) for features in asked])
    trees = ExtraTreesRegressor(N_TREES, max_features=1 / 3, random_state=seed)
    trees.fit(known, np.log(table.completed_regrets + PROFILE_FLOOR))
    together = trees.apply(new)[:, None] == trees.apply(known)
    by_trees = (together / together.sum(axis=1, keepdims=True)).mean(axis=2) @ table.losses
    among, to_new = (
        np.exp(-np.array([novelty.distances_to(features) for features in rows]) / KERNEL_WIDTH)
        for rows in (table.meta_features, asked)
    )
    mean = table.losses.mean(axis=0)
    by_kernel = mean + to_new @ np.linalg.solve(among + KERNEL_NOISE * np.eye(table.n_tasks), table.losses - mean)
    losses: Array = (by_trees + by_kernel) / 2
    return losses


def predict(table: PerformanceTable, tests: pd.DataFrame, folder: Path, seeds: int) -> None:
    """Write the algorithm chosen for each test table, one CSV a seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        chosen = expected_losses(table, tests.to_numpy(dtype=float), seed).argmin(axis=1)
        with (folder / f"seed_{seed}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["instance_id", "algorithm"])
            writer.writerows((i, table.configurations[j].model) for i, j in zip(tests.index, chosen, strict=True))


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
