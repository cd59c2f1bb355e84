"""What the options of a choice are called: tools let them be anything, numpy's numbers and dicts included."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from metalearn.space import ParamValue
from metalearn.space.aliases import MODEL_PARAMETERS

__all__ = ["index_of", "label", "labels", "plain"]


def plain(value: Any) -> Any:
    """Return numpy's scalars as Python's, all else as it is."""
    return value.item() if hasattr(value, "item") and not getattr(value, "ndim", 0) else value


def label(option: Any, index: int = 0) -> ParamValue:
    """Name an option: plain values by themselves, dicts by the model they name or their place, estimators by their class."""
    value = plain(option)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        words = {name: word for name, word in value.items() if isinstance(word, str)}
        named = [words[name] for name in MODEL_PARAMETERS if name in words] or list(words.values())
        return named[0] if named else str(index)
    return type(value).__name__ if hasattr(value, "get_params") else str(value)


def labels(options: Iterable[Any]) -> list[ParamValue]:
    """Name all options of a choice, by their places where names repeat."""
    found = [label(option, index) for index, option in enumerate(options)]
    unique = len({(type(name), name) for name in found}) == len(found)
    return found if unique else [str(index) for index in range(len(found))]


def index_of(names: Sequence[ParamValue], value: Any) -> int:
    """Return the place of a name, type-strictly: True is not 1."""
    return next(i for i, name in enumerate(names) if type(name) is type(value) and name == value)
