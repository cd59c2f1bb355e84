"""Plots as inline SVG: a handful of shapes, coloured by the page's own style sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from metalearn.report.markup import escaped, shortened
from metalearn.report.series import MapPoint, ScorePoint, TrialPoint, best_so_far, by_family, groups, in_view
from metalearn.report.text import number

__all__ = ["curve_plot", "family_plot", "line_plot", "map_plot", "score_plot"]

WIDTH, HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 14, 14, 46
_LINE = 15


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
            if len(decades) >= 3:  # noqa: PLR2004
                return decades
            if len(found) > 1:
                return found[:: max(1, math.ceil(len(found) / 6))]
            return replace(self, low=10**self.low, high=10**self.high, log=False).ticks(count)
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
            _text(_LEFT - 7, at + 4, number(tick, 5), anchor="end"),
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


def _apart(spots: Sequence[tuple[float, float]], width: float, gap: float = 13.0) -> list[float]:
    """Move heights of labels down just as far as needed to keep those apart that stand above each other."""
    moved: dict[int, float] = {}
    for i in sorted(range(len(spots)), key=lambda i: spots[i][1]):
        x, height = spots[i]
        for taken in sorted(moved[j] for j in moved if abs(spots[j][0] - x) < width):
            if abs(height - taken) < gap:
                height = taken + gap
        moved[i] = height
    return [moved[i] for i in range(len(spots))]


def score_plot(points: Sequence[ScorePoint], metric: str) -> str:
    """Plot the expected score of each candidate, with its interval, against its seconds."""
    if not points:
        return ""
    x = _Scale.around([p.seconds for p in points], _LEFT, WIDTH - _RIGHT, log=True, pad=0.12)
    y = _Scale.around([v for p in points for v in (p.score, p.low, p.high)], HEIGHT - _BOTTOM, _TOP)
    parts = _axes(x, y, "seconds of one fit on one thread", f"expected {metric}")
    for rank, p in enumerate(points):
        at, height = x(p.seconds), y(p.score)
        kind = "first" if rank == 0 else "rest"
        parts.append(
            f'<g class="{kind}"><title>{escaped(p.title)}</title>'
            f'<line x1="{at}" x2="{at}" y1="{y(p.low)}" y2="{y(p.high)}"/>'
            f'<circle cx="{at}" cy="{height}" r="{6 if rank == 0 else 4.5}"/></g>'
        )
    heights = _apart([(x(p.seconds), y(p.score) + 4) for p in points], 22)
    for rank, (p, height) in reversed(list(enumerate(zip(points, heights, strict=True)))):
        parts.append(_text(x(p.seconds) + 8, height, p.label, kind="label first" if rank == 0 else "label"))
    return _svg(parts, f"Expected {metric} of each candidate against its seconds")


def _legend(codes: dict[str, int], *, rest: bool) -> str:
    entries = [f'<span class="key"><i class="dot g{i}"></i>{escaped(name)}</span>' for name, i in codes.items()]
    if rest:
        entries.append('<span class="key"><i class="dot g0"></i>others</span>')
    return f'<p class="legend">{" ".join(entries)}</p>'


def map_plot(points: Sequence[MapPoint]) -> str:
    """Plot past tasks as a map, coloured by what won there, with the new table on it."""
    if not points:
        return ""
    here, *past = points
    codes = groups([p.group for p in past])
    x = _Scale.around([p.x for p in points], 10, WIDTH - 10)
    y = _Scale.around([p.y for p in points], HEIGHT - 10, 10)
    parts = [f'<rect class="frame" x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="6"/>']
    parts += [
        f'<circle class="g{codes.get(p.group, 0)}{" near" if p.named else ""}" cx="{x(p.x)}" cy="{y(p.y)}" '
        f'r="{5 if p.named else 3.5}"><title>{escaped(f"{p.name}: {p.group} won")}</title></circle>'
        for p in sorted(past, key=lambda p: p.named)
    ]
    cx, cy = x(here.x), y(here.y)
    parts.append(
        f'<path class="here" d="M{cx - 8:g} {cy:g}L{cx:g} {cy - 8:g}L{cx + 8:g} {cy:g}L{cx:g} {cy + 8:g}Z">'
        f"<title>{escaped(here.name)}</title></path>"
    )
    named = [*(p for p in past if p.named), here]
    for p, height in zip(named, _apart([(x(p.x), y(p.y) + 4) for p in named], WIDTH), strict=True):
        shift, anchor = (11, "start") if x(p.x) < WIDTH / 2 else (-11, "end")
        kind = "label first" if p is here else "label"
        parts.append(_text(x(p.x) + shift, height, shortened(p.name, 26), kind=kind, anchor=anchor))
    rest = any(p.group not in codes for p in past)
    return _svg(parts, f"Map of {len(past)} past tasks with {here.name} on it") + _legend(codes, rest=rest)


def curve_plot(trials: Sequence[TrialPoint], metric: str, *, greater_is_better: bool) -> str:
    """Plot what each trial reached, and the best so far, against time."""
    if not trials:
        return ""
    low, high = in_view([t.score for t in trials], greater_is_better=greater_is_better)
    x = _Scale.around([0.0, *(t.seconds for t in trials)], _LEFT, WIDTH - _RIGHT, pad=0.03)
    y = _Scale.around([low, high], HEIGHT - _BOTTOM, _TOP)
    parts = _axes(x, y, "seconds since the start", metric)
    codes = groups([t.group for t in trials])

    def height(score: float) -> float:
        return min(max(y(score), _TOP), HEIGHT - _BOTTOM)

    best = best_so_far(trials, greater_is_better=greater_is_better)
    path = f"M{x(trials[0].seconds)} {height(best[0])}"
    path += "".join(f"H{x(t.seconds)}V{height(b)}" for t, b in zip(trials[1:], best[1:], strict=True))
    parts.append(f'<path class="best" d="{path}H{WIDTH - _RIGHT}"/>')
    parts += [
        f'<circle class="g{codes.get(t.group, 0)}{"" if low <= t.score <= high else " outside"}" cx="{x(t.seconds)}" '
        f'cy="{height(t.score)}" r="4"><title>{escaped(t.title)}</title></circle>'
        for t in trials
    ]
    rest = any(t.group not in codes for t in trials)
    return _svg(parts, f"Best {metric} so far against time") + _legend(codes, rest=rest)


def family_plot(trials: Sequence[TrialPoint], metric: str, *, greater_is_better: bool) -> str:
    """Plot what the trials of each model family reached, the best family first."""
    if not trials:
        return ""
    low, high = in_view([t.score for t in trials], greater_is_better=greater_is_better)
    rows = by_family(trials, greater_is_better=greater_is_better)
    titles = {(t.group, t.score): t.title for t in trials}
    left, right, row_height = 150, WIDTH - 64, 26
    bottom = len(rows) * row_height + 10
    x = _Scale.around([low, high], left, right)
    parts = []
    for tick in x.ticks(4):
        at = x(tick)
        parts += [
            f'<line class="grid" x1="{at}" x2="{at}" y1="4" y2="{bottom}"/>',
            _text(at, bottom + 16, number(tick, 5), anchor="middle"),
        ]
    for i, (name, scores) in enumerate(rows.items()):
        middle = i * row_height + row_height / 2 + 4
        parts.append(_text(left - 10, middle + 4, shortened(name, 20), anchor="end"))
        parts += [
            f'<circle class="rest-dot{"" if low <= score <= high else " outside"}" '
            f'cx="{min(max(x(score), left), right)}" cy="{middle:g}" r="4">'
            f"<title>{escaped(titles[name, score])}</title></circle>"
            for score in scores
        ]
        parts.append(_text(WIDTH - 4, middle + 4, number(scores[0], 4), kind="label", anchor="end"))
    parts.append(_text((left + right) / 2, bottom + 2 * _LINE + 4, metric, kind="axis", anchor="middle"))
    return _svg(parts, f"{metric} of the trials by model family", bottom + 2 * _LINE + 12)


def line_plot(
    lines: Sequence[tuple[str, Sequence[float], Sequence[float]]], title: str, x_label: str, y_label: str
) -> str:
    """Plot named lines, each value shown on hover."""
    x = _Scale.around([v for _, xs, _ in lines for v in xs], _LEFT, WIDTH - _RIGHT, pad=0.03)
    y = _Scale.around([v for _, _, ys in lines for v in ys], HEIGHT - _BOTTOM, _TOP, pad=0.04)
    parts = _axes(x, y, x_label, y_label)
    codes = {label: i + 1 for i, (label, _, _) in enumerate(lines)}
    for label, xs, ys in lines:
        path = "L".join(f"{x(a)} {y(b)}" for a, b in zip(xs, ys, strict=True))
        parts.append(f'<path class="line g{codes[label]}" d="M{path}"/>')
        parts += [
            f'<circle class="g{codes[label]}" cx="{x(a)}" cy="{y(b)}" r="2.5">'
            f"<title>{escaped(label)}: {number(a, 3)}, {number(b, 3)}</title></circle>"
            for a, b in zip(xs, ys, strict=True)
        ]
    return _svg(parts, title) + _legend(codes, rest=False)
