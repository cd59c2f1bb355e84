import math

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

import metalearn as ml
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.space import Configuration


@pytest.fixture
def advisor() -> ml.Advisor:
    return ml.Advisor(*load_breast_cancer(return_X_y=True))


def test_the_first_question_is_the_first_recommendation(advisor: ml.Advisor) -> None:
    rec = ml.recommend(*load_breast_cancer(return_X_y=True), n=1)
    assert advisor.ask() == rec[0].configuration


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


def test_a_spent_time_budget_ends_the_questions() -> None:
    advisor = ml.Advisor(*load_wine(return_X_y=True), time_budget=5)
    c = advisor.ask()
    advisor.tell(c, score=0.9, seconds=5.0)
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
    assert advisor.history == ()
    assert advisor.pending == (c,)
