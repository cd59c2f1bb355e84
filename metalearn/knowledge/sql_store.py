"""Knowledge in a database: SQLite for one machine, PostgreSQL for a team."""

from sqlalchemy import Connection, delete, func, select, text

from metalearn.exceptions import KnowledgeBaseError
from metalearn.knowledge import sql_schema as schema
from metalearn.knowledge.admission import admit, ids_of, link_versions, require_some
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.sql_connection import Database
from metalearn.knowledge.sql_transfer import add_rows, every_task, known_tasks, read_rows, seal
from metalearn.knowledge.store import SourceInfo, StoreInfo, StoreMethods

__all__ = ["SqlStore"]


class SqlStore(StoreMethods):
    """Keep knowledge in a database that many processes may use at once.

    Each append is one transaction: it is stored whole or not at all. What each source recorded stands beside what
    others recorded, so that it can be taken back.

    Parameters
    ----------
    url : str
        ``sqlite:///file.db`` or ``postgresql://user@host/database``.
    source : str, default="local"
        Who adds records: a free label.
    tool : str or None, default=None
        What makes them; default: metalearn with its version.
    keep_names : bool, default=False
        Whether messages and paths are kept word for word.

    Raises
    ------
    InvalidInputError
        If the address cannot be understood.
    """

    def __init__(self, url: str, *, source: str = "local", tool: str | None = None, keep_names: bool = False) -> None:
        super().__init__(source, tool, keep_names=keep_names)
        self.database = Database(url)

    def __repr__(self) -> str:
        """Return one readable line."""
        return f"SqlStore({self.database.shown!r})"

    def read(self, *, source: str | None = None) -> KnowledgeBase:
        if not self._exists():
            return KnowledgeBase.empty()
        read = self.database.run(lambda connection: read_rows(connection, source), write=False)
        return read.normalised()

    def write(self, knowledge: KnowledgeBase, *, source: str | None = None, tool: str | None = None) -> None:
        admitted = admit(
            knowledge.normalised(),
            source=source or self.source,
            tool=tool or self.tool,
            keep_names=self.keep_names,
        )
        self._make_folder()

        def work(connection: Connection) -> None:
            _bring_forward(connection)
            add_rows(connection, link_versions(admitted, known_tasks(connection, admitted)))

        self.database.run(work, write=True)

    def delete(self, *, source: str | None = None, task: str | None = None) -> int:
        require_some(source, task)

        def work(connection: Connection) -> int:
            _bring_forward(connection)
            ids = None if task is None else ids_of(every_task(connection), task)
            tables = [schema.evaluations, schema.tasks, schema.meta_features]
            counts = []
            if self.database.is_sqlite:
                tables.append(schema.digests)
            for table in tables if ids is not None else [*tables, schema.origins]:
                query = delete(table) if source is None else delete(table).where(table.c.recorded_by == source)
                counts.append(
                    connection.execute(query if ids is None else query.where(table.c.task_id.in_(ids))).rowcount
                )
            used = select(schema.evaluations.c.configuration_id)
            unused = schema.configurations.c.configuration_id.not_in(used)
            connection.execute(delete(schema.configurations).where(unused))
            return counts[0]

        return self.database.run(work, write=True) if self._exists() else 0

    def info(self) -> StoreInfo:
        exists = self._exists()

        def work(connection: Connection) -> StoreInfo:
            if found := _integrity(connection, most=1):  # counts come from indexes, which may differ from the rows
                message = f"The database {self.database.shown} is damaged: {found[0]}. Expected the file as metalearn wrote it. Restore it from a copy."
                raise KnowledgeBaseError(message)
            t, e, o = schema.tasks.c, schema.evaluations.c, schema.origins.c
            by = [select(c.recorded_by, func.count()).group_by(c.recorded_by) for c in (t, e)]
            tasks, runs = (dict(map(tuple, connection.execute(query))) for query in by)
            records = connection.execute(
                select(o.recorded_by, o.recorded_with, o.recorded_at).union(
                    select(t.recorded_by, t.recorded_with, t.recorded_at)
                )
            ).all()
            sources = tuple(
                SourceInfo(
                    source=label,
                    tools=tuple(sorted({r.recorded_with for r in records if r.recorded_by == label})),
                    n_tasks=tasks.get(label, 0),
                    n_evaluations=runs.get(label, 0),
                    first=min(r.recorded_at for r in records if r.recorded_by == label),
                    last=max(r.recorded_at for r in records if r.recorded_by == label),
                )
                for label in sorted({r.recorded_by for r in records})
            )
            size = (
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
                if self.database.is_sqlite
                else "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relname IN "
                "('tasks', 'meta_features', 'configurations', 'origins', 'evaluations') AND c.relkind = 'r' "
                "AND pg_table_is_visible(c.oid)"
            )
            return StoreInfo(
                url=self.database.shown,
                schema_version=schema.SCHEMA_VERSION,
                n_tasks=connection.execute(select(func.count(t.task_id.distinct()))).scalar_one(),
                n_configurations=connection.execute(
                    select(func.count()).select_from(schema.configurations)
                ).scalar_one(),
                n_evaluations=sum(runs.values()),
                n_bytes=int(connection.execute(text(size)).scalar_one()),
                sources=sources,
            )

        if not exists:
            return StoreInfo(
                url=self.database.shown,
                schema_version=schema.SCHEMA_VERSION,
                n_tasks=0,
                n_configurations=0,
                n_evaluations=0,
                n_bytes=0,
                sources=(),
            )
        return self.database.run(work, write=False)

    def problems(self) -> list[str]:
        """Let SQLite check its file; a folder's files, and a server's, are checked where they are read.

        Returns
        -------
        list of str
            What is wrong with the file.
        """
        return self.database.run(_integrity, write=False) if self._exists() else []

    def _exists(self) -> bool:
        """Tell whether anything was ever stored; a store of an older schema is brought forward."""
        if self.database.file is not None and not self.database.file.exists():
            return False
        version = self.database.run(schema.stored_version, write=False)
        if 0 < version < schema.SCHEMA_VERSION:
            try:
                self.database.run(_bring_forward, write=True)
            except KnowledgeBaseError:  # where nothing may be written
                if version < schema.READABLE:
                    raise
        return version > 0

    def _make_folder(self) -> None:
        file = self.database.file
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The folder of {self.database.shown} cannot be made ({error.strerror}). Expected a place that you may write to. Choose another."
            raise KnowledgeBaseError(message) from error


def _integrity(connection: Connection, *, most: int = 20) -> list[str]:
    """Return problems that SQLite finds in its file; none for other databases."""
    if connection.dialect.name != "sqlite":
        return []
    found = connection.execute(text(f"PRAGMA integrity_check({most})")).scalars().all()
    return [str(said) for said in found if said != "ok"]


def _bring_forward(connection: Connection) -> None:
    """Bring the schema forward, and seal what an SQLite file of an older one holds."""
    version = schema.stored_version(connection)
    schema.migrate(connection)
    if connection.dialect.name == "sqlite" and version < schema.SEALED:
        seal(connection)
