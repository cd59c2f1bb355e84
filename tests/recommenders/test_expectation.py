from dataclasses import replace

import numpy as np
import pytest

from metalearn.recommenders import PastTasks, PerformanceTable, Posterior
from metalearn.recommenders.ensemble import TaskEnsemble
from metalearn.recommenders.expectation import Expectation, _Error, _quantile
from metalearn.recommenders.scale import log_losses
from metalearn.recommenders.simulation import family_folds, play
from metalearn.task import get_metric


def test_intervals_hold_on_families_left_out(table: PerformanceTable) -> None:
    inside = []
    for kept, left_out in family_folds(table, 5):
        past = PastTasks.fit(table.take(kept))
        expectation = Expectation.fit(past)
        for i in left_out:
            known = np.isfinite(table.losses[i])
            query = past.query(table.meta_features[i], n=5, observed={}, allowed=known)
            best = np.flatnonzero(known)[:6]
            _, low, high, _ = expectation.expect(Posterior(past, query), best)
            truth = table.metric.from_loss(table.losses[i, best])
            inside.append((low <= truth) & (truth <= high))
    assert 0.65 < np.mean(inside) < 0.95


def test_intervals_shrink_when_results_come_in_and_scores_come_nearer(past: PastTasks) -> None:
    expectation = Expectation.fit(past)
    allowed = np.ones(12, dtype=bool)
    columns, i = [5, 9], 3
    widths, gaps = [], []
    for observed in ({}, {j: float(past.table.losses[i, j]) for j in (0, 3, 4)}):
        query = past.query(past.table.meta_features[i], n=2, observed=observed, allowed=allowed)
        score, low, high, _ = expectation.expect(Posterior(past, query), columns)
        assert (low <= score).all()
        assert (score <= high).all()
        widths.append(float((high - low).mean()))
        gaps.append(float(np.abs(score - past.table.metric.from_loss(past.table.losses[i, columns])).mean()))
    assert widths[1] < widths[0]
    assert gaps[1] < gaps[0]


def test_scores_of_a_bounded_metric_stay_within_bounds(past: PastTasks) -> None:
    expectation = Expectation(np.full(4, 50.0), np.zeros(1), np.ones(4))
    query = past.query(past.table.meta_features[0], n=2, observed={}, allowed=np.ones(12, dtype=bool))
    _, low, high, _ = expectation.expect(Posterior(past, query), range(12))
    assert low.min() >= 0
    assert high.max() <= 1


def test_an_unknown_unit_gives_no_score(past: PastTasks) -> None:
    query = past.query(past.table.meta_features[0], n=2, observed={}, allowed=np.ones(12, dtype=bool), unit=np.nan)
    score, low, high, _ = Expectation(np.ones(4), np.zeros(1), np.ones(4)).expect(Posterior(past, query), [0])
    assert np.isnan([score[0], low[0], high[0]]).all()


@pytest.mark.parametrize("count", [0, 2, 30])
def test_the_stretch_is_defined_for_any_number_of_results(past: PastTasks, count: int) -> None:
    observed = dict.fromkeys(range(min(count, 11)), 0.2)
    query = past.query(past.table.meta_features[0], n=1, observed=observed, allowed=np.ones(12, dtype=bool))
    assert np.isfinite(Expectation.fit(past).expect(Posterior(past, query), [11])[0]).all()


def test_outliers_and_the_last_of_a_list_are_covered_too(table: PerformanceTable) -> None:
    """Losses without a bound: on some tasks a configuration diverges, which is left to be tried after the good ones."""
    rng = np.random.default_rng(0)
    losses = np.where(np.isfinite(table.losses), table.losses, 0.5)
    losses[:, 11] *= np.exp(np.abs(rng.normal(0, 2, len(losses))))
    wild = replace(table, losses=losses, metric=get_metric("log_loss", table.problem_type))
    inside = []
    for kept, left_out in family_folds(wild, 4):
        past = PastTasks.fit(wild.take(kept))
        expectation = Expectation.fit(past)
        for i in left_out:
            observed = {j: float(losses[i, j]) for j in range(9)}
            query = past.query(wild.meta_features[i], n=3, observed=observed, allowed=np.ones(12, dtype=bool))
            _, low, high, _ = expectation.expect(Posterior(past, query), [9, 10, 11])
            truth = wild.metric.from_loss(losses[i, [9, 10, 11]])
            inside.append((low <= truth) & (truth <= high))
    assert 0.7 < np.mean(inside) < 0.95


