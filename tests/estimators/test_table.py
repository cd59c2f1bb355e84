from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator

from metalearn.estimators import MetaLearnClassifier, tune
from metalearn.estimators.table import as_table
from metalearn.exceptions import InvalidInputError

CELLS = np.random.default_rng(0).normal(size=(60, 3))
Y = (CELLS[:, 0] > 0).astype(int)
OPTIONS = {"n_trials": 1, "cv": 2, "families": ["linear"]}
NAMED = pd.DataFrame(CELLS, columns=list("abc"))
TABLES = {
    "array": CELLS,
    "list": CELLS.tolist(),
    "records": NAMED.to_records(index=False),
    "masked": np.ma.masked_array(CELLS, CELLS > 1),
    "csr": sparse.csr_matrix(CELLS),
    "coo": sparse.coo_array(CELLS),
    "numbered": pd.DataFrame(CELLS),
    "numbers": pd.DataFrame(CELLS, columns=[10, 20, 30]),
    "mixed": pd.DataFrame(CELLS, columns=[1, "a", 2.5]),
    "none": pd.DataFrame(CELLS, columns=[None, "a", "b"]),
    "levels": pd.DataFrame(CELLS, columns=pd.MultiIndex.from_product([["a"], [1, 2, 3]])),
}
COLUMNS = {
    "flat": CELLS[:, 0],
    "list": CELLS[:, 0].tolist(),
    "series": pd.Series(CELLS[:, 0]),
    "named": pd.Series(CELLS[:, 0], name="a"),
}


@pytest.mark.parametrize("form", TABLES)
def test_what_a_model_is_fitted_on_it_takes_to_predict(form: str) -> None:
    X: Any = TABLES[form]
    model = tune(X, Y, **OPTIONS)
    assert (model.predict(X) == Y).mean() > 0.8
    assert (MetaLearnClassifier(**OPTIONS).fit(X, Y).predict(X) == model.predict(X)).all()


@pytest.mark.parametrize("form", COLUMNS)
def test_a_single_column_may_be_flat(form: str) -> None:
    model = tune(COLUMNS[form], Y, **OPTIONS)
    assert (model.predict(COLUMNS[form]) == Y).mean() > 0.8


@pytest.mark.parametrize("form", ["array", "list", "records", "csr", "numbered"])
def test_tables_without_names_are_those_of_the_fitted_columns(form: str) -> None:
    model = tune(NAMED, Y, **OPTIONS)
    assert (model.predict(TABLES[form]) == model.predict(NAMED)).all()


@pytest.mark.parametrize("columns", [[1, 0, 2], [5, 6, 7], ["1", "0", "2"]])
def test_columns_of_other_names_or_in_another_order_are_refused(columns: list[Any]) -> None:
    model = tune(pd.DataFrame(CELLS), Y, **OPTIONS)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(pd.DataFrame(CELLS, columns=columns))
    with pytest.raises(ValueError, match="X has 2 features, but MetaLearnClassifier is expecting 3"):
        model.predict(CELLS[:, :2])
    with pytest.raises(ValueError, match="Reshape your data"):
        model.predict(CELLS[0])


def test_levels_of_numbers_are_named_alike_and_those_of_text_apart() -> None:
    X = pd.DataFrame({"version": ["v1", "v1.0", "1.0", "-2.0"], "code": [1.0, 2.0, 2.5, None]})
    found = as_table(BaseEstimator(), X, categorical=("version", "code"), reset=True)
    assert list(found["version"]) == ["v1", "v1.0", "1", "-2"]
    assert list(found["code"].dropna()) == ["1", "2", "2.5"]


def test_levels_that_no_encoding_holds_are_taken() -> None:
    X = pd.DataFrame({"code": pd.Series(["\ud800", None, "a"], dtype=object)})
    found = as_table(BaseEstimator(), X, categorical=("code",), reset=True)["code"]
    assert found.cat.codes.tolist() == [1, -1, 0]


def test_a_single_categorical_column_may_be_named_by_itself() -> None:
    X = NAMED.assign(ab=np.arange(60) % 3)
    for model in (tune(X, Y, categorical="ab", **OPTIONS), MetaLearnClassifier(categorical="ab", **OPTIONS).fit(X, Y)):
        assert [name for name, kind in model.column_kinds_.items() if kind == "categorical"] == ["ab"]
        assert model.recommendation_.categorical == ("ab",)
        assert len(model.predict(X)) == 60


@pytest.mark.parametrize("n_rows", [10, 60])
def test_an_unknown_categorical_column_is_refused_in_tables_of_any_size(n_rows: int) -> None:
    with pytest.raises(InvalidInputError, match=r"\['town'\] are not in the table"):
        MetaLearnClassifier(categorical="town", **OPTIONS).fit(NAMED[:n_rows], Y[:n_rows])
