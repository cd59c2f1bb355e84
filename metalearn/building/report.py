"""What a build did, or would do."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from metalearn._wording import advice
from metalearn.report.text import facts_table

__all__ = ["BuildReport", "FamilyWork"]

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyWork:
    """Say what building takes, and took, for one model family.

    Parameters
    ----------
    family : str
        The model family.
    n_known : int
        Pairs of table and configuration that the store knew before, and that are not run again.
    n_planned : int
        The other pairs.
    predicted_seconds : float
        What the fits of the planned pairs will take on one thread; NaN if the family was never timed.
    n_known_failed : int, default=0
        Known pairs that had met a limit or failed.
    n_ok, n_cut, n_failed : int, default=0
        Planned pairs that went well; that met the limit of time or memory; that failed.
    seconds : float, default=0
        What fitting and predicting took on one thread.
    """

    family: str
    n_known: int
    n_planned: int
    predicted_seconds: float
    n_known_failed: int = 0
    n_ok: int = 0
    n_cut: int = 0
    n_failed: int = 0
    seconds: float = 0.0

    @property
    def n_known_ok(self) -> int:
        """Known pairs that had gone well."""
        return self.n_known - self.n_known_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """Say what a build did, or would do.

    Parameters
    ----------
    store : str
        Where the results are kept.
    dry_run : bool
        Whether nothing was run.
    n_jobs : int
        Processes on this machine.
    tables : tuple of str
        Names of the tables that are used.
    skipped : mapping of str to str
        Tables that are not used, and why.
    families : tuple of FamilyWork
        The work by model family, that with most seconds first.
    notes : mapping of str to tuple of str, default={}
        What may mislead the scores on a table, such as a column that tells the target.
    """

    store: str
    dry_run: bool
    n_jobs: int
    tables: tuple[str, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    families: tuple[FamilyWork, ...] = ()
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def predicted_hours(self) -> float:
        """Hours that the planned fits will take on one thread, as far as they can be predicted."""
        return float(np.nansum([work.predicted_seconds for work in self.families])) / 3600

    @property
    def hours(self) -> float:
        """Hours that fitting and predicting took on one thread."""
        return sum(work.seconds for work in self.families) / 3600

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values.

        Returns
        -------
        dict
            Ready for JSON; what cannot be predicted is None.
        """
        families = [
            {k: (None if v != v else v) for k, v in asdict(work).items()}  # noqa: PLR0124 - NaN
            for work in self.families
        ]
        facts = {name: getattr(self, name) for name in ("store", "dry_run", "n_jobs", "tables")}
        hours = {"predicted_hours": self.predicted_hours, "hours": self.hours}
        notes = {name: list(found) for name, found in self.notes.items()}
        return {**facts, "skipped": dict(self.skipped), "notes": notes, **hours, "families": families}

    def to_json(self) -> str:
        """Return the report as JSON.

        Returns
        -------
        str
            Indented.
        """
        return json.dumps(self.to_dict(), indent=1)

    def __str__(self) -> str:
        """Return a table with a row for each model family, and a sentence."""
        done = {} if self.dry_run else {"ok": "n_ok", "cut": "n_cut", "failed": "n_failed"}
        counts = {"known ok": "n_known_ok", "known failed": "n_known_failed", "planned": "n_planned", **done}
        times = {"predicted": "predicted_seconds", **({} if self.dry_run else {"took": "seconds"})}
        rows = [
            (
                work.family,
                *(f"{getattr(work, name):,}" for name in counts.values()),
                *(_duration(getattr(work, name)) for name in times.values()),
            )
            for work in self.families
        ]
        columns = ("model family", *counts, *times)
        text = facts_table(columns, rows, right=columns[1:]) + "\n"
        text += "".join(f"Skipped: {name}: {reason}\n" for name, reason in self.skipped.items())
        text += "".join(f"Note: {name}: {note}\n" for name, found in self.notes.items() for note in found)
        failed = sum(work.n_known_failed for work in self.families)
        if failed:
            text += (
                f"{failed:,} known pairs had met a limit or failed; "
                f"{advice(python='retry_failed=True', command='--retry-failed')} runs them again.\n"
            )
        planned = sum(work.n_planned for work in self.families)
        what = f"{planned:,} pairs of table and configuration on {len(self.tables)} tables"
        if self.dry_run:
            wall = _duration(self.predicted_hours * 3600 / self.n_jobs)
            return text + (
                f"{what} will take about {_duration(self.predicted_hours * 3600)} of fitting, "
                f"{wall} with {self.n_jobs} at a time. Nothing was run."
            )
        return text + f"{what} took {_duration(self.hours * 3600)} of fitting. The results are in {self.store}."


def _duration(seconds: float) -> str:
    if seconds != seconds:  # noqa: PLR0124 - NaN
        return "unknown"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
