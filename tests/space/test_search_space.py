import pickle

import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.space import Categorical, Condition, Float, Integer, SearchSpace

SPACE = SearchSpace(
    {"kernel": Categorical(("rbf", "linear")), "gamma": Float(1e-4, 10, log=True), "degree": Integer(2, 8, step=2)},
    {"gamma": Condition("kernel", ("rbf",))},
    {"gamma": 0.1},
)


def test_a_space_survives_pickle_and_dict() -> None:
    assert pickle.loads(pickle.dumps(SPACE)) == SPACE == SearchSpace.from_dict(SPACE.to_dict())


def test_a_dict_written_before_there_were_defaults_is_read() -> None:
    values = SPACE.to_dict()
    del values["defaults"]
    assert SearchSpace.from_dict(values).defaults == {}


def test_sampled_points_hold_active_parameters_only() -> None:
    points = SPACE.random(50) + SPACE.sobol(20)
    assert all(SPACE.contains(p) and ("gamma" in p) == (p["kernel"] == "rbf") for p in points)


@pytest.mark.parametrize("defaults", [{"gamma": 100.0}, {"unknown": 1}, {"degree": 3}])
def test_a_default_outside_the_space_is_refused(defaults: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match="lies outside the space"):
        SearchSpace(SPACE.parameters, SPACE.conditions, defaults)


def test_a_child_before_its_parent_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="does not stand before it"):
        SearchSpace({"b": Integer(1, 2), "a": Categorical(("x",))}, {"b": Condition("a", ("x",))})
