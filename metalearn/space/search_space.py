"""Search spaces: named parameters, some of them active only under a condition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from metalearn.exceptions import InvalidInputError
from metalearn.space.parameter import Categorical, Float, Integer, Parameter, ParamValue

__all__ = ["Condition", "SearchSpace"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Make a parameter active only where its parent takes certain values.

    Parameters
    ----------
    parent : str
        Name of the parent parameter.
    values : tuple of bool, int, float, str or None
        The parent's values under which the parameter is active.
    """

    parent: str
    values: tuple[ParamValue, ...]

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Tell whether the parent takes one of the values.

        Parameters
        ----------
        params : mapping
            Parameters by name.

        Returns
        -------
        bool
            False as well where the parent is absent.
        """
        value = params.get(self.parent, _ABSENT)
        return any(type(value) is type(v) and value == v for v in self.values)


_ABSENT = object()
_KINDS: dict[str, type[Float | Integer | Categorical]] = {
    "float": Float,
    "integer": Integer,
    "categorical": Categorical,
}


@dataclass(frozen=True)
class SearchSpace:
    """Hold named parameters and the conditions under which some of them are active.

    Parameters
    ----------
    parameters : mapping of str to Float, Integer or Categorical
        The parameters, parents before their children.
    conditions : mapping of str to Condition, default={}
        The condition of each conditional parameter.
    defaults : mapping of str to bool, int, float, str or None, default={}
        Where a search over the space starts, as far as the space says so.

    Raises
    ------
    InvalidInputError
        If a condition names a parameter that does not stand before its child, or a default lies outside.

    Examples
    --------
    >>> space = SearchSpace({"kernel": Categorical(("rbf", "linear")), "gamma": Float(1e-4, 10, log=True)},
    ...                     {"gamma": Condition("kernel", ("rbf",))})
    >>> space.decode([0.9, 0.5])
    {'kernel': 'linear'}
    """

    parameters: Mapping[str, Parameter]
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    defaults: Mapping[str, ParamValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check conditions and defaults."""
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        object.__setattr__(self, "conditions", MappingProxyType(dict(self.conditions)))
        object.__setattr__(self, "defaults", MappingProxyType(dict(self.defaults)))
        order = list(self.parameters)
        for child, condition in self.conditions.items():
            if child not in order or condition.parent not in order[: order.index(child)]:
                message = (
                    f"The condition of {child!r} names the parent {condition.parent!r}, which does not stand "
                    f"before it. Expected one of {order}, parents first. Reorder or correct the names."
                )
                raise InvalidInputError(message)
        for name, value in self.defaults.items():
            if name not in order or not self.parameters[name].contains(value):
                message = (
                    f"The default {value!r} of {name!r} lies outside the space. "
                    f"Expected a value of {self.parameters.get(name, order)}. Correct it or leave it out."
                )
                raise InvalidInputError(message)

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, Any], ...]]:
        """Pickle by constructor arguments: a mapping proxy does not pickle."""
        return type(self), (dict(self.parameters), dict(self.conditions), dict(self.defaults))

    def __len__(self) -> int:
        """Count the parameters."""
        return len(self.parameters)

    def active(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """List the parameters that count, given the values of their parents.

        Parameters
        ----------
        params : mapping
            Parameters by name.

        Returns
        -------
        tuple of str
            Active names, in the space's order.
        """
        names: list[str] = []
        for name in self.parameters:
            condition = self.conditions.get(name)
            if condition is None or (condition.parent in names and condition.holds(params)):
                names.append(name)
        return tuple(names)

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Tell whether every given parameter is known, active and within its range.

        Parameters
        ----------
        params : mapping
            Parameters by name; missing ones keep the library's default.

        Returns
        -------
        bool
            True if nothing would have to be changed.
        """
        active = self.active(params)
        return all(name in active and self.parameters[name].contains(value) for name, value in params.items())

    def decode(self, unit: npt.ArrayLike) -> dict[str, ParamValue]:
        """Map a point of the unit cube to active parameters.

        Parameters
        ----------
        unit : array-like of shape (n_parameters,)
            Positions in [0, 1].

        Returns
        -------
        dict
            Active parameters by name.
        """
        point = np.asarray(unit, dtype=float)
        values = {name: p.from_unit(float(u)) for (name, p), u in zip(self.parameters.items(), point, strict=True)}
        return {name: values[name] for name in self.active(values)}

    def encode(self, params: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Map parameters to a point of the unit cube; NaN where one is absent or inactive.

        Parameters
        ----------
        params : mapping
            Parameters by name; unknown ones are ignored.

        Returns
        -------
        ndarray of shape (n_parameters,)
            Positions in [0, 1] or NaN.
        """
        active = self.active(params)
        return np.array(
            [
                p.to_unit(params[name]) if name in active and name in params else np.nan
                for name, p in self.parameters.items()
            ]
        )

    def sobol(self, n: int, *, random_state: int = 0) -> list[dict[str, ParamValue]]:
        """Spread points evenly over the transformed space; a longer design begins with the shorter one.

        Parameters
        ----------
        n : int
            How many points.
        random_state : int, default=0
            Seed of the scrambling.

        Returns
        -------
        list of dict
            Active parameters by name, without repeats.

        References
        ----------
        I. M. Sobol', On the distribution of points in a cube, USSR Comput. Math. Math. Phys., 1967;
        scrambled after A. B. Owen, J. Complexity, 1998.
        """
        from scipy.stats import qmc  # noqa: PLC0415 - scipy.stats is slow to import and rarely needed

        engine = qmc.Sobol(len(self), scramble=True, rng=random_state)
        size = 1 << max(0, (2 * n - 1).bit_length())  # room for repeats in small spaces
        found: dict[str, dict[str, ParamValue]] = {}
        for point in engine.random(size):
            params = self.decode(point)
            found.setdefault(repr(params), params)
            if len(found) == n:
                break
        return list(found.values())

    def random(self, n: int, *, random_state: int | np.random.Generator = 0) -> list[dict[str, ParamValue]]:
        """Draw points uniformly from the transformed space.

        Parameters
        ----------
        n : int
            How many points.
        random_state : int or Generator, default=0
            Source of randomness.

        Returns
        -------
        list of dict
            Active parameters by name.
        """
        return [self.decode(point) for point in np.random.default_rng(random_state).random((n, len(self)))]

    def to_dict(self) -> dict[str, Any]:
        """Return the space as plain values.

        Returns
        -------
        dict
            With the keys ``parameters``, ``conditions`` and ``defaults``.
        """
        kinds = {kind: name for name, kind in _KINDS.items()}
        return {
            "parameters": {
                name: {"kind": kinds[type(p)], **{f: getattr(p, f) for f in p.__dataclass_fields__}}
                for name, p in self.parameters.items()
            },
            "conditions": {n: {"parent": c.parent, "values": list(c.values)} for n, c in self.conditions.items()},
            "defaults": dict(self.defaults),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the space that :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            With the keys ``parameters``, ``conditions`` and ``defaults``; the last two may be absent.

        Returns
        -------
        SearchSpace
            An equal space.
        """
        parameters = {
            name: _KINDS[fields["kind"]](**{k: v for k, v in fields.items() if k != "kind"})
            for name, fields in values["parameters"].items()
        }
        conditions = {n: Condition(c["parent"], tuple(c["values"])) for n, c in values.get("conditions", {}).items()}
        return cls(parameters, conditions, values.get("defaults", {}))
