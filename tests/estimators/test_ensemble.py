import numpy as np
import pytest

from metalearn.estimators.ensemble import Comparison
from metalearn.task import ProblemType, get_metric

BINARY, NUMBERS = ProblemType.BINARY, ProblemType.REGRESSION
N_FOLDS = 4


def truth(n: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def folds_of(values: np.ndarray) -> list[np.ndarray]:
    return np.array_split(values, N_FOLDS)


def test_the_default_stays_where_nothing_is_better() -> None:
    y, rng = truth(), np.random.default_rng(1)
    good = y + rng.normal(size=400)
    trials = [folds_of(good)] + [folds_of(y + 3 * rng.normal(size=400)) for _ in range(5)]
    metric = get_metric("rmse", NUMBERS)
    comparison = Comparison(trials, folds_of(y), metric=metric, problem_type=NUMBERS)
    found = comparison.choose(blend=False)
    assert found.members == [0]
    assert comparison.loss(found.weights) == pytest.approx(
        np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(folds_of(good), folds_of(y), strict=True)])
    )


def test_a_better_trial_replaces_the_default() -> None:
    y, rng = truth(), np.random.default_rng(1)
    trials = [folds_of(y + 2 * rng.normal(size=400)), folds_of(y + rng.normal(size=400))]
    found = Comparison(trials, folds_of(y), metric=get_metric("r2", NUMBERS), problem_type=NUMBERS).choose(blend=False)
    assert found.members == [1]
    assert found.held_out_losses["single"] < found.held_out_losses["default"]


def test_trials_with_independent_errors_are_blended_and_the_blend_is_better() -> None:
    y, rng = truth(), np.random.default_rng(1)
    trials = [folds_of(y + rng.normal(size=400)) for _ in range(6)]
    found = Comparison(trials, folds_of(y), metric=get_metric("r2", NUMBERS), problem_type=NUMBERS).choose()
    assert len(found.members) > 3
    assert found.weights.sum() == pytest.approx(1)
    assert found.held_out_losses["blend"] < found.held_out_losses["single"] - 0.3


def test_luck_among_many_does_not_replace_the_default() -> None:
    """Thirty trials of pure noise: the best one looks better than the default, but not on folds that did not choose it."""
    replaced = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 120)
        signal = np.clip(0.5 + 0.05 * (2 * y - 1) + 0.15 * rng.normal(size=120), 0.01, 0.99)
        guesses = [signal, *(np.clip(0.5 + 0.2 * rng.normal(size=120), 0.01, 0.99) for _ in range(30))]
        trials = [folds_of(np.column_stack([1 - p, p])) for p in guesses]
        metric = get_metric("accuracy", BINARY)
        found = Comparison(trials, folds_of(y), metric=metric, problem_type=BINARY).choose(blend=False)
        naive = np.argmin([np.mean((p > 0.5) != y) for p in guesses])
        replaced += found.members != [0]
        assert naive == 0 or found.held_out_losses["default"] <= 1
    assert replaced <= 4


def test_a_failed_default_leaves_the_choice_to_the_others() -> None:
    y = truth()
    trials = [folds_of(y + 1.0), folds_of(y + 0.5)]
    found = Comparison(trials, folds_of(y), metric=get_metric("mae", NUMBERS), problem_type=NUMBERS).choose(
        default=None
    )
    assert found.members == [1]
    assert set(found.held_out_losses) == {"single", "blend"}


def test_a_single_trial_on_a_single_fold_is_chosen() -> None:
    y = truth(50)
    comparison = Comparison([[y + 1]], [y], metric=get_metric("mae", NUMBERS), problem_type=NUMBERS)
    assert comparison.choose().members == [0]
    assert comparison.loss([1.0]) == pytest.approx(1)


def test_long_folds_are_thinned_and_give_the_same_choice() -> None:
    y, rng = truth(60_000), np.random.default_rng(1)
    trials = [folds_of(y + 2 * rng.normal(size=60_000)), folds_of(y + rng.normal(size=60_000))]
    comparison = Comparison(trials, folds_of(y), metric=get_metric("r2", NUMBERS), problem_type=NUMBERS)
    found = comparison.choose(blend=False)
    assert found.members == [1]
    assert comparison.loss(found.weights) == pytest.approx(1.0, abs=0.05)


def test_the_loss_of_a_blend_is_that_of_the_weighted_predictions() -> None:
    y = truth()
    trials = [folds_of(y + 1.0), folds_of(y - 3.0)]
    comparison = Comparison(trials, folds_of(y), metric=get_metric("mae", NUMBERS), problem_type=NUMBERS)
    assert comparison.loss([0.75, 0.25]) == pytest.approx(0)
    assert comparison.loss([1, 0]) == pytest.approx(1)
    assert comparison.loss([0, 1]) == pytest.approx(3)


def test_luck_on_a_single_fold_does_not_replace_the_default_either() -> None:
    gains = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 60)
        guesses = rng.random((12, 60))
        trials = [[np.column_stack([1 - p, p])] for p in guesses]
        comparison = Comparison(trials, [y], metric=get_metric("roc_auc", BINARY), problem_type=BINARY)
        gains.append(0.5 - comparison.choose(blend=False).held_out_losses["single"])
    assert abs(np.mean(gains)) < 0.03  # nothing can be foretold; where the rows that choose also judge it is .1


@pytest.mark.parametrize("y", [[0, 0, 0, 1], [0, 1], [0, 0, 1, 1]])
def test_a_single_fold_of_few_rows_is_compared_as_well_as_can_be(y: list[int]) -> None:
    trials = [[np.full((len(y), 2), 0.5)], [np.eye(2)[y]]]
    comparison = Comparison(trials, [np.array(y)], metric=get_metric("accuracy", BINARY), problem_type=BINARY)
    assert comparison.choose(default=None, blend=False).members == [1]


def test_the_loss_that_is_told_is_that_of_all_rows() -> None:
    y, rng = truth(15_000), np.random.default_rng(1)
    parts = [y[:9000], y[9000:]]
    predicted = [part + rng.standard_t(2, len(part)) for part in parts]
    metric = get_metric("rmse", NUMBERS)
    comparison = Comparison([predicted, predicted], parts, metric=metric, problem_type=NUMBERS)
    wanted = np.mean([np.sqrt(np.mean((p - t) ** 2)) for p, t in zip(predicted, parts, strict=True)])
    assert comparison.loss([1.0, 0.0]) == pytest.approx(wanted)
    assert comparison.loss([0.25, 0.75]) == pytest.approx(wanted)
