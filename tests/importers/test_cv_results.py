import math
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from metalearn.exceptions import InvalidInputError
from metalearn.importers import from_cv_results
from metalearn.task import METRICS, Task

X, Y = load_iris(return_X_y=True)
TASK = Task(id="data:iris", problem_type="multiclass", n_rows=150)


def test_a_grid_search_comes_back_fold_by_fold() -> None:
    search = GridSearchCV(SVC(), {"C": [0.1, 1, 10]}, cv=4, scoring="accuracy").fit(X, Y)
    knowledge = from_cv_results(search.cv_results_, TASK, model="SVC", metric="accuracy")
    assert len(knowledge.evaluations) == 12
    losses = knowledge.losses(METRICS["accuracy"]).iloc[0]
    by_c = {c.params["C"]: losses[i] for i, c in knowledge.configuration_by_id.items()}
    assert [1 - by_c[c] for c in (0.1, 1, 10)] == pytest.approx(list(search.cv_results_["mean_test_score"]))
    assert (knowledge.fit_seconds.iloc[0] > 0).all()


def test_several_scorers_and_signs_are_understood() -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    search = RandomizedSearchCV(
        pipeline,
        {"logisticregression__C": [0.1, 1.0], "logisticregression__fit_intercept": [True]},
        n_iter=2,
        cv=3,
        scoring=["neg_log_loss", "balanced_accuracy"],
        refit=False,
        random_state=0,
    ).fit(X, Y)
    knowledge = from_cv_results(search.cv_results_, TASK, model="LogisticRegression")
    assert set(knowledge.evaluations["metric"]) == {"log_loss", "balanced_accuracy"}
    assert set(knowledge.configurations["model"]) == {"linear"}
    logs = knowledge.evaluations.loc[knowledge.evaluations["metric"] == "log_loss", "value"]
    assert (logs > 0).all()


def test_a_candidate_that_failed_has_failed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(SVC(), {"C": [1, -1]}, cv=3, scoring="accuracy").fit(X, Y)
    knowledge = from_cv_results(search.cv_results_, TASK, model="SVC", metric="accuracy")
    assert max(knowledge.losses(METRICS["accuracy"]).iloc[0]) == math.inf


def test_objects_among_the_parameters_are_named_by_their_class() -> None:
    results = {"params": [{"scaler": StandardScaler(), "C": np.float64(2)}], "split0_test_score": [0.5]}
    knowledge = from_cv_results(results, TASK, model="SVC", metric="accuracy")
    assert [str(c) for c in knowledge.configuration_by_id.values()] == ["svm(C=2.0, scaler='StandardScaler')"]


@pytest.mark.parametrize(
    ("results", "complaint"),
    [
        ({}, "Pass the cv_results_"),
        ({"params": [], "split0_test_score": []}, "Pass the cv_results_"),
        ({"params": [{}], "split0_test_score": [0.5, 0.6]}, "one length"),
        ({"params": [{}], "split0_test_score": ["much"]}, "numbers"),
        ({"params": "none", "split0_test_score": [1]}, "Pass the cv_results_"),
    ],
)
def test_what_is_no_result_is_named(results: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        from_cv_results(results, TASK, model="SVC", metric="accuracy")


def test_a_score_needs_a_metric() -> None:
    with pytest.raises(InvalidInputError, match="Nobody says"):
        from_cv_results({"params": [{}], "split0_test_score": [0.5]}, TASK, model="SVC")


def test_parameters_of_the_same_name_in_other_steps_keep_candidates_apart() -> None:
    results = {
        "params": [{"svc__C": 1.0, "selection__C": other} for other in (0.1, 10.0)],
        "split0_test_score": [0.5, 0.75],
    }
    knowledge = from_cv_results(results, TASK, model="SVC", metric="accuracy")
    shown = sorted(map(str, knowledge.configuration_by_id.values()))
    assert shown == ["svm(C=1.0, selection__C=0.1)", "svm(C=1.0, selection__C=10.0)"]
    assert sorted(knowledge.evaluations["value"]) == [0.5, 0.75]
