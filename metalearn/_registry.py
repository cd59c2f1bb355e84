"""Find what is registered under an entry-point group, built-ins and plug-ins alike."""

import warnings
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from metalearn.exceptions import unknown_name

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Look up the objects registered under one entry-point group."""

    def __init__(self, group: str, kind: str, expected: type[T]) -> None:
        self.group = group
        self.kind = kind
        self.expected = expected
        self._loaded: dict[str, T] = {}

    @cached_property
    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in sorted(entry_points(group=self.group), key=lambda e: e.name)}

    @property
    def names(self) -> tuple[str, ...]:
        """List the registered names without importing anything, in alphabetical order."""
        return tuple(self._entries)

    def get(self, name: str) -> T:
        """Return the object registered under a name."""
        if name not in self._loaded:
            if name not in self._entries:
                raise unknown_name(self.kind, name, self.names)
            loaded = self._entries[name].load()
            if not isinstance(loaded, self.expected):
                message = (
                    f"The {self.kind} {name!r} is a {type(loaded).__name__}, but the entry point group "
                    f"{self.group!r} takes {self.expected.__name__} objects. Correct the plug-in's entry point."
                )
                raise TypeError(message)
            self._loaded[name] = loaded
        return self._loaded[name]

    def all(self) -> dict[str, T]:
        """Load every registered object; a plug-in that fails to load is named in a warning."""
        found = {}
        for name in self.names:
            try:
                found[name] = self.get(name)
            except Exception as error:  # noqa: BLE001 - a foreign plug-in may fail in any way
                message = f"The {self.kind} plug-in {name!r} ({self._entries[name].value}) failed to load: {error!r}."
                warnings.warn(message, stacklevel=2)
        return found
