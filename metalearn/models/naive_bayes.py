"""Gaussian naive Bayes of scikit-learn."""

from typing import Any

from sklearn.base import BaseEstimator

from metalearn.models.base import ModelSpec
from metalearn.space import Float, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_SPACE = SearchSpace({"var_smoothing": Float(1e-9, 1.0, log=True)})
_SUPPORTED = (ProblemType.BINARY, ProblemType.MULTICLASS)


def _estimator(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:  # noqa: ARG001
    from sklearn.naive_bayes import GaussianNB  # noqa: PLC0415 - slow to import, and not needed to recommend

    return GaussianNB(**params)


SPEC = ModelSpec(
    name="gaussian_nb",
    spaces=dict.fromkeys(_SUPPORTED, _SPACE),
    defaults=dict.fromkeys(_SUPPORTED, {"var_smoothing": 1e-9}),
    estimator=_estimator,
)
