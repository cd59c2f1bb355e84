"""A folder of Parquet tables with a manifest."""

import hashlib
import json
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metalearn._files import write_bytes
from metalearn._parquet import read_bounded
from metalearn.exceptions import InvalidInputError, KnowledgeBaseError
from metalearn.knowledge.admission import KNOWN_FACTS, admit, ids_of, link_versions, require_some, with_own_tasks
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.schema import EVALUATIONS, PROVENANCE, SCHEMA, TableSchema
from metalearn.knowledge.store import SourceInfo, StoreInfo, StoreMethods
from metalearn.knowledge.tables import same_data, under_current_names

__all__ = ["SCHEMA_VERSION", "FileStore"]

SCHEMA_VERSION = 2
"""Raised when the meaning of a stored column changes; readers migrate what is older and refuse what is newer."""

_MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 10_000_000
_ADVICE = "Restore the folder from a copy, or reinstall metalearn-recommender if it is the bundled one."
_CATEGORY = pa.dictionary(pa.int32(), pa.string())
_OWN_FILE = re.compile(rf"({'|'.join(SCHEMA)})-[0-9a-f]{{16}}\.parquet|\.(?:[\w.-]+\.)?[0-9a-f]{{32}}(?:\.\w+)?")
_PART_FILE = re.compile(rf"({'|'.join(SCHEMA)})-[\w-]+\.parquet", re.ASCII)
_ABANDONED_SECONDS = 3600
_MAX_PARTS = 256
_MAX_COLUMNS = 64
_MAX_ROWS = 100_000_000
_MAX_PART_BYTES = 4_000_000_000


def _attribute(name: str, table: pa.Table) -> pa.Table:
    """Version 2 says who recorded what, and which version of the data came before."""
    empty = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), len(table)), [""])
    for column in (c.name for c in SCHEMA[name].columns if c.since == 2):  # noqa: PLR2004 - version 2
        if column not in table.column_names:
            table = table.append_column(column, empty)
        elif table[column].null_count:  # some parts of a compacted table had it, others not
            place = table.column_names.index(column)
            table = table.set_column(place, column, table[column].cast(pa.string()).fill_null(""))
    return table


_MIGRATIONS: dict[int, Callable[[str, pa.Table], pa.Table]] = {1: _attribute}
"""What turns a table of one schema version into the next."""


