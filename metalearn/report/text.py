"""Plain facts as readable text for terminals and logs."""

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from metalearn.report.markup import visible

__all__ = [
    "Text",
    "counted",
    "distance",
    "facts_table",
    "number",
    "recommendation_text",
    "seconds",
    "size",
    "tuning_text",
]

WIDTH = 110
"""Columns of a table where it is not shown in a terminal."""

_NARROWEST, _WIDEST = 60, 160
_LEAST = 12


class Text(str):
    """Show itself as it is, also where a console or notebook asks for the representation."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the text itself."""
        return str(self)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as people write it.

    Parameters
    ----------
    value : float or None
        Any number.
    digits : int, default=4
        Significant digits.

    Returns
    -------
    str
        A dash for what is unknown.

    Examples
    --------
    >>> number(0.97368), number(0.99996), number(123456.0), number(float("nan"))
    ('0.9737', '0.99996', '123456', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if value == int(value) and abs(value) < 1e15:  # noqa: PLR2004
        return str(int(value))
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    shown = f"{value:.{digits}g}"
    if shown in ("1", "-1") and digits < 6:  # noqa: PLR2004 - a score that is nearly perfect is not perfect
        return number(value, digits + 1)
    return shown


def span(interval: Sequence[float | None]) -> str:
    """Return an interval as people write it."""
    low, high = (number(end, 3) for end in interval)
    return "-" if low == high == "-" else f"{low} to {high}"


def order_text(candidates: Sequence[Mapping[str, Any]]) -> str:
    """Say what the order of candidates means."""
    scored = any(number(c["expected_score"]) != "-" for c in candidates)
    return f"Each candidate complements those above it{', so scores are not sorted' if scored else ''}."


def without_unknown(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Leave out columns of which nothing is known."""
    kept = [i for i in range(len(columns)) if not rows or any(row[i] != "-" for row in rows)]
    return tuple(columns[i] for i in kept), [tuple(row[i] for i in kept) for row in rows]


def seconds(value: float | None) -> str:
    """Return a duration as people write it.

    Parameters
    ----------
    value : float or None
        Seconds.

    Returns
    -------
    str
        With its unit; a dash for what is unknown.

    Examples
    --------
    >>> seconds(0.034), seconds(2.31), seconds(250.0)
    ('0.03 s', '2.3 s', '4 min')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if value < 1:
        return f"{max(value, 0.01):.2f} s"
    if value < 120:  # noqa: PLR2004
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004
    return f"{value / 60:.0f} min"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun: 1 task, 2,000 tasks."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def size(n_rows: int, n_features: int) -> str:
    """Return the size of a table as people write it.

    Parameters
    ----------
    n_rows, n_features : int
        Of the table; 0 where unknown.

    Returns
    -------
    str
        Rows and columns.

    Examples
    --------
    >>> size(1500, 8), size(1500, 0), size(0, 0)
    ('1,500 x 8', '1,500 x -', 'unknown')
    """
    if not n_rows and not n_features:
        return "unknown"
    return " x ".join(f"{n:,}" if n else "-" for n in (n_rows, n_features))


def distance(value: float | None) -> str:
    """Return how far a past task is away."""
    return number(value if value is None else round(value, 6), 3)


def facts_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", right: Sequence[str] = ()
) -> str:
    """Return rows as an aligned table that wraps long cells."""
    from rich import box  # noqa: PLC0415 - needed only when something is shown
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text as Cell  # noqa: PLC0415

    width = min(max(shutil.get_terminal_size((WIDTH, 24)).columns, _NARROWEST), _WIDEST)
    narrow = width < WIDTH
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0) if narrow else (0, 1))
    shown = [[Cell(visible(cell)) for cell in row] for row in rows]
    widths = _narrow(columns, shown, width) if narrow else {}
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", overflow="fold", width=widths.get(column)
        )
    for row in shown:
        table.add_row(*row)
    buffer = StringIO()
    console = Console(file=buffer, width=width, color_system=None, highlight=False)
    console.print(table)
    lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
    return "\n".join(([title, ""] if title else []) + lines).rstrip() + "\n"


