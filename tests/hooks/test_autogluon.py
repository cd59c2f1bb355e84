from collections.abc import Callable
from typing import Any

import pytest

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Configuration, Float, Integer, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")
pytest.importorskip("autogluon.tabular")

from autogluon.common import space as ag  # noqa: E402
from autogluon.tabular import TabularPredictor  # noqa: E402

from metalearn.hooks import autogluon as hook  # noqa: E402


def test_seeds_are_written_under_autogluons_names_and_before_its_own(recommendation: Recommendation) -> None:
    call = {"hyperparameters": {"KNN": {"n_neighbors": 3}}}
    report = hook.seed(call, recommendation)
    found: Any = call["hyperparameters"]
    assert list(found) == ["KNN", "GBM", "RF"]
    arguments = {"name_suffix": "_metalearn1", "priority": 999}
    assert found["GBM"][0] == {
        "num_boost_round": 60,
        "learning_rate": 0.1,
        "num_leaves": 300,
        "min_data_in_leaf": 5,
        "ag_args": arguments,
    }
    assert found["KNN"] == [{"n_neighbors": 3}]
    assert [seed.key for seed in report.accepted] == [f"_metalearn{rank}" for rank in (1, 2, 3, 4)]


def test_a_fraction_of_rows_is_not_ignored() -> None:
    call: dict[str, Any] = {}
    hook.seed(call, [Configuration("lightgbm", {"subsample": 0.5, "class_weight": None})])
    params = call["hyperparameters"]["GBM"][0]
    assert (params["bagging_fraction"], params["bagging_freq"]) == (0.5, 1)


def test_what_autogluon_does_not_have_is_said() -> None:
    call: dict[str, Any] = {}
    report = hook.seed(
        call,
        [
            Configuration("svm", {"C": 1.0}),
            Configuration("linear", {"penalty": "elasticnet", "C": 1.0}),
            Configuration("lightgbm", {"num_leaves": 9, "class_weight": "balanced"}),
        ],
    )
    assert [(drop.rank, drop.parameter) for drop in report.dropped] == [(1, ""), (2, ""), (3, "class_weight")]
    with pytest.raises(InvalidInputError, match="no svm"):
        hook.seed({}, [Configuration("svm", {"C": 1.0})], strict=True)


def test_a_preset_is_kept_behind_the_seeds(recommendation: Recommendation) -> None:
    call: dict[str, Any] = {"hyperparameters": "light"}
    hook.seed(call, recommendation, n=1)
    assert len(call["hyperparameters"]["GBM"]) > 1
    assert "CAT" in call["hyperparameters"]


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_seeds_are_trained_in_order_and_harvested(
    table: Any, recommend: Callable[..., Recommendation], recommendation: Recommendation, tmp_path: Any, metric: str
) -> None:
    X, y = table
    bad = Configuration("lightgbm", {"num_leaves": 1})
    call: dict[str, Any] = {}
    report = hook.seed(call, recommend(*recommendation.configurations, bad))
    predictor = TabularPredictor("y", path=str(tmp_path / "ag"), verbosity=0, eval_metric=metric)
    predictor.fit(X.assign(y=y), fit_weighted_ensemble=False, num_cpus=1, **call)
    checked = hook.verify(predictor, report)
    assert [seed.rank for seed in checked.accepted] == [1, 2, 3, 4]
    assert not checked.changed
    assert "it failed" in checked.dropped[0].why
    order = predictor.leaderboard(extra_info=True, display=False).sort_values("fit_order")["model"]
    assert [name[-1] for name in order] == ["1", "2", "3", "4"]
    store = FileStore(tmp_path / "store")
    for _ in range(2):
        store.append(*hook.harvest(predictor, *table))
    task, _, found = hook.harvest(predictor, *table)
    assert task.metric.name == metric
    assert len(store.read().evaluations) == 5
    assert [e.status for e in found].count(Status.FAILED) == 1
    assert all(e.value > 0 for e in found if e.status is Status.OK)  # AutoGluon's own score of a loss is negative
    first = next(e for e in found if e.message == "seed 1")
    assert (
        str(first.configuration) == "lightgbm(learning_rate=0.1, min_child_samples=5, n_estimators=60, num_leaves=300)"
    )


def test_spaces_are_read_without_defaults_that_lie_outside() -> None:
    found = hook.read_space(
        {
            "num_leaves": ag.Int(4, 60, default=99),
            "learning_rate": ag.Real(0.01, 0.1, default=0.05, log=True),
            "boosting": ag.Categorical("gbdt", None),
            "n": 3,
        }
    )
    assert dict(found.parameters) == {
        "num_leaves": Integer(4, 60),
        "learning_rate": Float(0.01, 0.1, log=True),
        "boosting": Categorical(("gbdt", None)),
    }
    assert dict(found.defaults) == {"learning_rate": 0.05, "boosting": "gbdt"}


def test_a_space_with_defaults_survives_writing_and_reading() -> None:
    space = SearchSpace(
        {"a": Integer(1, 9), "b": Float(0.1, 1.0, log=True), "c": Categorical(("x", "y"))},
        {},
        {"a": 5, "b": 0.5, "c": "x"},
    )
    assert hook.read_space(hook.write_space(space)) == space
