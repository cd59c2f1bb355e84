"""Pages as a real browser shows them, from the command line's reports to hostile names."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from metalearn.cli import main
from metalearn.recommendation import Recommendation
from metalearn.report import tuning_page

HOSTILE = "<script>document.title='hacked'</script>\"'><img src=x onerror=alert(1)>"
PHONE, DESKTOP = 390, 1100
PATIENCE = 120_000  # milliseconds; the machine may be busy with something else
SHOTS = os.environ.get("METALEARN_SHOTS")
"""Folder that takes a picture of every page, for people to look at."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason='pip install "metalearn-recommender[browser]"')
    installed = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with playwright.sync_playwright() as driver:
        if installed is None and not Path(driver.chromium.executable_path).exists():
            message = "no Chromium is installed: apt-get install chromium, or playwright install chromium"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
        shown = driver.chromium.launch(
            executable_path=installed, args=["--no-sandbox", "--disable-gpu"], timeout=PATIENCE
        )
        yield shown
        shown.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the commands write about a table in which the columns, the target and the labels are hostile."""
    folder = tmp_path_factory.mktemp("reports")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"{i} {HOSTILE}": rng.normal(size=60) for i in range(3)})
    frame[f"constant {HOSTILE}"] = HOSTILE
    frame[HOSTILE] = rng.choice([HOSTILE, f"other {HOSTILE}", "a" * 300], 60)
    file = folder / "data <b>&amp; 'more'.csv"
    frame.to_csv(file, index=False)
    about = [str(file), "--target", HOSTILE]
    for command in (
        ["report", *about, "-o", f"{folder}/report.html"],
        ["tune", *about, "--trials", "3", "--families", "linear,nb,knn", "--html", f"{folder}/tuned.html"],
    ):
        out = CliRunner().invoke(main, command)
        assert out.exit_code == 0, out.output
    return [folder / "report.html", folder / "tuned.html"]


def write(found: Recommendation, folder: Path) -> Path:
    found.to_html(folder / "recommendation.html")
    return folder / "recommendation.html"


def watched(browser: Any, file: Path, **options: Any) -> tuple[Any, list[str]]:
    """Open a page; the list fills with whatever it prints, asks for or fails at."""
    page = browser.new_page(**options)
    page.set_default_timeout(PATIENCE)
    heard: list[str] = []
    page.on("console", lambda m: heard.append(m.text))
    page.on("pageerror", lambda e: heard.append(str(e)))
    page.on("dialog", lambda d: (heard.append(d.message), d.dismiss()))
    page.on("request", lambda r: heard.append(r.url) if r.url != file.as_uri() else None)
    page.goto(file.as_uri())
    return page, heard


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_pages_show_without_errors_network_or_sideways_scrolling(  # noqa: PLR0917 - fixtures
    browser: Any,
    reports: list[Path],
    hostile: Recommendation,
    tuned: Callable[[Recommendation], dict[str, Any]],
    tmp_path: Path,
    width: int,
    scheme: str,
) -> None:
    tuning = tmp_path / "made_tuning.html"
    tuning.write_text(tuning_page(tuned(hostile)), encoding="utf-8")
    for file in (*reports, write(hostile, tmp_path), tuning):
        page, heard = watched(browser, file, viewport={"width": width, "height": 800}, color_scheme=scheme)
        assert heard == []
        assert page.title() != "hacked"
        assert page.locator("script, img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for picture in page.locator("svg").all():
            box = picture.bounding_box()
            assert box["x"] + box["width"] <= width
            assert box["width"] > 300
            assert box["height"] > 80
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{file.stem}_{width}_{scheme}.png", full_page=True)
        page.close()


def test_the_command_line_names_the_table_and_the_findings(browser: Any, reports: list[Path]) -> None:
    for file, title in zip(reports, ("What to try first on data <b>", "What came out best on data <b>"), strict=True):
        page, _ = watched(browser, file)
        assert page.inner_text("h1").startswith(title)
        assert "Column 'constant <script>document.title=" in page.inner_text("main")
        page.close()


def test_words_and_numbers_are_not_torn_apart(browser: Any, plain: Recommendation, tuned: Any, tmp_path: Path) -> None:
    file = tmp_path / "tuned.html"
    file.write_text(tuning_page(tuned(plain)), encoding="utf-8")
    page, _ = watched(browser, file, viewport={"width": DESKTOP, "height": 800})
    lines = page.evaluate(
        "[...document.querySelectorAll('.cards td:last-child')].map(cell => {"
        "  const text = document.createRange(); text.selectNodeContents(cell); return text.getClientRects().length})"
    )
    assert set(lines) == {1}
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


def test_pages_print_on_paper_of_any_size(browser: Any, reports: list[Path]) -> None:
    for file in reports:
        page, heard = watched(browser, file)
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        for size, most in (("A4", 12), ("A5", 20)):
            printed = page.pdf(format=size)
            assert printed[:4] == b"%PDF"
            assert 1 < printed.count(b"/Type /Page\n") <= most
        if SHOTS:
            Path(SHOTS, f"{file.stem}.pdf").write_bytes(page.pdf(format="A4"))
        assert heard == []
        page.close()
