import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Configuration, Float, Integer

pytestmark = pytest.mark.filterwarnings("ignore")
flaml = pytest.importorskip("flaml")

from flaml import AutoML, tune  # noqa: E402

from metalearn.hooks import flaml as hook  # noqa: E402


@pytest.fixture
def kwargs(table: Any, tmp_path: Any) -> dict[str, Any]:
    X, y = table
    return {
        "X_train": X,
        "y_train": y,
        "task": "classification",
        "metric": "accuracy",
        "estimator_list": ["lgbm"],
        "max_iter": 5,
        "log_file_name": str(tmp_path / "flaml.log"),
        "verbose": 0,
        "eval_method": "cv",
        "n_splits": 2,
        "seed": 0,
        "n_jobs": 1,
    }


def test_partial_seeds_are_completed_instead_of_filled_at_random(
    kwargs: dict[str, Any], recommendation: Recommendation
) -> None:
    report = hook.seed(kwargs, recommendation)
    assert [seed.rank for seed in report.accepted] == [1, 3, 4]
    point = kwargs["starting_points"]["lgbm"][1]
    assert (point["reg_alpha"], point["reg_lambda"], point["log_max_bin"]) == (2**-10, 2**-10, 8)
    AutoML().fit(**kwargs)
    checked = hook.verify(kwargs, report)
    assert [seed.rank for seed in checked.accepted] == [1, 3, 4]
    assert not checked.changed
    assert not checked.dropped


def test_the_trap_itself_a_partial_list_is_completed_at_random(kwargs: dict[str, Any]) -> None:
    kwargs["starting_points"] = {"lgbm": [{"num_leaves": 7}, {"num_leaves": 9}]}
    AutoML().fit(**{**kwargs, "log_type": "all", "max_iter": 3})
    records = [json.loads(line) for line in open(kwargs["log_file_name"], encoding="utf-8")]  # noqa: PTH123, SIM115
    assert records[0]["config"]["n_estimators"] != 4 or records[1]["config"]["n_estimators"] != 4


@pytest.mark.parametrize("value", [60.0, np.int64(60), 10_000_000])
def test_whole_numbers_are_native_and_in_the_range_of_this_table(kwargs: dict[str, Any], value: Any) -> None:
    configuration = Configuration("lightgbm", {"n_estimators": value, "num_leaves": 9})
    report = hook.seed(kwargs, [configuration])
    n_trees = kwargs["starting_points"]["lgbm"][0]["n_estimators"]
    assert type(n_trees) is int
    assert n_trees == min(int(value), 149)  # the range ends with the number of rows
    AutoML().fit(**{**kwargs, "max_iter": 2})
    assert len(hook.verify(kwargs, report).accepted) == 1


def test_unknown_parameters_do_not_abort_the_fit(kwargs: dict[str, Any]) -> None:
    configuration = Configuration("lightgbm", {"num_leaves": 9, "max_depth": 5, "subsample": 0.5})
    report = hook.seed(kwargs, [configuration])
    assert {drop.parameter for drop in report.dropped} == {"max_depth", "subsample"}
    AutoML().fit(**{**kwargs, "max_iter": 2})
    assert hook.verify(kwargs, report)


def test_a_parameter_of_custom_hp_is_seeded(kwargs: dict[str, Any]) -> None:
    kwargs["custom_hp"] = {"lgbm": {"max_depth": {"domain": tune.randint(2, 12), "init_value": 6}}}
    report = hook.seed(kwargs, [Configuration("lightgbm", {"num_leaves": 9, "max_depth": 5})])
    assert report.accepted[0].params["max_depth"] == 5
    assert not report.dropped


def test_families_that_flaml_does_not_search_are_named(
    kwargs: dict[str, Any], recommend: Callable[..., Recommendation], recommendation: Recommendation
) -> None:
    report = hook.seed(kwargs, recommend(*recommendation.configurations, Configuration("gaussian_nb", {})))
    whys = {drop.rank: drop.why for drop in report.dropped if not drop.parameter}
    assert whys == {2: "estimator_list has no random_forest", 5: "FLAML has no gaussian_nb"}


