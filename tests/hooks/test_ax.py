from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.evaluation import Status
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Condition, Float, Integer, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")
pytest.importorskip("ax.api.client")

from ax.api.client import Client  # noqa: E402
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig  # noqa: E402

from metalearn.hooks import ax as hook  # noqa: E402


def client(objective: str = "-loss") -> Any:
    found = Client(random_seed=0)
    found.configure_experiment(
        name="test",
        parameters=[
            ChoiceParameterConfig(
                name="model",
                values=["rf", "lgbm"],
                parameter_type="str",
                is_ordered=False,
                dependent_parameters={"rf": ["max_features"], "lgbm": ["num_leaves"]},
            ),
            RangeParameterConfig(name="n_estimators", bounds=(5, 50), parameter_type="int", scaling="log"),
            RangeParameterConfig(name="num_leaves", bounds=(2, 64), parameter_type="int"),
            RangeParameterConfig(name="max_features", bounds=(0.5, 1.0), parameter_type="float"),
        ],
    )
    found.configure_optimization(objective=objective)
    return found


def test_seeds_are_attached_within_the_ranges_that_ax_does_not_check(recommendation: Recommendation) -> None:
    search = client()
    report = hook.seed(search, recommendation)
    attached = [trial.arm.parameters for trial in search._experiment.trials.values()]
    assert attached == [
        {"model": "lgbm", "n_estimators": 50, "num_leaves": 64},
        {"model": "rf", "n_estimators": 40, "max_features": 0.5},
        {"model": "lgbm", "n_estimators": 30, "num_leaves": 7},
        {"model": "lgbm", "n_estimators": 20, "num_leaves": 15},
    ]
    assert [seed.key for seed in report.accepted] == ["0", "1", "2", "3"]
    assert all(type(params["n_estimators"]) is int for params in attached)


def test_completed_seeds_are_verified_harvested_and_told(
    table: Any, recommendation: Recommendation, tmp_path: Any
) -> None:
    search = client()
    report = hook.seed(search, recommendation)
    for item in report.accepted[:2]:
        search.complete_trial(int(item.key), raw_data={"loss": 0.2})
    search.mark_trial_failed(2)
    checked = hook.verify(search)
    assert [seed.rank for seed in checked.accepted] == [1, 2]
    assert [(drop.rank, drop.why) for drop in checked.dropped] == [(3, "it failed"), (4, "it is not completed")]
    search.attach_data(3, raw_data={"loss": 0.4}, progression=1)
    search.mark_trial_early_stopped(3)
    assert [seed.rank for seed in hook.verify(search).accepted] == [1, 2, 4]  # stopped early, with its own values
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(*hook.harvest(search, *table, metric="1-accuracy"))
    _, _, found = hook.harvest(search, *table, metric="1-accuracy")
    assert [e.status for e in found] == [Status.OK, Status.OK, Status.FAILED, Status.PRUNED]
    assert [e.value for e in found[:2]] == pytest.approx([0.8, 0.8])
    assert len(store.read().evaluations) == 4

    other = client("accuracy")
    told = hook.tell(other, found)
    assert [seed.rank for seed in told.accepted] == [1, 2, 3]
    assert told.dropped[0].why == "ax takes no result that is pruned"
    summary = other.summarize()
    assert summary["accuracy"].tolist()[:2] == pytest.approx([0.8, 0.8])
    assert summary["trial_status"].tolist() == ["COMPLETED", "COMPLETED", "FAILED"]


def test_fixed_parameters_are_part_of_every_trial(recommendation: Recommendation) -> None:
    search = Client(random_seed=0)
    search.configure_experiment(
        name="test",
        parameters=[
            RangeParameterConfig(name="num_leaves", bounds=(2, 64), parameter_type="int"),
            ChoiceParameterConfig(name="boosting", values=["gbdt"], parameter_type="str"),
        ],
    )
    search.configure_optimization(objective="accuracy")
    hook.seed(search, recommendation)
    assert search._experiment.trials[0].arm.parameters == {"num_leaves": 64, "boosting": "gbdt"}


def test_conditions_survive_writing_and_reading() -> None:
    space = SearchSpace(
        {"kernel": Categorical(("rbf", "linear")), "gamma": Float(0.01, 1.0, log=True), "n": Integer(2, 9)},
        {"gamma": Condition("kernel", ("rbf",))},
    )
    found = hook.read_space(hook.write_space(space))
    assert dict(found.parameters) == dict(space.parameters)
    assert dict(found.conditions) == dict(space.conditions)


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space = data.draw(spaces(steps=True, choices=st.sampled_from(["a", "b", "c"])))
    assert same(hook.read_space(hook.write_space(space)), space)
