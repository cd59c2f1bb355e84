"""Estimators that search with a recommendation as the start, under scikit-learn's rules."""

from metalearn.estimators.base import MetaLearnEstimator
from metalearn.estimators.classifier import MetaLearnClassifier
from metalearn.estimators.model_file import load_model, save_model
from metalearn.estimators.regressor import MetaLearnRegressor
from metalearn.estimators.tuning import predict_table, tune

__all__ = [
    "MetaLearnClassifier",
    "MetaLearnEstimator",
    "MetaLearnRegressor",
    "load_model",
    "predict_table",
    "save_model",
    "tune",
]
