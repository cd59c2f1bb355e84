import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from metalearn.evaluation import Evaluation, Status, score_classes, score_numbers
from metalearn.space import Configuration
from metalearn.task import METRICS, ProblemType


@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 6))
def test_classification_scores_agree_with_scikit_learn(seed: int, n_classes: int) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    codes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    p = rng.dirichlet(np.ones(n_classes), n).round(2) + 1e-3
    p /= p.sum(axis=1, keepdims=True)
    kind = ProblemType.BINARY if n_classes == 2 else ProblemType.MULTICLASS
    found = score_classes(codes, p, kind)
    predicted = p.argmax(axis=1)
    auc = sk.roc_auc_score(codes, p[:, 1]) if n_classes == 2 else sk.roc_auc_score(codes, p, multi_class="ovr")
    assert found["roc_auc"] == pytest.approx(auc)
    assert found["log_loss"] == pytest.approx(sk.log_loss(codes, p))
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(codes, predicted))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(codes, predicted))
    assert found["f1_macro"] == pytest.approx(sk.f1_score(codes, predicted, average="macro"))


def test_a_class_absent_from_the_rows_is_left_out_of_the_area() -> None:
    p = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    assert score_classes(np.array([0, 1, 0]), p, ProblemType.MULTICLASS)["roc_auc"] == 1.0


@given(seed=st.integers(0, 10_000))
def test_regression_scores_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, predicted = rng.normal(size=(2, 30))
    found = score_numbers(y, predicted)
    assert found["r2"] == pytest.approx(sk.r2_score(y, predicted))
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(y, predicted))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(y, predicted))


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_numbers_of_any_size_are_scored_as_on_another_scale(scale: float) -> None:
    y, predicted = np.random.default_rng(0).normal(size=(2, 30))
    usual, found = score_numbers(y, predicted), score_numbers(y * scale, predicted * scale)
    assert found["r2"] == pytest.approx(usual["r2"])
    assert found["rmse"] / scale == pytest.approx(usual["rmse"])
    assert found["mae"] / scale == pytest.approx(usual["mae"])


def test_predictions_far_off_are_worse_than_any_number() -> None:
    found = score_numbers(np.array([1e-200, 2e-200]), np.ones(2))
    assert (found["r2"], found["rmse"]) == (-np.inf, 1.0)
    assert np.isnan(score_numbers(np.array([1.0, 2.0]), np.array([np.nan, 1.0]))["r2"])


def test_r2_is_not_defined_on_a_single_row() -> None:
    found = score_numbers(np.array([1.0]), np.array([1.5]))
    assert np.isnan(found["r2"])
    assert (found["rmse"], found["mae"]) == (0.5, 0.5)
    assert score_numbers(np.ones(2), np.ones(2))["r2"] == 1


def test_every_stored_metric_is_scored() -> None:
    classes = score_classes(np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]), ProblemType.BINARY)
    numbers = score_numbers(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    assert {*classes, *numbers} == set(METRICS)


def test_an_evaluation_survives_dict_and_pickle() -> None:
    e = Evaluation(task_id="t", configuration=Configuration("knn", {"p": 1}), metric="r2", value=0.5, status=Status.OK)
    assert Evaluation.from_dict(e.to_dict()) == e
    assert pickle.loads(pickle.dumps(e)) == e
    assert e.configuration_id == e.configuration.id
