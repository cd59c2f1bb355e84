"""Advisors that are saved: they outlive a server, and several servers may use one."""

from pathlib import Path

import pytest
from sklearn.datasets import load_iris

from metalearn.advisor import Advisor
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.mcp.advisors import Advisors, SavedAdvisor
from metalearn.space import Configuration

ABOUT = {"table": "iris"}


def started(folder: Path) -> SavedAdvisor:
    return Advisors(folder).start(Advisor(*load_iris(return_X_y=True)), ABOUT)


def test_an_advisor_outlives_its_server(tmp_path: Path) -> None:
    saved = started(tmp_path / "state")
    first, second = saved.ask(2)
    saved.tell(first, score=0.9, seconds=0.1, status="ok")
    again = Advisors(tmp_path / "state").get(saved.id)
    assert again.advisor.history == saved.advisor.history
    assert (set(again.asked), again.told, again.about) == ({first.id, second.id}, {first.id}, ABOUT)
    assert again.ask(1)[0].id not in {first.id, second.id}  # what is being tried elsewhere is not asked for twice
    again.tell(second, score=0.95, seconds=0.1, status="ok")
    assert again.advisor.best.configuration == second


def test_two_servers_add_to_one_advisor(tmp_path: Path) -> None:
    saved = started(tmp_path)
    one, other = Advisors(tmp_path), Advisors(tmp_path)
    a, b = one.get(saved.id).ask(2)
    other.get(saved.id).tell(a, score=0.9, seconds=None, status="ok")
    one.get(saved.id).tell(b, score=None, seconds=None, status="failed")
    for advisors in (one, other):
        assert {t.configuration for t in advisors.get(saved.id).advisor.history} == {a, b}


def test_a_result_told_twice_replaces_the_first(tmp_path: Path) -> None:
    saved = started(tmp_path)
    (tried,) = saved.ask(1)
    for score in (0.5, 0.9):
        saved.tell(tried, score=score, seconds=None, status="ok")
    assert [t.score for t in Advisors(tmp_path).get(saved.id).advisor.history] == [0.9]


def test_a_wrong_result_is_not_saved(tmp_path: Path) -> None:
    saved = started(tmp_path)
    with pytest.raises(InvalidInputError, match="accuracy"):
        saved.tell(Configuration("knn", {}), score=7.0, seconds=None, status="ok")
    assert Advisors(tmp_path).get(saved.id).advisor.history == ()


def test_the_torn_line_of_a_killed_server_is_passed_over(tmp_path: Path) -> None:
    saved = started(tmp_path)
    with saved.path.open("ab") as file:
        file.write(b'{"told": {"conf')
    (tried,) = Advisors(tmp_path).get(saved.id).ask(1)
    assert list(Advisors(tmp_path).get(saved.id).asked) == [tried.id]


def test_a_finished_advisor_stays_finished(tmp_path: Path) -> None:
    saved = started(tmp_path)
    saved.finish()
    assert Advisors(tmp_path).get(saved.id).finished


@pytest.mark.parametrize("name", ["../x", "0" * 16, "", "a/b", "0" * 15 + "\n", "\0"])
def test_what_is_no_advisor_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownNameError, match="There is no advisor"):
        Advisors(tmp_path).get(name)


def test_damaged_and_newer_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / f"{'0' * 16}.jsonl").write_text("{}\n", encoding="utf-8")
    (tmp_path / f"{'1' * 16}.jsonl").write_text('{"format": 99}\n', encoding="utf-8")
    with pytest.raises(InvalidInputError, match="is damaged"):
        Advisors(tmp_path).get("0" * 16)
    with pytest.raises(InvalidInputError, match="newer version"):
        Advisors(tmp_path).get("1" * 16)


def test_only_the_user_may_read_what_is_saved(tmp_path: Path) -> None:
    saved = started(tmp_path / "state")
    assert (saved.path.stat().st_mode & 0o077, (tmp_path / "state").stat().st_mode & 0o077) == (0, 0)
