"""The columns of the four tables of a knowledge base; types in memory, in files and in databases follow from here."""

from dataclasses import dataclass
from functools import cached_property

__all__ = ["CONFIGURATIONS", "EVALUATIONS", "META_FEATURES", "PROVENANCE", "SCHEMA", "TASKS", "Column", "TableSchema"]


@dataclass(frozen=True, slots=True)
class Column:
    """Describe a column: text unless its type in memory is a number."""

    name: str
    memory: str = "str"
    key: bool = False
    nullable: bool = False
    largest: int | None = None
    """The largest count that is kept, alike in all stores."""

    since: int = 1
    """The version of the file format that introduced the column."""

    @property
    def is_count(self) -> bool:
        """Whether it holds whole numbers."""
        return self.memory.startswith("int")

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return self.is_count or self.memory.startswith("float")


@dataclass(frozen=True)
class TableSchema:
    """Describe a table."""

    name: str
    facts: tuple[Column, ...]
    provenance: tuple[Column, ...] = ()
    """The columns that tell who recorded a row, with which tool, and when: the last ones."""

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns in order."""
        return (*self.facts, *self.provenance)

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns without provenance."""
        return [c.name for c in self.facts]

    @cached_property
    def all_names(self) -> list[str]:
        """Names of all columns."""
        return [c.name for c in self.columns]

    @cached_property
    def key(self) -> list[str]:
        """Names of the columns that tell a row from all others of its source."""
        return [c.name for c in self.facts if c.key]

    @cached_property
    def compact(self) -> dict[str, str]:
        """Types in memory of the columns that are not kept as they come."""
        return {c.name: c.memory for c in self.columns if c.memory not in {"str", "int64"}}

    @cached_property
    def counts(self) -> dict[str, int]:
        """The largest count of each column of whole numbers."""
        return {c.name: c.largest for c in self.facts if c.largest is not None}

    @cached_property
    def texts(self) -> list[str]:
        """Names of the columns of text."""
        return [c.name for c in self.columns if not c.is_number]


_COUNT = 10**12
_PROVENANCE = tuple(Column(name, "category", since=2) for name in ("recorded_by", "recorded_with", "recorded_at"))

PROVENANCE = [c.name for c in _PROVENANCE]
"""Names of the columns that tell who recorded a row, with which tool, and when."""

TASKS = TableSchema(
    "tasks",
    (
        Column("task_id", key=True),
        Column("problem_type"),
        Column("dataset_id"),
        Column("name"),
        Column("family"),
        Column("fingerprint"),
        Column("n_rows", "int64", largest=_COUNT),
        Column("n_features", "int64", largest=_COUNT),
        Column("n_classes", "int64", largest=_COUNT),
        Column("n_rows_used", "int64", largest=_COUNT),
        Column("source"),
        Column("licence"),
        Column("note"),
        Column("predecessor", since=2),
    ),
    _PROVENANCE,
)
META_FEATURES = TableSchema(
    "meta_features",
    (
        Column("task_id", "category", key=True),
        Column("name", "category", key=True),
        Column("value", "float64", nullable=True),
        Column("seconds", "float64", nullable=True),
    ),
    _PROVENANCE,
)
CONFIGURATIONS = TableSchema(
    "configurations", (Column("configuration_id", key=True), Column("model"), Column("params"))
)
EVALUATIONS = TableSchema(
    "evaluations",
    (
        Column("task_id", "category", key=True),
        Column("configuration_id", "category", key=True),
        Column("metric", "category", key=True),
        Column("fold", "int16", key=True, largest=32_767),
        Column("value", "float64", nullable=True),
        Column("fit_seconds", "float32", nullable=True),
        Column("predict_seconds", "float32", nullable=True),
        Column("status", "category"),
        Column("message", "category"),
        Column("versions", "category"),
    ),
    _PROVENANCE,
)
SCHEMA = {table.name: table for table in (TASKS, META_FEATURES, CONFIGURATIONS, EVALUATIONS)}
