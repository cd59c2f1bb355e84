"""XGBoost: gradient boosting of depth-wise trees."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Float, Integer, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_SPACE = SearchSpace(
    {
        "n_estimators": Integer(50, 1000, log=True),
        "learning_rate": Float(0.01, 0.5, log=True),
        "max_depth": Integer(2, 12),
        "min_child_weight": Float(0.1, 50.0, log=True),
        "subsample": Float(0.5, 1.0),
        "colsample_bytree": Float(0.3, 1.0),
        "reg_alpha": Float(1e-8, 10.0, log=True),
        "reg_lambda": Float(1e-3, 100.0, log=True),
        "gamma": Float(1e-8, 10.0, log=True),
    }
)
_DEFAULT = {
    "n_estimators": 100,
    "learning_rate": 0.3,
    "max_depth": 6,
    "min_child_weight": 1.0,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
    "reg_alpha": 1e-8,  # stands for XGBoost's 0 on a log scale
    "reg_lambda": 1.0,
    "gamma": 1e-8,
}


SPEC = ModelSpec(
    name="xgboost",
    spaces=dict.fromkeys(ProblemType, _SPACE),
    defaults=dict.fromkeys(ProblemType, _DEFAULT),
    estimator="metalearn.models.estimators:xgboost",
    preprocessing="tree",
    known=(
        KnownConfiguration(
            {"n_estimators": 500, "learning_rate": 0.05, "subsample": 0.8, "colsample_bytree": 0.8},
            "the slow-and-subsampled setting of the XGBoost tuning notes, with a fixed number of trees",
        ),
    ),
    requires="xgboost",
    also={
        "max_leaves": Integer(2, 1024, log=True),
        "max_bin": Integer(16, 1024, log=True),
        "colsample_bylevel": Float(0.1, 1.0),
        "colsample_bynode": Float(0.1, 1.0),
        "max_delta_step": Integer(1, 10),
        "scale_pos_weight": Float(0.01, 100.0, log=True),
    },
    extra="boosting",
)