class FileStore(StoreMethods):
    """Keep knowledge in a folder: each append adds small Parquet parts, and a manifest names the valid ones.

    The manifest is replaced in one step after the parts are written, so that a killed process leaves whole records
    only. Writers wait for each other; for many of them a database is faster.

    Parameters
    ----------
    path : str or Path
        The folder; it is created by the first append.
    source : str, default="local"
        Who adds records: a free label.
    tool : str or None, default=None
        What makes them; default: metalearn with its version.
    keep_names : bool, default=False
        Whether messages and paths are kept word for word.

    Raises
    ------
    InvalidInputError
        If the path is that of a file.
    """

    def __init__(
        self, path: str | Path, *, source: str = "local", tool: str | None = None, keep_names: bool = False
    ) -> None:
        super().__init__(source, tool, keep_names=keep_names)
        self.path = Path(path)
        if self.path.is_file():
            message = f"{str(path)!r} is a file. Expected a folder, or 'sqlite:///file.db' for a database. Correct the address."
            raise InvalidInputError(message)

    def __repr__(self) -> str:
        """Return one readable line."""
        return f"FileStore({str(self.path)!r})"

    def read(self, *, source: str | None = None) -> KnowledgeBase:
        tables, manifest = self._tables()
        layers = {name: table["recorded_by"].nunique() for name, table in tables.items() if "recorded_by" in table}
        if source is not None:
            tables["tasks"] = with_own_tasks(tables["tasks"], tables["meta_features"], tables["evaluations"])
            tables = {n: t[t["recorded_by"] == source] if n in layers else t for n, t in tables.items()}
        one = max(map(len, manifest["tables"].values())) <= 1 and max(layers.values()) <= 1
        if not one:
            tables = {name: _oldest_first(name, table) for name, table in tables.items()}
        knowledge = KnowledgeBase(*(tables[name].reset_index(drop=True) for name in SCHEMA))
        if source is not None:
            used = tables["configurations"]["configuration_id"].isin(tables["evaluations"]["configuration_id"])
            knowledge = replace(knowledge, configurations=tables["configurations"][used].reset_index(drop=True))
        as_read = one and len(knowledge) and not same_data(knowledge.tasks)
        return knowledge if as_read else knowledge.normalised()

    def write(self, knowledge: KnowledgeBase, *, source: str | None = None, tool: str | None = None) -> None:
        admitted = admit(
            knowledge.normalised(),
            source=source or self.source,
            tool=tool or self.tool,
            keep_names=self.keep_names,
        )
        with self._writing():
            manifest = self._manifest()
            old = _files(manifest)
            stored = _oldest_first("tasks", self._stored(manifest, "tasks"))
            facts = stored[list(KNOWN_FACTS)]
            admitted = link_versions(admitted, facts.itertuples(index=False, name=None))
            for name in SCHEMA:
                table: pd.DataFrame = getattr(admitted, name)
                if len(table):
                    self._add(manifest["tables"][name], name, table)
            if max(len(entries) for entries in manifest["tables"].values()) > _MAX_PARTS:
                self._compact(manifest)
            else:
                self._write_manifest(manifest)
            for file in old - _files(manifest):
                (self.path / file).unlink(missing_ok=True)

    def delete(self, *, source: str | None = None, task: str | None = None) -> int:
        require_some(source, task)
        with self._writing():
            manifest = self._manifest()
            tables = {name: self._stored(manifest, name) for name in SCHEMA}
            ids = None if task is None else ids_of(tables["tasks"], task)
            gone = tables["evaluations"]
            for name in ("tasks", "meta_features", "evaluations"):
                table = tables[name]
                goes = (
                    np.ones(len(table), dtype=bool) if source is None else (table["recorded_by"] == source).to_numpy()
                )
                goes = goes if ids is None else goes & table["task_id"].isin(ids).to_numpy()
                tables[name], gone = table[~goes], table[goes]
            used = tables["configurations"]["configuration_id"].isin(tables["evaluations"]["configuration_id"])
            tables["configurations"] = tables["configurations"][used]
            self._rewrite(manifest, tables)
        return len(gone.drop_duplicates(EVALUATIONS.key))

    def info(self) -> StoreInfo:
        tables, manifest = self._tables()
        tasks, evaluations = tables["tasks"], tables["evaluations"]
        evaluations = evaluations.drop_duplicates([*EVALUATIONS.key, "recorded_by"], keep="last")
        sources = []
        labels = {str(label) for t in tables.values() if "recorded_by" in t for label in t["recorded_by"].unique()}
        for label in sorted(labels):
            own = evaluations[evaluations["recorded_by"] == label]
            records = pd.concat(
                [
                    t.loc[t["recorded_by"] == label, PROVENANCE].astype(str)
                    for t in (tasks, tables["meta_features"], own)
                ]
            )
            sources.append(
                SourceInfo(
                    source=label,
                    tools=tuple(sorted(records["recorded_with"].unique())),
                    n_tasks=int(tasks.loc[tasks["recorded_by"] == label, "task_id"].nunique()),
                    n_evaluations=len(own),
                    first=records["recorded_at"].min(),
                    last=records["recorded_at"].max(),
                )
            )
        files = [entry["file"] for entries in manifest["tables"].values() for entry in entries]
        return StoreInfo(
            url=str(self.path),
            schema_version=manifest["schema_version"],
            n_tasks=int(tasks["task_id"].nunique()),
            n_configurations=int(tables["configurations"]["configuration_id"].nunique()),
            n_evaluations=len(evaluations),
            n_bytes=sum(_size(self.path / file) for file in files),
            sources=tuple(sources),
        )

    def compact(self) -> None:
        """Rewrite the parts of each table as one sorted file, without repeats.

        Raises
        ------
        KnowledgeBaseError
            If the folder cannot be read or written.
        """
        with self._writing():
            manifest = self._manifest()
            self._compact(manifest)
            self._remove_abandoned(manifest)

    def _compact(self, manifest: dict[str, Any]) -> None:
        self._rewrite(manifest, {name: self._stored(manifest, name) for name in SCHEMA})

    def _remove_abandoned(self, manifest: dict[str, Any]) -> None:
        """Remove what writers left that were killed before they could enter it in the manifest."""
        named = _files(manifest)
        for file in self.path.iterdir():
            abandoned = _OWN_FILE.fullmatch(file.name) and file.name not in named
            if abandoned and file.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                file.unlink(missing_ok=True)

    def _rewrite(self, manifest: dict[str, Any], tables: dict[str, pd.DataFrame]) -> None:
        """Replace the parts of each table by one; of records of the same source and key the last stays."""
        old = [entry["file"] for entries in manifest["tables"].values() for entry in entries]
        for name, schema in SCHEMA.items():
            table = tables[name].drop_duplicates(_own_key(schema), keep="last")
            key = schema.key if schema.provenance else ["model", *schema.key]
            order = {column: table[column].astype(str) for column in key if column != "fold"}
            keys = pd.DataFrame({**{c: table[c] for c in key}, **order}).reset_index(drop=True)
            table = table.iloc[keys.sort_values(key, kind="stable").index]
            entries: list[dict[str, Any]] = []
            if len(table):
                self._add(entries, name, table.reset_index(drop=True))
            manifest["tables"][name] = entries
        kept = [entry["file"] for entries in manifest["tables"].values() for entry in entries]
        if kept == old:
            return  # files are named after their content
        self._write_manifest(manifest)
        for file in set(old) - set(kept):
            (self.path / file).unlink(missing_ok=True)

    def _stored(self, manifest: dict[str, Any], name: str) -> pd.DataFrame:
        """Return every row of a table, oldest part first."""
        parts = [self._part(name, entry) for entry in manifest["tables"][name]]
        if not parts:
            empty: pd.DataFrame = getattr(KnowledgeBase.empty(), name)
            return empty
        try:
            found: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas(ignore_metadata=True)
        except pa.ArrowException as error:
            message = f"The parts of {name} in {self.path} do not fit together ({error}). {_ADVICE}"
            raise KnowledgeBaseError(message) from error
        return under_current_names(found) if name == "meta_features" else found

    def _tables(self) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
        """Return every row of every table, and the manifest; begin again if a writer replaced them meanwhile."""
        while True:
            manifest = self._manifest()
            try:
                tables = {name: self._stored(manifest, name) for name in SCHEMA}
            except KnowledgeBaseError:
                if self._manifest() == manifest:
                    raise
            else:
                return tables, manifest

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let one process write at a time, and say clearly why one cannot."""
        from filelock import FileLock  # noqa: PLC0415 - readers do without

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / ".lock"):
                yield
        except OSError as error:
            message = (
                f"The folder {self.path} cannot be written ({error.strerror}). Nothing was changed. "
                "Expected a folder with free space that you may write to. Check both."
            )
            raise KnowledgeBaseError(message) from error

    def _new_manifest(self) -> dict[str, Any]:
        return {"schema_version": SCHEMA_VERSION, "tables": {name: [] for name in SCHEMA}}

    def _manifest(self) -> dict[str, Any]:
        file = self.path / _MANIFEST
        try:
            text = _content(file, _MAX_MANIFEST_BYTES).decode()
        except FileNotFoundError:
            return self._new_manifest()
        except (OSError, UnicodeDecodeError) as error:
            message = f"{file} cannot be read ({error}). Expected a readable manifest. {_ADVICE}"
            raise KnowledgeBaseError(message) from error
        try:
            manifest: dict[str, Any] = json.loads(text)
            version = int(manifest["schema_version"])
            entries = [entry for name in SCHEMA for entry in manifest["tables"][name]]
            plain = all(
                _PART_FILE.fullmatch(e["file"])
                and isinstance(e["rows"], int)
                and isinstance(e["sha256"], str)
                and e.get("schema_version", 1) in range(1, SCHEMA_VERSION + 1)
                for e in entries
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            message = f"{file} cannot be read as a manifest ({error!r}). Expected JSON with a schema version and tables. {_ADVICE}"
            raise KnowledgeBaseError(message) from error
        if version > SCHEMA_VERSION:
            message = (
                f"{file} has schema version {version}, but this version of metalearn reads up to {SCHEMA_VERSION}. "
                "Expected an older one. Upgrade: pip install -U metalearn-recommender."
            )
            raise KnowledgeBaseError(message)
        if not plain or version < 1:
            message = f"{file} names files that are none of a knowledge base. Expected those of its tables. Do not use this folder."
            raise KnowledgeBaseError(message)
        return manifest

    def _write_manifest(self, manifest: dict[str, Any]) -> None:
        manifest["schema_version"] = SCHEMA_VERSION
        manifest["written"] = datetime.now(UTC).isoformat(timespec="seconds")
        write_bytes(self.path / _MANIFEST, json.dumps(manifest, indent=1).encode())

    def _add(self, entries: list[dict[str, Any]], name: str, table: pd.DataFrame) -> None:
        """Write a part and enter it as the newest, in place of one that says the same as of another time."""
        hashed = pd.util.hash_pandas_object(table.drop(columns="recorded_at", errors="ignore"), index=False)
        same = hashlib.sha256(hashed.sort_values().to_numpy().tobytes()).hexdigest()
        entries[:] = [entry for entry in entries if entry.get("content") != same]
        buffer = pa.BufferOutputStream()
        arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(arrow, buffer, compression="zstd", compression_level=9)
        content = buffer.getvalue().to_pybytes()
        digest = hashlib.sha256(content).hexdigest()
        file = f"{name}-{digest[:16]}.parquet"
        write_bytes(self.path / file, content)
        entries.append(
            {
                "file": file,
                "rows": len(table),
                "sha256": digest,
                "content": same,
                "schema_version": SCHEMA_VERSION,
            }
        )

    def _part(self, name: str, entry: dict[str, Any]) -> pa.Table:
        file = self.path / entry["file"]
        try:
            content = _content(file, _MAX_PART_BYTES)
        except OSError as error:
            message = (
                f"{file} cannot be read ({error.strerror}), though the manifest names it. Expected the file. {_ADVICE}"
            )
            raise KnowledgeBaseError(message) from error
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            message = f"{file} is not what the manifest says: its content was truncated or changed. Expected it as written. {_ADVICE}"
            raise KnowledgeBaseError(message)
        try:
            source = pa.BufferReader(content)
            table = read_bounded(source, max_bytes=_MAX_PART_BYTES, max_rows=_MAX_ROWS, max_columns=_MAX_COLUMNS)
        except (pa.ArrowException, OSError, ValueError) as error:
            message = f"{file} is not a readable Parquet file ({error}). Expected one that metalearn wrote. {_ADVICE}"
            raise KnowledgeBaseError(message) from error
        if table.num_rows != entry["rows"]:
            message = f"{file} has {table.num_rows} rows, but the manifest says {entry['rows']}. Expected both alike. {_ADVICE}"
            raise KnowledgeBaseError(message)
        version = entry.get("schema_version", 1)
        for step in range(version if isinstance(version, int) else 1, SCHEMA_VERSION):
            table = _MIGRATIONS[step](name, table)
        return _typed(table, name, file)


def _own_key(schema: TableSchema) -> list[str]:
    return [*schema.key, *PROVENANCE[:1]] if schema.provenance else schema.key


def _oldest_first(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return what each source said last, in the order in which it was recorded."""
    if not SCHEMA[name].provenance:
        return table
    table = table.drop_duplicates(_own_key(SCHEMA[name]), keep="last")
    times = table["recorded_at"].astype("category").cat
    rank = np.argsort(np.argsort(times.categories))
    return table.iloc[np.argsort(rank[times.codes], kind="stable")]


