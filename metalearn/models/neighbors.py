"""Nearest neighbours of scikit-learn."""

from typing import Any

from sklearn.base import BaseEstimator

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Integer, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_SPACE = SearchSpace(
    {"n_neighbors": Integer(1, 100, log=True), "weights": Categorical(("uniform", "distance")), "p": Integer(1, 2)}
)


def _estimator(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:  # noqa: ARG001
    from sklearn import neighbors  # noqa: PLC0415 - slow to import, and not needed to recommend

    name = "KNeighborsClassifier" if problem_type.is_classification else "KNeighborsRegressor"
    return getattr(neighbors, name)(**params, n_jobs=n_jobs)


SPEC = ModelSpec(
    name="knn",
    spaces=dict.fromkeys(ProblemType, _SPACE),
    defaults=dict.fromkeys(ProblemType, {"n_neighbors": 5, "weights": "uniform", "p": 2}),
    estimator=_estimator,
    known=(
        KnownConfiguration({"n_neighbors": 15, "weights": "distance", "p": 1}, "distance weights and city-block distance (Dudani 1976; Aggarwal et al. 2001)"),
    ),
)
