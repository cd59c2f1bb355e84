"""The command line: data on stdout, progress and errors on stderr."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from metalearn._version import __version__
from metalearn.exceptions import InvalidInputError, MetalearnError, UnknownNameError
from metalearn.tables import read_table

__all__ = ["main"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def _clear_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors into one line and an exit code: 2 for what the user can correct, 1 for a run that failed."""

    @wraps(command)
    def guarded(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except (InvalidInputError, UnknownNameError) as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)
        except (MetalearnError, OSError, MemoryError) as error:
            click.echo(f"Error: {error or type(error).__name__}", err=True)
            sys.exit(1)

    return guarded


def _table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what every command that reads a table takes."""
    for decorate in reversed(
        (
            click.argument("data"),
            click.option("--target", metavar="COLUMN", help="Target column; the shipped tables have their own."),
            click.option(
                "--task",
                "problem_type",
                type=click.Choice(["binary", "multiclass", "regression"]),
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
    return command


def _names(families: str | None) -> list[str] | None:
    return None if families is None else [name.strip() for name in families.split(",") if name.strip()]


@click.group(context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="metalearn")
def main() -> None:
    """Recommend which models to try first on a table, learned from results on hundreds of other tables.

    \b
    DATA is a CSV, TSV, Parquet or ARFF file, an OpenML dataset (openml:31), or a table that
    scikit-learn ships: breast_cancer, diabetes, digits, iris, wine.

    \b
    Example:  metalearn recommend wine
    """


@main.command()
@_table_options
@click.option("-n", "n", default=5, show_default=True, help="How many configurations.")
@click.option("--metric", help="What to optimise; default: roc_auc, accuracy or r2, by the kind of problem.")
@click.option("--time-budget", type=float, metavar="SECONDS", help="What trying the list may take.")
@click.option(
    "--families",
    metavar="A,B",
    help="Model families to choose from, such as lightgbm,rf; default: all installed.",
)
@click.option("--knowledge-base", metavar="PATH|URL", help="What to learn from; default: the bundled knowledge base.")
@click.option("--recommender", default="auto", show_default=True, help="Strategy, by name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file as well.")
@click.option("--code", "as_code", is_flag=True, help="Print a script that trains the first candidate instead.")
@_clear_errors
def recommend(
    data: str,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    n: int,
    metric: str | None,
    time_budget: float | None,
    families: str | None,
    knowledge_base: str | None,
    recommender: str,
    as_json: bool,
    html: Path | None,
    as_code: bool,
) -> None:
    """Rank the configurations to try first on DATA, and say why. Nothing is trained.

    \b
    Examples:
      metalearn recommend wine
      metalearn recommend houses.csv --target price -n 10 --time-budget 60
    """
    from metalearn.api import recommend as answer  # noqa: PLC0415 - --help stays fast

    table = read_table(data, target)
    found = answer(
        table.X,
        table.y,
        n=n,
        metric=metric,
        time_budget=time_budget,
        families=_names(families),
        knowledge_base=knowledge_base,
        problem_type=problem_type,
        categorical=categorical,
        recommender=recommender,
        name=table.name,
    )
    if html is not None:
        found.to_html(html)
    if as_code:
        click.echo(found.to_code())
    elif as_json:
        click.echo(found.to_json())
    else:
        if problem_type is None:
            click.echo(f"Taken as a {found.task.problem_type} problem; --task overrides that.", err=True)
        click.echo(found.explain(n_neighbours=5))


@main.command()
@_table_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@_clear_errors
def describe(
    data: str,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the meta-features of DATA and what the data checks find.

    \b
    Example:  metalearn describe wine
    """
    from metalearn.checks import check_data  # noqa: PLC0415 - --help stays fast
    from metalearn.dataset import Dataset  # noqa: PLC0415
    from metalearn.metafeatures import extract  # noqa: PLC0415
    from metalearn.report.text import facts_table, number  # noqa: PLC0415

    table = read_table(data, target)
    checked = Dataset.from_data(table.X, table.y, problem_type=problem_type, categorical=categorical)
    found, findings = extract(checked), check_data(checked)
    if as_json:
        values = {k: (v if v == v and abs(v) != float("inf") else None) for k, v in found.values.items()}  # noqa: PLR0124
        facts = {
            "problem_type": str(checked.problem_type),
            "meta_features": values,
            "findings": [f.message for f in findings],
        }
        click.echo(json.dumps(facts, indent=1))
        return
    click.echo(f"{table.name}: {checked.problem_type}, {checked.n_rows:,} rows, {checked.n_features:,} columns\n")
    click.echo(
        facts_table(("meta-feature", "value"), [(k, number(v)) for k, v in found.values.items()], right=("value",))
    )
    for finding in findings:
        click.echo(f"Check: {finding.message}")
    if not findings:
        click.echo("Checks: nothing suspicious found.")


