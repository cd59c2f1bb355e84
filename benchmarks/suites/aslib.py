"""Algorithm selection on an ASlib scenario: cross-validated remaining gap, and predictions for its test part."""

import csv
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from inference import wilcoxon_holm
from options import Options
from public_data import data_folder
from report import Plot, Report, Table
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold

from metalearn.exceptions import MetalearnError
from metalearn.importers import from_aslib
from metalearn.importers.aslib import read_arff
from metalearn.importers.base import our_metric
from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.novelty import Novelty
from metalearn.recommenders.past import PROFILE_FLOOR
from metalearn.task import Metric
from suites.public import TASKS

Array = npt.NDArray[np.float64]
Folds = npt.NDArray[np.intp]

SELECTORS = ("single best", "nearest", "ours", "trees and kernel")
N_TREES = 500
KERNEL_WIDTH = 2.0
KERNEL_NOISE = 0.1
N_RESAMPLES = 10_000
PENALTY = 10
"""A run that did not end counts as this many times the cutoff, where a scenario measures time (PAR10)."""


@dataclass(frozen=True)
class Scenario:
    """Tables with the losses of algorithms, and the folds that the scenario prescribes."""

    name: str
    table: PerformanceTable
    folds: tuple[Folds, ...] = ()  # for each repetition the fold of each table; none if there is no cv.arff


def run(options: Options) -> Report:
    """Cross-validate on the training part; with --predict, choose for the test part as well."""
    facts: dict[str, Any] = yaml.safe_load((TASKS / "aslib.yaml").read_text(encoding="utf-8"))
    if options.scenario is None:
        folder = data_folder(options, facts)
        scenario, source = read_scenario(folder / facts["train"]), facts["source"]
    else:
        scenario = read_scenario(options.scenario)
        source = (
            f"A scenario in the ASlib format, in a folder that --scenario named; measure: {scenario.table.metric.name}."
        )
    table = scenario.table
    repeats, n_folds = (facts["quick"]["repeats"], facts["quick"]["folds"]) if options.quick else (10, 10)
    folds = scenario.folds or [random_folds(table.n_tasks, n_folds, seed) for seed in range(repeats)]
    if options.quick:
        folds = folds[:repeats]
    regrets = np.stack([cross_validate(table, fold, seed) for seed, fold in enumerate(folds)], axis=1)
    if options.predict is not None and options.scenario is None:
        tests = read_features(folder / facts["test"] / "feature_values.arff").reindex(
            columns=list(table.meta_feature_names)
        )
        seeds = 1 if options.quick else facts["seeds"]
        predict(table, tests, options.predict, seeds)
        print(f"{seeds} files in {options.predict}")
    tables, points = compare(regrets, folds, own=bool(scenario.folds))
    if options.scenario is None:
        published = facts["published_on_test"]
        tables.append(
            Table(
                "Published remaining gaps on the test part",
                ["selector", "gap"],
                [*published.items()],
                facts["reference"],
            )
        )
        points |= {f"{name} (published, test part)": (value,) * 3 for name, value in published.items()}
    kept = re.sub(r"\W+", "_", scenario.name)  # of a scenario of one's own beside Oberon's
    return Report(
        "aslib" if options.scenario is None else f"aslib_{kept}",
        f"ASlib scenario {scenario.name}: {table.n_tasks} tables x {len(table.configurations)} algorithms",
        source,
        tables,
        [Plot("Remaining gap", points=points, reference=1.0, labels=("0 = the oracle, 1 = the single best", ""))],
    )


def compare(
    regrets: Array, folds: Sequence[Folds], *, own: bool
) -> tuple[list[Table], dict[str, tuple[float, float, float]]]:
    """Return what regrets of shape (n_selectors, n_repeats, n_tables) show: tables, and points to be drawn."""
    n_tasks = regrets.shape[2]
    gaps = remaining_gap(regrets)
    drawn = np.random.default_rng(0).integers(n_tasks, size=(N_RESAMPLES, n_tasks))
    by_table = regrets.mean(axis=1)
    spread = np.quantile(remaining_gap(by_table[:, drawn]), [0.05, 0.95], axis=1).T
    rows = [
        [name, gap.mean(), gap.std(), *ends.tolist()] for name, gap, ends in zip(SELECTORS, gaps, spread, strict=True)
    ]
    share = dict(zip(SELECTORS, by_table / by_table[0].mean(), strict=True))
    pairs = [[r["a"], r["b"], r["difference"], r["low"], r["high"], f"{r['p_holm']:.1e}"] for r in wilcoxon_holm(share)]
    n_folds, whose = len(np.unique(folds[0])), " with the folds of the scenario" if own else ""
    tables = [
        Table(
            f"Remaining gap on the training part, {len(folds)} x {n_folds}-fold{whose}",
            ["selector", "mean", "deviation", "5 %", "95 %"],
            rows,
            "0 = the oracle, 1 = the single best algorithm of the training folds. The deviation is over repetitions, "
            "the interval over tables drawn anew.",
        ),
        Table(
            "Paired differences of the gap",
            ["selector", "less", "difference", "95 % low", "95 % high", "p (Holm)"],
            pairs,
            "Each table's regret, mean over repetitions, as a share of the single best's mean regret; negative is better. "
            "Wilcoxon signed-rank tests over tables, Holm-corrected.",
        ),
    ]
    return tables, {name: (mean, low, high) for name, mean, _, low, high in rows}


