"""Move a knowledge base into the tables of a database and out of them, in bulk."""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv
from sqlalchemy import ColumnElement, Connection, Select, Table, Text, cast, column, func, or_, select, table
from sqlalchemy.dialects import postgresql, sqlite

from metalearn.knowledge import sql_schema as schema
from metalearn.knowledge.admission import KNOWN_FACTS, with_own_tasks
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.schema import CONFIGURATIONS, EVALUATIONS, META_FEATURES, PROVENANCE, TASKS
from metalearn.knowledge.sql_connection import driver_cursor, driver_errors
from metalearn.knowledge.sql_digests import check_ids, check_records, digests_of, keep_digests, origin_id
from metalearn.knowledge.tables import categories
from metalearn.metafeatures.renamed import current

__all__ = ["add_rows", "every_task", "known_tasks", "read_rows", "seal"]

_CHUNK = 50_000
_MAX_PARAMETERS = 500
_ORIGIN = [*PROVENANCE, "versions"]
_TEXT = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema(
    [
        (name, pa.int16() if kind.is_count else pa.float64() if kind.is_number else _TEXT)
        for name, kind in schema.EVALUATION_FACTS.items()
    ]
    + [("origin_id", _TEXT)]
)


# writing -------------------------------------------------------------------------------------------------------------


def known_tasks(connection: Connection, knowledge: KnowledgeBase) -> Iterator[tuple[str, ...]]:
    """List the stored tasks whose ids occur in a knowledge base, and the other versions of their data."""
    t, ids = schema.tasks.c, list(knowledge.tasks["task_id"])
    facts = [t[name] for name in KNOWN_FACTS]
    query = select(*facts).order_by(t.recorded_at, t.task_id)
    if len(ids) <= _MAX_PARAMETERS:
        same = schema.tasks.alias().c
        query = query.where(t.dataset_id.in_(select(same.dataset_id).where(same.task_id.in_(ids))))
    yield from (tuple(row) for row in connection.execute(query))


def every_task(connection: Connection) -> pd.DataFrame:
    """Return what tells stored tasks of the same data."""
    t = schema.tasks.c
    names = ["task_id", "fingerprint", "problem_type", "n_rows_used"]
    rows = connection.execute(select(*(t[name] for name in names)).order_by(t.recorded_at, t.task_id)).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=names)


def add_rows(connection: Connection, knowledge: KnowledgeBase) -> None:
    """Insert what a knowledge base knows; where a key is known and something differs, the new row counts."""
    sealed = connection.dialect.name == "sqlite"
    ids = sorted({*knowledge.tasks["task_id"]})
    some = ids if len(ids) <= _MAX_PARAMETERS else None
    if sealed:  # what is damaged must not be sealed again as it is
        check_records(connection, _digests(connection, some), tasks=some)
    origins, evaluations = _with_origins(knowledge.evaluations)
    _add(connection, schema.tasks, knowledge.tasks)
    _add(connection, schema.meta_features, _packed(knowledge.meta_features))
    _add(connection, schema.configurations, knowledge.configurations)
    if _add(connection, schema.evaluations, evaluations):
        _add(connection, schema.origins, origins)
    if sealed:
        keep_digests(connection, _digests(connection, some), some)


def seal(connection: Connection) -> None:
    """Keep hashes of all that an SQLite file holds, which was written before there were any."""
    keep_digests(connection, _digests(connection, None), None)


def _digests(connection: Connection, tasks: Sequence[str] | None) -> dict[tuple[str, str], str]:
    """Return the hashes of what is stored about some tasks, or about all."""
    origins = _frame(connection, _query(schema.origins, None))
    rows = [_frame(connection, _query(t, None, tasks)) for t in (schema.tasks, schema.meta_features)]
    return digests_of(*rows, _evaluations(connection, None, origins, tasks))


