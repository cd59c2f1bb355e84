"""What the terminal, pipe or file behind the command line can show."""

import codecs
import logging
import os
import sys
import warnings
from contextvars import ContextVar
from typing import Any

import click

from metalearn._wording import at_command_line
from metalearn.report.markup import visible

__all__ = ["adapt_console", "be_quiet", "say"]

_DRAWN = "metalearn.drawn"
_COLOURS = {"Error: ": "red", "Note: ": "yellow", "Check: ": "yellow"}
_quiet = ContextVar("quiet", default=False)
_PLAIN = {"\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-"}


def adapt_console(context: click.Context) -> None:
    """Let everything be printed on any stream, and warnings as plain notes, until a command ends.

    Parameters
    ----------
    context : Context
        Of the command.

    Notes
    -----
    A stream of Windows that is sent to a file cannot encode the lines of our tables: they become dashes there, and other
    characters become escapes (``\\u65e5``), which do not get lost. The warnings that a user asked for by ``python -W`` keep
    Python's form.
    """
    context.with_resource(at_command_line())
    codecs.register_error(_DRAWN, _drawn)
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", "") == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_DRAWN)
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR if _quiet.get() else logging.WARNING)
    handler.setFormatter(_Visible())
    log = logging.getLogger("metalearn")
    log.addHandler(handler)
    context.call_on_close(lambda: log.removeHandler(handler))
    if not sys.warnoptions:
        context.with_resource(warnings.catch_warnings())
        # scikit-learn tells of every attempt to reach OpenML; our own error says that there is no way
        warnings.filterwarnings("ignore", "A network error occurred", UserWarning)
        warnings.showwarning = _noted


def _drawn(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end


class _Visible(logging.Formatter):
    """Format records so that names in them steer no terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def _noted(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"Note: {message}", err=True)


def say(text: object, *, err: bool = False) -> None:
    """Print text for people; names in it may come from others, and steer no terminal.

    Parameters
    ----------
    text : object
        What to print.
    err : bool, default=False
        Whether it goes to the standard error.
    """
    written = visible(text)
    if err and _quiet.get() and not written.startswith("Error: "):
        return
    click.echo(written if os.environ.get("NO_COLOR") else _coloured(written), err=err)


def _coloured(text: str) -> str:
    """Colour an error, or the first note, which is the most serious; click removes colours where there is no terminal."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        kind = next((kind for kind in _COLOURS if line.startswith(kind)), None)
        if kind is not None:
            lines[place] = click.style(kind, fg=_COLOURS[kind], bold=True) + line[len(kind) :]
            break
    return "\n".join(lines)


def be_quiet(context: click.Context) -> None:
    """Print answers and errors only, until the command ends."""
    token = _quiet.set(True)
    context.call_on_close(lambda: _quiet.reset(token))
