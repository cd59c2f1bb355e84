"""Single decision trees of scikit-learn."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Integer, Parameter, ParamValue, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_COMMON: dict[str, Parameter] = {"max_depth": Integer(1, 20), "min_samples_leaf": Integer(1, 64, log=True)}
_CLASSES: dict[str, Parameter] = {**_COMMON, "criterion": Categorical(("gini", "entropy"))}
# max_depth is left out: scikit-learn grows trees until the leaves are pure
_CLASSES_DEFAULT: dict[str, ParamValue] = {"min_samples_leaf": 1, "criterion": "gini"}


SPEC = ModelSpec(
    name="decision_tree",
    spaces={
        ProblemType.BINARY: SearchSpace(_CLASSES),
        ProblemType.MULTICLASS: SearchSpace(_CLASSES),
        ProblemType.REGRESSION: SearchSpace(_COMMON),
    },
    defaults={
        ProblemType.BINARY: _CLASSES_DEFAULT,
        ProblemType.MULTICLASS: _CLASSES_DEFAULT,
        ProblemType.REGRESSION: {"min_samples_leaf": 1},
    },
    estimator="metalearn.models.estimators:decision_tree",
    preprocessing="tree",
    further={"criterion": ("log_loss",)},
    also={"min_samples_split": Integer(2, 100), "max_leaf_nodes": Integer(2, 1024, log=True)},
    known=(KnownConfiguration({"max_depth": 1}, "one split: what a single column can do (Holte 1993)"),),
)
