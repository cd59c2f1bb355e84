from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import FileStore
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration, SearchSpace

optuna = pytest.importorskip("optuna")

from optuna.distributions import (  # noqa: E402
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from metalearn.hooks import optuna as hook  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.CRITICAL)

SPACE = {
    "n_estimators": IntDistribution(5, 50, log=True),
    "eta": FloatDistribution(0.01, 0.5, log=True),
    "max_leaves": IntDistribution(2, 64),
}


def objective(trial: Any) -> float:
    trial.suggest_int("n_estimators", 5, 50, log=True)
    leaves = trial.suggest_int("max_leaves", 2, 64)
    return float(trial.suggest_float("eta", 0.01, 0.5, log=True) * (leaves > 3))


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Any) -> str | None:
    return None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"


def study_in(storage: str | None = None, direction: str = "maximize", **options: Any) -> Any:
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=2)
    return optuna.create_study(storage=storage, direction=direction, sampler=sampler, **options)


def test_seeds_come_first_clipped_and_renamed(storage: str | None, recommendation: Recommendation) -> None:
    study = study_in(storage)
    report = hook.seed(study, recommendation, space=SPACE)  # a value out of range would warn, and warnings are errors
    study.optimize(objective, n_trials=6)
    assert [t.params for t in study.trials[:3]] == [dict(seed.params) for seed in report.accepted]
    assert study.trials[0].params == {"n_estimators": 50, "eta": 0.1, "max_leaves": 64}
    assert [seed.key for seed in report.accepted] == ["0", "1", "2"]
    checked = hook.verify(study)
    assert len(checked.accepted) == 3
    assert not checked.changed
    assert not checked.dropped


def test_the_space_is_learned_from_earlier_trials(storage: str | None, recommendation: Recommendation) -> None:
    study = study_in(storage)
    study.optimize(objective, n_trials=1)
    report = hook.seed(study, recommendation)
    assert [dict(seed.params)["max_leaves"] for seed in report.accepted] == [64, 7, 15]
    study.optimize(objective, n_trials=3)
    assert len(hook.verify(study).accepted) == 3


@pytest.mark.parametrize(
    ("distribution", "params"),
    [
        (CategoricalDistribution(["gini", "log_loss"]), {"criterion": "entropy", "max_features": 0.5}),
        (CategoricalDistribution([0, 1]), {"bootstrap": True, "max_features": 0.5}),
        (FloatDistribution(1e-3, 1.0, log=True), {"ccp_alpha": 0.0, "max_features": 0.5}),
        (IntDistribution(1, 10, step=3), {"min_samples_leaf": 3, "max_features": 0.5}),
    ],
)
def test_values_that_would_abort_or_distort_a_trial_are_fitted_before(distribution: Any, params: Any) -> None:
    name = next(iter(params))
    space = {name: distribution, "max_features": FloatDistribution(0.1, 1.0)}
    study = study_in()
    report = hook.seed(study, [Configuration("random_forest", params)], space=space, family="rf")
    assert [change.parameter for change in report.changed] == [name]

    def run(trial: Any) -> float:
        trial.suggest_float("max_features", 0.1, 1.0)
        if isinstance(distribution, CategoricalDistribution):
            trial.suggest_categorical(name, distribution.choices)
        elif isinstance(distribution, IntDistribution):
            trial.suggest_int(name, 1, 10, step=3)
        else:
            trial.suggest_float(name, 1e-3, 1.0, log=True)
        return 0.0

    study.optimize(run, n_trials=1)
    assert hook.verify(study).accepted
    assert type(study.trials[0].params[name]) is type(report.changed[0].new)


def test_what_the_objective_really_asked_for_is_verified(recommendation: Recommendation) -> None:
    study = study_in()
    hook.seed(study, recommendation, space=SPACE, n=1)

    def run(trial: Any) -> float:
        trial.suggest_int("n_estimators", 5, 50, log=True)
        trial.suggest_int("max_leaf", 2, 64)  # a slip of the pen: Optuna samples it
        return trial.suggest_float("eta", 0.01, 0.5, log=True)

    study.optimize(run, n_trials=1)
    checked = hook.verify(study)
    assert [(c.parameter, c.old) for c in checked.changed] == [("max_leaf", "(unset)")]
    assert [(d.parameter, d.why) for d in checked.dropped] == [("max_leaves", "the objective never asked for it")]


