"""Models that are chosen by a metric of the user's own."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import average_precision_score, fbeta_score, make_scorer
from sklearn.model_selection import StratifiedKFold, cross_val_score

import metalearn as ml
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.models import build_pipeline
from metalearn.task import get_metric

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
FAMILIES = ["linear", "gaussian_nb", "decision_tree"]


def profit(model: Any, X: pd.DataFrame, y: np.ndarray) -> float:
    """Ten for each good customer that is offered something, less three for each offer."""
    offered = model.predict_proba(X)[:, 1] > 0.3
    return float((offered * (10 * (np.asarray(y) == "good") - 3)).mean())


@pytest.fixture(scope="module")
def customers() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:300, :8], y.iloc[:300].map({0: "bad", 1: "good"})


@pytest.fixture(scope="module")
def model(customers: tuple[pd.DataFrame, pd.Series]) -> Any:
    return ml.tune(*customers, metric=profit, n_trials=4, families=FAMILIES, cv=FOLDS, progress=False)


def test_scores_are_what_the_scorer_gives(model: Any, customers: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = customers
    best = model.leaderboard_.iloc[0]
    trial = {e.fold: e.value for e in model.history_ if e.metric == "profit" and e.configuration.model == best["model"]}
    assert len(trial) == 3
    pipeline = build_pipeline(model.best_configuration_, model.problem_type_)
    assert np.mean(cross_val_score(pipeline, X, y, cv=FOLDS, scoring=profit)) == pytest.approx(best["score"], rel=1e-6)
    assert model.best_score_ >= model.default_score_
    assert model.best_score_ > 1  # money, no share


def test_known_metrics_are_recorded_beside_it(model: Any) -> None:
    assert {e.metric for e in model.history_} == {
        "profit",
        "roc_auc",
        "log_loss",
        "balanced_accuracy",
        "accuracy",
        "f1_macro",
    }


def test_what_was_learned_from_is_told(model: Any) -> None:
    assert any("Nothing is learned from results in profit" in note for note in model.recommendation_.notes)
    assert "profit" in str(model.explain())
    page = model.to_html()
    assert "NaN" not in page
    assert "nan to nan" not in page


def test_the_script_says_that_the_metric_has_to_be_passed(model: Any) -> None:
    code = model.to_code()
    assert "pass it as scoring=" in code
    assert 'scoring="profit"' not in code
    compile(code, "script", "exec")


def test_a_model_from_a_file_does_without_it_until_it_is_set(
    model: Any, customers: tuple[pd.DataFrame, pd.Series], tmp_path: Path
) -> None:
    ml.save_model(model, tmp_path / "model.skops")
    again = ml.load_model(tmp_path / "model.skops")
    assert again.metric_.stand_ins == model.metric_.stand_ins
    with pytest.raises(InvalidInputError, match=r"model.metric_ = "):
        ml.recheck(again, *customers)
    again.metric_ = get_metric(profit, again.problem_type_)
    assert ml.recheck(again, *customers).reasons == ml.recheck(model, *customers).reasons == ()


def test_results_go_to_a_store_under_its_name(customers: tuple[pd.DataFrame, pd.Series], tmp_path: Path) -> None:
    ml.tune(*customers, metric=profit, n_trials=2, families=FAMILIES, progress=False, record_to=tmp_path / "kb")
    kept = ml.open_store(tmp_path / "kb").read()
    assert "profit" in set(kept.evaluations["metric"])
    assert len(ml.recommend(*customers, metric=profit, families=FAMILIES, knowledge_base=tmp_path / "kb"))


def test_labels_and_processes_and_a_blend(customers: tuple[pd.DataFrame, pd.Series]) -> None:
    scorer = make_scorer(fbeta_score, beta=2, pos_label="good")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ml.tune(*customers, metric=scorer, n_trials=3, families=FAMILIES, n_jobs=2, progress=False)
    assert 0.8 < found.best_score_ <= 1
    assert found.metric_.name == "fbeta_score(beta=2, pos_label='good')"


def test_a_scorer_that_fails_is_told_before_the_search(customers: tuple[pd.DataFrame, pd.Series]) -> None:
    with pytest.raises(InvalidInputError, match=r"cannot score this target: no column 'sex'"):
        ml.tune(*customers, metric=by_sex, n_trials=2, families=FAMILIES, progress=False)


def by_sex(model: Any, X: pd.DataFrame, y: np.ndarray) -> float:
    if "sex" not in X:
        message = "no column 'sex'"
        raise ValueError(message)
    return float(model.score(X, y))


def test_errors_of_numbers_are_negated_as_in_scikit_learn() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    found = ml.tune(
        X[:150],
        y[:150],
        metric="neg_mean_absolute_percentage_error",
        n_trials=3,
        families=["linear", "decision_tree"],
        progress=False,
    )
    assert -1 < found.best_score_ < 0
    assert 'scoring="neg_mean_absolute_percentage_error"' in found.to_code()


def test_average_precision_of_a_model_that_predicts_probabilities(customers: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = customers
    scorer = make_scorer(average_precision_score, response_method="predict_proba", pos_label="good")
    found = ml.MetaLearnClassifier(metric=scorer, n_trials=2, families=FAMILIES, progress=False).fit(X, y)
    assert found.best_score_ > 0.9


@pytest.mark.parametrize("index", [pd.RangeIndex(120), pd.Index([f"row {i}" for i in range(120)])])
def test_a_scorer_sees_rows_by_the_names_that_the_caller_gave_them(
    customers: tuple[pd.DataFrame, pd.Series], index: pd.Index
) -> None:
    X, y = (part.iloc[:120].set_axis(index) for part in customers)
    known = y.mask(np.arange(120) < 30)  # rows without a target are left out
    costs = pd.Series(X["mean radius"].to_numpy(), index=index)

    def right(model: Any, rows: pd.DataFrame, truth: np.ndarray) -> float:
        assert (costs.loc[rows.index].to_numpy() == rows["mean radius"].to_numpy()).all()
        return float(model.score(rows, truth))

    found = ml.tune(X, known, metric=right, n_trials=2, families=FAMILIES, progress=False)
    ml.MetaLearnClassifier(metric=right, n_trials=2, families=FAMILIES, progress=False).fit(X, y)
    ml.recommend(X, known, metric=right, families=FAMILIES, n=1)
    assert ml.recheck(found, X, known).reasons == ()


def test_a_copy_of_a_model_from_a_file_does_not_optimise_another_metric_silently(
    model: Any, customers: tuple[pd.DataFrame, pd.Series], tmp_path: Path
) -> None:
    ml.save_model(model, tmp_path / "model.skops")
    with pytest.raises(UnknownNameError, match="Unknown metric 'profit'"):
        clone(ml.load_model(tmp_path / "model.skops")).fit(*customers)
