"""Keep fitted recommenders in files of plain arrays: nothing is pickled, so a file from anywhere is safe to load."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
import numpy.typing as npt

from metalearn._files import replacing
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType

__all__ = ["Arrays", "as_bytes", "from_bytes", "pack", "read_arrays", "unpack", "within", "write_arrays"]

Arrays = dict[str, npt.NDArray[Any]]

T = TypeVar("T")

_PLAIN = "plain"


def pack(value: Any) -> Arrays:
    """Flatten a dataclass of arrays, dataclasses and plain values."""
    arrays: Arrays = {}
    plain: dict[str, Any] = {}
    for field in fields(value):
        found = getattr(value, field.name)
        if isinstance(found, np.ndarray):
            arrays[field.name] = found
        elif is_dataclass(found) and not isinstance(found, Metric):
            arrays |= {f"{field.name}.{name}": array for name, array in pack(found).items()}
        else:
            plain[field.name] = found
    arrays[_PLAIN] = as_bytes(plain)
    return arrays


def unpack(kind: type[T], arrays: Arrays) -> T:
    """Rebuild the dataclass that :func:`pack` flattened."""
    plain = from_bytes(arrays[_PLAIN])
    values: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if name in arrays:
            values[name] = arrays[name]
        elif name in plain:
            values[name] = _RESTORE.get(hint, _as_tuple)(plain[name])
        else:
            values[name] = unpack(hint, within(arrays, name))
    return kind(**values)


def within(arrays: Arrays, name: str) -> Arrays:
    """Return the arrays under a dotted name."""
    start = f"{name}."
    return {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}


def write_arrays(path: str | Path, arrays: Arrays) -> None:
    """Write arrays to a file."""
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_arrays(path: str | Path) -> Arrays:
    """Read the arrays of a file."""
    with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def as_bytes(plain: Any) -> npt.NDArray[np.uint8]:
    """Write plain values as a JSON text of bytes."""
    return np.frombuffer(json.dumps(plain, default=_as_plain).encode(), dtype=np.uint8)


def from_bytes(text: npt.NDArray[np.uint8]) -> Any:
    """Read plain values from a JSON text of bytes."""
    return json.loads(text.tobytes())


def _as_plain(value: Any) -> Any:
    if isinstance(value, Configuration):
        return value.to_dict()
    return [value.name, value.greater_is_better, value.optimum, list(value.problem_types)]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_metric(value: Any) -> Metric:
    name, greater_is_better, optimum, kinds = value
    return Metric(name, greater_is_better, optimum, tuple(ProblemType(kind) for kind in kinds))


_RESTORE: dict[Any, Any] = {
    Metric: _as_metric,
    ProblemType: ProblemType,
    tuple[Configuration, ...]: lambda found: tuple(Configuration.from_dict(c) for c in found),
}
