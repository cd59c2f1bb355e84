"""The documentation: what it shows runs as it stands, and it builds without a warning."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from metalearn.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))  # the pages about hooks have tests of their own
QUICK = ("parts",)
LONG = ("building",)  # what its commands do is tested elsewhere; here only that there are such


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def pages_with(language: str) -> list[object]:
    """Return the pages that hold such blocks; most take a few seconds."""
    found = [page for page in PAGES if blocks(page, language)]
    return [p if p.stem in QUICK else pytest.param(p, marks=pytest.mark.slow, id=p.stem) for p in found]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages speak of."""
    rng = np.random.default_rng(0)
    n = 150
    houses = pd.DataFrame({"area": rng.normal(100, 30, n), "town": rng.choice(["Ulm", "Bonn"], n)})
    houses["price"] = 2.5 * houses["area"] + 40 * (houses["town"] == "Ulm") + rng.normal(0, 20, n)
    houses.to_csv(tmp_path / "houses.csv", index=False)
    houses.to_csv(tmp_path / "bare.csv", index=False, header=False)
    houses.drop(columns="price").to_csv(tmp_path / "new.csv", index=False)
    houses.sample(frac=0.9, random_state=0).to_csv(tmp_path / "this_month.csv", index=False)
    visits = houses.assign(patient=np.arange(n) // 5, relapse=houses["price"] > houses["price"].median())
    visits.drop(columns="price").to_csv(tmp_path / "visits.csv", index=False)
    months = pd.period_range("2020-01", periods=n // 5, freq="M").astype(str).repeat(5)
    houses.assign(month=months).rename(columns={"price": "revenue"}).to_csv(tmp_path / "sales.csv", index=False)
    _scenario(tmp_path / "metadata")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _scenario(place: Path) -> None:
    """Write what auto-sklearn keeps for one kind of problem and metric, made small."""
    place.mkdir()
    (place / "description.txt").write_text(
        "scenario_id: small\nperformance_measures: [balanced_accuracy]\nmaximize: [true]\n"
        "performance_type: [solution_quality]\nalgorithm_cutoff_time: '?'\n",
        encoding="utf-8",
    )
    runs = "\n".join(f"{t},1,{a},{0.6 + 0.1 * a + 0.01 * t},ok" for t in range(4) for a in (1, 2))
    (place / "algorithm_runs.arff").write_text(
        "@RELATION runs\n@ATTRIBUTE instance_id STRING\n@ATTRIBUTE repetition NUMERIC\n@ATTRIBUTE algorithm STRING\n"
        "@ATTRIBUTE balanced_accuracy NUMERIC\n@ATTRIBUTE runstatus {ok, timeout, memout, not_applicable, crash, other}\n"
        f"@DATA\n{runs}\n",
        encoding="utf-8",
    )
    values = "\n".join(f"{t},1,{100 * (t + 1)}" for t in range(4))
    (place / "feature_values.arff").write_text(
        "@RELATION values\n@ATTRIBUTE instance_id STRING\n@ATTRIBUTE repetition NUMERIC\n"
        f"@ATTRIBUTE NumberOfInstances NUMERIC\n@DATA\n{values}\n",
        encoding="utf-8",
    )


@pytest.mark.parametrize("page", pages_with("python"))
def test_the_code_of_a_page_runs(page: Path, folder: Path) -> None:
    script = "\n".join(blocks(page, "python"))
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_plain_environment(folder))
    assert done.returncode == 0, done.stderr


def _plain_environment(folder: Path) -> dict[str, str]:
    import os  # noqa: PLC0415 - for this only

    return {**os.environ, "MPLBACKEND": "agg", "HOME": str(folder)}


def commands(page: Path) -> list[list[str]]:
    """Return the words of every command that a page shows, without installations."""
    lines = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    words = [shlex.split(part, comments=True) for line in lines for part in line.split(" && ")]
    return [w for w in words if w and w[:2] != ["pip", "install"]]


@pytest.mark.parametrize("page", pages_with("bash"))
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_commands_of_a_page_run(page: Path, folder: Path) -> None:
    if page.stem == "stores":  # its commands look at what its code wrote
        test_the_code_of_a_page_runs(page, folder)
    for program, *words in commands(page):
        assert program == "metalearn"
        if page.stem in LONG:
            command: click.Command = main
            while isinstance(command, click.Group):
                command, words = command.commands[words[0]], words[1:]  # noqa: PLW2901 - down to the last group
            command.make_context("metalearn", words)
        else:
            out = CliRunner().invoke(main, words)
            assert out.exit_code == 0, f"{words}\n{out.output}"


def test_every_page_can_be_reached() -> None:
    listed = set(re.findall(r"^[\w/*]+$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {page.stem for page in PAGES} - {"index"} <= listed


def test_every_extra_is_named_where_it_is_needed() -> None:
    import tomllib  # noqa: PLC0415 - for this only

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    written = "".join(page.read_text(encoding="utf-8") for page in [*DOCS.rglob("*.md"), ROOT / "README.md"])
    internal = {"browser", "dev", "docs", "openml", "test"}  # openml is in the core
    assert [extra for extra in extras if extra not in internal and f"[{extra}" not in written] == []


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    if any(importlib.util.find_spec(name) is None for name in ("furo", "myst_parser", "numpydoc", "sphinx")):
        pytest.skip('the site needs pip install "metalearn-recommender[docs]"')
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", DOCS, tmp_path / "site"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").exists()
