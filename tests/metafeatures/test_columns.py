import numpy as np
import pandas as pd
import pytest
from scipy import stats

from metalearn.dataset import Dataset
from metalearn.metafeatures.columns import Moments, adjusted_r2, binned, days_of, levels_of, numbers_of, table_of
from metalearn.metafeatures.sample import MAX_CELLS, MAX_ROWS, Sample, sample_of

RNG = np.random.default_rng(0)
VALUES = RNG.gamma(2.0, size=(4, 101))
VALUES[1, ::3] = np.nan
VALUES[2] = RNG.integers(0, 3, 101)
VALUES[3] = 7.0


def _present(line: np.ndarray) -> np.ndarray:
    return line[~np.isnan(line)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.99, 1.0])
def test_quantiles_are_numpys_on_the_present_values(share: float) -> None:
    expected = [np.quantile(_present(line), share) for line in VALUES]
    assert Moments(VALUES).quantile(share) == pytest.approx(expected)


def test_skewness_and_kurtosis_are_scipys_on_the_present_values() -> None:
    moments = Moments(VALUES)
    lines = [_present(line) for line in VALUES[:3]]
    assert moments.power_mean(3)[:3] == pytest.approx([stats.skew(line) for line in lines])
    assert moments.power_mean(4)[:3] - 3 == pytest.approx([stats.kurtosis(line) for line in lines])
    assert np.isnan([moments.power_mean(3)[3], moments.power_mean(4)[3]]).all()


def test_distinct_values_and_ends_leave_missing_ones_out() -> None:
    moments = Moments(VALUES)
    assert list(moments.n_distinct) == [101, len(_present(VALUES[1])), 3, 1]
    assert moments.high == pytest.approx([np.nanmax(line) for line in VALUES])
    assert list(moments.varies) == [True, True, True, False]


def test_standardised_columns_have_unit_variance_whatever_their_scale() -> None:
    moments = Moments(np.array([[1e308, -1e308, 0.0, 5e307], [1e-310, 0.0, 2e-310, 3e-310]]))
    assert (moments.standardised() ** 2).mean(axis=1) == pytest.approx([1.0, 1.0])


def test_bins_are_equally_frequent_and_keep_equal_values_together() -> None:
    codes = binned(
        Moments(
            np.vstack([RNG.permutation(100.0 * np.arange(100)), np.repeat([1.0, 2.0], [5, 95]), np.full(100, np.nan)])
        )
    )
    assert np.bincount(codes[0])[1:].tolist() == [10] * 9 + [9]
    assert len(np.unique(codes[1])) == 2
    assert len(np.unique(codes[2])) == 1


def test_tables_count_every_line() -> None:
    codes = RNG.integers(0, 4, size=(3, 50))
    assert table_of(codes, None, 4).tolist() == [np.bincount(line, minlength=4).tolist() for line in codes]


def test_adjusted_r2_is_the_squared_correlation_less_its_chance() -> None:
    x, y = RNG.normal(size=(2, 60))
    x, y = x - x.mean(), y - y.mean() + x
    y -= y.mean()
    expected = 1 - (1 - np.corrcoef(x, y)[0, 1] ** 2) * 59 / 58
    assert adjusted_r2(np.array([[x @ y]]), np.array([x @ x]), y[None])[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1, None], dtype="Int64"), [1.0, np.nan]),
        (pd.Series(pd.to_timedelta([36, None], unit="h")), [1.5, np.nan]),
        (pd.Series([3 + 4j, 0]), [5.0, 0.0]),
        (pd.Series(["7", None, 2.5], dtype=object), [7.0, np.nan, 2.5]),
    ],
)
def test_numbers_are_read_from_any_dtype(column: pd.Series, expected: list[float]) -> None:
    assert numbers_of(column) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["1970-01-02 12:00", None])),
        pd.Series(pd.to_datetime(["1970-01-02 12:00", None]).tz_localize("UTC")),
        pd.Series(["1970-01-02 12:00", None]),
        pd.Series(pd.PeriodIndex(["1970-01-02 12:00", None], freq="h")),
    ],
)
def test_dates_of_any_form_become_days(column: pd.Series) -> None:
    assert days_of(column) == pytest.approx([1.5, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["b", None, "a", "b"]),
        pd.Series(["b", None, "a", "b"], dtype="category"),
        pd.Series(pd.Categorical(["b", None, "a", "b"], categories=list("abcdefgh"))),
        pd.Series([[1], None, [2], [1]]),
        pd.Series([True, None, False, True], dtype="boolean"),
    ],
)
def test_levels_are_dense_codes(column: pd.Series) -> None:
    codes = levels_of(column)
    assert codes[1] == -1
    assert codes[0] == codes[3] != codes[2]
    assert codes.max() < 4


def test_missing_values_are_counted_exactly_in_any_storage() -> None:
    n = 25_000
    holes = RNG.random((n, 6)) < 0.001
    X = pd.DataFrame(np.where(holes, np.nan, RNG.normal(size=(n, 6)))).add_prefix("x")
    X["x1"] = X["x1"].astype("float32")
    X["x2"] = X["x2"].astype("Float64")
    X["x3"] = pd.Categorical(np.where(holes[:, 3], None, "a"))
    X["x4"] = pd.Series(np.where(holes[:, 4], None, "a"), dtype="str")
    X["x5"] = np.where(holes[:, 5], None, 1)
    X["none"] = np.inf
    X["whole"] = 1
    columns, rows = Dataset.from_data(X, np.arange(n) % 2).missing
    assert columns.tolist() == [*holes.sum(axis=0), 0, 0]
    assert rows == holes.any(axis=1).sum()


def test_a_sample_is_capped_and_keeps_rare_classes() -> None:
    n = 60_000
    y = np.r_[np.zeros(n - 600), np.ones(600)].astype(int)
    sample = Sample(Dataset.from_data(RNG.normal(size=(n, 120)), y))
    assert sample.n_rows == MAX_ROWS
    assert sample.numbers.shape == (MAX_CELLS // MAX_ROWS, MAX_ROWS)
    assert np.bincount(sample.target)[1] == pytest.approx(50, abs=15)
    assert sample.class_counts.tolist() == [n - 600, 600]


def test_a_dataset_keeps_its_sample() -> None:
    data = Dataset.from_data(RNG.normal(size=(50, 2)), np.arange(50) % 2)
    assert sample_of(data) is sample_of(data)
    assert sample_of(data) is not sample_of(data, random_state=1)
