import itertools
import os
import pickle
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import metalearn as ml
from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor, base
from metalearn.estimators.ensemble import Comparison, Selection
from metalearn.estimators.refit import normalised
from metalearn.evaluation.workers import InProcess, Processes, Runner
from metalearn.exceptions import InvalidInputError, KnowledgeBaseError
from metalearn.models import get_model
from metalearn.task import ProblemType

FAST = ("linear", "lightgbm", "knn")
INTERRUPTED_FIT = 12


@pytest.fixture(scope="module")
def cancer() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:300], y.iloc[:300].map({0: "malignant", 1: "benign"})


@pytest.fixture(scope="module")
def fitted(cancer: tuple[pd.DataFrame, pd.Series]) -> MetaLearnClassifier:
    return MetaLearnClassifier(n_trials=5, families=FAST).fit(*cancer)


def test_everything_that_can_be_looked_at_afterwards_is_there(fitted: MetaLearnClassifier) -> None:
    assert 3 <= len(fitted.leaderboard_) <= 5
    assert fitted.leaderboard_["weight"].sum() == pytest.approx(1)
    assert fitted.best_configuration_.model in FAST
    assert {c.model for c in fitted.recommendation_} <= set(FAST)
    assert fitted.best_score_ >= fitted.default_score_ - 1e-9
    assert 0 <= fitted.expected_improvement_ < 0.05
    assert "One more is expected to improve" in fitted.explain()
    folds = {(e.configuration_id, e.fold) for e in fitted.history_}
    assert len(folds) == fitted.leaderboard_["folds"].sum()
    assert {e.metric for e in fitted.history_} >= {"roc_auc", "log_loss"}
    assert fitted.decision_.endswith(".")
    assert fitted.decision_ in fitted.explain()
    assert fitted.decision_ in fitted.to_html()


def test_the_library_default_is_always_among_the_trials(fitted: MetaLearnClassifier) -> None:
    default = get_model("lightgbm").default(ProblemType.BINARY)
    assert default.id in {e.configuration_id for e in fitted.history_}
    assert list(fitted.held_out_scores_) == ["default", "single", "blend"]
    used = max(fitted.held_out_scores_.values())
    assert used >= fitted.held_out_scores_["default"]


def test_predictions_are_labels_and_probabilities(
    fitted: MetaLearnClassifier, cancer: tuple[pd.DataFrame, pd.Series]
) -> None:
    X, y = cancer
    assert list(fitted.classes_) == ["benign", "malignant"]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (fitted.predict(X) == fitted.classes_[probabilities.argmax(axis=1)]).all()
    assert fitted.score(X, y) > 0.95


def test_arrays_and_tables_of_other_libraries_are_predicted_alike(
    fitted: MetaLearnClassifier, cancer: tuple[pd.DataFrame, pd.Series]
) -> None:
    X, expected = cancer[0], fitted.predict_proba(cancer[0])
    np.testing.assert_allclose(fitted.predict_proba(X.to_numpy()), expected)
    np.testing.assert_allclose(fitted.predict_proba(pl.from_pandas(X)), expected)
    options = {"n_trials": 1, "cv": 2, "families": "linear", "categorical": [X.columns[0]]}
    other = MetaLearnClassifier(**options).fit(pl.from_pandas(X), pl.Series(list(cancer[1])))
    assert list(other.feature_names_in_) == list(X.columns)
    assert other.column_kinds_[X.columns[0]] == "categorical"


@pytest.mark.slow
def test_where_no_number_of_trials_is_given_the_time_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_TRIALS", 3)
    X, y = make_classification(60, 4, random_state=0)
    options = {"cv": 2, "families": ["linear", "knn", "nb"]}
    assert len(MetaLearnClassifier(**options).fit(X, y).leaderboard_) == 3
    assert len(MetaLearnClassifier(time_budget=15, **options).fit(X, y).leaderboard_) > 3


def test_fitting_twice_gives_the_same(fitted: MetaLearnClassifier, cancer: tuple[pd.DataFrame, pd.Series]) -> None:
    again = clone(fitted).fit(*cancer)
    np.testing.assert_array_equal(again.predict_proba(cancer[0]), fitted.predict_proba(cancer[0]))
    assert again.best_configuration_ == fitted.best_configuration_


