"""From a file to a model, to predictions, and to the question whether it still holds."""

import html
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from metalearn.cli import main
from metalearn.evaluation import Evaluation
from metalearn.knowledge import open_store
from metalearn.space import Configuration
from metalearn.task import Task

N = 120


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("houses")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=2 * N), "town": rng.choice(["Ulm", "Bonn"], 2 * N)})
    frame["sold"] = np.where(frame["size"] + 0.3 * rng.normal(size=2 * N) > 0, "yes", "no")
    frame.head(N).to_csv(folder / "old.csv", index=False)
    frame.tail(N).to_csv(folder / "new.csv", index=False)
    frame.tail(N).assign(size=-frame["size"]).to_csv(folder / "turned.csv", index=False)
    blind = frame.tail(N).drop(columns="sold").assign(street="Elm")[["street", "town", "size"]]
    blind.replace({"Ulm": "Paris"}).to_csv(folder / "blind.csv", index=False)
    blind.drop(columns="town").to_csv(folder / "lacks.csv", index=False)
    blind.head(0).to_csv(folder / "empty.csv", index=False)
    blind.assign(size="large").to_parquet(folder / "text.parquet")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    path = folder / "model.skops"
    out = run("tune", folder / "old.csv", "--target", "sold", "--trials", 2, "--families", "linear,nb", "--out", path)
    assert out.exit_code == 0, out.output
    assert "roc_auc" in out.stdout
    assert "2 trials in" in out.stdout
    assert f"metalearn predict {path}" in out.stderr
    assert "not saved" not in out.stderr
    return path


def test_predictions_go_to_a_file_or_to_the_screen(model: Path, folder: Path) -> None:
    for name in ("predictions.csv", "predictions.parquet"):
        out = run("predict", model, folder / "blind.csv", "-o", folder / name)
        assert out.exit_code == 0, out.output
        assert "Not used: street." in out.stderr
        assert out.stdout == ""
    written = pd.read_csv(folder / "predictions.csv")
    assert list(written) == ["prediction", "probability of no", "probability of yes"]
    assert len(written) == N
    assert list(pd.read_parquet(folder / "predictions.parquet")["prediction"]) == list(written["prediction"])
    shown = run("predict", model, folder / "blind.csv")
    assert shown.stdout.splitlines()[0] == "prediction,probability of no,probability of yes"
    assert len(shown.stdout.splitlines()) == N + 1
    rows = json.loads(run("predict", model, folder / "blind.csv", "--json").stdout)
    assert [row["prediction"] for row in rows] == list(written["prediction"])
    assert [row["probability of yes"] for row in rows] == list(written["probability of yes"])


