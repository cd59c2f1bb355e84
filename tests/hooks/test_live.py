import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import metalearn as ml
from metalearn.advisor import Advisor
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.live import OptunaSampler, SpaceAdvisor
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.models import get_model
from metalearn.task import ProblemType, Task

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def advisor_of(table: Any) -> Any:
    """Return a maker of advisors who know twelve tasks on which few leaves are good."""
    configurations = [
        c for f in ("lightgbm", "random_forest", "extra_trees") for c in get_model(f).design(ProblemType.BINARY, 12)
    ]
    tasks = [
        Task(id=f"t:{i}", name=f"t{i}", problem_type=ProblemType.BINARY, n_rows=100 + i, n_features=4)
        for i in range(12)
    ]
    rng = np.random.default_rng(0)
    evaluations = [
        Evaluation(
            task_id=task.id,
            configuration=c,
            metric="accuracy",
            value=0.9 - 0.001 * float(c.params.get("num_leaves", 200)) + rng.normal(0, 0.002),
            fold=fold,
            fit_seconds=0.1,
        )
        for task in tasks
        for c in configurations
        for fold in range(2)
    ]
    features = {t.id: MetaFeatures({"n_rows": t.n_rows, "n_features": rng.integers(2, 9)}) for t in tasks}
    past = KnowledgeBase.from_records(tasks, features, evaluations)
    return lambda **options: ml.Advisor(*table, metric="accuracy", knowledge_base=past, **options)


