"""A search does not end with the list of the knowledge base."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

import metalearn as ml
from metalearn import MetaLearnClassifier
from metalearn.estimators.advice import Advice
from metalearn.estimators.interruption import Interruption
from metalearn.estimators.search import Budget, SearchTrial, Suggestion, search
from metalearn.evaluation import Status
from metalearn.evaluation.fit import TrainingData
from metalearn.evaluation.splits import split
from metalearn.evaluation.workers import InProcess
from metalearn.models import get_model
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric

NUMBERS = ProblemType.REGRESSION


def test_an_estimator_goes_on_with_new_points_up_to_its_number_of_trials() -> None:
    model = MetaLearnClassifier(families=["knn"], n_trials=20, cv=2, progress=False).fit(*load_wine(return_X_y=True))
    tried = {e.configuration for e in model.history_}
    listed = set(model.recommendation_.configurations)
    assert len(tried) == len(model.leaderboard_) == 20
    assert len(tried - listed) >= 10
    for c in tried:
        assert get_model("knn").spaces[ProblemType.MULTICLASS].contains(c.params)


def test_suggestions_without_end_that_are_all_too_dear_end_the_search() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=60)
    folds = split(y, NUMBERS, metric=get_metric("r2", NUMBERS), cv=2)
    data = TrainingData(pd.DataFrame(X).add_prefix("x"), y, NUMBERS, 0, folds)
    dear = (Suggestion(Configuration("knn", {"n_neighbors": k}), 1e6) for k in itertools.count(1))
    first = Suggestion(get_model("linear").default(NUMBERS), 0.01)
    suggestions = itertools.chain([first], dear)
    trials = search(
        InProcess(data),
        lambda _: next(suggestions),
        lambda _: None,
        metric=get_metric("r2", NUMBERS),
        n_folds=2,
        budget=Budget(seconds=30.0),
        interruption=Interruption(),
    )
    assert [t.configuration for t in trials] == [first.configuration]
    assert math.isfinite(trials[0].score)


@pytest.mark.parametrize("time_budget", [None, 120.0])
def test_a_search_begins_with_the_list_that_is_recommended_for_the_same_table_and_budget(
    time_budget: float | None,
) -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    families = ["knn", "linear", "gaussian_nb", "decision_tree"]
    listed = ml.recommend(X, y, families=families, time_budget=time_budget).configurations
    options = {"families": families, "time_budget": time_budget, "n_trials": 7, "cv": 3}
    model = MetaLearnClassifier(**options, progress=False).fit(X, y)
    tried = list(dict.fromkeys(e.configuration for e in model.history_))
    default = tried[0]
    assert tried[1:] == [c for c in listed if c != default][:6]
    assert list(model.recommendation_.configurations) == list(listed)
    board = model.leaderboard_
    assert sorted(board["from"]) == ["default", *["list"] * 6]


def test_what_was_asked_for_is_pending_while_it_runs() -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    advisor = ml.Advisor(X, y, families=["knn", "linear"])
    listed = advisor.recommend(1).configurations
    default = get_model("linear").default(ProblemType.MULTICLASS)
    advice = Advice([default], listed, advisor, math.inf)
    asked = [advice.suggest(math.inf) for _ in range(4)]
    found = [one.configuration for one in asked if one is not None]
    assert len(set(found)) == 4
    assert set(advisor.pending) == set(found)
    advice.tell(SearchTrial(asked[0], advisor.task.metric, 2, status=Status.FAILED))
    assert set(advisor.pending) == set(found[1:])
