"""Commands that answer without training: recommend, describe, report."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metalearn.cli.base import (
    as_json_option,
    clear_errors,
    compact_option,
    family_names,
    knowledge_base_option,
    new_page,
    say_json,
    table_options,
    target_options,
)
from metalearn.cli.console import say
from metalearn.table.read import read_table

if TYPE_CHECKING:
    from metalearn.metafeatures import MetaFeature

__all__ = ["describe", "recommend", "report"]

_MOST_COLUMNS = 40


@click.command()
@table_options
@click.option("-n", "n", default=5, show_default=True, help="How many configurations.")
@click.option(
    "--metric",
    help="What to optimise, by our name or a scorer's of scikit-learn; default: roc_auc, accuracy or r2, by the kind of problem.",
)
@click.option("--time-budget", type=float, metavar="SECONDS", help="What trying the list may take.")
@click.option(
    "--families",
    metavar="A,B",
    help="Model families to choose from, such as lightgbm,rf; default: all installed.",
)
@knowledge_base_option
@click.option("--recommender", default="auto", show_default=True, help="Strategy, by name.")
@as_json_option
@compact_option
@click.option("--html", type=new_page, help="Write a report to this file as well.")
@click.option("--code", "as_code", is_flag=True, help="Print a script that trains the first candidate instead.")
@clear_errors
def recommend(
    data: str,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    reading: dict[str, Any],
    n: int,
    metric: str | None,
    time_budget: float | None,
    families: str | None,
    knowledge_bases: tuple[str, ...],
    recommender: str,
    as_json: bool,
    compact: bool,
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

    table = read_table(data, target, **reading)
    found = answer(
        table.X,
        table.y,
        n=n,
        metric=metric,
        time_budget=time_budget,
        families=family_names(families),
        knowledge_base=list(knowledge_bases) or None,
        problem_type=problem_type,
        categorical=categorical,
        recommender=recommender,
        name=table.name,
    )
    found = replace(found, file=data, reading=reading)
    if html is not None:
        found.to_html(html)
    if as_code:
        say(found.to_code())
    elif as_json or compact:
        say(found.to_json(compact=compact))
    else:
        if problem_type is None:
            say(f"Taken as a {found.task.problem_type} problem; --task overrides that.", err=True)
        say(found.explain(n_neighbours=5))


@click.command()
@click.argument("data", required=False)
@target_options
@click.option(
    "--tier",
    type=click.Choice(["cheap", "landmarks", "all"]),
    help="How much to compute (default: cheap) or to list (default: all).",
)
@click.option("--time-budget", type=float, metavar="SECONDS", help="After this, nothing more is begun.")
@click.option("--list", "as_list", is_flag=True, help="Say what each meta-feature is, without DATA.")
@as_json_option
@compact_option
@clear_errors
def describe(
    data: str | None,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    reading: dict[str, Any],
    tier: str | None,
    time_budget: float | None,
    as_list: bool,
    as_json: bool,
    compact: bool,
) -> None:
    """Show the meta-features of DATA and what the data checks find.

    \b
    Examples:
      metalearn describe wine
      metalearn describe houses.csv --target price --tier all --time-budget 5
      metalearn describe --list
    """
    from metalearn.api import describe as measure  # noqa: PLC0415 - --help stays fast
    from metalearn.dataset import Dataset  # noqa: PLC0415
    from metalearn.metafeatures import list_meta_features  # noqa: PLC0415
    from metalearn.report import compact_description, compact_json  # noqa: PLC0415

    if as_list:
        _show_known(list_meta_features(tier=tier or "all"), as_json=as_json)
        return
    if data is None:
        message = "Missing argument 'DATA': the table to describe. To list what is measured: --list."
        raise click.UsageError(message)
    table = read_table(data, target, **reading)
    checked = Dataset.from_data(table.X, table.y, problem_type=problem_type, categorical=categorical)
    facts = measure(checked, table.name, tier=tier or "cheap", time_budget=time_budget)
    if compact:
        say(compact_json(compact_description(facts)))
    elif as_json:
        say_json("describe", facts)
    else:
        _show_found(facts, checked.columns["examples"].tolist())


def _show_known(features: Sequence["MetaFeature"], *, as_json: bool) -> None:
    from metalearn.report.text import facts_table  # noqa: PLC0415 - --help stays fast

    if as_json:
        facts = ("name", "group", "tier", "description", "unit", "nan_when", "reference")
        say(json.dumps([{fact: str(getattr(feature, fact)) for fact in facts} for feature in features], indent=1))
        return
    sections: dict[str, list[MetaFeature]] = {}
    for feature in features:
        sections.setdefault(f"{feature.group}: {feature.reference}", []).append(feature)
    for title, members in sections.items():
        rows = [(f.name, f.tier, f.unit, f.description, f.nan_when) for f in members]
        say(f"{title}\n\n{facts_table(('meta-feature', 'tier', 'unit', 'what', 'NaN when'), rows)}")
    say(f"{len(features)} meta-features.")


def _show_found(facts: Mapping[str, Any], examples: Sequence[str]) -> None:
    from metalearn.metafeatures import list_meta_features  # noqa: PLC0415 - --help stays fast
    from metalearn.report.text import facts_table, number  # noqa: PLC0415

    say(f"{facts['table']}: {facts['problem_type']}, {facts['n_rows']:,} rows, {facts['n_features']:,} columns\n")
    columns = [
        (c["name"], c["kind"], c["format"], c["missing"], c["distinct"], number(c["association"], 2), shown)
        for c, shown in zip(facts["columns"], examples, strict=True)
    ]
    shown = columns[:_MOST_COLUMNS]
    names = ("column", "read as", "written as", "missing", "distinct", "association", "commonest values")
    say(facts_table(names, shown, right=("missing", "distinct", "association")))
    say("Association: share of the target's variance that the column explains by itself, in bins or categories.\n")
    if len(columns) > len(shown):
        say(f"{len(shown)} of {len(columns):,} columns shown; --json lists all.\n")
    known = {feature.name: feature for feature in list_meta_features()}
    rows = [
        (known[k].group, k, number(v), known[k].unit)
        for k, v in facts["meta_features"].items()
        if facts["status"][k] == "ok"
    ]
    say(facts_table(("group", "meta-feature", "value", "unit"), rows, right=("value",)))
    counted = Counter(facts["status"].values())
    say(f"{sum(facts['seconds'].values()):.3f} s; {', '.join(f'{n} {status}' for status, n in counted.items())}.")
    for finding in facts["findings"]:
        say(f"Check: {finding['message']}")
    if not facts["findings"]:
        say("Checks: nothing suspicious found.")


@click.command()
@table_options
@click.option("-n", "n", default=10, show_default=True, help="How many configurations.")
@click.option(
    "--metric",
    help="What to optimise, by our name or a scorer's of scikit-learn; default: roc_auc, accuracy or r2, by the kind of problem.",
)
@click.option("--families", metavar="A,B", help="Model families to choose from; default: all installed.")
@knowledge_base_option
@click.option("-o", "--out", required=True, type=new_page, help="The HTML file.")
@as_json_option
@clear_errors
def report(
    data: str,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    reading: dict[str, Any],
    n: int,
    metric: str | None,
    families: str | None,
    knowledge_bases: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Write what to try first on DATA, and why, as one page for a browser. Nothing is trained.

    \b
    Example:  metalearn report wine -o report.html
    """
    from metalearn.api import recommend as answer  # noqa: PLC0415 - --help stays fast

    table = read_table(data, target, **reading)
    found = answer(
        table.X,
        table.y,
        n=n,
        metric=metric,
        families=family_names(families),
        knowledge_base=list(knowledge_bases) or None,
        problem_type=problem_type,
        categorical=categorical,
        name=table.name,
    )
    found = replace(found, file=data, reading=reading)
    found.to_html(out)
    if as_json:
        say(found.to_json())
    say(f"Written to {out}.", err=True)
