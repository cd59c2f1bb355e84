import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from metalearn.checks import Finding, check_data
from metalearn.dataset import Dataset
from metalearn.task import ProblemType, get_metric

N = 300
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(N, 3))
CLASSES = (NUMBERS[:, 0] + RNG.normal(size=N) > 0).astype(int)
AMOUNT = NUMBERS[:, 0] + RNG.normal(size=N)


def _found(y: Any = CLASSES, **columns: Any) -> dict[str, Finding]:
    X = pd.DataFrame({"a": NUMBERS[:, 0], "b": NUMBERS[:, 1], **columns})
    return {finding.kind: finding for finding in check_data(Dataset.from_data(X, y))}


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_diabetes])
def test_well_known_tables_raise_no_warning(load: Any) -> None:
    data = Dataset.from_data(*load(return_X_y=True, as_frame=True))
    assert [finding.kind for finding in check_data(data) if finding.severity == "warning"] == []


def test_a_clean_table_has_no_findings() -> None:
    assert _found() == {}
    assert _found(y=AMOUNT) == {}


@pytest.mark.parametrize(
    "leak",
    [CLASSES, CLASSES * 10.0 + RNG.normal(size=N), np.array(["no", "yes"])[CLASSES], CLASSES > 0],
    ids=["copy", "shifted", "renamed", "boolean"],
)
def test_a_column_that_tells_the_class_is_a_leak(leak: Any) -> None:
    finding = _found(leak=leak)["target_leak"]
    assert finding.columns == ("leak",)
    assert finding.severity == "warning"
    assert "'leak'" in finding.message


@pytest.mark.parametrize("leak", [AMOUNT * 2 + 1, np.exp(AMOUNT), -(AMOUNT**3)], ids=["linear", "exp", "cube"])
def test_a_monotone_function_of_a_numeric_target_is_a_leak(leak: Any) -> None:
    assert _found(y=AMOUNT, leak=leak)["target_leak"].columns == ("leak",)


def test_a_leak_of_a_target_with_a_long_tail_is_found_by_its_ranks_or_by_its_outliers() -> None:
    y = np.where(RNG.random(N) < 0.4, 0.0, np.exp(3 * RNG.normal(size=N)))
    assert _found(y=y, leak=100 - 3 * y)["target_leak"].columns == ("leak",)
    noisy = y + 0.005 * y.std() * RNG.normal(
        size=N
    )  # in disorder where the target is small, and so the same to a model
    assert _found(y=y, leak=noisy)["target_leak"].columns == ("leak",)


def test_rare_classes_hide_no_leak() -> None:
    y = np.array(["rare", "rarer", "rarest", *("abc"[i % 3] for i in range(N - 3))])
    assert _found(y=y, leak=[f"about {label}" for label in y])["target_leak"].columns == ("leak",)


def test_a_leak_is_found_in_three_classes_and_beside_missing_values() -> None:
    classes = np.arange(N) % 3
    assert _found(y=classes, leak=np.where(np.arange(N) % 50 == 0, np.nan, classes) * 1.0 + 5)[
        "target_leak"
    ].columns == ("leak",)


@pytest.mark.parametrize("n", [25, 80, 189])
def test_a_leak_is_found_in_few_rows(n: int) -> None:
    weight = np.random.default_rng(0).normal(3000, 700, n).round()
    other = RNG.normal(size=n)
    for target in (weight < 2500, 24 - weight / 1000):  # of which a threshold, a line, is all there is
        found = check_data(Dataset.from_data(pd.DataFrame({"weight": weight, "other": other}), target))
        assert [f.columns for f in found if f.kind == "target_leak"] == [("weight",)]


def test_rows_without_a_target_are_counted() -> None:
    found = _found(y=np.where(np.arange(N) < 3, np.nan, AMOUNT), a=NUMBERS[:, 0])
    assert f"3 of {N:,} rows" in found["no_target"].message
    assert "NA and None count as missing" in found["no_target"].message


def test_numbers_declared_categories_are_no_text() -> None:
    X = pd.DataFrame({"a": NUMBERS[:, 0], "code": np.arange(N) % 4})
    assert check_data(Dataset.from_data(X, CLASSES, categorical=["code"])) == ()


