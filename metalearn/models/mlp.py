"""Multi-layer perceptrons of scikit-learn."""

from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Categorical, Float, Integer, ParamValue, SearchSpace
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
_DEFAULT: dict[str, ParamValue] = {
    "hidden_layer_depth": 1,
    "num_nodes_per_layer": 100,
    "activation": "relu",
    "alpha": 1e-4,
    "learning_rate_init": 1e-3,
    "early_stopping": False,
}


SPEC = ModelSpec(
    name="mlp",
    spaces=dict.fromkeys(ProblemType, _SPACE),
    defaults=dict.fromkeys(ProblemType, _DEFAULT),
    estimator="metalearn.models.estimators:mlp",
    further={"activation": ("logistic", "identity")},
    known=(
        KnownConfiguration(
            {"alpha": 0.1, "early_stopping": True},
            "strong weight decay with early stopping (Kadra et al., NeurIPS 2021: regularise plain networks)",
        ),
    ),
)