@main.command()
@_table_options
@click.option("-n", "n", default=10, show_default=True, help="How many configurations.")
@click.option("--metric", help="What to optimise; default: roc_auc, accuracy or r2, by the kind of problem.")
@click.option("--families", metavar="A,B", help="Model families to choose from; default: all installed.")
@click.option("--knowledge-base", metavar="PATH|URL", help="What to learn from; default: the bundled knowledge base.")
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The HTML file.")
@_clear_errors
def report(
    data: str,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    n: int,
    metric: str | None,
    families: str | None,
    knowledge_base: str | None,
    out: Path,
) -> None:
    """Write what to try first on DATA, and why, as one page for a browser. Nothing is trained.

    \b
    Example:  metalearn report wine -o report.html
    """
    from metalearn.api import recommend as answer  # noqa: PLC0415 - --help stays fast

    table = read_table(data, target)
    found = answer(
        table.X,
        table.y,
        n=n,
        metric=metric,
        families=_names(families),
        knowledge_base=knowledge_base,
        problem_type=problem_type,
        categorical=categorical,
        name=table.name,
    )
    found.to_html(out)
    click.echo(f"Written to {out}.", err=True)


@main.command()
@_table_options
@click.option("--trials", default=20, show_default=True, help="How many configurations to try.")
@click.option("--time-budget", type=float, metavar="SECONDS", help="What the whole search may take; default: no limit.")
@click.option("--metric", help="What to optimise; default: roc_auc, accuracy or r2, by the kind of problem.")
@click.option("--families", metavar="A,B", help="Model families to choose from; default: all installed.")
@click.option("--knowledge-base", metavar="PATH|URL", help="What to learn from; default: the bundled knowledge base.")
@click.option("--record-to", metavar="PATH|URL", help="Store to add the results to; no row of DATA goes there.")
@click.option("--jobs", default=1, show_default=True, help="Fits at the same time; -1 for one on each processor.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the model (.skops).")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@_clear_errors
def tune(
    data: str,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    trials: int,
    time_budget: float | None,
    metric: str | None,
    families: str | None,
    knowledge_base: str | None,
    record_to: str | None,
    jobs: int,
    out: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Search for the best configuration on DATA, beginning with what is recommended, and save the model.

    \b
    Examples:
      metalearn tune wine --trials 5 --out wine.skops
      metalearn tune houses.csv --target price --time-budget 120 --jobs 2 --out houses.skops
    """
    from metalearn.estimators import save_model  # noqa: PLC0415 - --help stays fast
    from metalearn.estimators import tune as search  # noqa: PLC0415

    table = read_table(data, target)
    model = search(
        table.X,
        table.y,
        problem_type=problem_type,
        categorical=categorical,
        n_trials=trials,
        time_budget=time_budget,
        metric=metric,
        families=_names(families),
        knowledge_base=knowledge_base,
        record_to=record_to,
        n_jobs=jobs,
    )
    click.echo(model.to_json() if as_json else model.explain())
    if html is not None:
        model.to_html(html)
    if out is not None:
        save_model(model, out)
        click.echo(f"Written to {out}. Predict with: metalearn predict {out} NEW -o predictions.csv", err=True)


@main.command()
@click.argument("model", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("data")
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV or Parquet file; default: print CSV."
)
@_clear_errors
def predict(model: Path, data: str, out: Path | None) -> None:
    """Predict every row of DATA with a MODEL that metalearn tune wrote.

    Columns may stand in any order; those that the model does not know are ignored.

    \b
    Example:  metalearn predict houses.skops new.csv -o predictions.csv
    """
    from metalearn.estimators import load_model, predict_table  # noqa: PLC0415 - --help stays fast
    from metalearn.tables import read_frame, write_frame  # noqa: PLC0415

    fitted = load_model(model)
    predictions, surplus = predict_table(fitted, read_frame(Path(data)))
    if surplus:
        click.echo(f"Not used: {', '.join(surplus[:10])}{' ...' if len(surplus) > 10 else ''}.", err=True)  # noqa: PLR2004
    if out is None:
        click.echo(predictions.to_csv(index=False), nl=False)
    else:
        write_frame(predictions, out)
        click.echo(f"{len(predictions):,} predictions written to {out}.", err=True)


@main.command()
@click.argument("model", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("data")
@click.option("--target", metavar="COLUMN", help="Target column; default: the one that the model was fitted on.")
@click.option("--knowledge-base", metavar="PATH|URL", help="What to learn from; default: the bundled knowledge base.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@_clear_errors
def recheck(
    model: Path,
    data: str,
    target: str | None,
    knowledge_base: str | None,
    as_json: bool,
) -> None:
    """Tell whether what MODEL was chosen for still holds on DATA; if not, say what moved and exit with 1.

    \b
    Example:  metalearn recheck houses.skops this_month.csv
    """
    from metalearn.estimators import load_model  # noqa: PLC0415 - --help stays fast
    from metalearn.tables import read_table as read  # noqa: PLC0415
    from metalearn.validity import recheck as check  # noqa: PLC0415

    fitted = load_model(model)
    table = read(data, target or fitted.target_["name"])
    found = check(fitted, table.X, table.y, knowledge_base=knowledge_base)
    click.echo(found.to_json() if as_json else str(found))
    if not found.still_valid:
        sys.exit(1)


@main.group()
def kb() -> None:
    """Look at knowledge bases."""


@kb.command()
@click.argument("source", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@_clear_errors
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
