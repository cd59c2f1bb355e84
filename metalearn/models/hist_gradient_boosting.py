"""Histogram-based gradient boosting of scikit-learn."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_COMMON: dict[str, Parameter] = {
    "max_iter": Integer(50, 1000, log=True),
    "learning_rate": Float(0.01, 0.5, log=True),
    "max_leaf_nodes": Integer(4, 256, log=True),
    "min_samples_leaf": Integer(2, 100, log=True),
    "l2_regularization": Float(1e-8, 100.0, log=True),
    "max_features": Float(0.3, 1.0),
}
_CLASSES: dict[str, Parameter] = {**_COMMON, "class_weight": Categorical((None, "balanced"))}
_DEFAULT = {
    "max_iter": 100,
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 1e-8,  # stands for scikit-learn's 0 on a log scale
    "max_features": 1.0,
}


SPEC = ModelSpec(
    name="hist_gradient_boosting",
    spaces={
        ProblemType.BINARY: SearchSpace(_CLASSES),
        ProblemType.MULTICLASS: SearchSpace(_CLASSES),
        ProblemType.REGRESSION: SearchSpace(_COMMON),
    },
    defaults={
        ProblemType.BINARY: {**_DEFAULT, "class_weight": None},
        ProblemType.MULTICLASS: {**_DEFAULT, "class_weight": None},
        ProblemType.REGRESSION: _DEFAULT,
    },
    estimator="metalearn.models.estimators:hist_gradient_boosting",
    preprocessing="tree",
    further={"max_leaf_nodes": (None,)},
    also={"max_depth": Integer(1, 64), "max_bins": Integer(15, 255)},
    known=(
        KnownConfiguration(
            {"max_iter": 300, "learning_rate": 0.03, "max_leaf_nodes": 15, "max_features": 0.5},
            "slow learning of small trees on half of the columns (Hastie, Tibshirani & Friedman 2009, section 10.12)",
        ),
    ),
)
