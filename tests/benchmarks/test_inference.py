import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from inference import against, by_family, interval, mean_ranks, wilcoxon_holm


@pytest.fixture
def values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    base = rng.random(40)
    return {
        "a": base,
        "b": base + 0.02 * rng.normal(size=40) + 0.02,
        "c": base + 0.2,
        "d": base + 0.02 * rng.normal(size=40),
    }


def test_holm_multiplies_the_smallest_p_most_and_never_lets_it_fall(values: dict[str, np.ndarray]) -> None:
    rows = wilcoxon_holm(values)
    assert len(rows) == 6
    p = sorted(float(wilcoxon(values[r["a"]] - values[r["b"]]).pvalue) for r in rows)
    corrected = sorted(float(r["p_holm"]) for r in rows)
    expected = np.minimum(np.maximum.accumulate([p[i] * (6 - i) for i in range(6)]), 1.0)
    np.testing.assert_allclose(corrected, expected)


def test_equal_strategies_are_not_told_apart(values: dict[str, np.ndarray]) -> None:
    (row,) = wilcoxon_holm({"a": values["a"], "e": values["a"].copy()})
    assert row["p"] == row["p_holm"] == 1.0
    assert row["low"] == row["high"] == 0.0


def test_the_critical_difference_is_demsars() -> None:
    """Demsar, JMLR 2006, section 3.2.2: four classifiers on 14 data sets differ by 1.25 ranks."""
    rng = np.random.default_rng(0)
    ranks, _, critical = mean_ranks({name: rng.random(14) for name in "abcd"})
    assert critical == pytest.approx(1.25, abs=0.005)
    assert sum(ranks.values()) == pytest.approx(10)


def test_ranks_find_the_best(values: dict[str, np.ndarray]) -> None:
    ranks, p, _ = mean_ranks(values)
    assert max(ranks, key=lambda name: ranks[name]) == "c"
    assert p < 1e-6


def test_families_count_once_however_many_tables_they_have() -> None:
    found = pd.DataFrame(
        {"strategy": "s", "family": ["x", "x", "x", "y"], "curve": [np.array([v]) for v in (0.0, 0.0, 0.0, 1.0)]}
    )
    assert by_family(found)["s"].mean() == 0.5


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(100):
        low, high = interval(rng.normal(size=(40, 1)))
        inside.append(low[0] <= 0 <= high[0])
    assert 0.87 <= np.mean(inside) <= 1.0


def test_one_strategy_is_compared_with_all_others(values: dict[str, np.ndarray]) -> None:
    curves = {name: np.stack([v, v], axis=1) for name, v in values.items()}
    rows = against(curves, "a", (1, 2))
    assert [(row[0], row[1]) for row in rows] == [(k, name) for k in (1, 2) for name in "bcd"]
    assert rows[1][2] == pytest.approx(-0.2)
