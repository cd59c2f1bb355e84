import os
import pty
import sys
import time
from pathlib import Path

import pytest

from metalearn.estimators.progress import progress, status_line
from metalearn.estimators.search import Budget, SearchTrial, Suggestion
from metalearn.evaluation import Status
from metalearn.evaluation.fit import Outcome
from metalearn.models import get_model
from metalearn.task import ProblemType, get_metric


def watch_a_trial(show: bool | None) -> None:  # noqa: FBT001 - the option itself
    kind = ProblemType.BINARY
    fold = Outcome(Status.OK, scores={"roc_auc": 0.75})
    trial = SearchTrial(
        Suggestion(get_model("linear").default(kind)), get_metric("roc_auc", kind), 1, [fold], Status.OK
    )
    with progress(Budget(n_trials=2), show=show) as watch:
        watch([trial])


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, show: bool | None) -> str:  # noqa: FBT001
    """Return what is written where standard error is a terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "120")
        watch_a_trial(show)
        print("end", file=terminal, flush=True)
        written = b""
        while b"end" not in written:
            written += os.read(ours, 65536)
    os.close(ours)
    return written.decode()


def test_a_terminal_shows_trials_and_the_best_score(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(monkeypatch, None)
    assert "trial 1 of 2, linear, about" in shown
    assert "left, best 0.75" in shown


def test_a_terminal_stays_silent_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_a_terminal(monkeypatch, show=False).strip() == "end"


def test_nothing_is_written_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watch_a_trial(None)
    with (tmp_path / "log").open("w") as log, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", log)
        watch_a_trial(None)
    assert (tmp_path / "log").read_text() == ""
    assert capsys.readouterr() == ("", "")


def test_what_is_asked_for_is_shown_anywhere_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    watch_a_trial(show=True)
    found = capsys.readouterr()
    assert found.out == ""
    assert "best 0.75" in found.err


def test_the_line_names_the_trial_that_runs_and_the_time_left() -> None:
    kind = ProblemType.BINARY
    metric = get_metric("roc_auc", kind)
    fold = Outcome(Status.OK, scores={"roc_auc": 0.912})
    ended = SearchTrial(Suggestion(get_model("linear").default(kind)), metric, 1, [fold], Status.OK)
    running = SearchTrial(Suggestion(get_model("lightgbm").default(kind)), metric, 1)
    line = status_line([ended, ended, running], Budget(n_trials=20, started=time.monotonic() - 10))
    assert line == "trial 3 of 20, lightgbm, about 90 s left, best 0.912"
    line = status_line([running], Budget(seconds=60, started=time.monotonic() - 20))
    assert line == "trial 1, lightgbm, about 40 s left"
