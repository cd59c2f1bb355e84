"""What a meta-feature has to say about itself, and the values of a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

__all__ = ["MetaFeatures"]


@dataclass(frozen=True)
class MetaFeatures:
    """Hold the meta-features of a table.

    Parameters
    ----------
    values : mapping of str to float
        Values by name; NaN means "not applicable".
    seconds : mapping of str to float, default={}
        Seconds by name or group.
    """

    values: Mapping[str, float]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType({k: float(v) for k, v in self.values.items()}))
        object.__setattr__(self, "seconds", MappingProxyType({k: float(v) for k, v in self.seconds.items()}))

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, float], dict[str, float]]]:
        """Pickle by constructor arguments: a mapping proxy does not pickle."""
        return type(self), (dict(self.values), dict(self.seconds))

    def to_array(self, names: Iterable[str]) -> npt.NDArray[np.float64]:
        """Return values in a given order, NaN where one is absent.

        Parameters
        ----------
        names : iterable of str
            Names of meta-features.

        Returns
        -------
        ndarray of shape (n_names,)
            The values.
        """
        return np.array([self.values.get(name, np.nan) for name in names], dtype=float)

    def to_dict(self) -> dict[str, Any]:
        """Return the values as a plain dict.

        Returns
        -------
        dict
            With the keys ``values`` and ``seconds``.
        """
        return {"values": dict(self.values), "seconds": dict(self.seconds)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            With the keys ``values`` and ``seconds``.

        Returns
        -------
        MetaFeatures
            Equal meta-features.
        """
        return cls(values["values"], values.get("seconds", {}))
