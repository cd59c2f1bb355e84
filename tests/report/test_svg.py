import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from metalearn.report.series import MapPoint, ScorePoint, TrialPoint
from metalearn.report.svg import curve_plot, family_plot, map_plot, score_plot


def element(text: str) -> ET.Element:
    """Parse the SVG part: it has to be well-formed."""
    return ET.fromstring(text[: text.index("</svg>") + 6])  # noqa: S314 - our own text


def numbers(text: str) -> list[float]:
    found = re.findall(r' (?:cx|cy|x1|x2|y1|y2|x|y)="([^"]*)"', text)
    return [float(v) for v in found]


def point(label: str, seconds: float, score: float) -> ScorePoint:
    return ScorePoint(label, f"{label} <b>", seconds, score, score - 0.1, score + 0.1)


def test_a_dearer_candidate_stands_further_right_and_a_better_one_higher() -> None:
    svg = element(score_plot([point("1", 0.1, 0.9), point("2", 10.0, 0.5)], "accuracy"))
    first, second = (g.find("circle") for g in svg.iter("g") if g.find("circle") is not None)
    assert first is not None
    assert second is not None
    assert float(first.attrib["cx"]) < float(second.attrib["cx"])
    assert float(first.attrib["cy"]) < float(second.attrib["cy"])


@pytest.mark.parametrize(
    "points",
    [
        [point("1", 1.0, 0.5)],
        [point("1", 1.0, 0.5), point("2", 1.0, 0.5)],
        [point("1", 0.0, 0.0), point("2", 1e6, -1e9)],
    ],
)
def test_degenerate_values_still_give_finite_places_inside_the_picture(points: list[ScorePoint]) -> None:
    svg = score_plot(points, "r2")
    element(svg)
    assert all(math.isfinite(v) and -1 <= v <= 481 for v in numbers(svg))


@pytest.mark.parametrize("spread", [1.0, 1.3, 3.0, 40.0, 1e5])
def test_costs_have_at_least_two_ticks(spread: float) -> None:
    svg = element(score_plot([point("1", 0.3, 0.9), point("2", 0.3 * spread, 0.5)], "accuracy"))
    upright = [line for line in svg.findall("line") if line.attrib["x1"] == line.attrib["x2"]]
    assert 2 <= len(upright) <= 8


def test_nothing_known_gives_no_plot() -> None:
    assert score_plot([], "r2") == ""
    assert map_plot([]) == ""
    assert curve_plot([], "r2", greater_is_better=True) == ""
    assert family_plot([], "r2", greater_is_better=True) == ""


def test_a_map_names_the_near_ones_and_this_table_without_overlap() -> None:
    points = [MapPoint("<here>", 0.0, 0.0, "", named=True)]
    points += [MapPoint(f"task {i}", 0.0, 0.0, "svm", named=True) for i in range(3)]
    points += [MapPoint("far", 5.0, 5.0, f"family {i}") for i in range(9)]
    text = map_plot(points)
    labels = {t.text: float(t.attrib["y"]) for t in element(text).iter("text")}
    assert set(labels) == {"task 0", "task 1", "task 2", "<here>"}
    heights = sorted(labels.values())
    assert all(b - a >= 12 for a, b in pairwise(heights))
    assert "others" in text  # there are more families than colours


@pytest.mark.parametrize("greater", [True, False])
def test_the_curve_only_ever_improves(greater: bool) -> None:  # noqa: FBT001
    scores = [0.5, 0.7, 0.6, 0.9, 0.1]
    trials = [TrialPoint("", "a", float(i), s) for i, s in enumerate(scores)]
    svg = element(curve_plot(trials, "m", greater_is_better=greater))
    path = next(p.attrib["d"] for p in svg.iter("path") if p.attrib["class"] == "best")
    heights = [float(v) for v in re.findall(r"V([\d.]+)", path)]
    assert heights == sorted(heights, reverse=greater)
    assert len(set(heights)) > 1


def test_ranks_of_candidates_that_stand_together_can_be_read() -> None:
    svg = element(score_plot([point(str(rank), 1.0, 0.9) for rank in range(1, 6)], "accuracy"))
    labels = sorted(float(t.attrib["y"]) for t in svg.iter("text") if "label" in t.attrib.get("class", ""))
    assert len(labels) == 5
    assert all(b - a >= 13 for a, b in pairwise(labels))


def test_one_failure_does_not_flatten_the_rest() -> None:
    trials = [TrialPoint("", "a", float(i), 0.9 + i / 100) for i in range(9)] + [TrialPoint("", "a", 9.0, -1e9)]
    svg = element(curve_plot(trials, "r2", greater_is_better=True))
    heights = sorted(float(c.attrib["cy"]) for c in svg.iter("circle"))
    assert heights[-2] - heights[0] > 100
    assert [float(c.attrib["cy"]) for c in svg.iter("circle") if "outside" in c.attrib["class"]] == heights[-1:]
    assert all(0 <= h <= 300 for h in heights)


def test_families_are_ordered_by_their_best() -> None:
    trials = [TrialPoint("", "poor", 1.0, 0.2), TrialPoint("", "good", 2.0, 0.8), TrialPoint("", "good", 3.0, 0.1)]
    for greater, first in ((True, "good"), (False, "good")):
        svg = element(family_plot(trials, "m", greater_is_better=greater))
        names = [t.text for t in svg.iter("text") if t.text in ("good", "poor")]
        assert names[0] == first
