"""Random forests and extremely randomised trees of scikit-learn."""

from collections.abc import Mapping

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, ParamValue, SearchSpace
from metalearn.task import ProblemType

__all__ = ["EXTRA_TREES", "RANDOM_FOREST"]

_COMMON: dict[str, Parameter] = {
    "n_estimators": Integer(50, 500, log=True),
    "max_features": Float(0.05, 1.0),
    "min_samples_leaf": Integer(1, 20, log=True),
    "bootstrap": Categorical((True, False)),
    "max_samples": Float(0.3, 1.0),
}
_CLASSES: dict[str, Parameter] = {
    **_COMMON,
    "criterion": Categorical(("gini", "entropy")),
    "class_weight": Categorical((None, "balanced")),
}
_FURTHER: dict[str, tuple[ParamValue, ...]] = {
    "max_features": ("sqrt", "log2", None),
    "criterion": ("log_loss",),
    "class_weight": ("balanced_subsample",),
}
_ALSO: dict[str, Parameter] = {
    "max_depth": Integer(1, 64),
    "min_samples_split": Integer(2, 100),
    "max_leaf_nodes": Integer(2, 1024, log=True),
}
_CONDITIONS = {"max_samples": Condition("bootstrap", (True,))}
_SPACES = {
    ProblemType.BINARY: SearchSpace(_CLASSES, _CONDITIONS),
    ProblemType.MULTICLASS: SearchSpace(_CLASSES, _CONDITIONS),
    ProblemType.REGRESSION: SearchSpace(_COMMON, _CONDITIONS),
}


def _defaults(*, bootstrap: bool) -> dict[ProblemType, Mapping[str, ParamValue]]:
    # max_features of classification is left out: scikit-learn takes the square root of the number of columns
    common: dict[str, ParamValue] = {"n_estimators": 100, "min_samples_leaf": 1, "bootstrap": bootstrap}
    if bootstrap:
        common["max_samples"] = 1.0
    classes: dict[str, ParamValue] = {**common, "criterion": "gini", "class_weight": None}
    return {
        ProblemType.BINARY: classes,
        ProblemType.MULTICLASS: classes,
        ProblemType.REGRESSION: {**common, "max_features": 1.0},
    }


RANDOM_FOREST = ModelSpec(
    name="random_forest",
    spaces=_SPACES,
    defaults=_defaults(bootstrap=True),
    estimator="metalearn.models.estimators:random_forest",
    preprocessing="tree",
    further=_FURTHER,
    also=_ALSO,
    known=(
        KnownConfiguration(
            {"n_estimators": 300, "max_features": 0.33},
            "a third of the columns, as R's randomForest uses in regression (Breiman 2001; Liaw & Wiener 2002)",
        ),
    ),
)

EXTRA_TREES = ModelSpec(
    name="extra_trees",
    spaces=_SPACES,
    defaults=_defaults(bootstrap=False),
    estimator="metalearn.models.estimators:extra_trees",
    preprocessing="tree",
    further=_FURTHER,
    also=_ALSO,
    known=(
        KnownConfiguration(
            {"n_estimators": 300, "min_samples_leaf": 2, "max_features": 0.5},
            "more columns and smaller trees for noisy problems (Geurts, Ernst & Wehenkel 2006, section 3)",
        ),
    ),
)
