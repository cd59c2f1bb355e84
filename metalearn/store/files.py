"""A folder of Parquet tables with a manifest."""

import hashlib
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from metalearn.evaluation import Evaluation
from metalearn.exceptions import KnowledgeBaseError
from metalearn.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.task import Task

__all__ = ["SCHEMA_VERSION", "FileStore"]

SCHEMA_VERSION = 1
"""Raised when the meaning of a stored column changes; readers migrate what is older and refuse what is newer."""

TABLES = ("tasks", "meta_features", "configurations", "evaluations")
_MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 10_000_000


class FileStore:
    """Keep knowledge in a folder: each append adds small Parquet parts, and a manifest names the valid ones.

    The manifest is replaced in one step after the parts are written, so that a killed process leaves whole records
    only. One process writes at a time; for several, use a database.

    Parameters
    ----------
    path : str or Path
        The folder; it is created by the first append.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        """Return one readable line."""
        return f"FileStore({str(self.path)!r})"

    def read(self) -> KnowledgeBase:
        """Return everything that is stored.

        Returns
        -------
        KnowledgeBase
            In memory; empty if the folder does not exist yet.

        Raises
        ------
        KnowledgeBaseError
            If a file is absent, truncated or changed, or the schema is newer than this version knows.
        """
        manifest = self._manifest()
        tables = {}
        for name in TABLES:
            parts = [self._part(entry) for entry in manifest["tables"][name]]
            if parts:
                tables[name] = pa.concat_tables(parts, promote_options="permissive").to_pandas()
        if not tables.get("tasks", pd.DataFrame()).shape[0]:
            return KnowledgeBase.empty()
        empty = KnowledgeBase.empty()
        knowledge = KnowledgeBase(*(tables.get(name, getattr(empty, name)) for name in TABLES))
        single = all(len(manifest["tables"][name]) <= 1 for name in TABLES)
        return knowledge if single and "evaluations" in tables else knowledge + KnowledgeBase.empty()

    def append(self, task: Task, meta_features: MetaFeatures | None, evaluations: Iterable[Evaluation]) -> None:
        """Add what was learned about one task.

        Parameters
        ----------
        task : Task
            The task.
        meta_features : MetaFeatures or None
            Its meta-features, if they were computed.
        evaluations : iterable of Evaluation
            The results; of repeated ones the last counts.
        """
        found = {task.id: meta_features} if meta_features is not None else {}
        self.write(KnowledgeBase.from_records([task], found, evaluations))

    def write(self, knowledge: KnowledgeBase) -> None:
        """Add everything that a knowledge base knows.

        Parameters
        ----------
        knowledge : KnowledgeBase
            What to add; what is stored already is superseded.
        """
        manifest = self._manifest()
        for name in TABLES:
            table: pd.DataFrame = getattr(knowledge, name)
            if len(table):
                manifest["tables"][name].append(self._write_part(name, table))
        self._write_manifest(manifest)

    def compact(self) -> None:
        """Rewrite the parts of each table as one sorted file, without repeats."""
        knowledge = self.read()
        old = [entry["file"] for name in TABLES for entry in self._manifest()["tables"][name]]
        ordered = KnowledgeBase(
            knowledge.tasks.sort_values("task_id"),
            knowledge.meta_features.sort_values(["task_id", "name"]),
            knowledge.configurations.sort_values(["model", "configuration_id"]),
            knowledge.evaluations.assign(**{k: knowledge.evaluations[k].astype(str) for k in ("task_id", "configuration_id", "metric")})
            .sort_values(["task_id", "configuration_id", "metric", "fold"])
            .astype(dict.fromkeys(("task_id", "configuration_id", "metric"), "category")),
        )
        manifest = self._new_manifest()
        for name in TABLES:
            table: pd.DataFrame = getattr(ordered, name).reset_index(drop=True)
            manifest["tables"][name] = [self._write_part(name, table)]
        self._write_manifest(manifest)
        kept = {entry["file"] for name in TABLES for entry in manifest["tables"][name]}
        for file in old:
            if file not in kept:
                (self.path / file).unlink(missing_ok=True)

    def _new_manifest(self) -> dict[str, Any]:
        return {"schema_version": SCHEMA_VERSION, "tables": {name: [] for name in TABLES}}

    def _manifest(self) -> dict[str, Any]:
        file = self.path / _MANIFEST
        if not file.exists():
            return self._new_manifest()
        if file.stat().st_size > _MAX_MANIFEST_BYTES:
            message = f"{file} is larger than a manifest can be. Expected a list of files. Restore it from a copy."
            raise KnowledgeBaseError(message)
        try:
            manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            version = int(manifest["schema_version"])
            entries = [e for name in TABLES for e in manifest["tables"][name]]
            names = [Path(e["file"]).name == e["file"] for e in entries]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"{file} cannot be read as a manifest ({error!r}). Expected JSON with a schema version and tables. Restore it from a copy."
            raise KnowledgeBaseError(message) from error
        if version > SCHEMA_VERSION:
            message = f"{file} has schema version {version}, but this version of metalearn reads up to {SCHEMA_VERSION}. Upgrade: pip install -U metalearn-recommender."
            raise KnowledgeBaseError(message)
        if not all(names):
            message = f"{file} names files outside its folder. Expected plain file names. Do not use this folder."
            raise KnowledgeBaseError(message)
        return manifest

    def _write_manifest(self, manifest: dict[str, Any]) -> None:
        manifest["written"] = datetime.now(UTC).isoformat(timespec="seconds")
        self.path.mkdir(parents=True, exist_ok=True)
        draft = self.path / f".{_MANIFEST}.{uuid4().hex}"
        draft.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        os.replace(draft, self.path / _MANIFEST)

    def _write_part(self, name: str, table: pd.DataFrame) -> dict[str, Any]:
        self.path.mkdir(parents=True, exist_ok=True)
        draft = self.path / f".{name}.{uuid4().hex}"
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), draft, compression="zstd", compression_level=9)
        digest = hashlib.sha256(draft.read_bytes()).hexdigest()
        file = f"{name}-{digest[:16]}.parquet"
        os.replace(draft, self.path / file)
        return {"file": file, "rows": len(table), "sha256": digest}

    def _part(self, entry: dict[str, Any]) -> pa.Table:
        file = self.path / entry["file"]
        advice = "Restore the folder from a copy, or reinstall metalearn-recommender if it is the bundled one."
        try:
            content = file.read_bytes()
        except OSError as error:
            message = f"{file} cannot be read ({error.strerror}), though the manifest names it. {advice}"
            raise KnowledgeBaseError(message) from error
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            message = f"{file} is not what the manifest says: its content was truncated or changed. {advice}"
            raise KnowledgeBaseError(message)
        try:
            table = pq.read_table(pa.BufferReader(content))
        except (pa.ArrowInvalid, OSError) as error:
            message = f"{file} is not a readable Parquet file ({error}). {advice}"
            raise KnowledgeBaseError(message) from error
        if table.num_rows != entry["rows"]:
            message = f"{file} has {table.num_rows} rows, but the manifest says {entry['rows']}. {advice}"
            raise KnowledgeBaseError(message)
        return table
