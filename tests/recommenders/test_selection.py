import numpy as np

from metalearn.recommenders.selection import greedy, heaviest, price

REGRETS = np.array([[0.0, 0.4, 1.0, 0.5], [1.0, 0.4, 0.0, 0.5], [1.0, 0.4, 0.1, 0.5]])
EVEN = np.full(3, 1 / 3)
ALL = np.ones(4, dtype=bool)


def test_the_list_complements_itself() -> None:
    assert greedy(REGRETS, EVEN, 3, allowed=ALL) == [2, 0, 1]


def test_weights_decide() -> None:
    assert greedy(REGRETS, np.array([1.0, 0, 0]), 1, allowed=ALL) == [0]


def test_what_was_reached_before_counts() -> None:
    assert greedy(REGRETS, EVEN, 1, allowed=ALL, reached=np.array([1.0, 0.0, 0.0])) == [0]


def test_only_allowed_columns_are_chosen_and_each_once() -> None:
    allowed = np.array([False, True, False, True])
    assert greedy(REGRETS, EVEN, 10, allowed=allowed) == [1, 3]


def test_a_budget_holds_for_the_whole_list() -> None:
    seconds = np.array([5.0, 1.0, 8.0, 1.0])
    chosen = greedy(REGRETS, EVEN, 4, allowed=ALL, seconds=seconds, time_budget=6.5)
    assert seconds[chosen].sum() <= 6.5
    assert set(chosen) >= {0, 1}
    assert greedy(REGRETS, EVEN, 4, allowed=ALL, seconds=seconds, time_budget=0.5) == []


def test_with_little_time_the_cheap_come_first_and_with_plenty_the_best() -> None:
    seconds = np.array([1.0, 1.0, 40.0, 1.0])
    best_first = greedy(REGRETS, EVEN, 3, allowed=ALL)
    assert greedy(REGRETS, EVEN, 3, allowed=ALL, seconds=seconds, time_budget=45) == [1, 0, 2]
    assert greedy(REGRETS, EVEN, 3, allowed=ALL, seconds=seconds, time_budget=1e6) == best_first


def test_where_nothing_is_gained_the_better_comes_first_whatever_it_takes() -> None:
    regrets, seconds = np.array([[0.0, 0.1, 0.2, 0.3]] * 2), np.array([1.0, 1.0, 1.0, 50.0])
    assert greedy(regrets, EVEN[:2], 4, allowed=ALL, seconds=seconds, time_budget=100.0) == [0, 1, 2, 3]


def test_a_price_has_no_meaning_without_a_limit_and_rises_with_seconds_within_one() -> None:
    seconds = np.array([0.0, 1.0, 5.0, np.nan])
    np.testing.assert_array_equal(price(seconds, np.inf), np.ones(4))
    assert (np.diff(price(seconds, 10.0)[:3]) > 0).all()
    assert price(seconds, 10.0)[3] == price(seconds, 10.0)[0] > 0


def test_unknown_seconds_count_as_the_median() -> None:
    seconds = np.array([np.nan, 1.0, 8.0, 1.0])
    assert 0 not in greedy(REGRETS, EVEN, 4, allowed=ALL, seconds=seconds, time_budget=0.9)
    unknown = np.full(4, np.nan)
    for time_budget in (None, 1.0):
        assert greedy(REGRETS, EVEN, 3, allowed=ALL, seconds=unknown, time_budget=time_budget) == [2, 0, 1]


def test_the_heaviest_tasks_are_kept() -> None:
    weights = np.full(5000, 1.0)
    weights[4990:] = 2.0
    weights[0] = 0.0
    rows = heaviest(weights)
    assert len(rows) == 2000
    assert len(heaviest(weights, 500)) == 500
    assert set(range(4990, 5000)) <= set(rows)
    assert 0 not in rows
