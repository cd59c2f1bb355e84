import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Condition, Configuration, Float, Integer, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")
smac = pytest.importorskip("smac")

import ConfigSpace as cs  # noqa: E402, N813
from smac import HyperparameterOptimizationFacade, MultiFidelityFacade, Scenario  # noqa: E402

from metalearn.hooks import configspace  # noqa: E402
from metalearn.hooks import smac as hook  # noqa: E402

logging.getLogger("smac").setLevel(logging.CRITICAL)


def space() -> Any:
    found = cs.ConfigurationSpace(seed=0)
    model = cs.Categorical("model", ["lgbm", "rf"])
    leaves, features = cs.Integer("num_leaves", (2, 64)), cs.Float("max_features", (0.1, 1.0))
    found.add(model, leaves, features, cs.Integer("n_estimators", (5, 50), log=True))
    found.add(cs.EqualsCondition(leaves, model, "lgbm"), cs.EqualsCondition(features, model, "rf"))
    return found


@pytest.fixture
def scenario(tmp_path: Any) -> Callable[..., Any]:
    def make(n_trials: int = 6) -> Any:
        return Scenario(
            space(), deterministic=True, n_trials=n_trials, output_directory=tmp_path / str(n_trials), seed=0
        )

    return make


def facade_of(calls: list[Any], **kwargs: Any) -> Any:
    def target(config: Any, seed: int = 0) -> float:  # noqa: ARG001 - SMAC's signature
        calls.append(dict(config))
        return 0.25

    return HyperparameterOptimizationFacade(target_function=target, overwrite=True, **kwargs)


def test_seeds_come_before_the_sobol_design_and_without_inactive_parameters(
    scenario: Callable[..., Any], recommendation: Recommendation
) -> None:
    kwargs, calls = {"scenario": scenario()}, []  # type: ignore[var-annotated]
    report = hook.seed(kwargs, recommendation)
    facade = facade_of(calls, **kwargs)
    facade.optimize()
    assert calls[:4] == [
        {"model": "lgbm", "n_estimators": 50, "num_leaves": 64},
        {"model": "rf", "n_estimators": 40, "max_features": 0.3},
        {"model": "lgbm", "n_estimators": 30, "num_leaves": 7},
        {"model": "lgbm", "n_estimators": 20, "num_leaves": 15},
    ]
    assert len(calls) == 6
    checked = hook.verify(facade, report)
    assert [seed.rank for seed in checked.accepted] == [1, 2, 3, 4]
    assert not checked.changed


def test_more_seeds_than_trials_are_cut_and_said(scenario: Callable[..., Any], recommendation: Recommendation) -> None:
    kwargs, calls = {"scenario": scenario(2)}, []  # type: ignore[var-annotated]
    report = hook.seed(kwargs, recommendation)
    assert len(report.accepted) == 2
    assert "n_trials=2 leaves no room" in report.dropped[-1].why
    facade_of(calls, **kwargs).optimize()
    assert len(calls) == 2


def test_a_design_that_seeds_replace_is_told(scenario: Callable[..., Any], recommendation: Recommendation) -> None:
    kwargs = {"scenario": scenario(), "initial_design": "mine"}
    assert "initial_design" in hook.seed(kwargs, recommendation).notes[-1]
    assert kwargs["initial_design"] != "mine"


def test_without_a_seed_the_design_stays_smacs_own(scenario: Callable[..., Any]) -> None:
    kwargs = {"scenario": scenario()}
    assert not hook.seed(kwargs, [Configuration("svm", {"C": 1.0})])
    assert set(kwargs) == {"scenario"}  # an empty design would never end
    with pytest.raises(InvalidInputError, match="no scenario"):
        hook.seed({}, [])


def results(*found: float) -> list[Evaluation]:
    return [
        Evaluation(
            task_id="t",
            metric="accuracy",
            configuration=Configuration("lightgbm", {"n_estimators": 10 + i, "num_leaves": 9}),
            value=value,
            status=Status.OK if value == value else Status.TIMEOUT,  # noqa: PLR0124
        )
        for i, value in enumerate(found)
    ]


def test_told_results_are_not_evaluated_again(scenario: Callable[..., Any]) -> None:
    told = results(0.7, 0.9, float("nan"))
    kwargs, calls = {"scenario": scenario()}, []  # type: ignore[var-annotated]
    hook.seed(kwargs, [told[0].configuration])
    facade = facade_of(calls, **kwargs)
    assert len(hook.tell(facade, told, metric="1-accuracy").accepted) == 3
    facade.optimize()
    assert len(calls) == 3  # told ones count within n_trials
    assert {"model": "lgbm", "n_estimators": 10, "num_leaves": 9} not in calls
    costs = [value.cost for value in facade.runhistory.values()]
    assert costs[:2] == pytest.approx([0.3, 0.1])
    assert len(facade.runhistory) == 6


