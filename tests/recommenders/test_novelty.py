from typing import Any

import numpy as np

from metalearn.recommenders.novelty import Novelty


def fitted(families: Any = None) -> tuple[Any, Novelty]:
    rng = np.random.default_rng(0)
    features = np.column_stack([rng.normal(size=200), rng.lognormal(3, 2, size=200), rng.normal(size=200)])
    features[:50, 2] = np.nan
    return features, Novelty.fit(features, np.arange(200) if families is None else families)


def test_a_usual_table_is_not_novel_and_a_wild_one_is() -> None:
    features, found = fitted()
    usual, strangeness, distance = found.score(np.median(features[50:], axis=0))
    assert usual < 0.3
    assert strangeness == 0
    assert 0.5 <= distance < 1
    wild = found.score(np.array([60.0, 1e30, -80.0]))
    assert wild[:2] == (1.0, 1.0)
    assert 1.5 < wild.distance <= 4


def test_novelty_of_left_out_tasks_is_spread_evenly() -> None:
    features, _ = fitted()
    features = np.column_stack([features, features[:, :2] ** 3])  # all have something in common to be compared by
    scores = [
        Novelty.fit(np.delete(features, i, axis=0), np.arange(199)).score(features[i])[0] for i in range(0, 200, 2)
    ]
    assert 0.4 < np.mean(scores) < 0.6
    assert 0.02 < np.mean(np.array(scores) > 0.9) < 0.25


def test_near_copies_do_not_make_a_task_usual() -> None:
    features = np.repeat(np.random.default_rng(0).normal(size=(20, 3)), 10, axis=0)
    copies = Novelty.fit(features, np.repeat(np.arange(20), 10))
    assert (copies.distances > 0).all()


def test_missing_values_stand_in_the_middle() -> None:
    _, found = fitted()
    assert found.score(np.full(3, np.nan))[0] < 1
    assert np.isfinite(found.distances_to(np.array([np.inf, 1.0, np.nan]))).all()


def test_a_meta_feature_that_nobody_has_is_ignored() -> None:
    found = Novelty.fit(np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]]), np.arange(3))
    assert np.isfinite(found.score(np.array([2.0, 7.0]))[0])


def test_tasks_that_lack_almost_all_meta_features_count_neither_as_near_nor_as_usual() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 8))
    bare = np.full((50, 8), np.nan)
    bare[:, 0] = features[:50, 0]
    families = np.arange(150)
    alone, mixed = Novelty.fit(features, families[:100]), Novelty.fit(np.vstack([features, bare]), families)
    assert len(mixed.distances) == 100
    comparable = np.arange(150) < 100
    new = rng.normal(size=8)
    assert abs(mixed.score(new, comparable)[0] - alone.score(new)[0]) < 0.1
    assert np.isnan(mixed.score(new, np.zeros(150, dtype=bool))[0])


def test_copies_of_a_task_within_its_family_change_nothing() -> None:
    features, found = fitted()
    rows = np.r_[np.arange(200), 7, 7, 90]
    again = Novelty.fit(features[rows], np.arange(200)[rows])
    for new in features[:20] + 0.1:
        np.testing.assert_allclose(again.score(new), found.score(new))


def test_the_sizes_of_one_table_are_one_neighbour() -> None:
    features = np.random.default_rng(0).normal(size=(50, 4))
    ladder = np.vstack([features, np.repeat(features[:1], 5, axis=0)])
    found = Novelty.fit(ladder, np.r_[np.arange(50), np.zeros(5, int)])
    nearest = np.sort(found.distances_to(features[0])[:50])[:5]
    middle = np.median(found.distances)
    assert found.score(features[0]).distance == np.clip(nearest.mean() / middle, 0.5, 4)