def test_seeds_that_did_not_run_or_failed_are_verified_and_not_harvested_as_results(
    table: Any, recommendation: Recommendation
) -> None:
    study = study_in()
    hook.seed(study, recommendation, space=SPACE)

    def run(trial: Any) -> float:
        objective(trial)
        if trial.number == 0:
            raise ValueError
        raise optuna.TrialPruned

    study.optimize(run, n_trials=2, catch=(ValueError,))
    checked = hook.verify(study)
    assert [(d.rank, d.why) for d in checked.dropped] == [(1, "it failed"), (4, "it is waiting")]
    with pytest.raises(InvalidInputError, match="Nobody says what the trials measured"):
        hook.harvest(study, *table)  # the recommendation's metric need not be that of the objective
    _, _, found = hook.harvest(study, *table, metric="accuracy")
    assert [e.status for e in found] == [Status.FAILED, Status.PRUNED]
    assert found[0].message == "seed 1"


def test_seeding_twice_queues_nothing_twice(storage: str | None, recommendation: Recommendation) -> None:
    study = study_in(storage)
    hook.seed(study, recommendation, space=SPACE)
    again = hook.seed(study, recommendation, space=SPACE)
    assert len(study.trials) == 3
    assert not again
    assert "the study has it already" in str(again)


def test_a_space_defined_by_running_takes_seeds_as_they_are(recommendation: Recommendation) -> None:
    study = study_in()
    report = hook.seed(study, recommendation)
    assert "pass space=" in report.notes[0]

    def run(trial: Any) -> float:
        if trial.suggest_categorical("model", ["lightgbm", "random_forest"]) == "lightgbm":
            return float(trial.suggest_int("num_leaves", 2, 512))
        return trial.suggest_float("max_features", 0.1, 1.0)

    study.optimize(run, n_trials=4)
    assert [t.params for t in study.trials] == [
        {"model": "lightgbm", "num_leaves": 300},
        {"model": "random_forest", "max_features": 0.3},
        {"model": "lightgbm", "num_leaves": 7},
        {"model": "lightgbm", "num_leaves": 15},
    ]


def test_a_conditional_study_is_seeded_from_its_flat_distributions(table: Any, recommendation: Recommendation) -> None:
    space = {
        "classifier": CategoricalDistribution(["LGBMClassifier", "RandomForestClassifier"]),
        "lgbm_num_leaves": IntDistribution(2, 64),
        "rf_max_features": FloatDistribution(0.1, 1.0),
    }

    def run(trial: Any) -> float:
        if trial.suggest_categorical("classifier", ["LGBMClassifier", "RandomForestClassifier"]) == "LGBMClassifier":
            return trial.suggest_int("lgbm_num_leaves", 2, 64) / 100
        return trial.suggest_float("rf_max_features", 0.1, 1.0)

    study = study_in()
    hook.seed(study, recommendation, space=space)
    study.optimize(run, n_trials=4)
    assert study.trials[1].params == {"classifier": "RandomForestClassifier", "rf_max_features": 0.3}
    assert [str(e.configuration) for e in hook.harvest(study, *table, metric="accuracy")[2]][:2] == [
        "lightgbm(num_leaves=64)",
        "random_forest(max_features=0.3)",
    ]


def results(*found: float | None, **changes: Any) -> list[Evaluation]:
    return [
        Evaluation(
            task_id="t",
            metric="accuracy",
            configuration=Configuration(
                "lightgbm", {"n_estimators": 10 + i, "learning_rate": 0.2, "num_leaves": 9, **changes}
            ),
            value=float("nan") if value is None else value,
            status=Status.FAILED if value is None else Status.OK,
        )
        for i, value in enumerate(found)
    ]


