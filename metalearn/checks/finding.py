"""What a check found, and how columns are named in it."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metalearn._wording import advice
from metalearn.metafeatures.sample import Sample

__all__ = ["Finding", "dropping", "listed", "names_of", "verb"]

_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Say what a check found."""

    kind: str
    severity: str
    columns: tuple[str, ...]
    message: str


def names_of(sample: Sample, places: Iterable[int]) -> tuple[str, ...]:
    """Name the columns at some places of a sample."""
    return tuple(str(sample.data.X.columns[sample.columns[place]]) for place in places)


def listed(names: Sequence[str]) -> str:
    """Return names for a message, no more of them than one reads."""
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{'Column' if len(names) == 1 else 'Columns'} {shown}{more}"


def dropping(names: Sequence[str]) -> str:
    """Return the option by which columns are dropped."""
    if len(names) > _NAMED:
        return advice(python="drop=[...]", command="--drop COLUMN for each")
    options = " ".join(f"--drop {shlex.quote(name)}" for name in names)
    return advice(python=f"drop={list(names)!r}", command=options)


def verb(names: Sequence[str], one: str, many: str) -> str:
    """Return the form of a verb that fits the number of names."""
    return one if len(names) == 1 else many
