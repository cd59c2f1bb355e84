"""What the commands share: errors as one line, and the options of every command that reads a table."""

import csv
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from metalearn.cli.console import say
from metalearn.exceptions import InvalidInputError, MetalearnError, UnknownNameError

__all__ = [
    "KINDS_OF_PROBLEM",
    "as_json_option",
    "clear_errors",
    "compact_option",
    "end_softly_when_terminated",
    "family_names",
    "knowledge_base_option",
    "name_option",
    "new_model",
    "new_page",
    "new_table",
    "reading_options",
    "say_json",
    "source_option",
    "table_options",
    "target_options",
]

KINDS_OF_PROBLEM = ("binary", "multiclass", "classification", "regression")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
compact_option = click.option(
    "--compact", is_flag=True, help="Print the essentials as JSON on one line, for programs with little room."
)
knowledge_base_option = click.option(
    "--knowledge-base",
    "knowledge_bases",
    metavar="PATH|URL",
    multiple=True,
    help="What to learn from, again for another one; 'bundled', the default, is the one that is shipped.",
)
source_option = click.option(
    "--source", default="local", show_default=True, metavar="LABEL", help="Label by which kb delete takes results back."
)
name_option = click.option(
    "--name", metavar="TEXT", help="Name of the table through all its versions; default: nothing that tells its name."
)


class _NewFile(click.Path):
    """Refuse a file that could not be written, before any work is done for it."""

    def __init__(self, *endings: str) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)
        self.endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"There is no folder {str(path.parent)!r}. Expected one. Create it first.", param, ctx)
        if path.suffix.lower() not in self.endings:
            self.fail(
                f"{path.name!r} would not be written in the format of its ending. Expected {', '.join(self.endings)}.",
                param,
                ctx,
            )
        return path


new_page = _NewFile(".html", ".htm")
"""Type of options that name a page to be written."""

new_table = _NewFile(".csv", ".tsv", ".parquet", ".pq")
"""Type of options that name a table to be written."""

new_model = _NewFile(".skops")
"""Type of options that name a model to be written."""


def clear_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors into one line and an exit code: 2 for what the user can correct, 1 for a run that failed."""

    @wraps(command)
    def guarded(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except (InvalidInputError, UnknownNameError) as error:
            say(f"Error: {error}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            raise  # click ends quietly where whoever reads the output has seen enough
        except (MetalearnError, OSError, MemoryError) as error:
            say(f"Error: {error or type(error).__name__}", err=True)
            sys.exit(1)

    return guarded


def end_softly_when_terminated() -> None:
    """Let SIGTERM act as Ctrl-C does: what is finished is kept, and processes are ended."""
    if threading.current_thread() is threading.main_thread():  # elsewhere, as in a server, signals are not ours
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what every command that reads a table takes."""
    return click.argument("data")(target_options(command))


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how the table is read, and what its target and columns are."""
    for decorate in reversed(
        (
            click.option("--target", metavar="COLUMN", help="Target column; the shipped tables have their own."),
            click.option(
                "--task",
                "problem_type",
                type=click.Choice(KINDS_OF_PROBLEM),
                help="Kind of problem; default: inferred from the target.",
            ),
            click.option(
                "--categorical",
                multiple=True,
                metavar="COLUMN",
                help="A column of categories; may be repeated.",
            ),
        )
    ):
        command = decorate(command)
    return reading_options(_column_options(command))


def _column_options(command: Callable[..., Any]) -> Callable[..., Any]:
    @click.option("--drop", multiple=True, metavar="COLUMN", help="A column that is no feature; may be repeated.")
    @click.option("--keep", multiple=True, metavar="COLUMN", help="Use only this column, and others so named.")
    @wraps(command)
    def reader(
        *args: Any, drop: tuple[str, ...], keep: tuple[str, ...], reading: dict[str, Any], **options: Any
    ) -> Any:
        chosen = {name: value for name, value in (("drop", drop), ("keep", keep)) if value}
        return command(*args, reading=reading | chosen, **options)

    return reader


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of how a file is read; the command takes them as one argument, ``reading``, for ``read_table``."""

    @click.option(
        "--header/--no-header", default=None, help="Whether the first line names the columns; default: it must."
    )
    @click.option("--names", metavar="A,B,C", help="Names of all columns of a file without a header.")
    @click.option("--sheet", metavar="NAME", help="Sheet of an Excel file; default: the first.")
    @click.option(
        "--date",
        "dates",
        multiple=True,
        metavar="COLUMN[=FORMAT]",
        help="A column of dates, and their format, such as %d/%m/%y; may be repeated.",
    )
    @click.option(
        "--missing", multiple=True, metavar="VALUE", help="A value that means that there is none, such as -999."
    )
    @wraps(command)
    def reader(
        *args: Any,
        header: bool | None,
        names: str | None,
        sheet: str | None,
        dates: tuple[str, ...],
        missing: tuple[str, ...],
        **options: Any,
    ) -> Any:
        given = next(csv.reader([names or ""], skipinitialspace=True), [])
        forms = {column: form for column, _, form in (date.partition("=") for date in dates)}
        reading = {"header": header, "names": tuple(given), "sheet": sheet, "dates": forms, "missing": missing}
        return command(
            *args, reading={name: value for name, value in reading.items() if value not in (None, (), {})}, **options
        )

    return reader


def say_json(kind: str, facts: Mapping[str, Any]) -> None:
    """Print facts as JSON under their versioned schema."""
    from metalearn.report import to_json, versioned  # noqa: PLC0415 - --help stays fast

    say(to_json(versioned(kind, facts)))


def family_names(families: str | None) -> list[str] | None:
    """Split what was given as A,B."""
    return None if families is None else [name.strip() for name in families.split(",") if name.strip()]
