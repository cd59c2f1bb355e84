"""The pages for programs and for those who work on the code name what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def links(file: Path) -> list[str]:
    return re.findall(r"\]\(([^)#:]+)\)", file.read_text(encoding="utf-8"))


def test_llms_txt_names_every_page_and_nothing_else() -> None:
    found = links(DOCS / "llms.txt")
    assert [link for link in found if not (DOCS / link).exists()] == []
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} - set(found) == set()


def test_what_agents_md_names_exists() -> None:
    text = (ROOT / "AGENTS.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:[\w.]+/)+[\w.]*)`", text) + re.findall(r"\b(?:python|pytest -q) ([\w./]+)", text)
    paths = {name.strip("`").removesuffix("/") for name in [*named, *links(ROOT / "AGENTS.md")]}
    assert len(paths) > 8
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
    assert len(text.splitlines()) < 60


def test_every_tool_is_on_the_page() -> None:
    page = (DOCS / "mcp.md").read_text(encoding="utf-8")
    for tool in ("describe", "recommend", "code", "start", "ask", "tell", "finish", "kb_search", "record", "tune"):
        assert f"`{tool}`" in page
    for schema in (DOCS / "schemas").glob("*.json"):
        assert f"schemas/{schema.name}" in page
