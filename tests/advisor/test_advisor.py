import json
import math
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.metrics import get_scorer, mean_absolute_error

import metalearn as ml
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.models import get_model
from metalearn.recommenders.surrogate import Outlook
from metalearn.space import Configuration


@pytest.fixture
def advisor() -> ml.Advisor:
    return ml.Advisor(*load_breast_cancer(return_X_y=True))


def test_the_first_question_is_the_first_recommendation(advisor: ml.Advisor) -> None:
    rec = ml.recommend(*load_breast_cancer(return_X_y=True), n=1)
    asked = advisor.ask()
    assert asked == rec[0].configuration
    assert repr(advisor.build(asked)) == repr(rec[0].build())


def test_nothing_is_asked_twice(advisor: ml.Advisor) -> None:
    asked = []
    for i in range(20):
        asked.append(advisor.ask())
        advisor.tell(asked[-1], score=0.9 + 0.001 * i)
    assert len({c.id for c in asked}) == 20
    assert advisor.best.configuration == asked[-1]
    assert len(advisor.history) == 20


def test_results_change_what_is_asked_next() -> None:
    data = load_breast_cancer(return_X_y=True)
    good, bad = ml.Advisor(*data), ml.Advisor(*data)
    orders = []
    for advisor, score in (
        (good, lambda m: 0.99 if m == "linear" else 0.8),
        (bad, lambda m: 0.6 if m == "linear" else 0.99),
    ):
        order = []
        for _ in range(15):
            c = advisor.ask()
            order.append(c)
            advisor.tell(c, score=score(c.model))
        orders.append([c.model for c in order])
    assert orders[0] != orders[1]
    assert orders[0].count("linear") > orders[1].count("linear")


def test_a_batch_is_different_and_leaves_room_for_pending_results(advisor: ml.Advisor) -> None:
    first = advisor.ask(4)
    second = advisor.ask(4)
    assert len({c.id for c in (*first, *second)}) == 8
    assert advisor.pending == (*first, *second)
    for c in (*second, *first):  # any order
        advisor.tell(c, score=0.9)
    assert advisor.pending == ()


def test_what_is_withdrawn_is_not_pending_and_can_be_left_out(advisor: ml.Advisor) -> None:
    first = advisor.ask()
    advisor.withdraw(first)
    advisor.withdraw(first)  # no longer pending: nothing happens
    assert advisor.pending == ()
    other = advisor.ask(without={first})
    assert other != first
    advisor.withdraw(other)
    assert advisor.ask() == first


