"""The one gate into foreign search spaces: rename, convert, clip, complete, and say so."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Self, TypeAlias

from metalearn.exceptions import InvalidInputError
from metalearn.space.aliases import (
    COUPLED,
    DEFINING,
    MODEL_PARAMETERS,
    SHARES_OR_COUNTS,
    UNSET_VALUES,
    family_of,
    is_foreign,
    known_name,
)
from metalearn.space.configuration import Configuration
from metalearn.space.parameter import Categorical, Integer, Parameter, ParamValue
from metalearn.space.search_space import SearchSpace

__all__ = ["Adaptation", "Policy", "adapt", "model_parameter_of"]

Policy: TypeAlias = Literal["clip", "drop", "raise"]
"""What happens to a configuration that does not fit: bring it in, leave it out, or raise an error."""

UNSET = "(unset)"
"""Stands for the old value where the configuration had none."""


@dataclass(frozen=True)
class Adaptation:
    """Hold a configuration in the names and ranges of another space, and what had to be done for it.

    Parameters
    ----------
    configuration : Configuration or None
        Under the space's own names; None if it cannot be used.
    renamed : mapping of str to str, default={}
        The space's name by our name, where they differ.
    changed : mapping of str to tuple, default={}
        Old and new value by the space's name, where the meaning changes.
    completed : mapping of str to value, default={}
        Values written out by the space's name that are what leaving them out means.
    dropped : mapping of str to str, default={}
        Why, by our name, for every parameter that was left out; under the empty name, why the configuration
        was.
    foreign : frozenset of str, default=frozenset()
        The space's parameters that have no effect on the family: they hold a value only to be complete.
    """

    configuration: Configuration | None
    renamed: Mapping[str, str]
    changed: Mapping[str, tuple[ParamValue, ParamValue]]
    completed: Mapping[str, ParamValue]
    dropped: Mapping[str, str]
    foreign: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Freeze the mappings."""
        for name in ("renamed", "changed", "completed", "dropped"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Pickle by constructor arguments: a mapping proxy does not pickle."""
        maps = (dict(m) for m in (self.renamed, self.changed, self.completed, self.dropped))
        return type(self), (self.configuration, *maps, self.foreign)

    @property
    def is_exact(self) -> bool:
        """Whether the adapted configuration means the same as the original."""
        return self.configuration is not None and not self.changed and not self.dropped


def _number(value: object) -> float | None:
    """Return a number, or None for anything else; True is not a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _nearest_choice(value: float, choices: tuple[ParamValue, ...]) -> ParamValue | None:
    """Return the numeric choice next to a number, on a log scale where everything is positive."""
    numbers = [number for number in map(_number, choices) if number is not None]
    if not numbers:
        return None
    if value > 0 and min(numbers) > 0 and math.isfinite(value):
        return min(numbers, key=lambda number: abs(math.log(number / value)))
    return max(numbers) if value == math.inf else min(numbers, key=lambda number: abs(number - value))


def _is_default(name: str, value: ParamValue, defaults: Mapping[str, ParamValue]) -> bool:
    return name in defaults and defaults[name] == value and type(defaults[name]) is type(value)


def _is_share(value: object) -> bool:
    return isinstance(value, float) and 0 < value <= 1


def _in_other_units(ours: str, value: ParamValue, parameter: Parameter) -> bool:
    """Tell whether the one is a share, such as .4 of the columns, and the other a count."""
    if ours not in SHARES_OR_COUNTS or _number(value) is None:
        return False
    if isinstance(parameter, Categorical):
        numbers = [choice for choice in parameter.choices if _number(choice) is not None]
        return bool(numbers) and not any(_is_share(choice) == _is_share(value) for choice in numbers)
    return _is_share(value) != (not isinstance(parameter, Integer) and parameter.high <= 1)


def _fit(ours: str, value: ParamValue, parameter: Parameter) -> tuple[bool, ParamValue]:
    """Return whether a parameter can take a value or a near one, and which."""
    if _in_other_units(ours, value, parameter):
        return False, None
    if isinstance(parameter, Categorical):
        if parameter.contains(value):
            return True, value
        number = _number(value)
        near = None if number is None else _nearest_choice(number, parameter.choices)
        return near is not None, near
    number = _number(value)
    if number is None:
        return False, None
    return True, parameter.nearest(number)


def _means(value: ParamValue, parameter: Parameter) -> str:
    """Say why a value does not fit."""
    if isinstance(parameter, Categorical):
        return f"not one of {list(parameter.choices)}"
    if _number(value) is None:
        return f"not a number of [{parameter.low}, {parameter.high}]"
    if isinstance(parameter, Integer) or parameter.step is not None:
        return f"not a step of [{parameter.low}, {parameter.high}]"
    return f"outside [{parameter.low}, {parameter.high}]"


def model_parameter_of(space: SearchSpace, name: str | None = None) -> str | None:
    """Return the parameter that chooses among model families.

    Parameters
    ----------
    space : SearchSpace
        Any space.
    name : str or None, default=None
        Its name; None looks for the usual ones.

    Returns
    -------
    str or None
        The name of a categorical parameter of which a choice names a family; None if there is none.
    """
    for candidate in (name,) if name is not None else MODEL_PARAMETERS:
        parameter = space.parameters.get(candidate)
        if isinstance(parameter, Categorical) and (
            name is not None or any(family_of(choice) for choice in parameter.choices)
        ):
            return candidate
    return None


@dataclass
class _Draft:
    """Collect what is done to one configuration."""

    source: Configuration
    space: SearchSpace
    policy: Policy
    defaults: Mapping[str, ParamValue]

    def __post_init__(self) -> None:
        self.params: dict[str, ParamValue] = {}
        self.renamed: dict[str, str] = {}
        self.changed: dict[str, tuple[ParamValue, ParamValue]] = {}
        self.completed: dict[str, ParamValue] = {}
        self.dropped: dict[str, str] = {}
        self.unfit = ""

    def give_up(self, why: str) -> None:
        """Leave the configuration out, or raise, as the policy says."""
        if self.policy == "raise":
            message = f"{self.source} does not fit the search space: {why}. Correct it, or use policy='clip' or 'drop'."
            raise InvalidInputError(message)
        self.unfit = self.unfit or why

    def choose_model(self, name: str, parameter: Categorical) -> None:
        """Set the parameter that names the family."""
        fitting = [c for c in parameter.choices if c == self.source.model or family_of(c) == self.source.model]
        if fitting:
            self.params[name] = fitting[0]
        else:
            self.unfit = f"{name} offers {list(parameter.choices)}, none of which is {self.source.model}"

    def set_given(self, name: str, ours: str, parameter: Parameter) -> None:
        """Set a parameter that the configuration has."""
        old = self.source.params[ours]
        if name != ours:
            self.renamed[ours] = name
        fits, new = _fit(ours, old, parameter)
        if fits and new == old and isinstance(new, bool) == isinstance(old, bool):
            self.params[name] = new
            return
        if self.policy != "clip":
            self.give_up(f"{name}={old!r} is {_means(old, parameter)}")
        elif fits:
            self.params[name], self.changed[name] = new, (old, new)
        elif _in_other_units(ours, old, parameter):
            self.params[name] = self.in_other_units(name, ours, old, parameter)
            self.changed[name] = (old, self.params[name])
        elif ours in DEFINING:
            self.unfit = (
                self.unfit or f"{name}={old!r} is {_means(old, parameter)}, and another makes another model of it"
            )
        else:
            self.complete(name, ours, parameter, old)

    def in_other_units(self, name: str, ours: str, value: ParamValue, parameter: Parameter) -> ParamValue:
        """Return what comes near a share as a count, or the other way round: few rows are a small share of all."""
        numbers = parameter.choices if isinstance(parameter, Categorical) else (parameter.low, parameter.high)
        low, high = (end(v for v in map(_number, numbers) if v is not None) for end in (min, max))
        if _is_share(value):
            return _fit("", low + (_number(value) or 0.0) * (high - low), parameter)[1]
        return low if ours.startswith("min_") else self.start_of(name, parameter)

    def start_of(self, name: str, parameter: Parameter) -> ParamValue:
        """Return the space's own default of a parameter, or the middle of its range."""
        return self.space.defaults[name] if name in self.space.defaults else parameter.from_unit(0.5)

    def complete(self, name: str, ours: str, parameter: Parameter, old: ParamValue = UNSET) -> None:
        """Set a parameter that the configuration lacks to what that means, or to the space's default."""
        spellings = UNSET_VALUES.get(self.source.model, {}).get(ours, ())
        usual = (self.defaults[ours],) if ours in self.defaults else spellings
        exact = [value for value in usual if parameter.contains(value)]
        near = [new for fits, new in (_fit(ours, value, parameter) for value in reversed(usual)) if fits]
        foreign = [value for value in usual if _in_other_units(ours, value, parameter)]
        near += [self.in_other_units(name, ours, value, parameter) for value in foreign]
        self.params[name] = (exact + near + [self.start_of(name, parameter)])[0]
        if exact and old == UNSET:
            self.completed[name] = self.params[name]
        else:
            self.changed[name] = (old, self.params[name])

    def keep_pair(self, names: Mapping[str | None, str]) -> None:
        """Where the learning rate or the number of trees was clipped far, move the other so that their product stays."""
        pair = COUPLED.get(self.source.model, ())
        found = [
            (names[ours], self.source.params[ours]) for ours in pair if ours in names and ours in self.source.params
        ]
        if len(found) < 2 or self.unfit or self.policy != "clip":  # noqa: PLR2004
            return
        (one, old), (other, its_old) = found
        wanted, now = float(old) * float(its_old), [_number(self.params[name]) for name in (one, other)]  # type: ignore[arg-type]
        if None in now or wanted <= 0 or _far(now[0] * now[1], wanted):  # type: ignore[operator]
            far = next((n for n in (one, other) if n in self.changed), None)
            if far is None or None in now or wanted <= 0:
                return
            moved = other if far == one else one
            before = self.params[moved]
            self.params[moved] = _fit("", wanted / float(self.params[far]), self.space.parameters[moved])[1]  # type: ignore[arg-type]
            self.changed[moved] = (its_old if moved == other else old, self.params[moved])
            reached = float(self.params[far]) * float(self.params[moved])  # type: ignore[arg-type]
            if _far(reached, wanted):
                self.params[moved] = before
                self.unfit = (
                    f"{one}={old!r} and {other}={its_old!r} belong together, and the space allows no pair like it: "
                    f"the nearest is {float(self.params[far]):g} and {float(before):g}"  # type: ignore[arg-type]
                )


def _far(value: float, wanted: float) -> bool:
    return not 0.5 <= value / wanted <= 2.0  # noqa: PLR2004


def adapt(
    configuration: Configuration,
    space: SearchSpace,
    policy: Policy = "clip",
    *,
    names: Mapping[str, str] | None = None,
    model_parameter: str | None = None,
    defaults: Mapping[str, ParamValue] | None = None,
) -> Adaptation:
    """Bring a configuration into the names, types, ranges and conditions of another search space.

    Parameters
    ----------
    configuration : Configuration
        Under our names.
    space : SearchSpace
        The other space, as a hook's ``read_space`` returns it.
    policy : {"clip", "drop", "raise"}, default="clip"
        What happens to a value that does not fit: the nearest allowed one takes its place, the
        configuration is left
        out, or an error is raised. Parameters that the space lacks are left out and reported whatever the
        policy.
    names : mapping of str to str or None, default=None
        The space's name by our name, where the table of aliases would not find it.
    model_parameter : str or None, default=None
        The parameter that chooses among families; None looks for the usual names.
    defaults : mapping or None, default=None
        What leaving a parameter out means, by our name; None knows the table of unset values only.

    Returns
    -------
    Adaptation
        The adapted configuration, and everything that was done to it.

    Raises
    ------
    InvalidInputError
        If the policy is unknown, or a value does not fit under ``policy="raise"``.

    Examples
    --------
    >>> from metalearn.space import Float
    >>> space = SearchSpace({"eta": Float(0.01, 0.2, log=True), "max_leaves": Integer(2, 64)})
    >>> found = adapt(Configuration("lightgbm", {"learning_rate": 0.3, "num_leaves": 31}), space)
    >>> print(found.configuration)
    lightgbm(eta=0.2, max_leaves=31)
    >>> dict(found.changed)
    {'eta': (0.3, 0.2)}
    """
    if policy not in {"clip", "drop", "raise"}:
        message = f"Unknown policy {policy!r}. Expected 'clip', 'drop' or 'raise'. Choose one of them."
        raise InvalidInputError(message)
    defaults = defaults or {}
    given = configuration.params
    chosen = {theirs: ours for ours, theirs in (names or {}).items()}
    known = {*given, *defaults}
    model = model_parameter_of(space, model_parameter)
    draft = _Draft(configuration, space, policy, defaults)
    seen: set[str] = set()
    inactive: dict[str, str] = {}
    foreign: set[str] = set()
    for name, parameter in space.parameters.items():
        condition = space.conditions.get(name)
        ours = chosen.get(name) or known_name(name, configuration.model, known)
        if condition is not None and not condition.holds(draft.params):
            inactive[ours or name] = f"inactive while {condition.parent}={draft.params.get(condition.parent)!r}"
        elif name == model and isinstance(parameter, Categorical):
            draft.choose_model(name, parameter)
        elif ours is None or (model is not None and ours not in known and is_foreign(ours, configuration.model)):
            draft.completed[name] = draft.params[name] = draft.start_of(name, parameter)
            foreign.add(name)
        elif ours in given:
            seen.add(ours)
            draft.set_given(name, ours, parameter)
        else:
            draft.complete(name, ours, parameter)
    draft.keep_pair(names={chosen.get(n) or known_name(n, configuration.model, known): n for n in draft.params})
    if not seen and given and not draft.unfit and (model is None or len(space.parameters) > 1):
        draft.give_up("none of its parameters is in the search space")
    if draft.unfit:
        return Adaptation(None, {}, {}, {}, {"": draft.unfit})
    for ours in (name for name in given if name not in seen and not _is_default(name, given[name], defaults)):
        draft.dropped[ours] = inactive.get(ours, "the search space has no such parameter")
    adapted = Configuration(configuration.model, draft.params)
    return Adaptation(adapted, draft.renamed, draft.changed, draft.completed, draft.dropped, frozenset(foreign))
