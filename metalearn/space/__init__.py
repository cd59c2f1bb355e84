"""Search spaces and the configurations that lie in them."""

from metalearn.space.configuration import Configuration, ParamValue
from metalearn.space.parameter import Categorical, Float, Integer, Parameter
from metalearn.space.search_space import Condition, SearchSpace

__all__ = [
    "Categorical",
    "Condition",
    "Configuration",
    "Float",
    "Integer",
    "ParamValue",
    "Parameter",
    "SearchSpace",
]
