import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from options import Options  # noqa: E402 - the folder of the benchmarks is no package
from suites import aslib  # noqa: E402
from suites.aslib import SELECTORS, cross_validate, random_folds, read_scenario, remaining_gap  # noqa: E402

from metalearn.recommenders import PerformanceTable  # noqa: E402

N_TABLES, N_FOLDS = 40, 4


def write(folder: Path, *, minimised: bool = False, folds: int = 0) -> Path:
    """Write a scenario of two kinds of tables, told apart by their first feature; on each another algorithm wins."""
    rng = np.random.default_rng(0)
    measure, kind = ("time", "runtime") if minimised else ("accuracy", "solution_quality")
    (folder / "description.txt").write_text(
        f"scenario_id: Small-1\nmaximize: [{str(not minimised).lower()}]\nperformance_measures: [{measure}]\n"
        f"performance_type: [{kind}]\nalgorithm_cutoff_time: 100\n",
        encoding="utf-8",
    )
    runs = [f"@ATTRIBUTE {name} STRING" for name in ("instance_id", "repetition", "algorithm", measure, "runstatus")]
    features = [f"@ATTRIBUTE {name} NUMERIC" for name in ("instance_id", "repetition", "kind", "noise")] + ["@DATA"]
    runs.append("@DATA")
    for i in range(N_TABLES):
        features.append(f"t{i},1,{i % 2},{'?' if i % 5 == 0 else rng.random()}")
        scores = 0.7 + 0.2 * np.eye(3)[i % 2] + 0.01 * rng.random(3)
        for j, score in enumerate(scores):
            ended = "timeout" if minimised and j == 2 else "ok"
            runs.append(f"t{i},1,a{j},{100 * (1 - score) if minimised else score},{ended}")
    (folder / "algorithm_runs.arff").write_text("\n".join(runs), encoding="utf-8")
    (folder / "feature_values.arff").write_text("\n".join(features), encoding="utf-8")
    if folds:
        lines = [f"@ATTRIBUTE {name} NUMERIC" for name in ("instance_id", "repetition", "fold")] + ["@DATA"]
        lines += [f"t{i},{r + 1},{(i // 2 + r) % folds + 1}" for r in range(2) for i in range(N_TABLES)]
        (folder / "cv.arff").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def table(tmp_path: Path) -> PerformanceTable:
    return read_scenario(write(tmp_path)).table


def test_selectors_that_look_at_features_close_the_gap(table: PerformanceTable) -> None:
    folds = random_folds(table.n_tasks, 2, seed=0)
    gaps = dict(zip(SELECTORS, remaining_gap(cross_validate(table, folds, seed=0)), strict=True))
    assert gaps["single best"] == 1
    assert max(gaps["ours"], gaps["trees and kernel"]) < 0.3


def test_features_of_other_tables_help_nobody(table: PerformanceTable) -> None:
    order = np.random.default_rng(0).permutation(table.n_tasks)
    table = replace(table, meta_features=table.meta_features[order])
    folds = random_folds(table.n_tasks, 2, seed=0)
    assert remaining_gap(cross_validate(table, folds, seed=0))[1:].min() > 0.5


def test_a_minimised_measure_is_a_loss_and_a_timeout_counts_ten_times_the_cutoff(tmp_path: Path) -> None:
    table = read_scenario(write(tmp_path, minimised=True)).table
    assert not table.metric.greater_is_better
    assert (table.losses[:, 2] == 1000).all()
    assert table.losses[:, :2].max() < 31
    assert table.losses.argmin(axis=1).tolist() == [0, 1] * (N_TABLES // 2)


@pytest.mark.parametrize("minimised", [False, True])
def test_any_scenario_is_cross_validated_with_its_own_folds(tmp_path: Path, *, minimised: bool) -> None:
    scenario = write(tmp_path, minimised=minimised, folds=N_FOLDS)
    first, second = read_scenario(scenario).folds
    assert first.tolist() == [i // 2 % N_FOLDS for i in range(N_TABLES)]
    assert (first != second).all()
    report = aslib.run(Options(tmp_path, tmp_path, tmp_path, seeds=1, quick=True, scenario=scenario))
    gaps, pairs = report.tables
    assert report.suite == "aslib_Small_1"
    assert gaps.title == "Remaining gap on the training part, 1 x 4-fold with the folds of the scenario"
    assert {row[0]: row[1] for row in gaps.rows}["trees and kernel"] < 0.5
    (against,) = (row for row in pairs.rows if row[:2] == ["single best", "trees and kernel"])
    assert against[2] > 0.5
    assert float(against[-1]) < 0.01
    assert list(report.plots[0].points) == list(SELECTORS)


def test_folds_that_lack_a_table_are_refused(tmp_path: Path) -> None:
    cv = write(tmp_path, folds=N_FOLDS) / "cv.arff"
    cv.write_text(cv.read_text(encoding="utf-8").replace("t7,2,", "t8,2,"), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"lacks some tables\. Expected a fold for each"):
        read_scenario(tmp_path)


def test_what_is_no_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"Expected a scenario in the ASlib format\. Name one: --scenario DIR"):
        read_scenario(tmp_path)