def _narrow(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> dict[str, int]:
    """Return widths of columns that fit: the longest cells are wrapped between words, as headings are."""
    cells = [max((len(row[i]) for row in rows), default=0) for i in range(len(columns))]
    least = [max(n, *map(len, name.split()), 1) for n, name in zip(cells, columns, strict=True)]
    gaps = 2 * (len(columns) - 1)
    if not cells or sum(map(max, least, map(len, columns))) + gaps <= width:
        return {}
    longest = cells.index(max(cells))
    left = width - gaps - (sum(least) - least[longest])
    return (
        {} if left < _LEAST else {**dict(zip(columns, least, strict=True)), columns[longest]: min(left, least[longest])}
    )


def recommendation_text(facts: Mapping[str, Any], *, n_neighbours: int = 5) -> Text:
    """Return a recommendation as text: candidates, past tasks, novelty, notes."""
    task, metric = facts["task"], facts["task"]["metric"]
    size = f"{task['n_rows']:,} rows, {task['n_features']:,} column{'' if task['n_features'] == 1 else 's'}"
    classes = f", {task['n_classes']} classes" if task["n_classes"] else ""
    head = f"{task['name']}: {task['problem_type']} ({size}{classes}), scored by {metric}"
    rows: list[tuple[str, ...]] = [
        (
            str(rank),
            c["configuration"]["model"],
            changes(c["changes"]),
            number(c["expected_score"], 3),
            span(c["interval"]),
            seconds(c["expected_seconds"]),
            number(c.get("expected_improvement"), 2),
        )
        for rank, c in enumerate(facts["candidates"], start=1)
    ]
    columns: tuple[str, ...] = (
        "try",
        "model",
        "parameters that differ from the default",
        f"expected {metric}",
        "80 % interval",
        "one fit",
        "may add",
    )
    board = facts_table(*without_unknown(columns, rows), right=("try", f"expected {metric}", "one fit", "may add"))
    parts = [head, board if rows else "\nNothing is recommended.\n"]
    if len(rows) > 1:
        parts.append(order_text(facts["candidates"]) + "\n")
    if facts["neighbours"]:
        parts.append(neighbours_text(facts["neighbours"][:n_neighbours], metric))
    if facts["drivers"]:
        shares = ", ".join(f"{name} ({share:.0%})" for name, share in list(facts["drivers"].items())[:5])
        parts.append(f"Meta-features that matter most for this match: {shares}\n")
    parts.append(novelty_text(facts["novelty"]))
    parts += [f"Note: {note}" for note in facts["notes"]]
    return Text("\n".join(parts))


def tuning_text(facts: Mapping[str, Any], *, n_trials: int = 10) -> Text:
    """Return a finished search as text: what is used, how good it is, and the best trials."""
    metric, trials = facts["metric"], facts["trials"]
    scores = f"{metric} {number(facts['score'])}, the default's {number(facts['default_score'])} (cross-validated)"
    if (unbiased := number(facts["held_out_score"])) not in ("-", number(facts["score"])):
        scores += f"; {unbiased} on folds that had no say in the choice"
    if not any(t["status"] == "ok" for t in trials) and number(facts["score"]) == "-":
        late = trials and all(t["status"] == "timeout" for t in trials)
        why = "no trial ended within the time. Allow more." if late else "no trial ended well."
        scores = f"There is no {metric} to tell: {why}"
    rows = [
        (
            str(rank),
            t["model"],
            t.get("from", ""),
            changes(t["changes"]),
            number(t["score"]),
            seconds(t["seconds"]),
            f"{t['weight']:.0%}" if t["weight"] else "",
            t["status"],
        )
        for rank, t in enumerate(trials[:n_trials], start=1)
    ]
    columns = ("rank", "model", "from", "parameters that differ from the default", metric, "one fit", "weight", "ended")
    board = facts_table(columns, rows, right=("rank", metric, "one fit", "weight"))
    end = f"{len(trials)} trial{'' if len(trials) == 1 else 's'} in {seconds(facts['seconds'])}."
    if len(trials) > n_trials:
        end = f"{n_trials} of {len(trials)} shown. {end}"
    if (more := facts["expected_improvement"]) is not None and math.isfinite(more):
        gain = f"to improve {metric} by {number(more, 2)}" if more else "to add nothing"
        end += f" One more is expected {gain}."
    notes = "".join(f"\nNote: {note}" for note in facts["notes"])
    return Text(f"{facts['decision']}\n{scores}\n\n{board}\n{end}{notes}")


def changes(params: Mapping[str, Any]) -> str:
    """Return parameters in one line."""
    inside = ", ".join(f"{k}={number(v) if isinstance(v, float) else v}" for k, v in params.items())
    return inside or "(default)"


def neighbour_rows(
    title: str, neighbours: Sequence[Mapping[str, Any]], metric: str
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns and rows of the nearest past tasks, without columns of which nothing is known."""
    rows: list[tuple[str, ...]] = [
        (
            n["name"],
            f"{n['weight']:.1%}",
            distance(n["distance"]),
            size(n["n_rows"], n["n_features"]),
            n["best"]["model"],
            number(n["best_score"], 3),
        )
        for n in neighbours
    ]
    return without_unknown((title, "weight", "distance", "size", "what won there", metric), rows)


def neighbours_text(neighbours: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Return the nearest past tasks as a table."""
    columns, rows = neighbour_rows("nearest past tasks", neighbours, metric)
    return facts_table(columns, rows, right=("weight", "distance", "size", metric))


def novelty_text(novelty: float | None) -> str:
    """Say in words how unlike everything known a table is."""
    if novelty is None or not math.isfinite(novelty):
        return "Novelty: unknown. There are too few past tasks, or too little is known about this table."
    if novelty < 0.5:  # noqa: PLR2004
        words = "many past tables resemble yours."
    elif novelty < 0.9:  # noqa: PLR2004
        words = "some past tables resemble yours."
    elif novelty < 0.95:  # noqa: PLR2004
        words = "few past tables resemble yours, so the intervals are wider."
    else:
        words = (
            "few past tables resemble yours. Expected scores are uncertain, and the list leans towards models that work "
            "broadly."
        )
    return f"Novelty {novelty:.2f} (0 = familiar, 1 = unlike any past table): {words}"
