import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from metalearn.cli import main
from metalearn.importers import from_table
from metalearn.knowledge import open_store

from .openml_server import replayed

RECORDED = Path(__file__).parent / "recorded"
SCENARIO = {
    "description.txt": "scenario_id: TINY\nperformance_measures: accuracy\n",
    "algorithm_runs.arff": "@relation r\n@attribute instance_id string\n@attribute repetition numeric\n"
    "@attribute algorithm string\n@attribute accuracy numeric\n@attribute runstatus {ok,timeout}\n@data\n"
    "a,1,weka.J48,0.5,ok\nb,1,weka.J48,?,timeout\n",
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def imported(*arguments: object) -> dict[str, Any]:
    out = run("kb", "import", *arguments, "--json")
    assert out.exit_code == 0, out.output
    facts: dict[str, Any] = json.loads(out.stdout)
    return facts


@pytest.fixture
def results(tmp_path: Path) -> Path:
    table = pd.DataFrame(
        {
            "dataset": ["iris", "iris", "wine"],
            "clf": ["SVC", "knn", "zzz"],
            "acc": [0.95, 0.93, None],
            "param_C": [1.0, None, None],
            "n_rows": 150,
        }
    )
    table.to_csv(tmp_path / "results.csv", index=False)
    table.to_parquet(tmp_path / "results.parquet", index=False)
    return tmp_path / "results.csv"


MAPPING = ("--column", "task=dataset", "--column", "model=clf", "--column", "value=acc", "--metric", "accuracy")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_goes_into_a_store_once(results: Path, tmp_path: Path, ending: str) -> None:
    store = f"sqlite:///{tmp_path}/team.db"
    ask = ("table", results.with_suffix(ending), *MAPPING, "--task", "multiclass", "--store", store, "--source", "ana")
    first, again = imported(*ask), imported(*ask)
    assert (first["tasks"], first["configurations"], first["can be recommended"]) == (2, 3, 2)
    assert (first["evaluations"], first["failed"], first["metrics"]) == (3, 1, ["accuracy"])
    assert (first["new tasks"], first["new evaluations"]) == (2, 3)
    assert (again["new tasks"], again["new evaluations"]) == (0, 0)
    assert [s.source for s in open_store(store).info().sources] == ["ana"]
    assert set(open_store(store).read().evaluations["recorded_with"]) == {f"table {ending}"}


def test_what_no_family_can_be_built_with_cannot_be_recommended(results: Path) -> None:
    pd.read_csv(results).assign(param_C=["large", None, None]).to_csv(results, index=False)
    facts = imported("table", results, *MAPPING, "--task", "multiclass", "--dry-run")
    assert (facts["configurations"], facts["can be recommended"]) == (3, 1)


def test_what_is_imported_is_told_in_words(results: Path, tmp_path: Path) -> None:
    out = run("kb", "import", "table", results, *MAPPING, "--task", "multiclass", "--store", tmp_path / "store")
    assert out.exit_code == 0, out.output
    assert "Read 2 tasks, 3 configurations (2 of them can be recommended) and 3 evaluations (1 failed)" in out.stdout
    assert "as 'table': 2 new tasks and 3 new evaluations" in out.stdout


def test_a_dry_run_checks_everything_and_stores_nothing(results: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    ask = ("table", results, *MAPPING, "--task", "multiclass", "--dry-run")
    assert "store" not in imported(*ask, "--store", tmp_path / "store")
    assert "Nothing was stored." in run("kb", "import", *ask).stdout
    named = pd.read_csv(results).assign(param_weight_column="salary")
    named.to_csv(results, index=False)
    assert imported(*ask)["evaluations"] == 3
    assert not any(
        "salary" in text
        for text in from_table(
            results,
            columns={"task": "dataset", "model": "clf", "value": "acc"},
            metric="accuracy",
            problem_type="multiclass",
        ).configurations["params"]
    )
    assert sorted(tmp_path.iterdir()) == before


def test_a_scenario_goes_into_a_store(tmp_path: Path) -> None:
    (tmp_path / "scenario").mkdir()
    for name, text in SCENARIO.items():
        (tmp_path / "scenario" / name).write_text(text)
    facts = imported("aslib", tmp_path / "scenario", "--store", tmp_path / "store")
    assert (facts["tasks"], facts["evaluations"], facts["failed"], facts["source"]) == (2, 2, 1, "aslib")


@pytest.fixture(scope="module")
def search() -> Any:
    grid = {"C": [0.5, 2], "kernel": ["rbf"], "shrinking": [True]}
    return GridSearchCV(SVC(), grid, cv=3, scoring="accuracy").fit(*load_iris(return_X_y=True))


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_a_search_of_scikit_learn_comes_with_the_table_it_was_run_on(search: Any, tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame(search.cv_results_)
    file = tmp_path / f"search{ending}"
    if ending == ".parquet":
        frame.drop(columns="params").to_parquet(file)
    else:
        (frame.to_csv if ending == ".csv" else frame.to_json)(file)
    ask = ("cv-results", file, "--model", "SVC", "--metric", "accuracy", "--data", "iris", "--store", tmp_path / "s")
    assert imported(*ask)["evaluations"] == 6
    kept = open_store(tmp_path / "s").read()
    values = sorted(kept.evaluations["value"])
    splits = [value for k in range(3) for value in search.cv_results_[f"split{k}_test_score"]]
    assert values == pytest.approx(sorted(splits))
    assert {c.params["C"] for c in kept.configuration_by_id.values()} == {0.5, 2}
    assert kept.meta_feature_table["n_rows"].tolist() == [150]  # measured, so that similar tables find it
    found = json.loads(run("kb", "search", "--like", "iris", "--store", tmp_path / "s", "--json").stdout)["tasks"]
    assert found[0]["match"] == 1
    assert found[0]["best"]["model"] == "svm"


def test_recorded_searches_of_other_tools_meet_in_one_task(tmp_path: Path) -> None:
    about = ("--data", "iris", "--store", tmp_path / "store", "--name", "flowers")
    flaml = imported("flaml", RECORDED / "flaml.log", "--metric", "accuracy", *about)
    mlflow = imported("mlflow", RECORDED / "mlruns", "--metric", "val_accuracy", *about)
    assert (flaml["new tasks"], mlflow["new tasks"]) == (1, 0)
    assert flaml["can be recommended"] > 0
    kept = open_store(tmp_path / "store").read()
    assert [kept.task(i).name for i in kept.task_ids] == ["flowers"]
    assert set(kept.configurations["model"]) == {"lightgbm", "random_forest", "svm"}
    out = run("recommend", "iris", "--knowledge-base", tmp_path / "store", "--json")
    assert out.exit_code == 0, out.output
    assert json.loads(out.stdout)["candidates"]


def test_an_optuna_storage_goes_into_a_store(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = f"sqlite:///{tmp_path}/optuna.db"
    study = optuna.create_study(storage=storage, direction="maximize")
    study.optimize(lambda trial: 0.5 + trial.suggest_float("C", 0.1, 1.0) / 10, n_trials=3)
    ask = ("optuna", storage, "--metric", "accuracy", "--model", "svm", "--data", "iris")
    facts = imported(*ask, "--store", f"sqlite:///{tmp_path}/team.db")
    assert (facts["evaluations"], facts["models"], facts["can be recommended"]) == (3, ["svm"], 3)


# OpenML --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("openml")
    monkeypatch.setenv("METALEARN_CACHE", str(tmp_path / "cache"))
    with replayed() as address:
        yield address


def test_a_suite_of_openml_goes_into_a_store(server: str, tmp_path: Path) -> None:
    about = ("--server", f"{server}/api/v1/xml", "--store", f"sqlite:///{tmp_path}/team.db")
    facts = imported("openml", "--suite", 99, "--flow", "lightgbm", *about)
    assert (facts["tasks"], facts["models"], facts["new evaluations"]) == (1, ["lightgbm"], 150)
    assert imported("openml", "--tasks", "1882", "--flow", "lightgbm", *about)["new evaluations"] == 0


def test_a_table_of_openml_gets_a_recommendation(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.datasets import _openml  # noqa: PLC0415 - where scikit-learn keeps the address of OpenML

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    for name in ("_DATA_INFO", "_DATA_FEATURES", "_DATA_QUALITIES"):
        monkeypatch.setattr(_openml, name, getattr(_openml, name).replace("https://www.openml.org", server))
    out = run("recommend", "openml:2", "--json", "-n", "2")
    assert out.exit_code == 0, out.output
    found = json.loads(out.stdout)
    assert (found["task"]["n_rows"], found["task"]["n_features"], found["task"]["n_classes"]) == (898, 38, 5)
    assert len(found["candidates"]) == 2


# what goes wrong -----------------------------------------------------------------------------------------------------

WRONG = [
    (["table", "CSV"], "No store was named"),
    (
        ["table", "CSV", "--dry-run"],
        "Add --column task=THEIRS --column model=THEIRS --metric NAME --column value=THEIRS --task binary|multiclass|",
    ),
    (["table", "CSV", *MAPPING, "--dry-run"], "does not tell the kind of problem"),
    (["table", "CSV", *MAPPING[:-2], "--task", "binary", "--dry-run"], "Add --metric NAME."),
    (["table", "CSV", "--column", "taks=dataset", "--dry-run"], "Unknown column 'taks'. Did you mean 'task'?"),
    (["table", "CSV", "--column", "task", "--dry-run"], "OURS=THEIRS"),
    (["table", "CSV", "--column", "task=absent", "--dry-run"], "No column 'absent' can be taken as 'task'"),
    (["table", "absent.csv", "--dry-run"], "absent.csv is no file"),
    (["aslib", "absent", "--dry-run"], "is no file"),
    (["flaml", "CSV", "--metric", "accuracy", "--data", "iris", "--dry-run"], "is no trial"),
    (["flaml", "CSV", "--data", "iris", "--dry-run"], "Missing option '--metric'"),
    (["flaml", "CSV", "--metric", "accuracy", "--dry-run"], "Missing option '--data'"),
    (["mlflow", "absent", "--metric", "accuracy", "--data", "iris", "--dry-run"], "holds no runs"),
    (["cv-results", "CSV", "--model", "SVC", "--data", "iris", "--dry-run"], "Expected 'params' and columns"),
    (["cv-results", "CSV", "--model", "SVC", "--data", "irish", "--dry-run"], "Did you mean 'iris'?"),
    (["openml", "--tasks", "31,x", "--dry-run"], "Expected numbers with commas"),
    (["openml", "--dry-run"], "No task was named"),
    (["table", "CSV", *MAPPING, "--task", "binary", "--store", "mysql://x/y"], "no store for 'mysql'"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_wrong_call_gets_one_clear_line_and_stores_nothing(
    results: Path, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(results.parent)
    before = sorted(results.parent.iterdir())
    out = run("kb", "import", *[str(results) if a == "CSV" else a for a in arguments])
    assert words in out.stderr
    assert out.exit_code == 2
    assert "Traceback" not in out.output
    assert sorted(results.parent.iterdir()) == before


def test_openml_out_of_reach_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openml")
    monkeypatch.setenv("METALEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("time.sleep", lambda _: None)
    out = run("kb", "import", "openml", "--tasks", "31", "--server", "http://127.0.0.1:9/api/v1/xml", "--dry-run")
    assert out.exit_code == 1
    assert "Check the connection" in out.stderr


# taking back ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def team(results: Path, tmp_path: Path) -> str:
    store = f"sqlite:///{tmp_path}/team.db"
    for source in ("ana", "ben"):
        imported("table", results, *MAPPING, "--task", "multiclass", "--store", store, "--source", source)
    return store


def test_a_source_is_taken_back_after_a_question(team: str) -> None:
    ask = ["kb", "delete", "--source", "ben", "--store", team]
    kept = CliRunner().invoke(main, ask, input="n\n")
    assert kept.exit_code == 1
    assert f"3 evaluations of 2 tasks go from {team}" in kept.stderr
    assert "with table .csv" in kept.stderr
    assert len(open_store(team).info().sources) == 2
    gone = CliRunner().invoke(main, ask, input="y\n")
    assert gone.exit_code == 0
    assert "3 were deleted" in gone.stdout
    assert [s.source for s in open_store(team).info().sources] == ["ana"]


def test_nobody_is_asked_where_nobody_is_there(team: str) -> None:
    command = [sys.executable, "-m", "metalearn", "kb", "delete", "--source", "ben", "--store", team]
    silent = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert silent.returncode == 1
    assert "Traceback" not in silent.stderr
    out = run("kb", "delete", "--source", "ben", "--store", team, "--yes", "--json")
    assert json.loads(out.stdout) == {"source": "ben", "task": None, "evaluations": 3}


def test_past_tasks_are_found_with_who_ran_them_what_won_and_how_sure(team: str) -> None:
    out = run("kb", "search", "iris", "--store", team)
    assert out.exit_code == 0, out.output
    heading, *rows = [line.split("  ") for line in out.stdout.splitlines() if "iris" in line or "past task" in line]
    assert [word.strip() for word in heading if word.strip()] == [
        "past task", "match", "problem", "size", "what won there", "score", "sure", "run by",
    ]  # fmt: skip
    assert [word.strip() for word in rows[0] if word.strip()][
        -1
    ] == "ben"  # the same results from both count once, for who told them last


def test_a_source_that_is_not_there_is_named(team: str) -> None:
    out = run("kb", "delete", "--source", "anna", "--store", team)
    assert out.exit_code == 2
    assert "Did you mean 'ana'?" in out.stderr
