import io
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from metalearn import cli
from metalearn.cli import advice, main, tuning
from metalearn.evaluation import Evaluation
from metalearn.knowledge import open_store
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task


@pytest.mark.parametrize(
    "command", [("recommend", "wine", "-n", "1"), ("describe", "wine"), ("kb", "info"), ("kb", "search", "wine")]
)
def test_tables_are_drawn_with_what_the_stream_can_encode(command: tuple[str, ...]) -> None:
    utf8 = CliRunner(charset="utf-8").invoke(main, command)
    windows = CliRunner(charset="cp1252").invoke(main, command)
    assert windows.exit_code == 0, windows.exception
    assert "─" in utf8.stdout
    shown = windows.stdout_bytes.decode("cp1252").splitlines()
    assert shown[:20] == utf8.stdout.replace("─", "-").splitlines()[:20]


def test_a_character_that_the_stream_lacks_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,日本\n" + "1,x\n2,y\n" * 15, encoding="utf-8")
    out = CliRunner(charset="cp1252").invoke(main, ["recommend", str(tmp_path / "t.csv"), "--target", "日本", "--code"])
    assert out.exit_code == 0, out.exception
    assert r"'\u65e5\u672c'" in out.stdout


def test_a_redirect_of_windows_gets_the_whole_table(tmp_path: Path) -> None:
    with (tmp_path / "out.txt").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "metalearn", "kb", "search", "wine", "-n", "1"],
            stdout=file,
            stderr=subprocess.PIPE,
            env={"PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(Path(cli.__file__).parents[2])},
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "-----" in (tmp_path / "out.txt").read_text(encoding="cp1252")


def test_warnings_are_plain_notes_while_a_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(*_: object) -> None:
        warnings.warn("The time is short.", UserWarning, stacklevel=1)
        warnings.warn("A network error occurred while downloading x. Retrying...", UserWarning, stacklevel=1)
        raise TimeoutError("no way")  # noqa: TRY003 - as others raise it

    monkeypatch.setattr(sys, "warnoptions", [])
    monkeypatch.setattr(advice, "read_table", warn)
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        out = CliRunner().invoke(main, ["recommend", "openml:31"])
    assert out.stderr == "Note: The time is short.\nError: no way\n"
    assert warnings.showwarning is before


def test_warnings_that_python_was_asked_for_keep_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    monkeypatch.setattr(tuning, "read_table", lambda *_: warnings.warn("The time is short.", stacklevel=1))
    out = CliRunner().invoke(main, ["tune", "wine"])
    assert isinstance(out.exception, UserWarning)


def test_a_stream_without_an_encoding_of_its_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as ended:
        main(["kb", "search", "wine", "-n", "1"])
    assert ended.value.code == 0
    assert "─" in stream.getvalue()


@pytest.mark.parametrize(
    "command",
    [
        ("kb", "search", "binary", "--store", "kb"),
        ("recommend", "table.csv", "--target", "y", "--knowledge-base", "kb"),
        ("kb", "info", "kb"),
        ("kb", "validate", "kb"),
        ("kb", "merge", "kb", "-o", "new"),
    ],
)
def test_names_in_a_store_of_others_do_not_steer_the_terminal(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "\x1b]0;title\x07\x1b[31mred"
    Path("table.csv").write_text("a,b,y\n" + "1,2,0\n3,1,1\n2,5,0\n" * 10)
    task = Task(id=f"t:{name}", name=name, problem_type=ProblemType.BINARY, n_rows=30, n_features=2, n_classes=2)
    run = Evaluation(task_id=task.id, configuration=Configuration("knn", {}), metric="roc_auc", value=1.5)
    good = Evaluation(task_id=task.id, configuration=Configuration("linear", {}), metric="roc_auc", value=0.5)
    open_store("kb", source=name, keep_names=True).append(task, MetaFeatures({"n_rows": 30.0}), [run, good])
    out = CliRunner().invoke(main, command, color=True, env={"NO_COLOR": "1"})
    assert out.exit_code in (0, 1), out.output
    assert "red" in out.output or command[1] == "merge"
    assert not set("\x1b\x07") & set(out.output)


def test_quiet_prints_answers_and_errors_only(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("zip,y\n" + "".join(f"0{i:03d},{i % 2}\n" for i in range(40)))
    run = CliRunner().invoke
    loud = run(main, ["recommend", str(tmp_path / "t.csv"), "--target", "y", "-n", "1"])
    quiet = run(main, ["--quiet", "recommend", str(tmp_path / "t.csv"), "--target", "y", "-n", "1"])
    assert "leading zeros were kept" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout
    assert run(main, ["-q", "recommend", "absent.csv"]).stderr.startswith("Error: ")


def test_the_most_serious_note_is_coloured_unless_colours_are_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    found = CliRunner().invoke(main, ["recommend", "wine", "-n", "1"], color=True).stdout
    assert found.count("\x1b[33m") == 1
    assert "\x1b[33m\x1b[1mNote: " in found
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(main, ["recommend", "wine", "-n", "1"], color=True).stdout


def test_help_lists_every_command_by_task() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout
    assert text.index("Look at a table:") < text.index("Train and use a model:")
    assert all(f"  {name} " in text for name in main.commands)


def test_describe_shows_values_and_association() -> None:
    text = CliRunner().invoke(main, ["describe", "iris"]).stdout
    assert "association" in text
    facts = json.loads(CliRunner().invoke(main, ["describe", "iris", "--json"]).stdout)
    by_name = {column["name"]: column["association"] for column in facts["columns"]}
    assert by_name["petal width (cm)"] > by_name["sepal width (cm)"] > 0
    assert "examples" not in facts["columns"][0]
