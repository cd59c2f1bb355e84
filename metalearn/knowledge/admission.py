"""What enters a store: checked, attributed, and without anything that could be private."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.schema import CONFIGURATIONS, EVALUATIONS, META_FEATURES, PROVENANCE, TASKS, TableSchema
from metalearn.knowledge.tables import categories, check_counts, same_data
from metalearn.space import Configuration
from metalearn.table.fingerprint import comparable
from metalearn.task import ProblemType

__all__ = ["KNOWN_FACTS", "admit", "ids_of", "link_versions", "require_some", "with_own_tasks"]

MAX_TEXT = 1000
"""Characters of an id, a name or a message; longer messages are cut, longer ids refused."""

MAX_PARAMS = 20_000
"""Characters of a configuration's parameters as JSON."""

_KEPT_MESSAGES = re.compile(
    r"|more than [\d.eg+]+ s|the process was killed, probably out of memory|the process ended with code -?\d+"
    r"|the predictions are not finite|crash|other|not_applicable"
)
_EXCEPTION = re.compile(r"\W*([A-Za-z_][\w.]*)\s*(?:\(|:|$)")
_PATH = re.compile(r"(?:^|[\s:'\"=(\[,])(?:~?/(?!/)[^\s/]+/|[A-Za-z]:[\\/]|\\\\\w|~[\\/]|file:)")
_CONSTANT = re.compile(r"[\w.+\-]{0,40}")
_NUMBERS = re.compile(r"[(\[](?:[-+\d.,()\[\] ]|\de[-+]?\d|None|True|False)*[)\]]")
_NAMES_COLUMNS = re.compile(
    r"column|feature_?names|categorical_feature|(?<!max)_features$|^(label|target|group|weight|key)$|_label$"
)