def test_it_pickles(fitted: MetaLearnClassifier, cancer: tuple[pd.DataFrame, pd.Series]) -> None:
    back = pickle.loads(pickle.dumps(fitted))
    assert (back.predict(cancer[0]) == fitted.predict(cancer[0])).all()


def test_it_works_in_pipelines_and_cross_validation(cancer: tuple[pd.DataFrame, pd.Series]) -> None:
    model = make_pipeline(StandardScaler(), MetaLearnClassifier(n_trials=2, cv=2, families=["linear", "knn"]))
    assert cross_val_score(model, *cancer, cv=2).mean() > 0.9


@pytest.mark.filterwarnings("ignore:No category in")  # told on purpose
def test_any_table_with_weights_of_rows_is_taken(messy_table: pd.DataFrame, three_classes: np.ndarray) -> None:
    weights = np.where(three_classes == "rare", 10.0, 1.0)
    model = MetaLearnClassifier(n_trials=3, cv=2, families=["linear", "lightgbm", "knn"], categorical=["whole"])
    model.fit(messy_table, three_classes, sample_weight=weights)
    assert "knn" not in set(model.leaderboard_["model"])
    assert set(model.predict(messy_table)) <= {"one", "two", "rare"}
    changed = messy_table.assign(string="never seen", category="z", whole=99)
    assert model.predict_proba(changed).shape == (120, 3)
    with pytest.raises(InvalidInputError, match="'number' held numbers"):
        model.predict(messy_table.assign(number="text"))


def test_weights_of_rows_change_the_model() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.integers(0, 2, 200)
    model = MetaLearnClassifier(n_trials=1, families=["linear"])
    share = [model.fit(X, y, sample_weight=np.where(y == 1, w, 1.0)).predict(X).mean() for w in (0.1, 1.0, 10.0)]
    assert share[0] < 0.1 < share[1] <= share[2]
    assert share[2] > 0.9


def test_numbers_are_predicted_by_what_was_best() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = MetaLearnRegressor(n_trials=4, metric="rmse", families=FAST).fit(X, y)
    assert model.best_configuration_.model == "linear"
    assert model.best_score_ < model.default_score_
    assert model.score(X, y) > 0.4
    assert model.metric_.name == "rmse"


@pytest.mark.parametrize("n_rows", [4, 9, 15])
def test_a_tiny_table_gets_a_plain_model_and_says_so(n_rows: int) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_rows, 2)), np.arange(n_rows) % 2
    model = MetaLearnClassifier(n_trials=5).fit(X, y)
    assert model.predict(X).shape == (n_rows,)
    assert "not compared with others" in model.recommendation_.notes[0]
    assert model.to_html().startswith("<!DOCTYPE html>")
    assert model.decision_


def test_results_go_to_a_store_and_come_back_as_knowledge(tmp_path: Path) -> None:
    X, y = make_classification(80, 4, random_state=0)
    model = MetaLearnClassifier(n_trials=2, cv=2, families=["linear", "knn"], record_to=tmp_path / "kb").fit(X, y)
    model.fit(X, y)
    known = ml.open_store(tmp_path / "kb").read()
    assert len(known) == 1
    assert len(known.evaluations) == len(model.history_)
    assert known.task(known.task_ids[0]).n_rows == 80
    assert not known.meta_feature_table.empty


def test_a_new_version_of_a_named_table_is_linked_to_the_one_before(tmp_path: Path) -> None:
    X, y = make_classification(80, 4, random_state=0)
    model = MetaLearnClassifier(n_trials=1, families=["linear"], record_to=tmp_path / "kb.db", name="orders")
    for rows in (80, 70, 60, 70):  # the third fit brings no new version
        model.fit(X[:rows][::-1], y[:rows][::-1])
    known = ml.open_store(tmp_path / "kb.db").read()
    versions = {task.n_rows: task for task in map(known.task, known.task_ids)}
    assert versions.keys() == {80, 70, 60}
    assert versions[80].id == "data:orders/cv5"
    assert [versions[rows].predecessor for rows in (80, 70, 60)] == ["", versions[80].id, versions[70].id]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_trials": 0}, "n_trials is 0"),
        ({"cv": 1}, "cv is 1"),
        ({"time_budget": -1}, "time_budget is -1"),
        ({"families": ["gaussian_nb"]}, "regression"),
        ({"metric": "accuracy"}, "does not fit a regression problem"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], message: str) -> None:
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(InvalidInputError, match=message):
        MetaLearnRegressor(**options).fit(X, y)


