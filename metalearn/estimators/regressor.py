"""The regressor."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, column_or_1d

from metalearn.estimators.base import MetaLearnEstimator
from metalearn.estimators.documentation import documented
from metalearn.exceptions import InvalidInputError
from metalearn.table.intake import numeric_target
from metalearn.task import ProblemType

__all__ = ["MetaLearnRegressor"]


@documented
class MetaLearnRegressor(RegressorMixin, MetaLearnEstimator):  # type: ignore[misc]
    """Predict numbers by what worked on tables like this one: search from a recommendation, then keep the best.

    The recommended configurations are cross-validated in their order; what falls behind is dropped early. The library
    default is always among them, and is replaced only by what is better on rows that were held out. Then the winner, or
    a weighted blend of several, is fitted on all rows.

    {parameters}

    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = MetaLearnRegressor(n_trials=2, families=["linear", "decision_tree"]).fit(X, y)
    >>> model.best_configuration_.model
    'linear'
    """

    def _read_target(self, y: Any) -> tuple[npt.NDArray[Any], ProblemType, int]:
        y = numeric_target(pd.Series(column_or_1d(y, warn=True), name="y"), ProblemType.REGRESSION).to_numpy()
        n_missing = int(pd.isna(y).sum())
        try:
            values = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        except ValueError as error:
            which = f" in {n_missing:,} of {len(y):,} rows" if n_missing else ""
            message = (
                f"The target cannot be used as numbers{which}: {str(error).splitlines()[0].rstrip('.')}. Expected a number in "
                "every row. Leave the others out: X[y.notna()], y[y.notna()] (metalearn.tune and metalearn.recommend do so "
                "where it is missing), or convert it."
            )
            raise InvalidInputError(message) from error
        return values, ProblemType.REGRESSION, 0

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict numbers.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            A table with the columns seen in fitting.

        Returns
        -------
        ndarray of shape (n_rows,)
            Numbers.
        """
        return self._mix(X)
