"""Runs that MLflow tracked, in folders or in a database."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, NullPool, case, column, create_engine, select, table
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

from metalearn._address import shown as hidden
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.harvest import HarvestOptions, Trial, Trials, knowledge_of
from metalearn.hooks.measure import our_metric
from metalearn.importers.base import USUAL_MODEL, bounded_file, read_lines
from metalearn.knowledge import KnowledgeBase
from metalearn.models.recognition import families_of_parameters, unfolded
from metalearn.space.aliases import family_of
from metalearn.task import METRICS, Metric, Task, get_metric

__all__ = ["from_mlflow"]

_MAX_RUNS = 100_000
_MAX_SMALL = 1_000_000
_NAME = re.compile(r"[\w.\-/ ]{1,250}")
_UNFINISHED = {"1", "2", "RUNNING", "SCHEDULED"}
_STATUS = {
    "3": Status.OK,
    "4": Status.FAILED,
    "5": Status.PRUNED,
    "FINISHED": Status.OK,
    "FAILED": Status.FAILED,
    "KILLED": Status.PRUNED,
}
_ABSENT = "without the metric"
_NOTES = ("params", "tags", "latest_metrics")
_CLASS_TAGS = ("estimator_class", "estimator_name")
"""By these tags autolog tells what was fitted."""


def from_mlflow(tracking: str | Path, task: Task, *, metric: str, model: str = USUAL_MODEL) -> KnowledgeBase:
    """Read the runs that MLflow tracked; neither MLflow nor any saved model is loaded.

    Parameters
    ----------
    tracking : str or Path
        A file store (``mlruns``), the folder of one of its experiments, or the address of a database
        (``sqlite:///mlflow.db``).
    task : Task
        What the runs were trained on.
    metric : str
        Name of the MLflow metric, such as ``"val_roc_auc"`` or ``"accuracy"``; a prefix as in ``val_`` is dropped.
    model : str, default="model"
        The parameter or tag that names the family; where a run has none, this text itself is the family, or, with the default,
        the one that its parameters belong to, if it is one.

    Returns
    -------
    KnowledgeBase
        One evaluation a run, with the last value of the metric; finished runs that did not log it are left out. Runs of one
        configuration count as its folds; a run that failed counts only where no other of its configuration worked. The steps of
        a logged pipeline are unfolded; parameters that are none of the family's are left out and named in the log.

    Raises
    ------
    InvalidInputError
        If there are no runs, no finished run logged the metric, or values cannot be of it.
    """
    url = _address(str(tracking)) if "://" in str(tracking) else None
    if url:
        shown, rows = hidden(url.render_as_string(hide_password=True)), _database(url, metric, model)
    else:
        shown = str(tracking)
        rows = [row for row in (_folder(run, metric, model) for run in _folders(Path(tracking))) if row is not None]
    if not rows:
        message = (
            f"{shown} holds no runs. Expected what MLflow tracked: a folder mlruns or a database. Check the place."
        )
        raise InvalidInputError(message)
    left = [row for row in rows if not row.unfinished]
    if len(left) < len(rows) and not any(row.status is Status.OK for row in left):
        known = _database_metrics(url) if url else _folder_metrics(Path(tracking))
        message = f"No finished run of {shown} logged the metric {metric!r}. Expected one of {sorted(known)[:20]}. Name one of them."
        raise InvalidInputError(message)
    name = next((n for n in (metric, metric.partition("_")[2]) if our_metric(n)[0] in METRICS), metric)
    ours, factor, _ = our_metric(name)
    measured = METRICS.get(ours, Metric(ours, greater_is_better=True))
    if measured.problem_types:
        get_metric(ours, task.problem_type)
    options: HarvestOptions = {"metric": name}
    if any(model in row.params for row in left):
        options["model_parameter"] = model
    elif model != USUAL_MODEL:
        left = [replace(row, model=row.model or family_of(model) or model) for row in left]
    left = [row if row.model or _is_told(row, model) else replace(row, model=USUAL_MODEL) for row in left]
    maximize = measured.greater_is_better == (factor > 0)  # a logged value has the direction of its name
    return knowledge_of(Trials(left, maximize), task, tool="MLflow", options=options, asks="model=")


def _is_told(row: Trial, model: str) -> bool:
    """Tell whether a run's parameters name its family, or belong to one only."""
    return bool(row.params.get(model) or unfolded(row.params)[0] or len(families_of_parameters(row.params)) == 1)


def _run(
    params: Mapping[str, Any], tags: Mapping[str, Any], value: Any, facts: Mapping[str, Any], model: str
) -> Trial | None:
    """Return what is kept of a run, unless it goes on or was deleted."""
    status = str(facts.get("status", "")).strip("'\" ")
    if status in _UNFINISHED or str(facts.get("lifecycle_stage", "active")).strip() == "deleted":
        return None
    said = next((str(tags[tag]) for tag in (model, *_CLASS_TAGS) if tags.get(tag)), "")
    if any(str(tags.get(tag, "")).endswith("SearchCV") for tag in _CLASS_TAGS) and not tags.get(model):
        return None  # its candidates are runs of their own
    family = family_of(said.rpartition(".")[2]) or (said if tags.get(model) else "")
    try:
        seconds = (float(facts["end_time"]) - float(facts["start_time"])) / 1000
    except (KeyError, TypeError, ValueError, OverflowError):
        seconds = None
    ended = _STATUS.get(status, Status.FAILED)
    absent = value is None and ended is Status.OK
    return Trial(
        {name: _parsed(text) for name, text in params.items()},
        float(value) if isinstance(value, int | float) and ended is Status.OK else None,
        ended,
        seconds,
        model=family,
        unfinished=_ABSENT if absent else "",
    )


def _parsed(text: Any) -> Any:
    if text in {"True", "False", "None"}:
        return {"True": True, "False": False, "None": None}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError, OverflowError):
            continue
    return text


