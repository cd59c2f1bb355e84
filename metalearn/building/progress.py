"""Show on a terminal how far a build is, and how long it will still take."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]

_REMEMBERED_SECONDS = 900
"""Speed is estimated over this time: pieces of work take minutes."""


@contextmanager
def progress_bar(what: str, total: float, *, show: bool | None = None) -> Iterator[Callable[[float], object]]:
    """Give a function that moves a bar on, and tidy up at the end."""
    from rich.console import Console  # noqa: PLC0415 - needed only while building
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not (console.is_terminal if show is None else show):
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, speed_estimate_period=_REMEMBERED_SECONDS) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda amount: bars.advance(bar, amount)
