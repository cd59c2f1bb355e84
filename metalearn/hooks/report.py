"""What a tool was given and what became of it: nothing is changed or dropped silently."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

from metalearn.exceptions import InvalidInputError
from metalearn.report import facts_fragment

__all__ = ["Change", "Drop", "Seed", "SeedReport", "compare", "joined", "share_of"]


@dataclass(frozen=True)
class Seed:
    """Hold one configuration as a tool takes it.

    Parameters
    ----------
    rank : int
        Its place in the recommendation, counted from 1.
    model : str
        Name of the model family.
    params : mapping
        Parameters under the tool's own names.
    key : str, default=""
        What the tool calls the trial, where it has a number or a name already.
    """

    rank: int
    model: str
    params: Mapping[str, Any]
    key: str = ""

    def __post_init__(self) -> None:
        """Freeze the parameters."""
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __reduce__(self) -> tuple[type[Self], tuple[int, str, dict[str, Any], str]]:
        """Pickle by constructor arguments: a mapping proxy does not pickle."""
        return type(self), (self.rank, self.model, dict(self.params), self.key)


@dataclass(frozen=True, slots=True)
class Change:
    """Record that a seed has another value than the recommendation.

    Parameters
    ----------
    rank : int
        The seed's place in the recommendation, counted from 1.
    parameter : str
        The tool's name of the parameter.
    old, new : object
        The values; ``"(unset)"`` where the recommendation had none.
    """

    rank: int
    parameter: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Drop:
    """Record that a seed, or one parameter of it, was left out.

    Parameters
    ----------
    rank : int
        The seed's place in the recommendation, counted from 1.
    parameter : str
        Our name of the parameter; empty for the whole seed.
    why : str
        The reason.
    """

    rank: int
    parameter: str
    why: str


@dataclass(frozen=True)
class SeedReport:
    """Say which seeds a tool accepted, what was changed and what was dropped; truthy if any was accepted.

    Parameters
    ----------
    tool : str
        The tool's name.
    accepted : tuple of Seed, default=()
        The seeds as the tool has them, in the order of evaluation.
    changed : tuple of Change, default=()
        Values that differ from the recommendation.
    dropped : tuple of Drop, default=()
        What was left out, and why.
    notes : tuple of str, default=()
        What else the reader should know.
    deed : str, default="accepted"
        What the report is about: accepted, told or evaluated.
    """

    tool: str
    accepted: tuple[Seed, ...] = ()
    changed: tuple[Change, ...] = ()
    dropped: tuple[Drop, ...] = ()
    notes: tuple[str, ...] = ()
    deed: str = field(default="accepted", kw_only=True)

    def __bool__(self) -> bool:
        """Tell whether any seed was accepted."""
        return bool(self.accepted)

    def __str__(self) -> str:
        """Return the report as readable text."""
        lines = [self._title(), *(f"  {rank}. {model}({inside})" for rank, model, inside in self._seeds())]
        for title, found in self._lost().items():
            lines += [f"{title}:", *(f"  {line}" for line in found)] if found else []
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the report as a table for notebooks."""
        lost = [f"{title}: {line}" for title, found in self._lost().items() for line in found]
        remarks = [*lost, *(f"note: {note}" for note in self.notes)]
        rows = [(str(rank), model, params) for rank, model, params in self._seeds()]
        return facts_fragment(self._title(), remarks, ("seed", "model", "parameters"), rows, right=("seed",))

    def _title(self) -> str:
        lost = {drop.rank for drop in self.dropped if not drop.parameter}
        total = len({seed.rank for seed in self.accepted} | lost)
        return f"{self.tool}: {len(self.accepted)} of {total} seeds {self.deed}"

    def _seeds(self) -> list[tuple[int, str, str]]:
        """Return rank, model and parameters of the accepted seeds."""
        return [
            (seed.rank, seed.model, ", ".join(f"{name}={_short(value)}" for name, value in seed.params.items()))
            for seed in self.accepted
        ]

    def _lost(self) -> dict[str, list[str]]:
        """Return what was changed and what was dropped, a line each."""
        changes = ((f"{c.parameter}: {_short(c.old)} -> {_short(c.new)}", c.rank) for c in self.changed)
        drops = ((f"{d.parameter}: {d.why}" if d.parameter else f"whole seed: {d.why}", d.rank) for d in self.dropped)
        return {"changed": _grouped(changes), "dropped": _grouped(drops)}

    def without(self, rank: int, why: str) -> Self:
        """Return the report with one seed moved from the accepted to the dropped ones.

        Parameters
        ----------
        rank : int
            The seed's place in the recommendation.
        why : str
            The reason.

        Returns
        -------
        SeedReport
            A changed copy.
        """
        return replace(
            self,
            accepted=tuple(seed for seed in self.accepted if seed.rank != rank),
            changed=tuple(change for change in self.changed if change.rank != rank),
            dropped=(*(drop for drop in self.dropped if drop.rank != rank), Drop(rank, "", why)),
        )

    def require(self, *, strict: bool) -> Self:
        """Return the report itself, if it may be strict only when nothing was changed or dropped.

        Parameters
        ----------
        strict : bool
            Whether changes and drops are errors.

        Returns
        -------
        SeedReport
            The report itself.

        Raises
        ------
        InvalidInputError
            If it is strict and anything was changed or dropped.
        """
        if strict and (self.changed or self.dropped):
            message = f"{self}\nExpected every seed as recommended. Widen the search space, or use strict=False."
            raise InvalidInputError(message)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values.

        Returns
        -------
        dict
            Ready for JSON where the tool's values are.
        """
        return {
            "tool": self.tool,
            "accepted": [
                {"rank": s.rank, "model": s.model, "params": dict(s.params), "key": s.key} for s in self.accepted
            ],
            "changed": [[c.rank, c.parameter, c.old, c.new] for c in self.changed],
            "dropped": [[d.rank, d.parameter, d.why] for d in self.dropped],
            "notes": list(self.notes),
            "deed": self.deed,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the report that :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            Plain values.

        Returns
        -------
        SeedReport
            An equal report.
        """
        return cls(
            values["tool"],
            tuple(Seed(**seed) for seed in values["accepted"]),
            tuple(Change(*change) for change in values["changed"]),
            tuple(Drop(*drop) for drop in values["dropped"]),
            tuple(values["notes"]),
            deed=values["deed"],
        )


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value) if value == "(unset)" else repr(value)


