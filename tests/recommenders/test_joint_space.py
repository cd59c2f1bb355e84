import numpy as np
import pytest

from metalearn.models import models_for
from metalearn.recommenders.joint_space import JointSpace, Points
from metalearn.space import Configuration
from metalearn.task import ProblemType

KIND = ProblemType.BINARY


@pytest.fixture(scope="module")
def space() -> JointSpace:
    return JointSpace({name: spec.spaces[KIND] for name, spec in models_for(KIND).items()})


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_what_is_decoded_lies_in_the_family_and_respects_conditions(
    space: JointSpace, generator: np.random.Generator
) -> None:
    drawn = space.random(30, generator)
    found = Points.join([drawn, space.near(drawn, 2, generator)])
    assert len(found) == 30 * len(space.names) * 3
    for row in range(len(found)):
        c = space.decode(found, row)
        assert space.spaces[c.model].contains(c.params), c
        assert set(space.spaces[c.model].active(c.params)) == set(c.params)


def test_a_configuration_keeps_its_place_and_nothing_else_has_one(
    space: JointSpace, generator: np.random.Generator
) -> None:
    drawn = space.random(3, generator)
    configurations = [space.decode(drawn, row) for row in range(len(drawn))]
    again = space.encode(configurations)
    assert [space.decode(again, row) for row in range(len(again))] == configurations
    assert all(map(space.holds, configurations))
    assert not space.holds(Configuration("knn", {"metric": "cosine"}))
    assert not space.holds(Configuration("a_family_that_nobody_has", {}))


def test_neighbours_are_nearer_than_others_of_their_family(space: JointSpace, generator: np.random.Generator) -> None:
    k = space.names.index("lightgbm")
    one = space.encode([models_for(KIND)["lightgbm"].default(KIND)])
    near, far = space.near(one, 50, generator), space.random(50, generator)
    far = far.take(np.flatnonzero(far.family == k))
    assert set(near.family) == {k}
    gaps = [np.linalg.norm(space.embed(p) - space.embed(one), axis=1) for p in (near, far)]
    assert gaps[0].mean() < 0.5 * gaps[1].mean()
    assert gaps[0].min() > 0


def test_other_choices_and_absent_parameters_count_as_different(space: JointSpace) -> None:
    svm = [{"kernel": "rbf", "gamma": 0.1}, {"kernel": "sigmoid", "gamma": 0.1}, {"kernel": "rbf"}]
    places = space.embed(space.encode([Configuration("svm", {"C": 1.0, **p}) for p in svm]))
    assert np.linalg.norm(places[0] - places[1]) > 0.3
    assert np.linalg.norm(places[0] - places[2]) > 0.2


def test_draws_are_repeatable(space: JointSpace) -> None:
    one, two = (space.random(4, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.unit, two.unit)


def test_values_of_another_kind_have_no_place(space: JointSpace) -> None:
    family, name = next((f, n) for f, s in space.spaces.items() for n, p in s.parameters.items() if hasattr(p, "low"))
    assert space.holds(Configuration(family, {name: space.spaces[family].parameters[name].low}))
    for value in ("sqrt", None, True):
        assert not space.holds(Configuration(family, {name: value}))


def test_without_parameters_nothing_is_drawn(generator: np.random.Generator) -> None:
    assert len(JointSpace({}).random(3, generator)) == 0
