import math
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from metalearn.estimators import search as search_module
from metalearn.estimators.interruption import Interruption
from metalearn.estimators.search import DEFAULT, Budget, SearchTrial, Suggestion, default_of, search
from metalearn.evaluation import Status
from metalearn.evaluation.fit import TrainingData
from metalearn.evaluation.splits import split
from metalearn.evaluation.workers import InProcess, Processes
from metalearn.models import get_model
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric

NUMBERS = ProblemType.REGRESSION
METRIC = get_metric("r2", NUMBERS)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """A line with little noise: linear models are as good as can be, nearest neighbours are not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 12))
    y = X @ rng.normal(size=12) + 0.01 * rng.normal(size=120)
    folds = split(y, NUMBERS, metric=get_metric("r2", NUMBERS), cv=4)
    return TrainingData(pd.DataFrame(X).add_prefix("x"), y, NUMBERS, 0, folds)


def default(name: str) -> Suggestion:
    return Suggestion(get_model(name).default(NUMBERS), origin=DEFAULT)


def run(
    data: TrainingData, suggestions: Iterator[Suggestion], budget: Budget
) -> tuple[list[SearchTrial], list[SearchTrial]]:
    told: list[SearchTrial] = []
    runner = InProcess(data)
    options = {"metric": METRIC, "n_folds": len(data.folds), "budget": budget, "interruption": Interruption()}
    trials = search(runner, lambda _: next(suggestions, None), told.append, **options)
    return trials, told


def test_every_suggestion_is_tried_on_every_fold_and_told(data: TrainingData) -> None:
    trials, told = run(data, iter([default("knn"), default("linear")]), Budget())
    assert [t.status for t in trials] == [Status.OK, Status.OK]
    assert told == trials
    assert all(len(t.losses) == 4 for t in trials)
    assert trials[1].score > 0.99 > trials[0].score
    assert trials[1].score == pytest.approx(1 - trials[1].losses.mean())


def test_what_was_given_up_on_an_easy_fold_is_told_as_behind_the_best() -> None:
    rng = np.random.default_rng(0)
    X, fold = pd.DataFrame(rng.normal(size=(400, 3))).add_prefix("x"), np.arange(400) // 100
    y = X["x0"].to_numpy() + np.where(fold == 0, 0.01, 0.5) * rng.normal(size=400)  # the first fold has no noise
    folds = tuple((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4))
    trials, _ = run(TrainingData(X, y, NUMBERS, 0, folds), iter([default("linear"), default("knn")]), Budget())
    best, given_up = trials
    assert given_up.status is Status.PRUNED
    assert given_up.score > best.score  # on the easy fold alone
    assert given_up.expected_score < best.expected_score == best.score


def test_what_is_hopeless_after_one_fold_is_dropped_but_the_first_never_is(data: TrainingData) -> None:
    trials, _ = run(data, iter([default("linear"), default("knn")]), Budget())
    assert trials[1].status is Status.PRUNED
    assert len(trials[1].losses) == 1
    trials, _ = run(data, iter([default("knn"), default("linear"), default("decision_tree")]), Budget())
    assert trials[0].status is Status.OK
    assert trials[2].status is Status.PRUNED


def test_the_number_of_trials_is_kept(data: TrainingData) -> None:
    names = iter(["linear", "knn", "decision_tree"])
    trials, _ = run(data, (default(name) for name in names), Budget(n_trials=2))
    assert len(trials) == 2
    assert next(names) == "decision_tree"  # it was not even asked for


def test_a_failure_ends_its_trial_and_not_the_search(data: TrainingData) -> None:
    impossible = Suggestion(Configuration("knn", {"n_neighbors": 100_000}))
    trials, told = run(data, iter([impossible, default("linear")]), Budget())
    assert [t.status for t in trials] == [Status.FAILED, Status.OK]
    assert math.isnan(trials[0].score)
    assert "n_neighbors" in trials[0].message
    assert told == trials


def test_no_trial_starts_when_the_time_is_over(data: TrainingData) -> None:
    over = Budget(seconds=1.0, started=time.monotonic() - 2)
    trials, _ = run(data, iter([default("linear"), default("knn")]), over)
    assert len(trials) == 1  # without a single trial there would be nothing to use
    assert trials[0].status is Status.TIMEOUT
    assert len(trials[0].losses) == 1


def test_what_is_expected_to_take_too_long_waits_for_its_turn(data: TrainingData) -> None:
    begin = Suggestion(get_model("linear").default(NUMBERS), 0.001, DEFAULT)
    dear = Suggestion(get_model("knn").default(NUMBERS), 1e9)
    cheap = Suggestion(get_model("decision_tree").default(NUMBERS), 0.001)
    trials, _ = run(data, iter([begin, dear, cheap]), Budget(seconds=60.0))
    assert [t.configuration.model for t in trials] == ["linear", "decision_tree"]


def test_whoever_suggests_is_told_how_much_time_is_really_left(data: TrainingData) -> None:
    """In the units of what was expected: a machine ten times as slow as thought has a tenth of the time."""
    told: list[float] = []
    names = ["linear", "decision_tree", "knn"]

    def suggest(time_left: float) -> Suggestion | None:
        told.append(time_left)
        return Suggestion(get_model(names.pop(0)).default(NUMBERS), 1e-4) if names else None

    options = {"metric": METRIC, "n_folds": 4, "budget": Budget(seconds=60.0), "interruption": Interruption()}
    trials = search(InProcess(data), suggest, lambda _: None, **options)
    assert told[0] == pytest.approx(60 / 4, abs=0.5)
    speed = trials[0].seconds / 1e-4
    assert told[1] * speed == pytest.approx((60 - 0.5 - trials[0].ended) / 4, rel=0.1)


def test_predictions_are_kept_of_the_best_and_of_the_first_alone(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "_REMEMBERED", 2)
    alphas = [Suggestion(Configuration("linear", {"alpha": a})) for a in (1e-3, 1.0, 1e-2, 1e-1)]
    trials, _ = run(data, iter([default("knn"), *alphas, default("decision_tree")]), Budget())
    kept = [all(o.predictions is not None for o in t.outcomes) for t in trials]
    best = sorted((t for t in trials if t.is_complete), key=lambda t: t.loss)[:2]
    assert [k for k, t in zip(kept, trials, strict=True) if t is trials[0] or t in best] == [True] * 3
    assert sum(kept) == 3
    assert all(len(t.losses) for t in trials)


def test_an_interruption_keeps_what_there_is(data: TrainingData) -> None:
    def impatient() -> Iterator[Suggestion]:
        yield default("linear")
        raise KeyboardInterrupt

    trials, told = run(data, impatient(), Budget())
    assert [t.status for t in trials] == [Status.OK]
    assert told == trials


def test_an_interruption_before_the_first_score_is_passed_on(data: TrainingData) -> None:
    def at_once() -> Iterator[Suggestion]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        run(data, at_once(), Budget())


def test_a_default_that_takes_more_than_its_part_of_the_time_is_cut() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(20_000, 5))).add_prefix("x")
    y = X["x0"].to_numpy()
    folds = split(y, NUMBERS, metric=METRIC, cv=2)
    slow = Configuration(
        "mlp", {**get_model("mlp").defaults[NUMBERS], "num_nodes_per_layer": 512, "hidden_layer_depth": 3}
    )
    suggestions = iter([Suggestion(slow, origin=DEFAULT), Suggestion(get_model("linear").default(NUMBERS))])
    with closing(Processes(TrainingData(X, y, NUMBERS, 0, folds))) as runner:
        options = {"metric": METRIC, "n_folds": 2, "budget": Budget(seconds=40.0), "interruption": Interruption()}
        trials = search(runner, lambda _: next(suggestions, None), lambda _: None, **options)
    assert [t.status for t in trials] == [Status.TIMEOUT, Status.OK]
    assert default_of(trials) is trials[0]
    assert 5 <= trials[0].ended < 20  # an eighth of the time, and what a busy machine adds


def test_a_default_that_is_expected_to_be_dear_is_not_tried_first(data: TrainingData) -> None:
    dear = Suggestion(get_model("knn").default(NUMBERS), 10.0, DEFAULT)
    cheap = Suggestion(get_model("linear").default(NUMBERS), 0.001)
    trials, _ = run(data, iter([dear, cheap]), Budget(seconds=60.0))
    assert trials[0].configuration.model == "linear"
