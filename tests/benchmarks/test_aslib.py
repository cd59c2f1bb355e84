import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from suites.aslib import METRIC, SELECTORS, cross_validate, read_scenario, remaining_gap

from metalearn.recommenders import PerformanceTable


@pytest.fixture
def table(tmp_path: Path) -> PerformanceTable:
    """A scenario of two kinds of tables, told apart by their first feature; on each another algorithm wins."""
    rng = np.random.default_rng(0)
    (tmp_path / "description.txt").write_text("maximize: [true]\nperformance_measures: [accuracy]\n", encoding="utf-8")
    runs = ["@ATTRIBUTE instance_id STRING", "@ATTRIBUTE algorithm STRING", "@ATTRIBUTE accuracy NUMERIC", "@DATA"]
    features = [f"@ATTRIBUTE {name} NUMERIC" for name in ("instance_id", "repetition", "kind", "noise")] + ["@DATA"]
    for i in range(40):
        features.append(f"t{i},1,{i % 2},{'?' if i % 5 == 0 else rng.random()}")
        scores = 0.7 + 0.2 * np.eye(3)[i % 2] + 0.01 * rng.random(3)
        runs += [f"t{i},a{j},{score}" for j, score in enumerate(scores)]
    (tmp_path / "algorithm_runs.arff").write_text("\n".join(runs), encoding="utf-8")
    (tmp_path / "feature_values.arff").write_text("\n".join(features), encoding="utf-8")
    return PerformanceTable.from_knowledge_base(read_scenario(tmp_path), METRIC)


def test_selectors_that_look_at_features_close_the_gap(table: PerformanceTable) -> None:
    gaps = dict(zip(SELECTORS, remaining_gap(cross_validate(table, 2, seed=0)), strict=True))
    assert gaps["single best"] == 1
    assert max(gaps["ours"], gaps["trees and kernel"]) < 0.3


def test_features_of_other_tables_help_nobody(table: PerformanceTable) -> None:
    order = np.random.default_rng(0).permutation(table.n_tasks)
    table = replace(table, meta_features=table.meta_features[order])
    assert remaining_gap(cross_validate(table, 2, seed=0))[1:].min() > 0.5
