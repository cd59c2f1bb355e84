import numpy as np
import pytest

from metalearn.recommenders.scale import capped, complete, from_working, log_losses, relative_regrets


def test_failures_count_as_the_worst_loss_of_their_task() -> None:
    found = capped(np.array([[0.1, 0.4, np.inf, np.nan]]), bounded=True)
    np.testing.assert_array_equal(found, [[0.1, 0.4, 0.4, np.nan]])


def test_one_diverged_loss_does_not_make_all_others_look_alike() -> None:
    losses = np.array([[0.1, 0.2, 0.3, 0.4, 1e9]])
    assert relative_regrets(capped(losses, bounded=False))[0, 3] > 0.3
    assert relative_regrets(capped(losses, bounded=True))[0, 3] < 1e-6


def test_regrets_lie_between_the_best_and_the_worst() -> None:
    regrets = relative_regrets(np.array([[3.0, 1.0, 2.0, np.nan], [5.0, 5.0, 5.0, 5.0]]))
    np.testing.assert_array_equal(regrets, [[1.0, 0.0, 0.5, np.nan], [0.0, 0.0, 0.0, 0.0]])


def test_the_working_scale_is_undone() -> None:
    losses = np.array([0.0, 0.01, 0.7, 12.0])
    np.testing.assert_allclose(from_working(log_losses(losses, 3.0), 3.0), losses, atol=1e-12)


def test_completion_keeps_what_is_known_and_finds_low_rank_structure() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(60, 1)) + rng.normal(size=(60, 2)) @ rng.normal(size=(2, 30))
    hidden = rng.random(truth.shape) < 0.3
    filled = complete(np.where(hidden, np.nan, truth))
    np.testing.assert_array_equal(filled[~hidden], truth[~hidden])
    assert np.corrcoef(filled[hidden], truth[hidden])[0, 1] > 0.9


def test_completion_of_a_single_known_value_is_finite() -> None:
    assert np.isfinite(complete(np.array([[1.0, np.nan, np.nan]]))).all()


@pytest.mark.parametrize("bounded", [True, False])
def test_a_task_with_one_result_has_no_regret(*, bounded: bool) -> None:
    assert relative_regrets(capped(np.array([[0.3, np.inf]]), bounded=bounded)).tolist() == [[0.0, 0.0]]