def _check_number(runs: Sized) -> None:
    if len(runs) > _MAX_RUNS:
        message = f"There are more than {_MAX_RUNS} runs. Expected fewer. Import one experiment at a time."
        raise InvalidInputError(message)


# folders -------------------------------------------------------------------------------------------------------------


def _folders(place: Path) -> list[Path]:
    found = []
    for pattern in ("*/meta.yaml", "*/*/meta.yaml"):
        found += [
            file.parent
            for file in place.glob(pattern)
            if (file.parent / "params").is_dir() or (file.parent / "metrics").is_dir()
        ]
        _check_number(found)
    return sorted(set(found))


def _folder(run: Path, metric: str, model: str) -> Trial | None:
    facts = dict(line.split(": ", 1) for line in read_lines(run / "meta.yaml", max_bytes=_MAX_SMALL) if ": " in line)
    params, tags = (
        {file.name: "\n".join(read_lines(file, max_bytes=_MAX_SMALL)) for file in sorted((run / kind).glob(names))}
        for kind, names in (("params", "*"), ("tags", "*"))
    )
    tags = {name: text for name, text in tags.items() if name in {model, *_CLASS_TAGS}}
    value = None
    file = run / "metrics" / metric
    if _NAME.fullmatch(metric) and ".." not in metric and file.is_file():
        history = [line.split() for line in read_lines(bounded_file(file, max_bytes=100 * _MAX_SMALL)) if line.strip()]
        try:
            value = float(history[-1][1])
        except (IndexError, ValueError) as error:
            message = f"{file} holds no values ({error}). Expected lines of time, value and step. Check the file."
            raise InvalidInputError(message) from error
    return _run(params, tags, value, facts, model)


def _folder_metrics(place: Path) -> set[str]:
    files = ((run / "metrics", file) for run in _folders(place) for file in (run / "metrics").rglob("*"))
    return {file.relative_to(metrics).as_posix() for metrics, file in files if file.is_file()}


# databases -----------------------------------------------------------------------------------------------------------


def _address(text: str) -> URL:
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError) as error:
        message = "The address of MLflow's database cannot be understood. Expected one such as 'sqlite:///mlflow.db'. Correct it."
        raise InvalidInputError(message) from error
    if url.get_backend_name() == "sqlite":
        bounded_file(url.database or "")  # a file that is not there would be made
    return url


def _database(url: URL, metric: str, model: str) -> list[Trial]:
    facts = ("run_uuid", "status", "lifecycle_stage", "start_time", "end_time")
    runs: Any = select(*map(column, facts)).select_from(table("runs"))
    runs = runs.order_by(column("start_time"), column("run_uuid")).limit(_MAX_RUNS + 1)
    notes: list[Any] = [
        select(column("run_uuid"), column("key"), column("value")).select_from(table(n)) for n in _NOTES
    ]
    notes[1] = notes[1].where(column("key").in_([model, *_CLASS_TAGS]))
    value = case((column("is_nan", Boolean), None), else_=column("value"))
    notes[2] = select(column("run_uuid"), column("key"), value).select_from(table(_NOTES[2]))
    notes[2] = notes[2].where(column("key") == metric)
    with _connected(url) as connection:
        found = [dict(zip(facts, row, strict=True)) for row in connection.execute(runs)]
        _check_number(found)
        noted = [_by_run(connection.execute(query)) for query in notes]
    rows = []
    for run in found:
        params, tags, values = (by_run.get(run["run_uuid"], {}) for by_run in noted)
        logged = math.nan if metric in values and values[metric] is None else values.get(metric)
        rows.append(_run(params, tags, logged, run, model))
    return [row for row in rows if row is not None]


def _database_metrics(url: URL) -> set[str]:
    names: Any = select(column("key")).select_from(table(_NOTES[2])).distinct().limit(_MAX_RUNS)
    with _connected(url) as connection:
        return {str(name) for (name,) in connection.execute(names)}


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    try:
        with create_engine(url, poolclass=NullPool).connect() as connection:
            yield connection
    except (SQLAlchemyError, ImportError, ValueError, TypeError, OverflowError) as error:
        message = (
            f"{hidden(url.render_as_string(hide_password=True))} cannot be read ({type(error).__name__}). "
            "Expected a database of MLflow that answers. Check the address."
        )
        raise InvalidInputError(message) from error


def _by_run(rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run, key, value in rows:
        found.setdefault(run, {})[key] = value
    return found
