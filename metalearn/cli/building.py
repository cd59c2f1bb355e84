"""The command that evaluates configurations on tables of one's own: kb build."""

import sys
from dataclasses import replace

import click

from metalearn._address import shown
from metalearn.cli.base import KINDS_OF_PROBLEM, as_json_option, clear_errors, end_softly_when_terminated, source_option
from metalearn.cli.console import say

__all__ = ["build"]


@click.command()
@click.argument("tables", nargs=-1, required=True, metavar="TABLES...")
@click.option(
    "--target-column",
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="Target; if given several times, each table uses the first that it has.",
)
@click.option("--store", required=True, metavar="PATH|URL", help="Where the results go, and what is known already.")
@source_option
@click.option(
    "--configurations",
    default="portfolio:30",
    show_default=True,
    metavar="portfolio:N|all|FILE",
    help="The N of the bundled knowledge base that best complement one another, all of it, or a JSON list.",
)
@click.option(
    "--task",
    "problem_type",
    type=click.Choice(KINDS_OF_PROBLEM),
    help="Kind of problem of all tables; default: inferred from each target.",
)
@click.option("--jobs", default=1, show_default=True, help="Fits at the same time; -1 for one on each processor.")
@click.option(
    "--backend",
    type=click.Choice(["loky", "dask", "ray"]),
    default="loky",
    show_default=True,
    help="Processes of this machine, or a cluster.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Of a running cluster; default: one is started here.")
@click.option("--time-limit", default=60.0, show_default=True, metavar="SECONDS", help="Of one fit.")
@click.option("--memory-limit", default=8000, show_default=True, metavar="MB", help="Of one fit.")
@click.option("--max-rows", default=5000, show_default=True, help="Rows that are used of a table.")
@click.option("--dry-run", is_flag=True, help="Predict the hours only.")
@click.option("--skip-unusable", is_flag=True, help="Go on without the tables that cannot be used.")
@click.option("--retry-failed", is_flag=True, help="Run again what failed or met a limit of time or memory.")
@as_json_option
@clear_errors
def build(
    tables: tuple[str, ...],
    targets: tuple[str, ...],
    store: str,
    source: str,
    configurations: str,
    problem_type: str | None,
    jobs: int,
    backend: str,
    scheduler: str | None,
    time_limit: float,
    memory_limit: int,
    max_rows: int,
    dry_run: bool,
    skip_unusable: bool,
    retry_failed: bool,
    as_json: bool,
) -> None:
    """Evaluate configurations on TABLES and keep the results; nothing that is known is run again, unless --retry-failed is given.

    TABLES are files, folders, patterns, OpenML datasets (openml:31), or tables that scikit-learn ships. A build that
    was stopped goes on where it was when the same command is given again.

    \b
    Examples:
      metalearn kb build sales/ --target-column revenue --store sqlite:///team.db --dry-run
      metalearn kb build a.csv "b/*.parquet" --target-column y --store team/ --jobs 2
      metalearn kb build sales/ --target-column revenue --store team/ --backend dask --scheduler tcp://10.0.0.1:8786
    """
    from metalearn.api import open_store  # noqa: PLC0415 - --help stays fast
    from metalearn.builder import Limits  # noqa: PLC0415
    from metalearn.building import build_knowledge_base  # noqa: PLC0415

    end_softly_when_terminated()
    try:
        report = build_knowledge_base(
            tables,
            target_column=targets,
            store=open_store(store, source=source),
            configurations=configurations,
            problem_type=problem_type,
            limits=Limits(fit_seconds=time_limit, memory_mb=memory_limit, max_rows=max_rows),
            n_jobs=jobs,
            backend=backend,
            scheduler=scheduler,
            dry_run=dry_run,
            skip_unusable=skip_unusable,
            retry_failed=retry_failed,
        )
    except KeyboardInterrupt:
        say("Stopped. What was finished is stored; the same command goes on from there.", err=True)
        sys.exit(130)
    report = replace(report, store=shown(store))
    say(report.to_json() if as_json else report)
