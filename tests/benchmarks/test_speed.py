import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from options import Options  # noqa: E402 - the folder of the benchmarks is no package
from suites import speed  # noqa: E402

from metalearn.metafeatures import list_meta_features  # noqa: E402


def test_what_is_compared_with_other_tools_exists() -> None:
    ours = {feature.compute.__name__ for feature in list_meta_features()}
    assert set(chain.from_iterable(speed.SHARED.values())) <= ours


@pytest.mark.slow
def test_the_suite_times_every_size_on_both_clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[str, Any] = {"CHEAP": {(300, 10): 1.0}, "RECOMMEND": {(300, 10): 1.0}, "RIVAL_SIZES": [(300, 10)]}
    for name, value in {**sizes, "ROWS": (100, 300), "COLUMNS": (5, 10)}.items():
        monkeypatch.setattr(speed, name, value)
    report = speed.run(Options(tmp_path, tmp_path, tmp_path, seeds=1, quick=True))
    features, memory, recommendations, rivals = (table.rows for table in report.tables)
    assert {row[1] for row in features} == {row[1] for row in memory} == {"none", "half"}
    assert {row[0] for row in rivals} == {"300 x 10"}
    times = [row[-3:-1] for row in [*features, *recommendations]] + [
        row[3:5] for row in rivals if row[1] == "metalearn"
    ]
    assert all(wall > 0 and processor > 0 for wall, processor in times)
    for plot, largest in zip(report.plots, (300, 10), strict=True):
        assert set(plot.curves) >= {"cheap", "landmarks", "all", "one plain pass"}
        assert all(curve["x"][-1] == largest for curve in plot.curves.values())
