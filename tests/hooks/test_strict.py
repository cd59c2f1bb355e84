"""A strict seed that would be changed or dropped raises, and every tool is left as it was."""

import copy
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.hooks import get_hook, hook_names
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration, Float, Integer, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")

SPACE = SearchSpace({"learning_rate": Float(0.01, 0.5, log=True), "num_leaves": Integer(2, 64)})
UNKNOWN = [Configuration("a_family_of_nobody", {"x": 1.0})]

Case = tuple[Any, dict[str, Any], Callable[[], Any]]  # the target, options of seed, what must stay as it is


def keyword_arguments(found: dict[str, Any], **options: Any) -> Case:
    return found, options, lambda: dict(found)


def autogluon(space: Any) -> Case:  # noqa: ARG001 - AutoGluon has none
    return keyword_arguments({"hyperparameters": {"GBM": {}}})


def ax(space: Any) -> Case:
    from ax.api.client import Client  # noqa: PLC0415 - one of several tools

    client = Client(random_seed=0)
    client.configure_experiment(name="test", parameters=space)
    client.configure_optimization(objective="accuracy")
    return client, {}, lambda: dict(client._experiment.trials)


def bayesopt(space: Any) -> Case:
    from bayes_opt import BayesianOptimization  # noqa: PLC0415 - one of several tools

    search = BayesianOptimization(lambda **_: 0.0, space, verbose=0)
    return search, {}, lambda: len(search._queue)


def flaml(space: Any) -> Case:
    return keyword_arguments({"config": space})


def hyperopt(space: Any) -> Case:
    from hyperopt import Trials  # noqa: PLC0415 - one of several tools

    trials = Trials()
    return trials, {"space": space}, lambda: (len(trials._dynamic_trials), len(trials.trials))


def nevergrad(space: Any) -> Case:
    from nevergrad.optimizers import registry  # noqa: PLC0415 - one of several tools

    search = registry["OnePlusOne"](parametrization=space, budget=8)
    return search, {}, lambda: len(search._suggestions)


def optuna(space: Any) -> Case:
    from optuna import create_study  # noqa: PLC0415 - one of several tools

    study = create_study()
    return study, {"space": space}, lambda: (study.trials, study.user_attrs)


def pycaret(space: Any) -> Case:  # noqa: ARG001 - PyCaret has none
    os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)  # it would write into the working folder
    return keyword_arguments({"include": ["dt"]})


def ray(space: Any) -> Case:
    return keyword_arguments({"space": space}, searcher="optuna")


def sklearn(space: Any) -> Case:
    from lightgbm import LGBMClassifier  # noqa: PLC0415 - one of several tools
    from sklearn.model_selection import RandomizedSearchCV  # noqa: PLC0415

    search = RandomizedSearchCV(LGBMClassifier(), space)
    return search, {}, lambda: (type(search), copy.copy(vars(search)))


def skopt(space: Any) -> Case:
    return keyword_arguments({"dimensions": space, "n_calls": 5})


def smac(space: Any) -> Case:
    from smac import Scenario  # noqa: PLC0415 - one of several tools

    return keyword_arguments({"scenario": Scenario(space, n_trials=5)})


def syne_tune(space: Any) -> Case:
    return keyword_arguments({"config_space": space})


CASES: dict[str, Callable[[Any], Case]] = {
    case.__name__: case
    for case in (
        autogluon, ax, bayesopt, flaml, hyperopt, nevergrad, optuna, pycaret, ray, sklearn, skopt, smac, syne_tune,
    )
}  # fmt: skip


def test_every_tool_has_a_case() -> None:
    assert set(CASES) == set(hook_names())


@pytest.mark.parametrize("name", CASES)
def test_strict_raises_and_leaves_the_tool_untouched(
    name: str, recommendation: Recommendation, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec({"bayesopt": "bayes_opt"}.get(name, name)) is None:
        pytest.skip(f"{name} is not installed")
    monkeypatch.chdir(tmp_path)
    hook = get_hook(name)
    bounded = hasattr(hook, "write_space") and name != "autogluon"  # these two take values as they are
    target, options, state = CASES[name](hook.write_space(SPACE) if bounded else None)
    before = state()
    with pytest.raises(InvalidInputError, match="300 -> 64" if bounded else "a_family_of_nobody"):
        hook.seed(target, recommendation if bounded else UNKNOWN, strict=True, **options)
    assert state() == before
    assert hook.seed(target, recommendation, **options)
    assert state() != before
