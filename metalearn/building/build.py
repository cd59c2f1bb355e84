"""Build knowledge from tables of one's own: plan, predict the hours, evaluate, store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import joblib

from metalearn._address import shown
from metalearn._wording import advice
from metalearn.builder import Limits, describe, evaluate, plan
from metalearn.building.choice import Choice
from metalearn.building.clusters import on_cluster
from metalearn.building.ledger import Ledger
from metalearn.building.progress import progress_bar
from metalearn.building.report import BuildReport
from metalearn.building.sources import usable_tables
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import Store, open_store
from metalearn.space import Configuration
from metalearn.task import ProblemType

__all__ = ["build_knowledge_base"]

_LARGEST_UNIT = 10
_UNITS_PER_PROCESS = 4


def build_knowledge_base(
    tables: str | Path | Iterable[str | Path],
    *,
    store: Store | str | Path,
    target_column: str | Sequence[str] | None = None,
    configurations: str | Path | Sequence[Configuration] = "portfolio:30",
    problem_type: ProblemType | str | None = None,
    limits: Limits | None = None,
    n_jobs: int = 1,
    backend: str = "loky",
    scheduler: str | None = None,
    dry_run: bool = False,
    skip_unusable: bool = False,
    retry_failed: bool = False,
    progress: bool | None = None,
) -> BuildReport:
    """Evaluate configurations on tables by cross-validation and keep the results in a store.

    What the store knows already is not run again, and every finished piece is stored at once: a build that was
    stopped, however rudely, goes on where it was when it is called again.

    Parameters
    ----------
    tables : str, Path or iterable of them
        Files, folders (every table directly inside), patterns such as ``"sales/*.csv"``, and the names that
        :func:`metalearn.table.read.read_table` takes. Workers of a cluster read files by the same absolute path.
    store : Store, str or Path
        Where the results go.
    target_column : str, sequence of str or None, default=None
        The target; of several, each table uses the first that it has. Shipped and OpenML tables have one of their own.
    configurations : str, Path or sequence of Configuration, default="portfolio:30"
        ``"portfolio:N"``: the N of the bundled knowledge base that best complement one another over its tables;
        ``"all"``: every one that it knows; the path of a JSON file with a list of
        ``{"model": ..., "params": {...}}``; or the configurations themselves. Those that do not fit the problem type,
        or whose package is not installed, are left out.
    problem_type : ProblemType, str or None, default=None
        Of all tables; None infers it for each.
    limits : Limits or None, default=None
        Bounds on time, memory and rows; None takes the defaults.
    n_jobs : int, default=1
        Processes on this machine, -1 for one on each processor; a running cluster uses all its workers.
    backend : {"loky", "dask", "ray"}, default="loky"
        Who does the work.
    scheduler : str or None, default=None
        Address of a running cluster; None starts one here.
    dry_run : bool, default=False
        Whether to predict the hours only.
    skip_unusable : bool, default=False
        Whether a table that cannot be used is skipped and reported, instead of ending the build before it begins.
    retry_failed : bool, default=False
        Whether what failed before, or met a limit of time or memory, is run again. What was pruned, or has fewer folds
        than the limits say, always is.
    progress : bool or None, default=None
        Whether to show a progress bar; None shows one only on a terminal.

    Returns
    -------
    BuildReport
        What was done, or would be.

    Raises
    ------
    InvalidInputError
        If a table cannot be used (all of them are named) or an option is wrong.
    UnknownNameError
        If a model, a parameter or a backend is unknown.
    MissingExtraError
        If the cluster's package is not installed.
    ClusterError
        If no cluster answers, or it gives work up.

    Examples
    --------
    >>> report = build_knowledge_base(["iris", "wine"], store="team.db", configurations="portfolio:5", dry_run=True)
    >>> len(report.tables), report.predicted_hours < 1
    (2, True)
    """
    if n_jobs == 0:
        message = "n_jobs is 0, with which nothing is run. Expected 1 or more, or -1 for one on each processor. Give one of them."
        raise InvalidInputError(message)
    limits = limits or Limits()
    kept = open_store(store) if isinstance(store, str | Path) else store
    choice = Choice(configurations)
    sources = [tables] if isinstance(tables, str | Path) else tables
    targets = [target_column] if isinstance(target_column, str) else target_column or ()
    usable, skipped, notes = usable_tables(sources, targets, problem_type, limits)
    if not usable or (skipped and not skip_unusable):
        raise _unusable(skipped, len(usable) + len(skipped))
    known = kept.read()
    usable = [replace(table, task=replace(table.task, id=known.id_of(table.task))) for table in usable]
    n_workers = joblib.effective_n_jobs(n_jobs)
    settled = known.outcomes(limits.n_run)
    if retry_failed:
        settled = {pair: status for pair, status in settled.items() if status is Status.OK}
    ledger = Ledger(usable, choice, settled, limits)
    size = min(max(ledger.n_planned // (_UNITS_PER_PROCESS * n_workers), 1), _LARGEST_UNIT)
    units = plan(usable, partial(_waves, choice, size), settled)
    described = set(known.meta_features["task_id"])
    bare = [table for table in usable if table.task.id not in described]
    if (units or bare) and not dry_run:
        with on_cluster(backend, scheduler, n_jobs=n_jobs):
            with progress_bar("describing tables", len(bare), show=progress) as advance:
                for task, meta_features in describe(bare, limits=limits, n_jobs=n_jobs):
                    kept.append(task, meta_features, [])
                    advance(1)
            with progress_bar("fitting", ledger.predicted_seconds, show=progress) as advance:
                for task, evaluations in evaluate(units, limits=limits, n_jobs=n_jobs):
                    kept.append(task, None, evaluations)
                    advance(ledger.add(evaluations))
    return BuildReport(
        store=shown(store),
        dry_run=dry_run,
        n_jobs=n_workers,
        tables=tuple(table.task.name for table in usable),
        skipped=skipped,
        notes=notes,
        families=ledger.families(),
    )


def _waves(choice: Choice, size: int, problem_type: ProblemType) -> list[tuple[Configuration, ...]]:
    """Return the configurations in groups that are run in one go, the most valuable first."""
    found = choice.of(problem_type)
    return [found[start : start + size] for start in range(0, len(found), size)]


def _unusable(skipped: Mapping[str, str], n_tables: int) -> InvalidInputError:
    listed = "".join(f"\n  {name}: {reason}" for name, reason in skipped.items())
    return InvalidInputError(
        f"{len(skipped) or 'None'} of {n_tables} tables cannot be used. Expected all of them to be readable and to have "
        f"the target. Correct them, or skip those that cannot be used ({advice(python='skip_unusable=True', command='--skip-unusable')}).{listed}"
    )
