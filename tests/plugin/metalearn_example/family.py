"""A model family: linear discriminant analysis."""

from typing import Any

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from metalearn.models import KnownConfiguration, ModelSpec
from metalearn.space import Float, SearchSpace
from metalearn.task import ProblemType


def discriminant(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> Any:
    """Return the unfitted estimator; nothing in it is random, and it takes no threads of its own."""
    del problem_type, random_state, n_jobs
    return LinearDiscriminantAnalysis(solver="lsqr", **params)


SPEC = ModelSpec(
    name="discriminant",
    spaces=dict.fromkeys(
        (ProblemType.BINARY, ProblemType.MULTICLASS),
        SearchSpace({"shrinkage": Float(0.0, 1.0)}),
    ),
    defaults={kind: {"shrinkage": 0.0} for kind in (ProblemType.BINARY, ProblemType.MULTICLASS)},
    estimator="metalearn_example.family:discriminant",
    preprocessing="dense",
    known=(KnownConfiguration({"shrinkage": 0.1}, "Friedman 1989, regularised discriminant analysis"),),
)
