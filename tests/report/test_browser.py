"""Pages as a real browser shows them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metalearn.recommendation import Recommendation
from metalearn.report import tuning_page

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
PHONE, DESKTOP = 390, 1100

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason='pip install "metalearn-recommender[browser]"')
    with playwright.sync_playwright() as driver:
        shown = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield shown
        shown.close()


def write(found: Recommendation, folder: Path) -> Path:
    found.to_html(folder / "recommendation.html")
    return folder / "recommendation.html"


@pytest.mark.parametrize("look", [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")])
def test_pages_show_without_errors_network_or_sideways_scrolling(
    browser: Any,
    hostile: Recommendation,
    tuned: Callable[[Recommendation], dict[str, Any]],
    tmp_path: Path,
    look: tuple[int, str],
) -> None:
    width, scheme = look
    tuning = tmp_path / "tuning.html"
    tuning.write_text(tuning_page(tuned(hostile)), encoding="utf-8")
    for file in (write(hostile, tmp_path), tuning):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        heard: list[str] = []
        page.on("console", lambda m, heard=heard: heard.append(m.text))
        page.on("pageerror", lambda e, heard=heard: heard.append(str(e)))
        page.on("dialog", lambda d, heard=heard: (heard.append(d.message), d.dismiss()))
        page.on("request", lambda r, heard=heard: heard.append(r.url) if not r.url.startswith("file:") else None)
        page.goto(file.as_uri())
        assert heard == []
        assert page.title() != "hacked"
        assert hostile.task.name[:20] in page.inner_text("h1")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture = page.locator("svg").first.bounding_box()
        assert picture["width"] > 300
        assert picture["height"] > 180
        page.close()


def test_text_in_plots_stays_readable_on_a_phone(browser: Any, plain: Recommendation, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": PHONE, "height": 800})
    page.goto(write(plain, tmp_path).as_uri())
    heights = page.evaluate("[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)")
    assert min(h for h in heights if h) >= 9
    page.close()


def test_ink_differs_from_paper_in_both_schemes(browser: Any, plain: Recommendation, tmp_path: Path) -> None:
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(write(plain, tmp_path).as_uri())
        ink, paper = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        brightness = [sum(int(v) for v in c[4:-1].split(",")[:3]) for c in (ink, paper)]
        assert abs(brightness[0] - brightness[1]) > 400
        assert (brightness[0] > brightness[1]) == (scheme == "dark")
        page.close()


def test_the_page_prints(browser: Any, plain: Recommendation, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(write(plain, tmp_path).as_uri())
    assert page.pdf()[:4] == b"%PDF"
    page.close()
