import numpy as np
import pandas as pd
import pytest

from metalearn.estimators.drift import summary, target_moved
from metalearn.task import ProblemType

RNG = np.random.default_rng(0)
LABELS = np.array(["no", "yes"])


def classes(share: float, n: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < share).astype(int)


def test_samples_of_the_same_target_are_alike() -> None:
    raised = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        before = summary(None, rng.lognormal(size=200), ProblemType.REGRESSION)
        raised += bool(target_moved(before, pd.Series(rng.lognormal(size=100)), None))
        shares = summary(None, classes(0.3, 200, seed), ProblemType.BINARY)
        raised += bool(target_moved(shares, pd.Series(LABELS[classes(0.3, 100, seed + 999)]), LABELS))
    assert raised <= 2


def test_a_target_that_moved_is_described() -> None:
    before = summary(None, RNG.normal(size=500), ProblemType.REGRESSION)
    [said] = target_moved(before, pd.Series(RNG.normal(1.0, size=500)), None)
    assert "its median went from" in said
    shares = summary(None, classes(0.3, 500, 0), ProblemType.BINARY)
    [said] = target_moved(shares, pd.Series(LABELS[classes(0.7, 500, 1)]), LABELS)
    assert "other shares" in said


def test_a_target_of_few_values_is_like_itself() -> None:
    counts = RNG.poisson(1.0, 300).astype(float)
    before = summary(None, counts, ProblemType.REGRESSION)
    assert target_moved(before, pd.Series(counts), None) == []


@pytest.mark.parametrize("new", [["maybe"], ["no", "yes", "maybe"]])
def test_an_unknown_class_is_named(new: list[str]) -> None:
    before = summary(None, classes(0.5, 100, 0), ProblemType.BINARY)
    [said] = target_moved(before, pd.Series(new * 20), LABELS)
    assert "['maybe']" in said


def test_a_target_that_is_no_longer_numeric_is_reported() -> None:
    before = summary(pd.Series([1.0, 2.0], name="price"), np.array([1.0, 2.0]), ProblemType.REGRESSION)
    assert before["name"] == "price"
    assert target_moved(before, pd.Series(["a", "b"]), None) == ["The target is no longer numeric."]


@pytest.mark.parametrize("n_classes", [3, 26, 100])
def test_shares_of_many_classes_may_differ_by_chance(n_classes: int) -> None:
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        old, new = rng.integers(0, n_classes, 2000), rng.integers(0, n_classes, 200)
        before = summary(old, old, ProblemType.MULTICLASS)
        alarms += bool(target_moved(before, pd.Series(new), np.arange(len(before["shares"]))))
    assert alarms <= 2


def test_many_classes_that_moved_are_noticed() -> None:
    rng = np.random.default_rng(0)
    old, new = rng.integers(0, 26, 2000), rng.integers(0, 13, 200)
    before = summary(old, old, ProblemType.MULTICLASS)
    assert "shares" in target_moved(before, pd.Series(new), np.arange(26))[0]
