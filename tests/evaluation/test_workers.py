import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import make_scorer

from metalearn.estimators import MetaLearnClassifier
from metalearn.evaluation import Status
from metalearn.evaluation.fit import TrainingData, failure
from metalearn.evaluation.splits import split
from metalearn.evaluation.workers import InProcess, Processes, Runner
from metalearn.models import get_model
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric

BINARY = ProblemType.BINARY
QUICK = get_model("gaussian_nb").default(BINARY)


def table(n: int) -> TrainingData:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 5)), rng.integers(0, 2, n)
    folds = split(y, BINARY, metric=get_metric(None, BINARY), cv=2)
    return TrainingData(pd.DataFrame(X).add_prefix("x"), y, BINARY, 2, folds)


@pytest.fixture(params=[1, 2], ids=["in this process", "two processes"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    made = InProcess(table(60)) if request.param == 1 else Processes(table(60), 2)
    with closing(made):
        yield made


def test_a_fit_on_a_fold_returns_scores_and_predictions(runner: Runner) -> None:
    assert runner.has_room
    runner.submit("key", QUICK, 0, float("inf"))
    [(key, outcome)] = runner.finished()
    assert key == "key"
    assert outcome.status is Status.OK
    assert set(outcome.scores) == {"roc_auc", "log_loss", "balanced_accuracy", "accuracy", "f1_macro"}
    assert outcome.predictions is not None
    assert outcome.predictions.shape == (30, 2)
    assert runner.finished() == []


def test_a_fit_on_rows_returns_the_pipeline(runner: Runner) -> None:
    runner.submit("all", QUICK, np.arange(60), float("inf"))
    [(_, outcome)] = runner.finished()
    assert outcome.pipeline is not None
    assert outcome.pipeline.predict(table(60).X).shape == (60,)


def test_a_failure_is_reported_and_the_next_fit_works(runner: Runner) -> None:
    runner.submit("bad", Configuration("knn", {"n_neighbors": -1}), 0, float("inf"))
    [(_, outcome)] = runner.finished()
    assert outcome.status is Status.FAILED
    assert "n_neighbors" in outcome.message
    runner.submit("good", QUICK, 1, float("inf"))
    assert runner.finished()[0][1].status is Status.OK


def test_what_was_cancelled_is_not_returned(runner: Runner) -> None:
    runner.submit("old", QUICK, 0, float("inf"))
    runner.cancel()
    runner.submit("new", QUICK, 1, float("inf"))
    assert [key for key, _ in runner.finished()] == ["new"]


def test_a_late_fit_is_killed_and_replaced() -> None:
    slow = Configuration("mlp", {**get_model("mlp").defaults[BINARY], "num_nodes_per_layer": 512})
    with closing(Processes(table(20_000), 1)) as runner:
        started = time.monotonic()
        runner.submit("slow", slow, 0, started + 0.5)
        [(_, outcome)] = runner.finished()
        assert outcome.status is Status.TIMEOUT
        assert time.monotonic() - started < 3
        runner.submit("quick", QUICK, 0, float("inf"))
        assert runner.finished()[0][1].status is Status.OK


def test_a_process_that_dies_is_reported_and_replaced() -> None:
    with closing(Processes(table(60), 1)) as runner:
        os.kill(runner._workers[0].process.pid, signal.SIGKILL)
        runner._workers[0].process.join()
        for expected in (Status.MEMORY, Status.OK):
            runner.submit("key", QUICK, 0, float("inf"))
            [(_, outcome)] = runner.finished()
            assert outcome.status is expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_processes_end_when_the_one_that_started_them_is_gone() -> None:
    script = (
        "import os, signal\n"
        "from metalearn.evaluation.workers import Processes\n"
        "runner = Processes(None, 2)\n"
        "print(*(w.process.pid for w in runner._workers), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    children = [int(pid) for pid in out.stdout.split()]
    assert len(children) == 2
    until = time.monotonic() + 20
    while time.monotonic() < until and any(map(is_running, children)):
        time.sleep(0.1)
    assert not any(map(is_running, children))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("where", ["in a thread", "in a daemonic process"])
def test_where_a_fork_is_not_safe_a_fresh_interpreter_fits_and_can_be_ended(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Configuration("mlp", {**get_model("mlp").defaults[BINARY], "num_nodes_per_layer": 512})

    def fit() -> list[Status]:
        with closing(Processes(table(20_000), 1)) as runner:
            assert not multiprocessing.active_children()
            runner.submit("slow", slow, 0, time.monotonic() + 3)
            ended = runner.finished()
            runner.submit("quick", QUICK, 0, float("inf"))
            return [outcome.status for _, outcome in (*ended, *runner.finished())]

    if where == "in a thread":
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(fit).result()
    else:
        monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", value=True)
        found = fit()
    assert found == [Status.TIMEOUT, Status.OK]


def test_a_search_in_a_daemonic_process_keeps_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", value=True)
    scorer = make_scorer(
        lambda y, predicted: float(np.mean(y == predicted))
    )  # reaches the process though it is a lambda
    model = MetaLearnClassifier(n_trials=1, time_budget=60, families=["gaussian_nb"], cv=2, metric=scorer)
    model.fit(table(60).X, table(60).target)
    assert model.best_configuration_.model == "gaussian_nb"
    assert model.best_score_ > 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), Status.MEMORY),
        (RuntimeError("std::bad_alloc"), Status.MEMORY),
        (ValueError("bad allocation"), Status.MEMORY),
        (ValueError("Unable to allocate 3 GiB"), Status.MEMORY),
        (ValueError("n_neighbors must be positive"), Status.FAILED),
    ],
)
def test_failures_are_classified_once_for_searches_and_builds(error: Exception, status: Status) -> None:
    assert failure(error).status is status


def test_a_fit_is_ended_after_its_processor_seconds() -> None:
    slow = Configuration("mlp", {**get_model("mlp").defaults[BINARY], "num_nodes_per_layer": 512})
    with closing(Processes(table(20_000), 1, fit_seconds=0.5)) as runner:
        runner.submit("slow", slow, 0, float("inf"))
        [(_, outcome)] = runner.finished()
    assert outcome.status is Status.TIMEOUT
    assert outcome.message == "more than 0.5 s"


def test_processes_end_though_the_program_handles_sigterm() -> None:
    slow = Configuration("mlp", {**get_model("mlp").defaults[BINARY], "num_nodes_per_layer": 512})
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        started = time.monotonic()
        with closing(Processes(table(20_000), 1)) as runner:
            runner.submit("slow", slow, 0, started + 0.5)
            assert runner.finished()[0][1].status is Status.TIMEOUT
            runner.submit("slow", slow, 0, float("inf"))
        assert time.monotonic() - started < 5
    finally:
        signal.signal(signal.SIGTERM, before)
