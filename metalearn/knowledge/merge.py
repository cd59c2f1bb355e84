"""Bring the knowledge of several stores together, and say where they contradict each other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from metalearn.knowledge.admission import KNOWN_FACTS, link_versions
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.schema import EVALUATIONS
from metalearn.knowledge.store import Store

__all__ = ["Conflict", "MergeReport", "conflicts", "merge"]

MAX_CONFLICTS = 1000
"""How many conflicts a report lists; it counts all."""

_TOLERANCE = 1e-9
_FACTS = ("problem_type", "n_rows", "n_features", "n_classes", "n_rows_used", "family")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Name one thing that two stores say differently."""

    task_id: str
    what: str
    old: str
    new: str
    old_by: str
    new_by: str

    def __str__(self) -> str:
        """Return one readable line."""
        return f"{self.task_id}, {self.what}: {self.old!r} by {self.old_by!r}, now {self.new!r} by {self.new_by!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReport:
    """Say what a merge did."""

    n_tasks: int
    n_evaluations: int
    n_new_tasks: int
    n_new_evaluations: int
    n_conflicts: int
    conflicts: tuple[Conflict, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def merge(stores: Sequence[Store], into: Store) -> MergeReport:
    """Add to a store what others know, with the provenance of each record; merging again changes nothing."""
    before = into.info()
    found: list[Conflict] = []
    n_conflicts = 0
    for store in stores:
        count, listed = conflicts(into.read(), store.read())
        n_conflicts += count
        found += listed
        for source in store.info().sources:
            into.write(store.read(source=source.source))
    after = into.info()
    return MergeReport(
        n_tasks=after.n_tasks,
        n_evaluations=after.n_evaluations,
        n_new_tasks=after.n_tasks - before.n_tasks,
        n_new_evaluations=after.n_evaluations - before.n_evaluations,
        n_conflicts=n_conflicts,
        conflicts=tuple(found[:MAX_CONFLICTS]),
    )


def conflicts(old: KnowledgeBase, new: KnowledgeBase) -> tuple[int, list[Conflict]]:
    """List what two knowledge bases say differently about the same thing."""
    known = old.tasks[list(KNOWN_FACTS)]
    new = link_versions(
        new, known.itertuples(index=False, name=None)
    )  # other data is another task, not a contradiction
    facts = old.tasks.merge(new.tasks, on="task_id", suffixes=("_old", "_new"))
    listed = [
        Conflict(
            task_id=row["task_id"],
            what=fact,
            old=str(row[f"{fact}_old"]),
            new=str(row[f"{fact}_new"]),
            old_by=str(row["recorded_by_old"]),
            new_by=str(row["recorded_by_new"]),
        )
        for fact in _FACTS
        for row in facts[facts[f"{fact}_old"] != facts[f"{fact}_new"]].to_dict("records")
    ]
    plain = dict.fromkeys(EVALUATIONS.key[:3], str)
    runs = old.evaluations.astype(plain).merge(
        new.evaluations.astype(plain), on=EVALUATIONS.key, suffixes=("_old", "_new")
    )
    one, other = runs["value_old"].to_numpy(dtype=float), runs["value_new"].to_numpy(dtype=float)
    alike = np.isclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True)
    alike &= (runs["status_old"].astype(str) == runs["status_new"].astype(str)).to_numpy()
    different = runs[~alike]
    n_conflicts = len(listed) + len(different)
    names = {**old.configuration_by_id, **new.configuration_by_id}
    listed += [
        Conflict(
            task_id=row["task_id"],
            what=f"{row['metric']} of {names[row['configuration_id']]}, fold {row['fold']}",
            old=_shown(row["value_old"], row["status_old"]),
            new=_shown(row["value_new"], row["status_new"]),
            old_by=str(row["recorded_by_old"]),
            new_by=str(row["recorded_by_new"]),
        )
        for row in different.head(max(0, MAX_CONFLICTS - len(listed))).to_dict("records")
    ]
    return n_conflicts, listed[:MAX_CONFLICTS]


def _shown(value: float, status: str) -> str:
    return status if pd.isna(value) else repr(float(value))
