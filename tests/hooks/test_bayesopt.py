from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Float, Integer, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")
bayes_opt = pytest.importorskip("bayes_opt")

from metalearn.hooks import bayesopt as hook  # noqa: E402

BOUNDS = {"n_estimators": (5, 50, int), "eta": (0.01, 0.5), "num_leaves": (2, 64, int)}


def optimizer() -> Any:
    return bayes_opt.BayesianOptimization(lambda **p: p["eta"], BOUNDS, verbose=0, random_state=0)


def test_seeds_are_probed_first_and_harvested(table: Any, recommendation: Recommendation, tmp_path: Any) -> None:
    search = optimizer()
    report = hook.seed(search, recommendation)
    search.maximize(init_points=1, n_iter=1)
    assert [r["params"] for r in search.res[:3]] == [dict(seed.params) for seed in report.accepted]
    assert [seed.rank for seed in hook.verify(search, report).accepted] == [1, 3, 4]
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(*hook.harvest(search, *table, metric="accuracy"))
    assert len(store.read().evaluations) == 5
    _, _, found = hook.harvest(search, *table, metric="accuracy")
    assert [e.value for e in found[:3]] == pytest.approx([0.1, 0.5, 0.05])

    other = optimizer()
    assert len(hook.tell(other, found).accepted) == 5
    assert [r["target"] for r in other.res[:2]] == pytest.approx([0.1, 0.5])
    again = hook.seed(other, recommendation)
    assert not again  # a second probe of the same point would raise in the middle of the search
    assert "already" in again.dropped[-1].why


def test_seeds_that_never_ran_are_said(recommendation: Recommendation) -> None:
    search = optimizer()
    report = hook.seed(search, recommendation)
    assert {drop.why for drop in hook.verify(search, report).dropped} == {"it was never run with these values"}


def test_bounds_of_every_kind_are_read() -> None:
    space = hook.read_space({"a": (1, 5, int), "b": (0, 1), "c": ("x", "y", "z")})
    assert dict(space.parameters) == {"a": Integer(1, 5), "b": Float(0, 1), "c": Categorical(("x", "y", "z"))}
    parameters = bayes_opt.BayesianOptimization(
        None, {"a": (1, 5, int), "c": ("x", "y")}, verbose=0
    ).space.params_config
    assert dict(hook.read_space(parameters).parameters) == {"a": Integer(1, 5), "c": Categorical(("x", "y"))}


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    kinds = spaces(log_integers=False, log_floats=False, choices=st.sampled_from(["a", "b", "c"]))
    space: SearchSpace = data.draw(kinds)
    assert same(hook.read_space(hook.write_space(space)), space)
    made = bayes_opt.BayesianOptimization(None, hook.write_space(space), verbose=0)
    assert same(hook.read_space(made.space.params_config), space)
