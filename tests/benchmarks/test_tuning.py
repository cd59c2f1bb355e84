import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "benchmark_data"
sys.path.insert(0, str(ROOT / "benchmarks"))

from options import Options  # noqa: E402 - the folder of the benchmarks is no package
from suites.tuning import LISTED, OURS, hidden  # noqa: E402


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the public matrices are not beside the project")
def test_hidden_configurations_are_found_by_proposing_them(tmp_path: Path) -> None:
    options = Options(DATA, ROOT / "knowledge_base" / "tables", tmp_path, seeds=1, quick=True)
    (means, tests), (plot,) = hidden(options)
    last = {row[0]: float(row[-1].split()[0]) for row in means.rows}
    assert last[OURS] < last["three of the list, then random"]
    assert last[OURS] < 1.2 * last[LISTED]
    assert {row[1] for row in tests.rows} == {LISTED, "three of the list, then random"}
    assert set(plot.curves) == set(last)
