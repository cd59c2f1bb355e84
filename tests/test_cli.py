import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from metalearn.cli import main
from metalearn.table.read import SHIPPED


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "town": rng.choice(["Ulm", "Bonn"], n),
            "price": rng.normal(100, 20, n),
            "sold": rng.choice(["yes", "no"], n),
            "same": "x",
            "nothing": np.nan,
            "endless": [np.inf, *range(n - 1)],
            "number_text": [f"about {i}" if i == 0 else str(i) for i in range(n)],
        }
    )
    frame.to_csv(tmp_path / "houses.csv", index=False)
    frame.head(19).to_csv(tmp_path / "short.csv", index=False)
    frame.head(0).to_csv(tmp_path / "empty.csv", index=False)
    (tmp_path / "twice.csv").write_text("a,a,b\n1,2,3\n")
    (tmp_path / "nothing.csv").write_text("")
    (tmp_path / "broken.parquet").write_text("PAR1")
    (tmp_path / "table.xlsx").write_text("x")
    return tmp_path / "houses.csv"


def test_a_recommendation_is_printed_with_everything_that_explains_it() -> None:
    out = run("recommend", "wine", "-n", "3")
    assert out.exit_code == 0, out.output
    for word in (
        "wine: multiclass",
        "expected accuracy",
        "80 % interval",
        "one fit",
        "nearest past tasks",
        "Novelty",
    ):
        assert word in out.stdout
    assert "--task overrides" in out.stderr


def test_json_goes_to_stdout_alone() -> None:
    out = run("recommend", "iris", "--json", "-n", "2")
    assert len(json.loads(out.stdout)["candidates"]) == 2


