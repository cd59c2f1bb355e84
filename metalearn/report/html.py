"""Plain facts as one self-contained page: no network, no script, readable on a phone and on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metalearn.report.markup import shortened, visible
from metalearn.report.model import held_out_figures
from metalearn.report.series import TrialPoint, driver_shares, in_view, map_points, score_points, trial_points
from metalearn.report.svg import curve_plot, family_plot, map_plot, score_plot
from metalearn.report.text import (
    changes,
    counted,
    neighbour_rows,
    novelty_text,
    number,
    order_text,
    seconds,
    span,
    without_unknown,
)

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["facts_fragment", "recommendation_fragment", "recommendation_page", "tuning_page"]

_NEIGHBOURS = 10
_CHANGES = "differs from the default in"


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells as text; columns of numbers are aligned to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()


def recommendation_page(facts: Mapping[str, Any]) -> str:
    """Return a recommendation as a page."""
    return _rendered("page.html", {"title": f"What to try first on {facts['task']['name']}", **_recommended(facts)})


def tuning_page(facts: Mapping[str, Any]) -> str:
    """Return a finished search as a page, with the recommendation it started from."""
    title = f"What came out best on {facts['task']['name']}"
    return _rendered("page.html", {"title": title, **_recommended(facts), **_searched(facts)})


def recommendation_fragment(facts: Mapping[str, Any]) -> str:
    """Return a recommendation as a table for notebooks."""
    return _rendered("fragment.html", {**facts, "candidates_table": _candidates(facts)})


def facts_fragment(
    head: str, sentences: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]
) -> str:
    """Return an answer, what is to be said about it, and a table, for notebooks."""
    facts = {"head": head, "sentences": sentences, "content": _Table(columns, rows, right)}
    return _rendered("facts.html", facts)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - for pages only
    from markupsafe import Markup  # noqa: PLC0415

    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else visible(value),
    )
    found.globals["zip"] = zip
    found.filters |= {f.__name__: f for f in (changes, counted, novelty_text, order_text)}
    return found


def _rendered(template: str, facts: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(facts)


def _drawn(plot: str) -> Any:
    """Return a plot as markup, which is not escaped again."""
    from markupsafe import Markup  # noqa: PLC0415 - for pages only

    return Markup(plot)  # noqa: S704 - its texts are escaped


def _recommended(facts: Mapping[str, Any]) -> dict[str, Any]:
    metric, first = facts["task"]["metric"], next(iter(facts["candidates"]), None)
    values = (
        (
            (f"expected {metric}", number(first["expected_score"], 3)),
            ("80 % interval", span(first["interval"])),
            ("one fit", seconds(first["expected_seconds"])),
        )
        if first
        else ()
    )
    measured = [(name, number(value)) for name, value in facts["meta_features"].items()]
    columns, rows = neighbour_rows("past task", facts["neighbours"][:_NEIGHBOURS], metric)
    return {
        "tuning": None,
        "code": "",
        "places": (),
        **facts,
        "answer_figures": [pair for pair in values if pair[1] != "-"],
        "candidates_table": _candidates(facts),
        "score_figure": _drawn(score_plot(score_points(facts["candidates"]), metric)),
        "map_figure": _drawn(map_plot(map_points(facts.get("places", ()), facts["neighbours"]))),
        "neighbours_table": _Table(columns, rows, ("weight", "distance", "size", metric)),
        "shares": driver_shares(facts["drivers"]),
        "how_sure": _how_sure(facts),
        "meta_features_table": _Table(("meta-feature", "value"), measured, ("value",)),
    }


def _candidates(facts: Mapping[str, Any]) -> _Table:
    columns = ("try", _CHANGES, f"expected {facts['task']['metric']}", "80 % interval", "one fit")
    rows = [
        (
            f"{rank}. {c['configuration']['model']}",
            changes(c["changes"]),
            number(c["expected_score"], 3),
            span(c["interval"]),
            seconds(c["expected_seconds"]),
        )
        for rank, c in enumerate(facts["candidates"], start=1)
    ]
    return _Table(*without_unknown(columns, rows), right=columns[2:])


def _how_sure(facts: Mapping[str, Any]) -> list[str]:
    task = facts["task"]
    lines = [novelty_text(facts["novelty"])]
    if facts["candidates"] and "-" not in (ends := [number(end, 3) for end in facts["candidates"][0]["interval"]]):
        lines.append(
            f"In 80 of 100 cases the cross-validated {task['metric']} of the first candidate should lie between "
            f"{ends[0]} and {ends[1]}; the others have intervals of their own in the list above."
        )
    weights = [n["weight"] for n in facts["neighbours"]]
    if weights:
        lines.append(
            f"The {len(weights)} past tasks listed hold {sum(weights):.0%} of the weight; "
            "the rest is spread over all others."
        )
    if len(facts["candidates"]) > 1 and not facts.get("tuning"):
        lines.append(
            "Nothing was trained on this table yet: try the list in order, and keep what cross-validates best."
        )
    lines.append(f"The list was made by the strategy {facts['recommender']!r}.")
    return lines


def _searched(facts: Mapping[str, Any]) -> dict[str, Any]:
    tuning, metric = facts["tuning"], facts["task"]["metric"]
    better = bool(tuning["greater_is_better"])
    trials = trial_points(tuning["trials"])
    finished = [t for t in tuning["trials"] if t["status"] == "ok"]
    return {
        "search_figures": [
            (f"cross-validated {metric}", number(tuning["score"], 4)),
            ("on folds without a say in the choice", number(tuning["held_out_score"], 4)),
            (f"default's {metric}", number(tuning["default_score"], 4)),
            ("trials", f"{len(finished)} of {len(tuning['trials'])} finished"),
            ("time used", seconds(tuning["seconds"])),
            ("one more trial may add", number(tuning["expected_improvement"], 2)),
        ],
        "curve": _drawn(curve_plot(trials, metric, greater_is_better=better)),
        "dots": _dots(trials, greater_is_better=better),
        "families": _drawn(family_plot(trials, metric, greater_is_better=better)),
        "leaderboard": _leaderboard(tuning["trials"], metric),
        "held_out": [(title, _drawn(plot), said) for title, plot, said in held_out_figures(tuning.get("held_out"))],
    }


def _dots(trials: Sequence[TrialPoint], *, greater_is_better: bool) -> str:
    """Say what the dots are, and of what some are hollow."""
    scores = [t.score for t in trials]
    low, high = in_view(scores, greater_is_better=greater_is_better) if scores else (0.0, 0.0)
    text = "Each dot is a trial that reached a score."
    return f"{text} Hollow ones lie beyond the range shown." if any(not low <= s <= high for s in scores) else text


def _leaderboard(trials: Sequence[Mapping[str, Any]], metric: str) -> _Table:
    columns = ("model", _CHANGES, metric, "sd of folds", "one fit", "weight", "ended")
    rows = [
        (
            f"{rank}. {t['model']}",
            shortened(changes(t["changes"]), 300),
            number(t["score"], 4),
            number(t["deviation"], 2),
            seconds(t["seconds"]),
            f"{t['weight']:.0%}" if t["weight"] else "",
            t["status"],
        )
        for rank, t in enumerate(trials, start=1)
    ]
    return _Table(columns, rows, columns[2:6])
