"""The studies of Optuna's storages, read only."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import NullPool, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import NoSuchModuleError

from metalearn._address import without_passwords
from metalearn._installation import install_command
from metalearn.exceptions import InvalidInputError, MetalearnError, MissingExtraError, unknown_name
from metalearn.hooks.harvest import HarvestOptions, Trial, Trials, knowledge_of
from metalearn.hooks.optuna import objective_of, trials
from metalearn.importers.base import USUAL_MODEL, bounded_file
from metalearn.knowledge import KnowledgeBase
from metalearn.space.aliases import family_of
from metalearn.task import Task

__all__ = ["from_optuna"]

_MAGIC = b"SQLite format 3\0"


def from_optuna(
    storage: Any,
    task: Task,
    *,
    metric: str,
    study: str | None = None,
    model: str = USUAL_MODEL,
    objective: str | int | None = None,
) -> KnowledgeBase:
    """Read the studies of an Optuna storage; nothing is written to it.

    Parameters
    ----------
    storage : str, Path or optuna.storages.BaseStorage
        A database, by its URL or, of SQLite, its path; the file of a journal; or a storage.
    task : Task
        What the studies searched on.
    metric : str
        What the objective returned, under our or scikit-learn's name; ``"neg_r2"`` for -r2, ``"1-accuracy"`` for 1 - accuracy.
    study : str or None, default=None
        One study; default: all.
    model : str, default="model"
        The parameter or user attribute that names the family; where a trial has none, this text itself is the family, or,
        with the default, the family that its parameters say.
    objective : str, int or None, default=None
        Of several objectives the one to read, by its name in ``study.metric_names`` or its index.

    Returns
    -------
    KnowledgeBase
        One evaluation a finished trial. Trials of one configuration count as its folds; one that failed or was pruned counts only
        where no other of its configuration worked. Parameters that are none of the family's are left out and named in the log.

    Raises
    ------
    MissingExtraError
        If optuna is not installed.
    InvalidInputError
        If the storage cannot be read or holds no trial, a study's direction is not that of the metric, it has several
        objectives and none is named, or it is not known of which family a trial is.
    UnknownNameError
        If there is no such study.
    """
    try:
        import optuna  # noqa: PLC0415 - an optional package
    except ImportError as error:
        message = f"Optuna is not installed. Expected it to read its storages. Install it: {install_command('optuna')}."
        raise MissingExtraError(message) from error
    family = "" if model == USUAL_MODEL else family_of(model) or model
    rows: list[Trial] = []
    directions = set()
    with _readable(optuna, storage) as opened:
        names = optuna.study.get_all_study_names(opened)
        if study is not None and study not in names:
            raise unknown_name("study", study, names)
        for name in names if study is None else [study]:
            loaded = optuna.load_study(study_name=name, storage=opened)
            found = trials(loaded, objective=objective_of(loaded, objective), tag=model)
            directions.add(found.maximize)
            rows += [trial for trial in found.rows if not trial.unfinished]
    if not rows:
        message = "The storage holds no trial that has ended. Expected at least one. Check the address and the study."
        raise InvalidInputError(message)
    if len(directions) > 1:
        message = f"Of the studies {names[:10]} some maximise and some minimise. Expected one direction. Import one: study={names[0]!r}."
        raise InvalidInputError(message)
    options: HarvestOptions = {"metric": metric}
    if any(model in trial.params for trial in rows):
        options["model_parameter"] = model
    elif family:
        rows = [replace(trial, model=trial.model or family) for trial in rows]
    return knowledge_of(
        Trials(rows, directions.pop()), task, tool=f"optuna {optuna.__version__}", options=options, asks="model="
    )


@contextmanager
def _readable(optuna: Any, storage: Any) -> Iterator[Any]:
    """Open a storage so that nothing is written, and say plainly what cannot be read."""
    try:
        yield _opened(optuna, storage) if isinstance(storage, str | Path) else storage
    except MetalearnError:
        raise
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        message = f"There is no driver for such an address ({error}). Expected a path, sqlite:/// or postgresql://. Install the driver, or correct it."
        raise InvalidInputError(message) from error
    except Exception as error:
        message = (
            f"The storage cannot be read ({type(error).__name__}: {without_passwords(error)[:200]}). Expected a database or journal of Optuna's "
            "that is whole. Check the address, or restore it from a copy."
        )
        raise InvalidInputError(message) from error


def _opened(optuna: Any, place: str | Path) -> Any:
    text = str(place)
    url = make_url(text) if "://" in text else None
    if url is None or url.get_backend_name() == "sqlite":
        file = bounded_file(place if url is None else url.database or "")
        with file.open("rb") as stream:
            is_database = stream.read(len(_MAGIC)) == _MAGIC
        if url is None and not is_database:
            return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(text))
        text = f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&uri=true"
    engine = create_engine(text, poolclass=NullPool)
    wanted = importlib.import_module("optuna.storages._rdb.models").BaseModel.metadata.tables
    absent = set(wanted) - set(inspect(engine).get_table_names())
    if absent:  # Optuna would make them
        message = (
            f"The database lacks the tables {sorted(absent)[:5]}. Expected those of this version of Optuna. Check the address, or "
            "upgrade an older storage: optuna storage upgrade."
        )
        raise InvalidInputError(message)
    return optuna.storages.RDBStorage(text, engine_kwargs={"poolclass": NullPool})
