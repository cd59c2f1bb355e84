import numpy as np
import pandas as pd
import pytest

from metalearn.estimators import MetaLearnClassifier
from metalearn.estimators.columns import select_columns
from metalearn.exceptions import InvalidInputError
from metalearn.table.schema import column_kinds

FRAME = pd.DataFrame(
    {
        "size": [1.5, 2.5, None],
        "sold": [True, False, True],
        "town": ["Ulm", "Bonn", "Ulm"],
        "built": ["2001-01-01", "2002-02-02", "2003-03-03"],
    }
)
KINDS = {name: str(kind) for name, kind in column_kinds(FRAME).items()}


def test_columns_may_stand_in_any_order_beside_others() -> None:
    found, surplus = select_columns(FRAME.assign(extra=1)[["extra", "built", "town", "sold", "size"]], KINDS)
    assert list(found) == list(FRAME)
    assert surplus == ["extra"]


@pytest.mark.parametrize(
    "changed",
    [
        {"town": ["Paris", None, "Rome"]},
        {"town": [1, 2, 3]},
        {"size": [1, 2, 3]},
        {"size": ["1", "2.5", None]},
        {"size": [np.nan] * 3},
        {"sold": [0, 1, 1]},
        {"built": pd.to_datetime(["2020-01-01"] * 3)},
        {"built": [None] * 3},
        {"built": ["01/02/2020", "03/04/2020", None]},
    ],
)
def test_new_values_of_the_same_kind_are_fine(changed: dict[str, list[object]]) -> None:
    select_columns(FRAME.assign(**changed), KINDS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": ["1", "two", None]}, "'size' held numbers .* now it holds 'two'"),
        ({"sold": ["yes", "no", "no"]}, "'sold' held numbers .* now it holds 'yes'"),
        ({"built": ["soon", "late", None]}, "'built' held dates .* now it holds 'soon'"),
        ({"built": [1, 2, 3]}, "'built' held dates"),
        ({"size": pd.to_datetime(["2020-01-01"] * 3)}, "'size' held numbers"),
    ],
)
def test_values_of_another_kind_are_refused_with_an_example(changed: dict[str, list[object]], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        select_columns(FRAME.assign(**changed), KINDS)


@pytest.mark.parametrize("dtype", ["duration[us][pyarrow]", object])
def test_durations_of_another_form_are_numbers_as_before(dtype: object) -> None:
    found, _ = select_columns(
        pd.DataFrame({"span": pd.to_timedelta([1, 2], unit="s")}).astype(dtype), {"span": "numeric"}
    )
    assert found["span"].dt.total_seconds().tolist() == [1, 2]


def test_an_absent_column_is_named_with_its_likely_new_name() -> None:
    with pytest.raises(InvalidInputError, match=r"lacks 1 of 4 .*\['town'\].* Is 'Town' the column 'town'"):
        select_columns(FRAME.rename(columns={"town": "Town"}), KINDS)
    with pytest.raises(InvalidInputError, match="Add them"):
        select_columns(FRAME[["size"]], KINDS)


def test_a_few_values_that_cannot_be_read_are_missing_values() -> None:
    frame = pd.DataFrame({"size": [1.5] * 60, "sold": [True] * 60, "town": ["Ulm"] * 60})
    select_columns(frame.assign(built=["2001-01-01"] * 59 + ["unknown"]), KINDS)
    with pytest.raises(InvalidInputError, match=r"'built' held dates .* 'unknown'"):
        select_columns(frame.assign(built=["2001-01-01"] * 29 + ["unknown"] * 31), KINDS)


def test_a_column_that_was_empty_may_hold_anything_later() -> None:
    X = pd.DataFrame({"a": np.arange(60.0), "remark": None})
    model = MetaLearnClassifier(families=["linear"], n_trials=1).fit(X, np.arange(60) > 30)
    assert (model.predict(X.assign(remark="text now")) == model.predict(X)).all()
