import math
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from metalearn.exceptions import InvalidInputError
from metalearn.importers import from_cv_results
from metalearn.knowledge import open_store
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


def configurations(values: list[object]) -> list[object]:
    results = {"params": [{"a": value} for value in values], "split0_test_score": [0.5] * len(values)}
    found = from_cv_results(results, TASK, model="SVC", metric="accuracy").configuration_by_id.values()
    return [c.params["a"] for c in found]


def test_different_values_stay_different_configurations() -> None:
    values: list[object] = [
        (100,),
        (50, 50),
        [1, 2],
        {0: 1.0, 1: np.float64(2)},
        np.array([3.5]),
        ("a", None),
        math.inf,
    ]
    shown = ["(100,)", "(50, 50)", "(1, 2)", "dict_", "(3.5,)", "tuple_", "inf"]  # labels and names become hashes
    found = [re.sub("_[0-9a-f]{6}$", "_", str(value)) for value in configurations(values)]
    assert sorted(found) == sorted(shown)
    assert len(set(configurations([{0: 1}, {0: 2}, {"a": 1}]))) == 3
    scalers = [StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False)]
    named = configurations([*scalers, StandardScaler()])
    assert len(set(named)) == 3
    assert "StandardScaler" in named
    assert sorted(named) == sorted(configurations(scalers[::-1]))  # whatever stands beside them


def test_objects_that_cannot_be_told_apart_are_refused() -> None:
    first, second = (lambda x: x), (lambda x: 2 * x)
    assert configurations([first, first]) == ["lambda"]
    with pytest.raises(InvalidInputError, match="parameter 'a' are both called 'lambda'"):
        configurations([first, second])


def test_a_file_keeps_none_and_tuples_and_tells_what_memory_tells(tmp_path: Path) -> None:
    params = [
        {"n_estimators": 20, "max_features": None, "max_leaf_nodes": 7, "a": (100,)},
        {"n_estimators": 30, "max_features": "sqrt", "a": (50, 50)},
        {"n_estimators": np.int64(40), "max_features": np.float64(0.5), "a": (1,)},
        {"max_features": None, "scaler": StandardScaler()},
    ]
    columns = {f"param_{name}": [p.get(name) for p in params] for name in {n: 0 for p in params for n in p}}
    results = {"params": params, **columns, "split0_test_score": [0.5, 0.6, 0.7, 0.8]}
    pd.DataFrame(results).to_csv(tmp_path / "r.csv")
    read = from_cv_results(tmp_path / "r.csv", TASK, model="RandomForestClassifier", metric="accuracy")
    known = from_cv_results(results, TASK, model="RandomForestClassifier", metric="accuracy")
    shown = {str(c) for c in read.configuration_by_id.values()}
    assert shown == set(map(str, known.configuration_by_id.values()))
    assert "random_forest(a='(100,)', max_features=None, max_leaf_nodes=7, n_estimators=20)" in shown


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


def test_weights_of_classes_and_names_of_columns_refuse_no_import(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    params = [{"svc__C": 1.0, "svc__class_weight": {"ill": 5, "well": 1}, "select__key": "income", "pos_label": "ill"}]
    results = {"params": params, "split0_test_score": [0.5]}
    pd.DataFrame(results).to_csv(tmp_path / "r.csv")
    for source in (results, tmp_path / "r.csv"):
        knowledge = from_cv_results(source, TASK, model="SVC", metric="accuracy")
        (found,) = knowledge.configuration_by_id.values()
        assert set(found.params) == {"C", "class_weight"}
        assert str(found.params["class_weight"]).startswith("dict_")
        open_store(tmp_path / "store").write(knowledge)
    assert "key (1), pos_label (1)" in caplog.text
