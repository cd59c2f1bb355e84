import json
import math
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from metalearn.exceptions import InvalidInputError, MissingExtraError, UnknownNameError
from metalearn.importers import from_flaml_log, from_mlflow, from_optuna
from metalearn.models import get_model
from metalearn.task import METRICS, ProblemType, Task

RECORDED = Path(__file__).parent / "recorded"
TASK = Task(id="data:iris", problem_type="multiclass", n_rows=150)


def test_a_recorded_mlflow_store_is_read_with_the_last_values() -> None:
    knowledge = from_mlflow(RECORDED / "mlruns", TASK, metric="val_accuracy")
    losses = knowledge.losses(METRICS["accuracy"]).iloc[0]
    shown = {str(c): losses[i] for i, c in knowledge.configuration_by_id.items()}
    assert shown.pop("svm(C=-1.0)") == math.inf
    assert shown == pytest.approx({"svm(C=0.1, kernel='rbf')": 0.1, "svm(C=1.0, kernel='rbf')": 0.05})
    assert (knowledge.evaluations["fit_seconds"] > 0).all()
    assert from_mlflow(next((RECORDED / "mlruns").glob("[0-9]*")), TASK, metric="val_accuracy").id == knowledge.id


def test_a_folder_without_runs_and_a_metric_elsewhere_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds no runs"):
        from_mlflow(tmp_path, TASK, metric="accuracy")
    with pytest.raises(InvalidInputError, match=r"logged the metric '\.\./params/C'"):
        from_mlflow(RECORDED / "mlruns", TASK, metric="../params/C")


def mlflow_database(file: Path, statuses: list[Any], *, key: str = "n_neighbors", value: Any = 0.9) -> str:
    """Write the tables that MLflow 3 makes, as far as they are read."""
    with sqlite3.connect(file) as connection:
        connection.executescript(
            "CREATE TABLE runs (run_uuid, status, lifecycle_stage, start_time BIGINT, end_time BIGINT);"
            "CREATE TABLE params (run_uuid, 'key', value); CREATE TABLE tags (run_uuid, 'key', value);"
            "CREATE TABLE latest_metrics (run_uuid, 'key', value, is_nan BOOLEAN)"
        )
        for number, status in enumerate(statuses):
            connection.execute("INSERT INTO runs VALUES (?, ?, 'active', 1000, 3500)", (number, status))
            connection.execute("INSERT INTO params VALUES (?, ?, ?)", (number, key, str(1 + number)))
            connection.execute("INSERT INTO tags VALUES (?, 'model', 'knn')", (number,))
            connection.execute(
                "INSERT INTO latest_metrics VALUES (?, 'val_accuracy', ?, ?)", (number, value, number == 1)
            )
    connection.close()
    return f"sqlite:///{file}"


def test_a_database_of_mlflow_is_read_with_the_last_values(tmp_path: Path) -> None:
    url = mlflow_database(tmp_path / "mlflow.db", ["FINISHED", "FINISHED", "FAILED", "RUNNING", "KILLED"])
    found = from_mlflow(url, TASK, metric="val_accuracy").evaluations
    assert list(found["status"]) == ["ok", "failed", "failed", "pruned"]  # the second one's metric is not a number
    assert found["value"][0] == 0.9
    assert set(found["fit_seconds"]) == {2.5}
    assert set(from_mlflow(url, TASK, metric="val_accuracy").configurations["model"]) == {"knn"}


@pytest.mark.parametrize("kind", ["database", "folder"])
def test_a_finished_run_that_did_not_log_the_metric_is_no_failure(tmp_path: Path, kind: str) -> None:
    place: str | Path = tmp_path / "mlruns"
    if kind == "database":
        place = mlflow_database(tmp_path / "mlflow.db", ["FINISHED", "RUNNING", "FINISHED", "FAILED"])
        with sqlite3.connect(tmp_path / "mlflow.db") as connection:
            connection.execute("UPDATE latest_metrics SET key = 'loss' WHERE run_uuid >= 2")
        connection.close()
    else:
        for number, (status, name) in enumerate([(3, "val_accuracy"), (3, "loss"), (4, "loss")]):
            run = tmp_path / "mlruns" / "0" / str(number)
            (run / "params").mkdir(parents=True)
            (run / "metrics").mkdir()
            (run / "meta.yaml").write_text(f"status: {status}\n")
            (run / "params" / "C").write_text(str(number))
            (run / "metrics" / name).write_text("0 0.9 0\n")
    assert from_mlflow(place, TASK, metric="val_accuracy").evaluations["status"].tolist() == ["ok", "failed"]
    with pytest.raises(InvalidInputError, match=r"'val_f1'\. Expected one of \['loss', 'val_accuracy'\]"):
        from_mlflow(place, TASK, metric="val_f1")