def test_what_is_left_out_costs_next_to_nothing(advisor: ml.Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, configuration in enumerate(advisor.ask(8)):
        advisor.tell(configuration, score=0.9 + number / 100)
    out: list[ml.Configuration] = []
    for _ in range(40):  # each is asked for once, and its result is told under other values, or never
        out.append(advisor.ask(without=out))
        advisor.withdraw(out[-1])
    assert len(set(out)) == 40
    chosen: list[int] = []
    believed = Outlook.believe
    monkeypatch.setattr(Outlook, "believe", lambda self, row: chosen.append(row) or believed(self, row))
    assert advisor.ask(without=out) not in out
    assert len(chosen) <= 1  # new points are chosen as often as they are wanted, not once for each that is left out


def test_what_is_asked_runs_until_it_is_told(advisor: ml.Advisor) -> None:
    first, second = advisor.ask(2, time_left=1000.0)
    assert [(t.configuration, t.is_running, t.status) for t in advisor.trials] == [
        (first, True, None),
        (second, True, None),
    ]
    assert all(t.expected_seconds > 0 and 0.5 < t.expected_score <= 1 for t in advisor.trials)
    assert advisor.ask(3, time_left=0.0) == []
    advisor.tell(second, score=0.9)
    assert [t.is_running for t in advisor.trials] == [True, False]
    assert advisor.history == advisor.trials[1:]
    assert advisor.history[0].expected_score > 0.5


def test_what_is_started_unasked_is_pending_too_and_changes_what_is_asked_next(advisor: ml.Advisor) -> None:
    plain, other = advisor.ask(), ml.Advisor(*load_breast_cancer(return_X_y=True))
    running = other.start(plain)
    assert running.expected_score == pytest.approx(advisor.trials[0].expected_score)
    assert other.start(plain) is running
    assert other.pending == (plain,)
    assert other.ask() == advisor.ask()
    own = other.start(Configuration("knn", {"n_neighbors": 7, "p": 1, "weights": "distance"}))
    assert math.isnan(own.expected_score)
    for c in other.ask(4):
        other.tell(c, score=0.9)
    assert own.configuration not in other.ask(5)


def test_threads_that_share_an_advisor_never_get_the_same_question(advisor: ml.Advisor) -> None:
    def work(_: int) -> list[Configuration]:
        asked = []
        for _ in range(6):
            asked.append(advisor.ask())
            advisor.tell(asked[-1], score=0.9)
        return asked

    with ThreadPoolExecutor(8) as pool:
        asked = [c for found in pool.map(work, range(8)) for c in found]
    assert len({c.id for c in asked}) == len(asked) == len(advisor.history) == 48


def test_an_advisor_pickles_and_goes_on(advisor: ml.Advisor) -> None:
    advisor.tell(advisor.ask(), score=0.9)
    again = pickle.loads(pickle.dumps(advisor))
    assert again.ask() == advisor.ask()


@pytest.mark.parametrize(
    "options", [{"time_budget": np.float32(60)}, {"random_state": np.int64(3)}, {"new_points": np.bool_(0)}]
)
def test_numbers_of_numpy_survive_json(options: dict[str, object]) -> None:
    advisor = ml.Advisor(*load_wine(return_X_y=True), **options)
    again = ml.Advisor.from_json(advisor.to_json())
    assert again.ask() == advisor.ask()
    assert again.time_budget == options.get("time_budget")


@pytest.mark.parametrize("n", [True, 0, 2.5, "3"])
def test_a_number_of_configurations_is_a_whole_number(advisor: ml.Advisor, n: object) -> None:
    for method in (advisor.ask, advisor.recommend):
        with pytest.raises(InvalidInputError, match="Expected a whole number"):
            method(n)


def test_failures_are_remembered_and_not_asked_again(advisor: ml.Advisor) -> None:
    c = advisor.ask()
    advisor.tell(c, status="failed")
    assert advisor.history[0].status is Status.FAILED
    assert advisor.best is None
    assert math.isinf(advisor.expected_improvement())
    assert all(other != c for other in advisor.ask(5))


def test_results_of_configurations_outside_the_list_count(advisor: ml.Advisor) -> None:
    own = Configuration("knn", {"n_neighbors": 77, "p": 1, "weights": "distance"})
    advisor.tell(own, score=0.97, seconds=0.2)
    assert advisor.best.configuration == own
    assert advisor.ask() != own


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr("metalearn.advisor.advisor.time.monotonic", lambda: self.now)


def test_a_spent_time_budget_ends_the_questions_where_no_seconds_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    past = ml.bundled_knowledge_base().subset(tasks=["pypi:keel/iris", "pypi:cds/ecoli", "pypi:cds/newthyroid"])
    past = replace(past, evaluations=past.evaluations.assign(fit_seconds=np.float32("nan")))
    clock = Clock(monkeypatch)
    advisor = ml.Advisor(*load_wine(return_X_y=True), time_budget=4, knowledge_base=past)
    for _ in range(4):
        advisor.tell(advisor.ask(), score=0.9, seconds=1)
        clock.now += 1
    with pytest.raises(StopIteration):
        advisor.ask()


def test_a_value_of_another_kind_than_the_space_knows_is_taken(advisor: ml.Advisor) -> None:
    for value in (0.1, 0.5, "sqrt", None):
        advisor.tell(Configuration("random_forest", {"max_features": value}), score=0.9)
    assert advisor.ask().model


def test_a_spent_time_budget_ends_the_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    advisor = ml.Advisor(*load_wine(return_X_y=True), time_budget=5)
    c = advisor.ask()
    clock.now += 5
    advisor.tell(c, score=0.9, seconds=0.1)
    assert advisor.ask(3) == []
    with pytest.raises(StopIteration, match="time budget"):
        advisor.ask()


def test_the_expected_improvement_falls_as_the_best_score_rises(advisor: ml.Advisor) -> None:
    c = advisor.ask()
    gains = []
    for score in (0.7, 0.9, 0.9999):
        advisor.tell(c, score=score)
        gains.append(advisor.expected_improvement())
    assert gains[0] > gains[1] > gains[2] >= 0


def test_the_state_survives_json(advisor: ml.Advisor, tmp_path: object) -> None:
    advisor.tell(advisor.ask(), score=0.9, seconds=1.5)
    advisor.tell(advisor.ask(), status="timeout")
    advisor.to_json(tmp_path / "advisor.json")
    again = ml.Advisor.from_json(tmp_path / "advisor.json")
    assert again.task == advisor.task
    assert [(t.configuration, t.status) for t in again.history] == [
        (t.configuration, t.status) for t in advisor.history
    ]
    assert again.ask() == advisor.ask()


@pytest.mark.parametrize("text", ["{}", '{"format": 99}', "{not json", '{"format": 1, "task": 3}'])
def test_what_is_not_a_state_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        ml.Advisor.from_json(text)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"score": np.nan}, "finite"),
        ({}, "finite"),
        ({"score": 1, "status": "fine"}, "Unknown status 'fine'"),
    ],
)
def test_wrong_results_are_refused_and_change_nothing(advisor: ml.Advisor, told: dict[str, object], words: str) -> None:
    c = advisor.ask()
    with pytest.raises(InvalidInputError, match=words):
        advisor.tell(c, **told)
    with pytest.raises(InvalidInputError, match="no configuration"):
        advisor.tell(advisor.recommend(1)[0], score=0.5)
    assert advisor.history == ()
    assert advisor.pending == (c,)


