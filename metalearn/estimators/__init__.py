"""Estimators that search with a recommendation as the start, under scikit-learn's rules."""

from metalearn.estimators.classifier import MetaLearnClassifier
from metalearn.estimators.regressor import MetaLearnRegressor

__all__ = ["MetaLearnClassifier", "MetaLearnRegressor"]
