import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterSampler,
    RandomizedSearchCV,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks import sklearn as hook
from metalearn.knowledge import FileStore
from metalearn.models import get_model
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Configuration, Float, Integer, SearchSpace
from metalearn.task import ProblemType

GRID = {"n_estimators": [5, 50], "num_leaves": [4, 64]}


def light() -> LGBMClassifier:
    return LGBMClassifier(verbose=-1, n_jobs=1, random_state=0)


def test_seeds_are_the_first_candidates_of_a_grid(table: Any, recommendation: Recommendation) -> None:
    search = GridSearchCV(light(), GRID, cv=2)
    report = hook.seed(search, recommendation)
    assert [dict(seed.params) for seed in report.accepted] == [
        {"n_estimators": 50, "num_leaves": 64},
        {"n_estimators": 30, "num_leaves": 7},  # between two points of the grid
        {"n_estimators": 20, "num_leaves": 15},
    ]
    search.fit(*table)
    assert search.cv_results_["params"][:3] == [dict(seed.params) for seed in report.accepted]
    assert len(search.cv_results_["params"]) == 3 + 4
    checked = hook.verify(search)
    assert [seed.rank for seed in checked.accepted] == [1, 3, 4]
    assert not checked.changed
    assert not checked.dropped


def test_an_empty_grid_takes_every_parameter_that_the_estimator_has(recommendation: Recommendation) -> None:
    search = GridSearchCV(Pipeline([("model", light())]), {})
    report = hook.seed(search, recommendation, n=1)
    assert report.accepted[0].params["model__min_child_samples"] == 5
    assert search.param_grid[0]["model__num_leaves"] == [256]  # within the range of our own space
    assert len(search.param_grid) == 1


def test_a_step_that_switches_families_takes_each_familys_seeds(table: Any, recommendation: Recommendation) -> None:
    forest = RandomForestClassifier(n_estimators=5)
    grid = [
        {"clf": [light()], "clf__n_estimators": [5, 20]},
        {"clf": [forest], "clf__max_features": [0.2, 0.9]},
    ]
    search = GridSearchCV(Pipeline([("clf", LogisticRegression())]), grid, cv=2)
    report = hook.seed(search, recommendation, n=2)
    assert [(seed.rank, seed.model) for seed in report.accepted] == [(1, "lightgbm"), (2, "random_forest")]
    search.fit(*table)
    assert isinstance(search.cv_results_["params"][1]["clf"], RandomForestClassifier)
    assert [seed.rank for seed in hook.verify(search).accepted] == [1, 2]
    harvested = hook.harvest(search, *table)[2]
    assert {e.configuration.model for e in harvested} == {"lightgbm", "random_forest"}
    assert str(harvested[2].configuration) == "random_forest(max_features=0.3, n_estimators=5)"  # as the step was made


def test_of_several_metrics_the_one_that_is_asked_for_is_read(table: Any) -> None:
    scoring = {"auc": "roc_auc", "accuracy": "accuracy"}
    search = GridSearchCV(light(), {"num_leaves": [4]}, cv=2, scoring=scoring, refit="auc").fit(*table)
    for metric, column in ((None, "auc"), ("roc_auc", "auc"), ("accuracy", "accuracy")):
        found = hook.harvest(search, *table, **({"metric": metric} if metric else {}))[2]
        assert found[0].metric == {"auc": "roc_auc"}.get(column, column)
        assert found[0].value == pytest.approx(search.cv_results_[f"split0_test_{column}"][0])
    with pytest.raises(InvalidInputError, match="measured \\['auc', 'accuracy'\\], not 'log_loss'"):
        hook.harvest(search, *table, metric="log_loss")
    search.refit = False
    assert hook.harvest(search, *table)[2][0].metric == "roc_auc"