@pytest.mark.parametrize(("direction", "told"), [("maximize", [0.7, 0.8, None]), ("minimize", [0.3, 0.2, None])])
def test_told_results_have_the_studys_direction_and_survive_its_sampler(
    storage: str | None, direction: str, told: list[float | None]
) -> None:
    study = study_in(storage, direction)
    metric = "accuracy" if direction == "maximize" else "1-accuracy"
    report = hook.tell(study, results(0.7, 0.8, None), space=SPACE, metric=metric)
    assert len(report.accepted) == 3
    assert [t.value for t in study.trials] == pytest.approx(told)
    study.optimize(objective, n_trials=4)  # distributions that differ in kind would fail here
    assert len(study.trials) == 7


def test_results_that_do_not_fit_are_not_told() -> None:
    study = study_in()
    report = hook.tell(study, results(0.7, num_leaves=500), space=SPACE)
    assert not report
    assert not study.trials
    assert "pass space=" in hook.tell(study, results(0.7)).dropped[0].why


@pytest.mark.filterwarnings("ignore:.*experimental")
@pytest.mark.parametrize(
    "returned", [("maximize", "accuracy", 0.8), ("minimize", "1-accuracy", 0.2), ("minimize", "neg_accuracy", -0.8)]
)
def test_harvest_turns_losses_round_and_twice_adds_nothing(
    storage: str | None, table: Any, tmp_path: Any, returned: tuple[str, str, float]
) -> None:
    direction, metric, value = returned
    study = study_in(storage, direction)
    study.set_metric_names([metric])
    study.optimize(lambda trial: objective(trial) * 0 + value, n_trials=3)
    store = FileStore(tmp_path / "store")
    for _ in range(2):
        store.append(*hook.harvest(study, *table))
    assert store.read().evaluations["value"].tolist() == pytest.approx([0.8] * 3)


def test_trials_after_seeds_and_told_results_are_of_their_family(table: Any) -> None:
    space = {"n_estimators": IntDistribution(5, 50), "max_features": FloatDistribution(0.1, 1.0)}
    params = {"n_estimators": 20, "max_features": 0.5}
    for give in (hook.seed, hook.tell):
        study = study_in()
        configuration = Configuration("extra_trees", params)
        told = Evaluation(task_id="t", configuration=configuration, metric="accuracy", value=0.8)
        assert give(study, [configuration if give is hook.seed else told], space=space)
        study.optimize(lambda trial: len([trial._suggest(*item) for item in space.items()]) / 10, n_trials=3)
        _, _, found = hook.harvest(study, *table, metric="accuracy")
        assert {e.configuration.model for e in found} == {"extra_trees"}


def test_studies_of_several_objectives_are_refused(table: Any) -> None:
    with pytest.raises(InvalidInputError, match="2 objectives"):
        hook.harvest(optuna.create_study(directions=["minimize", "minimize"]), *table)


def test_strict_leaves_the_study_untouched(recommendation: Recommendation) -> None:
    study = study_in()
    with pytest.raises(InvalidInputError, match=r"num_leaves|max_leaves"):
        hook.seed(study, recommendation, space=SPACE, strict=True)
    assert not study.trials


@given(data=st.data())
def test_a_space_survives_writing_and_reading(data: st.DataObject, spaces: Callable[..., Any]) -> None:
    space: SearchSpace = data.draw(spaces(steps=True))
    assert hook.read_space(hook.write_space(space)) == space


def test_a_study_is_told_a_result_once() -> None:
    study = study_in()
    told = [
        Evaluation(
            task_id="t", configuration=Configuration("lightgbm", {"num_leaves": n}), metric="accuracy", value=0.8
        )
        for n in (4, 8)
    ]
    space = {"num_leaves": optuna.distributions.IntDistribution(2, 64)}
    assert len(hook.tell(study, told, space=space).accepted) == 2
    assert [drop.why for drop in hook.tell(study, told, space=space).dropped] == ["the study was told before"] * 2
    assert len(study.trials) == 2


def test_a_space_of_something_else_is_refused(recommendation: Recommendation) -> None:
    with pytest.raises(InvalidInputError, match="Expected a distribution of Optuna's"):
        hook.seed(study_in(), recommendation, space={"learning_rate": (0.01, 0.3)})


