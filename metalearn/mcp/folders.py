"""The tables that a client may have read: regular files of moderate size in the folders that were named at start."""

import gzip
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from metalearn.exceptions import InvalidInputError
from metalearn.table.read import SHIPPED, NamedTable, read_frame, read_table

__all__ = ["Folders", "state_of", "without_cells"]

MAX_MEGABYTES = 200
"""Size up to which a table is read, unpacked."""

_MEGABYTE = 2**20
_SHOWN = 200
_COLUMNS_SHOWN = 60
_CELL = 8
_HEADER = 2**16
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class Folders:
    """Read tables inside of some folders, and nothing outside."""

    roots: tuple[Path, ...]
    max_megabytes: int = MAX_MEGABYTES

    @classmethod
    def of(cls, folders: Sequence[str | Path], *, max_megabytes: int = MAX_MEGABYTES) -> "Folders":
        """Return the folders with symbolic links resolved."""
        roots = [Path(folder).resolve() for folder in folders or ["."]]
        for root in roots:
            if not root.is_dir():
                message = f"{str(root)!r} is not a folder. Expected an existing one. Correct --folder."
                raise InvalidInputError(message)
        return cls(tuple(roots), max_megabytes)

    def inside(self, path: str) -> Path:
        """Return the resolved path, relative ones taken from the first folder that has it."""
        try:
            resolved = [(root / path).resolve() for root in self.roots]
            allowed = [found for found in resolved if any(found.is_relative_to(root) for root in self.roots)]
            if allowed:
                return next((found for found in allowed if found.exists()), allowed[0])
        except (OSError, ValueError, RuntimeError):  # too long, a NUL byte, a loop of links
            pass
        message = (
            f"The path {path[:_SHOWN]!r} is outside of the folders that this server reads. Expected a file in "
            f"{[str(root) for root in self.roots]}. Move the file there, or start the server with --folder."
        )
        raise InvalidInputError(message)

    def table(self, path: str) -> str:
        """Return what may be given to ``read_table``."""
        if path in SHIPPED:
            return path
        if path.startswith("openml:"):
            message = f"{path[:_SHOWN]!r} is on the network. Expected a file, since this server uses no network. Download the dataset first."
            raise InvalidInputError(message)
        found = self.inside(path)
        try:
            about = found.stat()
        except OSError:
            message = (
                f"There is no file {path[:_SHOWN]!r}. Expected a table in {[str(root) for root in self.roots]} or one of "
                f"{list(SHIPPED)}. Check the path."
            )
            raise InvalidInputError(message) from None
        if not stat.S_ISREG(about.st_mode):
            message = f"{path[:_SHOWN]!r} is no regular file. Expected a table. Name a file."
            raise InvalidInputError(message)
        size = max(about.st_size, self._unpacked(found))
        if size > self.max_megabytes * _MEGABYTE:
            message = (
                f"{path[:_SHOWN]!r} holds more than {self.max_megabytes} MB. Expected at most that. "
                "Name a file with a sample of its rows, or start the server with a larger --max-megabytes."
            )
            raise InvalidInputError(message)
        return str(found)

    def _unpacked(self, path: Path) -> int:
        """Return the bytes of a packed table, as far as the limit; 0 for others and for what cannot be read."""
        limit = self.max_megabytes * _MEGABYTE
        try:
            if path.suffix.lower() == ".gz":
                with gzip.open(path) as packed:
                    size = 0
                    while size <= limit and (part := packed.read(_MEGABYTE)):
                        size += len(part)
                    return size
            if path.suffix.lower() in {".parquet", ".pq"}:
                from pyarrow.parquet import read_metadata  # noqa: PLC0415 - needed for such files only

                about = read_metadata(path)
                groups = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
                return int(max(groups, about.num_rows * about.num_columns * _CELL))
        except (OSError, ValueError, EOFError):
            pass  # the reader says what is wrong
        return 0

    def read(self, path: str, target: str | None, **reading: Any) -> tuple[NamedTable, str]:
        """Read a table, with the options of ``read_table``."""
        file = self.table(path)
        before = state_of(file)
        if target is None and file not in SHIPPED:
            columns = self.columns(path, **{k: v for k, v in reading.items() if k not in ("drop", "keep")})
            shown = [*list(columns)[:_COLUMNS_SHOWN], *["..."] * (len(columns) > _COLUMNS_SHOWN)]
            message = (
                f"No target was given for {Path(file).name!r}. Expected one of its columns {shown}. Give it as target."
            )
            raise InvalidInputError(message)
        try:
            table = read_table(file, target, **reading)
        except InvalidInputError as error:
            if state_of(file) == before:
                raise InvalidInputError(_hidden(str(error), _may_be_shown(file))) from None
        else:
            if state_of(file) == before:
                return table, file
        message = (
            f"{Path(file).name!r} changed while it was read. Expected a file at rest. Call again when it is written."
        )
        raise InvalidInputError(message)

    def columns(self, path: str, **layout: Any) -> dict[str, str]:
        """Return the type of every column of a table, by name; ``layout`` says how the file is read."""
        file = self.table(path)
        if file in SHIPPED:
            table = read_table(file)
            return {**_types(table.X), "target": str(table.y.dtype)}
        return _types(read_frame(Path(file), **layout))


def without_cells(text: str, table: NamedTable) -> str:
    """Return a message in which quoted values of a table's cells are replaced."""
    columns = [table.X[name] for name in table.X.columns] + [table.y]
    texts = [
        c.dropna().astype(str) for c in columns if not (is_numeric_dtype(c.dtype) or is_datetime64_any_dtype(c.dtype))
    ]
    names = {str(name) for name in [*table.X.columns, table.y.name]}

    def may_be_shown(quoted: str) -> bool:
        start = quoted.removesuffix("...")
        return quoted in names or not any(
            c.str.startswith(start).any() if start != quoted else c.eq(quoted).any() for c in texts
        )

    return _hidden(text, may_be_shown)


def _hidden(text: str, may_be_shown: Callable[[str], bool]) -> str:
    return _QUOTED.sub(lambda found: found[0] if may_be_shown(found[1] or found[2] or "") else "(a value)", text)


def _may_be_shown(file: str) -> Callable[[str], bool]:
    """Return whether something quoted names a file or a column of one that cannot be read."""
    try:
        with Path(file).open("rb") as opened:
            header = opened.readline(_HEADER).decode(errors="replace")
    except OSError:
        header = ""
    return lambda quoted: quoted in file or quoted in header or quoted in str(SHIPPED)


def _types(frame: "object") -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}  # type: ignore[attr-defined]


def state_of(file: str) -> list[int] | None:
    """Return what tells whether a file changed; None for the name of a shipped table."""
    try:
        about = os.stat(file)  # noqa: PTH116 - a name of a shipped table is no path
    except OSError:
        return None
    return [about.st_mtime_ns, about.st_size, about.st_ino]
