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
from metalearn.space import Categorical, Condition, Configuration, Float, Integer, SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore")
hyperopt = pytest.importorskip("hyperopt")

from hyperopt import Trials, fmin, hp, tpe  # noqa: E402
from hyperopt.pyll import scope  # noqa: E402

from metalearn.hooks import hyperopt as hook  # noqa: E402

FLAT = {
    "n_estimators": hp.qloguniform("n_estimators", np.log(5), np.log(50), 1),
    "lr": hp.loguniform("eta", np.log(0.01), np.log(0.5)),
    "leaves": hp.uniformint("num_leaves", 2, 64),
}
BRANCHES = hp.choice(
    "model",
    [
        {"name": "lgbm", "leaves": hp.uniformint("num_leaves", 2, 64)},
        {"name": "rf", "features": hp.uniform("max_features", 0.5, 1.0)},
    ],
)


def run(space: Any, trials: Any, n: int, function: Callable[[Any], Any] | None = None) -> list[Any]:
    seen: list[Any] = []

    def objective(config: Any) -> Any:
        seen.append(config)
        return float(len(seen)) if function is None else function(config)

    fmin(objective, space, tpe.suggest, n, trials=trials, rstate=np.random.default_rng(0), show_progressbar=False)
    return seen


def test_seeds_come_first_with_raw_values_in_range(recommendation: Recommendation) -> None:
    trials = Trials()
    report = hook.seed(trials, recommendation, space=FLAT)
    seen = run(FLAT, trials, 5)
    assert [(c["n_estimators"], c["lr"], c["leaves"]) for c in seen[:3]] == [
        (50, 0.1, 64),
        (30, 0.5, 7),
        (20, 0.05, 15),
    ]
    assert len(seen) == 3 + 5  # as the report notes
    assert "in addition to max_evals" in report.notes[-1]
    assert len(hook.verify(trials).accepted) == 3


@pytest.mark.parametrize("max_evals", [1, 2])
def test_few_evaluations_do_not_lose_the_seeds(recommendation: Recommendation, max_evals: int) -> None:
    trials = Trials()
    hook.seed(trials, recommendation, space=FLAT)
    assert len(run(FLAT, trials, max_evals)) == 3 + max_evals


def test_conditional_seeds_survive_tpe(table: Any, recommendation: Recommendation) -> None:
    trials = Trials()
    report = hook.seed(trials, recommendation, space=BRANCHES)
    seen = run(BRANCHES, trials, 40)  # plain points_to_evaluate end in a KeyError here
    assert seen[:4] == [
        {"name": "lgbm", "leaves": 64},
        {"name": "rf", "features": 0.5},
        {"name": "lgbm", "leaves": 7},
        {"name": "lgbm", "leaves": 15},
    ]
    assert [(c.parameter, c.old, c.new) for c in report.changed] == [
        ("num_leaves", 300, 64),
        ("max_features", 0.3, 0.5),
    ]
    checked = hook.verify(trials, space=BRANCHES)
    assert [dict(seed.params) for seed in checked.accepted][:2] == [
        {"model": "lgbm", "num_leaves": 64},
        {"model": "rf", "max_features": 0.5},
    ]
    _, _, found = hook.harvest(trials, *table, space=BRANCHES, metric="accuracy", to_score=lambda loss: 1 / loss)
    assert [str(e.configuration) for e in found[:2]] == ["lightgbm(num_leaves=64)", "random_forest(max_features=0.5)"]
    assert [e.message for e in found[:2]] == ["seed 1", "seed 2"]


def test_a_choice_of_values_is_given_by_its_index() -> None:
    space = {"c": hp.choice("criterion", ["entropy", "gini"]), "f": hp.uniform("max_features", 0.1, 1.0)}
    trials = Trials()
    hook.seed(trials, [Configuration("random_forest", {"criterion": "gini", "max_features": 0.5})], space=space)
    assert run(space, trials, 1)[0] == {"c": "gini", "f": 0.5}


def test_every_label_is_there_even_if_the_configuration_lacks_it() -> None:
    trials = Trials()
    report = hook.seed(trials, [Configuration("lightgbm", {"num_leaves": 9})], space=FLAT)
    assert set(report.accepted[0].params) == {"n_estimators", "eta", "num_leaves"}
    assert run(FLAT, trials, 1)[0]["lr"] == pytest.approx(0.1)  # LightGBM's own default


