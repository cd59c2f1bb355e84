"""What the README promises."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=lambda code: code.split("\n", 1)[0])
def test_the_code_runs(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr


def test_there_is_code() -> None:
    assert BLOCKS


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_extra_of_a_tool_is_documented() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "hooks").glob("*.md")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["entry-points"]["metalearn.hooks"]) - pages == set()


@pytest.fixture
def readme(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that writes the README's blocks."""
    monkeypatch.syspath_prepend(ROOT / ".ci")
    return importlib.import_module("readme")


def test_a_result_on_another_knowledge_base_is_warned_of(
    readme: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = readme.bundled_knowledge_base().id
    found = {
        "peers": {"about": "", "knowledge_base": {"id": shipped}},
        "bundled": {"about": "KnowledgeBase(1 tasks), id 0123456789abcdef: old."},
        "speed": {"about": "One thread."},
        "automl": {"about": "", "knowledge_base": {"id": shipped}},
        "growth": {"about": "", "knowledge_base": {"id": shipped}},
        "own_metric": {"about": "", "knowledge_base": {"id": shipped}},
    }
    monkeypatch.setattr(readme, "results", lambda suite: (found[suite], {}))
    readme.warn()
    bundled, speed = capsys.readouterr().err.splitlines()
    assert bundled.startswith(
        f"warning: bundled was measured on knowledge base 0123456789abcdef; {shipped} is shipped."
    )
    assert speed.startswith("warning: speed was measured on a knowledge base that it does not name")


def test_the_block_of_peers_names_the_knowledge_base_if_it_is_known(readme: ModuleType) -> None:
    found = {"command": "run", "date": "2026-01-01", "about": "20 tables."}
    assert readme.origin(found) == "(`run`, 2026-01-01)"
    assert readme.origin({**found, "knowledge_base": {"id": "abc"}}) == "(`run`, 2026-01-01, knowledge base abc)"


def test_every_target_has_a_figure_and_a_verdict(readme: ModuleType) -> None:
    first, _, *lines = readme.targets().splitlines()
    verdicts = [line.split(" | ")[2] for line in lines[2:]]
    assert set(verdicts) <= {"met", "**not met**"}
    assert first == f"{verdicts.count('met')} of {len(verdicts)} are met."
    suites = set(re.findall(r"benchmarks/(\w+)\.md", "".join(lines)))
    assert suites == {
        "oboe",
        "autosklearn2016",
        "aslib",
        "bundled",
        "peers",
        "hooks",
        "automl",
        "scale",
        "speed",
        "store",
    }
