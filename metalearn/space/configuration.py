"""One configuration: a model family and the parameters it is given."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

from metalearn.exceptions import InvalidInputError
from metalearn.space.parameter import ParamValue

__all__ = ["Configuration", "ParamValue"]


def _native(name: str, value: Any) -> ParamValue:
    """Return a numpy scalar or plain value as a plain JSON value."""
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if plain is not None and not isinstance(plain, bool | int | float | str):
        message = (
            f"The parameter {name!r} is a {type(value).__name__}, which cannot be stored. "
            "Expected a bool, number, string or None. Convert it first."
        )
        raise InvalidInputError(message)
    if isinstance(plain, float) and not math.isfinite(plain):
        message = (
            f"The parameter {name!r} is {plain}. Expected a finite number. Leave it out for the library's default."
        )
        raise InvalidInputError(message)
    return plain


@dataclass(frozen=True, eq=False)
class Configuration:
    """Hold a model family and the parameters it is given; whatever is left out keeps the library's default.

    Parameters
    ----------
    model : str
        Name of the model family, such as ``"lightgbm"``.
    params : mapping of str to bool, int, float, str or None
        Parameters under the library's own names. Numpy scalars become plain values.

    Raises
    ------
    InvalidInputError
        If a parameter is not a plain finite value.

    Examples
    --------
    >>> c = Configuration("knn", {"n_neighbors": 7, "weights": "distance"})
    >>> c.id
    'ef606fe920390801'
    >>> c == Configuration.from_dict(c.to_dict())
    True
    """

    model: str
    params: Mapping[str, ParamValue]

    def __post_init__(self) -> None:
        """Turn numpy scalars into plain values, names in order."""
        plain = {str(name): _native(name, self.params[name]) for name in sorted(self.params)}
        object.__setattr__(self, "params", MappingProxyType(plain))

    @cached_property
    def id(self) -> str:
        """Hash of the content: equal configurations have equal ids, on any machine."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        """Compare by content, type-strictly: True is not 1."""
        return self.id == other.id if isinstance(other, Configuration) else NotImplemented

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self.id)

    def __reduce__(self) -> tuple[type[Self], tuple[str, dict[str, ParamValue]]]:
        """Pickle by constructor arguments: a mapping proxy does not pickle."""
        return type(self), (self.model, dict(self.params))

    def __str__(self) -> str:
        """Return one readable line."""
        inside = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.model}({inside})"

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values.

        Returns
        -------
        dict
            With the keys ``model`` and ``params``.
        """
        return {"model": self.model, "params": dict(self.params)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the configuration that :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            With the keys ``model`` and ``params``.

        Returns
        -------
        Configuration
            An equal configuration.
        """
        return cls(values["model"], values["params"])
