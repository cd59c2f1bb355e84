import logging
import pickle
import tracemalloc
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.exceptions import InvalidInputError
from metalearn.metafeatures import MetaFeature, MetaFeatures, Tier, extract, list_meta_features
from metalearn.metafeatures import extraction as extraction_module

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(80, 4)), columns=list("abcd"))
X["kind"] = np.array(["u", "v", "w"])[RNG.integers(0, 3, 80)]
CLASSES = (X["a"] + X["b"] > 0).astype(int)
AMOUNT = X["a"] * 3 + X["b"] ** 2


def test_each_tier_includes_the_cheaper_ones() -> None:
    cheap, landmarks, everything = ([f.name for f in list_meta_features(tier=tier)] for tier in Tier)
    assert cheap == landmarks[: len(cheap)]
    assert landmarks == everything[: len(landmarks)]
    assert len(everything) >= 200


@pytest.mark.parametrize("y", [CLASSES, X["kind"], AMOUNT], ids=["binary", "multiclass", "regression"])
def test_the_cheap_tier_has_at_least_40_values_for_every_problem_type(y: Any) -> None:
    found = extract(X.drop(columns="kind") if y.name == "kind" else X, y)
    assert sum(np.isfinite(value) for value in found.values.values()) >= 40


def test_every_meta_feature_says_what_it_is() -> None:
    for feature in list_meta_features():
        assert feature.name.isidentifier(), feature.name
        assert feature.name == feature.name.lower()
        for text in (feature.description, feature.unit, feature.nan_when, feature.reference, feature.group):
            assert len(text) > 1, feature.name
            assert text != "as above", feature.name


@pytest.mark.parametrize("y", [CLASSES, AMOUNT], ids=["classification", "regression"])
def test_a_value_that_is_never_nan_is_a_number(y: Any) -> None:
    found = extract(X, y, tier="all")
    for feature in list_meta_features():
        assert found.status[feature.name] in {"ok", "not applicable"}
        if feature.nan_when == "never":
            assert np.isfinite(found.values[feature.name]), feature.name


def test_only_the_other_problem_type_is_without_a_class_or_target_value() -> None:
    classes, amounts = extract(X, CLASSES), extract(X, AMOUNT)
    for feature in list_meta_features(tier="cheap"):
        if feature.group == "class":
            assert np.isfinite(classes.values[feature.name])
            assert np.isnan(amounts.values[feature.name])
        if feature.group == "target":
            assert np.isnan(classes.values[feature.name])
            assert np.isfinite(amounts.values[feature.name])


def test_known_values_of_a_small_table() -> None:
    table = pd.DataFrame({"a": [0.0, 1.0] * 15, "b": [np.nan, *range(29)], "c": ["x", "y", "y"] * 10})
    found = extract(table, [0, 1] * 15).values
    assert found["n_rows"] == 30
    assert found["numeric_fraction"] == pytest.approx(2 / 3)
    assert found["missing_fraction"] == pytest.approx(1 / 90)
    assert found["rows_missing_fraction"] == pytest.approx(1 / 30)
    assert found["class_entropy"] == 1.0
    assert found["binary_fraction"] == pytest.approx(2 / 3)
    assert found["mutual_information_max"] == pytest.approx(1.0, abs=0.03)
    assert found["column_r2_max"] == pytest.approx(1.0)
    assert found["linear_score"] == pytest.approx(1.0)
    assert found["stump_train_score"] == pytest.approx(1.0)


def test_a_product_of_two_columns_shows_as_interaction_and_a_square_as_nonlinearity() -> None:
    a, b = RNG.normal(size=(2, 2000))
    table = pd.DataFrame({"a": a, "b": b})
    product, square, line = (extract(table, y).values for y in (a * b, a**2, a + b))
    assert product["interaction_gain"] > 0.5
    assert square["nonlinearity_max"] > 0.5
    assert line["linear_r2"] > 0.99
    assert max(line["interaction_gain"], line["nonlinearity_max"]) < 0.05


def test_noise_is_not_taken_for_signal() -> None:
    noise = pd.DataFrame(RNG.normal(size=(300, 40)))
    noise["id"] = [f"row {i}" for i in range(300)]
    found = extract(noise, RNG.integers(0, 2, 300), tier="landmarks").values
    assert found["mutual_information_mean"] < 0.02
    assert found["bin_r2_mean"] < 0.02
    assert found["informative_fraction"] < 0.08
    assert abs(found["linear_score"]) < 0.25
    assert abs(found["landmark_forest"]) < 0.25


def test_landmarks_tell_linear_from_nested_classes() -> None:
    angle = RNG.uniform(0, 2 * np.pi, 400)
    radius = np.where(np.arange(400) % 2, 1.0, 2.0) + RNG.normal(0, 0.1, 400)
    rings = pd.DataFrame({"x": radius * np.cos(angle), "y": radius * np.sin(angle)})
    found = extract(rings, np.arange(400) % 2, tier="landmarks").values
    assert found["landmark_linear"] < 0.3
    assert found["landmark_one_neighbour"] > 0.9
    assert found["landmark_forest_gain"] > 0.6