# a tuner, not only a start -------------------------------------------------------------------------------------------


def score(c: Configuration) -> float:
    """Return a made-up score: linear models are best, and best around C = 100; support vector machines come next."""
    if c.model == "linear":
        return 0.95 - 0.02 * abs(math.log10(float(c.params["C"])) - 2)
    return 0.9 if c.model == "svm" else 0.7


def play(advisor: ml.Advisor, n: int, judge: Callable[[Configuration], float] = score) -> list[Configuration]:
    asked = []
    for _ in range(n):
        asked.append(advisor.ask())
        advisor.tell(asked[-1], score=judge(asked[-1]), seconds=0.1)
    return asked


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray]:
    return load_breast_cancer(return_X_y=True)


def test_there_is_no_end_of_the_list_and_what_is_found_beyond_it_is_better(
    table: tuple[np.ndarray, np.ndarray],
) -> None:
    families = ["linear", "svm", "knn", "decision_tree"]
    advisor, listed = (ml.Advisor(*table, families=families, new_points=new) for new in (True, False))
    asked = play(advisor, 60)
    assert len({c.id for c in asked}) == 60
    assert {c.model for c in asked} <= set(families)
    for c in asked:
        assert get_model(c.model).spaces[advisor.task.problem_type].contains(c.params), c
    with pytest.raises(StopIteration):
        play(listed, 60)
    assert advisor.best.score > listed.best.score + 0.005


def test_what_each_candidate_may_add_is_said_from_the_first_result_on(table: tuple[np.ndarray, np.ndarray]) -> None:
    advisor = ml.Advisor(*table, families=["linear", "svm", "knn", "decision_tree"])
    assert {c.expected_improvement for c in advisor.recommend(3)} == {None}
    assert "may add" not in str(advisor.recommend(3))
    play(advisor, 12)
    rec = advisor.recommend(10)
    assert "may add" in str(rec)
    new = [c for c in rec if not c.evidence]
    assert new  # points that nobody ran are among them
    assert all(0 <= c.expected_improvement < 1 - advisor.best.score + 1e-9 for c in rec)
    assert max(c.expected_improvement for c in new) > 0
    assert advisor.expected_improvement() == pytest.approx(advisor.recommend(1)[0].expected_improvement)
    assert advisor.expected_improvement(time_left=0.0) == 0


def test_the_order_of_telling_does_not_matter(table: tuple[np.ndarray, np.ndarray]) -> None:
    one, two = ml.Advisor(*table), ml.Advisor(*table)
    asked = one.ask(12)
    assert two.ask(12) == asked
    for c in asked:
        one.tell(c, score=score(c))
    for c in np.random.default_rng(0).permutation(np.array(asked, dtype=object)):
        two.tell(c, score=score(c))
    assert one.recommend(8) == two.recommend(8)


