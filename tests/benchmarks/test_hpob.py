"""HPO-B's runner on a file of exactly its published structure."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from options import Options  # noqa: E402 - the folder of the benchmarks is no package
from suites import hpob  # noqa: E402


def accuracies(X: np.ndarray, shift: float) -> list[list[float]]:
    """Return a bowl whose best place moves a little from table to table."""
    return (0.9 - ((X - 0.4 - shift) ** 2).sum(axis=1) / 4)[:, None].round(6).tolist()


def write(folder: Path) -> None:
    """Write meta-train-dataset.json, meta-test-dataset.json and bo-initializations.json."""
    folder.mkdir()
    rng = np.random.default_rng(0)

    def tables(names: list[str]) -> dict[str, dict[str, list[list[float]]]]:
        found = {}
        for name in names:
            X = rng.random((80, 3)).round(4)
            found[name] = {"X": X.tolist(), "y": accuracies(X, 0.05 * rng.normal())}
        return found

    train, test = {"4796": tables(["3", "23", "31", "53", "60"])}, {"4796": tables(["3549", "3918"])}
    starts = {"4796": {name: {f"test{i}": rng.permutation(80)[:5].tolist() for i in range(2)} for name in test["4796"]}}
    files = ("meta-train-dataset", "meta-test-dataset", "bo-initializations")
    for name, content in zip(files, (train, test, starts), strict=True):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def run(data: Path, results: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/run.py", "hpob", "--quick", "--data", str(data), "--results", str(results)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_past_tables_help_on_new_ones(tmp_path: Path) -> None:
    write(tmp_path / "hpob-data")
    done = run(tmp_path, tmp_path / "results")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "results" / "hpob.json").read_text(encoding="utf-8"))
    regret = {row[0]: [float(str(cell).split()[0]) for cell in row[1:]] for row in report["tables"][0]["rows"]}
    ours, alone, chance = (
        regret["ensemble of past tables"],
        regret["Gaussian process without past tables"],
        regret["random"],
    )
    assert ours[0] == alone[0] == chance[0]  # the five trials that are given
    assert ours[1] < chance[1]
    assert alone[2] < chance[2]
    assert (tmp_path / "results" / "hpob.svg").stat().st_size > 5000


def test_absent_data_is_named_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="HPO-B repository"):
        hpob.run(Options(tmp_path, tmp_path, tmp_path, seeds=1, quick=True))
    (tmp_path / "hpob-data").mkdir()
    with pytest.raises(SystemExit, match=r"There is no file .*meta-train-dataset\.json"):
        hpob.run(Options(tmp_path, tmp_path, tmp_path, seeds=1, quick=True))
