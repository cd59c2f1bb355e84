from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from metalearn.recommenders.similarity import ForestSimilarity


@pytest.fixture(scope="module")
def grown() -> tuple[Any, Any, ForestSimilarity]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 5))
    features[rng.random(features.shape) < 0.1] = np.nan
    profiles = np.where(np.nan_to_num(features[:, :1]) > 0, 1.0, 0.0) + 0.1 * rng.normal(size=(60, 8))
    return features, profiles, ForestSimilarity.fit(features, profiles, n_trees=50)


def test_weights_sum_to_one_and_agree_with_the_forest_of_scikit_learn(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    features, profiles, found = grown
    centred = profiles - profiles.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, -12:]
    filled = np.where(np.isnan(features), found.fill, features).astype(np.float32)
    forest = RandomForestRegressor(50, min_samples_leaf=2, max_features=1 / 3, random_state=0)
    forest.fit(filled, centred @ axes)
    past, new = forest.apply(filled), forest.apply(filled[:3])
    for i in range(3):
        together = past == new[i]
        expected = (together / together.sum(axis=0)).mean(axis=1)
        np.testing.assert_allclose(found.weights(features[i]), expected, atol=1e-12)
        assert found.weights(features[i]).sum() == pytest.approx(1)


def test_tasks_of_the_same_kind_weigh_more(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    features, _, found = grown
    weights = found.weights(np.array([2.0, 0, 0, 0, 0]))
    same = np.nan_to_num(features[:, 0]) > 0
    assert weights[same].sum() > 0.75  # half of the tasks would have half the weight


def test_left_out_weights_know_nothing_of_the_own_family(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    _, _, found = grown
    families = np.array([f"f{i // 3}" for i in range(60)])
    weights = found.left_out(families, np.arange(60))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert not weights[families[:, None] == families[None, :]].any()


def test_left_out_weights_come_from_trees_that_did_not_see_the_task(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    _, _, found = grown
    seen = ~found.unseen[0]
    together = (found.leaves == found.leaves[0]) & ~seen
    weights = found.left_out(np.arange(60).astype(str), np.array([0]))[0]
    np.testing.assert_array_equal(np.flatnonzero(weights), np.setdiff1d(np.flatnonzero(together.any(axis=1)), [0]))


def test_rows_are_asked_about_one_by_one_or_together(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    _, _, found = grown
    families = np.array([f"f{i // 3}" for i in range(60)])
    rows = np.array([7, 3])
    np.testing.assert_allclose(found.left_out(families, rows), found.left_out(families, np.arange(60))[rows])


def test_trees_are_grown_on_a_part_of_very_many_tasks_which_all_lie_in_their_leaves() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1500, 3))
    found = ForestSimilarity.fit(features, features @ rng.normal(size=(3, 4)), n_trees=20)
    assert ((~found.unseen).sum(axis=0) <= 1000).all()
    assert found.unseen.mean() > 0.45  # exp(-1000 / 1500) = 0.51
    assert found.weights(features[0]).sum() == pytest.approx(1)
    assert (found.leaves >= 0).all()


def test_fewer_tasks_share_the_leaves_anew(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    features, _, found = grown
    part = found.take(np.arange(30))
    assert part.weights(features[40]).sum() == pytest.approx(1)


def test_left_out_weights_come_from_trees_that_did_not_see_the_family(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    features, profiles, _ = grown
    found = ForestSimilarity.fit(features, profiles, n_trees=300)
    pairs = (np.arange(60) // 2).astype(str)
    both = found.unseen[0] & found.unseen[1]
    assert 20 <= both.sum() < found.unseen[0].sum()
    together = (found.leaves[:, both] == found.leaves[0, both]) * found.share[found.leaves[:, both]]
    expected = together.sum(axis=1)
    expected[:2] = 0
    np.testing.assert_allclose(found.left_out(pairs, np.array([0]))[0], expected / expected.sum(), atol=1e-12)
    large = np.zeros(60).astype(str)  # hardly a tree lacks all of these: then the task itself must be absent
    large[30:] = "other"
    assert found.left_out(large, np.array([0]))[0].sum() == pytest.approx(1)
