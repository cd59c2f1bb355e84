"""The kinds of hyperparameter, each mapped to and from the unit interval."""

import math
from dataclasses import dataclass
from typing import TypeAlias

from metalearn.exceptions import InvalidInputError

__all__ = ["Categorical", "Float", "Integer", "ParamValue", "Parameter", "multiples"]

ParamValue: TypeAlias = bool | int | float | str | None
"""What a hyperparameter may be set to: plain JSON values."""

_DIGITS = 4
"""Significant digits of sampled floats: enough to tell configurations apart, short enough to read."""
_TINY = 1e-8
"""Share of a step by which a value may miss it: decimal steps are not exact in binary."""

_MOST_MULTIPLES = 1000


def _check_range(kind: str, low: float, high: float, *, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        message = (
            f"{kind} range [{low}, {high}] is empty or not finite. Expected low < high. Swap or correct the bounds."
        )
        raise InvalidInputError(message)
    if log and low <= 0:
        message = (
            f"{kind} range [{low}, {high}] cannot be on a log scale. Expected low > 0. Raise low or use log=False."
        )
        raise InvalidInputError(message)


def _check_step(kind: str, step: float, *, log: bool) -> None:
    if not (math.isfinite(step) and step > 0) or log:
        message = (
            f"{kind} step {step}{' on a log scale' if log else ''} cannot be used. "
            "Expected a positive number and log=False. Correct one of them."
        )
        raise InvalidInputError(message)


@dataclass(frozen=True, slots=True)
class Float:
    """Describe a real-valued hyperparameter.

    Parameters
    ----------
    low, high : float
        Bounds, both inclusive.
    log : bool, default=False
        Whether it is searched on a logarithmic scale.
    step : float or None, default=None
        Distance of allowed values, counted from low; None allows any.

    Raises
    ------
    InvalidInputError
        If the range is empty, not finite, or not positive on a log scale; if the step is not positive or
        stands together with a log scale.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        """Check the range."""
        _check_range("Float", self.low, self.high, log=self.log)
        if self.step is not None:
            _check_step("Float", self.step, log=self.log)

    def from_unit(self, u: float) -> float:
        """Map a position in [0, 1] to a value, rounded to four significant digits.

        Parameters
        ----------
        u : float
            Position on the (transformed) scale, in [0, 1].

        Returns
        -------
        float
            A value within the bounds.
        """
        if self.log:
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + u * (self.high - self.low)
        return self.nearest(float(f"{value:.{_DIGITS}g}"))

    def nearest(self, value: float) -> float:
        """Return the allowed value that lies nearest.

        Parameters
        ----------
        value : float
            Any number, infinity included.

        Returns
        -------
        float
            Within the bounds and on a step.
        """
        number = min(max(float(value), self.low), self.high)
        if self.step is None:
            return number
        steps = min(round((number - self.low) / self.step), math.floor((self.high - self.low) / self.step + _TINY))
        return float(f"{self.low + steps * self.step:.12g}")

    def to_unit(self, value: ParamValue) -> float:
        """Map a value to its position in [0, 1]; values outside the bounds land on the nearest one.

        Parameters
        ----------
        value : float
            A value.

        Returns
        -------
        float
            Position on the (transformed) scale; NaN if the value is no number.
        """
        if not isinstance(value, int | float) or isinstance(value, bool):
            return math.nan
        number = min(max(float(value), self.low), self.high)
        if self.log:
            return (math.log(number) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (number - self.low) / (self.high - self.low)

    def contains(self, value: object) -> bool:
        """Tell whether a value is a real number within the bounds.

        Parameters
        ----------
        value : object
            Any value.

        Returns
        -------
        bool
            True for numbers (not bool) between low and high that lie on a step.
        """
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.low <= value <= self.high:
            return False
        return self.step is None or abs(value - self.nearest(value)) <= _TINY * self.step

    @property
    def grid(self) -> tuple[float, ...]:
        """The allowed values of a range with steps; empty without."""
        if self.step is None:
            return ()
        n_steps = math.floor((self.high - self.low) / self.step + _TINY)
        return tuple(self.nearest(self.low + i * self.step) for i in range(n_steps + 1))


@dataclass(frozen=True, slots=True)
class Integer:
    """Describe a whole-number hyperparameter.

    Parameters
    ----------
    low, high : int
        Bounds, both inclusive.
    log : bool, default=False
        Whether it is searched on a logarithmic scale.
    step : int, default=1
        Distance of allowed values, counted from low.

    Raises
    ------
    InvalidInputError
        If the range is empty, not finite, or not positive on a log scale; if the step is not positive, or
        more than 1 on a log scale.
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        """Check the range."""
        _check_range("Integer", self.low, self.high, log=self.log)
        _check_step("Integer", self.step, log=self.log and self.step != 1)

    def from_unit(self, u: float) -> int:
        """Map a position in [0, 1] to a whole number, every number getting its share of the scale.

        Parameters
        ----------
        u : float
            Position on the (transformed) scale, in [0, 1].

        Returns
        -------
        int
            A value within the bounds.
        """
        low, high = self.low - self.step / 2, self.high + self.step / 2
        value = math.exp(math.log(low) + u * (math.log(high) - math.log(low))) if self.log else low + u * (high - low)
        return self.nearest(value)

    def nearest(self, value: float) -> int:
        """Return the allowed value that lies nearest.

        Parameters
        ----------
        value : float
            Any number, infinity included.

        Returns
        -------
        int
            Within the bounds and on a step.
        """
        number = round(min(max(value, self.low), self.high))
        if self.step == 1:
            return number
        return self.low + self.step * min(round((number - self.low) / self.step), (self.high - self.low) // self.step)

    def to_unit(self, value: ParamValue) -> float:
        """Map a value to its position in [0, 1]; values outside the bounds land on the nearest one.

        Parameters
        ----------
        value : int
            A value.

        Returns
        -------
        float
            Position on the (transformed) scale; NaN if the value is no number.
        """
        low, high = self.low - self.step / 2, self.high + self.step / 2
        if not isinstance(value, int | float) or isinstance(value, bool):
            return math.nan
        number = min(max(float(value), self.low), self.high)
        if self.log:
            return (math.log(number) - math.log(low)) / (math.log(high) - math.log(low))
        return (number - low) / (high - low)

    def contains(self, value: object) -> bool:
        """Tell whether a value is a whole number (of an integer type) within the bounds.

        Parameters
        ----------
        value : object
            Any value.

        Returns
        -------
        bool
            True for int (not bool) between low and high that lies on a step.
        """
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            return False
        return (value - self.low) % self.step == 0

    @property
    def grid(self) -> tuple[int, ...]:
        """The allowed values of a range with steps; empty if every whole number is allowed."""
        return tuple(range(self.low, self.high + 1, self.step)) if self.step != 1 else ()


@dataclass(frozen=True, slots=True)
class Categorical:
    """Describe a hyperparameter that takes one of a few values.

    Parameters
    ----------
    choices : tuple of bool, int, float, str or None
        The values, without order; numpy scalars become plain values.

    Raises
    ------
    InvalidInputError
        If there are no choices, or one stands twice.
    """

    choices: tuple[ParamValue, ...]

    def __post_init__(self) -> None:
        """Check the choices."""
        plain = (getattr(c, "item", lambda c=c: c)() if not getattr(c, "ndim", 0) else c for c in self.choices)
        object.__setattr__(self, "choices", tuple(plain))
        if not self.choices or len({(type(c), c) for c in self.choices}) < len(self.choices):
            message = (
                f"Categorical choices {self.choices} are empty or repeated. Expected different values. Correct them."
            )
            raise InvalidInputError(message)

    def from_unit(self, u: float) -> ParamValue:
        """Map a position in [0, 1] to a choice, every choice getting an equal share.

        Parameters
        ----------
        u : float
            Position, in [0, 1].

        Returns
        -------
        bool, int, float, str or None
            A choice.
        """
        return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]

    def to_unit(self, value: ParamValue) -> float:
        """Map a choice to the middle of its share of [0, 1].

        Parameters
        ----------
        value : bool, int, float, str or None
            One of the choices, type-strictly: True is not 1.

        Returns
        -------
        float
            Position; NaN if the value is not among the choices.
        """
        for index, choice in enumerate(self.choices):
            if type(choice) is type(value) and choice == value:
                return (index + 0.5) / len(self.choices)
        return math.nan

    def index(self, value: object) -> int:
        """Return the place of a choice, type-strictly: True is not 1.

        Parameters
        ----------
        value : object
            One of the choices.

        Returns
        -------
        int
            From 0.
        """
        return next(i for i, c in enumerate(self.choices) if type(c) is type(value) and c == value)

    def contains(self, value: object) -> bool:
        """Tell whether a value is one of the choices, type-strictly: True is not 1.

        Parameters
        ----------
        value : object
            Any value.

        Returns
        -------
        bool
            True if it equals a choice of the same type.
        """
        return any(type(choice) is type(value) and choice == value for choice in self.choices)


Parameter: TypeAlias = Float | Integer | Categorical
"""Any kind of hyperparameter."""


def multiples(low: float, high: float, step: float) -> Parameter:
    """Describe the multiples of a step that are drawn on a logarithmic scale, which a range cannot have.

    Parameters
    ----------
    low, high : float
        Bounds, both inclusive.
    step : float
        Distance of allowed values, counted from zero.

    Returns
    -------
    Categorical, Float or Integer
        The multiples in order; a range where they are too many to be listed.

    Examples
    --------
    >>> multiples(8, 40, 16)
    Categorical(choices=(16, 32))
    """
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    whole = float(step).is_integer()
    if last - first >= _MOST_MULTIPLES:
        size = int(step)
        return Integer(first * size, last * size, step=size) if whole else Float(first * step, last * step, step=step)
    made = (k * step for k in range(min(first, last), last + 1))
    return Categorical(tuple(int(value) if whole else float(f"{value:.12g}") for value in made))
