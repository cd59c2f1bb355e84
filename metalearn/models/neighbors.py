"""Nearest neighbours of scikit-learn."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Integer, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

_SPACE = SearchSpace(
    {
        "n_neighbors": Integer(1, 100, log=True),
        "weights": Categorical(("uniform", "distance")),
        "p": Integer(1, 2),
    }
)


SPEC = ModelSpec(
    name="knn",
    spaces=dict.fromkeys(ProblemType, _SPACE),
    defaults={kind: {"n_neighbors": 5, "weights": "uniform", "p": 2} for kind in ProblemType},
    estimator="metalearn.models.estimators:knn",
    counts_rows=("n_neighbors",),
    known=(
        KnownConfiguration(
            {"n_neighbors": 15, "weights": "distance", "p": 1},
            "distance weights and city-block distance (Dudani 1976; Aggarwal et al. 2001)",
        ),
    ),
)
