"""Plots as inline SVG: a handful of shapes, coloured by the page's own style sheet."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from metalearn.report.markup import escaped, shortened
from metalearn.report.text import number

__all__ = ["MapPoint", "ScorePoint", "Trial", "curve_plot", "family_plot", "map_plot", "score_plot"]

WIDTH, HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 14, 44
_LINE = 15
_COLOURS = 6


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """Place one candidate by what it should reach and cost.

    Parameters
    ----------
    label : str
        Shown beside it, such as its rank.
    title : str
        Shown when a pointer rests on it.
    seconds : float
        What it costs.
    score, low, high : float
        What it should reach, and the interval around it.
    """

    label: str
    title: str
    seconds: float
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MapPoint:
    """Place one past task on a map.

    Parameters
    ----------
    name : str
        The task.
    x, y : float
        Its coordinates.
    group : str
        What it is coloured by.
    named : bool, default=False
        Whether its name is written beside it.
    """

    name: str
    x: float
    y: float
    group: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """Record what one trial reached and when.

    Parameters
    ----------
    title : str
        Shown when a pointer rests on it.
    group : str
        Its model family.
    seconds : float
        When it ended.
    score : float
        What it reached; NaN if it failed.
    """

    title: str
    group: str
    seconds: float
    score: float


@dataclass(frozen=True, slots=True)
class _Scale:
    """Map values to positions, along a line or by their logarithm."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    @classmethod
    def around(
        cls, values: Sequence[float], start: float, stop: float, *, log: bool = False, pad: float = 0.06
    ) -> "_Scale":
        known = [v for v in values if math.isfinite(v)]
        if log:
            known = [math.log10(max(v, 1e-3)) for v in known]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        room = (high - low) * pad or max(abs(high) * 0.05, 0.05)
        return cls(low - room, high + room, start, stop, log)

    def __call__(self, value: float) -> float:
        plain = math.log10(max(value, 1e-3)) if self.log else value
        share = (plain - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self, count: int = 5) -> list[float]:
        if self.log:
            exponents = range(math.floor(self.low), math.ceil(self.high) + 1)
            found = [
                m * 10.0**e for e in exponents for m in (1, 2, 5) if self.low <= math.log10(m * 10.0**e) <= self.high
            ]
            decades = [t for t in found if math.log10(t).is_integer()]
            return decades if len(decades) >= 3 else found[:: max(1, math.ceil(len(found) / 6))]  # noqa: PLR2004
        raw = (self.high - self.low) / count
        unit = 10.0 ** math.floor(math.log10(raw))
        step = unit * next(m for m in (1, 2, 2.5, 5, 10) if m * unit >= raw * 0.999)
        first = math.ceil(self.low / step)
        return [round(i * step, 12) for i in range(first, math.floor(self.high / step) + 1)]


def _text(x: float, y: float, content: str, *, kind: str = "", anchor: str = "start") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{name}>{escaped(content)}</text>'


def _svg(parts: Sequence[str], label: str, height: float = HEIGHT) -> str:
    inside = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escaped(label)}">\n'
        f"<title>{escaped(label)}</title>\n{inside}\n</svg>"
    )


def _axes(x: _Scale, y: _Scale, x_label: str, y_label: str) -> list[str]:
    parts = []
    bottom = HEIGHT - _BOTTOM
    for tick in y.ticks():
        at = y(tick)
        parts += [
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>',
            _text(_LEFT - 6, at + 4, number(tick, 5), anchor="end"),
        ]
    for tick in x.ticks():
        at = x(tick)
        parts += [
            f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP}" y2="{bottom}"/>',
            _text(at, bottom + 16, number(tick), anchor="middle"),
        ]
    parts += [
        _text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 8, x_label, kind="axis", anchor="middle"),
        f'<g transform="rotate(-90 13 {HEIGHT / 2 - 15:g})">'
        + _text(13, HEIGHT / 2 - 15, y_label, kind="axis", anchor="middle")
        + "</g>",
    ]
    return parts


