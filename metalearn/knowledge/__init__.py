"""Results on past tasks: the schema of their tables, the knowledge base in memory, and the stores that keep it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from metalearn.exceptions import InvalidInputError
from metalearn.knowledge.file_store import FileStore
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.store import SourceInfo, Store, StoreInfo

if TYPE_CHECKING:
    from metalearn.knowledge.sql_store import SqlStore

__all__ = ["BUNDLED", "FileStore", "KnowledgeBase", "SourceInfo", "SqlStore", "Store", "StoreInfo", "open_store"]

BUNDLED = "bundled"
"""What the knowledge base that is shipped is called where a store could be named."""

_DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_FILE_PREFIX = re.compile(r"^file:(//(localhost(?=/))?)?", re.IGNORECASE)
_MIN_SCHEME = 2


def __getattr__(name: str) -> Any:
    """Import the database store when it is first used: SQLAlchemy takes a quarter of a second."""
    if name == "SqlStore":
        from metalearn.knowledge.sql_store import SqlStore  # noqa: PLC0415

        return SqlStore
    message = f"module 'metalearn.knowledge' has no attribute {name!r}"
    raise AttributeError(message)


def open_store(url: str | Path, *, source: str = "local", tool: str | None = None, keep_names: bool = False) -> Store:
    """Open a store by its address; nothing is written before the first append.

    Parameters
    ----------
    url : str or Path
        A folder of Parquet files; ``sqlite:///file.db`` or a path that ends in ``.db``, ``.sqlite`` or ``.sqlite3``;
        or ``postgresql://user@host/database``.
    source : str, default="local"
        Who adds records: a free label, by which they can be deleted again.
    tool : str or None, default=None
        What makes them; default: metalearn with its version.
    keep_names : bool, default=False
        Whether messages and paths are kept word for word; else no text that may hold a cell value, a label, a column
        name or a path is stored.

    Returns
    -------
    Store
        Ready to read and append.

    Raises
    ------
    InvalidInputError
        If there is no store for such an address, or it is the name of the knowledge base that is shipped.
    MissingExtraError
        If the driver of the database is not installed.

    Examples
    --------
    >>> open_store("team/knowledge")
    FileStore('team/knowledge')
    >>> open_store("sqlite:///team.db")
    SqlStore('sqlite:///team.db')
    """
    if not isinstance(url, str | Path):
        message = f"{url!r} is no address of a store. Expected a folder, 'sqlite:///file.db' or 'postgresql://user@host/database'. Name one."
        raise InvalidInputError(message)
    text = str(url)
    if not text or text.startswith(":memory:"):
        message = f"{text!r} names no place. Expected a folder, 'sqlite:///file.db' or 'postgresql://user@host/database'. Name one."
        raise InvalidInputError(message)
    if url == BUNDLED:
        message = (
            f"{BUNDLED!r} is the knowledge base that is shipped, which is not written to. Expected a store of your own. "
            f"Name another folder, or ./{BUNDLED} if you mean that one."
        )
        raise InvalidInputError(message)
    scheme = text.partition(":")[0].lower() if ":" in text else ""
    if isinstance(url, Path) or len(scheme) < _MIN_SCHEME:  # a drive letter is no scheme
        if text.lower().endswith(_DATABASE_SUFFIXES):
            scheme, text = "sqlite", f"sqlite:///{text}"
        else:
            return FileStore(Path(text).expanduser(), source=source, tool=tool, keep_names=keep_names)
    if scheme == "file":
        path = Path(unquote(_FILE_PREFIX.sub("", text))).expanduser()
        return FileStore(path, source=source, tool=tool, keep_names=keep_names)
    if scheme.partition("+")[0] in {"sqlite", "postgresql", "postgres"}:
        return __getattr__("SqlStore")(text, source=source, tool=tool, keep_names=keep_names)  # type: ignore[no-any-return]
    message = (
        f"There is no store for {scheme!r} addresses. Expected a folder, 'sqlite:///file.db' or "
        "'postgresql://user@host/database'. Correct the address."
    )
    raise InvalidInputError(message)