def test_numbers_are_predicted_in_full_and_absent_ones_as_null(
    model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [1 / 3 * 1e-9, float("nan")]
    made = pd.DataFrame({"prediction": values})
    monkeypatch.setattr("metalearn.estimators.predict_table", lambda *_: (made, ()))
    out = run("predict", model, folder / "blind.csv", "--json")
    assert json.loads(out.stdout, parse_constant=refuse) == [{"prediction": values[0]}, {"prediction": None}]


def test_a_report_that_cannot_be_written_costs_no_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("metalearn.estimators.MetaLearnClassifier.to_html", full)
    written = folder / "kept.skops"
    options = ("--trials", 1, "--families", "linear", "--html", folder / "x.html", "--out", written)
    out = run("tune", folder / "old.csv", "--target", "sold", *options)
    assert out.exit_code == 1
    assert "No space left on device" in out.stderr
    assert written.exists()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("lacks.csv", "lacks 1 of 2 columns"),
        ("text.parquet", "now it holds 'large'"),
        ("none.csv", "no file"),
        ("empty.csv", "no rows"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(model: Path, folder: Path, file: str, message: str) -> None:
    out = run("predict", model, folder / file)
    assert out.exit_code == 2
    assert message in out.stderr
    assert len(out.stderr.splitlines()) == 1


def test_rechecking_answers_by_text_json_and_exit_code(model: Path, folder: Path) -> None:
    out = run("recheck", model, folder / "new.csv")
    assert out.exit_code == 0, out.output
    assert out.stdout.startswith("Still valid: ")
    out = run("recheck", model, folder / "turned.csv", "--json")
    assert out.exit_code == 1
    assert json.loads(out.stdout)["still_valid"] is False
    out = run("recheck", model, folder / "blind.csv")
    assert out.exit_code == 2
    assert "'sold'" in out.stderr


def test_tuning_writes_a_report_and_json(folder: Path) -> None:
    out = run(
        *("tune", folder / "old.csv", "--target", "sold", "--trials", 1, "--families", "linear", "--json"),
        *("--html", folder / "tuned.html", "--record-to", folder / "store"),
    )
    assert out.exit_code == 0, out.output
    assert json.loads(out.stdout)["metric"] == "roc_auc"
    assert out.stderr.splitlines()[-1] == "The model was not saved. To keep one, add --out MODEL.skops."
    page = html.unescape((folder / "tuned.html").read_text(encoding="utf-8"))
    assert "What came out best on old.csv" in page
    assert "Best score so far" in page
    assert "Configuration('linear'" in page
    assert f"read_table('{folder}/old.csv', 'sold')" in page
    assert run("kb", "info", folder / "store").exit_code == 0


def test_the_default_that_has_to_be_beaten_comes_first_as_the_help_says() -> None:
    out = run("tune", "iris", "--trials", 1, "--families", "knn,linear", "--json")
    (trial,) = json.loads(out.stdout)["trials"]
    assert trial["changes"] == {}
    shown = " ".join(run("tune", "--help").stdout.split())
    assert "The library's default is tried first" in shown
    assert "--trials 1 fits the default alone" in shown


def test_a_report_is_written_without_training(folder: Path) -> None:
    out = run("report", folder / "old.csv", "--target", "sold", "-o", folder / "report.html", "-n", 3)
    assert out.exit_code == 0, out.output
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "What to try first on old.csv" in page
    assert "Where this table lies" in page


@pytest.mark.parametrize("command", ["report {} --target sold -o {}", "recommend {} --target sold --html {}"])
def test_a_page_never_replaces_a_table(tmp_path: Path, folder: Path, command: str) -> None:
    table = tmp_path / "x.csv"
    table.write_text((folder / "old.csv").read_text())
    out = run(*command.format(table, table).split())
    assert out.exit_code == 2
    assert "Expected .html, .htm" in out.stderr
    assert table.read_text() == (folder / "old.csv").read_text()


def refuse(constant: str) -> None:
    pytest.fail(f"{constant} is not standard JSON.")


@pytest.mark.parametrize(
    "command",
    [
        "recommend {folder}/old.csv --target sold -n 2",
        "describe {folder}/old.csv --target sold",
        "describe --list",
        "report {folder}/old.csv --target sold -n 2 -o {tmp}/page.html",
        "tune {folder}/old.csv --target sold --trials 1 --families linear",
        "predict {model} {folder}/blind.csv",
        "recheck {model} {folder}/new.csv",
        "kb info {tmp}/store",
        "kb validate {tmp}/store",
        "kb search house --like iris",
        "kb merge {tmp}/store -o {tmp}/merged",
        "kb delete --source ana --store {tmp}/store --yes",
        "kb build {folder}/old.csv --target-column sold --store {tmp}/built --dry-run",
    ],
)
def test_commands_print_nothing_but_json_when_asked_to(command: str, model: Path, folder: Path, tmp_path: Path) -> None:
    task = Task(id="t:house", problem_type="regression", n_rows=50, n_features=2)
    won = Evaluation(task_id=task.id, configuration=Configuration("knn", {"p": 1}), metric="r2", value=0.5)
    open_store(tmp_path / "store", source="ana").append(task, None, [won])
    out = run(*command.format(folder=folder, model=model, tmp=tmp_path).split(), "--json")
    assert out.exit_code == 0, out.output
    json.loads(out.stdout, parse_constant=refuse)


def test_text_of_digits_stays_text_when_a_file_is_predicted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"zip": rng.choice(["01067", "10115", "20095", "04109"], N), "size": rng.normal(size=N)})
    frame["y"] = np.where(frame["zip"].str.startswith("0"), "east", "other")
    frame.to_parquet(tmp_path / "z.parquet")
    frame.to_csv(tmp_path / "z.csv", index=False)
    frame.drop(columns="y").assign(zip=frame["zip"].astype(int)).to_parquet(tmp_path / "numbers.parquet")
    model = tmp_path / "z.skops"
    out = run("tune", tmp_path / "z.parquet", "--target", "y", "--trials", 2, "--families", "linear,rf", "--out", model)
    assert out.exit_code == 0, out.output
    out = run("predict", model, tmp_path / "z.csv", "-o", tmp_path / "p.csv")
    assert out.exit_code == 0, out.output
    assert pd.read_csv(tmp_path / "p.csv")["prediction"].tolist() == frame["y"].tolist()
    assert run("recheck", model, tmp_path / "z.csv").exit_code == 0
    out = run("predict", model, tmp_path / "numbers.parquet")
    assert out.exit_code == 2
    assert "'zip' held text such as '01067'" in out.stderr


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(30), 4)
    X = rng.normal(size=(30, 3))[patient] + 0.01 * rng.normal(size=(120, 3))
    frame = (
        pd.DataFrame(X)
        .add_prefix("x")
        .assign(patient=patient, half=np.arange(120) // 60, pain=rng.normal(size=30)[patient])
    )
    path = tmp_path_factory.mktemp("visits") / "visits.csv"
    frame.to_csv(path, index=False)
    return path


def test_folds_by_groups_and_in_time(visits: Path) -> None:
    options = ["tune", visits, "--target", "pain", "--trials", 1, "--families", "extra_trees", "--json"]
    random, grouped, timed = (
        json.loads(run(*options, *more).stdout)
        for more in ((), ("--groups", "patient"), ("--time", "half", "--folds", 3))
    )
    assert random["score"] > 0.8
    assert grouped["score"] < 0.3
    assert timed["trials"][0]["folds"] == 1  # there are two times
    wrong = run(*options, "--groups", "patients")
    assert wrong.exit_code == 2
    assert "Did you mean 'patient'?" in wrong.stderr


def test_a_column_of_weights_is_no_feature(visits: Path) -> None:
    options = ["tune", visits, "--target", "pain", "--trials", 1, "--families", "extra_trees", "--json"]
    weighed = json.loads(run(*options, "--sample-weight", "half").stdout)
    assert weighed["score"] != json.loads(run(*options).stdout)["score"]
    wrong = run(*options, "--sample-weight", "halves")
    assert wrong.exit_code == 2
    assert "Did you mean 'half'?" in wrong.stderr


def test_a_model_tuned_in_time_is_saved_and_predicts(visits: Path, tmp_path: Path) -> None:
    options = (
        "--target",
        "pain",
        "--trials",
        1,
        "--families",
        "linear",
        "--time",
        "half",
        "--out",
        tmp_path / "m.skops",
    )
    assert run("tune", visits, *options).exit_code == 0
    out = run("predict", tmp_path / "m.skops", visits)
    assert out.exit_code == 0
    assert len(out.stdout.splitlines()) == 121


def test_a_table_that_is_shipped_is_predicted_too(tmp_path: Path) -> None:
    assert run("tune", "wine", "--trials", 1, "--families", "linear", "--out", tmp_path / "w.skops").exit_code == 0
    assert len(run("predict", tmp_path / "w.skops", "wine").stdout.splitlines()) == 179


def test_results_are_recorded_under_a_label_and_learned_from_with_what_is_shipped(tmp_path: Path) -> None:
    options = ("wine", "--trials", 1, "--families", "linear", "--record-to", tmp_path / "kb", "--source", "ana")
    assert run("tune", *options).exit_code == 0
    assert [found.source for found in open_store(tmp_path / "kb").info().sources] == ["ana"]
    both = ("--knowledge-base", "bundled", "--knowledge-base", tmp_path / "kb")
    out = run("recommend", "wine", "-n", 3, *both)
    assert out.exit_code == 0, out.output
    assert "extra_trees" in out.stdout


def test_model_and_table_in_the_wrong_order_are_told(model: Path, folder: Path) -> None:
    for command in ("predict", "recheck"):
        out = run(command, folder / "new.csv", model)
        assert out.exit_code == 2
        assert "Swap them" in out.stderr


def test_no_trials_and_no_time_are_refused_by_the_name_of_the_option() -> None:
    for option in ("--trials", "--time-budget"):
        out = run("tune", "wine", option, 0)
        assert out.exit_code == 2
        assert option in out.stderr


def test_what_changed_is_explained_beside_a_model_that_is_still_valid(model: Path, folder: Path) -> None:
    said = run("recheck", model, folder / "new.csv").stdout
    assert ("no reason to tune again" in said) == ("meta-feature" in said)


STOPPED = """
import contextlib, os, sys
from metalearn.cli import main
from metalearn.estimators import base

@contextlib.contextmanager
def progress(budget, *, show):
    def watch(trials):
        if sum(t.status is not None for t in trials) == 2:
            os.kill(os.getpid(), {number})
    yield watch

base.progress = progress
main({arguments!r})
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_a_search_that_is_stopped_keeps_its_model_and_says_so(number: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "m.skops"
    arguments = ["tune", "iris", "--trials", "9", "--families", "linear,gaussian_nb,knn", "--out", str(out)]
    arguments += ["--record-to", str(tmp_path / "kb")]
    code = STOPPED.format(number=int(number), arguments=arguments)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "The search was interrupted in trial 2 of 9; the best so far is used." in " ".join(found.stdout.split())
    assert "Traceback" not in found.stderr
    assert out.exists()
    assert len(open_store(tmp_path / "kb").read()) == 1


def test_a_line_of_a_single_column_that_is_missing_is_predicted(folder: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(folder / "old.csv")
    frame[["town", "sold"]].to_csv(tmp_path / "t.csv", index=False)
    model = tmp_path / "a model.skops"
    out = run("tune", tmp_path / "t.csv", "--target", "sold", "--trials", 1, "--families", "nb", "--out", model)
    assert f"metalearn predict '{model}'" in out.stderr
    for lines, n in (("NA", 1), ("Ulm\n\nBonn", 3), ("1", None)):
        (tmp_path / "new.csv").write_text(f"town\n{lines}\n")
        out = run("predict", model, tmp_path / "new.csv")
        if n is None:
            assert "held text such as 'Bonn'" in out.stderr
        else:
            assert out.stdout.count("\n") == n + 1, out.output


def test_how_a_table_is_read_can_be_told_to_every_command(folder: Path, tmp_path: Path) -> None:
    pd.read_csv(folder / "old.csv").to_csv(tmp_path / "bare.csv", index=False, header=False)
    out = run(
        "recommend", tmp_path / "bare.csv", "--names", "size,town,sold", "--target", "sold", "--drop", "town", "--code"
    )
    assert out.exit_code == 0, out.output
    assert "names=('size', 'town', 'sold'), drop=('town',))" in out.stdout
    out = run("describe", tmp_path / "bare.csv", "--no-header", "--target", "x2")
    assert "120 rows, 2 columns" in out.stdout
    model = tmp_path / "m.skops"
    told = ("--names", "size,town,sold", "--target", "sold", "--keep", "size")
    out = run("tune", tmp_path / "bare.csv", *told, "--trials", 1, "--families", "nb", "--out", model)
    assert out.exit_code == 0, out.output
    out = run("predict", model, tmp_path / "bare.csv", "--names", "size,town,sold")
    assert out.stdout.count("\n") == 121
    assert run("recheck", model, tmp_path / "bare.csv", "--names", "size,town,sold").exit_code == 0


def test_a_command_runs_in_a_thread_as_well() -> None:
    with ThreadPoolExecutor(1) as pool:
        out = pool.submit(run, "tune", "iris", "--trials", 1, "--families", "gaussian_nb").result()
    assert out.exit_code == 0, out.output
