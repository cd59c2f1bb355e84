"""Show on a terminal how a search goes; be silent everywhere else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from metalearn.estimators.search import Budget, SearchTrial
from metalearn.report.text import number, seconds

__all__ = ["progress", "status_line"]


@contextmanager
def progress(budget: Budget, *, show: bool | None) -> Iterator[Callable[[Sequence[SearchTrial]], object]]:
    """Give a function that shows the state of a search, and tidy up at the end."""
    from rich.console import Console  # noqa: PLC0415 - needed only while fitting
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if not (console.is_terminal if show is None else show):
        yield len
        return
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=console.is_terminal) as bars:
        line = bars.add_task("looking at the table", total=1.0)

        def watch(trials: Sequence[SearchTrial]) -> None:
            ended = [t for t in trials if t.status is not None]
            shares = [len(ended) / budget.n_trials] if budget.n_trials else []
            shares += [budget.elapsed / budget.seconds] if budget.seconds else []
            bars.update(line, completed=min(max(shares, default=0.0), 1.0), description=status_line(trials, budget))

        yield watch


def status_line(trials: Sequence[SearchTrial], budget: Budget) -> str:
    """Say how far a search is: ``trial 3 of 20, lightgbm, about 40 s left, best .912``."""
    ended = [t for t in trials if t.status is not None]
    running = next((t for t in trials if t.status is None), trials[-1])
    left = [budget.elapsed / len(ended) * (budget.n_trials - len(ended))] if budget.n_trials and ended else []
    left += [budget.left] if budget.seconds else []
    best = min((t for t in ended if t.is_complete), key=lambda t: t.loss, default=None)
    parts = [
        f"trial {min(len(ended) + 1, len(trials))}" + (f" of {budget.n_trials}" if budget.n_trials else ""),
        running.configuration.model,
        *([f"about {seconds(max(min(left), 0.0))} left"] if left else []),
        *([] if best is None else [f"best {number(best.score)}"]),
    ]
    return ", ".join(parts)