def _packed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return meta-features as one row a task and source, values and seconds as JSON objects."""
    found: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = {}
    made: dict[tuple[str, str], tuple[str, str]] = {}
    texts = (_python_values(rows[name]) for name in ("task_id", "recorded_by", "name", "recorded_with", "recorded_at"))
    numbers = (rows[name].tolist() for name in ("value", "seconds"))
    for task, source, name, tool, time, *measured in zip(*texts, *numbers, strict=True):
        for objects, number in zip(found.setdefault((task, source), ({}, {})), measured, strict=True):
            objects[name] = number if isfinite(number) else str(number)
        made[task, source] = tool, time
    packed = [(*key, *map(json.dumps, objects), *made[key]) for key, objects in found.items()]
    return pd.DataFrame(packed, columns=["task_id", "recorded_by", "value", "seconds", "recorded_with", "recorded_at"])


def _with_origins(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the different origins, and the evaluations with the id of theirs."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for name in _ORIGIN:
        codes = codes * len(rows[name].cat.categories) + rows[name].cat.codes.to_numpy()
        codes = np.unique(codes, return_inverse=True)[1]
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    origins = rows[_ORIGIN].iloc[first].astype(str)
    ids = [origin_id(row) for row in origins.itertuples(index=False)]
    return origins.assign(origin_id=ids), rows.assign(origin_id=categories(which, ids))


def _add(connection: Connection, target: Table, rows: pd.DataFrame) -> int:
    """Insert or update rows and return how many changed."""
    if not len(rows):
        return 0
    names = [c.name for c in target.columns]
    rows = rows[names]
    if connection.dialect.name == "sqlite":
        query = str(_or_update(sqlite.insert(target), target).compile(dialect=connection.dialect))
        changed = 0
        for start in range(0, len(rows), _CHUNK):
            chunk = rows.iloc[start : start + _CHUNK]
            values = zip(*(_python_values(chunk[name]) for name in names), strict=True)
            changed += connection.exec_driver_sql(query, list(values)).rowcount
        return changed
    staged = f"new_{target.name}"
    connection.exec_driver_sql(f"CREATE TEMP TABLE {staged} (LIKE {target.name}) ON COMMIT DROP")
    statement = f"COPY {staged} ({', '.join(names)}) FROM STDIN (FORMAT csv)"
    with driver_cursor(connection) as cursor, cursor.copy(statement) as copy:
        copy.write(_as_csv(rows))
    keys = [c.name for c in target.primary_key]
    columns: list[Any] = [column(n) for n in names]
    ordered = select(*columns).select_from(table(staged))
    ordered = ordered.order_by(*(column(k) for k in keys))  # one order for all writers: no deadlocks
    return connection.execute(_or_update(postgresql.insert(target).from_select(names, ordered), target)).rowcount


def _or_update(insert: Any, target: Table) -> Any:
    """Say what happens to known keys: rows that differ are replaced, also in their provenance: the last counts."""
    keys = {c.name for c in target.primary_key}
    rest = [c for c in target.columns if c.name not in keys]
    if target in (schema.configurations, schema.origins):  # named by their content
        return insert.on_conflict_do_nothing()
    new: dict[str, ColumnElement[Any]] = {c.name: insert.excluded[c.name] for c in rest}
    if target is schema.meta_features:
        for name in ("value", "seconds"):
            new[name] = _merged(target.c[name], insert.excluded[name], isinstance(insert, postgresql.Insert))
    differs = or_(*(c.is_distinct_from(new[c.name]) for c in rest))
    return insert.on_conflict_do_update(index_elements=list(target.primary_key), set_=new, where=differs)


def _merged(old: Any, new: Any, postgres: bool) -> ColumnElement[Any]:  # noqa: FBT001
    """Return a JSON object with the entries of two, those of the second if both have one."""
    if postgres:
        return cast(cast(old, postgresql.JSONB).concat(cast(new, postgresql.JSONB)), Text)
    return func.json_patch(old, new)


def _python_values(values: "pd.Series[Any]") -> list[Any]:
    """Return a column as Python objects; not-a-number is None."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        texts = np.asarray(values.cat.categories, dtype=object)
        return list(texts[values.cat.codes.to_numpy()])
    if values.dtype.kind == "f":
        numbers = values.to_numpy(dtype=float)
        return [None if number != number else number for number in numbers.tolist()]  # noqa: PLR0124
    found: list[Any] = values.tolist()
    return found


def _as_csv(rows: pd.DataFrame) -> bytes:
    arrays = []
    for name in rows.columns:
        values = rows[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            arrays.append(pa.array(values.astype(str), pa.string()))
        else:
            arrays.append(pa.array(values, pa.float64() if values.dtype.kind == "f" else None, from_pandas=True))
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.table(arrays, list(rows.columns)), sink, csv.WriteOptions(include_header=False))
    content: bytes = sink.getvalue().to_pybytes()
    return content


# reading -------------------------------------------------------------------------------------------------------------


def read_rows(connection: Connection, source: str | None) -> KnowledgeBase:
    """Return what a database holds; several sources' records of the same thing follow each other, the newest last."""
    tasks = _frame(connection, _query(schema.tasks, None))
    packed, origins = (_frame(connection, _query(t, source)) for t in (schema.meta_features, schema.origins))
    meta_features = _unpacked(packed)
    evaluations = _evaluations(connection, source, origins)
    configurations = _frame(connection, select(*(schema.configurations.c[n] for n in CONFIGURATIONS.names)))
    if connection.dialect.name == "sqlite" and schema.stored_version(connection) >= schema.SEALED:
        own = tasks if source is None else tasks[tasks["recorded_by"] == source]
        check_records(connection, digests_of(own, packed, evaluations), source=source)
        check_ids(configurations, evaluations["configuration_id"].unique(), origins)
    if source is not None:
        tasks = with_own_tasks(tasks, meta_features, evaluations)
        tasks = tasks[tasks["recorded_by"] == source].reset_index(drop=True)
        used = evaluations["configuration_id"].unique()
        configurations = configurations[configurations["configuration_id"].isin(used)].reset_index(drop=True)
    return KnowledgeBase(tasks[TASKS.all_names], meta_features, configurations, evaluations)


