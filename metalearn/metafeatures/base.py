"""What a meta-feature says about itself, how one is registered, and the values of a table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.renamed import current

if TYPE_CHECKING:
    from metalearn.metafeatures.sample import Sample

__all__ = ["MetaFeature", "MetaFeatures", "Tier", "built_in", "meta_features"]


class Tier(StrEnum):
    """Order the meta-features by what they cost; each tier includes the ones before it."""

    CHEAP = "cheap"
    LANDMARKS = "landmarks"
    ALL = "all"

    def __contains__(self, other: object) -> bool:
        """Whether another tier is computed when this one is asked for."""
        order = list(Tier)
        return order.index(Tier(str(other))) <= order.index(self)


Compute = Callable[["Sample"], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class MetaFeature:
    """Describe one meta-feature and how it is computed.

    Parameters
    ----------
    name : str
        A stable identifier in snake case.
    group : str
        The family of meta-features it belongs to, such as ``"statistical"``.
    tier : Tier
        The cheapest tier that includes it.
    description : str
        What it measures, in a sentence.
    unit : str
        Its unit, such as ``"share"`` (0 to 1), ``"bits"`` or ``"rows"``.
    nan_when : str
        When it is not applicable; ``"never"`` if it always is.
    reference : str
        Where it is defined.
    compute : callable
        Takes a :class:`~metalearn.metafeatures.sample.Sample` and returns values by name; meta-features that share
        a pass over the data share the function, which runs once.
    """

    name: str
    group: str
    tier: Tier
    description: str
    unit: str
    nan_when: str
    reference: str
    compute: Compute = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tier", Tier(self.tier))


_BUILT_IN: dict[str, MetaFeature] = {}


def built_in() -> dict[str, MetaFeature]:
    """Return the meta-features of this package."""
    return dict(_BUILT_IN)


def meta_features(
    *, group: str, tier: str, reference: str, names: Mapping[str, tuple[str, str, str]]
) -> Callable[[Compute], Compute]:
    """Register the values that a function computes as built-in meta-features."""

    def register(compute: Compute) -> Compute:
        for name, (description, unit, nan_when) in names.items():
            _BUILT_IN[name] = MetaFeature(
                name=name,
                group=group,
                tier=Tier(tier),
                description=description,
                unit=unit,
                nan_when=nan_when,
                reference=reference,
                compute=compute,
            )
        return compute

    return register


@dataclass(frozen=True)
class MetaFeatures:
    """Hold the meta-features of a table.

    Parameters
    ----------
    values : mapping of str to float
        Values by name; NaN means "not applicable", or that ``status`` says why there is none.
    seconds : mapping of str to float, default={}
        What each value took; values of one pass share its time equally, so that the sum is the whole.
    status : mapping of str to str, default={}
        ``"ok"``, ``"not applicable"``, ``"no time"`` or ``"failed: ..."`` by name.
    """

    values: Mapping[str, float]
    seconds: Mapping[str, float] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in (("values", float), ("seconds", float), ("status", str)):
            given = getattr(self, name)
            object.__setattr__(self, name, MappingProxyType({k: kind(v) for k, v in current(given).items()}))

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, float], dict[str, float], dict[str, str]]]:
        """Pickle by constructor arguments: a mapping proxy does not pickle."""
        return type(self), (dict(self.values), dict(self.seconds), dict(self.status))

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
            With the keys ``values``, ``seconds`` and ``status``.
        """
        return {"values": dict(self.values), "seconds": dict(self.seconds), "status": dict(self.status)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            With the keys ``values``, and optionally ``seconds`` and ``status``.

        Returns
        -------
        MetaFeatures
            Equal meta-features.
        """
        return cls(values["values"], values.get("seconds", {}), values.get("status", {}))
