import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    matthews_corrcoef,
    roc_auc_score,
)

from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.task import METRICS, Metric, ProblemType, Task, get_metric, metrics_for, scorer_sign


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_losses_fall_as_values_improve_and_are_zero_at_the_optimum(metric: Metric) -> None:
    better, worse = (0.9, 0.4) if metric.greater_is_better else (0.4, 0.9)
    assert metric.to_loss(better) < metric.to_loss(worse)
    assert metric.to_loss(metric.optimum) == 0
    assert metric.from_loss(metric.to_loss(0.37)) == pytest.approx(0.37)


def test_every_problem_type_has_metrics_and_a_default() -> None:
    for problem_type in ProblemType:
        assert get_metric(None, problem_type) in metrics_for(problem_type)


def test_scorer_names_of_scikit_learn_are_understood() -> None:
    assert get_metric("neg_root_mean_squared_error", ProblemType.REGRESSION).name == "rmse"


def accuracy(y: Any, predicted: Any) -> float:
    """Measure something else under a name that is taken."""
    return -float(np.mean(y != predicted))


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (make_scorer(balanced_accuracy_score, adjusted=True), "balanced_accuracy_score(adjusted=True)"),
        (make_scorer(accuracy_score, normalize=False), "accuracy_score(normalize=False)"),
        (get_scorer("roc_auc_ovo"), "roc_auc_score(multi_class='ovo')"),
        (make_scorer(accuracy), "own_accuracy"),
    ],
)
def test_other_measures_under_known_names_are_metrics_of_their_own(metric: Any, name: str) -> None:
    found = get_metric(metric, ProblemType.MULTICLASS)
    assert (found.name, found.is_own, found.scorer, found.greater_is_better) == (name, True, metric, True)
    assert scorer_sign(metric) == 1


def test_f1_of_scikit_learn_is_ours_if_it_is_the_mean_over_classes() -> None:
    assert get_metric(get_scorer("f1_macro"), ProblemType.MULTICLASS).name == "f1_macro"
    assert get_metric(get_scorer("roc_auc_ovr"), ProblemType.MULTICLASS).name == "roc_auc"


@pytest.mark.parametrize("metric", [get_scorer("roc_auc"), roc_auc_score, get_scorer("neg_log_loss"), accuracy_score])
def test_scorers_and_functions_of_scikit_learn_are_understood(metric: Any) -> None:
    assert get_metric(metric, ProblemType.BINARY).name in {"roc_auc", "log_loss", "accuracy"}


def test_a_function_named_like_a_scorer_of_scikit_learn_is_told_from_it() -> None:
    def recall(model: Any, X: Any, y: Any) -> float:
        return 5 + float(model.score(X, y))

    own = get_metric(recall, ProblemType.BINARY)
    assert (own.name, own.scoring) == ("own_recall", "")
    same = make_scorer(matthews_corrcoef)
    assert get_metric(same, ProblemType.BINARY).name == "matthews_corrcoef"
    other = make_scorer(matthews_corrcoef, greater_is_better=False)
    assert get_metric(other, ProblemType.BINARY).name == "neg_matthews_corrcoef"


def test_options_that_are_arrays_are_fine() -> None:
    scorer = make_scorer(f1_score, labels=np.array([0, 1]), average="macro")
    assert get_metric(scorer, ProblemType.MULTICLASS).is_own


def test_a_function_of_predictions_does_not_say_which_way_is_better() -> None:
    with pytest.raises(InvalidInputError, match=r"make_scorer\(my_gain, greater_is_better=...\)"):
        get_metric(my_gain, ProblemType.BINARY)


def test_scorers_of_scikit_learn_that_past_results_lack_are_known_by_name() -> None:
    by_name = get_metric("matthews_corrcoef", ProblemType.BINARY)
    assert (by_name.name, by_name.is_own, by_name.optimum, by_name.scoring) == (
        "matthews_corrcoef",
        True,
        1.0,
        by_name.name,
    )
    assert get_metric(matthews_corrcoef, ProblemType.BINARY) == by_name
    error = get_metric("neg_mean_absolute_percentage_error", ProblemType.REGRESSION)
    assert (error.optimum, error.to_loss(-0.25)) == (0.0, 0.25)


