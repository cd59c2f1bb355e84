import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

import metalearn as ml
from metalearn.estimators import MetaLearnClassifier, MetaLearnEstimator, MetaLearnRegressor, save_model
from metalearn.exceptions import InvalidInputError

Halves = tuple[pd.DataFrame, pd.Series, pd.DataFrame, pd.Series]
FAMILIES = ["linear", "lightgbm", "knn"]


def halves(X: pd.DataFrame, y: pd.Series) -> Halves:
    order = np.random.default_rng(0).permutation(len(X))
    first, second = np.array_split(order, 2)
    return X.iloc[first], y.iloc[first], X.iloc[second], y.iloc[second]


@pytest.fixture(scope="module")
def cancer() -> Halves:
    return halves(*load_breast_cancer(return_X_y=True, as_frame=True))


@pytest.fixture(scope="module")
def model(cancer: Halves) -> MetaLearnEstimator:
    return MetaLearnClassifier(n_trials=3, families=FAMILIES).fit(*cancer[:2])


def test_other_rows_of_the_same_table_change_nothing(model: MetaLearnEstimator, cancer: Halves) -> None:
    found = ml.recheck(model, *cancer[2:])
    assert found.still_valid, found.reasons
    assert str(found).startswith("Still valid.")
    X, y, X_new, y_new = halves(*load_diabetes(return_X_y=True, as_frame=True))
    regressor = MetaLearnRegressor(n_trials=2, families=["linear", "knn"]).fit(X, y)
    assert ml.recheck(regressor, X_new, y_new).still_valid


def test_a_relation_that_turned_round_is_noticed(model: MetaLearnEstimator, cancer: Halves) -> None:
    found = ml.recheck(model, cancer[2], 1 - cancer[3])
    assert not found.still_valid
    assert any("does worse than expected" in reason for reason in found.reasons)
    assert str(found).startswith("No longer valid:")


def test_what_moved_is_named_with_its_shift(model: MetaLearnEstimator, cancer: Halves) -> None:
    rng = np.random.default_rng(0)
    X = cancer[2].mask(rng.random(cancer[2].shape) < 0.5)
    found = ml.recheck(model, X, cancer[3])
    names = [m.name for m in found.moved]
    assert "share_missing" in names
    assert all(abs(a.shift) >= abs(b.shift) for a, b in zip(found.moved, found.moved[1:], strict=False))
    assert found.moved[0].name in str(found)


def test_a_target_that_moved_is_noticed(model: MetaLearnEstimator, cancer: Halves) -> None:
    X, y = cancer[2], cancer[3]
    kept = (y == 0).to_numpy() | (np.arange(len(y)) % 10 == 0)
    found = ml.recheck(model, X[kept], y[kept])
    assert any("other shares" in reason for reason in found.reasons)
    unknown = ml.recheck(model, X, y.where(np.arange(len(y)) % 3 > 0, 2))
    assert any("does not know: ['2']" in reason for reason in unknown.reasons)


def test_another_recommendation_is_noticed(cancer: Halves) -> None:
    families = ["linear", "lightgbm", "decision_tree"]
    model = MetaLearnClassifier(n_trials=3, families=families).fit(*cancer[:2])
    worst = min(ml.recommend(*cancer[:2], n=50, families=families), key=lambda c: c.expected_score)
    object.__setattr__(model.recommendation_, "candidates", (worst,))
    found = ml.recheck(model, *cancer[2:])
    assert any("Another configuration would be recommended now" in reason for reason in found.reasons)


def test_the_answer_is_given_for_a_file_and_as_json(model: MetaLearnEstimator, cancer: Halves, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model.skops")
    found = ml.recheck(tmp_path / "model.skops", cancer[2].assign(more=1), cancer[3])
    facts = json.loads(found.to_json())
    assert facts["still_valid"] is True
    assert set(facts) == {"still_valid", "reasons", "moved", "recommendation"}


@pytest.mark.parametrize("y", [None, 0])
def test_a_target_without_information_is_refused(model: MetaLearnEstimator, cancer: Halves, y: object) -> None:
    with pytest.raises(InvalidInputError, match="target"):
        ml.recheck(model, cancer[2], pd.Series([y] * len(cancer[2])))


def test_an_absent_column_is_refused(model: MetaLearnEstimator, cancer: Halves) -> None:
    with pytest.raises(InvalidInputError, match="mean radius"):
        ml.recheck(model, cancer[2].drop(columns="mean radius"), cancer[3])
