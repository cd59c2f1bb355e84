"""What a recommender must do."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from metalearn.conformance.tables import require
from metalearn.evaluation import Evaluation, Status
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.models import get_model
from metalearn.recommendation import Recommendation
from metalearn.recommenders import Recommender
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

__all__ = ["check_recommender"]

MakeRecommender = Callable[[], Recommender]

_FAMILIES = ("linear", "random_forest", "knn")
_KIND = ProblemType.BINARY
_TASK = Task(id="check:new", problem_type=_KIND, name="new", n_rows=800, n_features=10, n_classes=2)
_FOUND = MetaFeatures({"kind": 0.9, "log_n": math.log(800), "noise": 0.1})


def check_recommender(make_recommender: MakeRecommender) -> None:
    """Check that a recommender keeps its promises.

    Parameters
    ----------
    make_recommender : callable
        Returns a new, unfitted recommender each time; a class registered as a plug-in is one.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which.

    Examples
    --------
    >>> from metalearn.recommenders import get_recommender
    >>> check_recommender(get_recommender("portfolio"))
    """
    fitted = _check_fit(make_recommender)
    for check in _CHECKS:
        check(fitted)
    again = make_recommender().fit(_knowledge())
    require(_asked(again) == _asked(fitted), "Fitting again changes the answer.")


@cache
def _knowledge() -> KnowledgeBase:
    """Return thirty tasks of two kinds; on each kind another family wins, and one family fails at times."""
    rng = np.random.default_rng(0)
    tasks, found, runs = [], {}, []
    for t in range(30):
        size = int(100 * 2 ** (t % 5))
        task = Task(id=f"check:{t}", problem_type=_KIND, name=f"table {t}", n_rows=size, n_features=5, n_classes=2)
        tasks.append(task)
        found[task.id] = MetaFeatures(
            {"kind": t % 2 + 0.1 * rng.normal(), "log_n": math.log(size), "noise": rng.normal()}
        )
        for j, configuration in enumerate(_configurations()):
            failed = configuration.model == "knn" and t % 9 == 0
            value = 0.7 + 0.1 * (configuration.model == _FAMILIES[t % 2]) + 0.01 * (j % 3) + 0.005 * rng.normal()
            runs.append(
                Evaluation(
                    task_id=task.id,
                    configuration=configuration,
                    metric="roc_auc",
                    value=math.nan if failed else value,
                    fit_seconds=None if failed else size * 1e-4 * (1 + j),
                    status=Status.FAILED if failed else Status.OK,
                )
            )
    return KnowledgeBase.from_records(tasks, found, runs)


@cache
def _configurations() -> tuple[Configuration, ...]:
    return tuple(c for name in _FAMILIES for c in get_model(name).design(_KIND, 3))


def _ids(found: Recommendation) -> list[str]:
    return [candidate.configuration.id for candidate in found]


def _asked(fitted: Recommender) -> list[str]:
    return _ids(fitted.recommend(_TASK, _FOUND, n=5))


def _check_fit(make_recommender: MakeRecommender) -> Recommender:
    made, before = make_recommender(), _knowledge().evaluations.copy()
    require(isinstance(made, Recommender), "It lacks a method of metalearn.recommenders.Recommender.")
    require(made.fit(_knowledge()) is made, "fit() does not return the recommender itself.")
    require(_knowledge().evaluations.equals(before), "fit() changes the knowledge base.")
    return made


def _check_answer(fitted: Recommender) -> None:
    found = fitted.recommend(_TASK, _FOUND, n=5)
    require(isinstance(found, Recommendation), f"recommend() returns a {type(found).__name__}, not a Recommendation.")
    require(found.task == _TASK, "The recommendation is about another task.")
    require(found.recommender, "The recommendation does not name its recommender.")
    require(0 < len(found) <= 5, f"It returns {len(found)} candidates where 5 were asked for.")  # noqa: PLR2004
    require(len(set(_ids(found))) == len(found), "It recommends a configuration twice.")
    for candidate in found:
        require(candidate.problem_type is _KIND, "A candidate is for another kind of problem.")
        require(get_model(candidate.model).supports(_KIND), f"{candidate.model} does not solve the problem.")
        low, high = candidate.interval
        known = math.isfinite(candidate.expected_score)
        require(not known or low <= candidate.expected_score <= high, "An expected score lies outside its interval.")
        require(not candidate.expected_seconds < 0, "Expected seconds are negative.")
        candidate.build()
    again = Recommendation.from_dict(found.to_dict())
    require(_ids(again) == _ids(found), "The recommendation does not survive JSON.")
    require(str(found) and found.to_html(), "The recommendation cannot be shown.")


def _check_same_again(fitted: Recommender) -> None:
    require(_asked(fitted) == _asked(fitted), "The same question gets another answer.")


def _check_observed(fitted: Recommender) -> None:
    everything = [c.id for c in _configurations()]
    observed: dict[str, float] = {}
    for place, tried in enumerate(everything[:4]):
        observed[tried] = math.inf if place == 1 else 0.2 + 0.01 * place
        again = set(observed) & set(_ids(fitted.recommend(_TASK, _FOUND, n=9, observed=observed)))
        require(not again, "It recommends what was tried already.")
    unknown = {**observed, "nobody knows this id": 0.1}
    fitted.recommend(_TASK, _FOUND, n=3, observed=unknown)
    nothing = fitted.recommend(_TASK, _FOUND, n=3, observed=dict.fromkeys(everything, 0.3))
    require(not set(_ids(nothing)) & set(everything), "It recommends what was tried already, when all was tried.")


def _check_models(fitted: Recommender) -> None:
    found = fitted.recommend(_TASK, _FOUND, n=9, models=["knn"])
    require({c.model for c in found} == {"knn"}, "It recommends families that may not be used, or none.")


def _check_time_budget(fitted: Recommender) -> None:
    for budget in (1e-9, 0.3, 1e9):
        spent = sum(c.expected_seconds for c in fitted.recommend(_TASK, _FOUND, n=9, time_budget=budget))
        require(not spent > budget * 1.001, f"The list takes {spent:.2g} s where {budget:.2g} s were allowed.")


def _check_nothing_measured(fitted: Recommender) -> None:
    for found in (MetaFeatures({}), MetaFeatures({"kind": math.nan, "unheard_of": 3.0})):
        require(len(fitted.recommend(_TASK, found, n=3)), "Without meta-features it recommends nothing.")


_CHECKS: tuple[Callable[[Recommender], None], ...] = (
    _check_answer,
    _check_same_again,
    _check_observed,
    _check_models,
    _check_time_budget,
    _check_nothing_measured,
)
