from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

from metalearn.models import ModelSpec, get_model, model_names
from metalearn.space import Integer, SearchSpace
from metalearn.task import ProblemType
from metalearn.testing import check_model

QUICK = ("decision_tree", "gaussian_nb", "knn", "linear")
HOME = "tests.conformance.test_model"


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in model_names()]
)
def test_every_family_keeps_its_promises(name: str) -> None:
    if get_model(name).is_available:
        check_model(get_model(name))


class Restless(DecisionTreeClassifier):
    calls = count()

    def fit(self, X: Any, y: Any) -> "Restless":
        return super().fit(X, np.roll(y, next(self.calls)))


class Overconfident(DecisionTreeClassifier):
    def predict_proba(self, X: Any) -> Any:
        return 2 * super().predict_proba(X)


def tree(params: dict[str, Any], *_: Any) -> Any:
    return DecisionTreeClassifier(**params, random_state=0)


def restless(params: dict[str, Any], *_: Any) -> Any:
    return Restless(**params)


def overconfident(params: dict[str, Any], *_: Any) -> Any:
    return Overconfident(**params)


def constant(params: dict[str, Any], *_: Any) -> Any:
    del params
    return DummyClassifier()


def numbers(params: dict[str, Any], *_: Any) -> Any:
    found = tree(params)
    found.predict = lambda X: np.zeros(len(X))
    return found


GOOD = ModelSpec(
    name="small_tree",
    spaces={ProblemType.BINARY: SearchSpace({"max_depth": Integer(1, 20), "min_samples_leaf": Integer(1, 10)})},
    defaults={ProblemType.BINARY: {"max_depth": 3, "min_samples_leaf": 1}},
    estimator=f"{HOME}:tree",
    preprocessing="tree",
)


def test_a_good_family_passes() -> None:
    check_model(GOOD)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Small Tree"}, "snake case"),
        ({"spaces": {}}, "no kind of problem"),
        ({"defaults": {}}, "not of the same problem types"),
        ({"requires": "no_such_package"}, "not installed"),
        ({"defaults": {ProblemType.BINARY: {"max_depth": 99}}}, "outside the binary search space"),
        ({"estimator": f"{HOME}:restless"}, "random_state gives other"),
        ({"estimator": f"{HOME}:overconfident"}, "do not sum to 1"),
        ({"estimator": f"{HOME}:constant"}, "no better than a constant"),
        ({"estimator": f"{HOME}:numbers"}, "labels that the target does not have"),
    ],
)
def test_a_broken_promise_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_model(replace(GOOD, **change))