def test_several_families_are_seeded_and_verified_each(kwargs: dict[str, Any], recommendation: Recommendation) -> None:
    kwargs |= {"estimator_list": ["lgbm", "rf"], "max_iter": 8}
    report = hook.seed(kwargs, recommendation)
    assert {key: len(points) for key, points in kwargs["starting_points"].items()} == {"lgbm": 3, "rf": 1}
    assert "max_leaves" in kwargs["starting_points"]["rf"][0]
    AutoML().fit(**kwargs)
    assert [seed.rank for seed in hook.verify(kwargs, report).accepted] == [1, 2, 3, 4]


def test_the_log_is_harvested_but_for_its_last_line(
    kwargs: dict[str, Any], table: Any, recommendation: Recommendation, tmp_path: Any
) -> None:
    hook.seed(kwargs, recommendation)
    assert kwargs["log_type"] == "all"
    model = AutoML()
    model.fit(**kwargs)
    store = FileStore(tmp_path / "store")
    for _ in range(2):
        store.append(*hook.harvest(kwargs, *table))
    _, _, found = hook.harvest(kwargs, *table)
    assert len(found) == len(store.read().evaluations) == 5
    assert max(e.value for e in found) == pytest.approx(1 - model.best_loss)
    assert found[0].configuration.params["learning_rate"] == 0.1


def test_trials_that_flaml_ran_on_a_part_of_the_rows_are_no_results(kwargs: dict[str, Any], table: Any) -> None:
    kwargs |= {"eval_method": "holdout", "sample": True, "min_sample_size": 30, "log_type": "all"}
    AutoML().fit(**kwargs)
    _, _, found = hook.harvest(kwargs, *table)
    assert found[0].status is Status.PRUNED
    assert found[0].message.startswith("on 30 of 150 rows")


def test_failures_are_no_results_and_the_last_line_is_none(table: Any, tmp_path: Any) -> None:
    def line(rows: int, loss: float, leaves: int) -> str:
        record = {"record_id": 0, "learner": "lgbm", "config": {"num_leaves": leaves, "FLAML_sample_size": rows}}
        return json.dumps({**record, "validation_loss": loss, "trial_time": 0.1, "sample_size": rows})

    log = tmp_path / "flaml.log"
    log.write_text(
        "\n".join([line(40, 0.3, 5), line(150, float("inf"), 6), line(150, 0.2, 7), '{"curr_best_record_id": 2}'])
    )
    _, _, found = hook.harvest(log, *table, metric="roc_auc")
    assert [e.status for e in found] == [Status.PRUNED, Status.FAILED, Status.OK]
    assert found[0].message == "on 40 of 150 rows: loss 0.3"
    assert found[2].value == pytest.approx(0.8)


TUNE = {"n_estimators": tune.lograndint(5, 51), "eta": tune.loguniform(0.01, 0.5), "num_leaves": tune.randint(2, 65)}


def test_tune_run_takes_seeds_and_results(table: Any, recommendation: Recommendation) -> None:
    calls: list[dict[str, Any]] = []

    def evaluate(config: dict[str, Any]) -> dict[str, float]:
        calls.append(config)
        return {"acc": config["eta"]}

    run = {"config": TUNE, "metric": "acc", "mode": "max", "num_samples": 4, "verbose": 0}
    report = hook.seed(run, recommendation)
    assert [point["num_leaves"] for point in run["points_to_evaluate"]] == [64, 7, 15]
    analysis = tune.run(evaluate, **run)
    assert len(hook.verify(analysis, report).accepted) == 3
    _, _, found = hook.harvest(analysis, *table, metric="accuracy")
    assert [e.value for e in found[:3]] == pytest.approx([0.1, 0.5, 0.05])

    calls.clear()
    known = {"config": TUNE, "metric": "acc", "mode": "max", "num_samples": 1, "verbose": 0}
    hook.seed(known, [Configuration("lightgbm", {"n_estimators": 33, "learning_rate": 0.2, "num_leaves": 3})])
    told = hook.tell(known, found)
    assert len(told.accepted) == 4
    assert len(known["evaluated_rewards"]) == 4 < len(known["points_to_evaluate"])
    tune.run(evaluate, **known)
    assert calls[0]["n_estimators"] == 33  # what was told is not evaluated again


