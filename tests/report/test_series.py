"""What plots show, before anything is drawn."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import metalearn.report
from metalearn.recommendation import Recommendation
from metalearn.report import series
from metalearn.report.series import TrialPoint

NAN = float("nan")


def trials(*scores: float) -> list[TrialPoint]:
    return [TrialPoint("", f"family {i % 2}", float(i), score) for i, score in enumerate(scores)]


def candidate(seconds: float | None, score: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {
        "configuration": {"model": "svm"},
        "changes": {"C": 2.0},
        "expected_seconds": seconds,
        "expected_score": score,
        "interval": [low, high],
    }


def test_candidates_keep_their_rank_where_others_are_unknown() -> None:
    points = series.score_points([candidate(None, 0.5, 0, 1), candidate(1.0, NAN, 0, 1), candidate(2.0, 0.7, NAN, 0.8)])
    assert [(p.label, p.title, p.score, p.low, p.high) for p in points] == [("3", "3. svm: C=2", 0.7, 0.7, 0.8)]


def test_the_new_table_comes_first_on_the_map_and_the_nearest_are_named(plain: Recommendation) -> None:
    facts = plain.report_facts()
    points = series.map_points(facts["places"], facts["neighbours"])
    assert points[0].name == "wine"
    assert {p.name for p in points if p.named} == {"wine", "past task 1", "past task 2"}
    assert series.map_points(facts["places"][:1], ()) == []


def test_only_known_shares_are_shown() -> None:
    assert series.driver_shares({"a": 0.5, "b": NAN, "c": 0.1}) == {"a": 0.5, "c": 0.1}


def test_failed_trials_are_left_out_and_the_rest_stand_in_time(
    plain: Recommendation, tuned: Callable[[Recommendation], dict[str, Any]]
) -> None:
    facts = tuned(plain)["tuning"]["trials"]
    found = series.trial_points(facts[::-1])
    assert [t.seconds for t in found] == sorted(t["ended"] for t in facts if math.isfinite(t["score"]))
    assert len(found) == len(facts) - 1


@pytest.mark.parametrize(("greater", "best"), [(True, [0.5, 0.7, 0.7]), (False, [0.5, 0.5, 0.1])])
def test_the_best_so_far_never_gets_worse(greater: bool, best: list[float]) -> None:  # noqa: FBT001
    assert series.best_so_far(trials(0.5, 0.7, 0.1), greater_is_better=greater) == best


@pytest.mark.parametrize(("greater", "order"), [(True, ["family 1", "family 0"]), (False, ["family 0", "family 1"])])
def test_families_and_their_scores_begin_with_the_best(greater: bool, order: list[str]) -> None:  # noqa: FBT001
    found = series.by_family(trials(0.1, 0.7, 0.5), greater_is_better=greater)
    assert list(found) == order
    assert found["family 0"] == ([0.5, 0.1] if greater else [0.1, 0.5])


def test_what_is_far_behind_is_out_of_view() -> None:
    assert series.in_view([0.9, 0.8, 0.7, -50.0], greater_is_better=True) == (0.7, 0.9)
    assert series.in_view([0.858, 0.867, 0.8669, 0.8668, 0.5], greater_is_better=True) == (0.858, 0.867)
    assert series.in_view([1.0, 2.0, 3.0, 1e9], greater_is_better=False) == (1.0, 3.0)


def test_there_is_a_colour_for_every_group_and_the_page_uses_the_same() -> None:
    found = series.groups([f"g{i}" for i in range(9) for _ in range(9 - i)])
    assert list(found) == [f"g{i}" for i in range(6)]
    assert max(found.values()) == len(series.COLOURS) - 1
    style = (Path(metalearn.report.__file__).parent / "templates/page.css").read_text(encoding="utf-8")
    assert all(f"--g{i}: {colour};" in style for i, colour in enumerate(series.COLOURS))