def test_the_same_seed_asks_the_same_and_another_something_else(table: tuple[np.ndarray, np.ndarray]) -> None:
    one, two, three = (play(ml.Advisor(*table, random_state=seed), 40) for seed in (1, 1, 2))
    assert one == two != three


def test_a_batch_beyond_the_list_is_diverse_and_knows_what_is_pending(table: tuple[np.ndarray, np.ndarray]) -> None:
    advisor = ml.Advisor(*table, families=["linear"])
    play(advisor, 30)
    batch = [*advisor.ask(6), *advisor.ask(6)]
    assert len({c.id for c in batch}) == 12
    places = sorted(math.log10(float(c.params["C"])) for c in batch)
    assert places[-1] - places[0] > 0.5  # powers of ten: they do not all ask the same question
    by_seed = ml.Advisor.from_json(advisor.to_json())  # forgets what is pending
    assert by_seed.ask(12) == batch


def test_a_family_that_fails_is_asked_less(table: tuple[np.ndarray, np.ndarray]) -> None:
    counts = []
    for fails in (False, True):
        advisor = ml.Advisor(*table, families=["linear", "svm", "knn"])
        asked = []
        for _ in range(40):
            c = advisor.ask()
            asked.append(c.model)
            if fails and c.model == "linear":
                advisor.tell(c, status="failed")
            else:
                advisor.tell(c, score=score(c))
        counts.append(asked[10:].count("linear"))
    assert counts[1] < counts[0] / 2


def test_a_good_result_from_elsewhere_draws_the_questions_to_it(table: tuple[np.ndarray, np.ndarray]) -> None:
    shares = []
    for own in (None, Configuration("knn", {"n_neighbors": 77, "p": 1, "weights": "distance"})):
        advisor = ml.Advisor(*table, families=["linear", "svm", "knn"])
        play(advisor, 20)
        if own is not None:
            advisor.tell(own, score=0.999)
        shares.append([c.model for c in advisor.ask(10)].count("knn"))
    assert shares[1] > shares[0]


def test_an_interrupted_search_goes_on_as_if_nothing_had_happened(table: tuple[np.ndarray, np.ndarray]) -> None:
    advisor = ml.Advisor(*table, families=["linear", "svm"], random_state=3)
    play(advisor, 25)
    advisor.tell(advisor.ask(), status="failed")
    again = ml.Advisor.from_json(advisor.to_json())
    assert play(again, 5) == play(advisor, 5)


def test_states_of_older_versions_are_read(advisor: ml.Advisor) -> None:
    play(advisor, 2)
    state = json.loads(advisor.to_json())
    del state["new_points"], state["random_state"]
    assert ml.Advisor.from_json(json.dumps(state)).ask() == advisor.ask()


def test_the_clock_of_a_saved_advisor_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    advisor = ml.Advisor(*load_wine(return_X_y=True), time_budget=100)
    clock.now += 60
    kept = advisor.to_json(), pickle.dumps(advisor)
    clock.now += 1_000
    assert advisor.ask(1) == []
    for load, state in ((ml.Advisor.from_json, kept[0]), (pickle.loads, kept[1])):
        again = load(state)
        assert again.ask(1)
        clock.now += 41
        assert again.ask(1) == []


def test_recommend_and_advisor_mean_the_same_by_a_time_budget(table: tuple[np.ndarray, np.ndarray]) -> None:
    free = ml.recommend(*table, n=10)
    budget = 3 * float(np.median([c.expected_seconds for c in free]))
    rec = ml.recommend(*table, n=10, time_budget=budget)
    asked = ml.Advisor(*table).recommend(10, time_left=budget)
    assert [c.configuration for c in asked] == [c.configuration for c in rec] != [c.configuration for c in free]


