"""Search spaces, the configurations that lie in them, and the gate into the spaces of other tools."""

from metalearn.space.adaptation import Adaptation, Policy, adapt, model_parameter_of
from metalearn.space.configuration import Configuration, ParamValue
from metalearn.space.parameter import Categorical, Float, Integer, Parameter, multiples
from metalearn.space.search_space import Condition, SearchSpace

__all__ = [
    "Adaptation",
    "Categorical",
    "Condition",
    "Configuration",
    "Float",
    "Integer",
    "ParamValue",
    "Parameter",
    "Policy",
    "SearchSpace",
    "adapt",
    "model_parameter_of",
    "multiples",
]
