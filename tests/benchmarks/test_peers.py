import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from contest import COUNTS  # noqa: E402 - the folder of the benchmarks is no package
from suites import peers  # noqa: E402


def test_ours_is_compared_with_the_portfolio_at_each_number_of_trials() -> None:
    singles = [f"{name} default" for name in peers.DEFAULTS] + [f"FLAML zero-shot {name}" for name in peers.ZERO_SHOT]
    listed = [peers.OURS, *(f"{name} (baseline)" for name in peers.BASELINES)]
    counts = {
        **dict.fromkeys(listed, COUNTS[:4]),
        **dict.fromkeys(singles, (1,)),
        **dict.fromkeys((peers.TPE, peers.RANDOM), COUNTS),
        peers.FLAML: (50,),
    }
    values = {"validation": 0.1, "seconds": 1.0, "problem_type": "binary", "rows": 100}
    rows = pd.DataFrame(
        [
            {"participant": name, "k": k, "table": t, "family": t, "test": place / 100, **values}
            for t in ("a", "b", "c", "d")
            for place, (name, known) in enumerate(counts.items())
            for k in known
        ]
    )
    report = peers._report(rows, 50)
    table = next(t for t in report.tables if t.title.startswith("As many trials of the static portfolio"))
    trials = ["1 trial", "3 trials", "5 trials", "10 trials"]
    assert [row[:2] for row in table.rows] == [
        [f"metalearn, {n}", f"{name} (baseline), {n}"] for name in ("portfolio", "nearest") for n in trials
    ]
    assert {row[-1] for row in table.rows} == {"better"}