def _apart(positions: Sequence[float], gap: float = 13.0) -> list[float]:
    """Move heights of labels down just as far as needed to keep them apart."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = list(positions)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + gap)
    return moved


def score_plot(points: Sequence[ScorePoint], metric: str) -> str:
    """Plot the expected score of each candidate, with its interval, against its seconds.

    Parameters
    ----------
    points : sequence of ScorePoint
        The candidates; those of unknown score are left out.
    metric : str
        Name of the score.

    Returns
    -------
    str
        An SVG element; empty if nothing is known of any candidate.
    """
    known = [p for p in points if math.isfinite(p.score) and math.isfinite(p.seconds)]
    if not known:
        return ""
    x = _Scale.around([p.seconds for p in known], _LEFT, WIDTH - _RIGHT, log=True, pad=0.12)
    y = _Scale.around([v for p in known for v in (p.score, p.low, p.high)], HEIGHT - _BOTTOM, _TOP)
    parts = _axes(x, y, "seconds of one fit on one thread", f"expected {metric}")
    for rank, p in enumerate(known):
        at, height = x(p.seconds), y(p.score)
        kind = "first" if rank == 0 else "rest"
        low, high = (v if math.isfinite(v) else p.score for v in (p.low, p.high))
        parts.append(
            f'<g class="{kind}"><title>{escaped(p.title)}</title>'
            f'<line x1="{at}" x2="{at}" y1="{y(low)}" y2="{y(high)}"/>'
            f'<circle cx="{at}" cy="{height}" r="{6 if rank == 0 else 4.5}"/></g>'
        )
    parts += [
        _text(x(p.seconds) + 8, y(p.score) + 4, p.label, kind="label first" if rank == 0 else "label")
        for rank, p in reversed(list(enumerate(known)))
    ]
    return _svg(parts, f"Expected {metric} of each candidate against its seconds")


def _groups(names: Sequence[str]) -> dict[str, int]:
    """Give the most frequent groups a number from 1; what is left is 0."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[:_COLOURS]
    return {name: i + 1 for i, name in enumerate(frequent)}


def _legend(codes: dict[str, int], *, rest: bool) -> str:
    entries = [f'<span class="key"><i class="dot g{i}"></i>{escaped(name)}</span>' for name, i in codes.items()]
    if rest:
        entries.append('<span class="key"><i class="dot g0"></i>others</span>')
    return f'<p class="legend">{" ".join(entries)}</p>'


def map_plot(points: Sequence[MapPoint], here: tuple[float, float], name: str) -> str:
    """Plot past tasks as a map, coloured by what won there, with the new table on it.

    Parameters
    ----------
    points : sequence of MapPoint
        The past tasks.
    here : tuple of (float, float)
        Coordinates of the new table.
    name : str
        Name of the new table.

    Returns
    -------
    str
        An SVG element and its legend; empty if there is no past task.
    """
    if not points:
        return ""
    codes = _groups([p.group for p in points])
    x = _Scale.around([*(p.x for p in points), here[0]], 10, WIDTH - 10)
    y = _Scale.around([*(p.y for p in points), here[1]], HEIGHT - 10, 10)
    parts = [f'<rect class="frame" x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="6"/>']
    parts += [
        f'<circle class="g{codes.get(p.group, 0)}{" near" if p.named else ""}" cx="{x(p.x)}" cy="{y(p.y)}" '
        f'r="{5 if p.named else 3.5}"><title>{escaped(f"{p.name}: {p.group} won")}</title></circle>'
        for p in sorted(points, key=lambda p: p.named)
    ]
    cx, cy = x(here[0]), y(here[1])
    parts.append(
        f'<path class="here" d="M{cx - 8:g} {cy:g}L{cx:g} {cy - 8:g}L{cx + 8:g} {cy:g}L{cx:g} {cy + 8:g}Z">'
        f"<title>{escaped(name)}</title></path>"
    )
    labels = [(p.x, p.y, p.name, "label") for p in points if p.named] + [(*here, name, "label first")]
    heights = _apart([y(v) + 4 for _, v, _, _ in labels])
    for (at, _, text, kind), height in zip(labels, heights, strict=True):
        to_right = x(at) < WIDTH / 2
        shift = 11 if to_right else -11
        anchor = "start" if to_right else "end"
        parts.append(_text(x(at) + shift, height, shortened(text, 26), kind=kind, anchor=anchor))
    rest = any(p.group not in codes for p in points)
    return _svg(parts, f"Map of {len(points)} past tasks with {name} on it") + _legend(codes, rest=rest)


