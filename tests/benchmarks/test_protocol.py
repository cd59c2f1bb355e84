import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metalearn.recommenders import PerformanceTable
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from inference import by_family
from protocol import (
    Setting,
    improvability,
    random_curve,
    replay,
    replay_baselines,
    replay_removed,
    replay_shuffled,
    replay_timed,
    replay_without_copies,
    worst_to_best,
)


def made(n_tasks: int = 48, *, families: list[str] | None = None, seed: int = 0) -> PerformanceTable:
    """Two kinds of tasks, told apart by the first meta-feature; on each kind other configurations win."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n_tasks) % 2
    losses = 0.2 + 0.2 * rng.random((n_tasks, 1)) + 0.02 * rng.random((n_tasks, 12))
    losses += np.where((np.arange(12) < 6) == (kind[:, None] == 0), 0.0, 0.1)
    names = tuple(f"t{i}" for i in range(n_tasks))
    return PerformanceTable(
        metric=get_metric("roc_auc", ProblemType.BINARY),
        problem_type=ProblemType.BINARY,
        configurations=tuple(Configuration("m", {"x": j}) for j in range(12)),
        task_ids=names,
        task_names=names,
        families=tuple(families or names),
        sizes=np.ones((n_tasks, 3)),
        meta_feature_names=("kind", "noise"),
        meta_features=np.column_stack([kind + 0.01 * rng.normal(size=n_tasks), rng.normal(size=n_tasks)]),
        losses=losses,
        seconds=np.ones((n_tasks, 12)),
        units=np.ones(n_tasks),
        own=np.ones(len(names), dtype=bool),
    )


def setting(table: PerformanceTable, **options: int) -> Setting:
    return Setting("made up", table, worst_to_best(table.losses), n_folds=4, **options)


def first(found: object, name: str = "forest") -> float:
    return float(by_family(found)[name][:, 0].mean())


def test_regret_and_improvability_have_their_own_zero_and_one() -> None:
    losses = np.array([[0.1, 0.2, 0.4, np.inf, np.nan], [0.0, 0.0, 0.5, 0.5, 0.5]])
    np.testing.assert_allclose(worst_to_best(losses)[0, :4], [0, 1 / 3, 1, 1])
    np.testing.assert_allclose(improvability(losses)[0, :4], [0, 0.5, 0.75, 1])
    np.testing.assert_allclose(improvability(losses)[1], [0, 0, 1, 1, 1])
    assert np.isnan(improvability(losses)[0, 4])


def test_an_answer_planted_in_the_left_out_family_is_not_used() -> None:
    """Copies that say what wins help where they are of another family, and must not where they share it."""
    rng = np.random.default_rng(1)
    table = made(24)
    dealt = rng.permutation(24)
    lone = replace(table, meta_features=rng.normal(size=(24, 2)), losses=table.losses[dealt])  # nothing to be learned
    twice = {
        name: (*getattr(lone, name), *(f"copy of {v}" for v in getattr(lone, name)))
        for name in ("task_ids", "task_names")
    }
    arrays = {
        name: np.concatenate([getattr(lone, name)] * 2)
        for name in ("sizes", "meta_features", "losses", "seconds", "units", "own")
    }
    open_, closed = (
        replace(lone, **twice, **arrays, families=(*lone.families, *other))
        for other in ([f"other {f}" for f in lone.families], lone.families)
    )
    names = ["forest", "nearest", "ensemble", "analogies", "ranking"]
    found = [replay(setting(t), names) for t in (open_, closed, lone)]
    for name in names:
        planted, unused, alone = (first(replayed, name) for replayed in found)
        assert planted < 0.7 * unused, name
        assert unused > 0.7 * alone, name
    planted = first(found[0])
    uncopied = replay_without_copies(setting(open_), ["forest"])
    assert first(uncopied) > 1.3 * planted


def test_shuffled_meta_features_lose_what_they_gave() -> None:
    played = setting(made())
    bar = first(replay(played, ["portfolio"]), "portfolio")
    assert first(replay(played, ["forest"])) < 0.5 * bar
    assert first(replay_shuffled(played, ["forest"])) > 0.7 * bar


def test_removing_the_nearest_tasks_leaves_the_fitted_forest_its_questions() -> None:
    found = replay_removed(setting(made(80)), ["portfolio", "forest"])
    assert first(found) < first(found, "portfolio")


def test_random_search_with_more_evaluations_is_ahead() -> None:
    found = by_family(replay_baselines(setting(made(16), default=0)))
    assert set(found) == {"random x1", "random x2", "random x4", "library default"}
    assert found["random x4"][:, 0].mean() < found["random x2"][:, 0].mean() < found["random x1"][:, 0].mean()
    np.testing.assert_allclose(found["random x1"][:, 11:], 0.0, atol=1e-12)  # all twelve were tried
    assert np.ptp(found["library default"], axis=1).max() == 0


def test_random_search_is_what_enumeration_says() -> None:
    regrets = np.array([0.0, 0.5, 1.0, np.nan])
    expected = [0.5, (0.0 * 2 + 0.5) / 3, 0.0]
    np.testing.assert_allclose(random_curve(regrets, 1, 0)[:3], expected, atol=0.08)


def test_every_row_has_both_curves() -> None:
    found = replay(setting(made(16)), ["portfolio"])
    assert {"curve", "improvability", "family", "task"} <= set(found)
    assert by_family(found, "improvability")["portfolio"].shape == (16, 25)


@pytest.mark.parametrize("name", ["forest", "ensemble"])
def test_curves_never_rise(name: str) -> None:
    assert (np.diff(by_family(replay(setting(made(16)), [name]))[name], axis=1) <= 0).all()


def test_within_a_budget_choosing_by_price_is_ahead_and_what_is_not_ready_is_lost() -> None:
    table, slow = made(), np.arange(12) % 3 == 0
    seconds = np.tile(np.where(slow, 3.0, 1.0), (table.n_tasks, 1))
    better = table.losses - np.where(slow, 0.004, 0.0)  # a little better on average, and not worth the wait
    found = replay_timed(setting(replace(table, seconds=seconds, losses=better)), ["ensemble"])
    means = {by_price: np.mean(list(part["curve"]), axis=0) for by_price, part in found.groupby("by_price")}
    assert means[True][0] == means[False][0] == 1  # half of a mean fit: nothing is ready in time
    assert means[True][2] < means[False][2] < 1
    assert (np.diff(means[True]) <= 0).all()