def test_metrics_under_names_of_the_users_own_are_read(table: Any) -> None:
    own = {"AUC": "roc_auc", "ACC": "accuracy"}
    search = GridSearchCV(light(), {"num_leaves": [4]}, cv=2, scoring=own, refit="AUC").fit(*table)
    for metric, wanted, column in (
        (None, "roc_auc", "AUC"),
        ("roc_auc", "roc_auc", "AUC"),
        ("AUC", "roc_auc", "AUC"),
        ("accuracy", "accuracy", "ACC"),
        ("ACC", "accuracy", "ACC"),
    ):
        found = hook.harvest(search, *table, **({"metric": metric} if metric else {}))[2][0]
        assert found.metric == wanted
        assert found.value == pytest.approx(search.cv_results_[f"split0_test_{column}"][0])

    def both(model: Any, X: Any, y: Any) -> dict[str, float]:
        return {"accuracy": model.score(X, y), "mine": 1.0}

    search = GridSearchCV(light(), {"num_leaves": [4]}, cv=2, scoring=both, refit="accuracy").fit(*table)
    assert hook.harvest(search, *table)[2][0].metric == "accuracy"
    hook.seed(search, [Configuration("lightgbm", {"num_leaves": 4})])
    search.fit(*table)
    assert len(hook.verify(search).accepted) == 0  # the grid had it already
    search.refit = "mine"
    assert hook.harvest(search, *table, metric="roc_auc")[2][0].metric == "roc_auc"  # as the user says


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=1000, verbose=0, tol=1e-3),
        LGBMClassifier(objective="binary", verbose=-1, n_jobs=1),
        RandomForestClassifier(5, oob_score=False, warm_start=True),
    ],
)
def test_what_no_space_knows_is_no_parameter_of_the_configuration(table: Any, estimator: Any) -> None:
    name = "C" if isinstance(estimator, LogisticRegression) else "n_estimators"
    search = GridSearchCV(estimator, {name: [5]}, cv=2).fit(*table)
    configuration = hook.harvest(search, *table)[2][0].configuration
    assert set(configuration.params) == {name}
    assert get_model(configuration.model).takes(configuration, ProblemType.BINARY)


def test_a_last_step_without_parameters_has_none_by_hand(table: Any) -> None:
    X, y = table
    search = GridSearchCV(TransformedTargetRegressor(), {"regressor": [LGBMRegressor(verbose=-1)]}, cv=2)
    search.fit(X, np.arange(len(y)) % 7 + 0.5)
    assert hook.harvest(search, X, np.arange(len(y)) % 7 + 0.5)[2][0].configuration.model == "lightgbm"


def test_what_an_estimator_was_given_by_hand_belongs_to_the_configuration(table: Any) -> None:
    forest = RandomForestClassifier(n_estimators=7, max_depth=3, random_state=0, n_jobs=1)
    search = GridSearchCV(forest, {"min_samples_leaf": [1, 5]}, cv=2, scoring="accuracy").fit(*table)
    found = {str(e.configuration) for e in hook.harvest(search, *table)[2]}
    assert found == {f"random_forest(max_depth=3, min_samples_leaf={n}, n_estimators=7)" for n in (1, 5)}


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_seeds_are_not_taken_twice(recommendation: Recommendation, kind: str) -> None:
    space = {"num_leaves": [4, 8, 64], "n_estimators": np.array([10, 100])}
    search = GridSearchCV(light(), space) if kind == "grid" else RandomizedSearchCV(light(), space, n_iter=4)
    first = hook.seed(search, recommendation, family="lightgbm")
    assert first.accepted
    before = repr(search.param_grid if kind == "grid" else search.seeds)
    again = hook.seed(search, recommendation, family="lightgbm")
    assert not again.accepted
    assert {drop.why for drop in again.dropped if not drop.parameter} >= {"the search has it already"}
    assert repr(search.param_grid if kind == "grid" else search.seeds) == before
    assert search._metalearn_seeds == first.accepted


def test_a_randomized_search_evaluates_seeds_first_and_n_iter_in_all(
    table: Any, recommendation: Recommendation
) -> None:
    space = {"n_estimators": randint(5, 60), "eta": loguniform(0.01, 0.5), "num_leaves": randint(2, 65)}
    search = RandomizedSearchCV(light(), space, n_iter=5, cv=2, random_state=0)
    report = hook.seed(search, recommendation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LightGBM mentions the alias
        search.fit(*table)
    params = search.cv_results_["params"]
    assert len(params) == 5
    assert params[:3] == [dict(seed.params) for seed in report.accepted]
    assert clone(search).seeds == search.seeds
    assert params[3:] == list(ParameterSampler(space, 2, random_state=0))


def test_seeds_beyond_n_iter_are_reported(recommendation: Recommendation) -> None:
    search = RandomizedSearchCV(light(), {"num_leaves": [2, 64]}, n_iter=2)
    report = hook.seed(search, recommendation)
    assert len(report.accepted) == 2
    assert "n_iter=2" in report.dropped[-1].why


def test_a_seed_that_fails_everywhere_is_said(table: Any) -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [-5.0, 1.0]}, cv=2)
    hook.seed(search, [Configuration("linear", {"C": -1.0}), Configuration("linear", {"C": 0.5})])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(*table)
    checked = hook.verify(search)
    assert [seed.rank for seed in checked.accepted] == [2]
    assert [(drop.rank, drop.why) for drop in checked.dropped] == [(1, "it failed")]
    statuses = {e.configuration.params["C"]: e.status for e in hook.harvest(search, *table)[2]}
    assert statuses == {-1.0: Status.FAILED, 0.5: Status.OK, -5.0: Status.FAILED, 1.0: Status.OK}


