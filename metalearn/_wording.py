"""Advice in the words of whoever asked: options on the command line, arguments in Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["advice", "at_command_line"]

_at_command_line = ContextVar("at_command_line", default=False)


@contextmanager
def at_command_line() -> Iterator[None]:
    """Word advice for the command line meanwhile."""
    token = _at_command_line.set(True)
    try:
        yield
    finally:
        _at_command_line.reset(token)


def advice(*, python: str, command: str) -> str:
    """Return the advice that fits where it is read."""
    return command if _at_command_line.get() else python
