"""Results that other tuners keep: FLAML's logs and Optuna's storages."""

import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from metalearn._address import without_passwords
from metalearn._installation import install_command
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, MissingExtraError, unknown_name
from metalearn.importers.base import (
    USUAL_MODEL,
    assemble,
    bounded_file,
    our_metric,
    plain_params,
    printable,
    read_lines,
)
from metalearn.knowledge_base import KnowledgeBase
from metalearn.models.recognition import families_of_parameters
from metalearn.task import METRICS, Task, scorer_of

__all__ = ["SEEDED_FAMILY", "from_flaml_log", "from_optuna"]

SEEDED_FAMILY = "metalearn_model"
"""The attribute by which seeded trials of Optuna tell their family."""


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
        One evaluation a trial, trials of one configuration as its folds; trials on a sample of the rows are left out, unless all are.

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
            row = (
                printable(str(record["learner"])),
                plain_params(config),
                1 - loss if larger else loss,
                float(record["trial_time"]),
            )
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


def from_optuna(
    storage: Any, task: Task, *, metric: str, study: str | None = None, model: str = USUAL_MODEL
) -> KnowledgeBase:
    """Read the studies of an Optuna storage.

    Parameters
    ----------
    storage : str, Path or optuna.storages.BaseStorage
        A database URL, the file of a journal, or a storage.
    task : Task
        What the studies searched on.
    metric : str
        What the objective returned, under our or scikit-learn's name. Where a study's direction is not the metric's, its values
        are turned: a minimised accuracy is taken as negated if any is negative, else as 1 minus the accuracy.
    study : str or None, default=None
        One study; default: all.
    model : str, default="model"
        The parameter or user attribute that names the family; where a trial has none, this text itself is the family, or,
        with the default, the family that its parameters belong to.

    Returns
    -------
    KnowledgeBase
        One evaluation a finished trial; of several objectives the first. Trials of one configuration count as its folds; one
        that failed counts only where no other of its configuration worked.

    Raises
    ------
    MissingExtraError
        If optuna is not installed.
    InvalidInputError
        If the storage cannot be read or holds no trial, a study maximised a loss that is positive, or it is not known of
        which family a trial is.
    UnknownNameError
        If there is no such study.
    """
    try:
        import optuna  # noqa: PLC0415 - an optional package
    except ImportError as error:
        message = f"Optuna is not installed. Expected it to read its storages. Install it: {install_command('optuna')}."
        raise MissingExtraError(message) from error
    try:
        if isinstance(storage, str | Path) and "://" not in str(storage):
            journal = optuna.storages.journal.JournalFileBackend(str(bounded_file(storage)))
            storage = optuna.storages.JournalStorage(journal)
        names = optuna.study.get_all_study_names(storage)
    except InvalidInputError:
        raise
    except Exception as error:
        message = f"The storage cannot be read ({type(error).__name__}: {without_passwords(error)[:200]}). Expected one of Optuna's. Check the address."
        raise InvalidInputError(message) from error
    if study is not None and study not in names:
        raise unknown_name("study", study, names)
    rows = [
        row for name in names if study in (None, name) for row in _optuna_trials(optuna, storage, name, model, metric)
    ]
    if not rows:
        message = "The storage holds no trial that has ended. Expected at least one. Check the address and the study."
        raise InvalidInputError(message)
    runs = pd.DataFrame(rows, columns=["model", "params", "metric", "value", "fit_seconds", "status"])
    return assemble(runs.assign(task_id=task.id), [task], {}, tool=f"optuna {optuna.__version__}")


def _family_of(params: Mapping[str, Any], likely: Collection[str]) -> str:
    found = families_of_parameters(params, likely)
    if len(found) != 1:
        message = (
            f"The parameters {sorted(params)[:10]} belong to {f'several families: {found}' if found else 'no known family'}. "
            "Expected a parameter or user attribute that names the family. Say which it is, or name the family: "
            f"model={(found or ['lightgbm'])[0]!r}."
        )
        raise InvalidInputError(message)
    return found[0]


def _optuna_trials(
    optuna: Any, storage: Any, study: str, model: str, metric: str
) -> Iterator[tuple[str, str, str, float, float, str]]:
    states = {"COMPLETE": Status.OK, "PRUNED": Status.PRUNED, "FAIL": Status.FAILED}
    loaded = optuna.load_study(study_name=study, storage=storage)
    trials = [trial for trial in loaded.get_trials(deepcopy=False) if trial.state.name in states]
    maximize = loaded.directions[0] == optuna.study.StudyDirection.MAXIMIZE
    values = [trial.values[0] if trial.state.name == "COMPLETE" else math.nan for trial in trials]
    name, factor, _ = our_metric(metric)
    if name in METRICS and (METRICS[name].greater_is_better == (factor > 0)) != maximize:  # else as it was named
        metric, score = name, scorer_of(values, METRICS[name], maximize=maximize)
        values = [score(value) for value in values]
    guesses = map(families_of_parameters, {tuple(trial.params) for trial in trials if model == USUAL_MODEL})
    clear = {guess[0] for guess in guesses if len(guess) == 1}  # a trial that was pruned may have few parameters
    for trial, value in zip(trials, values, strict=True):
        params = dict(trial.params)
        family = params.pop(model, None) or trial.user_attrs.get(model) or trial.user_attrs.get(SEEDED_FAMILY)
        if not (family or params):
            continue  # it ended before it tried anything
        family = family or (model if model != USUAL_MODEL else _family_of(params, clear))
        seconds = trial.duration.total_seconds() if trial.duration else math.nan
        yield (
            printable(str(family)),
            plain_params(params),
            metric,
            value,
            seconds,
            str(states[trial.state.name]),
        )
