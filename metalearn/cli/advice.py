"""Commands that answer without training: recommend, describe, report."""

import json
from pathlib import Path

import click

from metalearn.cli.base import as_json_option, clear_errors, family_names, knowledge_base_option, table_options
from metalearn.tables import read_table

__all__ = ["describe", "recommend", "report"]


@click.command()
@table_options
@click.option("-n", "n", default=5, show_default=True, help="How many configurations.")
@click.option("--metric", help="What to optimise; default: roc_auc, accuracy or r2, by the kind of problem.")
@click.option("--time-budget", type=float, metavar="SECONDS", help="What trying the list may take.")
@click.option(
    "--families",
    metavar="A,B",
    help="Model families to choose from, such as lightgbm,rf; default: all installed.",
)
@knowledge_base_option
@click.option("--recommender", default="auto", show_default=True, help="Strategy, by name.")
@as_json_option
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file as well.")
@click.option("--code", "as_code", is_flag=True, help="Print a script that trains the first candidate instead.")
@clear_errors
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
        families=family_names(families),
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


@click.command()
@table_options
@as_json_option
@clear_errors
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


@click.command()
@table_options
@click.option("-n", "n", default=10, show_default=True, help="How many configurations.")
@click.option("--metric", help="What to optimise; default: roc_auc, accuracy or r2, by the kind of problem.")
@click.option("--families", metavar="A,B", help="Model families to choose from; default: all installed.")
@knowledge_base_option
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The HTML file.")
@clear_errors
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
        families=family_names(families),
        knowledge_base=knowledge_base,
        problem_type=problem_type,
        categorical=categorical,
        name=table.name,
    )
    found.to_html(out)
    click.echo(f"Written to {out}.", err=True)
