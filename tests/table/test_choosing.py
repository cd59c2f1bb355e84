from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import metalearn as ml
from metalearn._wording import at_command_line
from metalearn.cli import main
from metalearn.estimators import MetaLearnRegressor, load_model, predict_table, save_model
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.table.read import read_frame, read_table

N = 60
RNG = np.random.default_rng(0)


@pytest.fixture
def houses() -> pd.DataFrame:
    size = RNG.uniform(50, 200, N)
    return pd.DataFrame(
        {"id": [f"H{i}" for i in range(N)], "size": size, "age": RNG.uniform(0, 9, N), "price": size * 2}
    )


def test_columns_are_dropped_wherever_a_table_comes_in(houses: pd.DataFrame) -> None:
    rec = ml.recommend(houses, target="price", drop="id", n=1)
    assert rec.task.n_features == 2
    assert rec.reading == {"drop": ("id",)}
    assert ml.recommend(houses, target="price", keep=["size"], n=1).task.n_features == 1
    advisor = ml.Advisor(houses, target="price", drop=["id"])
    assert advisor.task.n_features == 2
    pipeline = rec[0].build().fit(houses.drop(columns="price"), houses["price"])
    assert list(pipeline["preprocessing"]["clean"].feature_names_in_) == ["size", "age"]
    with pytest.raises(UnknownNameError, match="'ids'"):
        ml.recommend(houses, target="price", drop=["ids"])
    with pytest.raises(InvalidInputError, match="No column is left"):
        ml.recommend(houses[["size", "price"]], target="price", drop=["size"])


@pytest.mark.parametrize("choice", [{"drop": "id"}, {"keep": ["size", "age"]}])
def test_a_model_remembers_what_was_dropped(houses: pd.DataFrame, choice: dict[str, object], tmp_path: Path) -> None:
    X, y = houses.drop(columns="price"), houses["price"]
    fitted = MetaLearnRegressor(n_trials=1, families=["linear"], **choice).fit(X, y)
    expected = fitted.predict(X)
    assert fitted.predict(X.drop(columns="id")) == pytest.approx(expected)
    tuned = ml.tune(houses, target="price", n_trials=1, families=["linear"], **choice)
    save_model(tuned, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops")
    assert loaded.predict(X) == pytest.approx(loaded.predict(X[["size", "age"]]))
    assert predict_table(loaded, X[["age", "size"]])[1] == []
    assert predict_table(loaded, X.assign(new=1))[1] == (["new"] if "drop" in choice else ["id", "new"])


def test_values_may_mean_that_there_is_none(tmp_path: Path, houses: pd.DataFrame) -> None:
    changed = houses.assign(size=houses["size"].round().astype(int).astype(str), age=houses["age"].round().astype(int))
    changed.loc[3, "size"], changed.loc[4, "age"] = "?", -999
    changed.to_csv(tmp_path / "t.csv", index=False)
    changed.to_parquet(tmp_path / "t.parquet")
    for file in ("t.csv", "t.parquet"):
        found = read_table(tmp_path / file, "price", missing=("?", "-999")).X
        assert found.isna().sum().to_dict() == {"id": 0, "size": 1, "age": 1}


def test_leading_zeros_are_kept_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t.csv").write_text("zip,n,share,y\n01067,10,00.5,1\n12345,0,1.5,0\n,7,2,1\n")
    found = read_frame(tmp_path / "t.csv")
    assert found["zip"].tolist()[:2] == ["01067", "12345"]
    assert found["n"].tolist() == [10, 0, 7]
    assert found["share"].tolist() == [0.5, 1.5, 2.0]
    assert "leading zeros were kept, so that ['zip'] are text" in caplog.text


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["03/04/2020", "01/02/2021"], "%d/%m/%Y"),
        (["20200403", "20210201"], "%Y%m%d"),
        (["3.4.20", "1.2.21"], "%d.%m.%y"),
    ],
)
def test_a_column_may_be_said_to_hold_dates(tmp_path: Path, values: list[str], form: str) -> None:
    pd.DataFrame({"when": values, "y": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    found = read_table(tmp_path / "t.csv", "y", dates={"when": form}).X["when"]
    assert [f"{day:%Y-%m-%d}" for day in found] == ["2020-04-03", "2021-02-01"]
    with pytest.raises(InvalidInputError, match="Expected dates of the form"):
        read_table(tmp_path / "t.csv", "y", dates={"when": "%H:%M"})


def test_dates_with_two_readings_need_a_format(tmp_path: Path) -> None:
    pd.DataFrame({"when": ["03/04/2020", "01/02/2021"], "y": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InvalidInputError, match=r"day or month.*dates=\{'when'"):
        read_table(tmp_path / "t.csv", "y", dates={"when": ""})
    with at_command_line(), pytest.raises(InvalidInputError, match=r"--date when=%d/%m/%Y"):
        read_table(tmp_path / "t.csv", "y", dates={"when": ""})


def test_prediction_reads_a_file_as_the_search_did(tmp_path: Path, houses: pd.DataFrame) -> None:
    houses = houses.assign(
        sold=pd.date_range("2020-01-01", periods=N, freq="7D").strftime("%d/%m/%y"), age=houses["age"].round()
    )
    houses.loc[3, "age"] = -999
    houses.to_csv(tmp_path / "t.csv", index=False)
    options = ["--target", "price", "--drop", "id", "--date", "sold=%d/%m/%y", "--missing", "-999"]
    model, run = str(tmp_path / "m.skops"), CliRunner().invoke
    found = run(
        main, ["tune", str(tmp_path / "t.csv"), *options, "--trials", "1", "--families", "linear", "--out", model]
    )
    assert found.exit_code == 0, found.output
    assert load_model(model).column_kinds_ == {"size": "numeric", "age": "numeric", "sold": "datetime"}
    houses.drop(columns="price").head(3).to_csv(tmp_path / "new.csv", index=False)
    predicted = run(main, ["predict", model, str(tmp_path / "new.csv")])
    assert predicted.exit_code == 0, predicted.output
    assert len(predicted.stdout.splitlines()) == 4
    assert predicted.stderr == ""


def test_identifiers_pass_through_prediction_and_unseen_categories_are_told(
    tmp_path: Path, houses: pd.DataFrame
) -> None:
    houses = houses.assign(town=["Bonn", "Köln"] * (N // 2))
    model = ml.tune(houses, target="price", drop="id", n_trials=1, families=["linear"])
    save_model(model, tmp_path / "m.skops")
    new = houses.drop(columns="price").head(8)
    new.to_csv(tmp_path / "new.csv", index=False)
    run = CliRunner().invoke
    found = run(main, ["predict", str(tmp_path / "m.skops"), str(tmp_path / "new.csv"), "--id", "id"])
    assert found.stdout.splitlines()[0] == "id,prediction"
    assert found.stdout.splitlines()[1].startswith("H0,")
    assert found.stderr == ""
    unknown = run(main, ["predict", str(tmp_path / "m.skops"), str(tmp_path / "new.csv"), "--id", "ids"])
    assert unknown.exit_code == 2
    with pytest.warns(UserWarning, match=r"No category in \['town'\] was there"):
        model.predict(new.assign(town="bonn"))


def test_the_score_on_newer_rows_is_told_when_all_is_well(houses: pd.DataFrame) -> None:
    model = ml.tune(houses, target="price", drop="id", n_trials=1, families=["linear"])
    found = ml.recheck(model, houses.drop(columns="price"), houses["price"])
    assert found.still_valid, found.reasons
    assert str(found).startswith("Still valid: r2 ")
    assert found.to_dict()["score"] == found.score > 0.99
