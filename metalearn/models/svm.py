"""Support vector machines of scikit-learn (LIBSVM)."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, ParamValue, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

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
_CLASSES_DEFAULT: dict[str, ParamValue] = {"kernel": "rbf", "C": 1.0, "class_weight": None}


SPEC = ModelSpec(
    name="svm",
    spaces={ProblemType.BINARY: _CLASSES, ProblemType.MULTICLASS: _CLASSES, ProblemType.REGRESSION: _NUMBERS},
    defaults={
        ProblemType.BINARY: _CLASSES_DEFAULT,
        ProblemType.MULTICLASS: _CLASSES_DEFAULT,
        ProblemType.REGRESSION: {"kernel": "rbf", "C": 1.0, "epsilon": 0.1},
    },
    estimator="metalearn.models.estimators:svm",
    further={"gamma": ("scale", "auto")},
    known=(
        KnownConfiguration(
            {"C": 10.0, "gamma": 0.01},
            "a mid-point of the grid in LIBSVM's practical guide (Hsu, Chang & Lin 2003)",
        ),
        KnownConfiguration(
            {"C": 0.1, "kernel": "linear"},
            "the linear kernel of LIBSVM's practical guide for wide tables (Hsu, Chang & Lin 2003)",
        ),
    ),
)
