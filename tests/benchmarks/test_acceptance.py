"""Never worse than the default of the best-known family beyond noise; and the controls on the bundled base."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

import metalearn as ml
from metalearn.dataset import Dataset
from metalearn.estimators.setup import defaults
from metalearn.evaluation import Status
from metalearn.evaluation.fit import TrainingData, fit_and_score
from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.recommenders import PerformanceTable, related_tasks
from metalearn.task import ProblemType, get_metric

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from inference import by_family, interval  # noqa: E402 - the folder of the benchmarks is no package
from protocol import Setting, replay, replay_removed, replay_shuffled  # noqa: E402
from real_tables import chosen_names, recipe  # noqa: E402

BEST_KNOWN = ("random_forest", "lightgbm")  # below 300 rows the first is the better one, else the second
N_SPLITS = 5
SHIPPED = {"iris": load_iris, "wine": load_wine, "digits": load_digits}
SMALL = tuple(chosen_names(10))


@pytest.fixture(scope="module")
def bundled() -> KnowledgeBase:
    return FileStore(ROOT / "knowledge_base" / "tables").read()


def read(name: str) -> tuple[Any, Any, ProblemType | None]:
    if name in SHIPPED:
        return *SHIPPED[name](return_X_y=True), None
    (table,) = recipe().tables([name])
    try:
        return *table.load(), table.task.problem_type
    except SystemExit as error:  # the package that holds it is not installed
        pytest.skip(str(error))


def without(bundled: KnowledgeBase, name: str) -> KnowledgeBase:
    """Leave out the table's family; of scikit-learn's tables whatever bears the same name."""
    tasks = bundled.tasks
    same = tasks["name"].str.contains(name) if name in SHIPPED else tasks["name"] == name
    for task_id in tasks[same].drop_duplicates("family")["task_id"]:  # a family goes with its first task
        bundled = bundled.without(task_id)
    return bundled


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SHIPPED, *SMALL])
def test_the_first_suggestion_is_never_worse_than_the_best_known_default(bundled: KnowledgeBase, name: str) -> None:
    """Half of the rows is held out. Noise: 95 % by Student's t, corrected for splits that share rows (Nadeau, Bengio 2003)."""
    past = without(bundled, name)
    X, y, kind = read(name)
    data = Dataset.from_data(X, y, problem_type=kind)
    kind, metric = data.problem_type, get_metric(None, data.problem_type)
    splitter = StratifiedShuffleSplit if kind.is_classification else ShuffleSplit
    gains = []
    for train, test in splitter(N_SPLITS, test_size=0.5, random_state=0).split(data.X, data.target):
        half = data.X.iloc[train].reset_index(drop=True), pd.Series(data.target[train])
        rec = ml.recommend(*half, n=1, knowledge_base=past, problem_type=kind, recommender="ensemble")
        fold = TrainingData(data.X, data.target, kind, data.n_classes, ((train, test),))
        (bar,) = defaults(BEST_KNOWN, kind, n_rows=len(train), small=False)
        outcomes = [fit_and_score(fold, c, 0) for c in (rec[0].configuration, bar)]
        assert [o.status for o in outcomes] == [Status.OK, Status.OK]
        ours, default = (metric.to_loss(o.scores[metric.name]) for o in outcomes)
        gains.append(default - ours)
    noise = student.ppf(0.975, N_SPLITS - 1) * np.std(gains, ddof=1) * np.sqrt(1 / N_SPLITS + 1.0)
    assert np.mean(gains) >= -noise, (rec[0].configuration, gains)


@pytest.fixture(scope="module")
def settings(bundled: KnowledgeBase) -> list[Setting]:
    found = []
    for name, metric in (("binary", "roc_auc"), ("multiclass", "accuracy"), ("regression", "r2")):
        kind = ProblemType(name)
        related = related_tasks(bundled, kind)
        table = PerformanceTable.from_knowledge_base(related, get_metric(metric, kind), kind)
        found.append(Setting("controls", table, table.regrets, n_folds=4))
    return found


def together(replayed: Iterable[pd.DataFrame]) -> dict[str, Any]:
    """Curves of the families of all problem types: those of one, 50 to 158, differ by chance in some division into folds."""
    found = [by_family(curves) for curves in replayed]
    return {name: np.concatenate([curves[name] for curves in found]) for name in found[0]}


@pytest.mark.slow
def test_shuffled_meta_features_lose_the_gain(settings: list[Setting]) -> None:
    found = together(replay(setting, ["portfolio", "forest"]) for setting in settings)
    shuffled = together(replay_shuffled(setting, ["forest"]) for setting in settings)
    # the first three suggestions together
    bar, ours, dealt = (v[:, :3].mean(axis=1) for v in (found["portfolio"], found["forest"], shuffled["forest"]))
    assert ours.mean() < min(bar.mean(), dealt.mean())
    assert interval((dealt - bar)[:, None])[1][0] >= 0  # no gain is left that could be told from none


@pytest.mark.slow
def test_without_the_nearest_tasks_nothing_is_worse_than_the_portfolio(settings: list[Setting]) -> None:
    found = together(replay_removed(setting, ["portfolio", "forest", "ensemble"]) for setting in settings)
    for name in ("forest", "ensemble"):
        for k in (1, 3, 5, 10):
            gap = found[name][:, k - 1] - found["portfolio"][:, k - 1]
            assert interval(gap[:, None])[0][0] <= 0, (name, k, gap.mean())
