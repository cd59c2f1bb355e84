import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

import metalearn as ml
from metalearn.dataset import Dataset
from metalearn.evaluation.fit import TrainingData, fit_and_score
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.models import build_pipeline, get_model
from metalearn.models.preprocessing import TableCleaner
from metalearn.recommendation import Recommendation
from metalearn.table import schema as module
from metalearn.table.schema import ColumnKind, Schema
from metalearn.task import ProblemType

N = 300


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.Series(pd.date_range("2020-01-01", periods=N)).dt.strftime("%d/%m/%Y")
    words = [f"a sentence of many words with number {i} and more of them" for i in range(N)]
    zips = rng.permutation(np.arange(N) % 12) * 7919 % 100
    return pd.DataFrame(
        {"zip": zips, "when": days, "words": words, "town": rng.choice(["a", "b"], N), "x": rng.normal(size=N)}
    )


@pytest.fixture
def target(table: pd.DataFrame) -> pd.Series:
    levels = sorted(table["zip"].unique())
    return table["zip"].map({level: i % 2 for i, level in enumerate(levels)}).rename("y")


def test_a_schema_is_an_immutable_value(table: pd.DataFrame) -> None:
    found = Schema.of(table, ["zip"])
    assert list(found.kinds.values()) == ["categorical", "datetime", "text", "categorical", "numeric"]
    assert found.formats == {"when": "%d/%m/%Y"}
    assert found.categorical == ("zip",)
    assert Schema.from_dict(found.to_dict()) == found == pickle.loads(pickle.dumps(found))
    with pytest.raises(FrozenInstanceError):
        found.kinds = {}  # type: ignore[misc]


def test_what_is_known_is_not_looked_at_again(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Schema.of(table, "zip")
    monkeypatch.setattr(module, "_some_text", None)
    assert Schema.of(table.iloc[:10], known=known) == known
    assert TableCleaner(known.to_dict()).fit(table.iloc[:10]).formats_ == {"when": "%d/%m/%Y"}


def test_a_column_of_other_values_than_were_known_is_looked_at(table: pd.DataFrame) -> None:
    known = Schema.of(table)
    changed = table.assign(x="word", town=1.5).rename(columns={"when": "new"})
    assert Schema.of(changed, known=known).kinds == {
        "zip": ColumnKind.NUMERIC,
        "new": ColumnKind.DATETIME,
        "words": ColumnKind.TEXT,
        "town": ColumnKind.NUMERIC,
        "x": ColumnKind.CATEGORICAL,
    }


def test_parts_of_a_table_are_read_as_the_whole(table: pd.DataFrame, target: pd.Series) -> None:
    ambiguous = table[["when", "x"]].iloc[:12]  # days of up to 12: of day and month, either may come first
    whole = Schema.of(table[["when", "x"]])
    default = get_model("gaussian_nb").default(ProblemType.BINARY)
    model = build_pipeline(default, "binary", schema=whole).fit(ambiguous, [0, 1] * 6)
    assert "when.days" in model["preprocessing"]["clean"].get_feature_names_out()
    rows = np.arange(N)
    data = TrainingData(table, target.to_numpy(), ProblemType.BINARY, 2, (), schema=Schema.of(table, "zip"))
    fitted = fit_and_score(data, get_model("linear").default(ProblemType.BINARY), rows).pipeline
    assert fitted["preprocessing"]["clean"].kinds_["zip"] == "categorical"


def test_columns_said_to_be_categorical_are_so_in_what_is_built(table: pd.DataFrame, target: pd.Series) -> None:
    X = table[["zip", "x"]]
    recommended = ml.recommend(X, target, categorical=["zip"], families=["linear"], n=1)
    advisor = ml.Advisor(X, target, categorical=["zip"], families=["linear"])
    configuration = advisor.ask()
    built = [
        recommended[0].build(),
        Recommendation.from_dict(recommended.to_dict())[0].build(),
        advisor.build(configuration),
        ml.Advisor.from_json(advisor.to_json()).build(configuration),
        pickle.loads(pickle.dumps(advisor)).build(configuration),
    ]
    for model in built:
        assert model.fit(X, target).score(X, target) > 0.95
    assert ml.recommend(X, target, families=["linear"], n=1)[0].build().fit(X, target).score(X, target) < 0.7


def test_the_target_may_be_a_named_column(table: pd.DataFrame, target: pd.Series) -> None:
    frame = table[["zip", "x"]].assign(sold=target)
    ml.recommend(frame, target="sold", families=["linear"])
    with pytest.raises(UnknownNameError, match="Did you mean 'sold'"):
        ml.recommend(frame, target="solde")
    with pytest.raises(InvalidInputError, match="Both y and target"):
        ml.recommend(frame, target, target="sold")
    with pytest.raises(InvalidInputError, match="No target was given"):
        ml.recommend(frame)


def test_a_search_takes_the_name_of_its_target(table: pd.DataFrame, target: pd.Series) -> None:
    model = ml.tune(table[["x"]].assign(sold=target), target="sold", n_trials=1, families=["gaussian_nb"])
    assert list(model.feature_names_in_) == ["x"]
    assert model.target_["name"] == "sold"


def test_each_column_tells_how_it_was_read(table: pd.DataFrame, target: pd.Series) -> None:
    columns = Dataset.from_data(table.assign(x=table["x"].where(table["x"] > 0)), target, categorical=["zip"]).columns
    assert columns["kind"].tolist() == ["categorical", "datetime", "text", "categorical", "numeric"]
    assert columns["format"].tolist() == ["", "%d/%m/%Y", "", "", ""]
    assert columns["missing"].tolist()[:4] == [0, 0, 0, 0]
    assert columns["distinct"].tolist()[3] == 2
    assert set(columns["examples"][3].split(", ")) == {"a", "b"}


def test_a_forced_column_of_text_with_a_level_a_row_stays_categorical() -> None:
    table = pd.DataFrame({"code": [f"c{i}" for i in range(60)]})
    schema = Schema.of(table, ["code"])
    assert TableCleaner(schema.to_dict()).fit(table).kinds_ == {"code": "categorical"}
    assert TableCleaner().fit(table).kinds_ == {"code": "text"}
