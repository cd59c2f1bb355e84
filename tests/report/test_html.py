from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from metalearn.recommendation import Recommendation
from metalearn.report import recommendation_page, tuning_page

Tuned = Callable[[Recommendation], dict[str, Any]]

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Read a page as a browser would: elements, attributes, text; every element has to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(found: Recommendation, tuned: Tuned) -> list[str]:
    return [recommendation_page(found.report_facts()), tuning_page(tuned(found))]


def test_every_section_is_there_and_the_answer_comes_first(plain: Recommendation) -> None:
    text = Page(plain.to_html()).text
    wanted = [
        "What to try first on wine",
        f"Try {plain[0].model} first",
        "In this order",
        "Checks and notes",
        "What to expect against what it costs",
        "Where this table lies",
        "The past tasks that count most",
        "What made them near",
        "Code to copy",
        "How sure, and why",
        "All 41 meta-features",
    ]
    places = [text.index(part) for part in wanted]
    assert places == sorted(places)
    assert plain.to_code().strip() in text


def test_a_finished_search_shows_its_curve_its_leaderboard_and_its_families(
    plain: Recommendation, tuned: Tuned
) -> None:
    text = Page(tuning_page(tuned(plain))).text
    wanted = ["A blend of 2 configurations", "5 of 6 finished", "Best score so far", "Leaderboard", "By model family"]
    assert all(part in text for part in wanted)
    assert "Nothing was trained" not in text


def test_hostile_names_are_text_and_nothing_else(plain: Recommendation, hostile: Recommendation, tuned: Tuned) -> None:
    for calm, attacked in zip(pages(plain, tuned), pages(hostile, tuned), strict=True):
        expected, found = Page(calm), Page(attacked)
        assert [tag for tag, _ in found.elements] == [tag for tag, _ in expected.elements]
        assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
        assert "<script>document.title" in found.text


def test_a_page_needs_no_network_and_runs_no_script(hostile: Recommendation, tuned: Tuned) -> None:
    for text in pages(hostile, tuned):
        page = Page(text)
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base"}
        assert not any(name in ("src", "href") for _, attributes in page.elements for name in attributes)
        assert "url(" not in text
        assert "@import" not in text
        policy = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_says_only_what_is_known(plain: Recommendation) -> None:
    bare = replace(plain, neighbours=(), drivers={}, meta_features={}, notes=(), places=(), novelty=float("nan"))
    text = Page(bare.to_html()).text
    for absent in ("Where this table lies", "past tasks that count most", "What made them near", "meta-features"):
        assert absent not in text
    assert "found nothing suspicious" in text
    assert "nan" not in text
    empty = Page(replace(bare, candidates=()).to_html()).text
    assert "nothing to recommend" in empty


def test_the_page_is_written_to_a_file(plain: Recommendation, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert plain.to_html(path) == path.read_text(encoding="utf-8")


def test_notebooks_show_the_candidates_as_a_table(hostile: Recommendation) -> None:
    page = Page(hostile._repr_html_())
    assert sum(tag == "tr" for tag, _ in page.elements) == len(hostile) + 1
    assert not any(tag == "script" for tag, _ in page.elements)


@pytest.mark.parametrize("part", ["prefers-color-scheme: dark", "@media print", "max-width: 40rem"])
def test_the_style_serves_dark_rooms_paper_and_phones(plain: Recommendation, part: str) -> None:
    assert part in plain.to_html()