def test_an_identifier_is_no_leak() -> None:
    assert "target_leak" not in _found(id=[f"row {i}" for i in range(N)])
    assert "target_leak" not in _found(y=AMOUNT, id=RNG.permutation(N))


@pytest.mark.parametrize("ids", [RNG.permutation(N), [f"row {i}" for i in range(N)], RNG.permutation(N) + 1e6])
def test_identifiers_are_named(ids: Any) -> None:
    assert _found(id=ids)["id_like"].columns == ("id",)


def test_continuous_numbers_are_no_identifiers() -> None:
    assert "id_like" not in _found(c=RNG.integers(0, 10**9, N))


@pytest.mark.parametrize("values", [[1.0] * N, ["x"] * N, [np.nan] * N, [None] * N, [True] * N])
def test_constant_columns_are_named(values: Any) -> None:
    assert _found(c=values)["constant"].columns == ("c",)


def test_one_value_and_missing_ones_are_not_constant() -> None:
    assert "constant" not in _found(c=np.where(CLASSES, 1.0, np.nan))
    assert "constant" not in _found(c=np.where(np.arange(N) % 2, "x", None))


def test_a_rare_value_outside_the_sample_is_seen() -> None:
    n = 20_000
    X = pd.DataFrame({"a": RNG.normal(size=n), "almost": np.r_[1.0, np.zeros(n - 1)], "zero": np.zeros(n)})
    found = {f.kind: f.columns for f in check_data(Dataset.from_data(X, np.arange(n) % 2))}
    assert found["constant"] == ("zero",)


def test_copies_of_columns_are_named() -> None:
    levels = np.array(["u", "v", "w"])[RNG.integers(0, 3, N)]
    renamed = pd.Categorical(levels).rename_categories({"u": "1st", "v": "2nd", "w": "3rd"})
    gaps = np.where(CLASSES, np.nan, NUMBERS[:, 2])
    found = _found(copy=NUMBERS[:, 0], s=levels, t=renamed, g=gaps, h=gaps)["duplicate_columns"]
    assert found.columns == ("copy", "h", "t")


def test_columns_without_a_repeated_value_are_copies_only_if_equal() -> None:
    names = [f"name {i}" for i in range(N)]
    found = _found(name=names, email=[f"{i}@x" for i in range(N)], number=np.arange(N) * 1.5, same=names)
    assert found["duplicate_columns"].columns == ("same",)
    assert "duplicate_columns" not in _found(name=names, email=[f"{i}@x" for i in range(N)], y=np.arange(N) * 1.5)


def test_copies_of_rows_are_counted() -> None:
    X = pd.DataFrame({"a": NUMBERS[:, 0], "s": [f"level {i % 7}" for i in range(N)]})
    X = pd.concat([X, X.iloc[:100]], ignore_index=True)
    finding = next(
        f for f in check_data(Dataset.from_data(X, np.r_[CLASSES, CLASSES[:100]])) if f.kind == "duplicate_rows"
    )
    assert "25%" in finding.message
    assert finding.severity == "warning"


def test_copies_are_told_where_no_column_alone_identifies_a_row() -> None:
    X = pd.DataFrame(RNG.integers(0, 8, (N, 12))).add_prefix("c")
    X = pd.concat([X, X.iloc[:50]], ignore_index=True)
    finding = next(
        f for f in check_data(Dataset.from_data(X, np.r_[CLASSES, CLASSES[:50]])) if f.kind == "duplicate_rows"
    )
    assert finding.severity == "warning"
    assert "copies" in finding.message


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_rows_that_are_equal_since_columns_take_few_values_are_no_copies(kind: str) -> None:
    X = pd.DataFrame({"a": RNG.integers(0, 4, N), "s": [f"level {i % 3}" for i in range(N)]})
    y = CLASSES if kind == "binary" else X["a"] + RNG.integers(0, 3, N)
    finding = next(f for f in check_data(Dataset.from_data(X, y, problem_type=kind)) if f.kind == "duplicate_rows")
    assert finding.severity == "info"
    assert "only 12 different ones" in finding.message


