from typing import Any

import numpy as np

from metalearn.recommenders.cost import CostModel


def timed(n_tasks: int = 150, hidden: float = 0.0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    sizes = np.column_stack(
        [np.exp(rng.uniform(4, 9, n_tasks)), np.exp(rng.uniform(1, 5, n_tasks)), rng.integers(2, 9, n_tasks)]
    )
    factors = np.array([1e-5, 2e-5, 1e-7])
    powers = np.array([1.0, 1.0, 1.8])
    seconds = factors * sizes[:, :1] ** powers * sizes[:, 1:2] * np.exp(0.1 * rng.normal(size=(n_tasks, 3)))
    seconds[rng.random(seconds.shape) < hidden] = np.nan
    return sizes, seconds, np.array(["a", "a", "b"])


def test_left_out_seconds_are_within_a_factor_of_two() -> None:
    sizes, seconds, models = timed()
    found = CostModel.fit(sizes[:120], seconds[:120], models)
    gaps = np.abs(np.log2(np.array([found.predict(s) for s in sizes[120:]]) / np.maximum(seconds[120:], 1e-3)))
    assert (gaps < 1).mean() > 0.9


def test_a_configuration_that_was_never_timed_borrows_from_its_family() -> None:
    sizes, seconds, models = timed(hidden=0.3)
    seconds[:, 1] = np.nan
    found = CostModel.fit(sizes, seconds, models).predict(sizes[0])
    assert np.isfinite(found).all()
    assert np.isnan(CostModel.fit(sizes, np.full_like(seconds, np.nan), models).predict(sizes[0])).all()


def test_larger_tables_than_any_seen_take_longer() -> None:
    sizes, seconds, models = timed()
    found = CostModel.fit(sizes, seconds, models)
    most = sizes.max(axis=0)
    assert (found.predict(most * [10, 1, 1]) > 5 * found.predict(most)).all()


def test_a_configuration_timed_on_small_tables_only_keeps_its_distance_from_its_family() -> None:
    sizes, seconds, _ = timed()
    seconds = 1000 * np.repeat(seconds[:, :1], 10, axis=1)
    seconds[:, 0] *= np.exp(-3 * np.log(sizes[:, 1]) ** 2)  # a curve that must not go on
    seconds[sizes[:, 1] > 20, 0] = np.nan
    found = CostModel.fit(sizes, seconds, np.array(["a"] * 10))
    at_20, at_140 = (found.predict(np.array([3000, n_features, 2])) for n_features in (20, 140))
    assert 1 / 4 < (at_140[0] / at_140[1]) / (at_20[0] / at_20[1]) < 4
