import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)  # it would write into the working folder

import pytest

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
pytest.importorskip("pycaret")

from pycaret.classification import ClassificationExperiment  # noqa: E402

from metalearn.hooks import pycaret as hook  # noqa: E402


def test_seeds_are_compared_and_harvested(
    table: Any, recommend: Callable[..., Recommendation], recommendation: Recommendation, tmp_path: Any
) -> None:
    X, y = table
    experiment = ClassificationExperiment()
    experiment.setup(X.assign(y=y), target="y", fold=2, verbose=False, html=False, session_id=0, n_jobs=1)
    bad = Configuration("lightgbm", {"num_leaves": 1})
    call: dict[str, Any] = {"include": ["dt"]}
    report = hook.seed(call, recommend(*recommendation.configurations, bad))
    assert [seed.key for seed in report.accepted] == ["0", "1", "2", "3", "4"]
    experiment.compare_models(verbose=False, **call)
    scores = experiment.pull()
    by_place = scores.rename(index=str)
    assert len(scores) == 5
    checked = hook.verify(scores, report)
    assert [seed.rank for seed in checked.accepted] == [1, 2, 3, 4]
    assert [drop.rank for drop in checked.dropped] == [5]
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(*hook.harvest(scores, X, y, report=report))
    _, _, found = hook.harvest(scores, X, y, report=report)
    assert len(store.read().evaluations) == len(found) == 5
    assert [e.value for e in found[:4]] == [by_place.loc[str(i), "Accuracy"] for i in range(4)]
    assert found[4].status is Status.FAILED
    assert hook.harvest(scores, X, y, report=report, metric="roc_auc")[2][0].value == by_place.loc["0", "AUC"]


def test_a_metric_that_is_not_in_the_table_is_refused(table: Any, recommendation: Recommendation) -> None:
    import pandas as pd  # noqa: PLC0415 - only here

    report = hook.seed({}, recommendation)
    with pytest.raises(InvalidInputError, match="no log_loss"):
        hook.harvest(pd.DataFrame({"Accuracy": []}), *table, report=report, metric="log_loss")
    with pytest.raises(InvalidInputError, match="verify\\(table, report\\)"):
        hook.verify(pd.DataFrame(), None)
