"""Commands that train and use models: tune, predict, recheck."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from metalearn.cli.base import (
    as_json_option,
    clear_errors,
    end_softly_when_terminated,
    family_names,
    knowledge_base_option,
    name_option,
    new_model,
    new_page,
    new_table,
    reading_options,
    source_option,
    table_options,
)
from metalearn.cli.console import say
from metalearn.exceptions import InvalidInputError
from metalearn.report.markup import visible
from metalearn.table.read import read_table

__all__ = ["predict", "recheck", "tune"]


@click.command()
@table_options
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Configurations to try at most, the default included; default: as many as --time-budget allows, or 20.",
)
@click.option(
    "--time-budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="What the whole search may take; default: no limit.",
)
@click.option(
    "--metric",
    help="What to optimise, by our name or a scorer's of scikit-learn; default: roc_auc, accuracy or r2, by the kind of problem.",
)
@click.option("--families", metavar="A,B", help="Model families to choose from; default: all installed.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="Folds of the cross-validation; default: 5, or 3 on more than 5,000 rows.",
)
@click.option(
    "--groups", metavar="COLUMN", help="Keep rows of one value, such as a patient's, in one fold; no feature."
)
@click.option("--time", metavar="COLUMN", help="Test every fold on later rows than it is trained on.")
@click.option("--sample-weight", metavar="COLUMN", help="Weigh rows by it in fitting, not in scores; no feature.")
@knowledge_base_option
@click.option("--record-to", metavar="PATH|URL", help="Store to add the results to; no row of DATA goes there.")
@source_option
@name_option
@click.option("--jobs", default=1, show_default=True, help="Fits at the same time; -1 for one on each processor.")
@click.option("--out", type=new_model, help="Where to write the model (.skops).")
@click.option("--html", type=new_page, help="Write a report to this file as well.")
@as_json_option
@clear_errors
def tune(
    data: str,
    target: str | None,
    problem_type: str | None,
    categorical: tuple[str, ...],
    reading: dict[str, Any],
    trials: int | None,
    time_budget: float | None,
    metric: str | None,
    families: str | None,
    folds: int | None,
    groups: str | None,
    time: str | None,
    sample_weight: str | None,
    knowledge_bases: tuple[str, ...],
    record_to: str | None,
    source: str,
    name: str | None,
    jobs: int,
    out: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Search for the best configuration on DATA, led by what is recommended; --out saves the model.

    The library's default is tried first, since it has to be beaten; of a time budget it may take an eighth. Then comes the
    list that recommend prints for the same table and budget, and then what the results suggest. So --trials 1 fits the default alone.

    \b
    Examples:
      metalearn tune wine --trials 5 --out wine.skops
      metalearn tune houses.csv --target price --time-budget 120 --jobs 2 --out houses.skops
      metalearn tune visits.csv --target relapse --groups patient --out visits.skops
    """
    from metalearn.api import open_store  # noqa: PLC0415 - --help stays fast
    from metalearn.estimators import save_model  # noqa: PLC0415
    from metalearn.estimators import tune as search  # noqa: PLC0415

    end_softly_when_terminated()
    table = read_table(data, target, **reading)
    model = search(
        table.X,
        table.y,
        problem_type=problem_type,
        categorical=categorical,
        n_trials=trials,
        time_budget=time_budget,
        metric=metric,
        families=family_names(families),
        cv=folds,
        groups=groups,
        time=time,
        sample_weight=sample_weight,
        knowledge_base=list(knowledge_bases) or None,
        record_to=None if record_to is None else open_store(record_to, source=source),
        name=name,
        n_jobs=jobs,
    )
    model.recommendation_ = replace(model.recommendation_, file=data, reading=reading)
    say(model.to_json() if as_json else model.explain())
    if out is None:
        say("The model was not saved. To keep one, add --out MODEL.skops.", err=True)
    else:
        save_model(model, out)
        say(
            f"Written to {out}. Predict with: metalearn predict {shlex.quote(str(out))} NEW -o predictions.csv",
            err=True,
        )
    if html is not None:  # after the model, which is worth more
        model.to_html(html, name=name or table.name)