def steered(advisor: Any, **options: Any) -> Any:
    """Return a study that the advisor steers."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    return optuna.create_study(direction="maximize", sampler=OptunaSampler(advisor, **options))


def forest(trial: Any) -> float:
    return trial.suggest_int("n_estimators", 10, 100) / 1000 + trial.suggest_float("max_features", 0.1, 1.0) / 2


def test_an_optuna_study_is_steered_trial_by_trial(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    advisor = advisor_of()
    study = optuna.create_study(direction="maximize", sampler=OptunaSampler(advisor))

    def objective(trial: Any) -> float:
        if trial.suggest_categorical("classifier", ["rf", "lgbm"]) == "rf":
            trial.suggest_float("max_features", 0.1, 1.0)
            return 0.5
        trial.suggest_float("temperature", 0.0, 1.0)  # unknown to everybody: the fallback's
        leaves = trial.suggest_int("lgbm_max_leaves", 2, 64)
        if trial.number == 2:
            raise ValueError
        return 0.9 - leaves / 1000

    study.optimize(objective, n_trials=6, catch=(ValueError,))
    first = study.trials[0].params
    assert first["classifier"] == "lgbm"
    assert first["lgbm_max_leaves"] < 20  # what was good before, in the objective's own names
    statuses = [trial.status for trial in advisor.history]
    assert len(statuses) == 6
    assert statuses.count(Status.FAILED) == 1
    assert advisor.history[0].score == pytest.approx(0.9 - first["lgbm_max_leaves"] / 1000)


def test_the_fallback_takes_over_when_the_advisor_has_nothing(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(
        direction="maximize", sampler=OptunaSampler(advisor_of(), fallback=optuna.samplers.RandomSampler(seed=0))
    )
    study.optimize(lambda trial: trial.suggest_float("temperature", 0, 1), n_trials=30)
    assert len({trial.params["temperature"] for trial in study.trials}) == 30


def test_queued_seeds_are_kept(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(direction="maximize", sampler=OptunaSampler(advisor_of()))
    study.enqueue_trial({"num_leaves": 33})
    study.optimize(lambda trial: trial.suggest_int("num_leaves", 2, 64) / 100, n_trials=2)
    assert study.trials[0].params == {"num_leaves": 33}


def test_a_configuration_space_is_asked_and_told(advisor_of: Any) -> None:
    cs = pytest.importorskip("ConfigSpace")
    space = cs.ConfigurationSpace(seed=0)
    model, leaves = cs.Categorical("model", ["rf", "lgbm"]), cs.Integer("num_leaves", (2, 64))
    space.add(model, leaves, cs.EqualsCondition(leaves, model, "lgbm"))
    advisor = advisor_of()
    steered = SpaceAdvisor(advisor, space)
    asked = []
    for _ in range(12):
        config = steered.ask()
        asked.append(json.dumps({k: str(v) for k, v in dict(config).items()}))
        steered.tell(config, 0.1 + dict(config).get("num_leaves", 64) / 1000, seconds=0.1)
    assert "lgbm" in asked[0]
    assert len(set(asked)) >= 11  # a random one may repeat, the advisor's do not
    assert advisor.best is not None
    assert advisor.best.score > 0.85
    steered.tell(space.get_default_configuration(), float("inf"), status=Status.FAILED)
    assert any(trial.status is Status.FAILED for trial in advisor.history)


def test_an_advisor_learns_under_names_of_the_objectives_own(advisor_of: Any) -> None:
    advisor = advisor_of(families=["lightgbm"])
    study = steered(advisor, names={"num_leaves": "width"})
    study.optimize(lambda trial: 0.9 - trial.suggest_int("width", 2, 64) / 1000, n_trials=3)
    assert [set(trial.configuration.params) for trial in advisor.history] == [{"num_leaves"}] * 3
    advisor = advisor_of()
    study = steered(advisor, model_parameter="kind")
    study.optimize(lambda trial: 0.1 * len(trial.suggest_categorical("kind", ["rf", "et"])), n_trials=2)
    assert advisor.history
    assert {trial.configuration.model for trial in advisor.history} <= {"random_forest", "extra_trees"}


def test_a_trial_is_of_the_advisors_family_where_several_have_its_parameters(advisor_of: Any) -> None:
    advisor = advisor_of(families=["extra_trees"])
    steered(advisor).optimize(forest, n_trials=3)
    assert [trial.configuration.model for trial in advisor.history] == ["extra_trees"] * 3


@pytest.mark.filterwarnings("default")
def test_an_advisor_says_that_it_cannot_tell_the_family(advisor_of: Any) -> None:
    advisor = advisor_of()
    with pytest.warns(UserWarning, match="families="):
        steered(advisor).optimize(forest, n_trials=2)
    assert advisor.history == ()


@pytest.mark.filterwarnings("default")
def test_a_value_that_the_metric_cannot_have_stops_no_study(advisor_of: Any) -> None:
    advisor = advisor_of(families=["lightgbm"])
    study = steered(advisor)
    with pytest.warns(UserWarning, match="metric="):
        study.optimize(lambda trial: 90 + trial.suggest_int("num_leaves", 2, 64) / 100, n_trials=3)
    assert len(study.trials) == 3
    assert advisor.history == advisor.pending == ()


def test_every_trial_is_told_when_it_ends(advisor_of: Any) -> None:
    advisor = advisor_of(families=["lightgbm"])
    study = steered(advisor)
    study.optimize(lambda trial: 0.9 - trial.suggest_int("num_leaves", 2, 64) / 1000, n_trials=3)
    assert advisor.pending == ()
    assert advisor.best is not None
    assert advisor.best.score == study.best_value
    assert all(trial.seconds >= 0 for trial in advisor.history)


@pytest.mark.parametrize("at_once", [False, True])
def test_processes_that_share_a_study_try_nothing_twice(advisor_of: Any, tmp_path: Path, *, at_once: bool) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    workers = [
        optuna.create_study(
            storage=url,
            study_name="one",
            load_if_exists=True,
            direction="maximize",
            sampler=OptunaSampler(advisor_of(families=["lightgbm"])),
        )
        for _ in range(2)
    ]
    running = []
    for turn in range(6):
        study = workers[turn % 2]
        trial = study.ask()
        leaves = trial.suggest_int("num_leaves", 2, 64), trial.suggest_float("learning_rate", 0.01, 0.3)
        running.append((study, trial, 0.9 - leaves[0] / 1000))
        if not at_once:
            study.tell(*running[-1][1:])
    params = [tuple(trial.params.values()) for trial in workers[0].trials]
    assert len(set(params)) == 6


def test_processes_that_begin_together_try_nothing_twice(advisor_of: Any, tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    first, second, third = (
        optuna.create_study(
            storage=url,
            study_name="one",
            load_if_exists=True,
            direction="maximize",
            sampler=OptunaSampler(advisor_of(families=["lightgbm"])),
        )
        for _ in range(3)
    )
    begun = [study._storage.create_new_trial(study._study_id) for study in (first, second)]  # nothing said yet
    third.ask().suggest_int("num_leaves", 2, 64)
    for study, key in zip((second, first), reversed(begun), strict=True):
        study.sampler.infer_relative_search_space(study, study._storage.get_trial(key))
    said = [trial.system_attrs["metalearn_suggested"] for trial in first.get_trials()]
    assert len(set(said)) == 3


def test_a_trial_that_began_earlier_gives_way_to_one_that_had_decided(
    advisor_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later one speaks and decides between the moment when the earlier one looked and that when it speaks."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    earlier, later = (
        optuna.create_study(
            storage=f"sqlite:///{tmp_path / 'shared.db'}",
            study_name="one",
            load_if_exists=True,
            direction="maximize",
            sampler=OptunaSampler(advisor_of(families=["lightgbm"])),
        )
        for _ in range(2)
    )
    begun = [study._storage.create_new_trial(study._study_id) for study in (earlier, later)]
    looked = []
    choose = earlier.sampler._next

    def late(trials: Any, *, skip: int = 0) -> Any:
        found = choose(trials, skip=skip)
        if not looked:
            looked.append(found)
            monkeypatch.setattr(later.sampler, "_next", lambda *_, **__: found)
            later.sampler.infer_relative_search_space(later, later._storage.get_trial(begun[1]))
        return found

    monkeypatch.setattr(earlier.sampler, "_next", late)
    earlier.sampler.infer_relative_search_space(earlier, earlier._storage.get_trial(begun[0]))
    said = [trial.system_attrs["metalearn_suggested"] for trial in earlier.get_trials()]
    assert len(set(said)) == 2


def test_values_that_were_tried_do_not_come_again_in_a_narrow_space(advisor_of: Any) -> None:
    study = steered(advisor_of(families=["lightgbm"]))
    study.optimize(lambda trial: 0.9 - trial.suggest_int("num_leaves", 2, 5) / 1000, n_trials=3)
    tried = [trial.params["num_leaves"] for trial in study.trials]
    assert len(set(tried[:2])) == 2


def test_trials_that_have_just_begun_cost_no_candidates(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    study = steered(advisor_of(families=["lightgbm"]))
    for turn in range(8):
        trial = study.ask()
        trial.suggest_int("num_leaves", 2, 64)
        if turn % 2:  # every other one goes on and ends
            trial.suggest_float("learning_rate", 0.01, 0.3)
            study.tell(trial, 0.8)
        elif turn == 4:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    assert len(study.sampler._steering.given) <= 10


def test_an_objective_of_one_family_is_suggested_no_other(advisor_of: Any) -> None:
    advisor = advisor_of()

    def objective(trial: Any) -> float:
        return 0.9 - trial.suggest_int("num_leaves", 2, 64) * trial.suggest_float("reg_alpha", 0.1, 1) / 1000

    study = steered(advisor)
    study.optimize(objective, n_trials=4)
    suggested = [json.loads(t.system_attrs["metalearn_suggested"])["model"] for t in study.trials[1:]]
    assert suggested == ["lightgbm"] * 3
    elsewhere = steered(advisor_of(families=["svm"]))  # whose families are not the objective's
    elsewhere.optimize(objective, n_trials=4)
    assert len(elsewhere.trials) == 4


def test_a_study_of_several_objectives_is_refused(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=OptunaSampler(advisor_of()))
    with pytest.raises(InvalidInputError, match="2 objectives"):
        study.ask().suggest_int("num_leaves", 2, 64)


def test_pruned_trials_are_told(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    advisor = advisor_of(families=["lightgbm"])

    def objective(trial: Any) -> float:
        trial.suggest_int("num_leaves", 2, 64)
        raise optuna.TrialPruned

    steered(advisor).optimize(objective, n_trials=3)
    assert {trial.status for trial in advisor.history} == {Status.PRUNED}


def test_what_runs_elsewhere_is_pending_until_it_is_told(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    advisor = advisor_of(families=["lightgbm"])
    study = steered(advisor)
    trials = [study.ask() for _ in range(4)]
    leaves = [trial.suggest_int("num_leaves", 2, 64) for trial in trials]
    assert len(advisor.pending) == 4
    study.tell(trials[0], 0.5)
    study.tell(trials[1], state=optuna.trial.TrialState.FAIL)
    study.tell(trials[2], state=optuna.trial.TrialState.PRUNED)
    following = study.ask().suggest_int("num_leaves", 2, 64)
    assert [c.params["num_leaves"] for c in advisor.pending] == [leaves[3], following]
    assert {trial.configuration.params["num_leaves"] for trial in advisor.history} == set(leaves[:3])


def test_threads_share_a_sampler_and_it_pickles(advisor_of: Any) -> None:
    advisor = advisor_of(families=["lightgbm"])
    study = steered(advisor)
    study.optimize(lambda trial: 0.9 - trial.suggest_int("num_leaves", 2, 64) / 1000, n_trials=16, n_jobs=4)
    assert len({trial.number for trial in study.trials}) == 16
    assert advisor.pending == ()
    assert pickle.loads(pickle.dumps(study.sampler))._steering.next() is not None


def test_what_is_asked_of_a_space_is_pending_until_it_is_told(advisor_of: Any) -> None:
    cs = pytest.importorskip("ConfigSpace")
    space = cs.ConfigurationSpace({"n_trees": (10, 100), "share": (0.1, 1.0)}, seed=0)
    advisor = advisor_of(families=["extra_trees"])
    search = SpaceAdvisor(advisor, space, names={"max_features": "share"})
    asked = [search.ask() for _ in range(3)]
    assert len(advisor.pending) == 3
    search.tell(asked[0], 0.2)
    search.tell(asked[1], float("inf"), status=Status.TIMEOUT)
    assert len(advisor.pending) == 1
    told = [(t.configuration.model, set(t.configuration.params), t.status) for t in advisor.history]
    assert told == [("extra_trees", {"n_estimators", "max_features"}, status) for status in (Status.OK, Status.TIMEOUT)]


@pytest.mark.parametrize("metric", ["rmse", "neg_root_mean_squared_error"])
def test_a_minimised_value_is_the_metric_however_the_advisor_was_told_of_it(metric: str) -> None:
    cs = pytest.importorskip("ConfigSpace")
    space = cs.ConfigurationSpace(seed=0)
    space.add(cs.Categorical("model", ["knn"]), cs.Integer("n_neighbors", (1, 50)))
    X, y = load_diabetes(return_X_y=True)
    advisor = Advisor(X[:80], y[:80], metric=metric, families="knn")
    steered = SpaceAdvisor(advisor, space)
    for loss in (60.0, 50.0, 70.0):
        steered.tell(steered.ask(), loss)
    assert [trial.score for trial in advisor.history] == [60, 50, 70]
    assert advisor.best == advisor.history[1]


def knn_space() -> Any:
    cs = pytest.importorskip("ConfigSpace")
    space = cs.ConfigurationSpace(seed=0)
    space.add(cs.Categorical("model", ["knn"]), cs.Integer("n_neighbors", (1, 50)))
    return space


def test_a_negated_metric_is_told_as_such() -> None:
    space = knn_space()
    X, y = load_diabetes(return_X_y=True)
    advisor = Advisor(X[:80], y[:80], families="knn")
    steered = SpaceAdvisor(advisor, space, metric="neg_r2")
    for r2 in (-0.3, 0.4, 0.5):
        steered.tell(steered.ask(), -r2)
    assert [trial.score for trial in advisor.history] == pytest.approx([-0.3, 0.4, 0.5])


@pytest.mark.filterwarnings("default")
def test_a_loss_that_is_maximised_stops_no_study(table: Any) -> None:
    pytest.importorskip("optuna")
    advisor = Advisor(*table, metric="log_loss", families="lightgbm")
    losses = iter((-0.5, 0.4, -0.3, -0.2))
    with pytest.raises(InvalidInputError, match="the sign of its values is not known"):
        steered(advisor).optimize(lambda trial: next(losses) + 0 * trial.suggest_int("num_leaves", 2, 64), n_trials=1)
    losses = iter((-0.5, 0.4, -0.3, -0.2))
    study = steered(advisor, metric="neg_log_loss")
    with pytest.warns(UserWarning, match="cannot learn from the value 0.4"):
        study.optimize(lambda trial: next(losses) + 0 * trial.suggest_int("num_leaves", 2, 64), n_trials=4)
    assert [trial.score for trial in advisor.history] == [0.5, 0.3, 0.2]


def test_a_sampler_serves_several_studies(advisor_of: Any) -> None:
    optuna = pytest.importorskip("optuna")
    advisor = advisor_of(families=["lightgbm"])
    first = steered(advisor)
    first.optimize(lambda trial: 0.9 - trial.suggest_int("num_leaves", 2, 64) / 1000, n_trials=3)
    second = optuna.create_study(direction="maximize", sampler=first.sampler)
    second.optimize(lambda trial: 0.9 - trial.suggest_int("num_leaves", 2, 64) / 1000, n_trials=3)
    for study in (first, second):
        leaves = {trial.params["num_leaves"] for study in (first, second) for trial in study.trials}
    assert {trial.configuration.params["num_leaves"] for trial in advisor.history} == leaves
    assert advisor.pending == ()