def test_equal_rows_with_targets_of_their_own_are_no_copies() -> None:
    X = pd.DataFrame({"a": np.repeat(NUMBERS[: N // 2, 0], 2), "b": np.repeat(NUMBERS[: N // 2, 1], 2)})
    kinds = {f.kind for f in check_data(Dataset.from_data(X, NUMBERS[:, 2]))}
    assert "duplicate_rows" not in kinds


def test_rare_classes_and_imbalance_are_told() -> None:
    found = _found(y=np.array(["common"] * (N - 2) + ["rare"] * 2))
    assert "'rare'" in found["rare_classes"].message
    assert "149 times" in found["imbalance"].message
    assert "metric" not in found["imbalance"].message  # two classes are judged by roc_auc
    accuracy = get_metric("accuracy", ProblemType.BINARY)
    data = Dataset.from_data(pd.DataFrame({"a": NUMBERS[:, 0]}), np.arange(N) < 2)
    assert any("Choose a metric" in finding.message for finding in check_data(data, metric=accuracy))
    assert "rare_classes" not in _found(y=np.array([0] * (N - 5) + [1] * 5))


@pytest.mark.parametrize(
    "values",
    [np.array([1, "x", 2.5] * (N // 3), dtype=object), [*map(str, range(100, N + 98)), "unknown", "?"]],
    ids=["objects", "strings"],
)
def test_mixed_types_are_told(values: Any) -> None:
    assert _found(m=values)["mixed_types"].columns == ("m",)


@pytest.mark.parametrize("form", ["${:.2f}", "{:,.2f}", "{:.1f}%", "{:.1f} €", "({:.2f})", "{:.2f}-"])
def test_amounts_are_told_and_not_called_identifiers(form: str) -> None:
    found = _found(m=[form.format(1000 + 90 * value) for value in NUMBERS[:, 0]])
    assert found["numbers_as_text"].columns == ("m",)
    assert found["numbers_as_text"].severity == "info"
    assert "id_like" not in found


def test_numbers_in_a_doubtful_form_are_warned_of() -> None:
    found = _found(m=[f"{1000 + 900 * value:.2f}".replace(".", ",") for value in NUMBERS[:, 0]])
    assert found["numbers_as_text"].severity == "warning"
    assert "in a form that is not read" in found["numbers_as_text"].message


@pytest.mark.parametrize("row", [5, 6, 8])  # whether a few values that are looked at hold it, or not
def test_an_odd_word_among_amounts_is_told(row: int) -> None:
    written = [f"{1000 + 900 * value:.2f}".replace(".", ",") for value in NUMBERS[:, 0]]
    written[row] = "k.A."
    found = _found(m=written)
    assert {"mixed_types", "numbers_as_text"} & set(found)
    assert "id_like" not in found


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%b %d, %Y", "%d-%b-%y"])
def test_dates_that_are_not_read_are_told_and_not_called_identifiers(form: str) -> None:
    found = _found(m=pd.date_range("2020-01-01", periods=N, freq="31h").strftime(form))
    assert found["dates_as_text"].columns == ("m",)
    assert "id_like" not in found


def test_codes_with_digits_are_neither_amounts_nor_dates() -> None:
    found = _found(m=[f"R-2020{i:04d}" for i in range(N)], version=[f"{i}.{i % 7}.0-rc" for i in range(N)])
    assert found["id_like"].columns == ("m", "version")
    assert not {"numbers_as_text", "dates_as_text"} & set(found)


def test_a_table_in_which_nothing_varies_is_warned_of() -> None:
    (finding,) = check_data(Dataset.from_data(pd.DataFrame({"z": [np.nan] * 40}), np.arange(40) % 2))
    assert (finding.kind, finding.severity) == ("constant", "warning")


def test_numbers_as_text_are_told() -> None:
    assert _found(m=[str(i % 50) for i in range(N)])["numbers_as_text"].columns == ("m",)


def test_numbers_as_text_are_told_in_a_column_that_is_mostly_empty() -> None:
    values: list[str | None] = [None] * N
    values[7::30] = ["1", "2"] * 5
    assert _found(m=values)["numbers_as_text"].columns == ("m",)


@pytest.mark.parametrize(
    "column",
    [
        pd.date_range("2020", periods=N),
        pd.date_range("2020", periods=N)[::-1],
        pd.date_range("2020", periods=N).strftime("%Y-%m-%d"),
    ],
)
def test_rows_sorted_by_time_are_a_warning(column: Any) -> None:
    assert _found(when=column)["time_order"].severity == "warning"


def test_a_sorted_year_is_a_warning_and_unsorted_dates_are_an_information() -> None:
    assert _found(year=2000 + np.arange(N) // 30)["time_order"].columns == ("year",)
    assert (
        _found(when=pd.Series(pd.date_range("2020", periods=N)).sample(frac=1, random_state=0).to_numpy())[
            "time_order"
        ].severity
        == "info"
    )
    assert "time_order" not in _found(size=np.arange(N) // 30)


@pytest.mark.parametrize("name", ["patient", "patient_id", "patientId", "Subject", "user id", "ID"])
def test_rows_of_one_patient_with_similar_targets_are_a_warning(name: str) -> None:
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 40, N)
    mean = rng.normal(size=40)[patients]
    for values in (patients, [f"p{p}" for p in patients]):
        numbers = _found(y=mean + rng.normal(size=N), **{name: values})
        assert numbers["groups"].columns == (name,)
        assert numbers["groups"].severity == "warning"
        assert "groups" in _found(y=mean > 0, **{name: values})


def test_groups_whose_targets_differ_or_columns_that_name_none_are_not_told_of() -> None:
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 40, N)
    mean = rng.normal(size=40)[patients]
    assert "groups" not in _found(y=rng.normal(size=N), patient=patients)
    assert "groups" not in _found(y=mean, width=patients)
    for name in ("paid", "patient_age", "user_rating", "session length", "grid", "device_temperature"):
        assert "groups" not in _found(y=mean, **{name: patients})
    assert "groups" not in _found(y=mean, user=np.where(patients < 20, "a", "b"))


def test_chance_makes_no_groups_of_few_rows() -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(50):
        y, ids = rng.normal(size=60), rng.integers(0, 30, 60)
        found += "groups" in {f.kind for f in check_data(Dataset.from_data(pd.DataFrame({"id": ids, "a": y[::-1]}), y))}
    assert found <= 2


def test_columns_of_lists_are_no_trouble() -> None:
    assert "groups" not in _found(users=[[i % 7, i % 3] for i in range(N)])


def test_warnings_come_first_and_findings_pickle() -> None:
    X = pd.DataFrame({"c": [1] * N, "leak": CLASSES, "a": NUMBERS[:, 0]})
    findings = check_data(Dataset.from_data(X, CLASSES))
    assert [f.severity for f in findings] == ["warning", "info"]
    assert pickle.loads(pickle.dumps(findings)) == findings
    assert findings[1] == Finding(kind="constant", severity="info", columns=("c",), message=findings[1].message)


def test_any_table_is_checked(messy_table: pd.DataFrame, three_classes: np.ndarray) -> None:
    kinds = {finding.kind for finding in check_data(Dataset.from_data(messy_table, three_classes))}
    assert {"constant", "rare_classes", "mixed_types", "time_order"} <= kinds


def test_codes_for_missing_values_are_told() -> None:
    numbers = np.abs(NUMBERS[:, 0]) + 1
    numbers[[3, 9, 30]] = -999
    found = _found(m=numbers, word=["a", "b", "?"] * (N // 3), signed=NUMBERS[:, 1] - 99)
    assert found["missing_codes"].columns in {("m",), ("word",)}
    X = pd.DataFrame({"m": numbers, "word": ["a", "b", "?"] * (N // 3)})
    told = " ".join(f.message for f in check_data(Dataset.from_data(X, CLASSES)))
    assert "'-999'" in told
    assert "'?'" in told
    assert "missing_codes" not in _found(m=NUMBERS[:, 0], word=["a", "b", "c"] * (N // 3))


def test_labels_that_differ_in_case_or_spaces_are_told() -> None:
    assert _found(m=["Yes", "yes", "no"] * (N // 3))["similar_labels"].columns == ("m",)
    assert "similar_labels" not in _found(m=["Yes", "no", "maybe"] * (N // 3))
    data = Dataset.from_data(pd.DataFrame({"x": NUMBERS[:, 0]}), ["Yes", "yes ", "no"] * (N // 3))
    (finding,) = [f for f in check_data(data) if f.kind == "similar_labels"]
    assert finding.severity == "warning"
    assert "'Yes', 'yes '" in finding.message
