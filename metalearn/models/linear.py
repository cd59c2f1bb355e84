"""Linear models of scikit-learn: logistic regression, ridge regression, elastic net."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Condition, Float, ParamValue, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_CLASSES = SearchSpace(
    {
        "penalty": Categorical(("l2", "elasticnet")),
        "C": Float(1e-4, 1e4, log=True),
        "l1_ratio": Float(0.05, 1.0),
        "class_weight": Categorical((None, "balanced")),
    },
    {"l1_ratio": Condition("penalty", ("elasticnet",))},
)
_NUMBERS = SearchSpace(
    {
        "penalty": Categorical(("l2", "elasticnet")),
        "alpha": Float(1e-5, 1e4, log=True),
        "l1_ratio": Float(0.05, 1.0),
    },
    {"l1_ratio": Condition("penalty", ("elasticnet",))},
)
_CLASSES_DEFAULT: dict[str, ParamValue] = {"penalty": "l2", "C": 1.0, "class_weight": None}


SPEC = ModelSpec(
    name="linear",
    spaces={ProblemType.BINARY: _CLASSES, ProblemType.MULTICLASS: _CLASSES, ProblemType.REGRESSION: _NUMBERS},
    defaults={
        ProblemType.BINARY: _CLASSES_DEFAULT,
        ProblemType.MULTICLASS: _CLASSES_DEFAULT,
        ProblemType.REGRESSION: {"penalty": "l2", "alpha": 1.0},
    },
    estimator="metalearn.models.estimators:linear",
    known=(
        KnownConfiguration(
            {"C": 0.05, "alpha": 30.0}, "stronger shrinkage for wide and noisy tables (Hoerl & Kennard 1970)"
        ),
    ),
)
