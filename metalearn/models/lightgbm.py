"""LightGBM: gradient boosting of leaf-wise trees."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_COMMON: dict[str, Parameter] = {
    "n_estimators": Integer(50, 1000, log=True),
    "learning_rate": Float(0.01, 0.3, log=True),
    "num_leaves": Integer(4, 256, log=True),
    "min_child_samples": Integer(2, 100, log=True),
    "subsample": Float(0.5, 1.0),
    "colsample_bytree": Float(0.3, 1.0),
    "reg_alpha": Float(1e-8, 10.0, log=True),
    "reg_lambda": Float(1e-8, 10.0, log=True),
}
_CLASSES: dict[str, Parameter] = {**_COMMON, "class_weight": Categorical((None, "balanced"))}
_DEFAULT = {
    "n_estimators": 100,
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_child_samples": 20,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
    "reg_alpha": 1e-8,  # stands for LightGBM's 0 on a log scale
    "reg_lambda": 1e-8,
}


SPEC = ModelSpec(
    name="lightgbm",
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
    estimator="metalearn.models.estimators:lightgbm",
    preprocessing="tree",
    known=(
        KnownConfiguration(
            {
                "n_estimators": 300,
                "learning_rate": 0.03,
                "num_leaves": 128,
                "colsample_bytree": 0.9,
                "min_child_samples": 3,
            },
            "AutoGluon's GBMLarge preset (Erickson et al., 2020), with a fixed number of trees",
        ),
        KnownConfiguration(
            {
                "n_estimators": 500,
                "learning_rate": 0.0121,
                "num_leaves": 53,
                "colsample_bytree": 0.702,
                "min_child_samples": 14,
            },
            "TabRepo's first LightGBM of the zero-shot portfolio (Salinas & Erickson, AutoML 2024), with a fixed number of trees",
        ),
    ),
    requires="lightgbm",
    also={
        "max_depth": Integer(1, 64),
        "min_child_weight": Float(1e-5, 100.0, log=True),
        "min_split_gain": Float(0.0, 10.0),
        "max_bin": Integer(15, 1023, log=True),
    },
)
