import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedKFold, cross_val_score

from metalearn.builder import Limits, Table, WorkUnit, cross_validate, describe, evaluate, plan
from metalearn.dataset import Dataset
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.models import get_model, models_for
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task, get_metric, metrics_for

CHEAP = ("decision_tree", "knn", "linear")


wine = partial(load_wine, return_X_y=True, as_frame=True)
diabetes = partial(load_diabetes, return_X_y=True, as_frame=True)


class Poisoned(pd.DataFrame):
    """A table that ends or blocks the process that takes rows of it."""

    _metadata = ["kind"]  # noqa: RUF012 - pandas' protocol

    @property
    def _constructor(self) -> type["Poisoned"]:
        return Poisoned

    def with_poison(self, kind: str) -> "Poisoned":
        self.kind = kind
        return self

    @property
    def iloc(self) -> object:
        if getattr(self, "kind", "") == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if getattr(self, "kind", "") == "hangs":
            time.sleep(60)
        return super().iloc


TABLES = [
    Table(Task(id="t:wine", problem_type=ProblemType.MULTICLASS, name="wine"), wine),
    Table(Task(id="t:diabetes", problem_type=ProblemType.REGRESSION, name="diabetes"), diabetes),
]


def waves(problem_type: ProblemType) -> list[list[Configuration]]:
    specs = [get_model(name) for name in CHEAP]
    return [
        [spec.default(problem_type) for spec in specs],
        [c for spec in specs for c in spec.design(problem_type, 3)[1:]],
    ]


def test_the_plan_is_breadth_first_and_leaves_out_what_is_done() -> None:
    units = plan(TABLES, waves)
    assert [(u.table.task.name, len(u.configurations)) for u in units] == [
        ("wine", 3), ("diabetes", 3), ("wine", 6), ("diabetes", 6),
    ]  # fmt: skip
    done = {("t:wine", c.id) for c in units[0].configurations[:2]}
    assert [len(u.configurations) for u in plan(TABLES, waves, done)] == [1, 3, 6, 6]


def test_evaluations_hold_every_metric_of_every_fold() -> None:
    for task, evaluations in evaluate(plan(TABLES, waves)[:2]):
        assert len(evaluations) == 3 * 3 * len(metrics_for(task.problem_type))
        assert {e.status for e in evaluations} == {Status.OK}
        assert all(np.isfinite(e.value) and e.fit_seconds >= 0 for e in evaluations)
        assert {e.versions.split()[0] for e in evaluations} == {"sklearn"}
        assert task.fingerprint
        assert task.n_rows == {"wine": 178, "diabetes": 442}[task.name]


def test_scores_are_those_of_scikit_learns_cross_validation() -> None:
    configuration = get_model("linear").default(ProblemType.MULTICLASS)
    ((_, evaluations),) = evaluate([WorkUnit(TABLES[0], (configuration,))])
    X, y = wine()
    model = get_model("linear").build(configuration, ProblemType.MULTICLASS)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    for name, scorer in {"accuracy": "accuracy", "roc_auc": "roc_auc_ovr", "f1_macro": "f1_macro"}.items():
        expected = cross_val_score(model, X, y, cv=folds, scoring=get_scorer(scorer))
        assert [e.value for e in evaluations if e.metric == name] == pytest.approx(expected)


def test_at_most_the_given_rows_are_used_and_the_record_says_so() -> None:
    unit = WorkUnit(TABLES[1], (get_model("knn").default(ProblemType.REGRESSION),))
    ((task, _),) = evaluate([unit], limits=Limits(max_rows=100))
    assert (task.n_rows, task.n_rows_used) == (442, 100)


def test_the_first_folds_alone_give_the_scores_that_they_give_among_all() -> None:
    unit = WorkUnit(TABLES[0], (get_model("linear").default(ProblemType.MULTICLASS),))
    ((_, whole),) = evaluate([unit])
    ((_, first),) = evaluate([unit], limits=Limits(n_folds_run=1))
    assert {e.fold for e in first} == {0}
    assert [e.value for e in first] == [e.value for e in whole if e.fold == 0]
    with pytest.raises(InvalidInputError, match="from 1 to 3"):
        Limits(n_folds_run=4)


def test_a_configuration_that_raises_is_recorded_as_failed_and_the_others_go_on() -> None:
    bad = Configuration("knn", {"n_neighbors": 100_000})
    good = get_model("knn").default(ProblemType.MULTICLASS)
    ((_, evaluations),) = evaluate([WorkUnit(TABLES[0], (bad, good))])
    failed = [e for e in evaluations if e.configuration == bad]
    assert {e.status for e in failed} == {Status.FAILED}
    assert all(np.isnan(e.value) and "n_neighbors" in e.message for e in failed)
    assert {e.status for e in evaluations if e.configuration == good} == {Status.OK}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "status"), [("dies", Status.MEMORY), ("hangs", Status.TIMEOUT)])
