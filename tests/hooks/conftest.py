"""What the tests of all hooks share: a small table, a recommendation, and random search spaces."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from metalearn.recommendation import Candidate, Recommendation
from metalearn.space import Categorical, Configuration, Float, Integer, SearchSpace
from metalearn.task import ProblemType, Task, get_metric

CONFIGURATIONS = (
    Configuration("lightgbm", {"n_estimators": 60, "learning_rate": 0.1, "num_leaves": 300, "min_child_samples": 5}),
    Configuration("random_forest", {"n_estimators": 40, "max_features": 0.3}),
    Configuration("lightgbm", {"n_estimators": 30, "learning_rate": 0.9, "num_leaves": 7, "min_child_samples": 20}),
    Configuration("lightgbm", {"n_estimators": 20, "learning_rate": 0.05, "num_leaves": 15, "min_child_samples": 9}),
)


@pytest.fixture(scope="session")
def table() -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 4)), columns=list("abcd"))
    return X, pd.Series((X["a"] + X["b"] * X["c"] + rng.normal(0, 0.3, 150) > 0).astype(int), name="y")


@pytest.fixture(scope="session")
def recommend() -> Callable[..., Recommendation]:
    def make(*configurations: Configuration, metric: str = "accuracy") -> Recommendation:
        kind = ProblemType.BINARY
        return Recommendation(
            Task(id="new", problem_type=kind, metric=get_metric(metric, kind)),
            tuple(
                Candidate(
                    configuration=c, problem_type=kind, expected_score=0.9, interval=(0.8, 1.0), expected_seconds=0.1
                )
                for c in configurations or CONFIGURATIONS
            ),
            "test",
        )

    return make


@pytest.fixture(scope="session")
def recommendation(recommend: Callable[..., Recommendation]) -> Recommendation:
    """Four candidates: three of LightGBM, the first and second of which need clipping, and a random forest."""
    return recommend()


@pytest.fixture(scope="session")
def spaces() -> Callable[..., st.SearchStrategy[SearchSpace]]:
    """Random search spaces, as far as a tool can say them."""

    def make(
        *,
        log_integers: bool = True,
        log_floats: bool = True,
        steps: bool = False,
        choices: st.SearchStrategy[Any] | None = None,
    ) -> st.SearchStrategy[SearchSpace]:
        plain = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b"]))
        bound = st.floats(1e-3, 1e3, allow_nan=False).map(lambda v: float(f"{v:.6g}"))
        log = st.booleans() if log_floats else st.just(value=False)
        kinds: list[Any] = [
            st.builds(
                lambda low, ratio, log: Float(low, float(f"{low * ratio:.6g}"), log), bound, st.floats(1.5, 100), log
            ),
            st.builds(
                lambda low, width, log: Integer(low, low + width, log),
                st.integers(1, 50),
                st.integers(2, 500),
                st.booleans() if log_integers else st.just(value=False),
            ),
            st.lists(choices or plain, min_size=2, max_size=4, unique_by=lambda v: (type(v), v)).map(
                lambda values: Categorical(tuple(values))
            ),
        ]
        if steps:
            kinds.append(
                st.builds(
                    lambda low, n, step: Integer(low, low + n * step, step=step),
                    st.integers(1, 9),
                    st.integers(2, 9),
                    st.integers(2, 5),
                )
            )
        return st.dictionaries(st.sampled_from(["p", "q", "r", "s"]), st.one_of(*kinds), min_size=1).map(SearchSpace)

    return make


def close(one: SearchSpace, other: SearchSpace) -> bool:
    """Compare spaces; a log scale costs the last digits of a bound."""
    if list(one.parameters) != list(other.parameters) or one.conditions != other.conditions:
        return False
    for a, b in zip(one.parameters.values(), other.parameters.values(), strict=True):
        if isinstance(a, Float) and isinstance(b, Float):
            if a.log != b.log or not (
                math.isclose(a.low, b.low, rel_tol=1e-9) and math.isclose(a.high, b.high, rel_tol=1e-9)
            ):
                return False
        elif a != b or type(a) is not type(b):
            return False
    return True


@pytest.fixture(scope="session")
def same() -> Callable[[SearchSpace, SearchSpace], bool]:
    return close