def test_what_is_not_fitted_cannot_predict_or_explain() -> None:
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(MetaLearnClassifier(), method)([[1.0]])
    with pytest.raises(NotFittedError):
        MetaLearnRegressor().explain()


def test_one_class_and_columns_named_twice_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="1 class"):
        MetaLearnClassifier().fit(np.eye(30), np.ones(30))
    twice = pd.DataFrame(np.eye(30), columns=["a"] * 30)
    with pytest.raises(ValueError, match="unique column names"):
        MetaLearnClassifier().fit(twice, np.arange(30) % 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The time budget leaves no time")  # on a busy machine; the budget is what counts
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_time_budget_is_kept(n_jobs: int) -> None:
    X, y = make_classification(20_000, 30, n_informative=10, random_state=0)
    started = time.monotonic()
    model = MetaLearnClassifier(n_trials=None, time_budget=20, n_jobs=n_jobs).fit(X, y)
    elapsed = time.monotonic() - started
    assert elapsed < 30  # without a budget there are fits for hours
    assert model.seconds_ == pytest.approx(elapsed, rel=0.1)
    assert model.score(X, y) > 0.8


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Python may lose the exception itself
@pytest.mark.parametrize(("time_budget", "runner"), [(None, InProcess), (60, Processes)])
def test_ctrl_c_keeps_the_best_so_far(
    monkeypatch: pytest.MonkeyPatch, time_budget: float | None, runner: type[Runner]
) -> None:
    X, y = make_classification(5000, 20, random_state=0)
    real, n_fits = runner.submit, itertools.count(1)

    def submit(self: Runner, *arguments: Any) -> None:
        if next(n_fits) == INTERRUPTED_FIT:  # during the fit, not at a time: a busy machine may not have begun by then
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        real(self, *arguments)

    monkeypatch.setattr(runner, "submit", submit)
    families = ["linear", "random_forest", "mlp", "svm"]  # an exception within CatBoost's C++ can end the process
    model = MetaLearnClassifier(n_trials=500, time_budget=time_budget, families=families).fit(X, y)
    assert 1 <= len(model.leaderboard_) <= INTERRUPTED_FIT
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("time_budget", [None, 60])
def test_ctrl_c_in_the_last_fit_still_gives_a_model(
    monkeypatch: pytest.MonkeyPatch, cancer: tuple[pd.DataFrame, pd.Series], time_budget: float | None
) -> None:
    real = base.fit_members

    def interrupted(*arguments: object) -> object:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        return real(*arguments)

    monkeypatch.setattr(base, "fit_members", interrupted)
    options = {"n_trials": 1, "time_budget": time_budget, "families": ["random_forest"], "cv": 2}
    model = MetaLearnClassifier(**options).fit(*cancer)
    assert model.best_configuration_.model == "random_forest"
    assert model.members_[0].trial is not None
    assert model.score(*cancer) > 0.9


def test_the_best_score_is_that_of_the_members_that_were_fitted(
    monkeypatch: pytest.MonkeyPatch, cancer: tuple[pd.DataFrame, pd.Series]
) -> None:
    """Where a blend lost members to Ctrl-C or the clock, its score would promise too much."""
    real = base.fit_members
    monkeypatch.setattr(Comparison, "choose", lambda *_, **__: Selection(np.array([0.6, 0.4]), {}))
    whole = MetaLearnClassifier(n_trials=2, families=["linear", "gaussian_nb"], cv=2).fit(*cancer)
    monkeypatch.setattr(base, "fit_members", lambda *arguments: normalised(real(*arguments)[1:]))
    model = MetaLearnClassifier(n_trials=2, families=["linear", "gaussian_nb"], cv=2).fit(*cancer)
    assert (len(whole.members_), len(model.members_)) == (2, 1)
    assert model.best_score_ == pytest.approx(model.members_[0].trial.score)
    assert model.best_score_ != whole.best_score_


@pytest.mark.slow
def test_the_time_is_used_though_most_trials_are_dropped_early(cancer: tuple[pd.DataFrame, pd.Series]) -> None:
    """A trial that ended after one fold of five must not count as five."""
    model = MetaLearnClassifier(time_budget=20, families=["linear", "knn", "decision_tree"]).fit(*cancer)
    assert (model.leaderboard_["status"] == "pruned").any()
    assert max(t["ended"] for t in model.trial_facts_) > 5


@pytest.mark.parametrize("dtype", [object, "category", "str"])
def test_a_missing_class_is_told(dtype: str) -> None:
    y = pd.Series(["a", "b", None, "a"] * 10).astype(dtype)
    with pytest.raises(InvalidInputError, match="missing in 10 of 40 rows"):
        MetaLearnClassifier(n_trials=1, families="linear").fit(np.zeros((40, 2)), y)


@pytest.mark.parametrize(("scale", "offset"), [(10.0, 1.7e9), (1e39, 0.0)], ids=["times in seconds", "huge"])
def test_targets_beyond_single_precision_are_compared_as_they_are(scale: float, offset: float) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["a", "b"])
    y = offset + scale * (X["a"] + 0.5 * X["b"] + 0.1 * rng.normal(size=300))
    model = MetaLearnRegressor(n_trials=3, families=["linear", "random_forest"], cv=3).fit(X, y)
    assert model.best_configuration_.model == "linear"
    assert model.best_score_ > 0.95


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "int64[pyarrow]"])
def test_nullable_labels_come_back_as_they_were(dtype: str) -> None:
    y = pd.Series([0, 1] * 20).astype(dtype)
    model = MetaLearnClassifier(n_trials=1, families="linear", cv=2).fit(np.eye(40), y)
    assert model.classes_.dtype == (bool if dtype == "boolean" else np.int64)


