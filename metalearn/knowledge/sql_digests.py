"""Hashes of what an SQLite file holds, so that a damaged file is refused instead of read."""

import hashlib
import json
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, delete, insert, select

from metalearn.exceptions import KnowledgeBaseError
from metalearn.knowledge import sql_schema as schema
from metalearn.space import Configuration

__all__ = ["check_ids", "check_records", "digests_of", "keep_digests"]

_MIX = np.uint64(0x9E3779B97F4A7C15)
_PAIR = ["task_id", "recorded_by"]


def digests_of(*tables: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return a hash of the rows of each task and source, whatever their order."""
    total: dict[tuple[str, str], int] = {}
    for number, table in enumerate(tables):
        if not len(table):
            continue
        task, source = (table[name].astype("category").cat for name in _PAIR)
        pairs = task.codes.to_numpy(np.int64) * len(source.categories) + source.codes.to_numpy(np.int64)
        order = np.argsort(pairs, kind="stable")
        starts = np.flatnonzero(np.diff(pairs[order], prepend=-1))
        sums = np.add.reduceat(_rows(table, number)[order], starts)
        for pair, value in zip(pairs[order][starts], sums.tolist(), strict=True):
            key = (
                str(task.categories[pair // len(source.categories)]),
                str(source.categories[pair % len(source.categories)]),
            )
            total[key] = (total.get(key, 0) + value) % 2**64
    return {pair: f"{value:016x}" for pair, value in total.items()}


def _rows(table: pd.DataFrame, start: int) -> npt.NDArray[np.uint64]:
    """Return a hash of each row."""
    found = np.full(len(table), start + 1, dtype=np.uint64)
    for name in table.columns:
        values = table[name]
        if values.dtype.kind in "iuf":
            numbers = values.to_numpy(dtype=float) + 0.0
            numbers[np.isnan(numbers)] = np.nan
            column = numbers.view(np.uint64)
        else:
            texts = values.astype("category").cat
            hashes = [
                int.from_bytes(hashlib.blake2b(str(t).encode(), digest_size=8).digest()) for t in texts.categories
            ]
            column = np.array([*hashes, 0], dtype=np.uint64)[texts.codes.to_numpy()]
        found = (found ^ column) * _MIX
        found ^= found >> np.uint64(29)
        found = found * _MIX
        found ^= found >> np.uint64(32)
    return found


def keep_digests(connection: Connection, found: dict[tuple[str, str], str], tasks: Collection[str] | None) -> None:
    """Replace the hashes of some tasks, or of all."""
    d = schema.digests
    for task in [None] if tasks is None else tasks:
        connection.execute(delete(d) if task is None else delete(d).where(d.c.task_id == task))
    if found:
        rows = [{"task_id": task, "recorded_by": source, "digest": text} for (task, source), text in found.items()]
        connection.execute(insert(d), rows)


def check_records(
    connection: Connection,
    found: dict[tuple[str, str], str],
    *,
    source: str | None = None,
    tasks: Collection[str] | None = None,
) -> None:
    """Refuse records that differ from what was written."""
    d = schema.digests.c
    query = select(d.task_id, d.recorded_by, d.digest)
    query = query if source is None else query.where(d.recorded_by == source)
    query = query if tasks is None else query.where(d.task_id.in_(list(tasks)))
    kept = {(task, by): digest for task, by, digest in connection.execute(query)}
    if kept != found:
        wrong = sorted(pair for pair in kept.keys() | found.keys() if kept.get(pair) != found.get(pair))
        message = (
            f"What {wrong[0][1]!r} recorded about the task {wrong[0][0]!r} was changed, lost or damaged after it was written, and "
            f"{len(wrong) - 1} more. Expected the file as metalearn wrote it. Restore it from a copy, or take these back: "
            "metalearn kb delete --task."
        )
        raise KnowledgeBaseError(message)


def check_ids(configurations: pd.DataFrame, used: Collection[str], origins: pd.DataFrame) -> None:
    """Refuse configurations and origins that are not what their ids, which are hashes, say."""
    wrong = [i for i, model, params in configurations.itertuples(index=False) if _configuration_id(model, params) != i]
    wrong += set(used) - set(configurations["configuration_id"])
    for row in origins[["origin_id", "recorded_by", "recorded_with", "recorded_at", "versions"]].itertuples(
        index=False
    ):
        if origin_id(row[1:]) != row[0]:
            wrong.append(row[0])
    if wrong:
        message = (
            f"The configuration or origin {wrong[0]!r} is not what its id says, or is absent. "
            "Expected the file as metalearn wrote it. Restore it from a copy."
        )
        raise KnowledgeBaseError(message)


def _configuration_id(model: str, params: str) -> str:
    return Configuration(model, json.loads(params)).id


def origin_id(texts: Collection[str]) -> str:
    """Return the id of an origin: a hash of its source, tool, time and versions."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
