import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

import metalearn as ml
from metalearn._wording import at_command_line
from metalearn.dataset import Dataset
from metalearn.exceptions import InvalidInputError
from metalearn.table.intake import as_text, infer_problem_type, label_name, take_in
from metalearn.table.schema import column_kinds
from metalearn.task import ProblemType


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (["a", "b"] * 10, ProblemType.BINARY),
        ([True, False] * 10, ProblemType.BINARY),
        ([0, 1, 2] * 10, ProblemType.MULTICLASS),
        (list(range(30)), ProblemType.REGRESSION),
        (np.linspace(0, 1, 40), ProblemType.REGRESSION),
        ([0.5, 1.5, 2.5] * 10, ProblemType.REGRESSION),
        ([f"class {i}" for i in range(40)], ProblemType.MULTICLASS),
    ],
)
def test_the_problem_type_follows_from_the_target(y: list[object], expected: ProblemType) -> None:
    assert infer_problem_type(pd.Series(y)) is expected


def test_a_word_among_numbers_as_text_is_refused_as_a_target() -> None:
    y = pd.Series([*(f"{i}.5" for i in range(50)), "k.A."], name="price")
    with pytest.raises(InvalidInputError, match=r"'price' is text.*not one: 'k\.A\.'.*make them missing"):
        infer_problem_type(y)
    with at_command_line(), pytest.raises(InvalidInputError, match=r"--missing k\.A\..*--task multiclass"):
        infer_problem_type(y)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.zeros((0, 2)), [], "empty"),
        (np.zeros((50, 0)), [0, 1] * 25, "empty"),
        (np.zeros((19, 2)), [0, 1] * 9 + [0], "19 rows with a target. Expected at least 20"),
        (np.zeros((50, 2)), [0, 1], "50 rows but the target 2"),
        (np.zeros((50, 2)), [1] * 50, "single value"),
        (np.zeros((50, 2)), ["EU", None] * 25, "25 missing values .*NA.* and a single other value"),
        (np.zeros((50, 2)), [np.nan] * 50, "missing in every row"),
        (np.zeros((50, 2)), [np.inf, *range(49)], "1 infinite values"),
        (pd.DataFrame(np.zeros((50, 2)), columns=["a", "a"]), [0, 1] * 25, r"stand twice: \['a'\]"),
        (np.zeros((50, 2, 2)), [0, 1] * 25, "3 dimensions"),
        (np.zeros((50, 2)), np.zeros((50, 2)), "shape"),
        (np.zeros((50, 2)), "price", "pass target='price'"),
        ({"a": 1.0}, [0, 1] * 10, "is a dict"),
        (np.zeros((20, 2)), [1j, 2j] * 10, "complex"),
        (np.zeros((20, 2)), pd.Series([[1], [2]] * 10), "lists"),
        (np.zeros((50, 2)), [f"name {i}" for i in range(48)] + ["name 0"] * 2, "48 classes in 50 rows.*'name 0'"),
        (np.zeros((50, 2)), pd.Series(pd.date_range("2020-01-01", periods=50)), "50 classes.*dates, convert"),
    ],
)
def test_what_cannot_be_used_is_refused(X: object, y: object, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        take_in(X, y)


@pytest.mark.parametrize(
    ("y", "problem_type", "words"),
    [
        (["a", "b"] * 25, "regression", "not numeric"),
        ([0, 1, 2, 3, 4] * 10, "binary", "5 different values"),
        (range(50), "multiclass", "50 classes in 50 rows"),
        ([0, 1] * 25, "ranking", "Unknown problem type 'ranking'"),
    ],
)
def test_a_problem_type_that_does_not_fit_is_refused(y: list[object], problem_type: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        take_in(np.zeros((50, 2)), y, problem_type=problem_type)


def test_classes_of_two_rows_each_are_taken() -> None:
    assert take_in(np.zeros((50, 2)), [f"name {i // 2}" for i in range(50)])[2] is ProblemType.MULTICLASS


def test_rows_without_a_target_are_left_out() -> None:
    y = [None, *["a", "b"] * 15]
    X, present, _ = take_in(np.arange(62.0).reshape(31, 2), y)
    assert (len(X), len(present), X.iloc[0, 0]) == (30, 30, 2.0)


def test_column_names_become_text_and_the_users_table_stays_as_it_is() -> None:
    table = pd.DataFrame({1: np.zeros(30), (2, "b"): np.ones(30)}, index=range(100, 130))
    X, _, _ = take_in(table, [0, 1] * 15, categorical=["1"])
    assert list(X.columns) == ["1", "(2, 'b')"]
    assert (list(table.columns), table.index[0]) == ([1, (2, "b")], 100)


def test_a_single_categorical_column_may_be_named_by_itself() -> None:
    table = pd.DataFrame(np.zeros((20, 3)), columns=["a", "b", "ab"])
    assert Dataset.from_data(table, [0, 1] * 10, categorical="ab").categorical == ("ab",)
    assert column_kinds(table, "ab")["a"] == "numeric"
    with pytest.raises(InvalidInputError, match=r"categorical columns \['ba'\] are not in the table"):
        take_in(table, [0, 1] * 10, categorical="ba")


N = 60
COLUMNS = {
    "number": np.linspace(0, 1, N),
    "whole": [None, *range(N - 1)],
    "flag": [True, False] * (N // 2),
    "word": ["x", "y", None] * (N // 3),
    "when": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=i) for i in range(N)],
    "span": [dt.timedelta(hours=i) for i in range(N)],
}
Y = np.arange(N) % 2


class Stream:
    """What knows Arrow's stream only, like a relation of DuckDB."""

    def __init__(self, table: pa.Table) -> None:
        self.__arrow_c_stream__ = table.__arrow_c_stream__


class Interchange:
    """What knows the dataframe interchange protocol only."""

    def __init__(self, table: pa.Table) -> None:
        self.__dataframe__ = table.__dataframe__


def _same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(found.columns) == list(expected.columns)
    for name in expected.columns:
        one, other = found[name], expected[name]
        assert np.array_equal(one.isna(), other.isna()), name
        assert one.dropna().tolist() == other.dropna().tolist(), name


@pytest.mark.parametrize("form", ["polars", "narwhals", "arrow", "stream", "interchange"])
def test_tables_of_other_libraries_keep_their_names_kinds_and_values(form: str) -> None:
    polars = pytest.importorskip("polars")
    table = polars.DataFrame(COLUMNS, strict=False)
    if form == "interchange":  # it has no durations
        table = table.drop("span")
    given: Any = {
        "polars": lambda: table,
        "narwhals": lambda: pytest.importorskip("narwhals").from_native(table),
        "arrow": table.to_arrow,
        "stream": lambda: Stream(table.to_arrow()),
        "interchange": lambda: Interchange(table.to_arrow()),
    }[form]()
    expected = table.to_pandas()
    X, y, _ = take_in(given, polars.Series(Y))
    _same(X, expected)
    assert y.tolist() == Y.tolist()


def test_categories_of_other_libraries_stay_categories() -> None:
    polars = pytest.importorskip("polars")
    words = polars.Series("c", ["x", "y", "z"] * 20)
    table = polars.DataFrame([words.cast(polars.Categorical), words.cast(polars.Enum(["x", "y", "z"])).alias("e")])
    X, y, kind = take_in(table, words)
    assert all(isinstance(dtype, pd.CategoricalDtype) for dtype in X.dtypes)
    assert (y.tolist(), kind) == (words.to_list(), ProblemType.MULTICLASS)


@pytest.mark.parametrize("y", [pa.array(Y), pa.chunked_array([Y]), Y[:, None], pd.DataFrame({"y": Y}), list(Y)])
def test_targets_of_many_forms_are_read_alike(y: Any) -> None:
    assert take_in(pd.DataFrame(COLUMNS), y)[1].tolist() == Y.tolist()


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_sparse_matrices_are_read(form: str) -> None:
    dense = sparse.random(N, 5, density=0.2, random_state=0).toarray()
    X, _, _ = take_in(sparse.csr_matrix(dense).asformat(form), Y)
    assert np.array_equal(X.to_numpy(), dense)
    assert np.array_equal(take_in(sparse.csr_array(dense), Y)[0].to_numpy(), dense)


@pytest.mark.parametrize(
    "form", [list, lambda values: np.array(values, dtype=object), lambda v: pd.Series(v, dtype=object)]
)
@pytest.mark.parametrize("number", [Decimal, float, int])
@pytest.mark.parametrize("problem_type", [None, "regression"])
def test_numbers_held_as_objects_are_numbers(form: Any, number: Any, problem_type: str | None) -> None:
    given = form([None, *map(number, range(40))])
    _, y, kind = take_in(np.zeros((41, 1)), given, problem_type=problem_type)
    assert kind is ProblemType.REGRESSION
    assert y.tolist() == list(range(40))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("large", [2**62 + 1, 2**63 + 1, 2**70])
def test_whole_numbers_stay_whole_beside_missing_ones(missing: object, large: int) -> None:
    _, y, kind = take_in(np.zeros((41, 1)), pd.Series([missing, *[0, large] * 20], dtype=object))
    assert kind is ProblemType.BINARY
    assert set(y) == {0, large}


def test_times_as_labels_are_named_alike() -> None:
    day = pd.Timestamp("2020-01-02")
    labels = (day, day.to_pydatetime(), day.date(), np.datetime64("2020-01-02", "ns"))
    assert len({label_name(label) for label in labels}) == 1
    assert label_name(np.timedelta64(3600, "s")) == label_name(dt.timedelta(hours=1)) != label_name(1)


@pytest.mark.parametrize("column", [pd.Series(range(20), name="a"), pl.Series("a", range(20))])
def test_a_series_is_a_table_of_one_column(column: Any) -> None:
    X, _, _ = take_in(column, [0, 1] * 10)
    assert X["a"].tolist() == list(range(20))


def test_text_that_no_encoding_holds_is_escaped() -> None:
    assert as_text(pd.Series(["\ud800", "é"], dtype=object)).tolist() == ["\\ud800", "é"]


@pytest.mark.parametrize("dtype", ["duration[ns][pyarrow]", "duration[s][pyarrow]", object])
@pytest.mark.parametrize("missing", [False, True])
def test_durations_of_any_form_are_those_of_pandas(dtype: Any, *, missing: bool) -> None:
    spans = pd.Series([pd.Timedelta(hours=i) for i in range(N)])
    spans[: N * missing // 2] = pd.NaT
    X, _, _ = take_in(pd.DataFrame({"span": spans.astype(dtype)}), Y)
    assert X["span"].dtype.kind == "m"
    assert X["span"].equals(spans.astype(X["span"].dtype))


def test_prices_called_binary_are_said_to_be_a_regression_problem() -> None:
    X, prices = pd.DataFrame({"a": range(60)}), pd.Series(np.arange(60) * 1.5, name="price")
    with pytest.raises(InvalidInputError, match="problem_type='regression'"):
        ml.recommend(X, prices, problem_type="binary")
    with pytest.raises(InvalidInputError, match="problem_type='multiclass'"):
        ml.recommend(X, prices % 4.5, problem_type="binary")


def test_classification_is_binary_or_multiclass_by_the_number_of_classes() -> None:
    X = pd.DataFrame({"a": range(60)})
    for n_classes, kind in ((2, "binary"), (3, "multiclass")):
        found = ml.recommend(X, pd.Series(np.arange(60) % n_classes), problem_type="classification", n=1)
        assert found.task.problem_type == kind


class _Row(NamedTuple):
    size: float
    town: str


@dataclass
class _House:
    size: float
    town: str


@pytest.mark.parametrize(
    "rows",
    [
        [{"size": 1.5, "town": "a"}] * 20,
        [_Row(1.5, "a")] * 20,
        [_House(1.5, "a")] * 20,
        {"size": [1.5] * 20, "town": ["a"] * 20},
        pl.DataFrame({"size": [1.5] * 20, "town": ["a"] * 20}).lazy(),
    ],
)
def test_rows_with_names_are_a_table(rows: object) -> None:
    X = take_in(rows, [0, 1] * 10)[0]
    assert X["size"].tolist() == [1.5] * 20
    assert X["town"].tolist() == ["a"] * 20


def test_numbers_beside_text_stay_numbers_in_rows_without_names() -> None:
    X = take_in([[1.5, "a"], [2.5, "b"]] * 10, [0, 1] * 10)[0]
    assert list(column_kinds(X).values()) == ["numeric", "categorical"]


@pytest.mark.parametrize(
    "rows", [[{"a": float(i), "b": "x"} for i in range(40)], pl.DataFrame({"a": range(40), "b": ["x"] * 40}).lazy()]
)
def test_estimators_take_rows_with_names_and_lazy_frames(rows: object) -> None:
    model = ml.MetaLearnClassifier(n_trials=1, families=["gaussian_nb"]).fit(rows, [0] * 20 + [1] * 20)
    assert list(model.feature_names_in_) == ["a", "b"]
    assert model.score(rows, [0] * 20 + [1] * 20) > 0.9


def test_missing_labels_among_numbers_are_told() -> None:
    with pytest.raises(InvalidInputError, match=r"missing in 1 of 40 rows"):
        ml.MetaLearnClassifier(n_trials=1).fit(np.zeros((40, 2)), [0.0, 1.0] * 19 + [0.0, np.nan])