@pytest.mark.parametrize("name", ["absent.db", "other.db", "notes.db", "empty.db"])
def test_a_database_that_is_none_of_mlflow_is_named_and_not_made(tmp_path: Path, name: str) -> None:
    sqlite3.connect(tmp_path / "other.db").executescript("CREATE TABLE runs (a)")
    (tmp_path / "notes.db").write_text("these are notes, and no database at all " * 100)
    mlflow_database(tmp_path / "empty.db", [])
    with pytest.raises(InvalidInputError, match=name):
        from_mlflow(f"sqlite:///{tmp_path / name}", TASK, metric="accuracy")
    assert not (tmp_path / "absent.db").exists()


def test_a_recorded_flaml_log_is_read() -> None:
    knowledge = from_flaml_log(RECORDED / "flaml.log", TASK, metric="accuracy")
    assert set(knowledge.configurations["model"]) == {"lightgbm", "random_forest"}
    assert set(knowledge.evaluations["metric"]) == {"accuracy"}
    assert knowledge.evaluations["value"].between(0.5, 1).all()
    lines = [json.loads(line) for line in (RECORDED / "flaml.log").read_text().splitlines()]
    best = 1 - min(line["validation_loss"] for line in lines if "validation_loss" in line)
    assert knowledge.evaluations["value"].max() == pytest.approx(best)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "nonsense", '{"learner": "lgbm", "config": 3, "validation_loss": 1}', "[" * 90_000]
)
def test_a_log_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.log").write_text(text)
    with pytest.raises(InvalidInputError, match="log of FLAML"):
        from_flaml_log(tmp_path / "x.log", TASK, metric="accuracy")


@pytest.mark.parametrize("kind", ["database", "journal"])
def test_optuna_studies_are_read_from_a_storage(tmp_path: Path, kind: str) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal = tmp_path / "journal.log"
    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    storage = url if kind == "database" else journal
    study = optuna.create_study(
        storage=url if kind == "database" else optuna.storages.JournalStorage(backend),
        study_name="one",
        direction="maximize",
    )

    def objective(trial: "optuna.Trial") -> float:
        trial.suggest_categorical("model", ["SVC"])
        return 0.5 + trial.suggest_float("svc__C", 0.1, 1.0) / 10

    study.optimize(objective, n_trials=3)
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)  # before it tried anything
    failed = study.ask()
    failed.suggest_categorical("model", ["SVC"])
    study.tell(failed, state=optuna.trial.TrialState.FAIL)
    knowledge = from_optuna(storage, TASK, metric="accuracy")
    assert set(knowledge.configurations["model"]) >= {"svm"}
    values = knowledge.evaluations["value"].dropna()
    assert sorted(values) == pytest.approx(sorted(t.value for t in study.trials if t.value is not None))
    assert list(knowledge.evaluations["status"]).count("failed") == 1
    with pytest.raises(UnknownNameError, match="one"):
        from_optuna(storage, TASK, metric="accuracy", study="two")
    (tmp_path / "notes.log").write_text("no journal")
    for place, said in (
        ("sqlite:////nowhere/at/all.db", "no file"),
        ("nowhere.log", "no file"),
        ("notes.log", "no trial"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            from_optuna(place if "://" in place else tmp_path / place, TASK, metric="accuracy")


@pytest.mark.parametrize(
    ("metric", "direction", "returned", "kept"),
    [
        ("1-accuracy", "minimize", [0.1, 0.25], {"accuracy": [0.75, 0.9]}),
        ("neg_accuracy", "minimize", [-0.9, -0.75], {"accuracy": [0.75, 0.9]}),
        ("error_rate", "minimize", [0.1, 0.25], {"accuracy": [0.75, 0.9]}),
        ("neg_log_loss", "maximize", [-0.5, -0.25], {"log_loss": [0.25, 0.5]}),
        ("log_loss", "minimize", [0.5, 0.25], {"log_loss": [0.25, 0.5]}),
        ("profit", "minimize", [3.0, 4.0], {"profit": [3.0, 4.0]}),
    ],
)
def test_the_direction_of_an_optuna_study_says_what_its_values_mean(
    metric: str, direction: str, returned: list[float], kept: dict[str, list[float]]
) -> None:
    runs = from_optuna(optuna_storage(direction, returned), TASK, metric=metric, model="svm").evaluations
    assert {name: sorted(group["value"]) for name, group in runs.groupby("metric", observed=True)} == kept


@pytest.mark.parametrize(
    ("metric", "direction"), [("log_loss", "maximize"), ("accuracy", "minimize"), ("neg_log_loss", "minimize")]
)
def test_a_metric_of_another_direction_than_the_study_is_refused(metric: str, direction: str) -> None:
    with pytest.raises(InvalidInputError, match="the sign of its values is not known"):
        from_optuna(optuna_storage(direction, [0.5]), TASK, metric=metric, model="svm")


def test_the_sign_of_r2_is_told_or_refused() -> None:
    task = replace(TASK, problem_type="regression", metric=METRICS["r2"], n_classes=0)
    storage = optuna_storage("minimize", [0.36, 0.2])  # of -r2, all r2 below 0
    with pytest.raises(InvalidInputError, match="metric='neg_r2'"):
        from_optuna(storage, task, metric="r2", model="svm")
    runs = from_optuna(storage, task, metric="neg_r2", model="svm").evaluations
    assert sorted(runs["value"]) == [-0.36, -0.2]


@pytest.mark.filterwarnings("ignore:.*experimental")
def test_one_of_several_objectives_is_named_or_the_study_is_refused() -> None:
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), directions=["minimize", "maximize"])
    study.optimize(lambda trial: (0.43, trial.suggest_float("C", 0.1, 1.0) * 0 + 0.9), n_trials=2)
    with pytest.raises(InvalidInputError, match="2 objectives"):
        from_optuna(study._storage, TASK, metric="accuracy", model="svm")
    found = from_optuna(study._storage, TASK, metric="accuracy", model="svm", objective=1)
    assert set(found.evaluations["value"]) == {0.9}
    study.set_metric_names(["cost", "accuracy"])
    named = from_optuna(study._storage, TASK, metric="accuracy", model="svm", objective="accuracy")
    assert set(named.evaluations["value"]) == {0.9}