def test_a_time_budget_is_kept_and_cheap_questions_come_instead(
    table: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    budget = 3 * 0.5 * sum(c.expected_seconds for c in ml.Advisor(*table).recommend(5))
    advisor = ml.Advisor(*table, time_budget=budget)
    spent, n_asked = 0.0, 0
    while n_asked < 40 and advisor.ask(1):
        ((candidate, expected),) = [(t.configuration, t.expected_seconds) for t in advisor.trials if t.is_running]
        spent += 3 * expected
        clock.now += 3 * expected
        n_asked += 1
        advisor.tell(candidate, score=score(candidate), seconds=expected)
    assert n_asked > 3
    assert spent <= budget


def test_it_says_when_going_on_does_not_pay(advisor: ml.Advisor) -> None:
    assert not advisor.should_stop(0.001)  # nothing is known yet
    first = advisor.ask()
    advisor.tell(first, score=0.6)
    assert not advisor.should_stop(0.001)
    advisor.tell(first, score=0.9999)
    assert advisor.should_stop(0.001)


def test_one_question_stays_quick_even_after_100_answers(
    table: tuple[np.ndarray, np.ndarray], units_of: Callable[..., float]
) -> None:
    advisor = ml.Advisor(*table)

    def ask_and_tell() -> None:
        advisor.tell(advisor.ask(), score=0.5 + 0.4 * math.sin(len(advisor.history)))

    ask_and_tell()
    assert units_of(ask_and_tell, 15) < 1  # 0.1 when written: 4 ms
    while len(advisor.history) < 95:
        ask_and_tell()
    assert units_of(ask_and_tell, 15) < 1.5  # 0.66 when written: 17 ms


def test_strategies_that_are_no_strategy_of_ours_keep_to_their_list(advisor: ml.Advisor) -> None:
    class Plugged:
        def recommend(self, *_: object, **options: object) -> str:
            return f"{sorted(options)}"

    play(advisor, 4)
    advisor._recommender = Plugged()
    assert advisor.recommend(2) == "['models', 'n', 'observed', 'time_budget']"


def regression_advisor(metric: object) -> ml.Advisor:
    X, y = load_diabetes(return_X_y=True)
    return ml.Advisor(X[:80], y[:80], metric=metric, families=["linear", "knn"])


@pytest.mark.parametrize(
    "metric", ["neg_root_mean_squared_error", get_scorer("neg_root_mean_squared_error"), "neg_mean_absolute_error"]
)
def test_scores_of_a_scorer_that_negates_are_turned_round(metric: object) -> None:
    advisor = regression_advisor(metric)
    good, bad = advisor.ask(2)
    advisor.tell(good, score=-50.0)
    advisor.tell(bad, score=-70.0)
    assert advisor.best is not None
    assert (advisor.best.configuration, advisor.best.score) == (good, 50.0)
    again = ml.Advisor.from_json(advisor.to_json())
    assert again.history == advisor.history
    assert again.recommend(3).configurations == advisor.recommend(3).configurations
    again.tell(bad, score=-40.0)
    assert again.best is not None
    assert again.best.configuration == bad
    with pytest.raises(InvalidInputError, match=r"from -inf to 0. Its sign is likely turned round"):
        again.tell(bad, score=40.0)


@pytest.mark.parametrize(
    ("metric", "score", "words"),
    [
        ("rmse", -50.0, "sign is likely turned round"),
        ("mae", -1.0, "sign is likely turned round"),
        (mean_absolute_error, -1.0, "sign is likely turned round"),
        ("r2", 1.5, "from -inf to 1. Tell a score of this metric"),
        (get_scorer("r2"), 2.0, "from -inf to 1. Tell a score of this metric"),
    ],
)
def test_a_score_that_the_metric_cannot_take_is_refused(metric: object, score: float, words: str) -> None:
    advisor = regression_advisor(metric)
    configuration = advisor.ask()
    with pytest.raises(InvalidInputError, match=words):
        advisor.tell(configuration, score=score)
    assert not advisor.history
    assert advisor.pending == (configuration,)


@pytest.mark.parametrize(("score", "words"), [(1.5, "from 0 to 1. Tell"), (-1.0, "sign is likely turned round")])
def test_a_share_lies_between_0_and_1(advisor: ml.Advisor, score: float, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        advisor.tell(advisor.ask(), score=score)
    advisor.tell(advisor.ask(), score=1 + 1e-12)


def test_time_without_end_is_stored_as_no_budget() -> None:
    advisor = ml.Advisor(*load_wine(return_X_y=True), families="knn", time_budget=math.inf)
    assert ml.Advisor.from_json(advisor.to_json()).ask() == advisor.ask()


def test_a_metric_of_ones_own_is_told_as_its_scorer_gives_it() -> None:
    advisor = regression_advisor("neg_median_absolute_error")
    first = advisor.recommend(3)
    assert "candidates are those for mae" in first.notes[0]
    assert all(math.isnan(c.expected_score) and c.expected_improvement is None for c in first)
    assert all(math.isnan(n.best_score) for n in first.neighbours)
    for configuration, score in zip(advisor.ask(6), (-50.0, -40.0, -45.0, -60.0, -41.0, -39.0), strict=True):
        advisor.tell(configuration, score=score, seconds=0.1)
    assert advisor.best is not None
    assert advisor.best.score == -39.0
    assert math.isnan(advisor.expected_improvement())
    assert not advisor.should_stop(0.1)
    again = ml.Advisor.from_json(advisor.to_json())
    assert again.recommend(5).configurations == advisor.recommend(5).configurations


def test_results_of_a_metric_of_ones_own_change_what_is_asked_next() -> None:
    X, y = load_wine(return_X_y=True)
    asked = []
    for good in ("svm", "knn"):
        advisor = ml.Advisor(X, y, metric="matthews_corrcoef", families=["svm", "knn"], new_points=False)
        for candidate in advisor.recommend(100):
            if candidate.model in {"svm", "knn"} and len(advisor.history) < 12:
                advisor.tell(candidate.configuration, score=0.9 if candidate.model == good else 0.1)
        asked.append([c.model for c in advisor.recommend(3)])
    assert asked[0].count("svm") > asked[1].count("svm")


def test_one_can_ask_among_some_of_the_families(advisor: ml.Advisor) -> None:
    assert advisor.ask(families="knn").model == "knn"
    assert {c.model for c in advisor.ask(3, families=["lgbm", "svm"])} <= {"lightgbm", "svm"}
    assert {c.model for c in advisor.recommend(5, families="rf")} == {"random_forest"}
    narrow = ml.Advisor(*load_breast_cancer(return_X_y=True), families=["svm"])
    for family, words in (("lightgbm", "Unknown family 'lightgbm'"), ("lightgmb", "Did you mean 'lightgbm'")):
        with pytest.raises(UnknownNameError, match=words):
            narrow.ask(families=[family])


def test_what_was_made_by_hand_is_what_we_call_it(advisor: ml.Advisor) -> None:
    advisor.tell(Configuration("SVC", {"C": 10, "random_state": 3}), score=0.9)
    assert advisor.history[0].configuration == Configuration("svm", {"C": 10.0})
    asked = advisor.ask()
    advisor.tell(asked, score=0.9)
    assert advisor.history[1].configuration == asked
    assert advisor.pending == ()


@pytest.mark.parametrize(
    "options", [{"without": None}, {"without": ["knn"]}, {"without": "knn"}, {"without": [{"model": "knn"}]}]
)
def test_what_is_left_out_has_to_be_configurations(advisor: ml.Advisor, options: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"is no configuration\. Expected"):
        advisor.ask(**options)


@pytest.mark.parametrize("left", [math.nan, "10", True, [1]])
def test_the_time_left_has_to_be_a_number(advisor: ml.Advisor, left: Any) -> None:
    for question in (advisor.ask, advisor.recommend, partial(advisor.ask, 2)):
        with pytest.raises(InvalidInputError, match=r"time left is .* Expected a number"):
            question(time_left=left)
    assert advisor.ask(2, time_left=math.inf)


@pytest.mark.parametrize(
    "changed", [{"meta_features": [1]}, {"trials": 7}, {"trials": ["x"]}, {"task": []}, {"format": "x"}]
)
def test_a_state_with_parts_of_another_kind_is_refused(advisor: ml.Advisor, changed: Any) -> None:
    with pytest.raises(InvalidInputError, match="Expected what to_json wrote"):
        ml.Advisor.from_json(json.dumps(json.loads(advisor.to_json()) | changed))


def test_a_state_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"PK\x81\xff")
    with pytest.raises(InvalidInputError, match="Expected what to_json wrote"):
        ml.Advisor.from_json(tmp_path / "state")


@pytest.mark.parametrize("place", [5, None, b"a.db", ["a"]])
def test_what_is_no_address_opens_no_store(place: Any) -> None:
    with pytest.raises(InvalidInputError, match="Expected a folder"):
        ml.open_store(place)


def test_what_is_no_knowledge_base_is_refused() -> None:
    X, y = load_wine(return_X_y=True)
    for source in (5, [5], {"a": 1}):
        with pytest.raises(InvalidInputError, match=r"is no knowledge base\. Expected"):
            ml.recommend(X, y, knowledge_base=source)
