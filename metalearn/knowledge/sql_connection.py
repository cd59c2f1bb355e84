"""Connections to a database: opened with care, tried again within bounds, and clear about what went wrong."""

import os
import random
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from metalearn._address import shown
from metalearn._installation import install_command
from metalearn.exceptions import InvalidInputError, KnowledgeBaseError, MetalearnError, MissingExtraError

__all__ = ["Database", "driver_cursor", "driver_errors"]

T = TypeVar("T")

_BUSY_SECONDS = 30
_TRIES = 6
_FIRST_DELAY = 0.1
_CLOCK_NS = 20_000_000
"""Changes nearer than this may have one time in a file system."""

_DAMAGE = (
    SQLAlchemyError,
    ValueError,
    TypeError,
    OverflowError,
    LookupError,
    AttributeError,
    RecursionError,
    MetalearnError,
)
"""Errors that a damaged or half-written file leads to."""

_TRANSIENT = {"40001", "40P01", "57P01", "57P02", "57P03", "53300"}
"""PostgreSQL's codes for lost races, deadlocks, a server that restarts, and too many connections."""


class Database:
    """Run work in transactions of one database."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url.replace("postgres://", "postgresql://", 1))
        except (ArgumentError, ValueError) as error:
            message = "The database address cannot be understood. Expected 'sqlite:///file.db' or 'postgresql://user@host/database'. Correct it."
            raise InvalidInputError(message) from error
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite" and str(parsed.database or "").startswith("~"):
            parsed = parsed.set(database=str(Path(str(parsed.database)).expanduser()))
        self.url: URL = parsed
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and (not parsed.database or parsed.database == ":memory:" or parsed.query):
            message = (
                f"The address {self.shown!r} names no file. Expected 'sqlite:///file.db'. Add a path, without options."
            )
            raise InvalidInputError(message)
        self._engine: Engine | None = None
        self._process = 0

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the address only: connections belong to a process."""
        return {**self.__dict__, "_engine": None}

    @property
    def shown(self) -> str:
        """The address without password and driver."""
        plain = self.url.set(drivername=self.url.get_backend_name())
        return shown(plain.render_as_string(hide_password=True))

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        return Path(str(self.url.database)) if self.is_sqlite else None

    def run(self, work: Callable[[Connection], T], *, write: bool) -> T:
        """Run work in one transaction, again if the database was busy or the connection dropped."""
        for attempt in range(1, _TRIES + 1):
            before = self._seen()
            cause: Exception | None = None
            try:
                with self._connect(write=write) as connection, connection.begin():
                    found = work(connection)
            except DBAPIError as error:
                if before == self._seen() and (attempt == _TRIES or not _is_transient(error)):
                    raise self._explained(error, attempt) from error
                cause = error
            except _DAMAGE as error:
                if before == self._seen():
                    if isinstance(error, MetalearnError):
                        raise
                    message = (
                        f"The database {self.shown} gave an unexpected answer ({error}). "
                        "Expected a metalearn store as it was written. Check the address, or restore it from a copy."
                    )
                    raise KnowledgeBaseError(message) from error
                cause = error
            else:
                if before is None or before[2] or before == self._seen():  # with a log there are locks
                    return found
            if attempt < _TRIES:
                time.sleep(_FIRST_DELAY * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        message = (
            f"The database {self.shown} was changed by another process in each of {_TRIES} tries to read it from where "
            "nothing may be written. Expected a moment of rest. Try later, or read it where its log may be written."
        )
        raise KnowledgeBaseError(message) from cause

    def _seen(self) -> tuple[int, int, bool] | None:
        """Return what tells that a file changed while it was read without locks; None where there are locks."""
        if self.file is None or not self.file.exists() or os.access(self.file.absolute().parent, os.W_OK):
            return None
        facts = self.file.stat()
        if 0 <= time.time_ns() - facts.st_mtime_ns < _CLOCK_NS:  # another change could have the same time
            time.sleep(_CLOCK_NS / 1e9)
            facts = self.file.stat()
        return facts.st_mtime_ns, facts.st_size, _log_of(self.file).exists()

    def _connect(self, *, write: bool) -> Connection:
        process = os.getpid()
        if self._engine is None or self._process != process:
            if self._engine is not None:
                self._engine.dispose(close=False)  # a child must neither use nor close its parent's connections
            self._engine, self._process = self._new_engine(), process
            weakref.finalize(self, _dispose, self._engine, process).atexit = False
        options: dict[str, Any] = {"writes": write}
        if not (write or self.is_sqlite):  # whoever reads sees all tables as they were at one moment, as in SQLite
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return self._engine.connect().execution_options(**options)

    def _new_engine(self) -> Engine:
        try:
            if self.is_sqlite:
                engine = create_engine(self.url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})
                event.listen(engine, "do_connect", _only_look)
                event.listen(engine, "connect", _prepare_sqlite)
                event.listen(engine, "begin", _begin_sqlite)
                return engine
            arguments = {} if "connect_timeout" in self.url.query else {"connect_timeout": 10}
            return create_engine(self.url, pool_pre_ping=True, pool_size=2, connect_args=arguments)
        except (ImportError, NoSuchModuleError) as error:
            message = (
                f"The driver of {self.shown} is not installed ({error}). Expected psycopg 3. "
                f"Install it: {install_command('postgresql')}."
            )
            raise MissingExtraError(message) from error

    def _explained(self, error: DBAPIError, attempts: int) -> KnowledgeBaseError:
        said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else repr(error.orig)
        text = said.lower()
        for words, expected in (
            (
                ("locked", "busy"),
                "Expected other processes to finish within half a minute. End them or try later",
            ),
            (("is full", "no space"), "Nothing was changed. Expected free space. Make some and run it again"),
            (
                ("readonly", "read-only", "permission denied", "unable to open"),
                "Expected a file, folder or table that you may write to. Check its permissions",
            ),
            (
                ("not a database", "malformed", "corrupt"),
                "Expected a metalearn store. Restore it from a copy",
            ),
            (
                (
                    "connect",
                    "closed",
                    "terminat",
                    "refused",
                    "timeout",
                    "password",
                    "does not exist",
                    "resolve",
                ),
                f"Expected a server that answers ({attempts} tries). Check address, network and credentials",
            ),
        ):
            if any(word in text for word in words):
                return KnowledgeBaseError(f"The database {self.shown} cannot be used: {said}. {expected}.")
        return KnowledgeBaseError(
            f"The database {self.shown} refused: {said}. Expected a metalearn store. Check the address."
        )