def test_the_printed_script_runs(csv: Path) -> None:
    out = run("recommend", csv, "--target", "price", "--code", "--families", "linear,knn")
    done = subprocess.run([sys.executable, "-c", out.stdout], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("r2 [")


def test_description_shows_meta_features_and_checks(csv: Path) -> None:
    out = run("describe", csv, "--target", "sold")
    assert out.exit_code == 0, out.output
    assert "n_features" in out.stdout
    assert "Check: " in out.stdout
    facts = json.loads(run("describe", csv, "--target", "sold", "--json").stdout)
    assert facts["problem_type"] == "binary"
    assert facts["meta_features"]["n_rows"] == 60
    assert {finding["severity"] for finding in facts["findings"]} <= {"warning", "info"}
    assert facts["findings"]


def test_a_description_keeps_to_its_tier_and_its_time(csv: Path) -> None:
    landmarks = json.loads(run("describe", csv, "--target", "sold", "--tier", "landmarks", "--json").stdout)
    assert landmarks["status"]["landmark_linear"] == "ok"
    assert "n1" not in landmarks["status"]
    hurried = run("describe", csv, "--target", "sold", "--tier", "all", "--time-budget", "0")
    assert "no time" in hurried.stdout


def test_the_meta_features_are_listed_with_all_that_is_known_of_them() -> None:
    out = run("describe", "--list")
    assert out.exit_code == 0, out.output
    for words in ("NaN when", "missing_fraction", "landmarking: Pfahringer", "231 meta-features."):
        assert words in out.stdout
    cheap = json.loads(run("describe", "--list", "--tier", "cheap", "--json").stdout)
    assert {feature["tier"] for feature in cheap} == {"cheap"}
    assert set(cheap[0]) == {"name", "group", "tier", "description", "unit", "nan_when", "reference"}


def test_the_knowledge_base_can_be_looked_at() -> None:
    out = run("kb", "info")
    assert out.exit_code == 0, out.output
    assert "tasks by problem type" in out.stdout
    assert json.loads(run("kb", "info", "--json").stdout)["tasks"] >= 300


def test_past_tasks_are_found_by_words_and_by_likeness() -> None:
    words = run("kb", "search", "imbalanced", "binary", "-n", "3")
    assert words.exit_code == 0, words.output
    assert "what won there" in words.stdout
    alike = json.loads(run("kb", "search", "--like", "wine", "--json").stdout)["tasks"]
    assert alike[0]["problem_type"] == "multiclass"


def test_a_search_that_finds_nothing_says_so() -> None:
    out = run("kb", "search", "zzz")
    assert (out.exit_code, out.stdout) == (0, "Nothing found. Try fewer or other words, or --like with a table.\n")
    assert json.loads(run("kb", "search", "zzz", "--json").stdout) == {"schema": "kb-search/1", "tasks": []}


def test_stores_are_merged_once(tmp_path: Path) -> None:
    from metalearn.evaluation import Evaluation  # noqa: PLC0415
    from metalearn.knowledge import open_store  # noqa: PLC0415
    from metalearn.space import Configuration  # noqa: PLC0415
    from metalearn.task import Task  # noqa: PLC0415

    for name, score in (("a", 0.5), ("b", 0.6)):
        task = Task(id=f"t:{name}", problem_type="regression", n_rows=50, n_features=2)
        won = Evaluation(task_id=task.id, configuration=Configuration("knn", {"p": 1}), metric="r2", value=score)
        open_store(tmp_path / name).append(task, None, [won])
    for _ in range(2):
        out = run("kb", "merge", tmp_path / "a", tmp_path / "b", "-o", f"sqlite:///{tmp_path}/all.db", "--json")
        assert out.exit_code == 0, out.output
        assert json.loads(out.stdout)["n_tasks"] == 2
    assert json.loads(out.stdout)["n_new_evaluations"] == 0


def test_a_finding_names_what_it_is_about(tmp_path: Path) -> None:
    from metalearn.evaluation import Evaluation  # noqa: PLC0415
    from metalearn.knowledge import open_store  # noqa: PLC0415
    from metalearn.metafeatures import MetaFeatures  # noqa: PLC0415
    from metalearn.space import Configuration  # noqa: PLC0415
    from metalearn.task import Task  # noqa: PLC0415

    task = Task(id="t:a", problem_type="regression", n_rows=50, n_features=2)
    failed = Evaluation(
        task_id=task.id, configuration=Configuration("knn", {}), metric="r2", value=float("nan"), status="failed"
    )
    open_store(tmp_path / "store").append(task, MetaFeatures({"n_rows": 50.0}), [failed])
    out = run("kb", "validate", tmp_path / "store")
    assert out.stdout == "warning: t:a: every configuration failed\n1 finding.\n"


def test_the_bundled_knowledge_base_is_valid() -> None:
    out = run("kb", "validate", "--json")
    assert out.exit_code == 0, out.output
    assert all(finding["severity"] == "warning" for finding in json.loads(out.stdout))


WRONG = [
    (["recommend", "absent.csv", "--target", "y"], "There is no file 'absent.csv'"),
    (["recommend", "wines"], "Unknown table 'wines'. Did you mean 'wine'?"),
    (["recommend", "CSV"], "No target was named"),
    (["recommend", "CSV", "--target", "prise"], "Did you mean 'price'?"),
    (["recommend", "CSV", "--target", "same"], "single value"),
    (["recommend", "CSV", "--target", "nothing"], "missing in every row"),
    (["recommend", "CSV", "--target", "endless"], "1 infinite values"),
    (["recommend", "CSV", "--target", "number_text"], "is text, but 98% of its values are numbers"),
    (["recommend", "CSV", "--target", "town", "--task", "regression"], "not numeric"),
    (["recommend", "CSV", "--target", "price", "--task", "binary"], "60 different values"),
    (["recommend", "CSV", "--target", "price", "--task", "ranking"], "'ranking' is not one of"),
    (["recommend", "CSV", "--target", "price", "--metric", "accuracy"], "does not fit a regression problem"),
    (["recommend", "CSV", "--target", "price", "--metric", "rmes"], "Did you mean 'rmse'?"),
    (["recommend", "CSV", "--target", "price", "--families", "gaussian_nb"], "do not solve regression"),
    (["recommend", "CSV", "--target", "price", "--families", "lightgmb"], "Did you mean 'lightgbm'?"),
    (["recommend", "CSV", "--target", "price", "--families", ","], "Expected some of"),
    (["recommend", "CSV", "--target", "price", "--recommender", "forrest"], "Did you mean 'forest'?"),
    (["recommend", "CSV", "--target", "price", "-n", "0"], "at least 1"),
    (["recommend", "CSV", "--target", "price", "-n", "many"], "not a valid integer"),
    (["recommend", "CSV", "--target", "price", "--time-budget", "0"], "positive number"),
    (["recommend", "CSV", "--target", "price", "--categorical", "absent"], "not in the table"),
    (["recommend", "CSV", "--target", "price", "--knowledge-base", "mysql://x/y"], "mysql"),
    (["recommend", "short.csv", "--target", "price"], "19 rows with a target. Expected at least 20"),
    (["recommend", "empty.csv", "--target", "price"], "is empty"),
    (["recommend", "nothing.csv", "--target", "price"], "cannot be read"),
    (["recommend", "twice.csv", "--target", "b"], "stand twice"),
    (["recommend", "broken.parquet", "--target", "b"], "cannot be read"),
    (["recommend", "table.xlsx", "--target", "b"], "cannot be read: File is not a zip file"),
    (["recommend"], "Missing argument 'DATA'"),
    (["recommend", "wine", "--no-such-option"], "No such option"),
    (["recomend", "wine"], "No such command 'recomend'"),
    (["describe", "absent.csv", "--target", "y"], "There is no file"),
    (["describe", "--tier", "cheap"], "Missing argument 'DATA'"),
    (["describe", "wine", "--time-budget", "soon"], "not a valid float"),
    (["recommend", "wine", "--target", "colour"], "Unknown target 'colour'"),
    (["recommend", "openml:abc"], "names no OpenML dataset"),
    (["recommend", "wine", "--html", "nowhere/page.html"], "There is no folder 'nowhere'"),
    (["recommend", "wine", "--knowledge-base", "absent"], "Nothing is stored at 'absent'"),
    (["recommend", "wine", "--knowledge-base", "sqlite:///absent.db"], "Nothing is stored at 'sqlite:///absent.db'"),
    (["recommend", "wine", "--knowledge-base", "houses.csv"], "'houses.csv' is a file. Expected a folder"),
    (["report", "wine"], "Missing option '-o'"),
    (["report", "wine", "-o", "nowhere/page.html"], "There is no folder 'nowhere'"),
    (["tune", "CSV"], "No target was named"),
    (["tune", "wine", "--families", "lightgmb"], "Did you mean 'lightgbm'?"),
    (["tune", "wine", "--trials", "0"], "'--trials': 0 is not in the range"),
    (["tune", "wine", "--metric", "r2"], "does not fit"),
    (["tune", "wine", "--time-budget", "-5"], "'--time-budget': -5.0 is not in the range"),
    (["tune", "wine", "--jobs", "0"], "n_jobs is 0"),
    (["tune", "wine", "--out", "nowhere/model.skops"], "There is no folder 'nowhere'"),
    (["tune", "wine", "--record-to", "mysql://x"], "There is no store for 'mysql' addresses"),
    (["predict", "wine", "wine"], "There is no file 'wine'"),
    (["predict", "houses.csv", "houses.csv"], "is not a model that can be read"),
    (["predict", "model.skops"], "Missing argument 'DATA'"),
    (["recheck", "absent.skops", "CSV"], "There is no file 'absent.skops'"),
    (["kb", "infos"], "Did you mean 'info'?"),
    (["kb", "info", "absent"], "Nothing is stored at 'absent'"),
    (["kb", "validate", "mongodb://x"], "There is no store for 'mongodb' addresses"),
    (["kb", "search"], "Nothing to look for was given"),
    (["kb", "search", "--like", "CSV"], "No target was named"),
    (["kb", "merge", "absent", "-o", "all"], "Nothing is stored at 'absent'"),
    (["kb", "merge", "absent"], "Missing option '-o'"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_wrong_call_gets_one_clear_line_exit_code_2_and_writes_nothing(
    csv: Path, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(csv.parent)
    before = sorted(csv.parent.iterdir())
    out = run(*[str(csv) if a == "CSV" else a for a in arguments])
    assert words in out.stderr
    assert out.exit_code == 2
    assert "Traceback" not in out.output
    assert sorted(csv.parent.iterdir()) == before


def test_who_recorded_what_is_told_of_a_store(tmp_path: Path) -> None:
    options = ["--trials", 1, "--families", "linear", "--record-to", tmp_path / "kb"]
    for who in ("ana", "ben"):
        assert run("tune", "iris", *options, "--source", who).exit_code == 0
    shown = run("kb", "info", tmp_path / "kb").stdout
    assert all(word in shown for word in ("recorded by", "ana", "ben", "first", "last"))
    sources = json.loads(run("kb", "info", tmp_path / "kb", "--json").stdout)["sources"]
    assert [source["source"] for source in sources] == ["ana", "ben"]


def test_a_run_that_fails_exits_with_1_and_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "manifest.json").write_text("{", encoding="utf-8")
    out = run("kb", "info", tmp_path / "kb")
    assert out.exit_code == 1
    assert out.stderr.startswith("Error: ")
    assert len(out.stderr.splitlines()) == 1


def commands(group: click.Group = main, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        here = (*prefix, name)
        found += commands(command, here) if isinstance(command, click.Group) else [here]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    out = run(*command, "--help")
    assert out.exit_code == 0
    assert f"metalearn {' '.join(command)}" in out.stdout.split("Example", 1)[1]


@pytest.mark.parametrize("command", [c for c in commands() if c != ("mcp",)], ids=" ".join)  # which speaks JSON alone
def test_every_command_speaks_json(command: tuple[str, ...]) -> None:
    assert "--json" in run(*command, "--help").stdout


def test_a_report_is_also_told_as_json(tmp_path: Path) -> None:
    out = run("report", "iris", "-n", "2", "-o", tmp_path / "page.html", "--json")
    assert out.exit_code == 0, out.output
    assert len(json.loads(out.stdout)["candidates"]) == 2
    assert (tmp_path / "page.html").exists()


def test_the_help_names_the_shipped_tables() -> None:
    assert ", ".join(SHIPPED) in run("--help").stdout


def test_the_docs_list_every_command() -> None:
    page = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [" ".join(c) for c in commands() if f"metalearn {' '.join(c)}" not in page] == []


def seconds_of(*command: str) -> float:
    """Return the seconds of a process: of the processor, if the machine was busy with something else."""
    import resource  # noqa: PLC0415 - not on Windows
    import time  # noqa: PLC0415 - for this only

    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return min(time.perf_counter() - started, processor)


@pytest.mark.slow
def test_the_whole_process_takes_less_than_two_and_a_half_seconds() -> None:
    """On a machine that takes long to load the table alone, it takes at most half as long again."""
    load = "from sklearn.datasets import load_wine; load_wine(as_frame=True)"
    loading, whole = [], []
    for _ in range(4):  # side by side, the first pair to warm up
        loading.append(seconds_of("-c", load))
        whole.append(seconds_of("-m", "metalearn", "recommend", "wine"))
    assert min(whole[1:]) < max(2.5, 1.5 * min(loading[1:]))


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "metalearn", "kb", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
        asked.stdout.close()  # as head does
        assert asked.stderr.read() == ""


def test_found_tasks_are_standard_json_and_at_least_one() -> None:
    out = run("kb", "search", "binary", "-n", "300", "--json")

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not standard JSON.")

    assert json.loads(out.stdout, parse_constant=refuse)["tasks"]
    for n in ("0", "-3"):
        refused = run("kb", "search", "binary", "-n", n)
        assert refused.exit_code == 2
        assert "is not in the range x>=1" in refused.stderr


def test_a_task_is_deleted_by_its_id_or_its_name(tmp_path: Path) -> None:
    from metalearn.evaluation import Evaluation  # noqa: PLC0415
    from metalearn.knowledge import open_store  # noqa: PLC0415
    from metalearn.space import Configuration  # noqa: PLC0415
    from metalearn.task import Task  # noqa: PLC0415

    store = open_store(tmp_path / "kb")
    for task_id, name in (("t:1", "orders"), ("t:2", "twice"), ("t:3", "twice"), ("t:4", "kept")):
        task = Task(id=task_id, name=name, problem_type="regression", n_rows=50, n_features=2)
        store.append(
            task, None, [Evaluation(task_id=task_id, configuration=Configuration("knn", {}), metric="r2", value=0.5)]
        )
    about = ("kb", "delete", "--store", tmp_path / "kb", "--yes")
    for wanted in ("orders", "t:2"):
        out = run(*about, "--task", wanted, "--json")
        assert json.loads(out.stdout)["evaluations"] == 1, out.output
    assert store.read().task_ids == ("t:3", "t:4")
    store.append(Task(id="t:2", name="twice", problem_type="regression", n_rows=5, n_features=2), None, [])
    for more, words in (
        ((), "Neither --source nor --task"),
        (("--task", "twice"), "2 tasks are called 'twice'"),
        (("--task", "keept"), "Did you mean 'kept'"),
        (("--task", "kept", "--source", "ana"), "Unknown source 'ana'"),
    ):
        out = run(*about, *more)
        assert out.exit_code == 2
        assert words in out.stderr
    refused = CliRunner().invoke(main, ["kb", "delete", "--store", str(tmp_path / "kb"), "--task", "kept"], input="n\n")
    assert refused.exit_code != 0
    assert "t:4" in store.read().task_ids
