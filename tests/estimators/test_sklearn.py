"""scikit-learn's own checks of what an estimator has to do."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_regressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor
from metalearn.exceptions import InvalidInputError

WEIGHTS = (
    "folds and the choice among configurations are made on rows, whatever they weigh: "
    "a row of weight two is not the same as two rows, one of which may be held out"
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        MetaLearnClassifier(n_trials=2, cv=2, families=("linear", "gaussian_nb", "decision_tree")),
        MetaLearnRegressor(n_trials=2, cv=2, families=("linear", "decision_tree")),
    ],
)
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    if is_regressor(estimator) and check.func.__name__ == "check_sample_weight_equivalence_on_dense_data":
        # it may hold by chance; the classifier's table there is so easy that every choice is right
        pytest.skip(WEIGHTS)
    check(estimator)


@pytest.mark.parametrize("bad", [np.nan, "text"])
def test_targets_that_are_no_numbers_are_refused_with_advice(bad: object) -> None:
    y = np.arange(40.0).astype(object)
    y[3] = bad
    with pytest.raises(InvalidInputError, match="Expected a number in every row"):
        MetaLearnRegressor(n_trials=1).fit(np.arange(80.0).reshape(40, 2), y)


@pytest.mark.parametrize("labels", [pd.period_range("2020-01", periods=2, freq="M"), [(1, 2), (3, 4)]])
def test_labels_that_no_file_of_a_model_holds_are_refused_before_the_search(labels: object) -> None:
    y = pd.Series([*labels] * 20)  # type: ignore[misc]
    with pytest.raises(InvalidInputError, match="cannot be used as classes"):
        MetaLearnClassifier(n_trials=1).fit(np.arange(80.0).reshape(40, 2), y)