@contextmanager
def driver_cursor(connection: Connection) -> Iterator[Any]:
    """Open a cursor of the driver, for what SQLAlchemy does not offer, such as COPY."""
    with driver_errors(connection), closing(connection.connection.cursor()) as cursor:
        yield cursor


@contextmanager
def driver_errors(connection: Connection) -> Iterator[None]:
    """Raise errors of the driver as SQLAlchemy itself does."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.Error as error:
        lost = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(None, None, error, driver.Error, connection_invalidated=lost) from error


def _dispose(engine: Engine, process: int) -> None:
    engine.dispose(close=process == os.getpid())


def _is_transient(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlstate", None)
    text = str(error.orig).lower()
    unreachable = code is None and ("connection" in text or "server" in text) and "authentication" not in text
    return error.connection_invalidated or code in _TRANSIENT or "locked" in text or unreachable


def _log_of(file: Path) -> Path:
    """Return the log that is there while somebody writes."""
    return file.with_name(f"{file.name}-wal")


def _only_look(_: Any, __: Any, arguments: list[Any], options: dict[str, Any]) -> None:
    """Open a file in a place where nothing may be written as one that does not change; else SQLite wants its log there."""
    file = Path(arguments[0]).absolute()
    if file.exists() and not _log_of(file).exists() and not os.access(file.parent, os.W_OK):
        arguments[0] = f"{file.as_uri()}?mode=ro&immutable=1"
        options["uri"] = True


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "trusted_schema=OFF"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # a writer takes the lock at once: two that read first and write later could not both go on
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