def admit(knowledge: KnowledgeBase, *, source: str, tool: str, keep_names: bool) -> KnowledgeBase:
    """Return knowledge as it may be stored."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    tables = [knowledge.tasks, knowledge.meta_features, knowledge.evaluations]
    schemas = (TASKS, META_FEATURES, EVALUATIONS)
    tasks, meta_features, evaluations = (
        _attributed(_of(table, schema), (source, tool, now)) for table, schema in zip(tables, schemas, strict=True)
    )
    configurations = knowledge.configurations[CONFIGURATIONS.names]
    _check_links(tasks, meta_features, configurations, evaluations)
    tasks = with_own_tasks(tasks, meta_features, evaluations)
    evaluations = _changed(evaluations, "message", lambda text: text[:MAX_TEXT] if keep_names else _private(text))
    for table, schema in zip((tasks, meta_features, evaluations), schemas, strict=True):
        _check_texts(table, schema.texts)
    _check_numbers(tasks, evaluations)
    tasks = tasks.astype(dict.fromkeys(TASKS.counts, "int64"))
    _check_configurations(configurations, keep_names=keep_names)
    if not keep_names:
        tasks = _without_paths(tasks)
    return KnowledgeBase(tasks, meta_features, configurations, evaluations)


def with_own_tasks(tasks: pd.DataFrame, *records: pd.DataFrame) -> pd.DataFrame:
    """Return tasks with a row of every source that recorded something about them, so that each stands on its own."""
    key = ["task_id", "recorded_by"]
    attributed = [t[["task_id", *PROVENANCE]].drop_duplicates(key, keep="last").astype(str) for t in records]
    found = pd.concat(attributed).drop_duplicates(key, keep="last")
    known = set(zip(tasks["task_id"], tasks["recorded_by"], strict=True))
    absent = found[[pair not in known for pair in zip(found["task_id"], found["recorded_by"], strict=True)]]
    if not len(absent):
        return tasks
    facts = tasks.drop_duplicates("task_id", keep="last").drop(columns=PROVENANCE)
    added = absent.merge(facts, on="task_id")[list(tasks.columns)]
    return pd.concat([added, tasks.astype(dict.fromkeys(PROVENANCE, str))], ignore_index=True)


KNOWN_FACTS = ("task_id", "fingerprint", "dataset_id", "family", "predecessor", "problem_type")
"""What is asked of stored tasks before others are added."""


def require_some(source: str | None, task: str | None) -> None:
    """Refuse to delete everything."""
    if source is None and task is None:
        message = "Neither a source nor a task is named. Expected one of them. Delete the store itself if all shall go."
        raise InvalidInputError(message)


def ids_of(tasks: pd.DataFrame, task: str) -> list[str]:
    """List the ids under which the data of a task was recorded."""
    return [task, *(old for old, new in same_data(tasks).items() if new == task)]


def link_versions(knowledge: KnowledgeBase, known: Iterable[tuple[str, ...]]) -> KnowledgeBase:
    """Give a task a new id where its id is taken by another version of its data, or by another problem on it; link versions."""
    stored: dict[str, tuple[str, ...]] = {}
    chains: dict[str, list[str]] = {}
    for task_id, fingerprint, dataset, family, predecessor, kind in known:
        chain = chains.setdefault(dataset, [])  # sources may give one task different dataset ids
        if task_id not in chain:
            chain.append(task_id)
        stored[task_id] = (fingerprint, dataset, family, predecessor, kind)
    changes: dict[str, dict[str, str]] = {}
    columns = (knowledge.tasks[name] for name in ("task_id", "fingerprint", "problem_type"))
    for task_id, fingerprint, kind in zip(*columns, strict=True):
        if task_id not in stored:
            continue
        before, dataset, family, _, its_kind = stored[task_id]
        change = {"dataset_id": dataset, "family": family}
        if comparable(before, fingerprint) and before != fingerprint:  # another version, of whatever kind
            new = f"{task_id}@{fingerprint[-8:]}"
            previous = stored[new][3] if new in stored else chains[dataset][-1]
            changes[task_id] = {"task_id": new, "predecessor": previous, **change}
        elif kind != its_kind:  # another problem on the same data
            changes[task_id] = {"task_id": f"{task_id}:{kind}", **change}
    if not changes:
        return knowledge
    tasks = knowledge.tasks.copy()
    for task_id, change in changes.items():
        tasks.loc[tasks["task_id"] == task_id, list(change)] = list(change.values())

    def rename(text: str) -> str:
        return changes[text]["task_id"] if text in changes else text

    return KnowledgeBase(
        tasks,
        _changed(knowledge.meta_features, "task_id", rename),
        knowledge.configurations,
        _changed(knowledge.evaluations, "task_id", rename),
    )


def _of(table: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    absent = sorted(set(schema.names) - set(table.columns))
    if absent:
        message = f"A table lacks the columns {absent}. Expected {schema.names}. Add them."
        raise InvalidInputError(message)
    return table[[name for name in schema.all_names if name in table]]


def _attributed(table: pd.DataFrame, values: tuple[str, str, str]) -> pd.DataFrame:
    """Say who recorded what, where the table does not say so itself."""
    table = table.copy(deep=False)
    for name, value in zip(PROVENANCE, values, strict=True):
        if name in table:
            table[name] = _mapped(table[name], partial(_or_else, value))
        else:
            table[name] = categories(np.zeros(len(table), np.int8), [value])
    return table


def _or_else(value: str, text: str) -> str:
    return text or value


def _mapped(column: "pd.Series[Any]", change: Callable[[str], str]) -> "pd.Series[Any]":
    """Return a column of categories with a function applied to each different text."""
    as_category = column.astype("category").cat
    codes, texts = as_category.codes.to_numpy(), [*as_category.categories, ""]  # a missing text has the code -1
    new = sorted({change(text) for text in texts})
    place = {text: row for row, text in enumerate(new)}
    places = np.array([place[change(text)] for text in texts])
    return pd.Series(categories(places[codes], new), index=column.index)


def _changed(table: pd.DataFrame, name: str, change: Callable[[str], str]) -> pd.DataFrame:
    return table.assign(**{name: _mapped(table[name], change)}) if len(table) else table


def _different(column: "pd.Series[Any]") -> list[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = np.unique(column.cat.codes)
        return list(column.cat.categories[codes[codes >= 0]])
    return list(column.unique())


def _check_links(
    tasks: pd.DataFrame, meta_features: pd.DataFrame, configurations: pd.DataFrame, evaluations: pd.DataFrame
) -> None:
    for table, name, known in (
        (meta_features, "task_id", tasks),
        (evaluations, "task_id", tasks),
        (evaluations, "configuration_id", configurations),
    ):
        unknown = set(_different(table[name])) - set(known[name])
        if unknown:
            message = (
                f"{len(unknown)} values of {name} are not described, such as {min(map(str, unknown))!r}. "
                "Expected every evaluation's task and configuration beside it. Add them."
            )
            raise InvalidInputError(message)


def _check_texts(table: pd.DataFrame, names: Iterable[str]) -> None:
    for name in names:
        if table[name].isna().any():
            message = f"A value of {name} is missing. Expected text, which may be empty. Fill it in."
            raise InvalidInputError(message)
        for text in _different(table[name]):
            _check_text(name, text, MAX_TEXT)


def _check_text(name: str, text: Any, limit: int) -> None:
    if not isinstance(text, str):
        message = f"A value of {name} is a {type(text).__name__}. Expected text. Convert it."
        raise InvalidInputError(message)
    if len(text) > limit or "\0" in text or not _encodable(text):
        message = (
            f"A value of {name} cannot be stored: {text[:40]!r} ({len(text)} characters). "
            f"Expected at most {limit} characters of valid Unicode without NUL. Shorten or clean it."
        )
        raise InvalidInputError(message)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_numbers(tasks: pd.DataFrame, evaluations: pd.DataFrame) -> None:
    if (tasks["task_id"] == "").any() or (evaluations["metric"] == "").any():
        message = "A task id or a metric is empty. Expected a name. Give each a name."
        raise InvalidInputError(message)
    for name, allowed in (("problem_type", ProblemType), ("status", Status)):
        table = tasks if name in tasks else evaluations
        unknown = set(_different(table[name])) - {str(value) for value in allowed}
        if unknown:
            message = f"Unknown {name} {min(unknown)!r}. Expected one of {[str(v) for v in allowed]}. Correct it."
            raise InvalidInputError(message)
    check_counts(tasks, TASKS.counts)
    check_counts(evaluations, EVALUATIONS.counts)
    for name in ("fit_seconds", "predict_seconds"):
        seconds = evaluations[name].to_numpy(dtype=float)
        if np.isinf(seconds).any():
            message = f"A value of {name} is infinite or too large. Expected seconds below 1e38, or none. Correct it."
            raise InvalidInputError(message)
    value, ok = (
        evaluations["value"].to_numpy(dtype=float),
        (evaluations["status"] == str(Status.OK)).to_numpy(),
    )
    if not np.isfinite(value[ok]).all() or np.isinf(value).any():
        bad = evaluations[(ok & ~np.isfinite(value)) | np.isinf(value)].iloc[0]
        message = (
            f"The {bad['metric']} of task {bad['task_id']!r} is {bad['value']} though the run ended {bad['status']}. "
            "Expected a finite number, or another status. Correct it."
        )
        raise InvalidInputError(message)


def _check_configurations(configurations: pd.DataFrame, *, keep_names: bool) -> None:
    for found, model, params in configurations.itertuples(index=False):
        _check_text("model", model, MAX_TEXT)
        _check_text("params", params, MAX_PARAMS)
        try:
            values = json.loads(params)
        except (ValueError, RecursionError) as error:
            message = (
                f"The parameters of a {model!r} configuration are no JSON ({error}). Expected an object. Correct them."
            )
            raise InvalidInputError(message) from error
        if not isinstance(values, Mapping) or Configuration(model, values).id != found:
            message = (
                f"The configuration {found!r} of {model!r} is not what its id says. "
                "Expected the id that Configuration(model, params) has. Build it anew."
            )
            raise InvalidInputError(message)
        named = [
            name
            for name, value in values.items()
            if isinstance(value, str) and (not _is_constant(value) or (value and _NAMES_COLUMNS.search(name)))
        ]
        if named and not keep_names:
            message = (
                f"The parameter {named[0]!r} of a {model!r} configuration may hold a path or a column name. "
                "Expected numbers and constants only. Leave it out, or open the store with keep_names=True."
            )
            raise InvalidInputError(message)


def _is_constant(text: str) -> bool:
    """Tell whether a text is a short word, or a tuple or list of nothing but numbers, True, False and None."""
    if _CONSTANT.fullmatch(text):
        return True
    try:
        return bool(_NUMBERS.fullmatch(text)) and isinstance(ast.literal_eval(text), tuple | list)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False


def _private(message: str) -> str:
    """Return what of a message tells nothing about the data: our own wording, or the kind of exception."""
    if _KEPT_MESSAGES.fullmatch(message):
        return message
    kind = _EXCEPTION.match(message)
    known = kind and kind[1].rpartition(".")[2].endswith(("Error", "Exception", "Warning", "Interrupt", "Exit"))
    return kind[1][:80] if kind and known else "withheld"


def _without_paths(tasks: pd.DataFrame) -> pd.DataFrame:
    for task_id in tasks["task_id"]:
        if _PATH.search(task_id):
            message = (
                f"The task id {task_id!r} looks like a path. Expected a name that tells nothing about this machine. "
                "Choose another id, or open the store with keep_names=True."
            )
            raise InvalidInputError(message)
    for name in ("dataset_id", "name", "family", "source", "licence", "note"):
        if len(tasks):
            texts = [("withheld" if _PATH.search(text) else text) for text in tasks[name]]
            tasks = tasks.assign(**{name: texts})
    return tasks
