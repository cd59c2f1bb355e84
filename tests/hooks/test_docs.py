"""The pages about hooks run as they stand."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from metalearn.hooks import hook_names

PAGES = Path(__file__).parents[2] / "docs" / "hooks"
PACKAGES = {"bayesopt": "bayes_opt", "live": "optuna"}


def test_every_hook_has_a_page_and_a_row() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {"README", "live", *hook_names()}
    overview = (PAGES / "README.md").read_text(encoding="utf-8")
    assert all(f"({name}.md)" in overview for name in hook_names())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*hook_names(), "live"])
def test_a_page_runs_as_it_stands(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package = PACKAGES.get(name, name)
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 3
    exec(compile("\n".join(blocks), f"{name}.md", "exec"), {"__name__": "page"})  # noqa: S102 - the page is ours