def test_a_choice_among_dicts_is_seeded_in_its_nested_form(recommendation: Recommendation) -> None:
    choice = [
        {"name": "rf", "max_features": tune.uniform(0.1, 1.0)},
        {"name": "lgbm", "num_leaves": tune.randint(2, 65)},
    ]
    run: dict[str, Any] = {"config": {"model": tune.choice(choice), "seed": 3}}
    report = hook.seed(run, recommendation)
    assert run["points_to_evaluate"][:2] == [
        {"model": {"name": "lgbm", "num_leaves": 64}, "seed": 3},
        {"model": {"name": "rf", "max_features": 0.3}, "seed": 3},
    ]
    assert list(report.accepted[1].params) == ["model", "model/rf/max_features"]


def test_automl_takes_no_results_and_needs_a_table(kwargs: dict[str, Any], recommendation: Recommendation) -> None:
    assert not hook.tell(kwargs, [])
    with pytest.raises(InvalidInputError, match="neither a table nor a search space"):
        hook.seed({}, recommendation)


def test_domains_are_read_with_their_bounds() -> None:
    space = hook.read_space(
        {
            "a": tune.randint(1, 9),
            "b": tune.qrandint(3, 20, 4),
            "c": tune.quniform(0.25, 0.75, 0.25),
            "d": tune.randn(1.0, 0.5),
            "g": tune.qlograndint(8, 40, 8),
            "h": tune.qloguniform(0.25, 1.0, 0.25),
            "e": {"domain": tune.choice(["x", None]), "init_value": "x"},
            "f": {"inner": tune.uniform(0, 1), "constant": 3},
        }
    )
    assert dict(space.parameters) == {
        "a": Integer(1, 8),
        "b": Integer(4, 20, step=4),
        "c": Float(0.25, 0.75, step=0.25),
        "d": Float(0.0, 2.0),
        "g": Categorical((8, 16, 24, 32, 40)),
        "h": Categorical((0.25, 0.5, 0.75, 1.0)),
        "e": Categorical(("x", None)),
        "f/inner": Float(0, 1),
    }
    assert dict(space.defaults) == {"e": "x"}


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space = data.draw(spaces())
    assert same(hook.read_space(hook.write_space(space)), space)


def test_seeds_stand_behind_what_was_told(recommendation: Recommendation) -> None:
    config = {"num_leaves": tune.randint(2, 65), "learning_rate": tune.loguniform(0.01, 0.5)}
    kwargs: dict[str, Any] = {"config": config, "mode": "max"}
    told = [
        Evaluation(
            task_id="t",
            configuration=Configuration("lightgbm", {"num_leaves": leaves, "learning_rate": 0.1}),
            metric="roc_auc",
            value=0.9,
        )
        for leaves in (8, 33)
    ]
    hook.tell(kwargs, told)
    report = hook.seed(kwargs, recommendation)
    assert report.accepted
    assert [point["num_leaves"] for point in kwargs["points_to_evaluate"][:2]] == [8, 33]
    assert len(kwargs["evaluated_rewards"]) == 2
    before = list(kwargs["points_to_evaluate"])
    assert not hook.seed(kwargs, recommendation).accepted
    assert kwargs["points_to_evaluate"] == before


def test_starting_points_of_the_users_own_stay(kwargs: dict[str, Any], recommendation: Recommendation) -> None:
    own = {"n_estimators": 7}
    hook.seed(kwargs, recommendation)
    seeded = kwargs["starting_points"]
    again = {**kwargs, "starting_points": {"kneighbor": own, "lgbm": [own]}}
    hook.seed(again, recommendation)
    assert again["starting_points"]["kneighbor"] == [own]
    assert again["starting_points"]["lgbm"] == [*seeded["lgbm"], own]
