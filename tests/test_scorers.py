import re
import warnings
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    fbeta_score,
    get_scorer,
    make_scorer,
    mean_absolute_error,
)

from metalearn.exceptions import InvalidInputError
from metalearn.scorers import apply_scorer, own_scorer, scorer_name


@pytest.mark.parametrize("method", ["decision_function", ("decision_function", "predict_proba")])
def test_margins_are_log_odds(method: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(max_iter=5000).fit(X, y)
    scorer = make_scorer(average_precision_score, response_method=method)
    assert apply_scorer(scorer, X, y, model.predict_proba(X), model.classes_) == pytest.approx(scorer(model, X, y))


@pytest.mark.parametrize("name", ["average_precision", "matthews_corrcoef", "neg_brier_score", "roc_auc", "f1"])
def test_scores_of_predictions_are_those_of_the_model_that_made_them(name: str) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(max_iter=5000).fit(X, y)
    scorer = get_scorer(name)
    assert apply_scorer(scorer, X, y, model.predict_proba(X), model.classes_) == pytest.approx(scorer(model, X, y))


def test_labels_are_those_of_the_target() -> None:
    y = np.array(["bad", "good", "good", "bad"])
    sure = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    recall = make_scorer(fbeta_score, beta=1, pos_label="good")
    assert apply_scorer(recall, None, y, sure, np.array(["bad", "good"])) == pytest.approx(2 / 3)


def test_numbers_are_scored_as_predicted_and_the_table_can_be_looked_at() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = LinearRegression().fit(X, y)
    scorer = get_scorer("neg_mean_absolute_percentage_error")
    assert apply_scorer(scorer, X, y.to_numpy(), model.predict(X), None) == pytest.approx(scorer(model, X, y))

    def of_the_old(model: Any, X: pd.DataFrame, y: np.ndarray) -> float:
        old = (X["age"] > 0).to_numpy()
        return -float(mean_absolute_error(y[old], model.predict(X)[old]))

    assert apply_scorer(of_the_old, X, y.to_numpy(), model.predict(X), None) == pytest.approx(of_the_old(model, X, y))


@pytest.mark.parametrize("value", ["high", None, [0.5, 0.5], True, 1j])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="Expected a number"):
        apply_scorer(lambda *_: value, None, np.arange(2), np.arange(2.0), None)


def gain(y_true: Any, y_pred: Any, weight: float = 1.0) -> float:
    return weight * float((y_true == y_pred).sum())


def test_functions_of_predictions_are_told_from_scorers() -> None:
    for function in (gain, partial(gain, weight=2.0), lambda a, b: float(a == b)):
        with pytest.raises(InvalidInputError, match="make_scorer"):
            own_scorer(function)

    class Profit:
        def __call__(self, estimator: Any, X: Any, y: Any) -> float:
            return float(estimator.score(X, y))

    for scorer in (make_scorer(gain), Profit(), lambda *_: 0.0):
        assert own_scorer(scorer) is scorer


def test_names_tell_what_is_computed() -> None:
    assert scorer_name(make_scorer(gain, greater_is_better=False, weight=3.0)) == "neg_gain(weight=3.0)"
    assert scorer_name(make_scorer(partial(gain, weight=2.0))) == "gain(weight=2.0)"
    assert scorer_name(make_scorer(accuracy_score)) == "accuracy_score"
    one, two = (scorer_name(f) for f in (lambda *_: 0.0, lambda *_: 1.0))
    assert re.fullmatch("own_metric_[0-9a-f]{6}", one)
    assert one != two
    costs = [make_scorer(gain, costs=np.arange(n).reshape(3, -1)) for n in (999, 1002)]
    assert all(len(scorer_name(cost)) < 80 and "\n" not in scorer_name(cost) for cost in costs)
    assert len({scorer_name(cost) for cost in costs}) == 2


def test_what_a_scorer_warns_of_is_not_passed_on() -> None:
    nobody = np.tile([0.9, 0.1], (4, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert apply_scorer(get_scorer("precision"), None, np.zeros(4, dtype=int), nobody, np.arange(2)) == 0
