import numpy as np
import pandas as pd
import pytest

from metalearn.dataset import ColumnKind, Dataset, column_kinds, infer_problem_type, subsample_rows
from metalearn.exceptions import InvalidInputError
from metalearn.task import ProblemType


def test_kinds_of_a_messy_table(messy_table: pd.DataFrame) -> None:
    kinds = column_kinds(messy_table)
    expected = {
        ColumnKind.NUMERIC: {
            "number",
            "whole",
            "with_gaps",
            "infinite",
            "nullable_whole",
            "span",
            "constant",
            "empty",
        },
        ColumnKind.BOOLEAN: {"flag", "nullable_flag"},
        ColumnKind.DATETIME: {"day", "iso_day"},
        ColumnKind.TEXT: {"text"},
        ColumnKind.CATEGORICAL: {"category", "ordered", "string", "many_levels", "mixed", "empty_object"},
    }
    for kind, names in expected.items():
        assert {name for name, found in kinds.items() if found is kind} == names


def test_a_named_column_is_categorical_whatever_it_looks_like() -> None:
    assert column_kinds(pd.DataFrame({"code": [1, 2, 3]}), ["code"]) == {"code": ColumnKind.CATEGORICAL}


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


def test_numbers_as_text_are_refused_as_a_target() -> None:
    y = pd.Series([f"{i}.5" for i in range(50)], name="price")
    with pytest.raises(InvalidInputError, match=r"'price' is text.*pandas.to_numeric"):
        infer_problem_type(y)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.zeros((0, 2)), [], "empty"),
        (np.zeros((50, 0)), [0, 1] * 25, "empty"),
        (np.zeros((19, 2)), [0, 1] * 9 + [0], "19 rows with a target. Expected at least 20"),
        (np.zeros((50, 2)), [0, 1], "50 rows but the target 2"),
        (np.zeros((50, 2)), [1] * 50, "single value"),
        (np.zeros((50, 2)), [np.nan] * 50, "missing in every row"),
        (np.zeros((50, 2)), [np.inf, *range(49)], "1 infinite values"),
        (pd.DataFrame(np.zeros((50, 2)), columns=["a", "a"]), [0, 1] * 25, r"stand twice: \['a'\]"),
        (np.zeros((50, 2, 2)), [0, 1] * 25, "3 dimensions"),
        (np.zeros((50, 2)), np.zeros((50, 2)), "shape"),
    ],
)
def test_what_cannot_be_used_is_refused(X: object, y: object, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Dataset.from_data(X, y)


@pytest.mark.parametrize(
    ("y", "problem_type", "words"),
    [
        (["a", "b"] * 25, "regression", "not numeric"),
        ([0, 1, 2, 3, 4] * 10, "binary", "5 classes"),
        ([0, 1] * 25, "ranking", "Unknown problem type 'ranking'"),
    ],
)
def test_a_problem_type_that_does_not_fit_is_refused(y: list[object], problem_type: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Dataset.from_data(np.zeros((50, 2)), y, problem_type=problem_type)


def test_rows_without_a_target_are_left_out() -> None:
    y = [None, *["a", "b"] * 15]
    data = Dataset.from_data(np.arange(62.0).reshape(31, 2), y)
    assert (data.n_rows, data.X.iloc[0, 0]) == (30, 2.0)


def test_labels_of_several_types_are_sorted_as_text() -> None:
    data = Dataset.from_data(np.zeros((30, 1)), pd.Series([1, "x", 2.5] * 10, dtype=object))
    assert data.n_classes == 3


def test_a_subsample_keeps_every_class_and_its_share() -> None:
    y = np.array(["common"] * 9000 + ["middle"] * 990 + ["rare"] * 10)
    rows = subsample_rows(y, 1000, ProblemType.MULTICLASS)
    counts = pd.Series(y[rows]).value_counts()
    assert len(rows) == 1000
    assert counts["rare"] >= 1
    assert counts["common"] == pytest.approx(900, abs=10)
    assert np.array_equal(rows, subsample_rows(y, 1000, ProblemType.MULTICLASS))


def test_the_fingerprint_ignores_the_order_of_rows_and_columns(
    messy_table: pd.DataFrame, three_classes: np.ndarray
) -> None:
    original = Dataset.from_data(messy_table, three_classes)
    order = np.random.default_rng(0).permutation(len(messy_table))
    shuffled = Dataset.from_data(messy_table.iloc[order, ::-1], three_classes[order])
    assert shuffled.fingerprint == original.fingerprint
    changed = messy_table.assign(number=messy_table["number"] + 1)
    assert Dataset.from_data(changed, three_classes).fingerprint != original.fingerprint
