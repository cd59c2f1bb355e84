"""Commands about knowledge bases: info, validate, search, merge."""

import json
import sys

import click

from metalearn.cli.base import as_json_option, clear_errors
from metalearn.tables import read_table

__all__ = ["kb"]


@click.group()
def kb() -> None:
    """Look at knowledge bases."""


@kb.command()
@click.argument("source", required=False)
@as_json_option
@clear_errors
def info(source: str | None, as_json: bool) -> None:
    """Say what SOURCE knows (a folder or a database URL; default: the bundled knowledge base).

    \b
    Example:  metalearn kb info
    """
    from metalearn.api import open_knowledge_base  # noqa: PLC0415 - --help stays fast
    from metalearn.report.text import facts_table  # noqa: PLC0415

    facts = open_knowledge_base(source).summary()
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    rows = [
        (key, f"{value:,}" if isinstance(value, int) else str(value))
        for key, value in facts.items()
        if not isinstance(value, dict)
    ]
    click.echo(facts_table(("knowledge base", ""), rows))
    for key, counts in facts.items():
        if isinstance(counts, dict):
            click.echo(
                facts_table((key, "count"), [(name, f"{count:,}") for name, count in counts.items()], right=("count",))
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
    from metalearn.api import open_knowledge_base  # noqa: PLC0415 - --help stays fast
    from metalearn.store.validation import Severity  # noqa: PLC0415
    from metalearn.store.validation import validate as check  # noqa: PLC0415

    findings = check(open_knowledge_base(source))
    if as_json:
        click.echo(json.dumps([finding.to_dict() for finding in findings], indent=1))
    else:
        for finding in findings:
            click.echo(f"{finding.severity}: {finding.message}")
        click.echo(f"{len(findings)} findings.")
    sys.exit(any(finding.severity is Severity.ERROR for finding in findings))


@kb.command()
@click.argument("words", nargs=-1)
@click.option("--like", metavar="DATA", help="A table that the found tasks shall resemble.")
@click.option("--target", metavar="COLUMN", help="Target column of that table.")
@click.option("--store", "source", metavar="PATH|URL", help="Where to look; default: the bundled knowledge base.")
@click.option("-n", "n", default=10, show_default=True, help="How many tasks.")
@as_json_option
@clear_errors
def search(
    words: tuple[str, ...], like: str | None, target: str | None, source: str | None, n: int, as_json: bool
) -> None:
    """Find past tasks by WORDS or by likeness, with what won there.

    \b
    Examples:
      metalearn kb search imbalanced binary 10k rows
      metalearn kb search --like houses.csv --target price
    """
    from metalearn.api import open_knowledge_base  # noqa: PLC0415 - --help stays fast
    from metalearn.dataset import Dataset  # noqa: PLC0415
    from metalearn.report.text import facts_table, number  # noqa: PLC0415
    from metalearn.store.search import search as find  # noqa: PLC0415

    table = None if like is None else read_table(like, target)
    data = None if table is None else Dataset.from_data(table.X, table.y)
    found = find(open_knowledge_base(source), " ".join(words), like=data, n=n)
    if as_json:
        click.echo(json.dumps([task.to_dict() for task in found], indent=1))
        return
    rows = [
        (
            task.name,
            f"{task.match:.2f}",
            task.problem_type,
            f"{task.n_rows:,} x {task.n_features:,}",
            task.best.model if task.best else "-",
            f"{number(task.score)} {task.metric}",
            number(task.certainty, 2),
        )
        for task in found
    ]
    columns = ("past task", "match", "problem", "size", "what won there", "score", "sure")
    click.echo(facts_table(columns, rows, right=("match", "size", "sure")))


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
    from metalearn.store import open_store  # noqa: PLC0415 - --help stays fast
    from metalearn.store.merging import merge as join  # noqa: PLC0415

    report = join([open_store(source) for source in sources], open_store(into))
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=1))
        return
    click.echo(
        f"{into} holds {report.n_tasks:,} tasks and {report.n_evaluations:,} evaluations; "
        f"{report.n_new_tasks:,} and {report.n_new_evaluations:,} of them are new."
    )
    for conflict in report.conflicts:
        click.echo(f"Conflict: {conflict}")