def curve_plot(trials: Sequence[Trial], metric: str, *, greater_is_better: bool) -> str:
    """Plot what each trial reached, and the best so far, against time.

    Parameters
    ----------
    trials : sequence of Trial
        In any order.
    metric : str
        Name of the score.
    greater_is_better : bool
        Which direction is better.

    Returns
    -------
    str
        An SVG element and its legend; empty if no trial reached anything.
    """
    known = sorted((t for t in trials if math.isfinite(t.score)), key=lambda t: t.seconds)
    if not known:
        return ""
    better: Callable[[Sequence[float]], float] = max if greater_is_better else min
    x = _Scale.around([0.0, *(t.seconds for t in known)], _LEFT, WIDTH - _RIGHT, pad=0.03)
    y = _Scale.around(_shown([t.score for t in known], better), HEIGHT - _BOTTOM, _TOP)
    parts = _axes(x, y, "seconds since the start", metric)
    codes = _groups([t.group for t in known])

    def height(score: float) -> float:
        return min(max(y(score), _TOP), HEIGHT - _BOTTOM)

    best = known[0].score
    path = f"M{x(known[0].seconds)} {height(best)}"
    for t in known[1:]:
        best = better((best, t.score))
        path += f"H{x(t.seconds)}V{height(best)}"
    parts.append(f'<path class="best" d="{path}H{WIDTH - _RIGHT}"/>')
    parts += [
        f'<circle class="g{codes.get(t.group, 0)}" cx="{x(t.seconds)}" cy="{height(t.score)}" r="4">'
        f"<title>{escaped(t.title)}</title></circle>"
        for t in known
    ]
    rest = any(t.group not in codes for t in known)
    return _svg(parts, f"Best {metric} so far against time") + _legend(codes, rest=rest)


def family_plot(trials: Sequence[Trial], metric: str, *, greater_is_better: bool) -> str:
    """Plot what the trials of each model family reached, the best family first.

    Parameters
    ----------
    trials : sequence of Trial
        In any order.
    metric : str
        Name of the score.
    greater_is_better : bool
        Which direction is better.

    Returns
    -------
    str
        An SVG element; empty if no trial reached anything.
    """
    known = [t for t in trials if math.isfinite(t.score)]
    if not known:
        return ""
    best: dict[str, float] = {}
    better: Callable[[Sequence[float]], float] = max if greater_is_better else min
    for t in known:
        best[t.group] = better((best.get(t.group, t.score), t.score))
    rows = sorted(best, key=best.__getitem__, reverse=greater_is_better)
    left, row_height = 150, 26
    bottom = len(rows) * row_height + 10
    x = _Scale.around(_shown([t.score for t in known], better), left, WIDTH - 56)
    parts = []
    for tick in x.ticks(4):
        at = x(tick)
        parts += [
            f'<line class="grid" x1="{at}" x2="{at}" y1="4" y2="{bottom}"/>',
            _text(at, bottom + 16, number(tick, 5), anchor="middle"),
        ]
    for i, name in enumerate(rows):
        middle = i * row_height + row_height / 2 + 4
        scores = [t for t in known if t.group == name]
        parts.append(_text(left - 10, middle + 4, shortened(name, 20), anchor="end"))
        parts += [
            f'<circle class="rest-dot" cx="{min(max(x(t.score), left), WIDTH - 56)}" cy="{middle:g}" r="4">'
            f"<title>{escaped(t.title)}</title></circle>"
            for t in scores
        ]
        parts.append(_text(WIDTH - 4, middle + 4, number(best[name], 4), kind="label", anchor="end"))
    parts.append(_text((left + WIDTH - 56) / 2, bottom + 2 * _LINE + 4, metric, kind="axis", anchor="middle"))
    return _svg(parts, f"{metric} of the trials by model family", bottom + 2 * _LINE + 12)


def _shown(values: Sequence[float], better: Callable[[Sequence[float]], float]) -> list[float]:
    """Keep the best and what is not far behind, so that one failure does not flatten everything else."""
    best = better(values)
    gaps = sorted(abs(v - best) for v in values)
    reach = 3 * max(gaps[len(gaps) // 2], 1e-9)
    return [v for v in values if abs(v - best) <= reach]
