import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.models import get_model
from metalearn.recommenders import Strategy, get_recommender, recommend_beyond
from metalearn.recommenders.proposals import tempered
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

KIND = ProblemType.BINARY
FAMILIES = ("linear", "random_forest", "svm", "knn")


@pytest.fixture(scope="module")
def strategy(knowledge: KnowledgeBase) -> Strategy:
    return get_recommender("ensemble")().fit(knowledge)


@pytest.fixture
def meta_features(features_of: Callable[[float], MetaFeatures]) -> MetaFeatures:
    return features_of(0.0)


def listed(strategy: Strategy) -> tuple[Configuration, ...]:
    return strategy.past_.table.configurations


def told(strategy: Strategy, n: int, loss: float = 0.3) -> dict[Configuration, float]:
    return {c: loss + 0.01 * j for j, c in enumerate(listed(strategy)[:n])}


def test_before_the_first_results_it_is_the_list(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    tried = told(strategy, 2)
    found = recommend_beyond(strategy, new_task, meta_features, n=5, tried=tried, models=FAMILIES)
    observed = {c.id: loss for c, loss in tried.items()}
    listed = strategy.recommend(new_task, meta_features, n=5, observed=observed, models=FAMILIES)
    assert found.to_json() == listed.to_json()  # a novelty that is unknown equals nothing


def test_it_goes_on_where_the_list_ends_without_repeats(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    tried = told(strategy, len(listed(strategy)))
    found = recommend_beyond(strategy, new_task, meta_features, n=12, tried=tried, models=FAMILIES)
    new = found.configurations
    assert len(new) == len(set(new)) == 12
    assert not set(new) & set(tried)
    for c in new:
        assert get_model(c.model).spaces[KIND].contains(c.params)
    for candidate in found:
        low, high = candidate.interval
        assert low <= candidate.expected_score <= high <= 1
        assert candidate.expected_seconds > 0


def test_only_named_families_are_proposed(strategy: Strategy, new_task: Task, meta_features: MetaFeatures) -> None:
    tried = told(strategy, len(listed(strategy)))
    found = recommend_beyond(strategy, new_task, meta_features, n=8, tried=tried, models=("knn", "lightgbm"))
    assert {c.model for c in found.configurations} <= {"knn", "lightgbm"}


def test_new_points_have_no_more_neighbours_than_rows_allow(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    tried = told(strategy, len(listed(strategy)))
    small = replace(new_task, n_rows=30)
    found = recommend_beyond(strategy, small, meta_features, n=12, tried=tried, models=["knn"])
    assert len(found)
    assert all(c.params["n_neighbors"] <= 10 for c in found.configurations)


def test_new_points_gather_where_results_are_good(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    """On a bowl around C = 100 of a linear model, what is proposed comes ever nearer to it."""
    tried = dict.fromkeys(listed(strategy), 0.4)

    def loss(c: Configuration) -> float:
        return 0.4 if c.model != "linear" else 0.1 + 0.05 * abs(math.log10(float(c.params["C"])) - 2)

    tried = {c: loss(c) for c in tried}
    for _ in range(25):
        found = recommend_beyond(strategy, new_task, meta_features, n=1, tried=tried, models=FAMILIES)
        tried[found.configurations[0]] = loss(found.configurations[0])
    new = [c for c in tried if c not in listed(strategy)]
    assert sum(c.model == "linear" for c in new) > 12
    assert min(tried.values()) < 0.115
    assert min(loss(c) for c in listed(strategy)) > 0.13


def test_a_promising_new_point_comes_before_a_poor_rest_of_the_list(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    good = [c for c in listed(strategy) if c.model == "linear"]
    tried = {c: 0.05 * (1 + 0.1 * j) for j, c in enumerate(good)} | {
        c: 0.45 for c in listed(strategy) if c.model == "knn"
    }
    found = recommend_beyond(strategy, new_task, meta_features, n=1, tried=tried, models=FAMILIES)
    assert found.configurations[0] not in listed(strategy)


def test_failures_and_results_outside_the_list_count(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    tried: dict[Configuration, float] = dict.fromkeys(listed(strategy), 0.3)
    inside = Configuration("knn", {"n_neighbors": 33, "weights": "distance", "p": 1})
    foreign = Configuration("tabpfn", {"size": 3})
    before = recommend_beyond(strategy, new_task, meta_features, n=30, tried=tried, models=FAMILIES)
    tried |= {inside: 0.05, foreign: 0.2, Configuration("knn", {"n_neighbors": 2, "p": 1}): math.inf}
    after = recommend_beyond(strategy, new_task, meta_features, n=30, tried=tried, models=FAMILIES)
    share = [np.mean([c.model == "knn" for c in found.configurations]) for found in (before, after)]
    assert share[1] > share[0]
    assert not set(after.configurations) & set(tried)


def test_when_everything_failed_there_still_is_something_to_try(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    tried = dict.fromkeys(listed(strategy), math.inf)
    found = recommend_beyond(strategy, new_task, meta_features, n=3, tried=tried, models=FAMILIES)
    assert len(found) == 3
    assert {c.expected_improvement for c in found} == {None}


def test_what_cannot_be_afforded_is_not_proposed(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    tried = told(strategy, len(listed(strategy)))
    free = recommend_beyond(strategy, new_task, meta_features, n=10, tried=tried, models=FAMILIES)
    budget = 2.5 * min(c.expected_seconds for c in free)
    found = recommend_beyond(strategy, new_task, meta_features, n=10, tried=tried, models=FAMILIES, time_budget=budget)
    assert 0 < len(found) < 10
    assert sum(c.expected_seconds for c in found) <= budget


def test_the_seed_decides(strategy: Strategy, new_task: Task, meta_features: MetaFeatures) -> None:
    tried = told(strategy, len(listed(strategy)))

    def ask(seed: int) -> tuple[Configuration, ...]:
        return recommend_beyond(
            strategy, new_task, meta_features, n=5, tried=tried, models=FAMILIES, random_state=seed
        ).configurations

    assert ask(1) == ask(1) != ask(2)


def test_one_disaster_does_not_make_all_others_look_alike() -> None:
    values = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 90.0, np.inf, np.nan])
    calm = tempered(values)
    assert np.isfinite(calm).all()
    np.testing.assert_array_equal(calm[:5], values[:5])
    assert 1.4 < calm[5] == calm[6] == calm[7] < 3
    np.testing.assert_array_equal(tempered(np.array([np.inf])), [0.0])


def test_what_is_only_expected_does_not_open_the_spaces(
    strategy: Strategy, new_task: Task, meta_features: MetaFeatures
) -> None:
    tried = told(strategy, 4)
    known = {c.id for c in listed(strategy)}
    about = {"n": 12, "tried": tried, "models": FAMILIES}
    waiting = recommend_beyond(strategy, new_task, meta_features, pending=tuple(tried)[1:], **about)
    assert {c.configuration.id for c in waiting} <= known
    assert not {c.configuration.id for c in recommend_beyond(strategy, new_task, meta_features, **about)} <= known
