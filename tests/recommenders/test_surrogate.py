import numpy as np
import pytest

from metalearn.recommenders.surrogate import Outlook, Surrogate, squared_distances


@pytest.fixture(scope="module")
def line() -> tuple[np.ndarray, np.ndarray]:
    places = np.linspace(0, 1, 12)[:, None]
    return places, np.sin(4 * places[:, 0])


def fit(places: np.ndarray, values: np.ndarray, variances: float | np.ndarray = 1e-6, family: int = 0) -> Surrogate:
    n = len(values)
    return Surrogate.fit(np.full(n, family), places, values, np.broadcast_to(variances, n).astype(float))


def look(surrogate: Surrogate, places: np.ndarray, family: int = 0) -> Outlook:
    return surrogate.look(np.full(len(places), family), places)


def test_it_passes_through_what_is_known_and_between(line: tuple[np.ndarray, np.ndarray]) -> None:
    places, values = line
    surrogate = fit(places, values)
    np.testing.assert_allclose(look(surrogate, places).mean, values, atol=1e-3)
    between = np.array([[0.12], [0.52]])
    outlook = look(surrogate, between)
    np.testing.assert_allclose(outlook.mean, np.sin(4 * between[:, 0]), atol=0.02)
    assert outlook.variance.max() < look(surrogate, np.array([[3.0]])).variance[0]


def test_it_is_the_textbook_gaussian_process(line: tuple[np.ndarray, np.ndarray]) -> None:
    places, values = line
    noise = np.linspace(0.01, 0.2, len(values))
    surrogate = fit(places, values, noise)
    between, within, length = surrogate.kernel
    new = np.array([[0.3], [0.77], [1.5]])

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return between + within * np.exp(-squared_distances(a, b) / (2 * length**2))

    inverse = np.linalg.inv(kernel(places, places) + np.diag(noise))
    mean = surrogate.level + kernel(new, places) @ inverse @ (values - surrogate.level)
    variance = between + within - np.einsum("ij,jk,ik->i", kernel(new, places), inverse, kernel(new, places))
    outlook = look(surrogate, new)
    np.testing.assert_allclose(outlook.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(outlook.variance, variance, rtol=1e-9)


def test_families_know_nothing_of_each_other_but_the_level(line: tuple[np.ndarray, np.ndarray]) -> None:
    outlook = look(fit(*line), line[0], family=1)
    assert np.ptp(outlook.mean) == 0
    assert np.ptp(outlook.variance) == 0


def test_uncertain_values_move_it_less(line: tuple[np.ndarray, np.ndarray]) -> None:
    places, values = line
    variances = np.full(len(values), 1e-4)
    off = values.copy()
    off[5] += 1.0
    sure, unsure = fit(places, off, variances), fit(places, off, np.where(np.arange(12) == 5, 4.0, 1e-4))
    here = places[[5]]
    assert abs(look(unsure, here).mean[0] - values[5]) < 0.3 * abs(look(sure, here).mean[0] - values[5])


def test_expected_improvement_is_what_draws_give(line: tuple[np.ndarray, np.ndarray]) -> None:
    outlook = look(fit(line[0][:4], line[1][:4]), np.array([[0.5], [0.9]]))
    draws = np.random.default_rng(0).normal(outlook.mean, np.sqrt(outlook.variance), size=(200_000, 2))
    expected = np.maximum(0.9 - draws, 0).mean(axis=0)
    np.testing.assert_allclose(outlook.improvement(0.9), expected, rtol=0.02)


def test_believing_is_the_same_as_being_told_what_is_expected(line: tuple[np.ndarray, np.ndarray]) -> None:
    places, values = line[0][:4], line[1][:4]
    surrogate = fit(places, values)
    new = np.linspace(0.3, 1.2, 9)[:, None]
    outlook = look(surrogate, new)
    believed = outlook.believe(4)
    grid = np.r_[places, new[[4]]]
    between, within, length = surrogate.kernel
    covariance = between + within * np.exp(-squared_distances(grid, grid) / (2 * length**2)) + 1e-6 * np.eye(5)
    cross = between + within * np.exp(-squared_distances(new, grid) / (2 * length**2))
    expected = between + within - np.einsum("ij,jk,ik->i", cross, np.linalg.inv(covariance), cross)
    np.testing.assert_allclose(believed.variance, np.maximum(expected, 1e-8), atol=1e-4)
    np.testing.assert_array_equal(believed.mean, outlook.mean)
    assert believed.variance[4] < 1e-6 < outlook.variance[4]


def test_nothing_known_is_no_error() -> None:
    outlook = look(fit(np.empty((0, 1)), np.empty(0)), np.array([[0.5]]))
    assert outlook.mean[0] == 0
    assert outlook.variance[0] > 0