def test_a_fit_that_failed_leaves_no_model() -> None:
    X, y = make_classification(40, 4, random_state=0)
    model = MetaLearnClassifier(n_trials=1, families="linear", cv=2).fit(X, y)
    with pytest.raises(InvalidInputError):
        model.set_params(cv=[]).fit(X, np.where(y, "yes", "no"))
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize("other", [{"cv": 3}, {"random_state": 1}])
def test_results_of_other_folds_are_stored_apart(tmp_path: Path, other: dict[str, int]) -> None:
    X, y = make_classification(80, 4, random_state=0)
    options = {"n_trials": 1, "families": ["linear"], "record_to": tmp_path / "kb"}
    first = MetaLearnClassifier(**options).fit(X, y)
    MetaLearnClassifier(**options, cv=5).fit(X, y)  # the folds that are made by default
    MetaLearnClassifier(**options, **other).fit(X, y)
    known = ml.open_store(tmp_path / "kb").read()
    assert len(known) == 2
    notes = {known.task(task_id).note for task_id in known.task_ids}
    assert notes == {"5 folds", "" if "cv" in other else "folds split by hand"}  # kb build has three folds as well
    for task_id in known.task_ids:
        runs = known.evaluations[known.evaluations["task_id"] == task_id]
        if known.task(task_id).note == "5 folds":
            assert sorted(runs["value"]) == pytest.approx(sorted(e.value for e in first.history_))
            assert runs["fold"].nunique() == 5


def test_results_on_some_of_the_rows_are_stored_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalearn.evaluation.splits.FEWEST_ROWS", 60)
    monkeypatch.setattr("metalearn.evaluation.splits.ROWS_PER_SECOND", 1)
    X, y = make_classification(80, 4, random_state=0)
    options = {"n_trials": 1, "families": ["linear"], "record_to": tmp_path / "kb"}
    for time_budget in (None, 30):
        MetaLearnClassifier(**options, time_budget=time_budget).fit(X, y)
    known = ml.open_store(tmp_path / "kb").read()
    assert {known.task(i).note for i in known.task_ids} == {"5 folds", "folds split by hand"}


def test_results_of_weighed_rows_are_stored_apart(tmp_path: Path) -> None:
    X, y = make_classification(80, 4, random_state=0)
    options = {"n_trials": 1, "families": ["linear"], "record_to": tmp_path / "kb"}
    for weights in (None, np.where(y == 1, 1e-6, 1.0)):
        MetaLearnClassifier(**options).fit(X, y, sample_weight=weights)
    known = ml.open_store(tmp_path / "kb").read()
    assert {known.task(i).note for i in known.task_ids} == {"5 folds", "rows weighed in fitting"}


