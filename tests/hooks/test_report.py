import json
import pickle

import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.hooks import Change, Drop, Seed, SeedReport
from metalearn.hooks.report import compare

REPORT = SeedReport(
    "tool",
    (Seed(1, "lightgbm", {"eta": 0.1, "leaves": 64}, key="0"), Seed(3, "lightgbm", {"eta": 0.5, "leaves": 7})),
    (Change(1, "leaves", 300, 64), Change(3, "leaves", 300, 64)),
    (Drop(1, "subsample", "the search space has no such parameter"), Drop(2, "", "another family")),
    ("a note",),
)


def test_a_report_reads_as_a_short_text() -> None:
    assert str(REPORT) == (
        "tool: 2 of 3 seeds accepted\n"
        "  1. lightgbm(eta=0.1, leaves=64)\n"
        "  3. lightgbm(eta=0.5, leaves=7)\n"
        "changed:\n"
        "  leaves: 300 -> 64 (seeds 1, 3)\n"
        "dropped:\n"
        "  subsample: the search space has no such parameter (seed 1)\n"
        "  whole seed: another family (seed 2)\n"
        "note: a note"
    )


def test_a_report_is_frozen_and_survives_pickle_and_json() -> None:
    with pytest.raises(AttributeError):
        REPORT.tool = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(REPORT)) == REPORT
    assert SeedReport.from_dict(json.loads(json.dumps(REPORT.to_dict()))) == REPORT


def test_strict_raises_with_the_whole_report() -> None:
    assert REPORT.require(strict=False) is REPORT
    with pytest.raises(InvalidInputError, match=r"leaves: 300 -> 64[\s\S]*strict=False"):
        REPORT.require(strict=True)
    assert SeedReport("tool", REPORT.accepted).require(strict=True)


def test_a_report_is_true_if_anything_was_accepted() -> None:
    assert REPORT
    assert not SeedReport("tool")


def test_a_rejected_seed_takes_its_changes_along() -> None:
    report = REPORT.without(1, "refused")
    assert [seed.rank for seed in report.accepted] == [3]
    assert report.changed == (Change(3, "leaves", 300, 64),)
    assert Drop(1, "", "refused") in report.dropped
    assert Drop(1, "subsample", "the search space has no such parameter") not in report.dropped


def test_comparing_finds_seeds_by_value_then_by_place() -> None:
    rows = [
        ({"eta": 0.1, "leaves": 31}, True, "a"),  # in the place of seed 1, another value
        ({"eta": 0.5000000000001, "leaves": 7.0}, True, "b"),
    ]
    found = compare(REPORT, rows)
    assert found.changed == (Change(1, "leaves", 64, 31),)
    assert [(seed.rank, seed.key) for seed in found.accepted] == [(1, "a"), (3, "b")]
    assert found.deed == "evaluated"


def test_comparing_names_seeds_that_failed_or_never_ran() -> None:
    found = compare(REPORT, [({"eta": 0.5, "leaves": 7}, False, "x")])
    assert [(drop.rank, drop.why) for drop in found.dropped] == [
        (1, "it was never run with these values"),
        (3, "it failed"),
    ]


def test_comparing_tells_true_from_one() -> None:
    report = SeedReport("tool", (Seed(1, "knn", {"flag": True}),))
    assert not compare(report, [({"flag": 1}, True, "")])


def test_comparing_needs_the_report() -> None:
    with pytest.raises(InvalidInputError, match="verify\\(target, report\\)"):
        compare(None, [])


def test_notebooks_show_a_report_as_a_table_in_which_nothing_runs() -> None:
    evil = "<script>alert(1)</script>"
    report = SeedReport(
        evil,
        (Seed(1, evil, {evil: evil}),),
        (Change(1, evil, evil, evil),),
        (Drop(2, evil, evil), Drop(2, "", evil)),
        (evil,),
    )
    page = report._repr_html_()
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 11
    assert page.count("<tr>") == 2
    assert "1 of 2 seeds accepted" in page
    assert "<table" not in SeedReport("optuna")._repr_html_()
