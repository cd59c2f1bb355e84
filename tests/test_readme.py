"""What the README promises."""

import re
import subprocess
import sys
from pathlib import Path

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
    hooks = {path.stem for path in (ROOT / "metalearn" / "hooks").glob("*.py")}
    tools = hooks - {"__init__", "base", "configspace", "domains", "harvest", "report"}
    assert tools - pages == set()
