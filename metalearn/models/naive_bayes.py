"""Gaussian naive Bayes of scikit-learn."""

from metalearn.models.base import ModelSpec
from metalearn.space import Float, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_SPACE = SearchSpace({"var_smoothing": Float(1e-9, 1.0, log=True)})
_SUPPORTED = (ProblemType.BINARY, ProblemType.MULTICLASS)


SPEC = ModelSpec(
    name="gaussian_nb",
    spaces=dict.fromkeys(_SUPPORTED, _SPACE),
    defaults={kind: {"var_smoothing": 1e-9} for kind in _SUPPORTED},
    estimator="metalearn.models.estimators:gaussian_nb",
)
