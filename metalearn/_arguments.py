"""Checks of numbers that users pass: counts and time budgets."""

import math
from numbers import Integral, Real
from typing import Any

from metalearn.exceptions import InvalidInputError

__all__ = ["checked_count", "checked_seconds", "checked_time_left"]


def checked_count(n: Any, of: str = "configurations") -> int:
    """Return a number of things as an int of Python; True is no count."""
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
        message = f"n is {n!r}. Expected a whole number, at least 1, of {of}. Correct it."
        raise InvalidInputError(message)
    return int(n)


def checked_seconds(time_budget: Any) -> float | None:
    """Return a time budget as a float of Python, and None for no limit."""
    if time_budget is None:
        return None
    if isinstance(time_budget, bool) or not (isinstance(time_budget, Real) and float(time_budget) > 0):
        message = f"The time budget is {time_budget!r} seconds. Expected a positive number. Leave it out for no limit."
        raise InvalidInputError(message)
    return None if math.isinf(time_budget) else float(time_budget)


def checked_time_left(seconds: Any) -> float:
    """Return seconds that are left as a float of Python: none, some or infinitely many."""
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or math.isnan(seconds):
        message = f"The time left is {seconds!r}. Expected a number of seconds. Leave it out to have it counted."
        raise InvalidInputError(message)
    return float(seconds)
