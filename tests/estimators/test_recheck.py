import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import metalearn as ml
from metalearn.estimators import MetaLearnClassifier, MetaLearnEstimator, MetaLearnRegressor, load_model, save_model
from metalearn.estimators import recheck as module
from metalearn.estimators.recheck import Moved, Recheck
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore

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
    assert str(found).startswith("Still valid: ")
    X, y, X_new, y_new = halves(*load_diabetes(return_X_y=True, as_frame=True))
    regressor = MetaLearnRegressor(n_trials=2, families=["linear", "knn"]).fit(X, y)
    assert ml.recheck(regressor, X_new, y_new).still_valid


def test_a_relation_that_turned_round_is_noticed(model: MetaLearnEstimator, cancer: Halves) -> None:
    found = ml.recheck(model, cancer[2], 1 - cancer[3])
    assert not found.still_valid
    assert any("does worse than expected" in reason for reason in found.reasons)
    assert str(found).startswith("No longer valid (")


def test_what_moved_is_named_with_its_shift(model: MetaLearnEstimator, cancer: Halves) -> None:
    rng = np.random.default_rng(0)
    X = cancer[2].mask(rng.random(cancer[2].shape) < 0.5)
    found = ml.recheck(model, X, cancer[3])
    names = [m.name for m in found.moved]
    assert "missing_fraction" in names
    assert all(abs(a.shift) >= abs(b.shift) for a, b in zip(found.moved, found.moved[1:], strict=False))
    assert found.moved[0].name in str(found)


UNLIKE = "unlike anything known"


def test_a_table_that_left_known_ground_is_noticed(model: MetaLearnEstimator, cancer: Halves) -> None:
    empty = cancer[2].mask(np.random.default_rng(0).random(cancer[2].shape) < 0.9)
    for n in (60, len(empty)):
        assert any(UNLIKE in reason for reason in ml.recheck(model, empty.head(n), cancer[3].head(n)).reasons)


def test_with_few_rows_no_alarm_is_raised_but_it_is_said_that_they_are_few(
    model: MetaLearnEstimator, cancer: Halves
) -> None:
    found = ml.recheck(model, cancer[2].head(20), cancer[3].head(20))
    assert found.recommendation.novelty >= 0.98
    assert found.still_valid
    assert found.notes[0].startswith("20 rows are too few to tell")
    assert found.notes[0] in str(found)


@pytest.mark.parametrize("seed", range(3))
def test_a_sample_of_the_same_table_raises_no_alarm(model: MetaLearnEstimator, cancer: Halves, seed: int) -> None:
    chosen = np.random.default_rng(seed).permutation(len(cancer[2]))[:60]
    found = ml.recheck(model, cancer[2].iloc[chosen], cancer[3].iloc[chosen])
    assert not found.notes
    assert not any(UNLIKE in reason for reason in found.reasons)


def test_a_few_rows_are_seldom_said_to_be_predicted_worse(model: MetaLearnEstimator, cancer: Halves) -> None:
    """A score on thirty rows varies more than one on a fold of fifty-seven: alarms must stay rare."""
    alarms = 0
    for seed in range(20):
        chosen = np.random.default_rng(seed).permutation(len(cancer[2]))[:30]
        alarms += bool(
            module._compared(model, cancer[2].iloc[chosen].reset_index(drop=True), cancer[3].iloc[chosen])[1]
        )
    assert alarms <= 1