def _query(target: Table, source: str | None, tasks: Sequence[str] | None = None) -> Select[Any]:
    query = select(target).order_by(target.c.recorded_at, *target.primary_key)
    query = query if tasks is None else query.where(target.c.task_id.in_(tasks))
    return query if source is None else query.where(target.c.recorded_by == source)


def _frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    result = connection.execute(query)
    names = list(result.keys())
    rows = result.all()
    kinds = {n: "int64" if n in TASKS.counts else str for n in names}
    return pd.DataFrame([tuple(row) for row in rows], columns=names).astype(kinds)


def _unpacked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return meta-features as one row a task and name."""
    values, seconds = ([current(json.loads(packed)) for packed in rows[name]] for name in ("value", "seconds"))
    counts = [len(v) for v in values]
    every = [
        (name, v, s.get(name, np.nan)) for found, s in zip(values, seconds, strict=True) for name, v in found.items()
    ]
    flat = pd.DataFrame(
        {
            "name": pd.Series([name for name, _, _ in every], dtype=str),
            "value": np.array([float(value) for _, value, _ in every], dtype=float),
            "seconds": np.array([float(second) for _, _, second in every], dtype=float),
        }
    )
    for name in ("task_id", *PROVENANCE):
        flat[name] = rows[name].astype("category").repeat(counts).reset_index(drop=True)
    return flat[META_FEATURES.all_names]


def _evaluations(
    connection: Connection, source: str | None, origins: pd.DataFrame, tasks: Sequence[str] | None = None
) -> pd.DataFrame:
    e = schema.evaluations.c
    query = select(*(e[name] for name in _SCHEMA.names))
    query = query if source is None else query.where(e.recorded_by == source)
    query = query if tasks is None else query.where(e.task_id.in_(tasks))
    chunks = (_fetched if connection.dialect.name == "sqlite" else _copied)(connection, query)
    found: pd.DataFrame = pa.concat_tables([_SCHEMA.empty_table(), *chunks]).unify_dictionaries().to_pandas()
    known = pd.Index(origins["origin_id"])
    if not known.is_unique:
        message = "origins repeat their ids"
        raise ValueError(message)
    place = known.get_indexer(found["origin_id"].cat.categories)
    if (place < 0).any():
        message = "evaluations name origins that are not there"
        raise ValueError(message)
    rows = place[found["origin_id"].cat.codes.to_numpy()]
    for name in _ORIGIN:
        values = origins[name].astype("category").array.take(rows)
        found[name] = values
    if len(set(origins["recorded_by"])) > 1:
        found = found.iloc[np.argsort(found["recorded_at"].cat.codes.to_numpy(), kind="stable")]
    return found[EVALUATIONS.all_names].reset_index(drop=True)


def _fetched(connection: Connection, query: Select[Any]) -> Iterator[pa.Table]:
    cursor: Any = connection.execute(query).cursor
    with driver_errors(connection), _without_garbage_collection():
        while rows := cursor.fetchmany(_CHUNK):
            columns = zip(_SCHEMA, zip(*rows, strict=True), strict=True)
            yield pa.table([_array(values, field.type) for field, values in columns], _SCHEMA)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return Python's values as an array; texts are encoded here, not one by one."""
    return pa.array(values, pa.string()).dictionary_encode() if kind == _TEXT else pa.array(values, kind)


def _copied(connection: Connection, query: Select[Any]) -> Iterator[pa.Table]:
    """Read by COPY, whose CSV is parsed at once, without a Python object for every value."""
    compiled = query.compile(dialect=connection.dialect)
    options = {
        "read_options": csv.ReadOptions(column_names=_SCHEMA.names, use_threads=False),
        "parse_options": csv.ParseOptions(newlines_in_values=True),
        "convert_options": csv.ConvertOptions(column_types=_SCHEMA, null_values=[""], quoted_strings_can_be_null=False),
    }
    statement = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
    with driver_cursor(connection) as cursor, cursor.copy(statement, compiled.params or None) as copy:
        rows = (bytes(row) for row in copy)
        while some := list(islice(rows, _CHUNK)):
            yield csv.read_csv(pa.BufferReader(b"".join(some)), **options)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Millions of rows are no garbage, and looking for it among them takes as long as reading them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
