"""Open compressed files, without unpacking more than a machine bears."""

import bz2
import gzip
import lzma
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from metalearn.exceptions import InvalidInputError

__all__ = ["MAX_RATIO", "MAX_UNPACKED", "PACKED", "opened"]

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings of compressed files that can be read."""

MAX_UNPACKED = 500_000_000
"""Bytes to which a file may unpack, unless it is large itself: see :data:`MAX_RATIO`."""

MAX_RATIO = 50
"""How many times its own size a file may unpack to in any case; tables as text rarely exceed 20."""

_CHUNK = 1 << 20


def opened(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacked if its ending says that it is compressed; refuse more than it may hold."""
    ending = path.suffix.lower()
    if ending not in PACKED:
        return path.open("rb")
    limit = max(MAX_UNPACKED, MAX_RATIO * path.stat().st_size)
    found: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=1 << 26)  # noqa: SIM115 - the caller closes it
    try:
        with path.open("rb") as file, _unpacking(path, file, ending) as source:
            while chunk := source.read(_CHUNK):
                found.write(chunk)
                _check_size(found.tell(), limit, path)
    except BaseException:
        found.close()
        raise
    found.seek(0)
    return found


def _check_size(size: int, limit: int, path: Path) -> None:
    if size <= limit:
        return
    message = (
        f"{path.name} has {path.stat().st_size:,} bytes and unpacks to more than {limit:,}. "
        "Expected a table of bearable size. If it is one, unpack it first: plain files are read whatever their size."
    )
    raise InvalidInputError(message)


def _unpacking(path: Path, file: IO[bytes], ending: str) -> Any:
    if ending == ".zst":
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        return pa.CompressedInputStream(file, "zstd")
    if ending == ".zip":
        archive = zipfile.ZipFile(file)
        names = [
            entry.filename for entry in archive.infolist() if not entry.is_dir() and "__MACOSX" not in entry.filename
        ]
        if len(names) != 1:
            message = (
                f"{path.name} holds {len(names)} files: {names[:5]}. Expected one table. Unpack it and name the file."
            )
            raise InvalidInputError(message)
        return archive.open(names[0])
    makers: dict[str, Callable[[IO[bytes]], Any]] = {
        ".gz": lambda packed: gzip.GzipFile(fileobj=packed),
        ".bz2": bz2.BZ2File,
        ".xz": lzma.LZMAFile,
    }
    return makers[ending](file)
