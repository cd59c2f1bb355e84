import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import PredefinedSplit, TimeSeriesSplit

from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor, load_model, predict_table, save_model, tune
from metalearn.exceptions import InvalidInputError, MetalearnError
from metalearn.table.intake import label_name

OPTIONS = {"n_trials": 1, "cv": 2, "families": ["linear"]}


@pytest.fixture(scope="module")
def X() -> pd.DataFrame:  # noqa: N802 - a table's usual name
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=60), "town": rng.choice(["Ulm", "Bonn"], 60)})


def test_the_kind_of_problem_decides_and_rows_without_target_are_left_out(X: pd.DataFrame) -> None:
    numbers = X["size"] * 2
    numbers[:7] = np.nan
    model = tune(X, numbers, **OPTIONS)
    assert isinstance(model, MetaLearnRegressor)
    assert model.target_["n_rows"] == 53
    assert isinstance(tune(X, X["size"] > 0, **OPTIONS), MetaLearnClassifier)
    whole = tune(X, np.arange(60) % 5, problem_type="regression", **OPTIONS)
    assert isinstance(whole, MetaLearnRegressor)


def test_rows_without_a_target_are_told(X: pd.DataFrame) -> None:
    y = pd.Series(np.arange(len(X)) % 2, dtype=object)
    y[::5] = None
    notes = tune(X, y, n_trials=1, families=["linear"]).recommendation_.notes
    assert any("rows have no target and are left out" in note for note in notes)


@pytest.mark.filterwarnings("ignore:No category in")  # told on purpose
def test_predictions_name_the_classes(X: pd.DataFrame) -> None:
    model = tune(X, (X["size"] > 0).map({True: "big", False: "small"}), **OPTIONS)
    found, surplus = predict_table(model, X.assign(note="?")[["note", "town", "size"]].head(3))
    assert list(found) == ["prediction", "probability of big", "probability of small"]
    assert list(found["prediction"]) == list(model.predict(X.head(3)))
    assert surplus == ["note"]
    numbers, _ = predict_table(tune(X, X["size"], **OPTIONS), X.assign(town="never seen"))
    assert list(numbers) == ["prediction"]
    with pytest.raises(InvalidInputError, match="town"):
        predict_table(model, X[["size"]])


def test_too_few_rows_are_refused(X: pd.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match="at least 20"):
        tune(X.head(10), X["size"].head(10), **OPTIONS)