def remaining_gap(regrets: Array) -> Array:
    """Divide mean regrets over the last axis by those of the single best, the first selector."""
    means = regrets.mean(axis=-1)
    gaps: Array = means / means[0]
    return gaps


def random_folds(n_tasks: int, n_folds: int, seed: int) -> Folds:
    """Deal the tables out to folds of equal size."""
    folds = np.empty(n_tasks, dtype=np.intp)
    for fold, (_, left_out) in enumerate(KFold(n_folds, shuffle=True, random_state=seed).split(folds)):
        folds[left_out] = fold
    return folds


def cross_validate(table: PerformanceTable, folds: Folds, seed: int) -> Array:
    """Return the regret of each selector on each table over one cross-validation."""
    regrets = table.losses - table.losses.min(axis=1, keepdims=True)
    found = np.zeros((len(SELECTORS), table.n_tasks))
    for fold in np.unique(folds):
        kept, left_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        part, asked = table.take(kept), table.meta_features[left_out]
        past = PastTasks.fit(part, min_leaf=1, random_state=seed)
        nearest = [int(past.novelty.distances_to(features).argmin()) for features in asked]
        priors = np.array([past.prior(features).weights for features in asked])
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
    novelty = Novelty.fit(table.meta_features, table.family)
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


def read_scenario(folder: Path) -> Scenario:
    """Return the results of an ASlib scenario by its first measure, as losses without gaps."""
    try:
        description = yaml.safe_load((folder / "description.txt").read_text(encoding="utf-8"))
        measure, greater = description["performance_measures"][0], bool(description["maximize"][0])
        kb = from_aslib(folder, measure=measure)
        folds = read_arff(folder / "cv.arff") if (folder / "cv.arff").exists() else None
    except (OSError, KeyError, TypeError, yaml.YAMLError, MetalearnError) as error:
        sys.exit(
            f"{folder} cannot be read: {error}. Expected a scenario in the ASlib format. Name one: --scenario DIR."
        )
    if not len(kb.meta_features):
        sys.exit(f"{folder} has no feature_values.arff. Expected features, by which algorithms are chosen. Add them.")
    name, factor, _ = our_metric(measure)
    greater = greater if factor > 0 else not greater
    values = kb.evaluations["value"]
    optimum = max(1.0, values.max()) if greater else min(0.0, values.min())
    table = PerformanceTable.from_knowledge_base(kb, Metric(name, greater, optimum))
    table = replace(table, losses=without_gaps(table.losses, description))
    return Scenario(
        description.get("scenario_id", folder.name), table, () if folds is None else own_folds(folds, table, folder)
    )


def without_gaps(losses: Array, description: dict[str, Any]) -> Array:
    """Let runs that failed or are absent count as ten times the cutoff, or as the worst on the table."""
    kind, cutoff = description.get("performance_type"), description.get("algorithm_cutoff_time")
    finite = np.where(np.isfinite(losses), losses, np.nan)
    worst = np.nanmax(finite, axis=1, keepdims=True)
    if kind in ("runtime", ["runtime"]) and isinstance(cutoff, int | float) and cutoff > 0:
        worst = np.full_like(worst, PENALTY * cutoff)
    return np.where(np.isfinite(losses), losses, worst)


def own_folds(found: pd.DataFrame, table: PerformanceTable, folder: Path) -> tuple[Folds, ...]:
    """Return for each repetition of a cv.arff the fold of each table."""
    folds = found.pivot_table(index="instance_id", columns="repetition", values="fold", aggfunc="first")
    folds = folds.reindex(list(table.task_names))
    if folds.isna().any(axis=None):
        sys.exit(f"{folder / 'cv.arff'} lacks some tables. Expected a fold for each in every repetition. Correct it.")
    return tuple(pd.factorize(folds[repetition], sort=True)[0].astype(np.intp) for repetition in folds)


def read_features(path: Path) -> pd.DataFrame:
    """Return one row of features an instance, averaged over repetitions."""
    values = read_arff(path).set_index("instance_id").drop(columns="repetition").apply(pd.to_numeric, errors="coerce")
    return values.groupby(level=0, sort=False).mean()
