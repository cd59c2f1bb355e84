import os
import signal
import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metalearn.estimators.interruption import Interruption
from metalearn.estimators.refit import _affordable_rows, fit_members
from metalearn.estimators.search import Budget, SearchTrial, Suggestion
from metalearn.evaluation import Status
from metalearn.evaluation.fit import Outcome, TrainingData
from metalearn.evaluation.workers import InProcess
from metalearn.models import get_model
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric


def table(n: int) -> TrainingData:
    return TrainingData(pd.DataFrame({"x": np.arange(n)}), np.arange(n) % 2, ProblemType.BINARY, 2, ())


def test_a_small_table_is_fitted_whole_however_late_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(_affordable_rows(table(134), needed=0.5, left=-1.0)) == 134


def test_all_rows_are_used_where_the_time_suffices() -> None:
    assert len(_affordable_rows(table(50_000), needed=1.0, left=2.0)) == 50_000


@pytest.mark.parametrize(("left", "expected"), [(2.0, 10_000), (-1.0, 1000)])
def test_of_a_large_table_as_many_rows_are_used_as_the_time_allows(left: float, expected: int) -> None:
    with pytest.warns(UserWarning, match="50,000"):
        rows = _affordable_rows(table(50_000), needed=10.0, left=left)
    assert len(rows) == len(set(rows)) == expected


class Interrupted(InProcess):
    """Ctrl-C is pressed during some of the fits."""

    def __init__(self, data: TrainingData, *presses: int) -> None:
        super().__init__(data)
        self.presses = list(presses)
        self.n_fits = 0

    def submit(self, key: Hashable, configuration: Configuration, where: Any, deadline: float) -> None:
        self.n_fits += 1
        for _ in range(self.presses.pop(0)):
            os.kill(os.getpid(), signal.SIGINT)
        super().submit(key, configuration, where, deadline)


def refit(*presses: int) -> tuple[list[str], int]:
    """Fit three configurations; return the families of those that are kept, and how many fits were begun."""
    kind, chosen = ProblemType.BINARY, []
    for model in ("linear", "knn", "decision_tree"):
        fold = Outcome(Status.OK, scores={"roc_auc": 0.9}, fit_seconds=0.1, predict_seconds=0.1)
        suggestion = Suggestion(get_model(model).default(kind))
        chosen.append((0.3, SearchTrial(suggestion, get_metric("roc_auc", kind), 1, [fold], Status.OK)))
    data = table(60)
    runner = Interrupted(data, *presses)
    with Interruption() as interruption:
        members = fit_members(data, chosen, runner, Budget(), interruption)
    assert sum(m.weight for m in members) == pytest.approx(1)
    return [m.configuration.model for m in members], runner.n_fits


def test_ctrl_c_in_the_last_fits_keeps_those_that_ended() -> None:
    assert refit(0, 0, 0) == (["linear", "knn", "decision_tree"], 3)
    assert refit(0, 0, 1) == (["linear", "knn"], 3)


def test_ctrl_c_in_the_first_of_the_last_fits_waits_for_it_and_begins_no_other() -> None:
    assert refit(1) == (["linear"], 1)


def test_ctrl_c_pressed_twice_stops() -> None:
    with pytest.raises(KeyboardInterrupt):
        refit(2)
