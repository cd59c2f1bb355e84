import json
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from report import Plot, Report, Table, command_line, write  # noqa: E402 - the folder of the benchmarks is no package
from suites import store  # noqa: E402
from suites.metafeatures import CHEAP, NONE, differences  # noqa: E402

from metalearn.evaluation import Evaluation  # noqa: E402
from metalearn.knowledge import KnowledgeBase  # noqa: E402
from metalearn.metafeatures import MetaFeatures  # noqa: E402
from metalearn.space import Configuration  # noqa: E402
from metalearn.task import ProblemType, Task  # noqa: E402


@pytest.fixture
def report() -> Report:
    plot = Plot("Gaps", points={"ours": (0.5, 0.4, 0.6), "theirs": (1.2, 1.1, 1.5)}, reference=1.0, labels=("gap", ""))
    return Report("small", "Small", "About.", [Table("T", ["a"], [[1]])], [plot])


def test_the_command_names_no_place_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data, results = str(tmp_path / "published"), str(tmp_path / "results")
    monkeypatch.setattr(sys, "argv", ["run.py", "oboe", "--data", data, "--results", results, "--seeds", "3"])
    assert " ".join(command_line("oboe")) == "python benchmarks/run.py oboe --data published --seeds 3"


def test_a_report_names_the_knowledge_base_that_was_used(tmp_path: Path, report: Report) -> None:
    run = Evaluation(task_id="t", configuration=Configuration("knn", {}), metric="roc_auc", value=0.5)
    task = Task(id="t", problem_type=ProblemType.BINARY)
    kb = KnowledgeBase.from_records([task], {"t": MetaFeatures({"n_rows": 9.0})}, [run])
    write(report, tmp_path, ["run"], 1.0, kb)
    found = json.loads((tmp_path / "small.json").read_text(encoding="utf-8"))
    assert found["knowledge_base"] == {"id": kb.id, "tasks": 1, "configurations": 1, "evaluations": 1}
    markdown = (tmp_path / "small.md").read_text(encoding="utf-8")
    assert f"Knowledge base `{kb.id}`: 1 tasks, 1 configurations, 1 evaluations." in markdown


def test_a_report_without_one_names_none(tmp_path: Path, report: Report) -> None:
    write(report, tmp_path, ["run"], 1.0)
    assert "knowledge_base" not in json.loads((tmp_path / "small.json").read_text(encoding="utf-8"))
    assert "Knowledge base" not in (tmp_path / "small.md").read_text(encoding="utf-8")


def test_points_are_drawn_with_their_names(tmp_path: Path, report: Report) -> None:
    write(report, tmp_path, ["run"], 1.0)
    drawn = (tmp_path / "small.svg").read_text(encoding="utf-8")
    assert all(f">{name}<" in drawn for name in ("ours", "theirs", "gap"))


def test_rates_of_stores_are_drawn() -> None:
    rows = {title: [] for title in store.TABLES} | {store.APPENDING: [["sqlite", 5, 7, 1.0, 1.0, 9.0]]}
    (plot,) = store.described(rows, "").plots
    assert plot.points == {"sqlite, evaluations/s": (5, 5, 5), "sqlite, evaluations/processor s": (7, 7, 7)}


def test_meta_features_are_compared_with_the_cheap_tier() -> None:
    def replayed(regret: float) -> pd.DataFrame:
        return pd.DataFrame({"family": ["a", "b"], "curve": [[regret] * 25] * 2})

    found = differences({CHEAP: (2, replayed(0.25)), NONE: (0, replayed(0.5))})
    assert found == {NONE: (0.25, 0.25, 0.25)}
