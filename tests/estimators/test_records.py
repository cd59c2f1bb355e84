from typing import Any

from metalearn.estimators.records import decision
from metalearn.estimators.refit import Member
from metalearn.estimators.search import DEFAULT, LISTED, SearchTrial, Suggestion
from metalearn.evaluation import Status
from metalearn.evaluation.fit import Outcome
from metalearn.models import get_model
from metalearn.task import ProblemType, get_metric

BINARY = ProblemType.BINARY


def trial(model: str, *scores: float) -> SearchTrial:
    outcomes = [Outcome(Status.OK, scores={"roc_auc": score}) for score in scores]
    suggestion = Suggestion(get_model(model).default(BINARY), origin=DEFAULT if model == "lightgbm" else LISTED)
    return SearchTrial(suggestion, get_metric("roc_auc", BINARY), 2, outcomes, Status.OK)


def member(found: SearchTrial, weight: float = 1.0, pipeline: Any = None) -> Member:
    return Member(weight, found.configuration, pipeline, found)


def test_the_decision_names_who_was_beaten() -> None:
    default, second, first = trial("lightgbm", 0.7, 0.7), trial("svm", 0.8, 0.8), trial("knn", 0.8, 0.82)
    trials = [default, second, first]
    assert decision(trials, [member(default)]).startswith("The default of lightgbm stays")
    assert decision(trials, [member(first)]) == "knn beat the default of lightgbm."
    blend = decision(trials, [member(second, 0.6), member(first, 0.4)])
    assert blend == "A blend of 2 configurations beat the default of lightgbm."


def test_the_decision_says_when_there_was_no_time_for_the_default() -> None:
    first = trial("knn", 0.8, 0.82)
    assert decision([first], [member(first)]) == "knn is used; there was no time for a default to compare with."