def _files(manifest: dict[str, Any]) -> set[str]:
    return {entry["file"] for entries in manifest["tables"].values() for entry in entries}


def _content(file: Path, limit: int) -> bytes:
    """Return what a file holds; a device or a pipe, which may never end, is refused."""
    facts = file.stat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > limit:
        message = f"{file} is no file of a knowledge base, which is a regular one of at most {limit} bytes. {_ADVICE}"
        raise KnowledgeBaseError(message)
    return file.read_bytes()


def _size(file: Path) -> int:
    """Return the size of a part; one that was compacted away meanwhile has none."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _typed(table: pa.Table, name: str, file: Path) -> pa.Table:
    """Return the columns that belong to a table, once each is text or a number as it should be."""
    columns = {}
    for declared in SCHEMA[name].columns:
        column = declared.name
        found = table.schema.get_all_field_indices(column)
        kind = table.schema.field(found[0]).type if len(found) == 1 else pa.null()
        value = kind.value_type if pa.types.is_dictionary(kind) else kind
        number = pa.types.is_integer(value) or (pa.types.is_floating(value) and not declared.is_count)
        text = pa.types.is_string(value) or pa.types.is_large_string(value)
        fits = number if declared.is_number else text and not table.column(found[0]).null_count
        if not (fits or (len(found) == 1 and not len(table))):
            message = (
                f"{file} holds no usable column {column!r} (its type: {kind}). "
                f"Expected {'numbers' if declared.is_number else 'text'} throughout. {_ADVICE}"
            )
            raise KnowledgeBaseError(message)
        values = table.column(found[0])
        if pa.types.is_uint64(value):  # older versions let counts in beyond all bounds: kept readable, told by validate
            values = pc.min_element_wise(values.cast(value), pa.scalar(2**63 - 1, value)).cast(pa.int64())
            kind = value = pa.int64()
        if declared.is_number:
            wanted = value if number else pa.float64()
        elif declared.memory == "category":  # codes keep their width, which is a byte for most columns
            wanted = kind if text and kind != value else _CATEGORY
        else:
            wanted = pa.string()
        columns[column] = values if kind == wanted else values.cast(wanted)
    return pa.table(columns)
