import numpy as np
import pandas as pd
import pytest

from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor, predict_table, tune
from metalearn.exceptions import InvalidInputError

OPTIONS = {"n_trials": 1, "n_folds": 2, "families": ["linear"]}


@pytest.fixture(scope="module")
def X() -> pd.DataFrame:  # noqa: N802 - a table's usual name
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=60), "town": rng.choice(["Ulm", "Bonn"], 60)})


def test_the_kind_of_problem_decides_and_rows_without_target_are_left_out(X: pd.DataFrame) -> None:
    numbers = X["size"] * 2
    numbers[:7] = np.nan
    model = tune(X, numbers, **OPTIONS)
    assert isinstance(model, MetaLearnRegressor)
    assert model.target_["n_rows"] == 53
    assert isinstance(tune(X, X["size"] > 0, **OPTIONS), MetaLearnClassifier)
    whole = tune(X, np.arange(60) % 5, problem_type="regression", **OPTIONS)
    assert isinstance(whole, MetaLearnRegressor)


def test_predictions_name_the_classes(X: pd.DataFrame) -> None:
    model = tune(X, (X["size"] > 0).map({True: "big", False: "small"}), **OPTIONS)
    found, surplus = predict_table(model, X.assign(note="?")[["note", "town", "size"]].head(3))
    assert list(found) == ["prediction", "probability of big", "probability of small"]
    assert list(found["prediction"]) == list(model.predict(X.head(3)))
    assert surplus == ["note"]
    numbers, _ = predict_table(tune(X, X["size"], **OPTIONS), X.assign(town="never seen"))
    assert list(numbers) == ["prediction"]
    with pytest.raises(InvalidInputError, match="town"):
        predict_table(model, X[["size"]])


def test_too_few_rows_are_refused(X: pd.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match="at least 20"):
        tune(X.head(10), X["size"].head(10), **OPTIONS)
