"""Commands about knowledge bases: info, validate, search, merge, delete."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from metalearn._address import shown
from metalearn.cli.base import as_json_option, clear_errors, compact_option, say_json, target_options
from metalearn.cli.building import build
from metalearn.cli.console import say
from metalearn.cli.importing import import_results
from metalearn.exceptions import InvalidInputError, unknown_name
from metalearn.table.read import read_table

if TYPE_CHECKING:
    from metalearn.knowledge import Store

__all__ = ["kb"]


@click.group()
def kb() -> None:
    """Look at knowledge bases, and build them."""


_MINUTE = len("2026-01-31T12:59")

kb.add_command(build)
kb.add_command(import_results)


@kb.command()
@click.argument("source", required=False)
@as_json_option
@compact_option
@clear_errors
def info(source: str | None, as_json: bool, compact: bool) -> None:
    """Say what SOURCE knows, and who recorded it (a folder or a database URL; default: the bundled knowledge base).

    \b
    Examples:
      metalearn kb info
      metalearn kb info sqlite:///team.db
    """
    from metalearn.api import open_knowledge_base, open_store  # noqa: PLC0415 - --help stays fast
    from metalearn.knowledge import BUNDLED  # noqa: PLC0415
    from metalearn.report import compact_json, compact_summary  # noqa: PLC0415
    from metalearn.report.text import facts_table  # noqa: PLC0415

    facts = open_knowledge_base(source).summary()
    recorded = open_store(source).info().to_dict()["sources"] if source not in (None, "", BUNDLED) else []
    if compact:
        say(compact_json(compact_summary(facts)))
        return
    if as_json:
        say_json("kb-info", {**facts, **({"sources": recorded} if recorded else {})})
        return
    rows = [
        (key, f"{value:,}" if isinstance(value, int) else str(value))
        for key, value in facts.items()
        if not isinstance(value, dict)
    ]
    say(facts_table(("knowledge base", ""), rows))
    for key, counts in facts.items():
        if isinstance(counts, dict):
            say(facts_table((key, "count"), [(name, f"{count:,}") for name, count in counts.items()], right=("count",)))
    if recorded:
        shown = [
            (
                r["source"],
                ", ".join(r["tools"]),
                f"{r['n_tasks']:,}",
                f"{r['n_evaluations']:,}",
                *(r[when][:_MINUTE].replace("T", " ") for when in ("first", "last")),
            )
            for r in recorded
        ]
        say(
            facts_table(
                ("recorded by", "with", "tasks", "evaluations", "first", "last"), shown, right=("tasks", "evaluations")
            )
        )


@kb.command()
@click.argument("source", required=False)
@as_json_option
@clear_errors
def validate(source: str | None, as_json: bool) -> None:
    """Check what SOURCE holds: keys, ranges, impossible scores, suspicious tasks, near-copies. Exits 1 on an error.

    \b
    Example:  metalearn kb validate sqlite:///team.db
    """
    from metalearn.api import open_knowledge_base, open_store  # noqa: PLC0415 - --help stays fast
    from metalearn.knowledge import BUNDLED  # noqa: PLC0415
    from metalearn.knowledge.validate import Problem, Severity  # noqa: PLC0415
    from metalearn.knowledge.validate import validate as check  # noqa: PLC0415

    damage: list[str] = [] if source in (None, "", BUNDLED) else getattr(open_store(str(source)), "problems", list)()
    findings = [
        Problem(severity=Severity.ERROR, check="integrity", subject=shown(source), message=message)
        for message in damage
    ]
    if not damage:  # else what is read would mean nothing
        findings = check(open_knowledge_base(source))
    if as_json:
        say(json.dumps([finding.to_dict() for finding in findings], indent=1))
    else:
        for finding in findings:
            say(f"{finding.severity}: {finding.subject}: {finding.message}")
        say(f"{len(findings)} finding{'' if len(findings) == 1 else 's'}.")
    sys.exit(any(finding.severity is Severity.ERROR for finding in findings))


@kb.command()
@click.argument("words", nargs=-1)
@click.option("--like", metavar="DATA", help="A table that the found tasks shall resemble.")
@target_options
@click.option("--store", "source", metavar="PATH|URL", help="Where to look; default: the bundled knowledge base.")
@click.option("-n", "n", type=click.IntRange(min=1), default=10, show_default=True, help="How many tasks at most.")
@as_json_option
@compact_option
@clear_errors
def search(
    words: tuple[str, ...],
    like: str | None,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    reading: dict[str, Any],
    source: str | None,
    n: int,
    as_json: bool,
    compact: bool,
) -> None:
    """Find past tasks by WORDS or by likeness: who ran them, what won there, and how sure that is.

    \b
    Examples:
      metalearn kb search imbalanced binary 10k rows
      metalearn kb search --like houses.csv --target price
    """
    from metalearn.api import open_knowledge_base  # noqa: PLC0415 - --help stays fast
    from metalearn.dataset import Dataset  # noqa: PLC0415
    from metalearn.knowledge.search import search as find  # noqa: PLC0415
    from metalearn.report import compact_json, compact_past_tasks  # noqa: PLC0415
    from metalearn.report.text import facts_table, number, size  # noqa: PLC0415

    data = None
    if like is not None:
        table = read_table(like, target, **reading)
        data = Dataset.from_data(table.X, table.y, problem_type=problem_type, categorical=categorical)
    found = find(open_knowledge_base(source), " ".join(words), like=data, n=n)
    if compact:
        say(compact_json(compact_past_tasks([task.to_dict() for task in found])))
        return
    if as_json:
        say_json("kb-search", {"tasks": [task.to_dict() for task in found]})
        return
    if not found:
        say("Nothing found. Try fewer or other words, or --like with a table.")
        return
    rows = [
        (
            task.name,
            f"{task.match:.2f}",
            task.problem_type,
            size(task.n_rows, task.n_features),
            task.best.model if task.best else "-",
            f"{number(task.score)} {task.metric}",
            number(task.certainty, 2),
            ", ".join(task.recorded_by),
        )
        for task in found
    ]
    columns = ("past task", "match", "problem", "size", "what won there", "score", "sure", "run by")
    say(facts_table(columns, rows, right=("match", "size", "sure")))


@kb.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL...")
@click.option("-o", "--into", required=True, metavar="PATH|URL", help="Store that takes everything in.")
@as_json_option
@clear_errors
def merge(sources: tuple[str, ...], into: str, as_json: bool) -> None:
    """Join stores into one; nothing is repeated, and contradictions are reported.

    \b
    Example:  metalearn kb merge team_a/ sqlite:///team_b.db -o sqlite:///all.db
    """
    from metalearn.knowledge import open_store  # noqa: PLC0415
    from metalearn.knowledge.merge import merge as join  # noqa: PLC0415
    from metalearn.report.text import counted  # noqa: PLC0415 - --help stays fast

    stores, store = [open_store(source) for source in sources], open_store(into)
    for source, found in zip(sources, stores, strict=True):
        if not found.info().n_tasks:
            message = f"Nothing is stored at {shown(source)!r}. Expected a folder or database with results. Check the address."
            raise InvalidInputError(message)
    report = join(stores, store)
    if as_json:
        say(json.dumps(report.to_dict(), indent=1))
        return
    say(
        f"{store.info().url} holds {counted(report.n_tasks, 'task')} and {counted(report.n_evaluations, 'evaluation')}; "
        f"{report.n_new_tasks:,} and {report.n_new_evaluations:,} of them are new."
    )
    for conflict in report.conflicts:
        say(f"Conflict: {conflict}")


@kb.command()
@click.option("--source", metavar="LABEL", help="Only what this source recorded.")
@click.option("--task", metavar="ID|NAME", help="Only what is about this task, as kb search names it.")
@click.option("--store", required=True, metavar="PATH|URL", help="Where from.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
@clear_errors
def delete(source: str | None, task: str | None, store: str, yes: bool, as_json: bool) -> None:
    """Take back what one source recorded, or everything about a task; all else stays.

    \b
    Examples:
      metalearn kb delete --source ana --store sqlite:///team.db
      metalearn kb delete --task orders --store team/
    """
    from metalearn.knowledge import open_store  # noqa: PLC0415
    from metalearn.report.text import counted  # noqa: PLC0415 - --help stays fast

    opened = open_store(store)
    about = opened.info()
    known = {found.source: found for found in about.sources}
    if source is not None and source not in known:
        raise unknown_name("source", source, known)
    if source is None and task is None:
        message = "Neither --source nor --task is given. Expected one of them, or both. Add it."
        raise InvalidInputError(message)
    if task is None:
        goes = known[str(source)]
        say(
            f"{counted(goes.n_evaluations, 'evaluation')} of {counted(goes.n_tasks, 'task')} go from {about.url}: recorded by {source!r} with "
            f"{', '.join(goes.tools)}, {goes.first} to {goes.last}.",
            err=True,
        )
    else:
        task = _task_id(opened, task)
        by = "" if source is None else f" by {source!r}"
        say(f"What is recorded{by} about the task {task!r} goes from {about.url}.", err=True)
    if not yes:
        click.confirm("Delete them?", abort=True, err=True)
    n_deleted = opened.delete(source=source, task=task)
    facts = {"source": source, "task": task, "evaluations": n_deleted}
    say(json.dumps(facts) if as_json else f"{n_deleted:,} were deleted.")


def _task_id(store: "Store", wanted: str) -> str:
    """Return the id of a task by itself or by its name."""
    tasks = store.read().tasks
    ids = sorted(tasks["task_id"][tasks["name"] == wanted])
    if wanted in set(tasks["task_id"]):
        return wanted
    if not ids:
        raise unknown_name("task", wanted, tasks["name"], further=tasks["task_id"])
    if len(ids) > 1:
        message = f"{len(ids)} tasks are called {wanted!r}: {ids[:10]}. Expected one. Name its id."
        raise InvalidInputError(message)
    return str(ids[0])
