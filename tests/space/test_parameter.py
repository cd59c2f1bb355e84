import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.exceptions import InvalidInputError
from metalearn.space import Categorical, Float, Integer, multiples

UNIT = st.floats(0, 1)


@given(u=UNIT, log=st.booleans())
def test_every_position_of_a_float_lies_within_its_bounds(*, u: float, log: bool) -> None:
    assert Float(1e-3, 0.7, log=log).contains(Float(1e-3, 0.7, log=log).from_unit(u))


@given(UNIT, st.integers(1, 7), st.integers(1, 40))
def test_every_position_of_an_integer_lies_on_a_step(u: float, step: int, width: int) -> None:
    p = Integer(3, 3 + width, step=step)
    assert p.contains(p.from_unit(u))


@given(st.floats(allow_nan=False), st.sampled_from([None, 0.1, 0.25]))
def test_the_nearest_value_is_allowed_and_nothing_allowed_is_nearer(value: float, step: float | None) -> None:
    p = Float(-1.0, 1.0, step=step)
    found = p.nearest(value)
    assert p.contains(found)
    if step is not None:
        assert all(abs(found - value) <= abs(other - value) + 1e-9 for other in p.grid)


def test_infinity_becomes_a_bound() -> None:
    assert Integer(2, 9).nearest(math.inf) == 9
    assert Float(2, 9).nearest(-math.inf) == 2


def test_every_step_of_a_range_is_listed() -> None:
    assert Integer(1, 10, step=4).grid == (1, 5, 9)
    assert Float(0.0, 1.0, step=0.3).grid == (0.0, 0.3, 0.6, 0.9)
    assert Integer(1, 10).grid == Float(0, 1).grid == ()


def test_a_decimal_step_is_met_though_binary_numbers_miss_it() -> None:
    assert Float(0.0, 1.0, step=0.1).contains(0.1 + 0.2)
    assert not Float(0.0, 1.0, step=0.1).contains(0.25)


@pytest.mark.parametrize("kind", [Integer, Float])
def test_a_step_must_be_positive_and_stand_without_a_log_scale(kind: type[Integer | Float]) -> None:
    with pytest.raises(InvalidInputError, match="step 0"):
        kind(1, 5, step=0)
    with pytest.raises(InvalidInputError, match="on a log scale"):
        kind(1, 5, log=True, step=2)


@given(st.lists(st.one_of(st.booleans(), st.integers(0, 1), st.none()), min_size=1, unique_by=repr))
def test_choices_are_told_apart_by_type(choices: list[object]) -> None:
    p = Categorical(tuple(choices))
    assert [p.from_unit(p.to_unit(choice)) for choice in choices] == choices
    assert p.contains(1) == any(choice is not True and choice == 1 for choice in choices)


@pytest.mark.parametrize(
    ("low", "high", "step", "wanted"),
    [
        (8, 40, 8, Categorical((8, 16, 24, 32, 40))),
        (0.25, 1.0, 0.25, Categorical((0.25, 0.5, 0.75, 1.0))),
        (2, 10_000, 2, Integer(2, 10_000, step=2)),
        (0.001, 0.05, 0.1, Categorical((0.0,))),  # as the tool rounds
    ],
)
def test_multiples_are_listed(low: float, high: float, step: float, wanted: object) -> None:
    assert multiples(low, high, step) == wanted