def _check_order(model: Path, data: str) -> None:
    """Refuse a table in the place of the model."""
    if model.suffix.lower() != ".skops" and Path(data).suffix.lower() == ".skops":
        message = f"{str(model)!r} stands where the model is expected, {data!r} where the table is. Expected MODEL DATA. Swap them."
        raise InvalidInputError(message)


@click.command()
@click.argument("model", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("data")
@reading_options
@click.option("-o", "--out", type=new_table, help="CSV or Parquet file; default: print CSV.")
@click.option(
    "--id", "ids", multiple=True, metavar="COLUMN", help="Column to write beside the predictions; may be repeated."
)
@as_json_option
@clear_errors
def predict(
    model: Path, data: str, reading: dict[str, Any], out: Path | None, ids: tuple[str, ...], as_json: bool
) -> None:
    """Predict every row of DATA with a MODEL that metalearn tune wrote.

    Columns may stand in any order; those that the model does not know are ignored.

    \b
    Example:  metalearn predict houses.skops new.csv -o predictions.csv
    """
    import pandas as pd  # noqa: PLC0415 - --help stays fast

    from metalearn.estimators import load_model, predict_table  # noqa: PLC0415 - --help stays fast
    from metalearn.estimators.tuning import remembered, text_columns  # noqa: PLC0415
    from metalearn.report import to_json  # noqa: PLC0415
    from metalearn.table.intake import chosen_columns  # noqa: PLC0415
    from metalearn.table.read import has_own_target, read_frame, write_frame  # noqa: PLC0415

    if out is not None and out.exists() and Path(data).exists() and out.samefile(data):
        message = f"{str(out)!r} is the table to be predicted. Expected another file for the predictions. Name one."
        raise InvalidInputError(message)
    _check_order(model, data)
    fitted = load_model(model)
    known = text_columns(fitted)
    reading = remembered(fitted, reading)
    frame = read_table(data).X if has_own_target(data) else read_frame(Path(data), text=known, **reading)
    predictions, surplus = predict_table(fitted, frame)
    if ids:
        passed = frame[chosen_columns(list(map(str, frame.columns)), keep=ids)].reset_index(drop=True)
        predictions = pd.concat([passed[list(ids)], predictions], axis=1)
        surplus = [name for name in surplus if name not in ids]
    if surplus:
        say(f"Not used: {', '.join(surplus[:10])}{' ...' if len(surplus) > 10 else ''}.", err=True)  # noqa: PLR2004
    if as_json:
        say(to_json(predictions.to_dict("records")))
    elif out is None:
        written = predictions.to_csv(index=False)
        click.echo(visible(written) if sys.stdout.isatty() else written, nl=False)
    if out is not None:
        write_frame(predictions, out)
        say(f"{len(predictions):,} prediction{'s' if len(predictions) != 1 else ''} written to {out}.", err=True)


@click.command()
@click.argument("model", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("data")
@click.option("--target", metavar="COLUMN", help="Target column; default: the one that the model was fitted on.")
@reading_options
@knowledge_base_option
@as_json_option
@clear_errors
def recheck(
    model: Path,
    data: str,
    target: str | None,
    reading: dict[str, Any],
    knowledge_bases: tuple[str, ...],
    as_json: bool,
) -> None:
    """Tell whether what MODEL was chosen for still holds on DATA; if not, say what moved and exit with 1.

    \b
    Example:  metalearn recheck houses.skops this_month.csv
    """
    from metalearn.estimators import load_model  # noqa: PLC0415 - --help stays fast
    from metalearn.estimators.recheck import recheck as check  # noqa: PLC0415
    from metalearn.estimators.tuning import remembered, text_columns  # noqa: PLC0415
    from metalearn.table.read import read_table as read  # noqa: PLC0415

    _check_order(model, data)
    fitted = load_model(model)
    reading = remembered(fitted, reading)
    table = read(data, target or fitted.target_["name"], text=text_columns(fitted), **reading)
    found = check(fitted, table.X, table.y, knowledge_base=list(knowledge_bases) or None)
    say(found.to_json() if as_json else str(found))
    if not found.still_valid:
        sys.exit(1)
