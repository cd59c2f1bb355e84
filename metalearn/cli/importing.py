"""Commands that bring results from elsewhere into a store: kb import."""

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metalearn.cli.base import as_json_option, clear_errors, name_option, target_options
from metalearn.cli.console import say
from metalearn.exceptions import InvalidInputError

if TYPE_CHECKING:
    from metalearn.knowledge import KnowledgeBase
    from metalearn.task import Task

__all__ = ["import_results"]


@click.group("import")
def import_results() -> None:
    """Bring results from elsewhere into a store."""


def _into_store(read: "Callable[..., KnowledgeBase]") -> Callable[..., None]:
    """Turn a function that reads foreign results into one that stores them and says what they are."""

    @click.option("--store", metavar="PATH|URL", help="Where the results go; needed unless --dry-run.")
    @click.option("--source", metavar="LABEL", help="Label by which kb delete takes them back; default: the command.")
    @click.option("--keep-names", is_flag=True, help="Store messages, and parameters that may name columns or paths.")
    @click.option("--dry-run", is_flag=True, help="Read and check, but store nothing.")
    @as_json_option
    @wraps(read)
    def command(
        *, store: str | None, source: str | None, keep_names: bool, dry_run: bool, as_json: bool, **options: Any
    ) -> None:
        if store is None and not dry_run:
            message = (
                "No store was named. Expected where the results go. Add --store sqlite:///team.db, or --dry-run to only "
                "look at them."
            )
            raise InvalidInputError(message)
        label = source or click.get_current_context().command.name or ""
        found = read(**options)
        facts: dict[str, Any] = {"source": label, **_facts(found)}
        if dry_run or store is None:
            _check(found, label, keep_names=keep_names)
        else:
            facts |= _written(found, store, label, keep_names=keep_names)
        say(json.dumps(facts, indent=1) if as_json else _told(facts))

    return clear_errors(command)


def _facts(found: "KnowledgeBase") -> dict[str, Any]:
    from metalearn.models import models_for  # noqa: PLC0415 - --help stays fast
    from metalearn.space import Configuration  # noqa: PLC0415
    from metalearn.task import ProblemType  # noqa: PLC0415

    kinds = [ProblemType(kind) for kind in found.tasks["problem_type"].unique()]
    families = [(kind, models_for(kind)) for kind in kinds]
    usable, reasons = [], Counter[str]()
    for c in found.configuration_by_id.values():
        specs = [(kind, known[c.model]) for kind, known in families if c.model in known]
        usable.append(any(spec.takes(c, kind) for kind, spec in specs))
        if not specs:
            reasons[f"{c.model[:40]} is no family for this"] += 1
        elif not usable[-1]:
            kind, spec = specs[0]
            odd = (name for name, v in c.params.items() if not spec.takes(Configuration(c.model, {name: v}), kind))
            reasons[
                ", ".join(
                    f"{name[:40]}={c.params[name]!r:.40}" if name in spec.spaces[kind].parameters else f"{name[:40]}"
                    for name in odd
                )
            ] += 1
    return {
        "tasks": len(found),
        "configurations": len(usable),
        "can be recommended": sum(usable),
        "cannot": dict(reasons.most_common(5)),
        "evaluations": len(found.evaluations),
        "failed": int((found.evaluations["status"] != "ok").sum()),
        "metrics": sorted(found.evaluations["metric"].astype(str).unique()),
        "models": sorted(found.configurations["model"].unique()),
    }


def _check(found: "KnowledgeBase", label: str, *, keep_names: bool) -> None:
    from metalearn.knowledge.admission import admit  # noqa: PLC0415 - --help stays fast

    admit(found, source=label, tool="", keep_names=keep_names)


def _written(found: "KnowledgeBase", store: str, label: str, *, keep_names: bool) -> dict[str, Any]:
    from metalearn.knowledge import open_store  # noqa: PLC0415 - --help stays fast

    opened = open_store(store, source=label, keep_names=keep_names)
    before = opened.info()
    opened.write(found)
    after = opened.info()
    return {
        "store": after.url,
        "new tasks": after.n_tasks - before.n_tasks,
        "new evaluations": after.n_evaluations - before.n_evaluations,
    }


def _told(facts: dict[str, Any]) -> str:
    from metalearn.report.text import counted  # noqa: PLC0415 - --help stays fast

    text = (
        f"Read {counted(facts['tasks'], 'task')}, {counted(facts['configurations'], 'configuration')} ({facts['can be recommended']:,} of "
        f"them can be recommended) and {counted(facts['evaluations'], 'evaluation')} ({facts['failed']:,} failed) by "
        f"{', '.join(facts['metrics']) or 'no metric'}."
    )
    if facts["cannot"]:
        whys = "; ".join(f"{n:,} because of {why}" for why, n in facts["cannot"].items())
        text += f"\nCannot be recommended: {whys}. Searches of this library do not take these."
    if "store" not in facts:
        return f"{text}\nNothing was stored."
    return (
        f"{text}\nAdded to {facts['store']} as {facts['source']!r}: {counted(facts['new tasks'], 'new task')} and "
        f"{counted(facts['new evaluations'], 'new evaluation')}."
    )


