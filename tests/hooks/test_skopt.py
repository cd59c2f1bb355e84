from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")
skopt = pytest.importorskip("skopt")

from skopt.space import Categorical, Integer, Real  # noqa: E402

from metalearn.hooks import skopt as hook  # noqa: E402


def kwargs(**more: Any) -> dict[str, Any]:
    dimensions = [
        Integer(5, 50, prior="log-uniform", name="n_estimators"),
        Real(0.01, 0.5, prior="log-uniform", name="eta"),
        Integer(2, 64, name="num_leaves"),
    ]
    return {"dimensions": dimensions, "n_calls": 5, "random_state": 0, **more}


def test_seeds_come_first_in_range_and_leave_room(table: Any, recommendation: Recommendation, tmp_path: Any) -> None:
    call = kwargs()
    report = hook.seed(call, recommendation)
    assert call["x0"] == [[50, 0.1, 64], [30, 0.5, 7], [20, 0.05, 15]]
    assert call["n_initial_points"] == 2  # ten by default, which n_calls=5 does not hold
    assert "n_initial_points=2 instead of 10" in report.notes[-1]
    result = skopt.gp_minimize(lambda x: x[1] / 2, **call)
    assert [seed.rank for seed in hook.verify(result, report).accepted] == [1, 3, 4]
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(*hook.harvest(result, *table, metric="1-accuracy"))
    assert len(store.read().evaluations) == 5
    assert [e.value for e in hook.harvest(result, *table, metric="1-accuracy")[2]][:3] == pytest.approx(
        [0.95, 0.75, 0.975]
    )


def test_seeds_beyond_n_calls_are_said(recommendation: Recommendation) -> None:
    call = kwargs(n_calls=2)
    report = hook.seed(call, recommendation)
    assert len(call["x0"]) == 2
    assert "n_calls=2" in report.dropped[-1].why
    assert len(skopt.gp_minimize(lambda _: 0.0, **call).x_iters) == 2


def test_a_single_point_of_ones_own_stays(recommendation: Recommendation) -> None:
    call = kwargs(x0=[40, 0.2, 9])
    hook.seed(call, recommendation)
    assert call["x0"][-1] == [40, 0.2, 9]
    assert all(len(point) == 3 for point in call["x0"])


def results(*found: float) -> list[Evaluation]:
    return [
        Evaluation(
            task_id="t",
            metric="accuracy",
            configuration=Configuration("lightgbm", {"n_estimators": 10 + i, "learning_rate": 0.2, "num_leaves": 9}),
            value=value,
            status=Status.OK if value == value else Status.FAILED,  # noqa: PLR0124
        )
        for i, value in enumerate(found)
    ]


def test_results_are_told_to_a_call_or_an_optimizer() -> None:
    call = kwargs(n_calls=2, n_initial_points=1)
    assert len(hook.tell(call, results(0.7, 0.9, float("nan")), metric="1-accuracy").accepted) == 2
    assert call["y0"] == pytest.approx([0.3, 0.1])
    assert len(skopt.gp_minimize(lambda _: 0.5, **call).x_iters) == 4
    optimizer = skopt.Optimizer(call["dimensions"], n_initial_points=1, random_state=0)
    hook.tell(optimizer, results(0.7, 0.9), metric="1-accuracy")
    assert optimizer.yi == pytest.approx([0.3, 0.1])


def test_seeds_and_results_do_not_mix(recommendation: Recommendation) -> None:
    told = kwargs()
    hook.tell(told, results(0.7), metric="1-accuracy")
    with pytest.raises(InvalidInputError, match="known results"):
        hook.seed(told, recommendation)
    seeded = kwargs()
    hook.seed(seeded, recommendation)
    with pytest.raises(InvalidInputError, match="without results"):
        hook.tell(seeded, results(0.7), metric="1-accuracy")


def test_dimensions_need_names(recommendation: Recommendation) -> None:
    with pytest.raises(InvalidInputError, match="has no name"):
        hook.seed({"dimensions": [Real(0, 1)]}, recommendation)
    with pytest.raises(InvalidInputError, match="no dimensions"):
        hook.seed({}, recommendation)


def test_categories_are_read() -> None:
    space = hook.read_space([Categorical(["gini", None], name="criterion")])
    assert space.parameters["criterion"].choices == ("gini", None)  # type: ignore[union-attr]


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space: SearchSpace = data.draw(spaces(choices=st.sampled_from(["a", "b", "c", None])))
    assert same(hook.read_space(hook.write_space(space)), space)