def test_the_farther_a_task_is_from_all_others_the_wider_its_intervals(past: PastTasks) -> None:
    expectation, middle = (
        Expectation(np.ones(4), np.ones(1), np.ones(4)),
        np.nanmedian(past.table.meta_features, axis=0),
    )
    about = {"n": 1, "observed": {}, "allowed": np.ones(12, dtype=bool)}
    near, far = past.query(middle, **about), past.query(middle + 30, **about)
    assert near.distance < far.distance
    widths = []
    for distance in (near.distance, far.distance):  # all else equal
        _, low, high, _ = expectation.expect(Posterior(past, replace(near, distance=distance)), [5])
        widths.append(float(high[0] - low[0]))
    assert widths[0] < widths[1]


def test_improvements_come_true_on_average_on_families_left_out(table: PerformanceTable) -> None:
    expected, came = [], []
    for kept, left_out in family_folds(table, 5):
        past = PastTasks.fit(table.take(kept))
        expectation, strategy = Expectation.fit(past), TaskEnsemble().fit_past(past)
        for i in left_out:
            losses = table.losses[i]
            order = play(strategy, table.meta_features[i], losses, 4)
            for n in range(1, len(order)):
                observed = {j: float(losses[j]) for j in order[:n]}
                best = min(observed.values())
                query = past.query(table.meta_features[i], n=1, observed=observed, allowed=np.isfinite(losses))
                expected.append(float(expectation.expect(Posterior(past, query), [order[n]])[3][0]))
                came.append(max(best - float(losses[order[n]]), 0.0))
    assert min(expected) >= 0
    assert 0.4 < np.mean(expected) / np.mean(came) < 2.5


def test_nothing_is_said_of_improvements_before_there_is_a_result(past: PastTasks) -> None:
    query = past.query(past.table.meta_features[0], n=2, observed={}, allowed=np.ones(12, dtype=bool))
    assert np.isnan(Expectation.fit(past).expect(Posterior(past, query), [0, 1])[3]).all()


def test_the_better_the_best_so_far_the_less_is_to_be_gained(past: PastTasks) -> None:
    expectation = Expectation.fit(past)
    query = past.query(past.table.meta_features[0], n=1, observed={0: 0.3}, allowed=np.ones(12, dtype=bool))
    told = [replace(query, best=float(log_losses(np.array(least)))) for least in (0.5, 0.3, 0.1, 0.0)]
    gains = [float(expectation.expect(Posterior(past, one), [5])[3][0]) for one in told]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0
    assert gains[-1] == 0  # nothing is better than no loss at all


def test_intervals_grow_with_the_distance_as_far_as_errors_do(table: PerformanceTable) -> None:
    past = PastTasks.fit(table)
    assert 0 <= float(Expectation.fit(past).growth[0]) <= 1
    distances = np.array([past.prior(x).distance for x in table.meta_features])
    noise = np.random.default_rng(0).normal(size=table.losses.shape)
    wild = table.losses * np.exp(noise * (distances[:, None] > np.median(distances)))
    far_are_wild = Expectation.fit(PastTasks.fit(replace(table, losses=np.clip(wild, 1e-4, 0.9))))
    near_are_wild = table.losses * np.exp(noise * (distances[:, None] <= np.median(distances)))
    other = Expectation.fit(PastTasks.fit(replace(table, losses=np.clip(near_are_wild, 1e-4, 0.9))))
    assert far_are_wild.growth[0] > other.growth[0]


def test_a_family_counts_as_one_and_a_further_family_is_covered() -> None:
    errors = [_Error(1.0, np.array([float(k)]), 1.0) for k in range(1, 10)]
    assert _quantile(errors, 0.0) == 8.0  # the ninth part of ten: (n + 1) times 80 %, of n = 9
    doubled = [*errors[:-1], *[_Error(1.0, np.array([9.0]), 0.5)] * 2]
    assert _quantile(doubled, 0.0) == _quantile(errors, 0.0)
    assert _quantile(errors[:3], 0.0) == 3.0