# collections of results ----------------------------------------------------------------------------------------------


@import_results.command()
@click.option("--suite", metavar="ID", help="A benchmark suite, such as 99, whose tasks are read.")
@click.option("--tasks", metavar="A,B", help="Ids of tasks, with commas between them.")
@click.option("--flow", metavar="FAMILY|ID", help="A model family or the id of one flow; default: every known family.")
@click.option("--max-runs", default=1000, show_default=True, help="Runs of each task and measure, at most.")
@click.option("--server", metavar="URL", help="XML interface; default: what the openml package is configured for.")
@_into_store
def openml(
    suite: str | None, tasks: str | None, flow: str | None, max_runs: int, server: str | None
) -> "KnowledgeBase":
    """Read what others ran on OpenML; answers are remembered, so that an interrupted import goes on.

    \b
    Examples:
      metalearn kb import openml --suite 99 --flow lightgbm --store sqlite:///team.db
      metalearn kb import openml --tasks 31,3913 --dry-run
    """
    from rich.console import Console  # noqa: PLC0415 - --help stays fast
    from rich.progress import track  # noqa: PLC0415

    from metalearn.importers import from_openml  # noqa: PLC0415

    ids = [text.strip() for text in (tasks or "").split(",") if text.strip()]
    if not all(text.isdecimal() for text in ids):
        message = f"The tasks {tasks!r} are no ids. Expected numbers with commas between them. Say --tasks 31,3913."
        raise InvalidInputError(message)
    return from_openml(
        tasks=map(int, ids),
        suite=suite,
        flow=flow,
        max_runs=max_runs,
        server=server,
        progress=lambda known: track(known, "OpenML tasks", console=Console(stderr=True)),
    )


@import_results.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--measure", metavar="NAME", help="Performance measure to read; default: all.")
@click.option(
    "--task",
    "problem_type",
    type=click.Choice(["binary", "multiclass", "regression"]),
    default="multiclass",
    show_default=True,
    help="Kind of problem of the instances; the format does not say.",
)
@_into_store
def aslib(folder: Path, measure: str | None, problem_type: str) -> "KnowledgeBase":
    """Read an algorithm selection scenario in the ASlib format.

    \b
    Example:  metalearn kb import aslib OPENML-WEKA-2017/ --store sqlite:///team.db
    """
    from metalearn.importers import from_aslib  # noqa: PLC0415 - --help stays fast

    return from_aslib(folder, problem_type=problem_type, measure=measure)


_OPTIONS = {"metric": "--metric NAME", "problem_type": "--task binary|multiclass|regression"}
_CALLED = {"problem_type": "kind of problem"}


@import_results.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--column", "columns", multiple=True, metavar="OURS=THEIRS", help="What the file calls a column; may be repeated."
)
@click.option("--metric", metavar="NAME", help="What all values measure, if no column says so.")
@click.option(
    "--task",
    "problem_type",
    type=click.Choice(["binary", "multiclass", "regression"]),
    help="Kind of problem of all tasks, if no column says so.",
)
@_into_store
def table(file: Path, columns: tuple[str, ...], metric: str | None, problem_type: str | None) -> "KnowledgeBase":
    """Read a CSV or Parquet FILE with one row a result.

    Its columns are task, model, value, metric and problem_type, and if there are any params (a JSON object),
    fold, fit_seconds, predict_seconds, status, n_rows, n_features and n_classes. Columns that begin with param_ are
    parameters, those that begin with meta_ meta-features of the task.

    \b
    Example:
      metalearn kb import table results.csv --column task=dataset --column value=acc \\
          --metric accuracy --task binary --store sqlite:///team.db
    """
    from metalearn.importers import from_table  # noqa: PLC0415 - --help stays fast
    from metalearn.importers.long_table import AbsentColumnsError  # noqa: PLC0415

    pairs = [text.partition("=") for text in columns]
    if not all(ours and theirs for ours, _, theirs in pairs):
        message = f"The columns {list(columns)} cannot be understood. Expected OURS=THEIRS. Say --column task=dataset."
        raise InvalidInputError(message)
    mapping = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    try:
        return from_table(file, columns=mapping, metric=metric, problem_type=problem_type)
    except AbsentColumnsError as error:
        ways = [_OPTIONS.get(name, f"--column {name}=THEIRS") for name in error.absent]
        message = (
            f"{file} does not tell the {', '.join(_CALLED.get(name, name) for name in error.absent)}; its columns are "
            f"{', '.join(error.present[:20])}. Expected a column for each. Add {' '.join(ways)}."
        )
        raise InvalidInputError(message) from error


