"""The command line: data on stdout, progress and errors on stderr."""

import click

from metalearn._version import __version__
from metalearn.cli.advice import describe, recommend, report
from metalearn.cli.agents import mcp
from metalearn.cli.console import adapt_console
from metalearn.cli.knowledge import kb
from metalearn.cli.tuning import predict, recheck, tune

__all__ = ["main"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="metalearn")
@click.pass_context
def main(context: click.Context) -> None:
    """Recommend which models to try first on a table, learned from results on hundreds of other tables.

    \b
    DATA is a CSV, TSV, Parquet or ARFF file, an OpenML dataset (openml:31), or a table that
    scikit-learn ships: breast_cancer, diabetes, digits, iris, wine.

    \b
    Example:  metalearn recommend wine
    """
    adapt_console(context)


for command in (recommend, describe, report, tune, predict, recheck, kb, mcp):
    main.add_command(command)
