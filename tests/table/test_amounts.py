import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metalearn._wording import advice, at_command_line
from metalearn.api import recommend
from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.estimators import MetaLearnRegressor, predict_table, tune
from metalearn.exceptions import InvalidInputError
from metalearn.metafeatures import extract
from metalearn.table.amounts import COMMA, POINT, amount_form, as_numbers
from metalearn.table.intake import take_in
from metalearn.table.read import read_table
from metalearn.table.schema import ColumnKind, Schema

N = 60
VALUES = np.random.default_rng(0).integers(900, 999_999, N).astype(float)


@pytest.mark.parametrize(
    ("texts", "form", "numbers"),
    [
        (["139,750", "999"], POINT, [139750, 999]),
        (["$139,750", "-$1,250.50", "$ 3"], POINT, [139750, -1250.5, 3]),
        (["12.5%", "3 %"], POINT, [12.5, 3]),
        (["1\u202f234", "12", "1\u00a0234\u00a0567"], POINT, [1234, 12, 1234567]),
        (["\u22125", "3.5", "\u22121,000"], POINT, [-5, 3.5, -1000]),
        (["(1,234)", "17", "99.95-"], POINT, [-1234, 17, -99.95]),
        (["1'234.50", "CHF 12"], POINT, [1234.5, 12]),
        (["1.234,50", "12"], COMMA, [1234.5, 12]),
        (["1,5 €", "1.234 €"], COMMA, [1.5, 1234]),
    ],
)
def test_numbers_with_marks_are_read(texts: list[str], form: str, numbers: list[float]) -> None:
    assert amount_form(texts) == form
    assert as_numbers(pd.Series([*texts, None]), form)[:-1].tolist() == numbers


@pytest.mark.parametrize(
    "texts",
    [
        ["1,5", "2,5"],  # a list as well as a number
        ["12,34", "1,234"],
        ["1", "2.5"],
        ["555 123 456", "555 654 321"],
        ["01,234", "1,234"],
        ["192.168.001.100", "192.168.001.101"],
        ["$5", "n/a"],
        ["(5", "$3"],
        ["1,234", "no"],
        [],
    ],
)
def test_all_else_stays_text(texts: list[str]) -> None:
    assert amount_form(texts) is None


def _table() -> pd.DataFrame:
    noise = np.random.default_rng(1).normal(size=N)
    return pd.DataFrame({"price": [f"${v:,.0f}" for v in VALUES], "noise": noise, "town": ["a", "b"] * (N // 2)})


def test_schema_meta_features_and_checks_take_them_for_numbers() -> None:
    raw, plain = _table(), _table().assign(price=VALUES)
    data = Dataset.from_data(raw, VALUES * 2)
    assert data.kinds["price"] is ColumnKind.NUMERIC
    assert data.schema.formats["price"] == POINT
    found, expected = extract(data), extract(Dataset.from_data(plain, VALUES * 2))
    assert found.values == pytest.approx(expected.values, nan_ok=True)
    told = {f.kind: f for f in check_data(data)}
    assert told["numbers_as_text"].severity == "info"
    assert "read as numbers" in told["numbers_as_text"].message
    assert "target_leak" in told


def test_one_word_among_them_makes_no_silent_gap() -> None:
    raw = _table()
    raw.loc[N - 1, "price"] = "unknown"
    assert Schema.of(raw).kinds["price"] is ColumnKind.CATEGORICAL


def test_a_target_with_marks_is_read_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw = _table()
    _, y, kind = take_in(raw[["noise"]], raw["price"])
    assert str(kind) == "regression"
    assert y.tolist() == VALUES.tolist()
    assert "The target 'price' holds numbers as text" in caplog.text
    raw.to_csv(tmp_path / "t.csv", index=False)
    table = read_table(tmp_path / "t.csv", "price")
    assert str(recommend(table.X, table.y, n=1).task.problem_type) == "regression"


def test_few_labels_with_marks_stay_classes_unless_regression_is_asked_for() -> None:
    y = pd.Series(["5%", "10%", "20%"] * 20)
    assert take_in(np.zeros((60, 1)), y)[1].tolist()[:2] == ["5%", "10%"]
    assert take_in(np.zeros((60, 1)), y, problem_type="regression")[1].tolist()[:2] == [5.0, 10.0]


def test_models_read_them_in_fitting_and_in_prediction() -> None:
    raw = _table()
    model = tune(raw, [f"{v * 2:,.0f}" for v in VALUES], n_trials=1, families=["linear"])
    by_text = predict_table(model, raw)[0]["prediction"]
    by_number = predict_table(model, raw.assign(price=VALUES))[0]["prediction"]
    assert by_text.tolist() == pytest.approx(by_number.tolist())
    with pytest.raises(InvalidInputError, match="'price' held numbers"):
        predict_table(model, raw.assign(price="cheap"))
    fitted = MetaLearnRegressor(n_trials=1, families=["linear"]).fit(raw, raw["price"])
    assert np.corrcoef(fitted.predict(raw), VALUES)[0, 1] > 0.99


def test_a_decimal_comma_is_kept_in_mind() -> None:
    written = [f"{v:,.2f} €".translate(str.maketrans(",.", ".,")) for v in VALUES]
    raw = pd.DataFrame({"price": written, "size": VALUES % 7})
    model = tune(raw, VALUES, n_trials=1, families=["linear"])
    assert model.column_formats == {"price": COMMA}
    one = raw.iloc[:1].assign(price="1.234")
    expected = predict_table(model, raw.iloc[:1].assign(price=1234.0))[0]
    assert predict_table(model, one)[0].iloc[0, 0] == pytest.approx(expected.iloc[0, 0])


def test_commas_separate_thousands_in_a_file_with_decimal_points(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("price\tsize\ty\n139,750\t1.5\t1\n999\t2.25\t0\n")
    assert read_table(tmp_path / "t.tsv", "y").X["price"].tolist() == ["139,750", "999"]
    (tmp_path / "u.tsv").write_text("price\tsize\ty\n139,750\t1,5\t1\n999\t2,25\t0\n")
    assert read_table(tmp_path / "u.tsv", "y").X["price"].tolist() == [139.75, 999.0]


def test_advice_names_the_door_in_use(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    assert advice(python="drop=", command="--drop") == "drop="
    X = pd.DataFrame({"when": pd.date_range("2020", periods=N), "m": [1, "x", 2.5] * (N // 3)})
    data = Dataset.from_data(X, VALUES)
    python = " ".join(f.message for f in check_data(data))
    assert "--" not in python
    assert "ml.tune" in python
    with at_command_line():
        command = " ".join(f.message for f in check_data(data))
    assert "pandas" not in command
    assert "ml." not in command
    assert "--missing" in command
