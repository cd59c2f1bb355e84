"""Seal what identifies a table with a secret key, so that nobody can find its values by trying."""

import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

__all__ = ["KEY_VARIABLE", "comparable", "seal_table"]

IntArray = npt.NDArray[np.uint64]

KEY_VARIABLE = "METALEARN_FINGERPRINT_KEY"
"""A team that shares a store sets this variable to one secret text, so that a table is one task for all."""

_PART = 16_384

_logger = logging.getLogger(__name__)


def seal_table(columns: Iterable[IntArray], target: IntArray) -> str:
    """Return the fingerprint of a table that only holders of the key can recompute."""
    rows = np.zeros(len(target), dtype=np.uint64)
    n_columns = 0
    for n_columns, column in enumerate(columns, start=1):  # noqa: B007 - counted
        parts = _parts(len(column))
        for part in parts:
            _mix(column[part])
        content = column.sum(dtype=np.uint64, keepdims=True)
        _mix(content)
        for part in parts:
            column[part] += content
            _mix(column[part])
            rows[part] += column[part]
    _mix(rows)
    rows += target
    _mix(rows)
    total = rows.sum(dtype=np.uint64)
    facts = f"{len(target)};{n_columns};{int(total)}"
    key = _key()
    name = hashlib.sha256(b"metalearn fingerprint key " + key).hexdigest()[:6]
    return f"{name}-{hmac.new(key, facts.encode(), hashlib.sha256).hexdigest()[:24]}"


def _parts(n_rows: int) -> list[slice]:
    """Divide rows into parts that fit the processor's cache."""
    return [slice(start, start + _PART) for start in range(0, n_rows, _PART)]


def _mix(values: IntArray) -> None:
    """Scatter the bits of numbers in place (the finaliser of SplitMix64; Steele, Lea and Flood, OOPSLA 2014)."""
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)


def comparable(one: str, other: str) -> bool:
    """Tell whether two fingerprints were made in the same way, so that they differ only if the data does."""
    return bool(one and other) and one.rpartition("-")[0] == other.rpartition("-")[0]


def _key() -> bytes:
    given = os.environ.get(KEY_VARIABLE)
    return given.encode() if given else _own_key(Path(platformdirs.user_data_dir("metalearn")))


@cache
def _own_key(folder: Path) -> bytes:
    """Return the user's key; the first process that asks for it makes it."""
    file = folder / "fingerprint.key"
    try:
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = folder / f".{file.name}.{secrets.token_hex(8)}"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_hex(32), encoding="ascii")
            try:
                os.link(draft, file)  # fails if another process was faster, unlike a rename
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return file.read_bytes()
    except OSError as error:
        _logger.warning(
            "The fingerprint key %s cannot be kept (%s), so that tables are not recognised by the next process. "
            "Set the variable %s to a secret text.",
            file,
            error.strerror,
            KEY_VARIABLE,
        )
        return secrets.token_bytes(32)