# searches on one table -----------------------------------------------------------------------------------------------


def _of_one_table(read: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command say which table was searched on; it is measured, so that similar tables find the results."""

    @click.option("--data", required=True, help="The table that was searched on: what describes the task.")
    @target_options
    @name_option
    @wraps(read)
    def reader(
        *,
        data: str,
        target: str | None,
        problem_type: str | None,
        categorical: tuple[str, ...],
        reading: dict[str, Any],
        name: str | None,
        **options: Any,
    ) -> Any:
        from metalearn.dataset import Dataset  # noqa: PLC0415 - --help stays fast
        from metalearn.knowledge import KnowledgeBase  # noqa: PLC0415
        from metalearn.metafeatures import extract  # noqa: PLC0415
        from metalearn.table.read import read_table  # noqa: PLC0415

        found = read_table(data, target, **reading)
        checked = Dataset.from_data(found.X, found.y, problem_type=problem_type, categorical=categorical)
        task = checked.as_task(name)
        described = KnowledgeBase.from_records([task], {task.id: extract(checked)}, [])
        try:
            return read(task=task, **options) + described
        except InvalidInputError as error:  # in the words of the command line
            message = re.sub(r"\b(metric|model|objective|study)='?([\w.-]+)'?", r"--\1 \2", str(error))
            raise InvalidInputError(message) from error

    return reader


_metric_option = click.option(
    "--metric",
    required=True,
    metavar="NAME",
    help="What was optimised, such as roc_auc; neg_r2 for -r2, 1-accuracy for 1 - accuracy.",
)
_model_option = click.option(
    "--model",
    default="model",
    show_default=True,
    metavar="NAME",
    help="Parameter that names the model family, or else the family itself, such as lightgbm. Without either it is told by the parameters.",
)


@import_results.command()
@click.argument("storage")
@click.option("--study", metavar="NAME", help="One study; default: all of the storage.")
@click.option(
    "--objective", metavar="NAME", help="Of several objectives the one to read, by its name or its index from 0."
)
@_metric_option
@_model_option
@_into_store
@_of_one_table
def optuna(
    storage: str, study: str | None, objective: str | None, metric: str, model: str, task: "Task"
) -> "KnowledgeBase":
    """Read the trials of an Optuna STORAGE: a database, by its URL or path, or the file of a journal.

    \b
    Example:
      metalearn kb import optuna study.db --metric roc_auc --model lightgbm \\
          --data houses.csv --target sold --store sqlite:///team.db
    """
    from metalearn.importers import from_optuna  # noqa: PLC0415 - --help stays fast

    return from_optuna(storage, task, metric=metric, study=study, model=model, objective=objective)


@import_results.command()
@click.argument("tracking")
@_metric_option
@_model_option
@_into_store
@_of_one_table
def mlflow(tracking: str, metric: str, model: str, task: "Task") -> "KnowledgeBase":
    """Read the runs that MLflow tracked in a folder or a database, without loading MLflow or any saved model.

    \b
    Example:
      metalearn kb import mlflow sqlite:///mlflow.db --metric val_accuracy --data wine \\
          --store sqlite:///team.db
    """
    from metalearn.importers import from_mlflow  # noqa: PLC0415 - --help stays fast

    return from_mlflow(tracking, task, metric=metric, model=model)


@import_results.command()
@click.argument("log", type=click.Path(path_type=Path))
@_metric_option
@_into_store
@_of_one_table
def flaml(log: Path, metric: str, task: "Task") -> "KnowledgeBase":
    """Read the LOG of a FLAML search (its log_file_name).

    \b
    Example:
      metalearn kb import flaml flaml.log --metric accuracy --data wine --store sqlite:///team.db
    """
    from metalearn.importers import from_flaml_log  # noqa: PLC0415 - --help stays fast

    return from_flaml_log(log, task, metric=metric)


@import_results.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--model", required=True, metavar="NAME", help="Model family or class of the estimator, such as SVC.")
@click.option("--metric", metavar="NAME", help="What the score measured; not needed where the scorers had names.")
@_into_store
@_of_one_table
def cv_results(file: Path, model: str, metric: str | None, task: "Task") -> "KnowledgeBase":
    """Read the cv_results_ of a scikit-learn search from a CSV, Parquet or JSON FILE, as pandas writes it.

    \b
    Example:
      metalearn kb import cv-results search.csv --model SVC --metric accuracy --data wine \\
          --store sqlite:///team.db
    """
    from metalearn.importers import from_cv_results  # noqa: PLC0415 - --help stays fast

    return from_cv_results(file, task, model=model, metric=metric)
