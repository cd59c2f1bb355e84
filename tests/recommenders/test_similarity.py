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
    return features, profiles, ForestSimilarity.fit(features, profiles, np.arange(60, dtype=np.int32), n_trees=50)


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


@pytest.fixture(scope="module")
def in_families(grown: tuple[Any, Any, ForestSimilarity]) -> ForestSimilarity:
    features, profiles, _ = grown
    return ForestSimilarity.fit(features, profiles, np.arange(60, dtype=np.int32) // 3, n_trees=300)


def test_left_out_weights_know_nothing_of_the_own_family(in_families: ForestSimilarity) -> None:
    weights = in_families.left_out(np.arange(60))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert not weights[in_families.family[:, None] == in_families.family].any()


def test_a_tree_sees_one_task_of_a_family_or_none(in_families: ForestSimilarity) -> None:
    seen = ~in_families.unseen
    assert (seen[::3] == seen[1::3]).all()
    assert 0.3 < in_families.unseen.mean() < 0.45  # exp(-1)


def test_in_a_leaf_every_family_has_the_same_weight(in_families: ForestSimilarity) -> None:
    shares = in_families._shares()
    leaf, family = in_families.leaves[:, 0], in_families.family
    for one in np.unique(leaf):
        here = leaf == one
        together = np.bincount(family[here], shares[here, 0])
        np.testing.assert_allclose(together[together > 0], 1 / len(np.unique(family[here])))


@pytest.mark.parametrize("copied", [[5], [5, 5, 5], [0, 17]])
def test_copies_of_a_task_within_its_family_change_no_weight(
    grown: tuple[Any, Any, ForestSimilarity], copied: list[int]
) -> None:
    features, profiles, found = grown
    rows = np.r_[np.arange(60), copied]
    again = ForestSimilarity.fit(features[rows], profiles[rows], found.family[rows], n_trees=50)
    new = np.array([0.5, 0, 0, 0, 0])
    np.testing.assert_allclose(np.bincount(again.family, again.weights(new)), found.weights(new), atol=1e-12)
    left_out = again.left_out(np.arange(60))
    together = np.stack([np.bincount(again.family, row) for row in left_out])
    np.testing.assert_allclose(together, found.left_out(np.arange(60)), atol=1e-12)


def test_left_out_weights_come_from_trees_that_did_not_see_the_task(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    _, _, found = grown
    seen = ~found.unseen[0]
    together = (found.leaves == found.leaves[0]) & ~seen
    weights = found.left_out(np.array([0]))[0]
    np.testing.assert_array_equal(np.flatnonzero(weights), np.setdiff1d(np.flatnonzero(together.any(axis=1)), [0]))


def test_rows_are_asked_about_one_by_one_or_together(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    _, _, found = grown
    rows = np.array([7, 3])
    np.testing.assert_allclose(found.left_out(rows), found.left_out(np.arange(60))[rows])


def test_trees_are_grown_on_a_part_of_very_many_tasks_which_all_lie_in_their_leaves() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1500, 3))
    found = ForestSimilarity.fit(
        features, features @ rng.normal(size=(3, 4)), np.arange(1500, dtype=np.int32), n_trees=20
    )
    assert ((~found.unseen).sum(axis=0) <= 1000).all()
    assert found.unseen.mean() > 0.45  # exp(-1000 / 1500) = 0.51
    assert found.weights(features[0]).sum() == pytest.approx(1)
    assert (found.leaves >= 0).all()


def test_fewer_tasks_share_the_leaves_anew(grown: tuple[Any, Any, ForestSimilarity]) -> None:
    features, _, found = grown
    part = found.take(np.arange(30))
    assert part.weights(features[40]).sum() == pytest.approx(1)
