from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metalearn.dataset import Dataset
from metalearn.metafeatures import extract, list_meta_features

QUICK = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CHEAP = list_meta_features(tier="cheap")


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.Series]:
    """Tables of every kind of column, with ties, gaps and constants, and a target."""
    n = draw(st.integers(20, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = {}
    for i, kind in enumerate(draw(st.lists(st.sampled_from("nistgbcd"), min_size=1, max_size=6))):
        columns[f"c{i}"] = {
            "n": lambda: rng.normal(size=n),
            "i": lambda: rng.integers(-2, 3, n),
            "s": lambda: np.exp(rng.normal(0, 3, n)),
            "t": lambda: np.full(n, 3.5),
            "g": lambda: np.where(rng.random(n) < 0.4, np.nan, rng.normal(size=n)),
            "b": lambda: rng.random(n) < 0.3,
            "c": lambda: np.array([None, "a", "b", "c", "d"], dtype=object)[rng.integers(0, 5, n)],
            "d": lambda: pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 999, n), unit="h"),
        }[kind]()
    X = pd.DataFrame(columns)
    y = rng.normal(size=n) if draw(st.booleans()) else rng.permutation(np.arange(n) % draw(st.integers(2, 5)))
    return X, pd.Series(y)


def _values(X: Any, y: Any) -> dict[str, float]:
    return dict(extract(Dataset.from_data(X, y)).values)


def _same(one: dict[str, float], other: dict[str, float]) -> None:
    for name, value in one.items():
        assert other[name] == pytest.approx(value, rel=1e-6, abs=1e-6, nan_ok=True), name


@QUICK
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table: tuple[pd.DataFrame, pd.Series], random: Any) -> None:
    X, y = table
    order = random.sample(range(len(X)), len(X))
    _same(_values(X, y), _values(X.iloc[order], y.iloc[order]))


@QUICK
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_and_names_of_columns_do_not_matter(table: tuple[pd.DataFrame, pd.Series], random: Any) -> None:
    X, y = table
    order = random.sample(range(X.shape[1]), X.shape[1])
    _same(_values(X, y), _values(X.iloc[:, order].set_axis([f"new {i}" for i in order], axis=1), y))


NOT_SCALE_FREE = {
    *("zero_fraction", "negative_fraction", "integer_fraction", "variation_median", "scale_spread"),
    *("target_std", "target_zero_fraction", "target_is_integer", "target_is_positive"),
}


@QUICK
@given(tables(), st.sampled_from([0.25, 8.0, 1024.0]), st.sampled_from([-4.0, 0.0, 64.0]))
def test_units_do_not_matter_where_the_definition_says_so(
    table: tuple[pd.DataFrame, pd.Series], factor: float, shift: float
) -> None:
    X, y = table
    numbers = X.select_dtypes("number").columns
    scaled = X.assign(**{name: X[name] * factor + shift for name in numbers})
    one, other = _values(X, y), _values(scaled, y * factor + shift if y.dtype == float else y)
    _same({k: v for k, v in one.items() if k not in NOT_SCALE_FREE}, other)


@QUICK
@given(tables())
def test_values_keep_their_bounds(table: tuple[pd.DataFrame, pd.Series]) -> None:
    found = _values(*table)
    for feature in CHEAP:
        value = found[feature.name]
        if np.isnan(value):
            continue
        if feature.unit in {"share", "flag"} and feature.name not in {"linear_gain", "interaction_gain", "linear_r2"}:
            assert -1e-9 <= value <= 1 + 1e-9, feature.name
        if feature.unit == "score":
            assert -1 - 1e-9 <= value <= 1 + 1e-9, feature.name


@settings(QUICK, max_examples=5)
@given(tables())
def test_nothing_fails(table: tuple[pd.DataFrame, pd.Series]) -> None:
    found = extract(Dataset.from_data(*table), tier="all")
    assert not {name: status for name, status in found.status.items() if status.startswith("failed")}


def test_what_is_left_by_columns_in_turn_is_that_of_ranks() -> None:
    rng = np.random.default_rng(0)
    x = rng.random(300)
    steep = pd.DataFrame({"a": np.exp(20 * x), "b": rng.random(300)})  # of ranks a explains all, of values little
    y = pd.Series(x)
    values = [
        extract(steep.iloc[order], y.iloc[order], tier="all").values["c4"]
        for order in (range(300), rng.permutation(300))
    ]
    assert values[0] == values[1]
    ties = pd.DataFrame({name: rng.integers(0, 2, 300) for name in "abcd"})
    orders = (np.arange(300), rng.permutation(300))
    assert len({extract(ties.iloc[o], y.iloc[o], tier="all").values["c4"] for o in orders}) == 1


def test_mutual_information_is_corrected_for_the_cells_that_hold_rows() -> None:
    """Miller and Madow's correction, by hand: 8 rows (a, no), 4 (b, no), 8 (b, yes); three of four cells hold rows."""
    column = pd.Series(["a"] * 8 + ["b"] * 12, dtype="category")
    target = pd.Series(["no"] * 12 + ["yes"] * 8, dtype="category")
    # .9709506 + .9709506 - 1.5219281 bits, and (1 + 1 - 2) / 40 nats; of .9709506 bits and 1 / 40 nats
    expected = 0.4199731 / (0.9709506 + 0.0360674)
    assert extract(column.to_frame("x"), target).values["mutual_information_max"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("levels", [2, 5, 10])
def test_a_column_that_equals_the_target_tells_all_of_it_also_with_twenty_rows(levels: int) -> None:
    target = pd.Series([f"class {i % levels}" for i in range(20)], dtype="category")
    values = extract(target.to_frame("x"), target).values
    assert values["mutual_information_max"] == pytest.approx(1.0)
    assert values["mutual_information_mean"] == pytest.approx(1.0)
