"""The tables of a database store, and the numbered steps that lead to them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    func,
    select,
    text,
)

from metalearn.exceptions import KnowledgeBaseError
from metalearn.knowledge.schema import CONFIGURATIONS, EVALUATIONS, PROVENANCE, TASKS
from metalearn.knowledge.schema import Column as Declared

__all__ = [
    "EVALUATION_FACTS",
    "MIGRATIONS",
    "READABLE",
    "SCHEMA_VERSION",
    "SEALED",
    "configurations",
    "digests",
    "evaluations",
    "meta_features",
    "migrate",
    "origins",
    "stored_version",
    "tasks",
]

_tables = MetaData()

schema_versions = Table(
    "schema_versions",
    _tables,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", String(40), nullable=False),
)


def _column(kind: Declared) -> "Column[Any]":
    types = {"int16": SmallInteger, "int64": BigInteger, "float32": Double, "float64": Double}
    default = "" if kind.since > 1 else None
    return Column(
        kind.name,
        types.get(kind.memory, Text),
        primary_key=kind.key,
        nullable=kind.nullable,
        autoincrement=False,
        server_default=default,
    )


def _source() -> "Column[str]":
    return Column(PROVENANCE[0], Text, primary_key=True)


def _provenance() -> "list[Column[str]]":
    return [Column(name, Text, nullable=False) for name in PROVENANCE[1:]]


tasks = Table(
    "tasks",
    _tables,
    *(_column(c) for c in TASKS.facts if c.key),
    _source(),
    *(_column(c) for c in TASKS.facts if not c.key and c.since == 1),
    *_provenance(),
    *(_column(c) for c in TASKS.facts if c.since > 1),  # digests of stored files depend on the order
)
"""One row a task and source: what each source says about a task stands beside what others say."""

meta_features = Table(
    "meta_features",
    _tables,
    Column("task_id", Text, primary_key=True),
    _source(),
    *(Column(name, Text, nullable=False) for name in ("value", "seconds")),
    *_provenance(),
)
"""One row a task and source: values and seconds by name as JSON objects, not-a-number as text."""

configurations = Table("configurations", _tables, *(_column(c) for c in CONFIGURATIONS.facts))

origins = Table(
    "origins",
    _tables,
    Column("origin_id", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in (*PROVENANCE, "versions")),
)
"""Who recorded evaluations, with what, when, and under which library versions; keyed by the hash of the four."""

EVALUATION_FACTS = {c.name: c for c in EVALUATIONS.facts if c.name != "versions"}
"""The columns of evaluations that are not part of their origin."""

evaluations = Table(
    "evaluations",
    _tables,
    *(_column(c) for c in EVALUATION_FACTS.values() if c.key),
    _source(),
    *(_column(c) for c in EVALUATION_FACTS.values() if not c.key),
    Column("origin_id", Text, nullable=False),
    sqlite_with_rowid=False,
)


digests = Table(
    "digests",
    MetaData(),
    Column("task_id", Text, primary_key=True),
    Column("recorded_by", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""A hash of everything that a source recorded about a task, in SQLite files; see :mod:`metalearn.knowledge.sql_digests`."""


def _create(connection: Connection) -> None:
    """Version 1: all tables, still without links between versions of a dataset."""
    _tables.create_all(connection)
    connection.execute(text("ALTER TABLE tasks DROP COLUMN predecessor"))


def _link(connection: Connection) -> None:
    """Version 2: a task names the one on the version of its data that came before."""
    connection.execute(text("ALTER TABLE tasks ADD COLUMN predecessor TEXT NOT NULL DEFAULT ''"))


def _check(connection: Connection) -> None:
    """Version 3: counts of 64 bits; SQLite files keep digests of their records, made by the caller that knows how."""
    if connection.dialect.name == "sqlite":
        digests.create(connection)
        return
    for name in TASKS.counts:
        connection.execute(text(f"ALTER TABLE tasks ALTER COLUMN {name} TYPE BIGINT"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_create, _link, _check)
"""Step n leads from version n to version n + 1; a step is never changed once it was released."""

SCHEMA_VERSION = len(MIGRATIONS)
"""The version that this code reads and writes."""

SEALED = 3
"""The first version whose SQLite files keep digests."""

READABLE = 2
"""The first version that is read as it is, where it cannot be brought forward."""

_LOCK = 0x6D6C_7362
"""Names the advisory lock under which a PostgreSQL schema is migrated."""


_REMAINS = text("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('origins', 'digests')")
_LOST = (
    "The database has tables of a metalearn store, but its schema version is lost. "
    "Expected the file as metalearn wrote it. Restore it from a copy."
)


def stored_version(connection: Connection) -> int:
    """Return the schema version of a database."""
    if connection.dialect.name == "sqlite":
        exists = text("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions'")
    else:
        # a query, since to_regclass() may remember from before the lock that there was no table
        exists = text(
            "SELECT count(*) FROM pg_catalog.pg_tables "
            "WHERE tablename = 'schema_versions' AND schemaname = ANY (current_schemas(false))"
        )
    if not connection.execute(exists).scalar_one():
        if connection.dialect.name == "sqlite" and connection.execute(_REMAINS).scalar_one():
            raise KnowledgeBaseError(_LOST)
        return 0
    version: int = connection.execute(select(func.coalesce(func.max(schema_versions.c.version), 0))).scalar_one()
    if connection.dialect.name == "sqlite" and not version:
        raise KnowledgeBaseError(_LOST)
    if version > SCHEMA_VERSION:
        message = (
            f"The database has schema version {version}, but this version of metalearn reads up to {SCHEMA_VERSION}. "
            "Expected an older one. Upgrade: pip install -U metalearn-recommender."
        )
        raise KnowledgeBaseError(message)
    return version


def migrate(connection: Connection, *, to: int = SCHEMA_VERSION) -> None:
    """Bring a database to a schema version, inside the caller's transaction."""
    if stored_version(connection) >= to:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    for version in range(stored_version(connection) + 1, to + 1):
        MIGRATIONS[version - 1](connection)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute(schema_versions.insert().values(version=version, applied_at=now))
