"""CatBoost: gradient boosting of oblivious trees."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Float, Integer, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_SPACE = SearchSpace(
    {
        "iterations": Integer(100, 1000, log=True),
        "learning_rate": Float(0.01, 0.3, log=True),
        "depth": Integer(3, 8),
        "l2_leaf_reg": Float(0.1, 30.0, log=True),
        "random_strength": Float(0.1, 10.0, log=True),
        "rsm": Float(0.3, 1.0),
    }
)
# the learning rate is left out: CatBoost derives it from the number of rows and iterations
_DEFAULT = {"iterations": 1000, "depth": 6, "l2_leaf_reg": 3.0, "random_strength": 1.0, "rsm": 1.0}


SPEC = ModelSpec(
    name="catboost",
    spaces=dict.fromkeys(ProblemType, _SPACE),
    defaults=dict.fromkeys(ProblemType, _DEFAULT),
    estimator="metalearn.models.estimators:catboost",
    preprocessing="tree",
    known=(
        KnownConfiguration(
            {"iterations": 300, "learning_rate": 0.05},
            "AutoGluon's learning rate for CatBoost (Erickson et al., 2020), with a fixed number of trees",
        ),
    ),
    requires="catboost",
    also={
        "border_count": Integer(16, 255),
        "bagging_temperature": Float(0.0, 10.0),
        "min_data_in_leaf": Integer(2, 100),
    },
    extra="boosting",
)
