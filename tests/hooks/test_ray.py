import os
from collections.abc import Callable
from typing import Any

os.environ |= {
    "RAY_AUTH_MODE": "disabled",  # else Ray leaves a token in the home folder
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration

pytestmark = pytest.mark.filterwarnings("ignore")
pytest.importorskip("ray.tune")

import ray  # noqa: E402
from ray import tune  # noqa: E402
from ray.tune.search import BasicVariantGenerator  # noqa: E402
from ray.tune.search.hyperopt import HyperOptSearch  # noqa: E402
from ray.tune.search.optuna import OptunaSearch  # noqa: E402

from metalearn.hooks import ray as hook  # noqa: E402


def flat() -> dict[str, Any]:
    return {
        "n_estimators": tune.lograndint(5, 51),
        "eta": tune.loguniform(0.01, 0.5),
        "num_leaves": tune.randint(2, 65),
    }


def nested() -> dict[str, Any]:
    return {
        "boost": {"n_estimators": tune.lograndint(5, 51), "eta": tune.loguniform(0.01, 0.5)},
        "num_leaves": tune.randint(2, 65),
        "epochs": 3,
    }


@pytest.mark.parametrize(("searcher", "kind"), [("optuna", OptunaSearch), ("hyperopt", HyperOptSearch)])
def test_searchers_suggest_the_seeds_first_and_in_range(
    searcher: Any, kind: Any, recommendation: Recommendation
) -> None:
    call = {"space": flat(), "metric": "acc", "mode": "max"}
    hook.seed(call, recommendation, searcher=searcher)
    search = kind(**call)
    suggested = [search.suggest(f"trial{i}") for i in range(4)]
    assert suggested[0] == {"n_estimators": 50, "eta": 0.1, "num_leaves": 64}
    assert [config["num_leaves"] for config in suggested[:3]] == [64, 7, 15]


def test_optuna_wants_flat_keys_without_constants(recommendation: Recommendation) -> None:
    call = {"space": nested(), "metric": "acc", "mode": "max"}
    hook.seed(call, recommendation, searcher="optuna")
    assert call["points_to_evaluate"][0] == {"boost/n_estimators": 50, "boost/eta": 0.1, "num_leaves": 64}
    assert OptunaSearch(**call).suggest("trial") == {"boost": {"n_estimators": 50, "eta": 0.1}, "num_leaves": 64}


def test_the_plain_generator_wants_the_nested_form_with_constants(recommendation: Recommendation) -> None:
    call: dict[str, Any] = {}
    hook.seed(call, recommendation, searcher="basic", space=nested())
    assert call["points_to_evaluate"][0] == {"boost": {"n_estimators": 50, "eta": 0.1}, "num_leaves": 64, "epochs": 3}


@pytest.mark.parametrize("searcher", ["basic", "optuna", "hyperopt"])
def test_a_choice_among_dicts_is_refused_instead_of_failing_or_hanging(
    searcher: Any, recommendation: Recommendation
) -> None:
    space = {"model": tune.choice([{"name": "rf", "max_features": tune.uniform(0, 1)}, {"name": "lgbm"}])}
    call: dict[str, Any] = {"space": space}
    report = hook.seed(call, recommendation, searcher=searcher)
    assert not report
    assert "choice among dicts" in str(report)
    assert call["points_to_evaluate"] == []


def test_what_a_searcher_cannot_start_from_is_refused(recommendation: Recommendation) -> None:
    grid = {"num_leaves": tune.grid_search([5, 9])}
    assert not hook.seed({"space": grid}, recommendation, searcher="optuna")
    assert hook.seed({"space": grid}, recommendation, searcher="basic")
    assert "nested dicts" in str(hook.seed({"space": nested()}, recommendation, searcher="hyperopt"))
    with pytest.raises(InvalidInputError, match="no search space"):
        hook.seed({}, recommendation, searcher="optuna")


def result(leaves: int, value: float, status: Status = Status.OK) -> Evaluation:
    configuration = Configuration("lightgbm", {"n_estimators": 10, "learning_rate": 0.2, "num_leaves": leaves})
    return Evaluation(task_id="t", metric="accuracy", configuration=configuration, value=value, status=status)


def test_results_are_told_to_optuna_only() -> None:
    search = OptunaSearch(flat(), metric="acc", mode="min")
    report = hook.tell(
        search,
        [result(9, 0.9), result(500, 0.8), result(7, float("nan"), Status.FAILED)],
        space=flat(),
        metric="1-accuracy",
    )
    assert [seed.rank for seed in report.accepted] == [1, 3]
    assert [trial.value for trial in search._ot_study.trials] == pytest.approx([0.1, None])
    assert search.suggest("trial")
    other = HyperOptSearch(flat(), metric="acc", mode="max")
    assert "OptunaSearch does" in hook.tell(other, [result(9, 0.9)]).dropped[0].why


@pytest.mark.slow
def test_a_tuner_runs_the_seeds_and_its_grid_is_harvested(
    table: Any, recommendation: Recommendation, tmp_path: Any
) -> None:
    options = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 200 * 2**20}
    ray.init("local", **options, logging_level="ERROR", log_to_driver=False)

    def train(config: dict[str, Any]) -> None:
        if config["num_leaves"] == 7:
            message = "seven is refused"
            raise ValueError(message)
        for _ in range(2):
            tune.report({"acc": config["boost"]["eta"]})

    try:
        call: dict[str, Any] = {}
        report = hook.seed(call, recommendation, searcher="basic", space=nested())
        tuner = tune.Tuner(
            train,
            param_space=nested(),
            tune_config=tune.TuneConfig(
                metric="acc", mode="max", num_samples=3, search_alg=BasicVariantGenerator(max_concurrent=1, **call)
            ),
            run_config=tune.RunConfig(
                storage_path=str(tmp_path / "ray"),
                verbose=0,
                stop=lambda _, result: result["config"]["num_leaves"] == 15,  # as a scheduler that halves would
            ),
        )
        grid = tuner.fit()
    finally:
        ray.shutdown()
    checked = hook.verify(grid, report)
    assert [seed.rank for seed in checked.accepted] == [1, 4]
    assert [(drop.rank, drop.why) for drop in checked.dropped] == [(3, "it failed")]
    store = FileStore(tmp_path / "store")
    options: Any = {"key": "acc", "mode": "max", "metric": "accuracy", "space": nested()}
    for _ in range(2):
        store.append(*hook.harvest(grid, *table, **options))
    _, _, found = hook.harvest(grid, *table, **options)
    assert len(store.read().evaluations) == 3
    assert [e.status for e in found] == [Status.OK, Status.FAILED, Status.PRUNED]
    assert found[2].message == "after 1 of 2 iterations: acc 0.05"
    assert found[1].message.endswith("seven is refused")
    assert str(found[0].configuration) == "lightgbm(learning_rate=0.1, n_estimators=50, num_leaves=64)"


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space = data.draw(spaces())
    assert same(hook.read_space(hook.write_space(space)), space)