class Example:
    """An objective in the style of Optuna's own examples: a family's name, then parameters under names of their own."""

    space: ClassVar = {
        "classifier": CategoricalDistribution(["SVC", "RandomForest"]),
        "svc_c": FloatDistribution(1e-3, 1e3, log=True),
        "rf_max_depth": IntDistribution(2, 32, log=True),
    }

    def __call__(self, trial: Any) -> float:
        if trial.suggest_categorical("classifier", ["SVC", "RandomForest"]) == "SVC":
            return 0.8 + 0 * trial.suggest_float("svc_c", 1e-3, 1e3, log=True)
        return 0.9 + 0 * trial.suggest_int("rf_max_depth", 2, 32, log=True)


def test_seeds_of_which_nothing_was_used_are_not_evaluated_nor_stored(
    storage: str | None, table: Any, recommendation: Recommendation
) -> None:
    study = study_in(storage)
    assert "queued unchecked" in hook.seed(study, recommendation).notes[0]
    study.optimize(Example(), n_trials=6)
    checked = hook.verify(study)
    assert not checked
    assert len(checked.dropped) == 4
    assert {drop.why.split(":")[0] for drop in checked.dropped} == {"it was run with other values"}
    _, _, found = hook.harvest(study, *table, metric="accuracy")
    assert {e.configuration.model for e in found} <= {"svm", "random_forest"}
    assert not any(e.message for e in found)
    assert all("classifier" not in e.configuration.params for e in found)


def test_a_space_in_the_objectives_own_names_is_seeded_and_verified(table: Any) -> None:
    study = study_in()
    seeds = [
        Configuration("svm", {"C": 2.0}),
        Configuration("random_forest", {"max_features": 0.3}),
        Configuration("knn", {"p": 1}),
    ]
    report = hook.seed(study, seeds, space=Example.space)
    assert [(s.rank, dict(s.params)) for s in report.accepted] == [(1, {"classifier": "SVC", "svc_c": 2.0})]
    assert "none of its parameters is in the search space" in report.dropped[0].why
    study.optimize(Example(), n_trials=3)
    assert [s.rank for s in hook.verify(study).accepted] == [1]
    assert str(hook.harvest(study, *table, metric="accuracy")[2][0].configuration) == "svm(C=2.0)"


def test_a_family_that_nobody_knows_keeps_its_name(table: Any) -> None:
    study = study_in()
    study.optimize(
        lambda t: len(t.suggest_categorical("classifier", ["Bagging"])) / 9 + 0 * t.suggest_int("n", 1, 9), n_trials=2
    )
    found = hook.harvest(study, *table, metric="accuracy")[2]
    assert {e.configuration.model for e in found} == {"Bagging"}


def test_a_metric_whose_direction_is_not_the_studys_is_refused(table: Any) -> None:
    study = study_in(direction="minimize")
    study.optimize(objective, n_trials=2)
    with pytest.raises(InvalidInputError, match=r"Say metric='neg_accuracy' .*metric='1-accuracy'"):
        hook.harvest(study, *table, metric="accuracy")
    with pytest.raises(InvalidInputError, match="Say metric='neg_accuracy'"):
        hook.tell(study, results(0.7), space=SPACE)
    assert len(study.trials) == 2


def test_one_of_several_objectives_can_be_read(table: Any) -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.optimize(lambda t: (t.suggest_int("num_leaves", 2, 64) / 100, 0.43), n_trials=2)
    _, _, found = hook.harvest(study, *table, objective=1, metric="accuracy")
    assert [e.value for e in found] == [0.43, 0.43]
    with pytest.raises(InvalidInputError, match="no objective 'cost'"):
        hook.harvest(study, *table, objective="cost", metric="accuracy")


def test_a_configuration_that_was_run_twice_has_two_folds(table: Any) -> None:
    study = study_in()
    for value in (0.8, 0.9):
        study.enqueue_trial({"num_leaves": 9})
        study.optimize(lambda t, v=value: v + 0 * t.suggest_int("num_leaves", 2, 64), n_trials=1)
    assert [(e.fold, e.value) for e in hook.harvest(study, *table, metric="accuracy")[2]] == [(0, 0.8), (1, 0.9)]
