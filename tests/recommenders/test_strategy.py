from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender, load, recommender_names, save
from metalearn.recommenders.base import Recommender
from metalearn.recommenders.expectation import Expectation
from metalearn.task import METRICS, ProblemType, Task

NAMES = recommender_names()


@pytest.fixture(scope="module")
def fitted(sparse_knowledge: KnowledgeBase) -> dict[str, Any]:
    return {name: get_recommender(name)().fit(sparse_knowledge) for name in NAMES}


def ids(recommendation: Any) -> list[str]:
    return [c.id for c in recommendation.configurations]


def test_all_strategies_are_registered() -> None:
    assert {"default", "portfolio", "forest", "ensemble", "analogies", "blend"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recommender_keeps_its_contract(
    name: str, fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    found = fitted[name]
    assert isinstance(found, Recommender)
    rec = found.recommend(new_task, features_of(0), n=5)
    assert len(rec) == 5
    assert len(set(ids(rec))) == 5
    assert rec.recommender == name
    for candidate in rec:
        low, high = candidate.interval
        assert 0 <= low <= candidate.expected_score <= high <= 1
        assert candidate.expected_seconds > 0
        assert len(candidate.evidence) == 3
    assert [n.weight for n in rec.neighbours] == sorted((n.weight for n in rec.neighbours), reverse=True)
    assert sum(n.weight for n in rec.neighbours) <= 1
    assert 0 <= rec.novelty <= 1


@pytest.mark.parametrize("name", NAMES)
def test_what_was_observed_is_not_recommended_again(
    name: str, fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    first = ids(fitted[name].recommend(new_task, features_of(0), n=4))
    observed = {first[0]: 0.2, first[1]: float("inf"), first[2]: 0.3, "unknown configuration": 0.1}
    assert not set(first[:3]) & set(ids(fitted[name].recommend(new_task, features_of(0), n=12, observed=observed)))


@pytest.mark.parametrize("name", NAMES)
def test_families_and_time_budget_are_kept(
    name: str, fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    rec = fitted[name].recommend(new_task, features_of(0), n=12, models=["svm", "knn"], time_budget=0.5)
    assert {c.model for c in rec} <= {"svm", "knn"}
    assert sum(c.expected_seconds for c in rec) <= 0.5
    assert len(rec)


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_was_timed_a_time_budget_leaves_nothing_out(
    name: str, knowledge: KnowledgeBase, new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    untimed = replace(knowledge, evaluations=knowledge.evaluations.assign(fit_seconds=np.nan, predict_seconds=np.nan))
    recommender = get_recommender(name)().fit(untimed)
    assert len(recommender.recommend(new_task, features_of(0), n=5, time_budget=3600)) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_recommender_answers_the_same_without_pickle(
    name: str, fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures], tmp_path: Path
) -> None:
    save(fitted[name], tmp_path / "state.npz")
    again = load(tmp_path / "state.npz")
    with np.load(tmp_path / "state.npz", allow_pickle=False) as arrays:
        assert all(array.dtype != object for array in arrays.values())
    for observed in (None, {fitted[name].past_.table.configurations[0].id: 0.2}):
        wanted = fitted[name].recommend(new_task, features_of(1), observed=observed)
        assert again.recommend(new_task, features_of(1), observed=observed).to_json() == wanted.to_json()


@pytest.mark.parametrize("name", ["forest", "ensemble", "analogies", "blend"])
def test_meta_features_decide_which_families_come_first(
    name: str, fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    winners = [{"linear", "random_forest"}, {"svm", "knn"}]
    for kind in (0, 1):
        assert fitted[name].recommend(new_task, features_of(kind), n=1)[0].model in winners[kind]


def test_results_correct_misleading_meta_features(
    fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    rec = fitted["ensemble"]
    observed = {}
    for c in rec.past_.table.configurations:
        if c.model in ("random_forest", "knn"):
            observed[c.id] = 0.30 if c.model == "random_forest" else 0.18
    after = rec.recommend(new_task, features_of(0), n=1, observed=observed)
    assert after[0].model == "svm"


def test_expected_seconds_follow_the_size_of_the_table(
    fitted: dict[str, Any], features_of: Callable[[float], MetaFeatures]
) -> None:
    small, large = (
        fitted["ensemble"].recommend(
            Task(id="x", problem_type=ProblemType.BINARY, n_rows=n, n_features=10, n_classes=2), features_of(0)
        )
        for n in (120, 1600)
    )
    seconds = [{c.configuration.id: c.expected_seconds for c in rec} for rec in (small, large)]
    ratio = [seconds[1][i] / seconds[0][i] for i in seconds[0].keys() & seconds[1].keys()]
    assert 5 < np.median(ratio) < 30


def test_the_metric_asked_for_is_learned(make_knowledge: Callable[..., KnowledgeBase]) -> None:
    kb = make_knowledge(10)
    assert get_recommender("forest")(metric=METRICS["accuracy"]).fit(kb).past_.table.metric.name == "accuracy"


@pytest.mark.parametrize("name", NAMES)
def test_three_tasks_are_enough(
    name: str,
    make_knowledge: Callable[..., KnowledgeBase],
    new_task: Task,
    features_of: Callable[[float], MetaFeatures],
) -> None:
    found = get_recommender(name)().fit(make_knowledge(3, missing=0.3))
    rec = found.recommend(new_task, features_of(0), n=3)
    assert len(rec) == 3
    assert all(np.isfinite(c.expected_score) for c in rec)


def test_rmse_without_the_spread_of_the_target_says_so(
    make_knowledge: Callable[..., KnowledgeBase], features_of: Callable[[float], MetaFeatures]
) -> None:
    kb = make_knowledge(20, problem_type=ProblemType.REGRESSION, metrics=("r2", "rmse"))
    rec = get_recommender("ensemble")(metric=METRICS["rmse"]).fit(kb)
    task = Task(id="x", problem_type=ProblemType.REGRESSION, metric=METRICS["rmse"], n_rows=500, n_features=5)
    found = rec.recommend(task, features_of(0))
    assert np.isnan(found[0].expected_score)
    assert "target_std" in found.notes[0]
    with_unit = type(features_of(0))({**features_of(0).values, "target_std": 2.0})
    assert rec.recommend(task, with_unit)[0].expected_score > 0


def test_a_strange_table_gets_the_robust_portfolio(
    fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    strange = type(features_of(0))({"kind": 1e12, "log_n": -1e12, "noise": 1e12, "sometimes": -1e12})
    rec = fitted["forest"].recommend(new_task, strange, n=6)
    assert rec.novelty == 1
    assert ids(rec) == ids(fitted["portfolio"].recommend(new_task, strange, n=6))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_tasks", [1, 2])
def test_one_family_of_tables_is_enough_to_begin_with(
    name: str,
    n_tasks: int,
    make_knowledge: Callable[..., KnowledgeBase],
    new_task: Task,
    features_of: Callable[[float], MetaFeatures],
) -> None:
    fitted = get_recommender(name)().fit(make_knowledge(n_tasks))
    rec = fitted.recommend(new_task, features_of(0), n=3)
    assert len(rec) == 3
    told = {rec[0].configuration.id: 0.2}
    assert ids(fitted.recommend(new_task, features_of(0), n=3, observed=told))[0] != ids(rec)[0]


@pytest.mark.parametrize("name", ["blend", "default"])
@pytest.mark.parametrize("kept", [[], ["kind"]])
def test_past_tasks_with_one_meta_feature_or_none_still_recommend(
    name: str, kept: list[str], make_knowledge: Callable[..., KnowledgeBase], new_task: Task, tmp_path: Path
) -> None:
    known = make_knowledge(12)
    few = replace(known, meta_features=known.meta_features[known.meta_features["name"].isin(kept)])
    fitted = get_recommender(name)().fit(few)
    rec = fitted.recommend(new_task, MetaFeatures({"kind": 1.0}), n=3)
    assert len(rec) == 3
    assert rec.places == ()
    if hasattr(fitted, "to_arrays"):
        save(fitted, tmp_path / "fitted.npz")
        again = load(tmp_path / "fitted.npz").recommend(new_task, MetaFeatures({"kind": 1.0}), n=3)
        assert again.to_json() == rec.to_json()


def test_what_was_filled_in_is_not_filled_in_again_after_loading(fitted: dict[str, Any], tmp_path: Path) -> None:
    strategy = fitted["ensemble"]
    assert np.isnan(strategy.past_.table.losses).any()
    save(strategy, tmp_path / "kept.npz")
    again = load(tmp_path / "kept.npz")
    assert "working" in vars(again.past_.table)
    np.testing.assert_array_equal(again.past_.table.working, strategy.past_.table.working)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("copied", [(7,), (7, 7, 30)])
def test_copies_of_a_task_within_its_family_change_no_list(
    name: str,
    copied: tuple[int, ...],
    sparse_knowledge: KnowledgeBase,
    features_of: Callable[[float], MetaFeatures],
) -> None:
    table = PerformanceTable.from_knowledge_base(sparse_knowledge)
    task = Task(id="new", problem_type=ProblemType.BINARY, n_rows=800, n_features=10, n_classes=2)
    before, after = (fitted_on(name, table.take(np.r_[np.arange(40), list(rows)].astype(int))) for rows in ((), copied))
    observed = {c.id: 0.2 + 0.01 * j for j, c in enumerate(table.configurations[:4])}
    for about in ({}, {"observed": observed}, {"time_budget": 1.0}):
        for kind in (0, 1):
            one, other = (r.recommend(task, features_of(kind), n=8, **about) for r in (before, after))
            assert ids(other) == ids(one)
            for first, second in zip(one, other, strict=True):
                assert second.expected_score == pytest.approx(first.expected_score, abs=0.01)
                assert second.expected_seconds == pytest.approx(first.expected_seconds, rel=1e-6)
            assert other.novelty == one.novelty
            assert [n.weight for n in other.neighbours] == pytest.approx([n.weight for n in one.neighbours])


def fitted_on(name: str, table: PerformanceTable) -> Any:
    past, strategy = PastTasks.fit(table), get_recommender(name)()
    strategy.fit_past(past)
    strategy.expectation_ = Expectation.fit(past, strategy.posterior)
    return strategy


@pytest.mark.parametrize("name", ["ensemble", "analogies", "blend"])
def test_what_comes_first_promises_most(
    name: str, fitted: dict[str, Any], new_task: Task, features_of: Callable[[float], MetaFeatures]
) -> None:
    found = fitted[name]
    known = [c.id for c in found.past_.table.configurations]
    rng = np.random.default_rng(0)
    for n in (1, 2, 4, 7):
        for kind in (0, 1):
            seen = rng.permutation(known)[:n]
            observed = dict(zip(seen.tolist(), rng.uniform(0.1, 0.5, n).tolist(), strict=True))
            rec = found.recommend(new_task, features_of(kind), n=12, observed=observed)
            gains = [c.expected_improvement for c in rec]
            assert gains[0] >= max(gains) * (1 - 1e-4)
            outside = found.recommend(new_task, features_of(kind), n=12, observed={**observed, "other": 0.05})
            assert (
                max(c.expected_improvement for c in outside) <= max(gains) + 1e-12
            )  # a better result leaves less to gain


@pytest.mark.parametrize("name", ["portfolio", "blend"])
def test_a_table_far_larger_than_all_past_ones_is_noted(
    name: str, make_knowledge: Callable[..., KnowledgeBase], features_of: Callable[[float], MetaFeatures]
) -> None:
    kb = make_knowledge(20)
    rec, most = get_recommender(name)().fit(kb), int(kb.tasks["n_rows_used"].max())
    small, large = (
        Task(id="x", problem_type=ProblemType.BINARY, n_rows=n, n_features=5, n_classes=2) for n in (most, 200 * most)
    )
    assert rec.recommend(small, features_of(0)).notes == ()
    (note,) = rec.recommend(large, features_of(0)).notes
    assert f"{200 * most:,} rows" in note
    assert f"at most {most:,}" in note
