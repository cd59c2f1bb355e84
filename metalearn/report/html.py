"""Plain facts as one self-contained page: no network, no script, readable on a phone and on paper."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from metalearn.report.markup import escaped, shortened
from metalearn.report.series import Trial, driver_shares, in_view, map_points, score_points, trial_points
from metalearn.report.svg import curve_plot, family_plot, map_plot, score_plot
from metalearn.report.text import (
    changes,
    distance,
    novelty_text,
    number,
    order_text,
    seconds,
    size,
    span,
    without_unknown,
)

__all__ = ["facts_fragment", "recommendation_fragment", "recommendation_page", "tuning_page"]

_NEIGHBOURS = 10


def recommendation_page(facts: Mapping[str, Any]) -> str:
    """Return a recommendation as a page."""
    name = facts["task"]["name"]
    sections = [_answer(facts), *_recommendation_sections(facts)]
    return _page(f"What to try first on {name}", _about(facts["task"]), sections)


def tuning_page(facts: Mapping[str, Any]) -> str:
    """Return a finished search as a page, with the recommendation it started from."""
    name = facts["task"]["name"]
    sections = [*_tuning_sections(facts), *_recommendation_sections(facts)]
    return _page(f"What came out best on {name}", _about(facts["task"]), sections)


def recommendation_fragment(facts: Mapping[str, Any]) -> str:
    """Return a recommendation as a table for notebooks."""
    notes = "".join(f"<li>{escaped(note)}</li>" for note in facts["notes"])
    return (
        f"<div><p><strong>{escaped(facts['task']['name'])}</strong>: {_about(facts['task'])}</p>"
        f"{_candidates_table(facts)}<p>{escaped(novelty_text(facts['novelty']))}</p>"
        f"{f'<ul>{notes}</ul>' if notes else ''}</div>"
    )


def facts_fragment(
    head: str, sentences: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]
) -> str:
    """Return an answer, what is to be said about it, and a table, for notebooks."""
    listed = "".join(f"<li>{escaped(sentence)}</li>" for sentence in sentences)
    cells = [[escaped(cell) for cell in row] for row in rows]
    table = _table(columns, cells, right=right) if rows else ""
    return f"<div><p><strong>{escaped(head)}</strong></p>{f'<ul>{listed}</ul>' if listed else ''}{table}</div>"


def _page(title: str, about: str, sections: Iterable[str]) -> str:
    style = files("metalearn.report").joinpath("page.css").read_text(encoding="utf-8")
    body = "\n".join(section for section in sections if section)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        # whatever a name in the table may hold, nothing on this page can run or be fetched
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escaped(title)}</h1>\n<p class="about">{about}</p>\n{body}\n'
        "<footer>Made by metalearn. This file holds no rows of the table.</footer>\n</main>\n</body>\n</html>\n"
    )


def _section(title: str, *parts: str) -> str:
    inside = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{escaped(title)}</h2>\n{inside}\n</section>" if inside else ""


def _about(task: Mapping[str, Any]) -> str:
    classes = f", {task['n_classes']} classes" if task["n_classes"] else ""
    size = f"{task['n_rows']:,} rows, {task['n_features']:,} column{'' if task['n_features'] == 1 else 's'}{classes}"
    return escaped(f"{task['problem_type']}, {size}, scored by {task['metric']}")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = (), kind: str = "") -> str:
    """Return a table of cells that are markup already; columns that are numbers are aligned to the right."""
    marks = [' class="number"' if column in right else "" for column in columns]
    head = "".join(f"<th{m}>{escaped(c)}</th>" for m, c in zip(marks, columns, strict=True))
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td{m} data-label="{escaped(c)}">{cell}</td>' for m, c, cell in zip(marks, columns, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    name = f' class="{kind}"' if kind else ""
    return f"<table{name}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _answer(facts: Mapping[str, Any]) -> str:
    if not facts["candidates"]:
        return '<section class="answer"><p>There is nothing to recommend.</p></section>'
    first, metric = facts["candidates"][0], facts["task"]["metric"]
    values = (
        (f"expected {metric}", escaped(number(first["expected_score"], 3))),
        ("80 % interval", escaped(span(first["interval"]))),
        ("one fit", escaped(seconds(first["expected_seconds"]))),
    )
    return (
        '<section class="answer">\n'
        f'<p class="model">Try <strong>{escaped(first["configuration"]["model"])}</strong> first</p>\n'
        f'<p class="params">{escaped(changes(first["changes"]))}</p>\n'
        + _figures(pair for pair in values if pair[1] != "-")
        + f"\n<p>{escaped(novelty_text(facts['novelty']))}</p>\n</section>"
    )


def _figures(values: Iterable[tuple[str, str]]) -> str:
    inside = "".join(f"<div><dt>{escaped(name)}</dt><dd>{value}</dd></div>" for name, value in values)
    return f'<dl class="figures">{inside}</dl>'


def _recommendation_sections(facts: Mapping[str, Any]) -> list[str]:
    metric = facts["task"]["metric"]
    return [
        _section(
            "What was recommended at the start" if "tuning" in facts else "In this order",
            f'<p class="about">{escaped(order_text(facts["candidates"]))}</p>' if len(facts["candidates"]) > 1 else "",
            _candidates_table(facts),
        ),
        _section("Checks and notes", _list(facts["notes"] or ["The data checks found nothing suspicious."])),
        _section(
            "What to expect against what it costs",
            _figure(
                score_plot(score_points(facts["candidates"]), metric),
                "Bars span the 80 % interval; numbers are ranks in the list.",
            ),
        ),
        _map(facts),
        _neighbours(facts),
        _drivers(facts["drivers"]),
        _code(facts.get("code", "")),
        _section("How sure, and why", _list(_how_sure(facts))),
        _meta_features(facts["meta_features"]),
    ]


def _candidates_table(facts: Mapping[str, Any]) -> str:
    metric = facts["task"]["metric"]
    columns = ("try", "differs from the default in", f"expected {metric}", "80 % interval", "one fit")
    rows = [
        (
            _ranked(rank, c["configuration"]["model"]),
            f"<code>{escaped(changes(c['changes']))}</code>",
            escaped(number(c["expected_score"], 3)),
            escaped(span(c["interval"])),
            escaped(seconds(c["expected_seconds"])),
        )
        for rank, c in enumerate(facts["candidates"], start=1)
    ]
    known, cells = without_unknown(columns, rows)
    return _table(known, cells, right=columns[2:], kind="cards")


def _ranked(rank: int, model: str) -> str:
    return f'<span class="name">{rank}. {escaped(model)}</span>'


def _figure(plot: str, caption: str) -> str:
    return f"<figure>\n{plot}\n<figcaption>{escaped(caption)}</figcaption>\n</figure>" if plot else ""


def _map(facts: Mapping[str, Any]) -> str:
    points = map_points(facts.get("places", ()), facts["neighbours"])
    caption = (
        f"{len(points) - 1} past tasks, near each other where their meta-features are alike (first two principal "
        "components), coloured by the model family that won there. The diamond is this table."
    )
    return _section("Where this table lies", _figure(map_plot(points), caption))


def _neighbours(facts: Mapping[str, Any]) -> str:
    if not facts["neighbours"]:
        return ""
    metric = facts["task"]["metric"]
    columns = ("past task", "weight", "distance", "size", "what won there", metric)
    rows = [
        (
            escaped(n["name"]),
            escaped(f"{n['weight']:.1%}"),
            escaped(distance(n["distance"])),
            escaped(size(n["n_rows"], n["n_features"])),
            escaped(n["best"]["model"]),
            escaped(number(n["best_score"], 3)),
        )
        for n in facts["neighbours"][:_NEIGHBOURS]
    ]
    known, cells = without_unknown(columns, rows)
    table = _table(known, cells, right=("weight", "distance", "size", metric), kind="cards")
    return _section("The past tasks that count most", table)


def _drivers(drivers: Mapping[str, float]) -> str:
    shown = driver_shares(drivers)
    if not shown:
        return ""
    top = max(shown.values()) or 1.0
    rows = "\n".join(
        f'<li><span>{escaped(name)}</span><span class="bar"><i style="width:{max(share, 0) / top:.1%}"></i></span>'
        f"<span>{share:.0%}</span></li>"
        for name, share in shown.items()
    )
    return _section("What made them near", f'<ul class="bars">\n{rows}\n</ul>')


def _list(lines: Iterable[str]) -> str:
    inside = "\n".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f"<ul>\n{inside}\n</ul>" if inside else ""


def _code(code: str) -> str:
    return _section("Code to copy", f'<pre tabindex="0"><code>{escaped(code)}</code></pre>') if code else ""


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


def _meta_features(values: Mapping[str, float]) -> str:
    if not values:
        return ""
    rows = [(escaped(name), escaped(number(value))) for name, value in values.items()]
    table = _table(("meta-feature", "value"), rows, right=("value",))
    return f"<section>\n<details>\n<summary>All {len(rows)} meta-features</summary>\n{table}\n</details>\n</section>"


def _tuning_sections(facts: Mapping[str, Any]) -> list[str]:
    tuning, metric = facts["tuning"], facts["task"]["metric"]
    better = bool(tuning["greater_is_better"])
    trials = trial_points(tuning["trials"])
    finished = [t for t in tuning["trials"] if t["status"] == "ok"]
    figures = [
        (f"cross-validated {metric}", escaped(number(tuning["score"], 4))),
        ("on folds without a say in the choice", escaped(number(tuning["held_out_score"], 4))),
        (f"default's {metric}", escaped(number(tuning["default_score"], 4))),
        ("trials", escaped(f"{len(finished)} of {len(tuning['trials'])} finished")),
        ("time used", escaped(seconds(tuning["seconds"]))),
        ("one more trial may add", escaped(number(tuning["expected_improvement"], 2))),
    ]
    return [
        f'<section class="answer">\n<p class="model">{escaped(tuning["decision"])}</p>\n{_figures(figures)}\n</section>',
        _section(
            "Best score so far",
            _figure(curve_plot(trials, metric, greater_is_better=better), _dots(trials, greater_is_better=better)),
        ),
        _section("Leaderboard", _leaderboard(tuning["trials"], metric)),
        _section(
            "By model family",
            _figure(family_plot(trials, metric, greater_is_better=better), "On the right, the best of each family."),
        ),
    ]


def _dots(trials: Sequence[Trial], *, greater_is_better: bool) -> str:
    """Say what the dots are, and of what some are hollow."""
    scores = [t.score for t in trials]
    low, high = in_view(scores, greater_is_better=greater_is_better) if scores else (0.0, 0.0)
    text = "Each dot is a trial that reached a score."
    return f"{text} Hollow ones lie beyond the range shown." if any(not low <= s <= high for s in scores) else text


def _leaderboard(trials: Sequence[Mapping[str, Any]], metric: str) -> str:
    columns = ("model", "differs from the default in", metric, "sd of folds", "one fit", "weight", "ended")
    rows = [
        (
            _ranked(rank, t["model"]),
            f"<code>{escaped(shortened(changes(t['changes']), 300))}</code>",
            escaped(number(t["score"], 4)),
            escaped(number(t["deviation"], 2)),
            escaped(seconds(t["seconds"])),
            escaped(f"{t['weight']:.0%}" if t["weight"] else ""),
            escaped(t["status"]),
        )
        for rank, t in enumerate(trials, start=1)
    ]
    return _table(columns, rows, right=columns[2:6], kind="cards")