def visits() -> tuple[pd.DataFrame, pd.Series]:
    """Thirty patients with four visits each: what is measured tells the patient, and the patient the target."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(30), 4)
    X = pd.DataFrame(rng.normal(size=(30, 3))[patient] + 0.01 * rng.normal(size=(120, 3))).add_prefix("x")
    when = pd.date_range("2025-01-01", periods=120).strftime("%d.%m.%Y")
    return X.assign(patient=[f"p{i}" for i in patient], when=when), pd.Series(rng.normal(size=30)[patient], name="pain")


def test_a_column_of_groups_divides_the_rows_and_is_no_feature() -> None:
    X, y = visits()
    X = X.drop(columns="when")
    y[::10] = np.nan  # rows without a target are left out on both sides
    options = {"n_trials": 1, "families": ["extra_trees"], "cv": 3}
    random = tune(X.drop(columns="patient"), y, **options)
    frame = tune(X.drop(columns="patient"), y.to_frame(), groups=X[["patient"]], **options)
    named, given = (
        tune(X, y, groups="patient", **options),
        tune(X.drop(columns="patient"), y, groups=X["patient"], **options),
    )
    assert random.best_score_ > 0.8
    assert named.best_score_ == pytest.approx(given.best_score_)
    assert frame.best_score_ == pytest.approx(given.best_score_)
    assert named.best_score_ < 0.3
    assert "patient" not in named.column_kinds_
    assert any("groups of rows" in note for note in tune(X, y, **options).recommendation_.notes)
    assert not any("groups of rows" in note for note in given.recommendation_.notes)


def test_a_column_of_weights_weighs_rows_and_is_no_feature() -> None:
    X, y = visits()
    X = X.drop(columns=["when", "patient"]).assign(weight=np.arange(120) % 3)
    y[::10] = np.nan
    options = {"n_trials": 1, "families": ["linear"], "cv": 3}
    named = tune(X, y, sample_weight="weight", **options)
    given = tune(X.drop(columns="weight"), y, sample_weight=list(X["weight"]), **options)
    without = tune(X.drop(columns="weight"), y, **options)
    assert "weight" not in named.column_kinds_
    np.testing.assert_array_equal(named.predict(X.drop(columns="weight")), given.predict(X.drop(columns="weight")))
    assert not np.allclose(named.predict(X.drop(columns="weight")), without.predict(X.drop(columns="weight")))
    grouped = tune(X.assign(patient=visits()[0]["patient"]), y, sample_weight="weight", groups="patient", **options)
    assert set(grouped.column_kinds_) == {"x0", "x1", "x2"}


def test_a_column_of_times_makes_every_fold_later_than_what_it_learned_from() -> None:
    X, y = visits()
    options = {"n_trials": 1, "families": ["linear"]}
    model = tune(X, y, time="when", cv=4, **options)
    assert model.trial_facts_[0]["folds"] == 4
    assert any("later rows than it is trained on, by 'when'" in note for note in model.recommendation_.notes)
    assert model.cv == 4  # not the rows of this table's folds
    given = tune(X.drop(columns="when"), y, time=X["when"], cv=4, **options)
    assert given.trial_facts_[0]["folds"] == 4
    assert "when" in model.column_kinds_
    assert any("sorted by time" in note for note in tune(X, y, **options).recommendation_.notes)
    assert not any("sorted by time" in note for note in model.recommendation_.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": "patients"}, "Unknown column 'patients'. Did you mean 'patient'"),
        ({"groups": [1, 2]}, "There are 2 values for 120 rows"),
        ({"groups": 0}, "There are 1 values for 120 rows"),
        ({"sample_weight": "weights"}, "Unknown column 'weights'"),
        ({"sample_weight": "patient"}, "'patient', are not numbers .* Expected one number for each row"),
        ({"sample_weight": [1, 2]}, "There are 2 values for 120 rows"),
        ({"sample_weight": [-1] * 120}, "Negative"),
        ({"time": "x0", "groups": "patient"}, "Both groups and time"),
        ({"time": "x0", "cv": "five"}, "cv is 'five' with a column of times"),
        ({"time": "patient"}, "'patient' cannot be read as times"),
    ],
)
def test_what_cannot_divide_the_rows_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises((MetalearnError, ValueError), match=message):
        tune(*visits(), n_trials=1, families=["linear"], **options)


@pytest.mark.parametrize("form", ["pairs", "masks", "generator", "predefined"])
def test_rows_of_given_folds_are_those_of_the_whole_table(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X = pd.DataFrame({"row": np.arange(60.0), "noise": np.random.default_rng(0).normal(size=60)})
    y = X["row"].where(X["row"] % 3 > 0)  # every third row has no target
    early, late = np.arange(40), np.arange(40, 60)
    folds = {
        "pairs": [(early, late)],
        "masks": [(X["row"].to_numpy() < 40, X["row"].to_numpy() >= 40)],
        "generator": ((train, test) for train, test in [(early, late)]),
        "predefined": PredefinedSplit(np.where(X["row"] < 40, -1, 0)),
    }
    seen = []
    real = MetaLearnRegressor._search
    monkeypatch.setattr(
        MetaLearnRegressor, "_search", lambda self, data, *rest: seen.append(data) or real(self, data, *rest)
    )
    tune(X, y, cv=folds[form], n_trials=1, families=["linear"])
    [(train, test)] = seen[0].folds
    assert list(seen[0].X["row"].iloc[train]) == [row for row in early if row % 3]
    assert list(seen[0].X["row"].iloc[test]) == [row for row in late if row % 3]


def test_splitters_divide_the_rows_that_have_a_target(X: pd.DataFrame) -> None:
    y = X["size"].where(X.index % 3 > 0)
    assert tune(X, y, cv=TimeSeriesSplit(3), n_trials=1, families=["linear"]).trial_facts_[0]["folds"] == 3
    with pytest.raises(InvalidInputError, match="cv cannot be used: index 99"):
        tune(X, y, cv=[([0, 1], [99])], n_trials=1, families=["linear"])


def test_labels_of_objects_are_taken_and_unfit_ones_explained(X: pd.DataFrame) -> None:
    big = X["size"] > 0
    whole = tune(X, np.where(big, 1, 2).astype(object), **OPTIONS)
    assert whole.classes_.tolist() == [1, 2]
    for labels in (
        np.where(big, np.array("a", object), 1),
        np.where(big, np.array(1, object), "a"),
    ):
        with pytest.raises(InvalidInputError, match=r"Expected whole numbers, text or booleans.*astype"):
            tune(X, labels, **OPTIONS)


def test_two_fractions_are_two_classes(X: pd.DataFrame) -> None:
    model = tune(X, np.where(X["size"] > 0, 0.75, 0.25), **OPTIONS)
    assert set(model.predict(X)) == {0.25, 0.75}


def test_fractions_of_many_values_are_no_classes(X: pd.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match=r"Expected whole numbers, text or booleans.*astype"):
        MetaLearnClassifier(**OPTIONS).fit(X, X["size"])


@pytest.mark.parametrize(
    "label",
    [dt.date(2020, 1, 1), dt.time(8), Decimal("1.5"), UUID(int=1), Path("a"), dt.datetime(2020, 1, 1)],  # noqa: DTZ001
    ids=lambda label: type(label).__name__,
)
def test_labels_that_a_file_cannot_hold_are_converted_or_refused(label: Any, tmp_path: Path) -> None:
    other = {dt.date: dt.date(2021, 1, 1), dt.time: dt.time(9), dt.datetime: dt.datetime(2021, 1, 1)}  # noqa: DTZ001
    second = other.get(type(label)) or {"Decimal": Decimal("2.5"), "UUID": UUID(int=2)}.get(
        type(label).__name__, Path("b")
    )
    X = pd.DataFrame({"a": np.arange(60) % 7, "b": np.arange(60) % 2})
    y = np.empty(60, dtype=object)
    y[:] = [label, second] * 30
    model = tune(X, pd.Series(y, dtype=object), problem_type="classification", n_trials=1, families=["linear"])
    if not isinstance(label, Decimal):  # which are numbers to begin with
        assert f"of type {type(label).__name__}" in " ".join(model.recommendation_.notes)
    save_model(model, tmp_path / "m.skops")
    found = load_model(tmp_path / "m.skops").predict(X)
    assert {label_name(one) for one in found} <= {label_name(label), label_name(second)}
    with pytest.raises(InvalidInputError, match="a file of the model could not hold"):
        MetaLearnClassifier(n_trials=1, families=["linear"]).fit(X, y)


def test_classes_are_called_by_their_names_in_what_is_noted() -> None:
    y = np.array(["Emperor", "King", "Macaroni"])[np.r_[np.zeros(3, int), np.arange(57) % 2 + 1]]
    model = tune(pd.DataFrame({"a": np.arange(60.0) ** 2 % 11}), y, n_trials=1, families=["linear"])
    assert any("('Emperor')" in note for note in model.recommendation_.notes)
