"""What plots show, taken from plain facts: the same for the pages' SVG and for figures in notebooks."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from metalearn.report.text import changes, number

__all__ = [
    "COLOURS",
    "MapPoint",
    "ScorePoint",
    "TrialPoint",
    "best_so_far",
    "by_family",
    "driver_shares",
    "groups",
    "in_view",
    "map_points",
    "score_points",
    "trial_points",
]

COLOURS = ("#9aa4b1", "#1f77b4", "#d95f02", "#1b9e77", "#b8469b", "#b08900", "#6a55c2")
"""What groups are drawn in; the first is for all that have none of their own."""

_NAMED = 3
_DRIVERS = 8


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """Place one candidate by what it should reach and cost."""

    label: str
    title: str
    seconds: float
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MapPoint:
    """Place one task on a map."""

    name: str
    x: float
    y: float
    group: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class TrialPoint:
    """Record what one trial reached and when."""

    title: str
    group: str
    seconds: float
    score: float


def score_points(candidates: Sequence[Mapping[str, Any]]) -> list[ScorePoint]:
    """Return what the candidates of known score and cost should reach, in their order."""
    points = []
    for rank, c in enumerate(candidates, start=1):
        cost, score, low, high = map(_value, (c["expected_seconds"], c["expected_score"], *c["interval"]))
        if math.isfinite(cost) and math.isfinite(score):
            low, high = (v if math.isfinite(v) else score for v in (low, high))
            title = f"{rank}. {c['configuration']['model']}: {changes(c['changes'])}"
            points.append(ScorePoint(str(rank), title, cost, score, low, high))
    return points


def map_points(places: Sequence[Mapping[str, Any]], neighbours: Sequence[Mapping[str, Any]]) -> list[MapPoint]:
    """Return the new task and then the past ones, the nearest three of which are named."""
    near = {n["name"] for n in neighbours[:_NAMED]}
    points = [MapPoint(p["name"], p["x"], p["y"], p["best"], not i or p["name"] in near) for i, p in enumerate(places)]
    return points if len(points) > 1 else []


def driver_shares(drivers: Mapping[str, float]) -> dict[str, float]:
    """Return the eight meta-features that drove the match most."""
    return {name: share for name, share in list(drivers.items())[:_DRIVERS] if math.isfinite(share)}


def trial_points(trials: Sequence[Mapping[str, Any]]) -> list[TrialPoint]:
    """Return what the trials of a search reached that reached anything, in the order in which they ended."""
    points = [
        TrialPoint(f"{t['model']}: {changes(t['changes'])} ({number(t['score'])})", t["model"], t["ended"], t["score"])
        for t in trials
        if math.isfinite(_value(t["score"]))
    ]
    return sorted(points, key=lambda t: t.seconds)


def best_so_far(trials: Sequence[TrialPoint], *, greater_is_better: bool) -> list[float]:
    """Return the best score after each trial."""
    return list(accumulate((t.score for t in trials), _better(greater_is_better)))


def by_family(trials: Sequence[TrialPoint], *, greater_is_better: bool) -> dict[str, list[float]]:
    """Return the scores of each model family."""
    scores: dict[str, list[float]] = {}
    for t in sorted(trials, key=lambda t: t.score, reverse=greater_is_better):
        scores.setdefault(t.group, []).append(t.score)
    return scores


def in_view(scores: Sequence[float], *, greater_is_better: bool) -> tuple[float, float]:
    """Return the range to be shown, so that one failure does not flatten everything else."""
    best = max(scores) if greater_is_better else min(scores)
    gaps = sorted(abs(v - best) for v in scores)
    reach = 3 * max(gaps[len(gaps) // 2], 1e-9)
    kept = [scores[0], *(v for v in scores if abs(v - best) <= reach)]
    return min(kept), max(kept)


def groups(names: Sequence[str]) -> dict[str, int]:
    """Give the most frequent groups, as many as there are colours, numbers from 1."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[: len(COLOURS) - 1]
    return {name: i + 1 for i, name in enumerate(frequent)}


def _better(greater_is_better: bool) -> Callable[[float, float], float]:  # noqa: FBT001 - the one thing it depends on
    return max if greater_is_better else min


def _value(value: float | None) -> float:
    return math.nan if value is None else float(value)
