from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Condition, Configuration, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")
ng = pytest.importorskip("nevergrad")

from metalearn.hooks import nevergrad as hook  # noqa: E402


def flat() -> Any:
    return ng.p.Dict(
        n_estimators=ng.p.Log(lower=5, upper=50).set_integer_casting(),
        eta=ng.p.Log(lower=0.01, upper=0.5),
        num_leaves=ng.p.Scalar(lower=2, upper=64).set_integer_casting(),
        criterion=ng.p.Choice(["gini", "entropy"]),
        constant=3,
    )


def branches() -> Any:
    forest = ng.p.Dict(name="rf", max_features=ng.p.Scalar(lower=0.1, upper=1.0))
    light = ng.p.Dict(name="lgbm", num_leaves=ng.p.Scalar(lower=2, upper=64).set_integer_casting())
    return ng.p.Dict(model=ng.p.Choice([forest, light]))


def optimizer(parametrization: Any, name: str = "OnePlusOne") -> Any:
    return ng.optimizers.registry[name](parametrization=parametrization, budget=8)


@pytest.mark.parametrize("name", ["NGOpt", "OnePlusOne", "TwoPointsDE", "RandomSearch"])
def test_seeds_are_asked_in_their_own_order(name: str, recommendation: Recommendation) -> None:
    search = optimizer(flat(), name)
    report = hook.seed(search, recommendation)
    asked = [search.ask() for _ in range(3)]
    assert [candidate.value["num_leaves"] for candidate in asked] == [64, 7, 15]
    assert [candidate.value["constant"] for candidate in asked] == [3, 3, 3]
    assert asked[0].value["eta"] == pytest.approx(0.1)
    for candidate in asked[:2]:
        search.tell(candidate, 0.5)
    checked = hook.verify(search, report)
    assert [seed.rank for seed in checked.accepted] == [1, 3]
    assert [drop.rank for drop in checked.dropped] == [4]


def test_an_instrumentation_is_seeded_by_keyword(recommendation: Recommendation) -> None:
    search = optimizer(ng.p.Instrumentation(num_leaves=ng.p.Scalar(lower=2, upper=64).set_integer_casting()))
    hook.seed(search, recommendation)
    assert search.ask().kwargs == {"num_leaves": 64}


def test_a_choice_among_dicts_is_seeded_and_harvested(
    table: Any, recommendation: Recommendation, tmp_path: Any
) -> None:
    search = optimizer(branches())
    report = hook.seed(search, recommendation)
    for _ in range(4):
        candidate = search.ask()
        search.tell(candidate, 0.25)
    assert len(hook.verify(search, report).accepted) == 4
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(*hook.harvest(search, *table, metric="1-accuracy"))
    _, _, found = hook.harvest(search, *table, metric="1-accuracy")
    assert [str(e.configuration) for e in found[:2]] == ["lightgbm(num_leaves=64)", "random_forest(max_features=0.3)"]
    assert {e.value for e in found} == {0.75}
    assert all(e.fit_seconds is not None and e.fit_seconds > 0 for e in found)
    assert len(store.read().evaluations) == 4


def test_results_are_told_without_being_asked() -> None:
    def result(leaves: int, value: float, status: Status = Status.OK) -> Evaluation:
        configuration = Configuration("lightgbm", {"num_leaves": leaves})
        return Evaluation(task_id="t", metric="accuracy", configuration=configuration, value=value, status=status)

    search = optimizer(branches())
    failed = result(7, float("nan"), Status.FAILED)
    report = hook.tell(search, [result(9, 0.9), result(500, 0.8), failed], metric="1-accuracy")
    assert [seed.rank for seed in report.accepted] == [1]
    assert search.num_tell_not_asked == 1
    assert search.current_bests["minimum"].mean == pytest.approx(0.1)


def test_without_a_record_there_is_nothing_to_harvest(table: Any) -> None:
    with pytest.raises(InvalidInputError, match="kept no record"):
        hook.harvest(optimizer(flat()), *table)


def test_parts_need_bounds_and_names(recommendation: Recommendation) -> None:
    with pytest.raises(InvalidInputError, match="no bounds"):
        hook.seed(optimizer(ng.p.Dict(num_leaves=ng.p.Scalar(init=5.0))), recommendation)
    with pytest.raises(InvalidInputError, match="no named parts"):
        hook.seed(optimizer(ng.p.Tuple(ng.p.Scalar(lower=0, upper=1))), recommendation)


def test_conditions_are_read_from_the_nesting() -> None:
    conditions = hook.read_space(branches()).conditions
    assert conditions["model/rf/max_features"] == Condition("model", ("rf",))


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space = data.draw(spaces())
    read = hook.read_space(hook.write_space(space))
    assert same(SearchSpace({name: read.parameters[name] for name in space.parameters}), space)
