"""The script that a recommendation prints runs as it is."""

import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metalearn.models import get_model, models_for
from metalearn.recommendation import Candidate, Recommendation
from metalearn.task import ProblemType, Task, metrics_for

N = 60
NAN = float("nan")


def write_table(folder: Path, kind: ProblemType) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=N), "town": rng.choice(["Ulm", "Bonn", None], N)})
    targets = {
        ProblemType.BINARY: rng.choice(["no", "yes"], N),
        ProblemType.MULTICLASS: rng.choice(["x", "y", "z"], N),
        ProblemType.REGRESSION: rng.normal(size=N),
    }
    frame.assign(target=targets[kind]).to_csv(folder / "data.csv", index=False)


def recommendation(kind: ProblemType, family: str, n: int = 1) -> list[Recommendation]:
    candidates = tuple(
        Candidate(configuration=c, problem_type=kind, expected_score=NAN, interval=(NAN, NAN), expected_seconds=NAN)
        for c in get_model(family).design(kind, n)
    )
    return [
        Recommendation(Task(id="t", problem_type=kind, metric=metric), candidates, "none")
        for metric in metrics_for(kind)
    ]


@pytest.mark.parametrize("kind", list(ProblemType))
def test_the_script_runs_for_every_metric(
    kind: ProblemType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path, kind)
    monkeypatch.chdir(tmp_path)
    for found in recommendation(kind, "linear"):
        (tmp_path / "script.py").write_text(found.to_code())
        made = runpy.run_path("script.py")
        assert len(made["model"].predict(pd.read_csv("data.csv").drop(columns="target"))) == N
        assert "nan" not in capsys.readouterr().out


def test_the_script_uses_one_thread_also_for_families_with_threads_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(tmp_path, ProblemType.BINARY)
    monkeypatch.chdir(tmp_path)
    script = recommendation(ProblemType.BINARY, "hist_gradient_boosting")[0].to_code()
    script += "from threadpoolctl import threadpool_info\nprint({pool['num_threads'] for pool in threadpool_info()})\n"
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    out = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "{1}"


def test_the_script_says_where_to_put_a_table_that_is_in_no_file() -> None:
    found = recommendation(ProblemType.BINARY, "linear")[0]
    before, comment, line = found.to_code().partition("# Put your own table here")
    assert comment
    assert line.splitlines()[1] == "table = read_table('data.csv', 'target')"
    assert (
        replace(found, file="houses.csv").to_code()
        == before + "table = read_table('houses.csv', 'target')\n" + (line.split("'target')\n", 1)[1])
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", list(ProblemType))
def test_the_script_runs_for_every_family(
    kind: ProblemType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path, kind)
    monkeypatch.chdir(tmp_path)
    for name, spec in models_for(kind).items():
        if spec.is_available:
            (tmp_path / "script.py").write_text(recommendation(kind, name, 2)[0].to_code(rank=2))
            runpy.run_path("script.py")
            assert "nan" not in capsys.readouterr().out, name
