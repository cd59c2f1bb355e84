"""What a meta-feature must do."""

import math
from collections.abc import Iterator
from numbers import Real

import numpy as np
import pandas as pd

from metalearn.conformance.tables import messy_table, require, target
from metalearn.dataset import Dataset
from metalearn.metafeatures import MetaFeature
from metalearn.metafeatures.base import built_in
from metalearn.metafeatures.sample import sample_of
from metalearn.task import ProblemType

__all__ = ["check_meta_feature"]


def check_meta_feature(feature: MetaFeature) -> None:
    """Check that a meta-feature keeps its promises.

    Parameters
    ----------
    feature : MetaFeature
        The meta-feature.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which.

    Examples
    --------
    >>> from metalearn.metafeatures import list_meta_features
    >>> check_meta_feature(list_meta_features(tier="cheap")[0])
    """
    _check_description(feature)
    values = []
    for name, data in _tables():
        before = data.X.copy()
        first, second = (_value(feature, data, name) for _ in range(2))
        require(data.X.equals(before), f"{feature.name} changes the table.")
        same = first == second or (math.isnan(first) and math.isnan(second))
        require(same, f"{feature.name} of {name} is {first}, and the next time {second}.")
        may_lack = feature.nan_when != "never"
        require(math.isfinite(first) or may_lack, f"{feature.name} of {name} is {first}, but nan_when says 'never'.")
        values.append(first)
    require(not all(map(math.isnan, values)), f"compute never returns a finite value named {feature.name!r}.")


def _check_description(feature: MetaFeature) -> None:
    require(isinstance(feature, MetaFeature), f"It is a {type(feature).__name__}, not a MetaFeature.")
    name = feature.name
    require(name.isidentifier() and name.islower(), f"The name {name!r} is not in snake case.")
    require(built_in().get(name, feature) == feature, f"The name {name!r} is that of a built-in meta-feature.")
    for fact in ("group", "description", "unit", "nan_when", "reference"):
        require(getattr(feature, fact).strip(), f"{name} does not say its {fact}.")


def _value(feature: MetaFeature, data: Dataset, table: str) -> float:
    with np.errstate(all="ignore"):
        found = feature.compute(sample_of(data))
    value = found.get(feature.name, math.nan)
    require(isinstance(value, Real), f"{feature.name} of {table} is a {type(value).__name__}, not a number.")
    return float(value)


def _tables() -> Iterator[tuple[str, Dataset]]:
    """Yield tables that differ in what can be measured of them; new objects each time, so that nothing is kept."""
    for kind in ProblemType:
        y = target(kind)
        yield f"a {kind} table of every kind of column", Dataset.from_data(messy_table(), y, problem_type=kind)
        numbers = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 4)))
        yield f"a {kind} table of numbers", Dataset.from_data(numbers, y, problem_type=kind)
        yield f"a {kind} table of one column", Dataset.from_data(messy_table()[["text"]], y, problem_type=kind)
        yield f"a {kind} table of a constant", Dataset.from_data(messy_table()[["constant"]], y, problem_type=kind)
