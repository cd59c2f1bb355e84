"""Find the tables that shall be evaluated, and tell at once which of them cannot be."""

import glob
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from metalearn.builder import Limits, Table
from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.exceptions import MetalearnError, unknown_name
from metalearn.table.delimited import separator_of
from metalearn.table.read import SUFFIXES, has_own_target, read_frame, read_table
from metalearn.task import ProblemType, Task

__all__ = ["usable_tables"]

_LONGEST_HEADER = 1_000_000


def _sources(given: Iterable[str | Path]) -> list[str]:
    """Return every table that files, folders, patterns and names stand for, once; files by their absolute path."""
    found: list[str] = []
    for one in given:
        text, path = str(one), Path(one)
        if has_own_target(text):
            found.append(text)
        elif path.is_dir():
            inside = sorted(file for file in path.iterdir() if _holds_a_table(file))
            found += [str(file.resolve()) for file in inside] or [text]
        elif not path.exists() and glob.has_magic(text):
            found += sorted(str(Path(file).resolve()) for file in glob.glob(text, recursive=True)) or [text]  # noqa: PTH207
        else:
            found.append(str(path.resolve()) if path.exists() else text)
    return list(dict.fromkeys(found))


def _holds_a_table(file: Path) -> bool:
    """Tell whether a file of a folder is meant; notes beside the tables are not, as their first line has no columns."""
    if not file.name.lower().endswith(SUFFIXES) or file.suffix.lower() != ".txt":
        return file.name.lower().endswith(SUFFIXES)
    with file.open(encoding="utf-8", errors="replace") as opened:
        return separator_of(opened.readline(_LONGEST_HEADER).strip(), usual="\n") != "\n"


def _read_source(source: str, targets: Sequence[str]) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """Return columns and target: the first of the named ones that the table has."""
    if has_own_target(source):
        table = read_table(source)
        return table.X, table.y
    if len(targets) > 1 and Path(source).exists():
        columns = [str(name) for name in read_frame(Path(source)).columns]
        known = [target for target in targets if target in columns]
        if not known:
            raise unknown_name("target", " or ".join(targets), columns)
        targets = known
    table = read_table(source, targets[0] if targets else None)
    return table.X, table.y


def usable_tables(
    given: Iterable[str | Path], targets: Sequence[str], problem_type: ProblemType | str | None, limits: Limits
) -> tuple[list[Table], dict[str, str], dict[str, tuple[str, ...]]]:
    """Read every table once and check it."""
    usable: dict[str, Table] = {}
    notes: dict[str, tuple[str, ...]] = {}
    skipped: dict[str, str] = {}
    sources = _sources(given)
    names = [source if has_own_target(source) else Path(source).name for source in sources]
    for source, name in zip(sources, names, strict=True):
        unique = name if names.count(name) == 1 else f"{Path(source).parent.name}/{name}"
        try:
            data = Dataset.from_data(*_read_source(source, targets), problem_type=problem_type)
        except MetalearnError as error:
            skipped[unique] = str(error)
            continue
        task = _task(unique, data, limits)
        if task.id in usable:
            skipped[unique] = f"It holds the same data as {usable[task.id].task.name}."
        else:
            usable[task.id] = Table(task, partial(_read_source, source, targets))
            if found := tuple(one.message for one in check_data(data) if one.severity == "warning"):
                notes[unique] = found
    return list(usable.values()), skipped, notes


def _task(name: str, data: Dataset, limits: Limits) -> Task:
    """Return the task of a table, known by its data; a part of a table is a task of its own."""
    used = min(data.n_rows, limits.max_rows)
    whole = f"data:{data.fingerprint}"
    return Task(
        id=whole if used == data.n_rows else f"{whole}:{used}",
        problem_type=data.problem_type,
        dataset_id=whole,
        name=name,
        fingerprint=data.fingerprint,
        n_rows=data.n_rows,
        n_features=data.n_features,
        n_classes=data.n_classes,
        n_rows_used=used,
    )
