"""Numpy's numbers among the options of a choice are numbers to every tool."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metalearn.hooks import get_hook
from metalearn.hooks.choices import index_of, labels
from metalearn.space import Categorical, Configuration

LEAVES, RATES = np.arange(8, 64, 8), np.array([0.1, 0.5, 0.9])
SEED = [Configuration("lightgbm", {"num_leaves": 41, "learning_rate": 0.6})]


def flaml() -> tuple[Any, dict[str, Any]]:
    from flaml import tune  # noqa: PLC0415 - one of several tools

    return {"config": {"num_leaves": tune.choice(LEAVES), "learning_rate": tune.choice(RATES)}}, {}


def hyperopt() -> tuple[Any, dict[str, Any]]:
    from hyperopt import Trials, hp  # noqa: PLC0415 - one of several tools

    space = {"num_leaves": hp.choice("num_leaves", LEAVES), "learning_rate": hp.choice("learning_rate", RATES)}
    return Trials(), {"space": space}


def optuna() -> tuple[Any, dict[str, Any]]:
    from optuna import create_study  # noqa: PLC0415 - one of several tools
    from optuna.distributions import CategoricalDistribution  # noqa: PLC0415

    known = {"num_leaves": CategoricalDistribution(LEAVES), "learning_rate": CategoricalDistribution(RATES)}
    return create_study(), {"space": known}


def skopt() -> tuple[Any, dict[str, Any]]:
    from skopt.space import Categorical as Choice  # noqa: PLC0415 - one of several tools

    names = {"num_leaves": LEAVES, "learning_rate": RATES}
    return {"dimensions": [Choice(values, name=name) for name, values in names.items()], "n_calls": 5}, {}


def sklearn() -> tuple[Any, dict[str, Any]]:
    from lightgbm import LGBMClassifier  # noqa: PLC0415 - one of several tools
    from sklearn.model_selection import RandomizedSearchCV  # noqa: PLC0415

    return RandomizedSearchCV(LGBMClassifier(), {"num_leaves": list(LEAVES), "learning_rate": list(RATES)}), {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [flaml, hyperopt, optuna, skopt, sklearn])
def test_numpys_numbers_are_numbers(make: Callable[[], tuple[Any, dict[str, Any]]]) -> None:
    pytest.importorskip(make.__name__)
    target, options = make()
    (found,) = get_hook(make.__name__).seed(target, SEED, **options).accepted
    leaves, rate = found.params["num_leaves"], found.params["learning_rate"]
    assert type(leaves) is int
    assert type(rate) is float
    assert (leaves, rate) == ((41, 0.6) if make is sklearn else (40, 0.5))


def test_a_choice_holds_plain_values() -> None:
    choice = Categorical((np.int64(8), np.float64(0.5), np.bool_(True), np.str_("a")))  # noqa: FBT003
    assert [type(value) for value in choice.choices] == [int, float, bool, str]
    assert choice.index(0.5) == 1


def test_options_are_named_by_what_tells_them_apart() -> None:
    assert labels([np.int64(1), True, {"model": "rf", "n": 3}, None]) == [1, True, "rf", None]
    assert labels([{"n": 1}, {"n": 2}]) == ["0", "1"]
    assert index_of([True, 1], 1) == 1
