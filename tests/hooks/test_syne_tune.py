from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Configuration, Float, Integer

pytestmark = pytest.mark.filterwarnings("ignore")
pytest.importorskip("syne_tune")

from syne_tune.config_space import choice, finrange, lograndint, loguniform, ordinal, randint, uniform  # noqa: E402
from syne_tune.optimizer.baselines import BORE, CQR, TPE, RandomSearch  # noqa: E402
from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler  # noqa: E402

from metalearn.hooks import syne_tune as hook  # noqa: E402

SPACE = {
    "n_estimators": lograndint(5, 50),
    "eta": loguniform(0.01, 0.5),
    "num_leaves": randint(2, 64),
    "boosting": choice(["gbdt", "dart"]),
    "epochs": 3,
}


def scheduler(kind: Any, call: dict[str, Any]) -> Any:
    metric = {"metrics": ["acc"]} if kind is RandomSearch else {"metric": "acc"}
    return AskTellScheduler(kind(**call, **metric, do_minimize=False, random_seed=0))


@pytest.mark.parametrize("kind", [RandomSearch, TPE, BORE, CQR])
def test_seeds_come_first_complete_and_in_range(kind: Any, recommendation: Recommendation) -> None:
    call = {"config_space": SPACE}
    report = hook.seed(call, recommendation)
    search = scheduler(kind, call)
    seen = []
    for _ in range(5):
        trial = search.ask()
        seen.append(trial.config)
        search.tell(trial, {"acc": 0.5})
    assert seen[0] == {"n_estimators": 50, "eta": 0.1, "num_leaves": 64, "boosting": "gbdt", "epochs": 3}
    assert [config["num_leaves"] for config in seen[:3]] == [64, 7, 15]
    assert [seed.rank for seed in hook.verify(search, report).accepted] == [1, 3, 4]


def test_trials_are_harvested_and_told(table: Any, recommendation: Recommendation, tmp_path: Any) -> None:
    call = {"config_space": SPACE}
    report = hook.seed(call, recommendation)
    search = scheduler(TPE, call)
    for _ in range(2):
        search.tell(search.ask(), {"acc": 0.75})
    assert [drop.rank for drop in hook.verify(search, report).dropped] == [4]
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(*hook.harvest(search, *table, metric="accuracy"))
    assert store.read().evaluations["value"].tolist() == [0.75, 0.75]
    _, _, found = hook.harvest(search, *table, metric="accuracy")
    other = scheduler(TPE, {"config_space": SPACE})
    failed = Evaluation(
        task_id=found[0].task_id,
        metric="accuracy",
        configuration=Configuration("lightgbm", {"num_leaves": 5}),
        value=float("nan"),
        status=Status.FAILED,
    )
    report = hook.tell(other, [*found, failed])
    assert len(report.accepted) == 2
    assert [result.metrics["acc"] for result in other.completed_experiments.values()] == [0.75, 0.75]
    assert other.ask().trial_id == 2


def test_a_space_is_needed(recommendation: Recommendation) -> None:
    with pytest.raises(InvalidInputError, match="no config_space"):
        hook.seed({}, recommendation)


def test_domains_are_read_with_both_bounds() -> None:
    found = hook.read_space({"a": randint(1, 5), "b": uniform(0, 1), "c": ordinal([1, 2, 4]), "d": finrange(0, 1, 3)})
    assert dict(found.parameters) == {
        "a": Integer(1, 5),
        "b": Float(0, 1),
        "c": Categorical((1, 2, 4)),
        "d": Categorical((0.0, 0.5, 1.0)),
    }


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any], same: Any) -> None:
    space = data.draw(spaces(choices=st.sampled_from(["a", "b", "c"])))
    assert same(hook.read_space(hook.write_space(space)), space)