def test_crashes_are_harvested_as_such_and_twice_adds_nothing(
    scenario: Callable[..., Any], table: Any, recommendation: Recommendation, tmp_path: Any
) -> None:
    def target(config: Any, seed: int = 0) -> float:  # noqa: ARG001 - SMAC's signature
        if config["n_estimators"] == 50:
            raise RuntimeError
        return 0.2

    kwargs = {"scenario": scenario(4)}
    report = hook.seed(kwargs, recommendation)
    facade = HyperparameterOptimizationFacade(target_function=target, overwrite=True, **kwargs)
    facade.optimize()
    assert [(drop.rank, drop.why) for drop in hook.verify(facade, report).dropped] == [(1, "it failed")]
    store = FileStore(tmp_path / "store")
    for _ in range(2):
        store.append(*hook.harvest(facade, *table, metric="1-accuracy"))
    _, _, found = hook.harvest(facade, *table, metric="1-accuracy")
    assert [(e.configuration.model, e.status) for e in found] == [
        ("lightgbm", Status.FAILED),
        ("random_forest", Status.OK),
        ("lightgbm", Status.OK),
        ("lightgbm", Status.OK),
    ]
    assert found[1].value == pytest.approx(0.8)
    assert len(store.read().evaluations) == 4


def test_trials_on_a_part_of_the_budget_are_no_results(table: Any, tmp_path: Any) -> None:
    scenario = Scenario(
        space(), deterministic=True, n_trials=16, min_budget=1, max_budget=9, output_directory=tmp_path, seed=0
    )
    facade = MultiFidelityFacade(scenario, lambda config, seed=0, budget=0: 1 / (1 + budget), overwrite=True)  # noqa: ARG005
    facade.optimize()
    _, _, found = hook.harvest(facade, *table, metric="1-accuracy")
    messages = {e.status: e.message for e in found}
    assert set(messages) == {Status.OK, Status.PRUNED}
    assert messages[Status.PRUNED] in {"on budget 1 of 9: cost 0.5", "on budget 3 of 9: cost 0.25"}
    assert {e.value for e in found if e.status is Status.OK} == {0.9}


def test_a_forbidden_combination_is_reported(scenario: Callable[..., Any], recommendation: Recommendation) -> None:
    kwargs = {"scenario": scenario()}
    held = kwargs["scenario"].configspace
    held.add(cs.ForbiddenEqualsClause(held["num_leaves"], 64))
    report = hook.seed(kwargs, recommendation)
    assert [seed.rank for seed in report.accepted] == [2, 3, 4]
    assert "ConfigSpace refuses it" in next(drop.why for drop in report.dropped if drop.rank == 1)


def test_conditions_that_ours_cannot_say_are_obeyed_all_the_same() -> None:
    found = cs.ConfigurationSpace()
    trees, leaves = cs.Integer("n_estimators", (5, 50)), cs.Integer("num_leaves", (2, 64))
    found.add(trees, leaves, cs.GreaterThanCondition(leaves, trees, 20))
    assert not configspace.read_space(found).conditions
    assert dict(configspace.configuration(found, {"n_estimators": 10, "num_leaves": 9})) == {"n_estimators": 10}
    assert len(configspace.configuration(found, {"n_estimators": 30, "num_leaves": 9})) == 2


def test_conditions_and_defaults_survive_writing_and_reading() -> None:
    made = SearchSpace(
        {
            "kernel": Categorical(("rbf", "linear", "poly")),
            "gamma": Float(0.01, 1.0, log=True),
            "degree": Integer(2, 5),
        },
        {"gamma": Condition("kernel", ("rbf", "poly")), "degree": Condition("kernel", ("poly",))},
        {"kernel": "poly", "gamma": 0.5, "degree": 3},
    )
    read = configspace.read_space(configspace.write_space(made))
    assert dict(read.parameters) == dict(made.parameters)
    assert dict(read.defaults) == dict(made.defaults)
    assert read.conditions["gamma"] == made.conditions["gamma"]
    assert read.conditions["degree"] == made.conditions["degree"]


def test_or_and_not_are_read_as_values_of_the_parent() -> None:
    found = cs.ConfigurationSpace()
    kernel, gamma, degree = cs.Categorical("k", ["a", "b", "c"]), cs.Float("g", (0, 1)), cs.Integer("d", (1, 5))
    found.add(kernel, gamma, degree)
    found.add(cs.OrConjunction(cs.EqualsCondition(gamma, kernel, "a"), cs.EqualsCondition(gamma, kernel, "c")))
    found.add(cs.NotEqualsCondition(degree, kernel, "b"))
    conditions = configspace.read_space(found).conditions
    assert conditions["g"] == conditions["d"] == Condition("k", ("a", "c"))


PLAIN = st.one_of(st.sampled_from(["a", "b", "c"]), st.integers(-3, 3))


@settings(deadline=None)
@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    made = data.draw(spaces(choices=st.sampled_from(["a", "b", "c", "d"])))
    read = configspace.read_space(configspace.write_space(made))
    order = SearchSpace({name: read.parameters[name] for name in made.parameters})
    assert same(order, made)