def test_a_process_that_dies_or_hangs_is_replaced(kind: str, status: Status) -> None:
    X, y = wine()
    data = Dataset(X, y, ProblemType.MULTICLASS)
    table = Poisoned(X)
    poisoned = Dataset(table, y, ProblemType.MULTICLASS)
    assert len(poisoned.schema.kinds) == X.shape[1]  # found by this process; from now on only the fits take rows
    table.with_poison(kind)
    two = waves(ProblemType.MULTICLASS)[0][:2]
    outcomes = cross_validate(poisoned, two, Limits(fit_seconds=0.2))
    assert [[o.status for o in folds] for folds in outcomes] == [[status] * 3] * 2
    assert {o.status for folds in cross_validate(data, two, Limits()) for o in folds} == {Status.OK}


def rare() -> tuple[pd.DataFrame, pd.Series]:
    values = np.random.default_rng(0).normal(size=(60, 3))
    return pd.DataFrame(values).add_prefix("x"), pd.Series(np.arange(60) < 2)


def test_a_metric_that_is_undefined_on_a_fold_is_missing_there_and_the_others_count() -> None:
    table = Table(Task(id="t:rare", problem_type=ProblemType.BINARY), rare)
    configuration = get_model("gaussian_nb").default(ProblemType.BINARY)
    ((task, evaluations),) = evaluate([WorkUnit(table, (configuration,))])
    assert {e.status for e in evaluations} == {Status.OK}
    folds = {name: {e.fold for e in evaluations if e.metric == name} for name in ("roc_auc", "accuracy", "log_loss")}
    assert len(folds["roc_auc"]) == 2  # there are two rows of the class
    assert folds["accuracy"] == folds["log_loss"] == {0, 1, 2}
    kb = KnowledgeBase.from_records([task], {}, evaluations)
    assert kb.outcomes(3) == {(task.id, configuration.id): Status.OK}
    assert np.isfinite(kb.losses(get_metric("roc_auc", ProblemType.BINARY)).to_numpy()).all()


def wide() -> tuple[pd.DataFrame, pd.Series]:
    values = np.random.default_rng(0).normal(size=(4000, 2000))
    return pd.DataFrame(values), pd.Series(values[:, 0] > 0)


def test_a_fit_beyond_the_memory_limit_is_recorded() -> None:
    table = Table(Task(id="t:wide", problem_type=ProblemType.BINARY), wide)
    forest = get_model("random_forest").default(ProblemType.BINARY)
    ((_, evaluations),) = evaluate([WorkUnit(table, (forest,))], limits=Limits(memory_mb=1))
    assert {e.status for e in evaluations} == {Status.MEMORY}


def test_describing_gives_meta_features_for_every_table() -> None:
    found = {task.name: values for task, values in describe(TABLES)}
    assert set(found) == {"wine", "diabetes"}
    assert all(len(values.values) >= 40 for values in found.values())


SCRIPT = """
import sys; sys.path.insert(0, {here!r})
from test_builder import TABLES, waves
from metalearn.builder import evaluate, plan
from metalearn.knowledge import FileStore
store = FileStore({store!r})
for task, evaluations in evaluate(plan(TABLES, waves, store.read().done)):
    store.append(task, None, evaluations)
    print("unit", flush=True)
"""


@pytest.mark.slow
def test_a_killed_build_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    code = SCRIPT.format(here=str(Path(__file__).parent), store=str(tmp_path / "kb"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "unit\n"
        first.send_signal(signal.SIGKILL)
    before = FileStore(tmp_path / "kb").read().done
    assert 3 <= len(before) < 18
    again = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    after = FileStore(tmp_path / "kb").read()
    assert len(after.done) == 18
    assert again.stdout.count("unit") == len(plan(TABLES, waves, before))
    assert not after.evaluations.duplicated(["task_id", "configuration_id", "metric", "fold"]).any()


@pytest.mark.slow
def test_two_processes_find_the_same_scores_as_one() -> None:
    units = plan(TABLES, waves)[:2]
    alone, pair = (
        {
            (e.task_id, e.configuration_id, e.metric, e.fold): e.value
            for _, found in evaluate(units, n_jobs=n)
            for e in found
        }
        for n in (1, 2)
    )
    assert alone == pair


@pytest.mark.slow
def test_any_joblib_backend_does_the_work() -> None:
    with joblib.parallel_config(backend="threading"):
        found = list(evaluate(plan(TABLES, waves)[:2], n_jobs=2))
    assert {task.name for task, _ in found} == {"wine", "diabetes"}


def test_every_available_family_has_a_wave_in_the_recipe() -> None:
    names = {name for p in ProblemType for name, spec in models_for(p).items() if not spec.weights}
    recipe = Path(__file__).parents[1] / "knowledge_base" / "sources" / "pypi_tables" / "recipe.py"
    text = recipe.read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in names)
