import numpy as np
import pytest

from metalearn.recommenders.scale import log_losses
from metalearn.recommenders.stand_in import as_expected

WORKING = log_losses(np.array([[0.1, 0.2, 0.4, 0.3], [0.2, 0.3, 0.9, 0.4], [0.05, 0.06, 0.2, 0.3]]))
WEIGHTS = np.array([0.5, 0.25, 0.25])


def told(losses: list[float], columns: list[int]) -> np.ndarray:
    return as_expected(np.array(losses), np.array(columns), WORKING, WEIGHTS)


def test_the_scale_and_level_of_what_is_told_do_not_matter_but_its_order_does() -> None:
    found = told([-7.0, -3.0, -1.0], [0, 1, 2])
    assert (np.diff(found) > 0).all()
    assert told([0.70, 0.74, 0.76], [0, 1, 2]) == pytest.approx(found)
    assert (np.diff(told([3.0, 2.0, 1.0], [0, 1, 2])) < 0).all()


def test_a_single_result_is_as_expected() -> None:
    expected = np.exp(WEIGHTS @ WORKING) - 0.05
    assert told([123.0], [2]) == pytest.approx(expected[[2]])


def test_failures_stay_failures_and_what_is_pending_is_as_expected() -> None:
    expected = np.exp(WEIGHTS @ WORKING) - 0.05
    found = told([1.0, np.inf, np.nan, 2.0], [0, 1, 2, 3])
    assert np.isinf(found[1])
    assert found[2] == pytest.approx(expected[2])
    assert found[0] < found[3]


def test_a_single_result_beside_failures_is_as_expected() -> None:
    found = told([1.0, np.inf, np.nan], [0, 1, 2])  # without a warning, which would be an error here
    assert np.isinf(found).tolist() == [False, True, False]
    assert found[[0, 2]] == pytest.approx((np.exp(WEIGHTS @ WORKING) - 0.05)[[0, 2]])


def test_results_of_new_configurations_are_placed_beside_those_of_the_list() -> None:
    found = told([1.0, 2.0, 0.5, 3.0], [0, 1, -1, -1])
    assert found[2] < found[0] < found[1] <= found[3]


def test_one_that_is_far_worse_does_not_hide_the_others() -> None:
    near, far = told([1.0, 1.1, 1.2, 5.0], [0, 1, 2, 3]), told([1.0, 1.1, 1.2, 5e6], [0, 1, 2, 3])
    assert far[1] - far[0] > 0.5 * (near[1] - near[0])


def test_nothing_told_is_nothing() -> None:
    assert len(told([], [])) == 0
