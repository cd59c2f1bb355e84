"""Classifiers that give other libraries' classifiers what a pipeline needs."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.preprocessing import LabelEncoder
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

__all__ = ["EncodedLabels", "MarginSVC"]


class EncodedLabels(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit a classifier on classes encoded as 0 to n_classes - 1, and decode what it predicts."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit on encoded classes."""
        encoder = LabelEncoder().fit(y)
        self.classes_, codes = encoder.classes_, encoder.transform(y)
        estimator = clone(self.estimator)
        if "early_stopping" in estimator.get_params() and np.bincount(codes).min() == 1:
            estimator.set_params(early_stopping=False)
        self.estimator_ = estimator.fit(X, codes, **fit_params)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict classes."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict class probabilities."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict_proba(X), dtype=float)


class MarginSVC(SVC):  # type: ignore[misc]
    """Turn the margins of a support vector classifier into probabilities without fitting five more of them."""

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return probabilities that follow the margins."""
        margin = self.decision_function(X)
        if margin.ndim == 1:
            positive = expit(2 * margin)
            return np.column_stack([1 - positive, positive])
        return np.asarray(softmax(2 * margin, axis=1))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict the class with the largest margin."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