def optuna_database(place: Path) -> Path:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{place}", direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("C", 0.1, 1.0), n_trials=3)
    return place


def test_a_database_of_optuna_is_a_plain_path_and_stays_as_it_is(tmp_path: Path) -> None:
    place = optuna_database(tmp_path / "a study.db")
    before = place.read_bytes()
    assert len(from_optuna(str(place), TASK, metric="accuracy", model="svm").evaluations) == 3
    place.chmod(0o400)
    assert len(from_optuna(f"sqlite:///{place}", TASK, metric="accuracy", model="svm").evaluations) == 3
    assert place.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_not_written(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    place = tmp_path / "other.db"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = place.read_bytes()
    for storage in (str(place), f"sqlite:///{place}"):
        with pytest.raises(InvalidInputError, match="lacks the tables"):
            from_optuna(storage, TASK, metric="accuracy")
    assert place.read_bytes() == before


@pytest.mark.parametrize("storage", ["sqlite:///{}/typo.db", "{}/typo.db", "sqlite:///{}/deep/typo.db"])
def test_a_mistyped_database_of_optuna_is_not_made(storage: str, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    with pytest.raises(InvalidInputError, match=r"is no file\. Expected one"):
        from_optuna(storage.format(tmp_path), TASK, metric="accuracy", model="svm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("storage", ["mysql://host/x", "https://host/study.db"])
def test_an_address_without_a_driver_is_told(storage: str) -> None:
    pytest.importorskip("optuna")
    with pytest.raises(InvalidInputError, match=r"driver .* Expected .* Install"):
        from_optuna(storage, TASK, metric="accuracy", model="svm")


def test_damaged_databases_of_optuna_are_told_plainly(tmp_path: Path) -> None:
    whole = optuna_database(tmp_path / "study.db").read_bytes()
    broken = tmp_path / "broken.db"
    random = Random(0)  # noqa: S311 - damages are no secrets
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(40):
            damaged[random.randrange(100, len(whole))] = random.randrange(256)
        broken.write_bytes(damaged[: random.choice([len(whole), len(whole) // 2])])
        with suppress(InvalidInputError):
            from_optuna(str(broken), TASK, metric="accuracy", model="svm")


def test_extras_of_a_study_are_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), direction="maximize")

    def objective(trial: "optuna.Trial") -> float:
        trial.suggest_categorical("data_path", ["/home/me/a.csv"])
        trial.suggest_int("max_depth", 3, 12)
        return trial.suggest_int("num_leaves", 4, 64) / 100

    study.optimize(objective, n_trials=3)
    knowledge = from_optuna(study._storage, TASK, metric="accuracy", model="lightgbm")
    assert {name for c in knowledge.configuration_by_id.values() for name in c.params} == {"max_depth", "num_leaves"}
    assert "data_path (3)" in caplog.text
    spec = get_model("lightgbm")
    assert all(spec.takes(c, ProblemType.MULTICLASS) for c in knowledge.configuration_by_id.values())


def test_what_mlflow_logs_of_a_search_over_a_pipeline_is_unfolded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(tmp_path / "autolog.db") as connection:
        connection.executescript((RECORDED / "autolog.sql").read_text())
    connection.close()
    url = f"sqlite:///{tmp_path / 'autolog.db'}"
    found = from_mlflow(url, TASK, metric="mean_test_score").configuration_by_id.values()
    assert {c.model for c in found} == {"svm"}
    assert sorted(c.params["C"] for c in found) == [0.1, 1.0, 10.0]
    assert all(set(c.params) <= {"C", "class_weight", "coef0", "degree", "gamma", "kernel"} for c in found)
    (plain,) = from_mlflow(url, TASK, metric="training_accuracy_score").configuration_by_id.values()
    assert (plain.model, plain.params["C"]) == ("svm", 3.0)
    assert "data_path (1), test_size (1)" in caplog.text


@pytest.mark.parametrize(
    ("names", "family"), [(["eta", "num_leaves"], "lightgbm"), (["n_estimators", "max_features"], None), (["x"], None)]
)
def test_the_family_of_a_study_without_its_name_is_that_of_its_parameters(names: list[str], family: str | None) -> None:
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), direction="maximize")
    study.optimize(lambda trial: sum(trial.suggest_float(name, 0.1, 0.2) for name in names), n_trials=2)
    if family is None:
        with pytest.raises(InvalidInputError, match=r"Say which.*model="):
            from_optuna(study._storage, TASK, metric="accuracy")
    else:
        assert set(from_optuna(study._storage, TASK, metric="accuracy").models) == {family}


def test_a_trial_that_was_pruned_early_is_of_the_others_family() -> None:
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), direction="maximize")

    def objective(trial: "optuna.Trial") -> float:
        trial.suggest_float("learning_rate", 0.01, 0.1)
        if trial.number == 1:
            raise optuna.TrialPruned
        return trial.suggest_int("num_leaves", 4, 64) / 100

    study.optimize(objective, n_trials=3)
    assert set(from_optuna(study._storage, TASK, metric="accuracy").models) == {"lightgbm"}


def test_the_task_of_a_request_holds_no_results() -> None:
    with pytest.raises(InvalidInputError, match="as_task"):
        from_optuna(optuna_storage("maximize", [0.5]), replace(TASK, id="new:table"), metric="accuracy", model="svm")


def optuna_storage(direction: str, returned: list[float]) -> Any:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), direction=direction)
    for value in returned:
        trial = study.ask()
        trial.suggest_float("C", 0.1, 1.0)
        study.tell(trial, value)
    return study._storage


