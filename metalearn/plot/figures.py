"""Figures of recommendations, searches and knowledge bases: what the HTML report shows, as matplotlib axes."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metalearn.api import KnowledgeSource, open_knowledge_base
from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor
from metalearn.exceptions import InvalidInputError
from metalearn.plot.canvas import ACCENT, LABEL, SOFT, axes, documented, literal
from metalearn.recommendation import Recommendation
from metalearn.recommenders import PastTasks, PerformanceTable, Strategy, get_recommender
from metalearn.recommenders.simulation import curve, family_folds, play
from metalearn.report import series
from metalearn.report.markup import shortened
from metalearn.report.text import number
from metalearn.task import ProblemType, get_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["drivers", "families", "fits", "past_tasks", "progress", "regrets", "scores", "sizes"]

_MARKERS = {"binary": "o", "multiclass": "s", "regression": "^"}
_DECADE = 10.0

_of_recommendations = partial(
    documented,
    """recommendation : Recommendation
        What ``recommend`` returned.""",
    refused="If it is no recommendation.",
)
_of_searches = partial(
    documented,
    """model : MetaLearnClassifier or MetaLearnRegressor
        Fitted.""",
    refused="If the model is not fitted.",
)


@_of_recommendations("Numbers are ranks in the list; the first candidate is accented.")
def scores(recommendation: Recommendation, *, ax: "Axes | None" = None) -> "Axes":
    """Plot what each candidate should reach, with its 80 % interval, against the seconds of one fit."""
    _check(recommendation)
    ax = axes(ax)
    points = series.score_points(recommendation.report_facts()["candidates"])
    for i, p in enumerate(points):
        colour = SOFT if i else ACCENT
        ax.plot([p.seconds] * 2, [p.low, p.high], color=colour, alpha=0.5 if i else 1, linewidth=1.5 if i else 2.5)
        ax.plot(p.seconds, p.score, "o", color=colour, markersize=5 if i else 8)
        ax.annotate(p.label, (p.seconds, p.score), xytext=(6, 0), textcoords="offset points", va="center")
    metric = recommendation.task.metric.name
    ax.set(xscale="log", xlabel="seconds of one fit on one thread", ylabel=f"expected {metric}")
    if points:
        _show_seconds(ax, [p.seconds for p in points])
    return ax


def _show_seconds(ax: "Axes", seconds: Sequence[float]) -> None:
    """Leave room for a few round numbers, so that no ticks between them need a label."""
    from matplotlib.ticker import LogLocator, NullFormatter  # noqa: PLC0415 - an extra

    low, high = min(seconds), max(seconds)
    room = max(1.3, (_DECADE * low / high) ** 0.5)
    ax.set_xlim(low / room, high * room)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < _DECADE**2 else (1,)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())


@_of_recommendations(
    "The first two principal components of the meta-features; the nearest three tasks are named.",
    refused="If it is no recommendation, or one without a map.",
)
def past_tasks(recommendation: Recommendation, *, ax: "Axes | None" = None) -> "Axes":
    """Plot a map of the past tasks, coloured by what won there, with the new table on it."""
    _check(recommendation)
    facts = recommendation.report_facts()
    points = series.map_points(facts["places"], facts["neighbours"])
    if not points:
        message = (
            "The recommendation has no map: it was made from fewer than three past tasks, or read from JSON. "
            "Expected one that recommend() returned. Recommend again."
        )
        raise InvalidInputError(message)
    ax = axes(ax)
    here, *past = points
    codes = series.groups([p.group for p in past])
    for group in [*codes, "others"]:
        chosen = [p for p in past if (p.group if p.group in codes else "others") == group]
        if chosen:
            edges = ["black" if p.named else "none" for p in chosen]
            spots = [p.x for p in chosen], [p.y for p in chosen]
            ax.scatter(*spots, s=24, color=series.COLOURS[codes.get(group, 0)], edgecolors=edges, label=literal(group))
    ax.scatter([here.x], [here.y], s=90, marker="D", color=ACCENT, edgecolors="white", zorder=3)
    middle = sum(ax.get_xlim()) / 2
    for p in [*(p for p in past if p.named), here]:
        sideways, align = (8, "left") if p.x < middle else (-8, "right")
        place: dict[str, Any] = {"ha": align, "weight": "bold" if p is here else "normal"}
        spot = (sideways, -9 if p is here else 3)
        ax.annotate(literal(shortened(p.name, LABEL)), (p.x, p.y), xytext=spot, textcoords="offset points", **place)
    ax.set(xticks=[], yticks=[], xlabel="near each other where meta-features are alike")
    ax.legend(title="what won there", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return ax


@_of_recommendations("One bar each, the largest share on top.")
def drivers(recommendation: Recommendation, *, ax: "Axes | None" = None) -> "Axes":
    """Plot the meta-features that made the nearest past tasks near."""
    _check(recommendation)
    ax = axes(ax)
    shares = series.driver_shares(recommendation.drivers)
    ax.barh([literal(shortened(name, LABEL)) for name in shares], [100 * v for v in shares.values()], color=ACCENT)
    ax.invert_yaxis()
    ax.set(xlabel="share of the match in %")
    return ax


@_of_searches("Trials that lie far behind are below the range shown.")
def progress(model: MetaLearnClassifier | MetaLearnRegressor, *, ax: "Axes | None" = None) -> "Axes":
    """Plot what each trial of a search reached, and the best so far, against time."""
    trials, greater = _trials(model)
    ax = axes(ax)
    if trials:
        best = series.best_so_far(trials, greater_is_better=greater)
        seconds = [t.seconds for t in trials]
        ax.step([*seconds, max(*seconds, model.seconds_)], [*best, best[-1]], where="post", color=ACCENT, zorder=1)
        codes = series.groups([t.group for t in trials])
        for group in [*codes, "others"]:
            chosen = [t for t in trials if (t.group if t.group in codes else "others") == group]
            if chosen:
                spots = [t.seconds for t in chosen], [t.score for t in chosen]
                ax.scatter(*spots, s=20, color=series.COLOURS[codes.get(group, 0)], label=group)
        _show(ax.set_ylim, trials, greater_is_better=greater)
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    ax.set(xlabel="seconds since the start", ylabel=model.metric_.name)
    return ax


@_of_searches("Trials that lie far behind are outside the range shown.")
def families(model: MetaLearnClassifier | MetaLearnRegressor, *, ax: "Axes | None" = None) -> "Axes":
    """Plot what the trials of each model family reached in a search, the best family on top."""
    trials, greater = _trials(model)
    ax = axes(ax)
    found = series.by_family(trials, greater_is_better=greater)
    for row, reached in enumerate(found.values()):
        ax.scatter(reached, [row] * len(reached), color=SOFT, alpha=0.75)
        ax.annotate(number(reached[0]), (1.02, row), xycoords=("axes fraction", "data"), va="center", weight="bold")
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    if trials:
        _show(ax.set_xlim, trials, greater_is_better=greater)
    ax.set(xlabel=model.metric_.name)
    return ax


def sizes(knowledge_base: KnowledgeSource = None, *, ax: "Axes | None" = None) -> "Axes":
    """Plot the tasks of a knowledge base by rows and columns, with a mark for each kind of problem.

    Parameters
    ----------
    knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
        Which one; None takes the bundled one.
    ax : Axes or None, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    Axes
        Both axes are logarithmic.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    tasks = open_knowledge_base(knowledge_base).tasks
    ax = axes(ax)
    for i, (kind, found) in enumerate(tasks.groupby("problem_type"), start=1):
        marks: dict[str, Any] = {"marker": _MARKERS[str(kind)], "color": series.COLOURS[i]}
        ax.scatter(found["n_rows"], found["n_features"], s=18, alpha=0.7, label=f"{kind} ({len(found)})", **marks)
    ax.set(xscale="log", yscale="log", xlabel="rows", ylabel="columns")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    if len(tasks):
        ax.legend(frameon=False)
    return ax