def test_a_halving_search_races_the_seeds_and_partial_rows_are_no_results(
    table: Any, recommendation: Recommendation
) -> None:
    search = HalvingGridSearchCV(light(), {}, cv=2, factor=2, min_resources=40, random_state=0)
    hook.seed(search, recommendation)
    search.fit(*table)
    assert len(hook.verify(search).accepted) == 3
    _, _, found = hook.harvest(search, *table)
    assert all(e.status is Status.PRUNED and "of 150 rows" in e.message for e in found)


def test_every_fold_is_harvested_with_its_sign_and_twice_adds_nothing(
    table: Any, recommendation: Recommendation, tmp_path: Any
) -> None:
    search = GridSearchCV(light(), GRID, cv=3, scoring="neg_log_loss")
    hook.seed(search, recommendation)
    search.fit(*table)
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(*hook.harvest(search, *table))
    evaluations = store.read().evaluations
    assert len(evaluations) == 3 * 6  # one seed is a point of the grid too
    assert set(evaluations["metric"].astype(str)) == {"log_loss"}
    assert evaluations["value"].min() > 0
    best = -search.cv_results_["split0_test_score"][0]
    assert np.isclose(hook.harvest(search, *table)[2][0].value, best)


def test_folds_in_time_are_those_of_another_task(table: Any, tmp_path: Any) -> None:
    store = FileStore(tmp_path)
    for cv in (3, TimeSeriesSplit(3)):
        store.append(*hook.harvest(GridSearchCV(light(), GRID, cv=cv).fit(*table), *table))
    known = store.read()
    assert {known.task(task_id).note for task_id in known.task_ids} == {"", "folds split by hand"}
    assert known.tasks["family"].nunique() == 1


def test_strict_leaves_the_search_untouched(recommendation: Recommendation) -> None:
    search = GridSearchCV(light(), GRID)
    with pytest.raises(InvalidInputError, match="num_leaves: 300 -> 64"):
        hook.seed(search, recommendation, strict=True)
    assert search.param_grid == GRID


def test_other_searches_are_refused(recommendation: Recommendation) -> None:
    search = HalvingRandomSearchCV(light(), {"num_leaves": [2, 64]})
    with pytest.raises(InvalidInputError, match="A HalvingRandomSearchCV takes no seeds"):
        hook.seed(search, recommendation)


def test_results_cannot_be_told_and_unseeded_searches_not_verified(table: Any) -> None:
    search = GridSearchCV(light(), GRID, cv=2)
    with pytest.raises(InvalidInputError, match="not seeded"):
        hook.verify(search)
    found = hook.harvest(search.fit(*table), *table)[2]
    report = hook.tell(search, found)
    assert not report
    assert len(report.dropped) == 4
    with pytest.raises(InvalidInputError, match="takes no known results"):
        hook.tell(search, found, strict=True)


def test_a_whole_number_on_a_log_scale_is_drawn_within_its_bounds() -> None:
    drawn = hook.LogInteger(1, 100).rvs(2000, random_state=0)
    assert drawn.min() == 1
    assert drawn.max() == 100
    assert (drawn <= 10).mean() > 0.4
    assert isinstance(hook.LogInteger(1, 100).rvs(random_state=np.random.RandomState(0)), int)


def test_distributions_are_read_by_their_support() -> None:
    space = hook.read_space(
        {"a": uniform(2, 3), "b": randint(1, 5), "c": loguniform(0.1, 9), "d": [None, "x", light()]}
    )
    assert dict(space.parameters) == {
        "a": Float(2, 5),
        "b": Integer(1, 4),
        "c": Float(0.1, 9, log=True),
        "d": Categorical((None, "x", "LGBMClassifier")),
    }


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space = data.draw(spaces())
    assert same(hook.read_space(hook.write_space(space)), space)


def test_steps_become_lists() -> None:
    space = hook.read_space(hook.write_space(SearchSpace({"a": Integer(2, 9, step=3)})))
    assert space.parameters["a"] == Categorical((2, 5, 8))