def test_without_time_nothing_is_begun_and_the_status_says_so() -> None:
    found = extract(X, CLASSES, tier="all", time_budget=0.0)
    assert set(found.status.values()) == {"no time"}
    assert np.isnan(list(found.values.values())).all()


def test_a_dataset_and_its_parts_give_the_same_values() -> None:
    one, other = extract(X, CLASSES), extract(Dataset.from_data(X, CLASSES))
    assert dict(one.values) == pytest.approx(dict(other.values), nan_ok=True)


def test_a_seed_repeats_the_sample_and_counts_do_not_depend_on_it() -> None:
    long = pd.DataFrame(RNG.normal(size=(6000, 3)))
    long.iloc[::10, 0] = np.nan
    y = np.arange(6000) % 3
    first, again, other = (extract(long, y, random_state=seed).values for seed in (0, 0, 1))
    assert dict(first) == pytest.approx(dict(again), nan_ok=True, rel=0, abs=0)
    assert first["skewness_mean"] != other["skewness_mean"]
    assert first["missing_fraction"] == other["missing_fraction"] == pytest.approx(0.1 / 3)
    assert first["n_rows"] == other["n_rows"] == 6000


def test_the_spread_of_the_target_is_exact() -> None:
    y = RNG.normal(5, 3, 7000)
    assert extract(pd.DataFrame({"a": y}), y).values["target_std"] == pytest.approx(y.std())


def test_a_sample_is_close_to_the_whole() -> None:
    long = pd.DataFrame(RNG.gamma(2.0, size=(20_000, 3)))
    found = extract(long, RNG.normal(size=20_000)).values
    assert found["skewness_mean"] == pytest.approx(2 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("shape", [(10_000, 50), (500, 3000)])
@pytest.mark.parametrize("levelled", [0, 2], ids=["numbers", "half categorical"])
def test_extra_memory_stays_below_twice_the_table(shape: tuple[int, int], levelled: int) -> None:
    n_levelled = levelled * shape[1] // 4
    numbers = pd.DataFrame(RNG.normal(size=(shape[0], shape[1] - n_levelled))).add_prefix("x")
    levels = {
        f"c{i}": pd.Categorical.from_codes(RNG.integers(0, 8, shape[0]), list("abcdefgh")) for i in range(n_levelled)
    }
    table = pd.concat([numbers, pd.DataFrame(levels)], axis=1)
    y = np.arange(shape[0]) % 2
    check_data(Dataset.from_data(table, y))  # what is loaded once does not count
    tracemalloc.start()
    data = Dataset.from_data(table, y)
    extract(data)
    check_data(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * table.memory_usage().sum()


def test_problem_type_can_be_set() -> None:
    whole = pd.Series(np.arange(80) % 5)
    assert extract(X, whole).values["n_classes"] == 5
    assert np.isnan(extract(X, whole, problem_type="regression").values["n_classes"])


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="Unknown tier 'best'"):
        extract(X, CLASSES, tier="best")


def test_meta_features_survive_a_round_trip() -> None:
    found = extract(X, CLASSES)
    for other in (MetaFeatures.from_dict(found.to_dict()), pickle.loads(pickle.dumps(found))):
        assert dict(other.values) == pytest.approx(dict(found.values), nan_ok=True)
        assert (other.seconds, other.status) == (found.seconds, found.status)


def test_values_come_in_the_order_asked_for() -> None:
    found = MetaFeatures({"a": 1.0, "b": 2.0})
    assert found.to_array(["b", "absent", "a"]) == pytest.approx([2.0, np.nan, 1.0], nan_ok=True)


def _plug_in(compute: Any) -> MetaFeature:
    return MetaFeature(
        name="mine", group="own", tier="cheap", description="Mine", unit="share", nan_when="never",
        reference="none", compute=compute,
    )  # fmt: skip


def test_a_plug_in_is_computed_beside_the_built_in_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        extraction_module._plug_ins.__dict__, "_loaded", {"mine": _plug_in(lambda s: {"mine": s.n_rows / 2})}
    )
    entry = EntryPoint("mine", "nowhere:MINE", "metalearn.meta_features")
    monkeypatch.setitem(extraction_module._plug_ins.__dict__, "_entries", {"mine": entry})
    assert extract(X, CLASSES).values["mine"] == 40.0


def test_a_failure_is_recorded_and_costs_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> dict[str, float]:
        raise ZeroDivisionError

    monkeypatch.setattr(
        extraction_module, "list_meta_features", lambda tier: (_plug_in(fail), *list_meta_features(tier=tier))
    )
    with caplog.at_level(logging.DEBUG, logger="metalearn"):
        found = extract(X, CLASSES)
    assert found.status["mine"] == "failed: ZeroDivisionError()"
    assert np.isnan(found.values["mine"])
    assert found.status["n_rows"] == "ok"
    assert "mine failed" in caplog.text