def fits(knowledge_base: KnowledgeSource = None, *, ax: "Axes | None" = None) -> "Axes":
    """Plot how many fits of each model family a knowledge base holds.

    Parameters
    ----------
    knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
        Which one; None takes the bundled one.
    ax : Axes or None, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    Axes
        One bar each, the largest on top.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    counts: dict[str, int] = open_knowledge_base(knowledge_base).summary()["fits by model"]
    ax = axes(ax)
    names = sorted(counts, key=counts.__getitem__)
    ax.barh([literal(name) for name in names], [counts[name] for name in names], color=ACCENT)
    ax.set(xlabel="fits")
    return ax


def regrets(
    knowledge_base: KnowledgeSource = None,
    *,
    problem_type: ProblemType | str,
    metric: str | None = None,
    recommenders: Sequence[str] = ("default", "portfolio", "forest", "ensemble"),
    n: int = 10,
    n_folds: int = 5,
    ax: "Axes | None" = None,
) -> "Axes":
    """Plot how near recommenders come to the best of a knowledge base, on families of tables that they do not know.

    Parameters
    ----------
    knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
        Which one; None takes the bundled one.
    problem_type : ProblemType or str
        The kind of problem.
    metric : str or None, default=None
        What is to be improved; default: the problem type's own.
    recommenders : sequence of str, default=("default", "portfolio", "forest", "ensemble")
        Names of built-in recommenders.
    n : int, default=10
        How many evaluations.
    n_folds : int, default=5
        How often a part of the families is left out.
    ax : Axes or None, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    Axes
        Mean regret after each evaluation, from 0 (each task's best) to 1 (its worst), and bands of one standard error.

    Raises
    ------
    InvalidInputError
        If a recommender is a plug-in that cannot be replayed, or there are no results of the metric.
    MissingExtraError
        If matplotlib is not installed.
    """
    kind = ProblemType(problem_type)
    past = open_knowledge_base(knowledge_base).subset(problem_type=kind)
    found = _replayed(PerformanceTable.from_knowledge_base(past, get_metric(metric, kind)), recommenders, n, n_folds)
    ax = axes(ax)
    counts = np.arange(1, n + 1)
    for name in recommenders:
        curves = found[name].groupby(level=0).mean()  # near-copies of a table are one
        mean, error = curves.mean(), curves.std().fillna(0) / np.sqrt(len(curves))
        (line,) = ax.plot(counts, mean, label=name)
        ax.fill_between(counts, mean - error, mean + error, color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set(xlabel="evaluations", ylabel="mean normalised regret", ylim=(0, None), title=f"{len(curves)} {kind} tasks")
    ax.locator_params(axis="x", integer=True)
    ax.legend(frameon=False)
    return ax


def _replayed(table: PerformanceTable, recommenders: Sequence[str], n: int, n_folds: int) -> dict[str, pd.DataFrame]:
    """Return the smallest regret after each evaluation of every task, by recommender, indexed by family."""
    made = {}
    for name in recommenders:
        kind: Any = get_recommender(name)
        strategy = kind(metric=table.metric)
        if not isinstance(strategy, Strategy):
            message = (
                f"The recommender {name!r} is a plug-in. Expected a built-in one, which can be replayed. Leave it out."
            )
            raise InvalidInputError(message)
        made[name] = strategy
    rows: dict[str, list[Any]] = {name: [] for name in made}
    order = []
    for kept, left_out in family_folds(table, n_folds):
        past = PastTasks.fit(table.take(kept))
        order += [table.families[i] for i in left_out]
        for name, strategy in made.items():
            fitted = strategy.fit_past(past)
            for i in left_out:
                chosen = play(fitted, table.meta_features[i], table.losses[i], n, unit=float(table.units[i]))
                rows[name].append(curve(table.regrets[i], chosen, n))
    return {name: pd.DataFrame(curves, index=order) for name, curves in rows.items()}


def _check(recommendation: Recommendation) -> None:
    if not isinstance(recommendation, Recommendation):
        message = (
            f"A {type(recommendation).__name__} is no recommendation. Expected what recommend() returned. "
            "Of a fitted estimator, pass its recommendation_."
        )
        raise InvalidInputError(message)


def _trials(model: MetaLearnClassifier | MetaLearnRegressor) -> tuple[list[series.TrialPoint], bool]:
    if not hasattr(model, "trial_facts_"):
        message = f"The {type(model).__name__} is not fitted. Expected one after fit(). Fit it first."
        raise InvalidInputError(message)
    return series.trial_points(model.trial_facts_), model.metric_.greater_is_better


def _show(set_limits: Any, trials: Sequence[series.TrialPoint], *, greater_is_better: bool) -> None:
    low, high = series.in_view([t.score for t in trials], greater_is_better=greater_is_better)
    room = 0.06 * (high - low) or 0.05
    set_limits(low - room, high + room)