def test_a_table_at_the_edge_of_known_ground_does_not_leave_it_by_chance(
    model: MetaLearnEstimator, cancer: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = cancer[2].mask(np.random.default_rng(0).random(cancer[2].shape) < 0.9)
    monkeypatch.setattr(model, "recommendation_", replace(model.recommendation_, novelty=0.97))
    assert not any(UNLIKE in reason for reason in ml.recheck(model, empty, cancer[3]).reasons)


def test_it_compares_with_the_past_tasks_that_the_model_was_chosen_by(cancer: Halves, tmp_path: Path) -> None:
    known = ml.bundled_knowledge_base()
    few = known.subset(tasks=known.task_ids[::4])
    FileStore(tmp_path / "kb").write(few)
    model = MetaLearnClassifier(n_trials=1, families=FAMILIES, knowledge_base=str(tmp_path / "kb")).fit(*cancer[:2])
    save_model(model, tmp_path / "model.skops")
    found = ml.recheck(model, *cancer[2:])
    assert {n.task_id for n in found.recommendation.neighbours} <= set(few.task_ids)
    elsewhere = ml.recheck(model, *cancer[2:], knowledge_base="bundled").recommendation
    assert not {n.task_id for n in elsewhere.neighbours} <= set(few.task_ids)


def test_an_address_inside_a_file_is_not_opened_unless_the_user_names_it(cancer: Halves, tmp_path: Path) -> None:
    place = tmp_path / "kb"
    FileStore(place).write(ml.bundled_knowledge_base())
    model = MetaLearnClassifier(n_trials=1, families=FAMILIES, knowledge_base=[str(place)]).fit(*cancer[:2])
    save_model(model, tmp_path / "model.skops")
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = f"postgresql://ana:hidden@127.0.0.1:{server.getsockname()[1]}/team"
        parts = skops.io.load(
            tmp_path / "model.skops", trusted=skops.io.get_untrusted_types(file=tmp_path / "model.skops")
        )
        about = json.loads(parts["about"])
        about["params"] |= {"knowledge_base": listener, "record_to": listener}  # as files of older versions have them
        skops.io.dump({**parts, "about": json.dumps(about | {"learned_from": listener})}, tmp_path / "crafted.skops")
        found = ml.recheck(tmp_path / "crafted.skops", *cancer[2:])
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert load_model(tmp_path / "crafted.skops").get_params()["record_to"] is None
    assert "not compared" in str(found)
    assert "not compared" not in str(ml.recheck(tmp_path / "model.skops", *cancer[2:], knowledge_base=place))
    assert str(place) in str(ml.recheck(tmp_path / "model.skops", *cancer[2:]))


def test_notebooks_show_the_answer_with_every_name_escaped(model: MetaLearnEstimator) -> None:
    name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    shown = Recheck((f"{name} moved.",), (Moved(name, 0.0, 1.0, 2.0),), model.recommendation_, (name,))._repr_html_()
    assert "No longer valid" in shown
    assert shown.count("&lt;script&gt;") == 3
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<table" not in Recheck((), (), model.recommendation_)._repr_html_()


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


def test_a_good_candidate_far_down_the_list_still_holds(cancer: Halves) -> None:
    families = [*FAMILIES, "extra_trees", "svm", "random_forest", "hist_gradient_boosting", "mlp"]
    model = MetaLearnClassifier(n_trials=2, families=families).fit(*cancer[:2])
    listed = list(ml.recommend(*cancer[:2], n=1000, families=families))
    assert len(listed) > 50
    late = max(listed[50:], key=lambda c: c.expected_score)
    object.__setattr__(model.recommendation_, "candidates", (late,))
    assert not any("Another configuration" in reason for reason in ml.recheck(model, *cancer[2:]).reasons)


def test_the_answer_is_given_for_a_file_and_as_json(model: MetaLearnEstimator, cancer: Halves, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model.skops")
    found = ml.recheck(tmp_path / "model.skops", cancer[2].assign(more=1), cancer[3])
    facts = json.loads(found.to_json())
    assert facts["still_valid"] is True
    assert set(facts) == {
        *["still_valid", "reasons", "notes", "moved", "recommendation", "metric", "score", "expected_score"]
    }


@pytest.mark.parametrize("y", [None, 0])
def test_a_target_without_information_is_refused(model: MetaLearnEstimator, cancer: Halves, y: object) -> None:
    with pytest.raises(InvalidInputError, match="target"):
        ml.recheck(model, cancer[2], pd.Series([y] * len(cancer[2])))


def test_an_absent_column_is_refused(model: MetaLearnEstimator, cancer: Halves) -> None:
    with pytest.raises(InvalidInputError, match="mean radius"):
        ml.recheck(model, cancer[2].drop(columns="mean radius"), cancer[3])


def test_tables_of_other_libraries_and_arrays_are_taken(model: MetaLearnEstimator, cancer: Halves) -> None:
    *_, X, y = cancer
    answer = ml.recheck(model, X, y)
    assert ml.recheck(model, X.to_numpy(), y.to_numpy()).reasons == answer.reasons
    assert ml.recheck(model, pl.from_pandas(X), y).reasons == answer.reasons


def test_what_is_no_fitted_model_is_refused(cancer: Halves) -> None:
    *_, X, y = cancer
    with pytest.raises(InvalidInputError, match="LogisticRegression cannot be rechecked"):
        ml.recheck(LogisticRegression(), X, y)
    with pytest.raises(NotFittedError):
        ml.recheck(MetaLearnClassifier(), X, y)


def test_what_is_alike_on_all_past_tasks_moves_by_its_own_measure() -> None:
    kb = ml.bundled_knowledge_base().subset(problem_type="binary")
    (moved,) = module._moved({"n_classes": 2.0}, {"n_classes": 5.0}, kb)
    assert abs(moved.shift) < 1


def test_the_target_is_called_by_its_name() -> None:
    regressor = MetaLearnRegressor(n_trials=1, families=["linear"]).fit(*load_diabetes(return_X_y=True, as_frame=True))
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    with pytest.raises(InvalidInputError, match="'price'"):
        ml.recheck(regressor, X, y.rename("price").astype(str) + " dollars")


@pytest.mark.parametrize("fitted_as", ["int64", "Int64", "boolean", "bool"])
@pytest.mark.parametrize("missing", [False, True])
def test_the_same_labels_in_another_dtype_are_the_same(cancer: Halves, fitted_as: str, *, missing: bool) -> None:
    X, y, X_new, y_new = cancer
    model = MetaLearnClassifier(n_trials=1, families=["linear"], cv=2).fit(X, y.astype(fitted_as))
    y_new = y_new.astype(fitted_as)
    if missing:
        y_new = y_new.astype(object).where(np.arange(len(y_new)) > 0)
        y_new = y_new if fitted_as in ("bool", "boolean") else y_new.astype(float)
    found = ml.recheck(model, X_new, y_new)
    assert found.still_valid, found.reasons


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_times_as_classes_are_known_again(cancer: Halves, unit: str) -> None:
    X, y, X_new, y_new = cancer
    days = [
        pd.Series(np.where(found, "2020-01-01", "2021-01-01")).astype(f"datetime64[{unit}]") for found in (y, y_new)
    ]
    model = MetaLearnClassifier(n_trials=1, families=["linear"], cv=2).fit(X, days[0])
    found = ml.recheck(model, X_new, days[1])
    assert found.still_valid, found.reasons


def test_a_model_that_guesses_is_told_also_where_a_class_is_missing() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 5)) * 3
    y = rng.choice(3, 800, p=[0.5, 0.46, 0.04])
    X = pd.DataFrame(centres[y] + rng.normal(size=(800, 5)), columns=list("abcde"))
    model = MetaLearnClassifier(n_trials=1, families=["gaussian_nb"]).fit(X[:600], y[:600])
    common = np.flatnonzero(y[600:] < 2) + 600
    found = ml.recheck(model, X.iloc[common], y[common])
    assert found.still_valid, found.reasons
    assert "not compared" in found.notes[0]
    mixed = X.iloc[rng.permutation(common)].reset_index(drop=True)
    assert any("does worse" in reason for reason in ml.recheck(model, mixed, y[common]).reasons)
