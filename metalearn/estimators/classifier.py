"""The classifier."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from metalearn._wording import advice
from metalearn.estimators.base import MetaLearnEstimator
from metalearn.estimators.documentation import documented
from metalearn.exceptions import InvalidInputError
from metalearn.task import ProblemType

__all__ = ["MetaLearnClassifier", "unstorable"]


@documented
class MetaLearnClassifier(ClassifierMixin, MetaLearnEstimator):  # type: ignore[misc]
    """Classify by what worked on tables like this one: search from a recommendation, then keep the best.

    The recommended configurations are cross-validated in their order; what falls behind is dropped early. The library
    default is always among them, and is replaced only by what is better on rows that were held out. Then the winner, or
    a weighted blend of several, is fitted on all rows.

    {parameters}

    {attributes}
    classes_ : ndarray of shape (n_classes,)
        The classes.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> model = MetaLearnClassifier(n_trials=2, families=["linear", "gaussian_nb"]).fit(X, y)
    >>> model.predict(X[:3])
    array([0, 0, 0])
    """

    def _read_target(self, y: Any) -> tuple[npt.NDArray[Any], ProblemType, int]:
        y = column_or_1d(_plain_labels(y), warn=True)
        n_missing = int(pd.isna(y).sum())
        if n_missing:
            message = (
                f"The target is missing in {n_missing:,} of {len(y):,} rows. Expected a class in every row. "
                "Leave those rows out: X[y.notna()], y[y.notna()] (metalearn.tune and metalearn.recommend do so)."
            )
            raise InvalidInputError(message)
        assert_all_finite(y, input_name="y")
        try:
            if len(pd.unique(y)) > 2:  # noqa: PLR2004 - two fractions are two classes
                check_classification_targets(y)
            codes, self.classes_ = _encoded(y)
        except (TypeError, ValueError) as error:  # fractions, or labels of several types
            option = advice(python="problem_type='regression', or MetaLearnRegressor", command="--task regression")
            message = (
                f"The target cannot be used as classes: {str(error).rstrip('.')}. Expected whole numbers, text or booleans, all of one type. "
                "Convert it, as by y.astype(str); where it holds quantities, predict them by regression "
                f"({option})."
            )
            raise InvalidInputError(message) from error
        n_classes = len(self.classes_)
        if n_classes < 2:  # noqa: PLR2004
            message = f"The target has {n_classes} class: {self.classes_.tolist()}. Expected at least two classes. Choose another target."
            raise InvalidInputError(message)
        kind = ProblemType.BINARY if n_classes == 2 else ProblemType.MULTICLASS  # noqa: PLR2004
        return codes, kind, n_classes

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict class probabilities.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            A table with the columns seen in fitting.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        return self._mix(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict classes.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            A table with the columns seen in fitting.

        Returns
        -------
        ndarray of shape (n_rows,)
            Labels.
        """
        chosen = self._mix(X).argmax(axis=1)
        return np.asarray(self.classes_[chosen])


def _encoded(y: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Return codes and labels; TypeError for labels that a file of the model could not hold."""
    encoder = LabelEncoder()
    codes = encoder.fit_transform(y)
    label = unstorable(encoder.classes_)
    if label is not None:
        message = f"a file of the model could not hold labels such as {label!r}"
        raise TypeError(message)
    return codes, encoder.classes_


def unstorable(labels: Iterable[Any]) -> Any:
    """Return the first label that a model's file could not hold, such as a date or a Decimal; None if it can hold all."""
    return next(
        (
            label
            for label in labels
            if not isinstance(label, str | bytes | bool | Real | np.generic) or isinstance(label, Decimal | Fraction)
        ),
        None,
    )


def _plain_labels(y: Any) -> Any:
    """Return nullable labels and objects as plain integers or booleans: scikit-learn makes floats of the ones, refuses the others."""
    if (
        not isinstance(y, pd.Series | np.ndarray)
        or y.ndim != 1
        or (isinstance(y.dtype, np.dtype) and y.dtype != object)
    ):
        return y
    is_plain = pd.api.types.infer_dtype(y, skipna=False) in ("integer", "boolean")
    return pd.Series(y).astype(object).infer_objects().to_numpy() if is_plain else y
