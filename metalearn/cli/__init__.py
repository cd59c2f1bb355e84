"""The command line: data on stdout, progress and errors on stderr."""

import click

from metalearn._version import __version__
from metalearn.cli.advice import describe, recommend, report
from metalearn.cli.agents import mcp
from metalearn.cli.console import adapt_console, be_quiet
from metalearn.cli.knowledge import kb
from metalearn.cli.tuning import predict, recheck, tune

__all__ = ["main"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


_TASKS = {
    "Look at a table": ("describe", "recommend", "report"),
    "Train and use a model": ("tune", "predict", "recheck"),
    "Keep and share results": ("kb",),
    "Serve agents": ("mcp",),
}


class _ByTask(click.Group):
    """List commands by task in the help."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write one section for each task."""
        for task, names in _TASKS.items():
            with formatter.section(task):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(200)) for name in names])

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List commands in the order of the help."""
        return [name for names in _TASKS.values() for name in names]


@click.group(cls=_ByTask, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="metalearn")
@click.option("-q", "--quiet", is_flag=True, help="Print answers and errors only.")
@click.pass_context
def main(context: click.Context, *, quiet: bool) -> None:
    """Recommend which models to try first on a table, learned from results on hundreds of other tables.

    \b
    DATA is a CSV, TSV, Parquet or ARFF file, an OpenML dataset (openml:31), or a table that
    scikit-learn ships: breast_cancer, diabetes, digits, iris, wine.

    \b
    Example:  metalearn recommend wine
    """
    if quiet:
        be_quiet(context)
    adapt_console(context)


for command in (recommend, describe, report, tune, predict, recheck, kb, mcp):
    main.add_command(command)
