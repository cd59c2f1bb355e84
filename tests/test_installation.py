import json
import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from metalearn import _installation
from metalearn._installation import install_command

ROOT = Path(__file__).parents[1]


def installed_from(monkeypatch: pytest.MonkeyPatch, source: dict[str, object] | None) -> None:
    text = None if source is None else json.dumps(source)
    monkeypatch.setattr(_installation, "distribution", lambda _: SimpleNamespace(read_text=lambda _: text))


def test_from_an_index_the_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, None)
    assert install_command("plot") == 'pip install "metalearn-recommender[plot]"'


def test_from_a_checkout_its_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "my checkout"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    installed_from(monkeypatch, {"url": folder.as_uri(), "dir_info": {"editable": True}})
    assert install_command("plot") == f'pip install "{folder}[plot]"'
    monkeypatch.chdir(folder)
    assert install_command("plot") == 'pip install ".[plot]"'


def test_a_checkout_that_is_gone_is_not_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed_from(monkeypatch, {"url": (tmp_path / "gone").as_uri(), "dir_info": {}})
    assert install_command("plot") == 'pip install "metalearn-recommender[plot]"'


def test_from_a_repository_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, {"url": "https://host/team/metalearn", "vcs_info": {"vcs": "git", "commit_id": "0"}})
    assert install_command("plot") == 'pip install "metalearn-recommender[plot] @ git+https://host/team/metalearn"'


def test_without_metadata_the_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(_installation, "distribution", absent)
    assert install_command("plot") == 'pip install "metalearn-recommender[plot]"'


def test_no_message_names_a_way_of_its_own_to_install_an_extra() -> None:
    own = [
        str(path)
        for path in (ROOT / "metalearn").rglob("*.py")
        if re.search(r"pip install \\?[\"']?metalearn-recommender\[", path.read_text(encoding="utf-8"))
    ]
    assert own == []


@pytest.mark.parametrize("script", [".ci/run", ".ci/hooks/run.sh"])
def test_every_test_that_ci_names_exists(script: str) -> None:
    named = re.findall(r"\btests/[\w/.]+", (ROOT / script).read_text(encoding="utf-8"))
    assert named
    assert [path for path in named if not list(ROOT.glob(f"{path.rstrip('.')}*"))] == []
