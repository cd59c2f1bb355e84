"""Plain tables with one row a result, in CSV or Parquet."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from metalearn._parquet import read_bounded
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, unknown_name
from metalearn.importers.base import MAX_BYTES, MAX_COLUMNS, MAX_LINE, MAX_ROWS, assemble, bounded_file, numbers
from metalearn.knowledge import KnowledgeBase
from metalearn.knowledge.schema import TASKS
from metalearn.metafeatures import MetaFeatures
from metalearn.table.delimited import decimal_commas, separator_of
from metalearn.table.packed import opened
from metalearn.task import ProblemType, Task

__all__ = ["AbsentColumnsError", "from_table", "read_long_table", "row_params"]

_ROLES = (
    "task",
    "model",
    "metric",
    "value",
    "params",
    "fold",
    "fit_seconds",
    "predict_seconds",
    "status",
    "message",
    "versions",
)
_STATUS_WORDS = {
    Status.OK: ("", "finished", "completed", "complete", "done", "succeeded", "success", "successful"),
    Status.FAILED: ("fail", "failure", "error", "crash", "crashed", "other", "not_applicable"),
    Status.TIMEOUT: ("timed out", "time out", "timed_out"),
    Status.MEMORY: ("memout", "oom", "out of memory"),
    Status.PRUNED: ("killed", "stopped", "cancelled", "canceled"),
}
_GIVEN = {"metric": "metric='accuracy'", "problem_type": "problem_type='binary'"}
_FACTS = (
    "problem_type",
    "name",
    "family",
    "fingerprint",
    "n_rows",
    "n_features",
    "n_classes",
    "source",
    "licence",
    "note",
)


class AbsentColumnsError(InvalidInputError):
    """Report the needed columns that a table lacks, and those that it has."""

    def __init__(self, absent: Sequence[str], present: Sequence[str]) -> None:
        self.absent, self.present = tuple(absent), tuple(present)
        ways = [_GIVEN.get(name, f"columns={{{name!r}: 'its name'}}") for name in absent]
        super().__init__(
            f"The table lacks {list(absent)}; its columns are {list(present)[:20]}. Expected one for each. "
            f"Give {', '.join(ways)}."
        )


def from_table(
    table: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    metric: str | None = None,
    problem_type: ProblemType | str | None = None,
    param_prefix: str = "param_",
    meta_feature_prefix: str = "meta_",
) -> KnowledgeBase:
    """Read a table with one row a task, model, metric and fold.

    Parameters
    ----------
    table : str, Path or DataFrame
        A CSV or Parquet file, or a table in memory.
    columns : mapping of str to str or None, default=None
        The table's name of each column that is called otherwise here. Needed are ``task``, ``model`` and ``value``,
        and ``metric`` and ``problem_type`` unless they are given below. Also read are ``params`` (a JSON object),
        ``fold``, ``fit_seconds``, ``predict_seconds``, ``status``, ``message``, ``versions``, and the facts of a
        task: ``name``, ``family``, ``fingerprint``, ``n_rows``, ``n_features``, ``n_classes``, ``source``,
        ``licence``, ``note``.
    metric : str or None, default=None
        What all values measure.
    problem_type : ProblemType, str or None, default=None
        The kind of problem of all tasks.
    param_prefix : str, optional
        Columns that begin with it are parameters; empty cells are left out.
    meta_feature_prefix : str, optional
        Columns that begin with it are meta-features of the task.

    Returns
    -------
    KnowledgeBase
        Runs without a finite value, or with one outside the metric's range, have failed; a warning in the log counts and
        names the latter. Without a column ``fold``, or where a configuration has several rows of one fold, its rows on one
        task count as its folds, and one that failed only where no other worked.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, a needed column is absent, a row names no task, or a value cannot be used.
    UnknownNameError
        If ``columns`` names something that is not read.

    Examples
    --------
    >>> table = pd.DataFrame({"data": ["iris", "iris"], "clf": ["SVC", "knn"], "acc": [0.95, 0.93]})
    >>> from_table(table, columns={"task": "data", "model": "clf", "value": "acc"}, metric="accuracy",
    ...            problem_type="multiclass")
    KnowledgeBase(1 tasks, 2 configurations, 2 evaluations)
    """
    frame, tool = (
        (read_long_table(Path(table)), f"table {Path(table).suffix}")
        if isinstance(table, str | Path)
        else (table, "table")
    )
    frame = frame.reset_index(drop=True).rename(columns=str)
    own = list(frame.columns)
    frame = frame.rename(columns={theirs: ours for ours, theirs in _checked(columns or {}, frame).items()})
    if metric is not None:
        frame = frame.assign(metric=metric)
    if problem_type is not None:
        frame = frame.assign(problem_type=str(problem_type))
    _check_names(frame, own)
    texts = [
        name
        for name in ("task", "model", "metric", "problem_type", *_ROLES[-3:], *_FACTS[1:4], *_FACTS[7:])
        if name in frame
    ]
    frame = frame.assign(**{name: frame[name].map(_text) for name in texts})
    nameless = frame["task"].str.strip() == ""
    if nameless.any():
        message = (
            f"{int(nameless.sum())} of {len(frame)} rows name no task, the first in row {int(np.flatnonzero(nameless)[0])}. "
            "Expected a name in each. Fill them in or remove the rows."
        )
        raise InvalidInputError(message)
    frame["task"] = "table:" + frame["task"]
    runs = pd.DataFrame({"task_id": frame["task"], "model": frame["model"], "params": row_params(frame, param_prefix)})
    runs = runs.assign(metric=frame["metric"], value=numbers(frame["value"], "value"))
    for name in ("fit_seconds", "predict_seconds"):
        if name in frame:
            runs[name] = numbers(frame[name], name)
    if "fold" in frame:
        runs["fold"] = _whole(frame["fold"], "fold", 32_000)
    for name in ("message", "versions"):
        if name in frame:
            runs[name] = frame[name]
    if "status" in frame:
        told = {text: _status(text) for text in frame["status"].unique()}
        runs["status"] = frame["status"].map(told)
    return assemble(runs, _tasks(frame), _meta_features(frame, meta_feature_prefix), tool=tool)


def _checked(columns: Mapping[str, str], frame: pd.DataFrame) -> Mapping[str, str]:
    known = {*_ROLES, *_FACTS}
    for ours, theirs in columns.items():
        if ours not in known:
            raise unknown_name("column", ours, known)
        if theirs not in frame:
            message = (
                f"No column {theirs!r} can be taken as {ours!r}: the table has {list(frame.columns)[:20]}. "
                "Expected one of them. Correct the name."
            )
            raise InvalidInputError(message)
    return columns


def _check_names(frame: pd.DataFrame, own: Sequence[str]) -> None:
    absent = [name for name in ("task", "model", "metric", "value", "problem_type") if name not in frame]
    if absent:
        raise AbsentColumnsError(absent, own)
    if not frame.columns.is_unique or frame.shape[1] > MAX_COLUMNS:
        repeated = sorted(set(frame.columns[frame.columns.duplicated()]))
        message = (
            f"The table has {frame.shape[1]} columns, and {repeated[:20]} more than once. Expected different names, at most "
            f"{MAX_COLUMNS}. Rename or remove columns."
        )
        raise InvalidInputError(message)


def _text(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    text = value if isinstance(value, str) else str(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = f"A text cannot be read ({error}). Expected valid Unicode. Clean it."
            raise InvalidInputError(message) from error
    return text


def _status(text: str) -> str:
    plain = text.strip().lower()
    for status, words in _STATUS_WORDS.items():
        if plain in {status, *words}:
            return str(status)
    message = f"Unknown status {text[:40]!r}. Expected one of {[str(s) for s in Status]}. Rename it, or leave it empty where all went well."
    raise InvalidInputError(message)


def _whole(values: "pd.Series[Any]", what: str, largest: int) -> "pd.Series[int]":
    found = numbers(values, what).fillna(0)
    if not ((found >= 0) & (found <= largest) & (found == found.round())).all():
        message = f"A value of {what} is no whole number from 0 to {largest}. Expected one. Correct it."
        raise InvalidInputError(message)
    return found.astype("int64")


def row_params(frame: pd.DataFrame, prefix: str) -> list[str]:
    """Return the parameters of each row as JSON; texts that are numbers, true or false become such."""
    given = frame["params"].map(_text).replace("", "{}").tolist() if "params" in frame else ["{}"] * len(frame)
    names = [str(name) for name in frame if prefix and str(name).startswith(prefix)]
    if not names:
        return given
    rows = [dict[str, Any]() for _ in given]
    for name in names:
        for row, value in zip(rows, frame[name].tolist(), strict=True):
            if _text(value) != "":
                row[name.removeprefix(prefix)] = _parsed(value)
    try:
        return [json.dumps({**json.loads(text), **row}, sort_keys=True) for text, row in zip(given, rows, strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        message = f"Parameters cannot be read ({error}). Expected a JSON object and plain values. Correct them."
        raise InvalidInputError(message) from error


def _parsed(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, str):
        return value if isinstance(value, bool | int | float) else str(value)
    text = value.strip()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _tasks(frame: pd.DataFrame) -> list[Task]:
    first = frame.drop_duplicates("task")
    facts = {name: first[name] for name in _FACTS if name in first}
    for name in ("n_rows", "n_features", "n_classes"):
        if name in facts:
            facts[name] = _whole(first[name], name, TASKS.counts[name])
    unknown = set(first["problem_type"]) - set(ProblemType)
    if unknown:
        message = f"Unknown problem type {min(unknown)!r}. Expected one of {[str(p) for p in ProblemType]}. Correct it."
        raise InvalidInputError(message)
    if "n_classes" in facts or "binary" in set(first["problem_type"]):
        known = facts.get("n_classes", pd.Series(0, index=range(len(first))))
        is_binary = (first["problem_type"] == str(ProblemType.BINARY)).to_numpy()
        facts["n_classes"] = known.mask((known == 0) & is_binary, 2)
    rows = zip(first["task"], *(column.tolist() for column in facts.values()), strict=True)
    return [Task(id=task_id, **dict(zip(facts, values, strict=True))) for task_id, *values in rows]


def _meta_features(frame: pd.DataFrame, prefix: str) -> dict[str, MetaFeatures]:
    names = [str(name) for name in frame if prefix and str(name).startswith(prefix)]
    first = frame.drop_duplicates("task")
    values = pd.DataFrame({name: numbers(first[name], name) for name in names})
    names = [name.removeprefix(prefix) for name in names]
    rows = zip(first["task"], values.to_numpy(dtype=float), strict=True) if names else ()
    return {task_id: MetaFeatures(dict(zip(names, row, strict=True))) for task_id, row in rows}


def read_long_table(path: Path) -> pd.DataFrame:
    """Read a file of results, within bounds."""
    file = bounded_file(path, max_bytes=MAX_BYTES)
    if file.suffix.lower() in {".parquet", ".pq"}:
        return _read_parquet(file)
    try:
        with opened(file) as stream:
            head = stream.readline(MAX_LINE + 1)
        separator = separator_of(head.decode("utf-8", "replace"))
        _check_width(file, head, separator)
        with opened(file) as stream:
            found = pd.read_csv(stream, sep=separator, dtype=str, keep_default_na=False, nrows=MAX_ROWS + 1)
        return found if separator == "," else found.assign(**decimal_commas(found.replace("", np.nan)))
    except InvalidInputError:
        raise
    except Exception as error:  # readers of damaged files raise anything
        message = (
            f"{file} cannot be read as CSV ({str(error).strip()[:200]}). Expected a header and rows. Check the file."
        )
        raise InvalidInputError(message) from error


def _check_width(file: Path, head: bytes, separator: str) -> None:
    if len(head) > MAX_LINE or head.count(separator.encode()) > MAX_COLUMNS:
        message = f"{file} has a first line of {len(head)} bytes or more. Expected at most {MAX_COLUMNS} columns. Check the file."
        raise InvalidInputError(message)


def _read_parquet(file: Path) -> pd.DataFrame:
    try:
        table = read_bounded(file, max_bytes=MAX_BYTES, max_rows=MAX_ROWS, max_columns=MAX_COLUMNS)
        found: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        few = found.select_dtypes("category").columns
        found[few] = found[few].astype(object)
    except (pa.ArrowException, OSError, ValueError) as error:
        message = (
            f"{file} cannot be read as Parquet ({str(error)[:200]}). Expected a table of bearable size. Check the file."
        )
        raise InvalidInputError(message) from error
    return found
