"""Linear models of scikit-learn: logistic regression, ridge regression, elastic net."""

from typing import Any

from sklearn.base import BaseEstimator

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Condition, Float, SearchSpace
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
    {"penalty": Categorical(("l2", "elasticnet")), "alpha": Float(1e-5, 1e4, log=True), "l1_ratio": Float(0.05, 1.0)},
    {"l1_ratio": Condition("penalty", ("elasticnet",))},
)
_CLASSES_DEFAULT = {"penalty": "l2", "C": 1.0, "class_weight": None}


def _estimator(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:  # noqa: ARG001
    from sklearn import linear_model as linear  # noqa: PLC0415 - slow to import, and not needed to recommend

    elastic = params.pop("penalty", "l2") == "elasticnet"
    if problem_type.is_classification:
        # saga takes both penalties but needs many passes; lbfgs is the library's choice for l2
        solver = {"solver": "saga", "max_iter": 200} if elastic else {"solver": "lbfgs", "max_iter": 500}
        params["l1_ratio"] = params.get("l1_ratio", 0.5) if elastic else 0.0
        return linear.LogisticRegression(**params, **solver, random_state=random_state)
    if elastic:
        return linear.ElasticNet(**params, random_state=random_state)
    return linear.Ridge(**params, random_state=random_state)


SPEC = ModelSpec(
    name="linear",
    spaces={ProblemType.BINARY: _CLASSES, ProblemType.MULTICLASS: _CLASSES, ProblemType.REGRESSION: _NUMBERS},
    defaults={
        ProblemType.BINARY: _CLASSES_DEFAULT,
        ProblemType.MULTICLASS: _CLASSES_DEFAULT,
        ProblemType.REGRESSION: {"penalty": "l2", "alpha": 1.0},
    },
    estimator=_estimator,
    known=(
        KnownConfiguration({"C": 0.05, "alpha": 30.0}, "stronger shrinkage for wide and noisy tables (Hoerl & Kennard 1970)"),
    ),
)
