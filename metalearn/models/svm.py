"""Support vector machines of scikit-learn (LIBSVM)."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC", "MarginSVC"]

_COMMON: dict[str, Parameter] = {
    "kernel": Categorical(("rbf", "poly", "linear", "sigmoid")),
    "C": Float(1e-3, 1e3, log=True),
    "gamma": Float(1e-4, 10.0, log=True),
    "degree": Integer(2, 5),
    "coef0": Float(-1.0, 1.0),
}
_CONDITIONS = {
    "gamma": Condition("kernel", ("rbf", "poly", "sigmoid")),
    "degree": Condition("kernel", ("poly",)),
    "coef0": Condition("kernel", ("poly", "sigmoid")),
}
_CLASSES = SearchSpace({**_COMMON, "class_weight": Categorical((None, "balanced"))}, _CONDITIONS)
_NUMBERS = SearchSpace({**_COMMON, "epsilon": Float(1e-3, 1.0, log=True)}, _CONDITIONS)
# gamma is left out: scikit-learn derives it from the number and the variance of the columns
_CLASSES_DEFAULT = {"kernel": "rbf", "C": 1.0, "class_weight": None}

_CACHE_MB = 500


class MarginSVC(SVC):  # type: ignore[misc]
    """Turn the margins of a support vector classifier into probabilities without fitting five more of them.

    The probabilities are the logistic function (two classes) or softmax (more) of the decision function. Their order
    is the classifier's own; they are not calibrated.
    """

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return probabilities that follow the margins.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``.
        """
        margin = self.decision_function(X)
        if margin.ndim == 1:
            positive = expit(2 * margin)
            return np.column_stack([1 - positive, positive])
        return np.asarray(softmax(2 * margin, axis=1))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict the class with the largest margin.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_rows,)
            Labels.
        """
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def _estimator(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:  # noqa: ARG001
    if problem_type.is_classification:
        return MarginSVC(**params, cache_size=_CACHE_MB, random_state=random_state)
    # epsilon and C are in units of the target: scaled, they mean the same on every table
    return TransformedTargetRegressor(SVR(**params, cache_size=_CACHE_MB), transformer=StandardScaler())


SPEC = ModelSpec(
    name="svm",
    spaces={ProblemType.BINARY: _CLASSES, ProblemType.MULTICLASS: _CLASSES, ProblemType.REGRESSION: _NUMBERS},
    defaults={
        ProblemType.BINARY: _CLASSES_DEFAULT,
        ProblemType.MULTICLASS: _CLASSES_DEFAULT,
        ProblemType.REGRESSION: {"kernel": "rbf", "C": 1.0, "epsilon": 0.1},
    },
    estimator=_estimator,
    known=(
        KnownConfiguration({"C": 10.0, "gamma": 0.01}, "a mid-point of the grid in LIBSVM's practical guide (Hsu, Chang & Lin 2003)"),
        KnownConfiguration({"C": 0.1, "kernel": "linear"}, "the linear kernel of LIBSVM's practical guide for wide tables (Hsu, Chang & Lin 2003)"),
    ),
)