def test_a_store_that_cannot_be_written_to_is_told_before_the_search(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("taken")
    X, y = make_classification(80, 4, random_state=0)
    model = MetaLearnClassifier(n_trials=1, families=["linear"], record_to=f"sqlite:///{tmp_path}/file/kb.db")
    with pytest.raises(KnowledgeBaseError):
        model.fit(X, y)
    assert not hasattr(model, "recommendation_")


def test_results_that_cannot_be_stored_cost_no_model(tmp_path: Path) -> None:
    X, y = make_classification(80, 4, random_state=0)
    model = MetaLearnClassifier(n_trials=1, families=["linear"], record_to=tmp_path / "kb", name="/home/ana/a.csv")
    with pytest.warns(UserWarning, match="could not be recorded: .* looks like a path"):
        model.fit(X, y)
    assert model.score(X, y) > 0.5
    assert model.history_


def test_the_script_says_what_it_does_not_do() -> None:
    X, y = make_classification(80, 4, random_state=0)
    model = MetaLearnClassifier(n_trials=1, families=["linear"])
    assert "The search" not in model.fit(X, y).to_code()
    weighed = model.fit(X, y, groups=np.arange(80) // 2, sample_weight=np.ones(80)).to_code()
    assert "# The search split rows by groups and weighed rows, which this does not" in weighed
    named = ml.tune(
        pd.DataFrame(X).add_prefix("x").assign(patient=np.arange(80) // 2),
        y,
        groups="patient",
        n_trials=1,
        families=["linear"],
    )
    assert ".drop(columns=['patient'])" in named.to_code()


def test_where_nothing_can_be_held_out_the_default_that_is_named_is_used() -> None:
    X, y = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8.0)
    model = MetaLearnRegressor().fit(X, y)
    assert model.best_configuration_.model == "random_forest"


def test_a_table_that_could_be_fitted_can_be_predicted() -> None:
    rng = np.random.default_rng(0)
    when = pd.Series(pd.date_range("2020-01-01", periods=3000, freq="h").strftime("%Y-%m-%d"))
    when[1] = "unknown"
    X = pd.DataFrame({"when": when, "a": rng.normal(size=3000)})
    model = MetaLearnRegressor(n_trials=1, families="linear", cv=2).fit(X, X["a"])
    assert model.column_kinds_["when"] == "datetime"
    assert np.isfinite(model.predict(X)).all()


def test_time_without_end_is_no_budget() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MetaLearnRegressor(n_trials=1, time_budget=float("inf"), families="linear", cv=2).fit(X, y)
    assert model.best_score_ > 0.4


def test_weights_are_taken_whatever_scikit_learn_routes() -> None:
    X, y = make_classification(80, 4, random_state=0)
    with config_context(enable_metadata_routing=True):
        model = MetaLearnClassifier(n_trials=2, families=["linear", "lightgbm"], cv=2).fit(X, y, np.ones(80))
        assert model.predict(X).shape == (80,)
    assert (model.leaderboard_["status"] != "failed").all()


def test_held_out_predictions_are_those_that_the_score_is_made_of() -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    model = ml.tune(X, y, n_trials=3, families=["linear", "gaussian_nb"], cv=3, progress=False)
    held_out = model.held_out_predictions_
    assert held_out.shape == (len(X), 2)
    assert held_out.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert roc_auc_score(y, held_out[:, 1]) == pytest.approx(model.best_score_, abs=0.01)
    assert (held_out[:, 1] != model.predict_proba(X)[:, 1]).mean() > 0.9  # they saw the rows


def test_held_out_predictions_have_a_row_for_each_of_the_table() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    y[::7] = np.nan
    model = ml.tune(X, y, n_trials=2, families=["linear"], cv=4, progress=False)
    held_out = model.held_out_predictions_
    assert held_out.shape == (len(X),)
    assert (np.isnan(held_out) == y.isna()).all()
    known = y.notna().to_numpy()
    assert r2_score(y[known], held_out[known]) == pytest.approx(model.best_score_, abs=0.02)


def test_rows_that_no_fold_tests_have_no_held_out_prediction() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    rows = np.arange(len(X))
    folds = [(rows[:200], rows[200:300]), (rows[:250], rows[250:350])]
    model = ml.MetaLearnRegressor(n_trials=2, families=["linear"], cv=folds, progress=False).fit(X, y)
    assert (np.isfinite(model.held_out_predictions_) == ((rows >= 200) & (rows < 350))).all()
