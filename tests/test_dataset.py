import numpy as np
import pandas as pd
import pytest

from metalearn.dataset import Dataset, subsample_rows
from metalearn.table.schema import ColumnKind, column_kinds
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


@pytest.mark.parametrize(
    ("days", "kind"),
    [
        (["31.12.2020", "1.2.2021", None], "datetime"),
        (["12/31/2020", "01/02/2021"], "datetime"),
        (["31/12/2020", "01/02/2021"], "datetime"),
        (["2020/12/31", "2021/01/02"], "datetime"),
        (["03/04/2020", "01/02/2021"], "categorical"),
        (["31/12/2020", "12/31/2020"], "categorical"),
        (["31.12.2020", "unknown"], "categorical"),
        (["99.99.2020", "1.2.2020"], "categorical"),
    ],
)
def test_text_is_a_date_where_exactly_one_format_fits(days: list[str | None], kind: str) -> None:
    assert column_kinds(pd.DataFrame({"d": days})) == {"d": kind}