def test_a_scorer_of_the_other_kind_of_prediction_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"'f1' does not fit a regression problem"):
        get_metric("f1", ProblemType.REGRESSION)
    with pytest.raises(InvalidInputError, match="'neg_median_absolute_error' does not fit a binary problem"):
        get_metric("neg_median_absolute_error", ProblemType.BINARY)
    with pytest.raises(InvalidInputError, match="'adjusted_rand_score' does not fit a regression problem"):
        get_metric("adjusted_rand_score", ProblemType.REGRESSION)


def test_a_name_near_one_of_scikit_learn_is_offered() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'matthews_corrcoef'"):
        get_metric("mathews_corcoef", ProblemType.BINARY)


def test_a_task_keeps_the_name_of_an_own_metric_and_what_stands_in_for_it() -> None:
    own = Metric("profit", greater_is_better=True, scorer=my_gain, stand_ins=(("log_loss", 0.9),))
    task = Task.from_dict(Task(id="t", problem_type="binary", metric=own).to_dict())
    assert (task.metric.name, task.metric.scorer, task.metric.stand_ins) == ("profit", None, own.stand_ins)
    known = replace(get_metric("f1", ProblemType.BINARY), stand_ins=(("f1_macro", 0.9),))
    again = Task.from_dict(Task(id="t", problem_type="binary", metric=known).to_dict()).metric
    assert (again, again.stand_ins, again.scorer is not None) == (known, known.stand_ins, True)


def my_gain(y: Any, predicted: Any) -> float:
    return float((y == predicted).sum())


def test_a_metric_that_does_not_fit_is_refused_with_the_ones_that_do() -> None:
    with pytest.raises(InvalidInputError, match=r"'r2' does not fit a binary problem.*roc_auc"):
        get_metric("r2", ProblemType.BINARY)


def test_an_unknown_metric_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        get_metric("acuracy", ProblemType.BINARY)


def test_a_task_fills_in_what_follows_from_its_id() -> None:
    task = Task(id="openml:31", problem_type="binary", n_rows=1000)
    assert (task.name, task.family, task.dataset_id, task.n_rows_used) == (
        "openml:31",
        "openml:31",
        "openml:31",
        1000,
    )
    assert task.metric.name == "roc_auc"


def test_a_task_needs_an_id() -> None:
    with pytest.raises(InvalidInputError, match="needs an id"):
        Task(id="", problem_type="binary")


def test_a_task_survives_dict_and_pickle() -> None:
    task = Task(id="t", problem_type="regression", metric=METRICS["mae"], n_rows=5)
    assert Task.from_dict(task.to_dict()) == task
    assert pickle.loads(pickle.dumps(task)) == task


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_the_optimum_is_a_bound_and_beyond_it_nothing_is_possible(metric: Metric) -> None:
    assert metric.optimum in metric.bounds
    assert metric.is_possible(metric.optimum)
    assert not metric.is_possible(metric.from_loss(-0.1))
    assert not metric.is_possible(float("nan"))


def test_a_metric_that_is_not_ours_has_no_bounds() -> None:
    assert Metric("profit", greater_is_better=True).is_possible(1e6)


def test_only_scorers_that_negate_have_a_negative_sign() -> None:
    given = ["neg_log_loss", "log_loss", None, get_scorer("neg_log_loss"), get_scorer("roc_auc"), log_loss]
    assert [scorer_sign(metric) for metric in given] == [-1, 1, 1, -1, 1, 1]


def test_areas_under_labels_are_another_measure_than_those_under_probabilities() -> None:
    assert get_metric(make_scorer(roc_auc_score), ProblemType.BINARY).is_own
    of_probabilities = make_scorer(roc_auc_score, response_method="predict_proba")
    assert get_metric(of_probabilities, ProblemType.BINARY).name == "roc_auc"
    assert get_metric("roc_auc", ProblemType.BINARY) == get_metric(roc_auc_score, ProblemType.BINARY)


@pytest.mark.parametrize(
    ("given", "name"), [("AUC", "roc_auc"), ("ROC-AUC", "roc_auc"), ("F1 macro", "f1_macro"), ("Log_Loss", "log_loss")]
)
def test_metrics_are_known_in_other_spellings(given: str, name: str) -> None:
    assert get_metric(given, ProblemType.BINARY).name == name


def test_kinds_of_problem_are_known_in_other_spellings() -> None:
    assert ProblemType("classification") is ProblemType.MULTICLASS  # with two classes it becomes binary
    assert ProblemType("Regression") is ProblemType.REGRESSION
    with pytest.raises(ValueError, match="ranking"):
        ProblemType("ranking")
