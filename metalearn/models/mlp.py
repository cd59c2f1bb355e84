"""Multi-layer perceptrons of scikit-learn."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Float, Integer, SearchSpace
from metalearn.task import ProblemType

__all__ = ["SPEC"]

# depth and width instead of hidden_layer_sizes, as auto-sklearn names them: a tuple has no scale
_SPACE = SearchSpace(
    {
        "hidden_layer_depth": Integer(1, 3),
        "num_nodes_per_layer": Integer(16, 256, log=True),
        "activation": Categorical(("relu", "tanh")),
        "alpha": Float(1e-7, 1.0, log=True),
        "learning_rate_init": Float(1e-4, 0.03, log=True),
        "early_stopping": Categorical((False, True)),
    }
)
_DEFAULT = {
    "hidden_layer_depth": 1,
    "num_nodes_per_layer": 100,
    "activation": "relu",
    "alpha": 1e-4,
    "learning_rate_init": 1e-3,
    "early_stopping": False,
}


def _estimator(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:  # noqa: ARG001
    from sklearn import neural_network as neural  # noqa: PLC0415 - slow to import, and not needed to recommend

    layers = (params.pop("num_nodes_per_layer", 100),) * params.pop("hidden_layer_depth", 1)
    if problem_type.is_classification:
        return neural.MLPClassifier(hidden_layer_sizes=layers, **params, random_state=random_state)
    # the squared loss is in units of the target: scaled, the learning rate means the same on every table
    regressor = neural.MLPRegressor(hidden_layer_sizes=layers, **params, random_state=random_state)
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


SPEC = ModelSpec(
    name="mlp",
    spaces=dict.fromkeys(ProblemType, _SPACE),
    defaults=dict.fromkeys(ProblemType, _DEFAULT),
    estimator=_estimator,
    known=(
        KnownConfiguration({"alpha": 0.1, "early_stopping": True}, "strong weight decay with early stopping (Kadra et al., NeurIPS 2021: regularise plain networks)"),
    ),
)
