import pandas as pd
from sklearn.base import BaseEstimator

from metalearn.estimators.table import as_table


def test_levels_of_numbers_are_named_alike_and_those_of_text_apart() -> None:
    X = pd.DataFrame({"version": ["v1", "v1.0", "1.0", "-2.0"], "code": [1.0, 2.0, 2.5, None]})
    found = as_table(BaseEstimator(), X, categorical=("version", "code"), reset=True)
    assert list(found["version"]) == ["v1", "v1.0", "1", "-2"]
    assert list(found["code"].dropna()) == ["1", "2", "2.5"]


def test_levels_that_no_encoding_holds_are_taken() -> None:
    X = pd.DataFrame({"code": pd.Series(["\ud800", None, "a"], dtype=object)})
    found = as_table(BaseEstimator(), X, categorical=("code",), reset=True)["code"]
    assert found.cat.codes.tolist() == [1, -1, 0]
