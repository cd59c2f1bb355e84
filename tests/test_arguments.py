import math
from decimal import Decimal

import numpy as np
import pytest

from metalearn._arguments import checked_count, checked_seconds
from metalearn.exceptions import InvalidInputError


@pytest.mark.parametrize("n", [3, np.int64(3), np.uint8(3)])
def test_a_count_becomes_an_int(n: object) -> None:
    assert type(checked_count(n)) is int


@pytest.mark.parametrize("n", [True, 0, -1, 1.0, "1", None])
def test_what_is_no_count_is_refused(n: object) -> None:
    with pytest.raises(InvalidInputError, match="Expected a whole number"):
        checked_count(n)


@pytest.mark.parametrize("seconds", [10, np.float32(10), np.int16(10)])
def test_a_time_budget_becomes_a_float(seconds: object) -> None:
    assert type(checked_seconds(seconds)) is float
    assert checked_seconds(None) is checked_seconds(math.inf) is None


@pytest.mark.parametrize("seconds", [0, -1, True, math.nan, "10", Decimal(10)])
def test_what_is_no_time_budget_is_refused(seconds: object) -> None:
    with pytest.raises(InvalidInputError, match="Expected a positive number"):
        checked_seconds(seconds)
