from dataclasses import replace

import numpy as np
import pytest

from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender
from metalearn.recommenders.simulation import curve, family_folds, play, ranked


def test_folds_leave_out_whole_families_and_every_task_once(table: PerformanceTable) -> None:
    families = np.array(table.families)
    folds = family_folds(table, 10)
    for kept, left_out in folds:
        assert not set(families[kept]) & set(families[left_out])
        assert len(kept) + len(left_out) == table.n_tasks
    np.testing.assert_array_equal(
        np.sort(np.concatenate([left_out for _, left_out in folds])), np.arange(table.n_tasks)
    )


def test_a_curve_never_rises_and_keeps_its_last_value() -> None:
    np.testing.assert_array_equal(curve(np.array([0.5, 0.1, 0.3]), [0, 2, 1], 5), [0.5, 0.3, 0.1, 0.1, 0.1])


@pytest.mark.parametrize("name", ["default", "portfolio", "forest", "ensemble", "analogies", "blend"])
def test_play_evaluates_each_configuration_once_and_only_what_was_run(name: str, past: PastTasks) -> None:
    losses = past.table.losses[0].copy()
    losses[3] = np.nan
    order = play(get_recommender(name)().fit_past(past), past.table.meta_features[0], losses, 25)
    assert sorted(order) == [j for j in range(12) if j != 3]


def test_feedback_pays_when_meta_features_mislead(table: PerformanceTable) -> None:
    misled = replace(table, meta_features=np.random.default_rng(0).permutation(table.meta_features))
    reached = {True: [], False: []}
    for kept, left_out in family_folds(misled, 4):
        strategy = get_recommender("ensemble")().fit_past(PastTasks.fit(misled.take(kept)))
        for i in left_out:
            for feedback, found in reached.items():
                order = play(strategy, misled.meta_features[i], misled.losses[i], 4, feedback=feedback)
                found.append(curve(misled.regrets[i], order, 4)[-1])
    assert np.mean(reached[True]) <= np.mean(reached[False])


@pytest.mark.parametrize("name", ["default", "portfolio", "forest", "ensemble", "analogies", "blend"])
def test_an_answer_planted_in_the_left_out_family_is_not_used(name: str, table: PerformanceTable) -> None:
    kept, left_out = family_folds(table, 10)[0]
    planted = replace(table, losses=table.losses.copy(), meta_features=table.meta_features.copy())
    planted.losses[left_out] = table.losses[left_out][:, ::-1]
    planted.losses[left_out, 5] = 1e-6  # the answer: configuration 5 is perfect there
    planted.meta_features[left_out] += 0.0
    about = {"n": 12, "observed": {}, "allowed": np.ones(12, dtype=bool)}
    first = [
        ranked(get_recommender(name)().fit_past(past), past.query(table.meta_features[left_out[0]], **about))
        for past in (PastTasks.fit(given.take(kept)) for given in (table, planted))
    ]
    assert first[0] == first[1]


def test_the_same_answer_planted_in_a_kept_family_is_used(table: PerformanceTable) -> None:
    planted = replace(table, losses=table.losses.copy())
    planted.losses[:, 5] = 1e-6
    past = PastTasks.fit(planted)
    query = past.query(table.meta_features[0], n=1, observed={}, allowed=np.ones(12, dtype=bool))
    assert ranked(get_recommender("forest")().fit_past(past), query) == [5]


@pytest.mark.parametrize("name", ["portfolio", "ensemble"])
def test_what_is_told_beforehand_comes_first_and_does_not_count(name: str, past: PastTasks) -> None:
    losses = past.table.losses[0].copy()
    losses[3] = np.nan
    strategy = get_recommender(name)().fit_past(past)
    order = play(strategy, past.table.meta_features[0], losses, 4, told=[3, 7])
    assert order[0] == 7
    assert len(order) == len(set(order)) == 5
    assert 3 not in order
