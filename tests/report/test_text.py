from collections.abc import Callable
from typing import Any

import pytest

from metalearn.recommendation import Recommendation
from metalearn.report.text import counted, facts_table, novelty_text, number, tuning_text


@pytest.mark.parametrize(("value", "shown"), [(1.0, "1"), (0.99996, "0.99996"), (-0.99999, "-0.99999"), (0.5, "0.5")])
def test_a_nearly_perfect_score_is_not_shown_as_perfect(value: float, shown: str) -> None:
    assert number(value, 3) == shown


def test_a_finished_search_is_told_in_text(
    plain: Recommendation, tuned: Callable[[Recommendation], dict[str, Any]]
) -> None:
    text = tuning_text({**tuned(plain)["tuning"], "notes": ["Column 'price' tells the target."]}, n_trials=2)
    assert text.startswith("A blend of 2 configurations beat the default of lightgbm.\naccuracy 0.95")
    assert "failed" in text
    assert plain[2].model not in text
    assert text.endswith(
        "2 of 6 shown. 6 trials in 18 s. One more is expected to improve accuracy by 0.0012.\nNote: Column 'price' tells the target."
    )


def test_the_words_for_novelty_say_what_happens_to_the_list() -> None:
    said = [novelty_text(novelty) for novelty in (0.2, 0.7, 0.93, 0.95, 1.0)]
    assert "many past tables resemble yours" in said[0]
    assert all(
        "list" not in text for text in said[:3]
    )  # up to the distances of 95 % of past tasks nothing is taken away
    assert all("the list leans towards models that work broadly" in text for text in said[3:])
    assert "unknown" in novelty_text(None)


@pytest.mark.parametrize(
    ("status", "words"),
    [("timeout", "no trial ended within the time. Allow more."), ("failed", "no trial ended well.")],
)
def test_a_search_without_any_score_says_so(status: str, words: str) -> None:
    trial = {"model": "knn", "changes": {}, "score": None, "seconds": None, "status": status, "weight": 1.0}
    facts = {
        "decision": "knn is used.",
        "metric": "r2",
        "score": None,
        "default_score": None,
        "held_out_score": None,
        "seconds": 1.0,
    }
    facts["expected_improvement"] = None
    text = tuning_text({**facts, "trials": [trial], "notes": []})
    assert text.splitlines()[:2] == ["knn is used.", f"There is no r2 to tell: {words}"]


@pytest.mark.parametrize(
    ("more", "end"), [(0.00123, " One more is expected to improve r2 by 0.0012."), (None, ""), (float("nan"), "")]
)
def test_a_search_says_what_one_more_trial_may_add(more: float | None, end: str) -> None:
    trial = {"model": "knn", "changes": {}, "score": 0.5, "seconds": 1.0, "status": "ok", "weight": 1.0}
    facts = {
        "decision": "knn is used.",
        "metric": "r2",
        "score": 0.5,
        "default_score": 0.4,
        "held_out_score": 0.4,
        "seconds": 1.0,
    }
    text = tuning_text({**facts, "expected_improvement": more, "trials": [trial], "notes": []})
    assert text.splitlines()[-1] == f"1 trial in 1.0 s.{end}"


@pytest.mark.parametrize("columns", [60, 80, 120, 300])
def test_tables_are_as_wide_as_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [("a name", "value_of_a_parameter=1.234, " * 12), ("b", "1")]
    widest = max(map(len, facts_table(("name", "parameters"), rows).splitlines()))
    assert min(columns, 160) - 30 < widest <= min(columns, 160)


def test_nouns_agree_with_their_number() -> None:
    assert [counted(n, "task") for n in (0, 1, 2_000)] == ["0 tasks", "1 task", "2,000 tasks"]


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_no_column_is_lost_in_a_narrow_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    heads = ("try", "model", "parameters that differ from the default", "expected accuracy", "one fit")
    row = (
        "1",
        "hist_gradient_boosting",
        "learning_rate_init=0.003582, num_nodes_per_layer=106, C=1",
        "0.991",
        "0.21 s",
    )
    text = facts_table(heads, [row], right=("try", "one fit"))
    assert max(map(len, text.splitlines())) <= columns
    for word in (*row[:2], *row[3:], "accuracy", "C=1"):
        assert word in text
    if columns >= 80:
        assert "num_nodes_per_layer=106" in text  # wrapped between words
