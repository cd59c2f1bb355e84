"""Knowledge is built from one's own tables, once, and the hours are known before."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import metalearn as ml
from metalearn.builder import Limits
from metalearn.cli import main
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import open_store
from metalearn.knowledge.validate import validate
from metalearn.models import get_model
from metalearn.space import Configuration
from metalearn.task import ProblemType

CHEAP = [
    {"model": "knn", "params": {"n_neighbors": 5}},
    {"model": "linear", "params": {}},
    {"model": "decision_tree", "params": {"max_depth": 3}},
    {"model": "gaussian_nb", "params": {}},
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["kb", "build", *(str(a) for a in arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    here = tmp_path / "tables"
    here.mkdir()
    for name, n, target in (("sales", 90, "revenue"), ("visits", 60, "returned")):
        x = rng.normal(size=(n, 3))
        frame = pd.DataFrame(x, columns=list("abc"))
        frame[target] = x[:, 0] * 2 + rng.normal(size=n) if target == "revenue" else np.where(x[:, 1] > 0, "yes", "no")
        frame.to_csv(here / f"{name}.csv", index=False)
    (here / "notes.md").write_text("no table")
    (here / "notes.txt").write_text("No table either.\nWritten by Ana, on Monday.\n")
    (tmp_path / "cheap.json").write_text(json.dumps(CHEAP))
    return here


def options(folder: Path, *more: object) -> list[object]:
    targets = ["--target-column", "revenue", "--target-column", "returned"]
    return [*targets, "--store", folder.parent / "kb", "--configurations", folder.parent / "cheap.json", *more]


def test_every_table_of_a_folder_is_evaluated_and_described(folder: Path) -> None:
    out = run(folder, *options(folder, "--json"))
    assert out.exit_code == 0, out.output
    report = json.loads(out.stdout)
    assert report["tables"] == ["sales.csv", "visits.csv"]
    kb = open_store(folder.parent / "kb").read()
    # naive Bayes solves classification only
    counts = {kb.task(t).name: sum(pair[0] == t for pair in kb.done) for t in kb.task_ids}
    assert counts == {"sales.csv": 3, "visits.csv": 4}
    assert {str(kb.task(t).problem_type) for t in kb.task_ids} == {"regression", "binary"}
    assert kb.meta_feature_table.notna().sum(axis=1).min() > 30
    assert sum(work["n_ok"] for work in report["families"]) == 7
    assert set(kb.evaluations["status"]) == {"ok"}


def test_what_is_known_is_not_run_again(folder: Path) -> None:
    first = json.loads(run(folder / "sales.csv", *options(folder, "--json")).stdout)
    again = json.loads(run(folder, *options(folder, "--json")).stdout)
    known = {work["family"]: (work["n_known"], work["n_planned"]) for work in again["families"]}
    assert {work["family"]: work["n_planned"] for work in first["families"]} == {
        "knn": 1,
        "linear": 1,
        "decision_tree": 1,
    }
    assert known == {"knn": (1, 1), "linear": (1, 1), "decision_tree": (1, 1), "gaussian_nb": (0, 1)}
    third = json.loads(run(folder, *options(folder, "--json")).stdout)
    assert sum(work["n_planned"] for work in third["families"]) == 0


@pytest.mark.parametrize("address", ["kb", "sqlite:///{}/kb.db"])
def test_what_was_recorded_under_a_name_is_known(folder: Path, address: str) -> None:
    store = address.format(folder.parent) if "{}" in address else str(folder.parent / address)
    frame = pd.read_csv(folder / "visits.csv")
    X, y = frame.drop(columns="returned"), frame["returned"]
    ml.tune(X, y, n_trials=1, families=["knn"], cv=3, record_to=store, name="visitors", progress=False)
    assert open_store(store).read().task_ids == ("data:visitors",)
    for planned in (4, 0):  # the defaults of the search are others
        report = ml.build_knowledge_base(
            folder / "visits.csv",
            target_column="returned",
            store=store,
            configurations=[Configuration(c["model"], c["params"]) for c in CHEAP],
        )
        assert sum(work.n_planned for work in report.families) == planned
    assert open_store(store).read().task_ids == ("data:visitors",)


@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_another_problem_on_the_same_table_is_another_task(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    frame = frame.assign(y=(frame["a"] > 0).astype(int))
    frame.to_csv(tmp_path / "flag.csv", index=False)
    store = str(tmp_path / ("kb.db" if kind == "sqlite" else "kb"))
    for problem_type in (None, "regression", "binary", "regression"):
        report = ml.build_knowledge_base(
            tmp_path / "flag.csv",
            target_column="y",
            store=store,
            configurations=[Configuration("linear", {})],
            problem_type=problem_type,
        )
    assert sum(work.n_planned for work in report.families) == 0
    for searched in (False, True):
        if searched:  # a search finds the same two
            ml.tune(
                frame[["a", "b", "c"]],
                frame["y"],
                problem_type="regression",
                n_trials=1,
                families=["linear"],
                cv=3,
                record_to=store,
            )
        known = open_store(store).read()
        kinds = {name: str(known.task(name).problem_type) for name in known.task_ids}
        assert sorted(kinds.values()) == ["binary", "regression"]
        assert len(set(known.families)) == 1
        for name, found in kinds.items():
            metrics = set(known.evaluations["metric"][known.evaluations["task_id"] == name])
            assert ("r2" in metrics, "roc_auc" in metrics) == (found == "regression", found == "binary")
    assert not [finding for finding in validate(known) if finding.severity == "error"]


def test_meta_features_that_are_gone_are_measured_again(folder: Path) -> None:
    run(folder / "sales.csv", *options(folder), "--source", "ana")
    run(folder / "sales.csv", *options(folder)[:-1], folder.parent / "cheap.json", "--source", "ben", "--retry-failed")
    store = open_store(folder.parent / "kb")
    bare = store.read()
    assert len(bare.meta_features)
    emptied = open_store(folder.parent / "other")
    emptied.write(replace(bare, meta_features=bare.meta_features[:0]))
    assert "no meta-features" in {finding.check for finding in validate(emptied.read())}
    arguments = [a if a != folder.parent / "kb" else folder.parent / "other" for a in options(folder)]
    assert run(folder / "sales.csv", *arguments).exit_code == 0
    assert len(emptied.read().meta_features)


def test_a_dry_run_predicts_and_writes_nothing(folder: Path) -> None:
    out = run(folder, *options(folder, "--dry-run", "--jobs", "2"))
    assert out.exit_code == 0, out.output
    assert "gaussian_nb" in out.stdout
    assert "2 at a time. Nothing was run." in out.stdout
    assert not (folder.parent / "kb").exists()


@pytest.mark.slow
def test_the_prediction_is_of_the_right_size(tmp_path: Path) -> None:
    wanted = ("random_forest", "extra_trees", "mlp")
    chosen = [get_model(name).default(ProblemType.MULTICLASS) for name in wanted]
    limits = Limits(max_rows=1000)
    report = ml.build_knowledge_base(["digits", "wine"], store=tmp_path / "kb", configurations=chosen, limits=limits)
    assert {work.family for work in report.families} == set(wanted)
    assert 1 / 4 < report.predicted_hours / report.hours < 4


def test_unusable_tables_are_all_named_before_anything_runs(folder: Path) -> None:
    (folder / "short.csv").write_text("a,revenue\n1,2\n")
    out = run(folder, "absent.csv", *options(folder), "--target-column", "revenue")
    assert out.exit_code == 2
    assert "2 of 4 tables cannot be used" in out.stderr
    assert "short.csv: " in out.stderr
    assert "absent.csv: There is no file" in out.stderr
    assert not (folder.parent / "kb").exists()


def test_a_table_without_the_target_is_skipped_when_asked(folder: Path) -> None:
    arguments = [folder, "--target-column", "revenue", "--store", folder.parent / "kb"]
    arguments += ["--configurations", folder.parent / "cheap.json"]
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert "visits.csv: Unknown target 'revenue'" in refused.stderr
    out = run(*arguments, "--skip-unusable", "--json")
    assert out.exit_code == 0, out.output
    assert list(json.loads(out.stdout)["skipped"]) == ["visits.csv"]
    assert len(open_store(folder.parent / "kb").read()) == 1


def test_nothing_but_unusable_tables_is_an_error_even_when_they_may_be_skipped(folder: Path) -> None:
    out = run(folder, "--target-column", "nowhere", "--store", folder.parent / "kb", "--skip-unusable")
    assert out.exit_code == 2
    assert "2 of 2 tables cannot be used" in out.stderr


def test_patterns_name_tables_and_copies_are_used_once(folder: Path) -> None:
    (folder / "copy.csv").write_text((folder / "sales.csv").read_text())
    pattern = str(folder / "*.csv")
    out = run(pattern, folder / "sales.csv", *options(folder, "--dry-run", "--skip-unusable", "--json"))
    report = json.loads(out.stdout)
    assert report["tables"] == ["copy.csv", "visits.csv"]
    assert report["skipped"] == {"sales.csv": "It holds the same data as copy.csv."}


def test_notes_beside_the_tables_are_no_tables(folder: Path) -> None:
    pd.read_csv(folder / "sales.csv").head(50).to_csv(folder / "more.txt", sep="\t", index=False)
    report = json.loads(run(folder, *options(folder, "--dry-run", "--json")).stdout)
    assert report["tables"] == ["more.txt", "sales.csv", "visits.csv"]


def test_files_of_one_name_keep_apart(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "sales.csv").write_text((folder / "sales.csv").read_text().replace("0.1", "0.2"))
    out = run(folder / "sales.csv", folder / "sub" / "sales.csv", *options(folder, "--dry-run", "--json"))
    assert json.loads(out.stdout)["tables"] == ["tables/sales.csv", "sub/sales.csv"]


def test_a_part_of_a_table_is_a_task_of_its_own(folder: Path) -> None:
    for rows in (50, 80, 5000):
        assert run(folder / "sales.csv", *options(folder, "--max-rows", rows)).exit_code == 0
    kb = open_store(folder.parent / "kb").read()
    assert sorted(kb.tasks["n_rows_used"]) == [50, 80, 90]
    assert kb.tasks["family"].nunique() == kb.tasks["dataset_id"].nunique() == 1
    assert len(kb.done) == 9


def test_limits_reach_the_fits(folder: Path) -> None:
    out = run(folder / "sales.csv", *options(folder, "--time-limit", 1e-6, "--json"))
    assert sum(work["n_cut"] for work in json.loads(out.stdout)["families"]) == 3
    assert set(open_store(folder.parent / "kb").read().evaluations["status"]) == {"timeout"}


def test_what_met_a_limit_is_known_and_run_again_only_when_asked(folder: Path) -> None:
    def build(*more: object) -> list[tuple[int, int, int, int]]:
        report = json.loads(run(folder / "sales.csv", *options(folder, "--json", *more)).stdout)
        names = ("n_known", "n_known_failed", "n_planned", "n_ok")
        return sorted(tuple(work[name] for name in names) for work in report["families"])

    assert build("--time-limit", 1e-6) == [(0, 0, 1, 0)] * 3
    assert build() == [(1, 1, 0, 0)] * 3
    assert build("--retry-failed") == [(0, 0, 1, 1)] * 3
    assert build("--retry-failed") == [(1, 0, 0, 0)] * 3
    assert set(open_store(folder.parent / "kb").read().evaluations["status"]) == {"ok"}


def test_the_summary_tells_known_failures_and_how_to_run_them_again(folder: Path) -> None:
    run(folder / "sales.csv", *options(folder, "--time-limit", 1e-6))
    said = run(folder / "sales.csv", *options(folder)).stdout
    assert "known failed" in said
    assert "3 known pairs had met a limit or failed; --retry-failed runs them again." in said


def test_a_pair_with_fewer_folds_than_asked_for_is_run_again(tmp_path: Path) -> None:
    def planned(n_folds: int) -> int:
        report = ml.build_knowledge_base(
            "iris",
            store=tmp_path / "kb",
            configurations=[Configuration("gaussian_nb", {})],
            limits=Limits(n_folds=n_folds),
        )
        return report.families[0].n_planned

    assert [planned(n) for n in (2, 2, 3, 2)] == [1, 0, 1, 0]


def test_portfolios_are_nested_and_everything_is_larger() -> None:
    def planned(configurations: str) -> set[str]:
        report = ml.build_knowledge_base("wine", store="none", configurations=configurations, dry_run=True)
        return {work.family for work in report.families}, sum(work.n_planned for work in report.families)

    three, ten, everything = (planned(text) for text in ("portfolio:3", "portfolio:10", "all"))
    assert three[0] <= ten[0] <= everything[0]
    assert (three[1], ten[1]) == (3, 10)
    assert everything[1] > 20


def test_a_family_that_was_never_timed_is_unknown_not_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from metalearn.building import choice  # noqa: PLC0415 - its past is replaced
    from metalearn.fitted_recommenders import bundled_knowledge_base  # noqa: PLC0415

    known = bundled_knowledge_base().subset(models=["knn", "linear"])
    monkeypatch.setattr(choice, "bundled_knowledge_base", lambda: known)
    choice._past.cache_clear()
    both = [Configuration("svm", {}), Configuration("knn", {"n_neighbors": 3})]
    report = ml.build_knowledge_base("wine", store=tmp_path / "kb", configurations=both, dry_run=True)
    choice._past.cache_clear()
    predicted = {work.family: work.predicted_seconds for work in report.families}
    assert np.isnan(predicted["svm"])
    assert 0 < predicted["knn"] < 10
    assert "unknown" in str(report)


WRONG = [
    (["--configurations", "portfolio:0"], "names no portfolio"),
    (["--configurations", "portfolio:many"], "names no portfolio"),
    (["--configurations", "absent.json"], "cannot be read as configurations"),
    (["--backend", "spark"], "'spark' is not one of"),
    (["--scheduler", "tcp://nowhere:1"], "belongs to no backend"),
    (["--store", "mysql://x/y"], "mysql"),
    (["--time-limit", "-1"], "fit_seconds is -1.0"),
    (["--time-limit", "0"], "Expected above 0"),
    (["--time-limit", "nan"], "fit_seconds is nan"),
    (["--time-limit", "inf"], "at most 172,800"),
    (["--memory-limit", "0"], "memory_mb is 0"),
    (["--max-rows", "5"], "Expected at least 20"),
    (["--max-rows", "-3"], "max_rows is -3"),
    (["--jobs", "0"], "n_jobs is 0"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda v: v[1] if isinstance(v, list) else "")
def test_a_wrong_option_gets_one_clear_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    out = run("wine", "--store", tmp_path / "kb", *arguments)
    assert out.exit_code == 2
    assert words in out.stderr
    assert not (tmp_path / "kb").exists()


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ([{"model": "knm"}], "Did you mean 'knn'?"),
        ([{"model": "knn", "params": {"k": 3}}], "has no parameter 'k'"),
        ([{"params": {}}], "cannot be read as configurations"),
        ({"model": "knn"}, "cannot be read as configurations"),
    ],
)
def test_a_list_with_an_unknown_name_is_refused(tmp_path: Path, listed: object, words: str) -> None:
    (tmp_path / "list.json").write_text(json.dumps(listed))
    out = run("wine", "--store", tmp_path / "kb", "--configurations", tmp_path / "list.json")
    assert out.exit_code == 2
    assert words in out.stderr


def test_one_table_one_store_one_line_of_python(tmp_path: Path) -> None:
    store = ml.open_store(tmp_path / "team.db")
    report = ml.build_knowledge_base("iris", store=store, configurations=[Configuration("linear", {})])
    assert report.families[0].n_ok == 1
    assert len(store.read().done) == 1


def test_an_empty_list_of_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="None of 0 tables"):
        ml.build_knowledge_base([], store=tmp_path / "kb")


@pytest.mark.slow
def test_a_progress_bar_tells_the_time_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configurations = [Configuration("knn", {"n_neighbors": n}) for n in (3, 5, 7)]
    ml.build_knowledge_base("iris", store=tmp_path / "kb", configurations=configurations, progress=True)
    found = capsys.readouterr()
    assert found.out == ""
    assert "fitting" in found.err
    assert "left:" in found.err
    assert "100%" in found.err


@pytest.mark.slow
@pytest.mark.parametrize(("ended_by", "jobs"), [(signal.SIGINT, 1), (signal.SIGTERM, 2)], ids=["ctrl-c", "terminated"])
def test_a_build_that_is_stopped_keeps_what_was_finished_and_leaves_no_process_behind(
    tmp_path: Path, ended_by: signal.Signals, jobs: int
) -> None:
    store = tmp_path / "kb"
    command = [sys.executable, "-m", "metalearn", "kb", "build", "iris", "digits", "--store", str(store)]
    command += ["--configurations", "portfolio:12", "--jobs", str(jobs)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as building:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and not len(open_store(store).read().done):
            time.sleep(0.2)
        os.kill(building.pid, ended_by)
        _, said = building.communicate(timeout=120)  # until the last process that writes there has ended
    assert building.returncode == 130
    # after it joblib's tracker may say of its folder that it is gone already
    assert any(line.startswith("Stopped. What was finished is stored") for line in said.splitlines())
    assert "Traceback" not in said
    assert 1 <= len(open_store(store).read().done) < 24


def test_a_column_that_tells_the_target_is_noted(folder: Path) -> None:
    frame = pd.read_csv(folder / "sales.csv")
    frame.assign(total=frame["revenue"] * 2).to_csv(folder / "sales.csv", index=False)
    for more in ((), ("--dry-run",)):
        assert "Note: sales.csv: " in (said := run(folder, *options(folder, *more)).stdout)
        assert "'total'" in said
    report = json.loads(run(folder, *options(folder, "--dry-run", "--json")).stdout)
    assert any("total" in note for note in report["notes"]["sales.csv"])


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_workers_of_a_killed_build_end_at_once_and_begin_nothing(tmp_path: Path) -> None:
    store = tmp_path / "kb"
    command = [sys.executable, "-m", "metalearn", "kb", "build", "digits", "breast_cancer", "--store", str(store)]
    command += ["--configurations", "portfolio:20", "--jobs", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as building:
        until = time.monotonic() + 300
        while time.monotonic() < until and not len(open_store(store).read().done):
            time.sleep(0.2)
        members = in_session(building.pid)
        building.kill()
    assert len(members) > 2  # the build, and workers
    until = time.monotonic() + 5
    while time.monotonic() < until and any(is_fitting(pid) for pid in members):
        time.sleep(0.1)
    assert not [pid for pid in members if is_fitting(pid)]


def in_session(leader: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rsplit(")", 1)[1].split()[3]) == leader:
                found.append(int(status.parent.name))
    return found


def is_fitting(pid: int) -> bool:
    """Whether a process goes on, and is not joblib's tracker of files, which tidies up and ends."""
    try:
        ended = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        return not ended and b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
