"""Results that other tuners keep: FLAML's logs, MLflow's folders, Optuna's storages."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, MissingExtraError, unknown_name
from metalearn.importers.base import assemble, bounded_file, our_metric, read_lines
from metalearn.knowledge_base import KnowledgeBase
from metalearn.task import METRICS, Task

__all__ = ["from_flaml_log", "from_mlflow", "from_optuna"]

_MAX_RUNS = 100_000
_MAX_SMALL = 1_000_000
_NAME = re.compile(r"[\w.\-/ ]{1,250}")
_MLFLOW_STATUS = {"1": "running", "2": "scheduled", "3": "ok", "4": "failed", "5": "pruned"}


def _plain(values: Mapping[Any, Any]) -> str:
    """Return parameters as JSON; what cannot be stored is left out."""
    kept = {
        str(name): value
        for name, value in values.items()
        if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
    }
    return json.dumps(kept, sort_keys=True)


def from_flaml_log(path: str | Path, task: Task, *, metric: str) -> KnowledgeBase:
    """Read the log file of a FLAML search.

    Parameters
    ----------
    path : str or Path
        What ``log_file_name`` named: one JSON object a line.
    task : Task
        What was searched on.
    metric : str
        What FLAML optimised, such as ``"roc_auc"``; its validation loss is 1 minus a score that is better when larger.

    Returns
    -------
    KnowledgeBase
        One evaluation a trial; trials on a sample of the rows are left out, unless all are.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or holds no trial.
    """
    name, _, _ = our_metric(metric)
    larger = name in METRICS and METRICS[name].greater_is_better
    rows, sizes = [], []
    for number, line in enumerate(read_lines(path)):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if "curr_best_record_id" in record:
                continue
            loss, config = float(record["validation_loss"]), dict(record["config"])
            sizes.append(int(config.pop("FLAML_sample_size", None) or record.get("sample_size") or 0))
            row = (str(record["learner"]), _plain(config), 1 - loss if larger else loss, float(record["trial_time"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            message = (
                f"{path} has a line {number + 1} that is no trial ({error!r}). Expected a log of FLAML. Check the file."
            )
            raise InvalidInputError(message) from error
        rows.append(row)
    if not rows:
        message = f"{path} holds no trial. Expected a log of FLAML. Check the file."
        raise InvalidInputError(message)
    whole = [row for row, size in zip(rows, sizes, strict=True) if size == max(sizes)]
    runs = pd.DataFrame(whole, columns=["model", "params", "value", "fit_seconds"])
    return assemble(runs.assign(task_id=task.id, metric=name), [task], {}, tool="FLAML log")


def from_mlflow(folder: str | Path, task: Task, *, metric: str, model: str = "model") -> KnowledgeBase:
    """Read the runs of an MLflow file store; neither MLflow nor any saved model is loaded.

    Parameters
    ----------
    folder : str or Path
        The store (``mlruns``) or the folder of one experiment.
    task : Task
        What the runs were trained on.
    metric : str
        Name of the MLflow metric, such as ``"val_roc_auc"`` or ``"accuracy"``; a prefix as in ``val_`` is dropped.
    model : str, default="model"
        The parameter or tag that names the family; where a run has none, this text itself is the family.

    Returns
    -------
    KnowledgeBase
        One evaluation a run, with the last value of the metric; runs that failed have failed.

    Raises
    ------
    InvalidInputError
        If there are no runs.
    """
    place = Path(folder)
    name = next((n for n in (metric, metric.partition("_")[2]) if our_metric(n)[0] in METRICS), metric)
    rows = [row for row in (_mlflow_run(run, metric, model) for run in _mlflow_runs(place)) if row is not None]
    if not rows:
        message = f"{place} holds no runs. Expected an MLflow file store with meta.yaml in each run. Check the folder."
        raise InvalidInputError(message)
    runs = pd.DataFrame(rows, columns=["model", "params", "value", "fit_seconds", "status"])
    return assemble(runs.assign(task_id=task.id, metric=name), [task], {}, tool="MLflow file store")


def _mlflow_runs(place: Path) -> list[Path]:
    found = []
    for pattern in ("*/meta.yaml", "*/*/meta.yaml"):
        found += [
            file.parent
            for file in place.glob(pattern)
            if (file.parent / "params").is_dir() or (file.parent / "metrics").is_dir()
        ]
        if len(found) > _MAX_RUNS:
            message = f"{place} holds more than {_MAX_RUNS} runs. Expected fewer. Import one experiment at a time."
            raise InvalidInputError(message)
    return sorted(set(found))


def _mlflow_run(run: Path, metric: str, model: str) -> tuple[str, str, float, float, str] | None:
    facts = dict(line.split(": ", 1) for line in read_lines(run / "meta.yaml", max_bytes=_MAX_SMALL) if ": " in line)
    status = _MLFLOW_STATUS.get(facts.get("status", "").strip("'\" "), "failed")
    if status in {"running", "scheduled"} or facts.get("lifecycle_stage", "active").strip() == "deleted":
        return None
    params: dict[str, Any] = {}
    for file in sorted((run / "params").glob("*")):
        text = "\n".join(read_lines(file, max_bytes=_MAX_SMALL))
        params[file.name] = _parsed(text)
    tag = run / "tags" / model
    family = params.pop(model, None) or ("\n".join(read_lines(tag, max_bytes=_MAX_SMALL)) if tag.is_file() else model)
    value = math.nan
    file = run / "metrics" / metric
    if _NAME.fullmatch(metric) and ".." not in metric and file.is_file():
        history = [line.split() for line in read_lines(bounded_file(file, max_bytes=100 * _MAX_SMALL)) if line.strip()]
        try:
            value = float(history[-1][1])
        except (IndexError, ValueError) as error:
            message = f"{file} holds no values ({error}). Expected lines of time, value and step. Check the file."
            raise InvalidInputError(message) from error
    try:
        seconds = (float(facts["end_time"]) - float(facts["start_time"])) / 1000
    except (KeyError, ValueError):
        seconds = math.nan
    return str(family), _plain(params), value, seconds, status


def _parsed(text: str) -> Any:
    if text in {"True", "False", "None"}:
        return {"True": True, "False": False, "None": None}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def from_optuna(
    storage: Any, task: Task, *, metric: str, study: str | None = None, model: str = "model"
) -> KnowledgeBase:
    """Read the studies of an Optuna storage.

    Parameters
    ----------
    storage : str or optuna.storages.BaseStorage
        A database URL, or a storage.
    task : Task
        What the studies searched on.
    metric : str
        What the objective returned, under our or scikit-learn's name.
    study : str or None, default=None
        One study; default: all.
    model : str, default="model"
        The parameter or user attribute that names the family; where a trial has none, this text itself is the family.

    Returns
    -------
    KnowledgeBase
        One evaluation a finished trial; of several objectives the first.

    Raises
    ------
    MissingExtraError
        If optuna is not installed.
    UnknownNameError
        If there is no such study.
    """
    try:
        import optuna  # noqa: PLC0415 - an optional package
    except ImportError as error:
        message = 'Optuna is not installed. Expected it to read its storages. Install it: pip install "metalearn-recommender[optuna]".'
        raise MissingExtraError(message) from error
    try:
        names = optuna.study.get_all_study_names(storage)
    except Exception as error:
        message = f"The storage cannot be read ({type(error).__name__}: {str(error)[:200]}). Expected one of Optuna's. Check the address."
        raise InvalidInputError(message) from error
    if study is not None and study not in names:
        raise unknown_name("study", study, names)
    rows = [row for name in names if study in (None, name) for row in _optuna_trials(optuna, storage, name, model)]
    runs = pd.DataFrame(rows, columns=["model", "params", "value", "fit_seconds", "status"])
    return assemble(runs.assign(task_id=task.id, metric=metric), [task], {}, tool=f"optuna {optuna.__version__}")


def _optuna_trials(optuna: Any, storage: Any, name: str, model: str) -> Iterator[tuple[str, str, float, float, str]]:
    states = {"COMPLETE": Status.OK, "PRUNED": Status.PRUNED, "FAIL": Status.FAILED}
    for trial in optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False):
        if trial.state.name not in states:
            continue
        params = dict(trial.params)
        family = params.pop(model, None) or trial.user_attrs.get(model, model)
        ok = trial.state.name == "COMPLETE"
        seconds = trial.duration.total_seconds() if trial.duration else math.nan
        yield str(family), _plain(params), trial.values[0] if ok else math.nan, seconds, str(states[trial.state.name])