def _grouped(lines: Iterable[tuple[str, int]]) -> list[str]:
    """Return equal lines once, with the seeds they are about."""
    ranks: dict[str, list[int]] = {}
    for line, rank in lines:
        ranks.setdefault(line, []).append(rank)
    return [f"{line} (seed{'s' * (len(r) > 1)} {', '.join(map(str, r))})" for line, r in ranks.items()]


def compare(report: SeedReport | None, evaluated: Sequence[tuple[Mapping[str, Any], bool, str]]) -> SeedReport:
    """Compare the seeds of a report with the trials that were really run.

    Parameters
    ----------
    report : SeedReport or None
        What :func:`seed` returned.
    evaluated : sequence of (mapping, bool, str)
        Parameters under the tool's names, whether the trial succeeded, and what the tool calls it, in order.

    Returns
    -------
    SeedReport
        A trial with all of a seed's values is that seed; else the trial in the seed's place is, if it
        shares at least half of its values.

    Raises
    ------
    InvalidInputError
        If there is no report.
    """
    if report is None:
        message = (
            "The tool does not remember its seeds. "
            "Expected the report that seed() returned. Pass it: verify(target, report)."
        )
        raise InvalidInputError(message)
    accepted, changed, dropped = [], [], []
    free = dict(enumerate(evaluated))
    exact = {}
    for item in report.accepted:
        index = next((i for i, row in free.items() if _shared(item, row[0]) == len(item.params)), None)
        exact[item.rank] = index
        if index is not None:
            del free[index]
    for place, item in enumerate(report.accepted):
        index = exact[item.rank]
        if index is None and place in free and 2 * _shared(item, free[place][0]) >= len(item.params):
            index = place
        if index is None:
            dropped.append(Drop(item.rank, "", "it was never run with these values"))
            continue
        params, succeeded, key = evaluated[index]
        if not succeeded:
            dropped.append(Drop(item.rank, "", "it failed"))
            continue
        accepted.append(Seed(item.rank, item.model, {name: params.get(name) for name in item.params}, key))
        for name, value in item.params.items():
            if not _equal(params.get(name, _MISSING), value):
                changed.append(Change(item.rank, name, value, params.get(name)))
    return SeedReport(report.tool, tuple(accepted), tuple(changed), tuple(dropped), deed="evaluated")


_MISSING = object()


def _equal(found: Any, value: Any) -> bool:
    """Compare values; floats may differ by what a log scale does to them."""
    if isinstance(value, bool) or isinstance(found, bool):
        return found is value
    if isinstance(value, int | float) and isinstance(found, int | float):
        return math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == value)


def _shared(item: Seed, params: Mapping[str, Any]) -> int:
    return sum(_equal(params.get(name, _MISSING), value) for name, value in item.params.items())


def share_of(asked: Mapping[str, Any], params: Mapping[str, Any], model: str) -> float:
    """Return the share of a seed's values that a trial used; the name of its family is none of them."""
    values = {name: value for name, value in asked.items() if value != model} or asked
    return sum(_equal(params.get(name, _MISSING), value) for name, value in values.items()) / max(len(values), 1)


def joined(tool: str, parts: Iterable[SeedReport], *, deed: str = "accepted") -> SeedReport:
    """Return one report of several parts, in the order of rank."""
    parts = list(parts)
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    accepted = sorted((seed for part in parts for seed in part.accepted), key=lambda seed: seed.rank)
    changed = sorted((change for part in parts for change in part.changed), key=lambda change: change.rank)
    dropped = sorted((drop for part in parts for drop in part.dropped), key=lambda drop: drop.rank)
    return SeedReport(tool, tuple(accepted), tuple(changed), tuple(dropped), notes, deed=deed)