def test_an_absent_optuna_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*\[optuna\]"):
        from_optuna("sqlite:///a.db", TASK, metric="accuracy")


def test_seconds_that_no_run_can_take_are_unknown(tmp_path: Path) -> None:
    lines = (RECORDED / "flaml.log").read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if "trial_time" in line)
    lines[first] = json.dumps({**json.loads(lines[first]), "trial_time": 4.7e241})
    (tmp_path / "flaml.log").write_text("\n".join(lines))
    knowledge = from_flaml_log(tmp_path / "flaml.log", TASK, metric="accuracy")
    assert knowledge.evaluations["fit_seconds"].isna().any()
    assert (knowledge.evaluations["fit_seconds"].dropna() < 1e9).all()


def test_repeated_runs_of_one_configuration_all_count(tmp_path: Path) -> None:
    url = mlflow_database(tmp_path / "mlflow.db", ["FINISHED", "FAILED", "FINISHED"])
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE params SET value = '5'")
        connection.execute("UPDATE latest_metrics SET value = 0.7 WHERE run_uuid = 2")
    connection.close()
    runs = from_mlflow(url, TASK, metric="val_accuracy").evaluations
    assert runs[["fold", "value"]].to_numpy().tolist() == [[0, 0.9], [1, 0.7]]
    trial = {"learner": "lgbm", "config": {"num_leaves": 4}, "trial_time": 1.0}
    (tmp_path / "x.log").write_text("\n".join(json.dumps({**trial, "validation_loss": loss}) for loss in (0.5, 0.25)))
    assert from_flaml_log(tmp_path / "x.log", TASK, metric="accuracy").evaluations["value"].tolist() == [0.5, 0.75]


def test_a_learner_that_cannot_be_encoded_is_taken_as_it_can(tmp_path: Path) -> None:
    log = tmp_path / "flaml.log"
    trial = {"trial_time": 0, "learner": "\ud800", "config": {}, "validation_loss": 0.5}
    log.write_text(json.dumps(trial) + "\n")
    assert from_flaml_log(log, TASK, metric="accuracy").configurations["model"].tolist() == ["?"]
