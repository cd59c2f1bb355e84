from typing import Any

import numpy as np
import pytest

from metalearn.recommenders import PastTasks, Posterior, Query


def ask(past: PastTasks, observed: Any, features: Any) -> Query:
    return past.query(features, n=3, observed=observed, allowed=np.ones(len(past.table.configurations), dtype=bool))


def hypotheses(past: PastTasks, query: Query, *, from_errors: bool = True) -> tuple[np.ndarray, np.ndarray]:
    found = Posterior(past, query, from_errors)
    return found.losses, found.weights


@pytest.mark.parametrize("from_errors", [True, False])
def test_members_move_towards_what_was_observed(past: PastTasks, *, from_errors: bool) -> None:
    i = 4
    losses = past.table.losses[i]
    before, _ = hypotheses(past, ask(past, {}, past.table.meta_features[i]), from_errors=from_errors)
    told = {j: float(losses[j]) for j in (0, 4, 8)}
    after, weights = hypotheses(past, ask(past, told, past.table.meta_features[i]), from_errors=from_errors)
    truth = past.table.working[i]
    assert np.abs(weights @ after - truth).mean() < np.abs(before.mean(axis=0) - truth).mean()
    assert weights.sum() == pytest.approx(1)


def test_a_level_never_seen_moves_every_configuration(past: PastTasks) -> None:
    told = {j: 5 * float(past.table.losses[6, j]) for j in (0, 3)}
    query = ask(past, told, past.table.meta_features[6])
    before, _ = hypotheses(past, ask(past, {}, past.table.meta_features[6]))
    after, weights = hypotheses(past, query)
    assert ((weights @ after) > before.mean(axis=0)).all()


def test_members_that_contradict_the_observations_lose_weight(past: PastTasks) -> None:
    i = 0  # a task of kind 0, shown with the meta-features of kind 1
    features = past.table.meta_features[1]
    told = {j: float(past.table.losses[i, j]) for j in range(0, 12, 2) if np.isfinite(past.table.losses[i, j])}
    query = ask(past, told, features)
    _, weights = hypotheses(past, query, from_errors=False)
    same_kind = np.array([int(t[1:]) % 2 == 0 for t in past.table.task_ids])
    assert weights[same_kind].sum() > query.weights[same_kind].sum() + 0.2


def test_failures_are_excluded_but_do_not_move_anything(past: PastTasks) -> None:
    features = past.table.meta_features[2]
    query = ask(past, {1: np.inf}, features)
    assert not query.allowed[1]
    np.testing.assert_array_equal(hypotheses(past, query)[0], hypotheses(past, ask(past, {}, features))[0])


def test_past_tasks_themselves_are_the_hypotheses_for_a_table_of_which_little_is_known(past: PastTasks) -> None:
    query = ask(past, {}, np.full_like(past.table.meta_features[0], np.nan))
    members, weights = hypotheses(past, query)
    np.testing.assert_array_equal(members, past.table.working[query.weights > 0])
    assert len(weights) == len(members)