def results() -> list[Evaluation]:
    return [
        Evaluation(
            task_id="t",
            metric="accuracy",
            configuration=Configuration(model, params),
            value=value,
            status=status,
        )
        for model, params, value, status in (
            ("lightgbm", {"num_leaves": 9}, 0.7, Status.OK),
            ("random_forest", {"max_features": 0.6}, 0.9, Status.OK),
            ("lightgbm", {"num_leaves": 10}, float("nan"), Status.FAILED),
            ("lightgbm", {"num_leaves": 500}, 0.8, Status.OK),
        )
    ]


def test_told_results_are_not_evaluated_and_survive_tpe() -> None:
    trials = Trials()
    report = hook.tell(trials, results(), space=BRANCHES, metric="1-accuracy")
    assert [seed.rank for seed in report.accepted] == [1, 2, 3]
    assert trials.losses()[:2] == pytest.approx([0.3, 0.1])
    assert trials.losses()[2] is None
    seen = run(BRANCHES, trials, 30)
    assert len(seen) == 27


def test_told_and_seeded_stand_side_by_side(recommendation: Recommendation) -> None:
    trials = Trials()
    hook.tell(trials, results(), space=BRANCHES, metric="1-accuracy")
    hook.seed(trials, recommendation, space=BRANCHES, n=2)
    assert run(BRANCHES, trials, 30)[0] == {"name": "lgbm", "leaves": 64}


def test_failures_and_unfinished_seeds_are_said(table: Any, recommendation: Recommendation) -> None:
    trials = Trials()
    hook.seed(trials, recommendation, space=FLAT)
    assert {drop.why for drop in hook.verify(trials).dropped} == {"it is waiting"}
    run(FLAT, trials, 1, lambda c: {"status": "fail"} if c["leaves"] == 64 else {"status": "ok", "loss": -0.8})
    assert [(drop.rank, drop.why) for drop in hook.verify(trials).dropped] == [(1, "it failed")]
    _, _, found = hook.harvest(trials, *table, space=FLAT, metric="neg_accuracy")
    assert [e.status for e in found] == [Status.FAILED, Status.OK, Status.OK, Status.OK]
    assert found[1].value == pytest.approx(0.8)
    with pytest.raises(InvalidInputError, match="hold no seed"):
        hook.verify(Trials())


def test_harvesting_twice_adds_nothing(table: Any, recommendation: Recommendation, tmp_path: Any) -> None:
    trials, store = Trials(), FileStore(tmp_path)
    hook.seed(trials, recommendation, space=FLAT)
    run(FLAT, trials, 2, lambda _: 0.25)
    for _ in range(2):
        store.append(*hook.harvest(trials, *table, space=FLAT, metric="1-accuracy"))
    assert store.read().evaluations["value"].tolist() == [0.75] * 5


def test_expressions_are_read_with_their_conditions() -> None:
    inner = hp.choice("shape", [{"k": "a"}, {"k": "b", "depth": hp.randint("depth", 2, 9)}])
    space = hp.pchoice("model", [(0.3, {"name": "rf", "inner": inner}), (0.7, {"name": "svc"})])
    found = hook.read_space([space, hp.normal("mean", 1.0, 0.5), hp.quniform("share", 0.0, 1.0, 0.25)])
    assert dict(found.parameters) == {
        "model": Categorical(("rf", "svc")),
        "shape": Categorical(("a", "b")),
        "depth": Integer(2, 8),
        "mean": Float(0.0, 2.0),
        "share": Float(0.0, 1.0, step=0.25),
    }
    assert dict(found.conditions) == {"shape": Condition("model", ("rf",)), "depth": Condition("shape", ("b",))}


def test_conditions_survive_writing_and_reading() -> None:
    space = SearchSpace(
        {
            "kernel": Categorical(("rbf", "linear", "poly")),
            "gamma": Float(0.01, 1.0, log=True),
            "degree": Integer(2, 5),
        },
        {"gamma": Condition("kernel", ("rbf", "poly")), "degree": Condition("kernel", ("poly",))},
    )
    assert hook.read_space(hook.write_space(space)).conditions == space.conditions


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space = data.draw(spaces())
    found = hook.read_space(hook.write_space(space))
    order = SearchSpace({name: found.parameters[name] for name in space.parameters})
    assert same(order, space)


def test_steps_of_whole_numbers_and_of_log_scales_are_kept() -> None:
    space = {
        "n_estimators": scope.int(hp.quniform("n_estimators", 100, 1000, 100)),
        "num_leaves": scope.int(hp.qloguniform("num_leaves", np.log(4), np.log(40), 4)),
    }
    found = hook.read_space(space).parameters
    assert found["n_estimators"] == Integer(100, 1000, step=100)
    assert found["num_leaves"] == Categorical(tuple(range(4, 41, 4)))
