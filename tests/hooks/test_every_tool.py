"""What holds for every tool: strict leaves it as it was, and seeds are complete and in range."""

import copy
import importlib.util
import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.hooks import configspace, get_hook, hook_names
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Condition, Configuration, Float, Integer, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")

SPACE = SearchSpace(
    {
        "learning_rate": Float(0.01, 0.5, log=True),
        "num_leaves": Integer(2, 64),
        "boosting_type": Categorical(("gbdt", "dart")),
    }
)
PARTIAL = [Configuration("lightgbm", {"learning_rate": 0.1, "boosting_type": "rf"})]
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


WITHOUT_BOUNDS = ("autogluon", "pycaret")


@pytest.fixture
def case(
    request: pytest.FixtureRequest, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, Any, dict[str, Any], Callable[[], Any]]:
    name = request.param
    if importlib.util.find_spec({"bayesopt": "bayes_opt"}.get(name, name)) is None:
        pytest.skip(f"{name} is not installed")
    monkeypatch.chdir(tmp_path)
    hook = get_hook(name)
    return hook, *CASES[name](None if name in WITHOUT_BOUNDS else hook.write_space(SPACE))


@pytest.mark.parametrize("case", [n for n in CASES if n not in WITHOUT_BOUNDS], indirect=True)
def test_strict_clips_nothing_and_leaves_the_tool_untouched(case: Any, recommendation: Recommendation) -> None:
    hook, target, options, state = case
    before = state()
    with pytest.raises(InvalidInputError, match="300 -> 64"):
        hook.seed(target, recommendation, strict=True, **options)
    assert state() == before
    assert hook.seed(target, recommendation, **options)
    assert state() != before


@pytest.mark.parametrize("case", WITHOUT_BOUNDS, indirect=True)
def test_strict_drops_nothing_and_leaves_the_tool_untouched(case: Any, recommendation: Recommendation) -> None:
    hook, target, options, state = case
    before = state()
    with pytest.raises(InvalidInputError, match="a_family_of_nobody"):
        hook.seed(target, UNKNOWN, strict=True, **options)
    assert state() == before
    assert hook.seed(target, recommendation, **options)
    assert state() != before


CONDITIONAL = SearchSpace(
    {"depth": Integer(1, 3), "kernel": Categorical(("rbf", "linear")), "gamma": Float(0.1, 9), "layers": Integer(1, 9)},
    {"gamma": Condition("kernel", ("rbf",)), "layers": Condition("depth", (2, 3))},
)
LOST = {"smac": [], "ax": ["layers"], "hyperopt": ["layers"]}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", [n for n in CASES if n != "pycaret"])
def test_conditions_that_a_tool_cannot_express_are_warned_of(name: str) -> None:
    if importlib.util.find_spec({"bayesopt": "bayes_opt"}.get(name, name)) is None:
        pytest.skip(f"{name} is not installed")
    write = configspace.write_space if name == "smac" else get_hook(name).write_space  # type: ignore[attr-defined]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write(CONDITIONAL)
        write(SearchSpace(CONDITIONAL.parameters))
    lost = LOST.get(name, ["gamma", "layers"])
    said = [w for w in caught if "cannot express the conditions" in str(w.message)]
    assert len(said) == bool(lost)
    assert all(str(lost) in str(w.message) and w.filename == __file__ for w in said)


@pytest.mark.parametrize("case", [n for n in CASES if n not in WITHOUT_BOUNDS], indirect=True)
def test_what_a_tool_would_sample_or_refuse_is_filled_in_before(case: Any) -> None:
    hook, target, options, _ = case
    report = hook.seed(target, PARTIAL, **options)
    assert {name: report.accepted[0].params[name] for name in SPACE.parameters} == {
        "learning_rate": pytest.approx(0.1),
        "num_leaves": 31,  # LightGBM's own default
        "boosting_type": "gbdt",
    }
    assert [(change.parameter, change.old) for change in report.changed] == [("boosting_type", "rf")]
