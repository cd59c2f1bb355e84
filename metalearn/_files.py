"""Write files in one step: what stood there stays until the new file is whole."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from metalearn.exceptions import NotWrittenError

__all__ = ["replacing", "write_bytes", "write_text"]


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a draft beside a file; it replaces the file when the block ends, and is removed where the block fails."""
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_file() or target.is_dir()):
        yield target
        return
    if target.is_dir():
        raise NotWrittenError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    draft = target.with_name(f".{uuid4().hex}{target.suffix}")
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        with suppress(OSError):
            draft.chmod(target.stat().st_mode & 0o777)
        draft.replace(target)
    except OSError as error:
        raise NotWrittenError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file in one step."""
    with replacing(path) as draft:
        draft.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Write a text in UTF-8 in one step, with the line ends of the system."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
