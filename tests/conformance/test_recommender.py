from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from metalearn.knowledge import KnowledgeBase
from metalearn.recommendation import Recommendation
from metalearn.recommenders import get_recommender, recommender_names
from metalearn.testing import check_recommender


@pytest.mark.parametrize(
    "name",
    [name if name == "portfolio" else pytest.param(name, marks=pytest.mark.slow) for name in recommender_names()],
)
def test_every_recommender_keeps_its_promises(name: str) -> None:
    check_recommender(get_recommender(name))


@lru_cache
def portfolio(_: str, kb: Any) -> Any:
    return get_recommender("portfolio")().fit(kb)


def changed(**broken: Any) -> type:
    """Return a recommender that leaves out one option, or changes the answer."""
    forgets, change = broken.get("forgets"), broken.get("change", lambda found: found)

    class Broken:
        def fit(self, kb: KnowledgeBase) -> Any:
            self.inside = portfolio(kb.id, kb)
            return broken.get("fit", self)

        def recommend(self, task: Any, meta_features: Any, **options: Any) -> Recommendation:
            options.pop(forgets, None)
            return change(self.inside.recommend(task, meta_features, **options))

    return Broken


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"fit": None}, "does not return the recommender itself"),
        ({"forgets": "n"}, "candidates where 5 were asked for"),
        ({"forgets": "observed"}, "what was tried already"),
        ({"forgets": "models"}, "may not be used"),
        ({"forgets": "time_budget"}, "were allowed"),
        ({"change": lambda found: found.candidates}, "not a Recommendation"),
        ({"change": lambda found: replace(found, recommender="")}, "does not name its recommender"),
        ({"change": lambda found: replace(found, candidates=found[:1] * 2)}, "twice"),
        (
            {"change": lambda f: replace(f, candidates=tuple(replace(c, interval=(0.0, 0.1)) for c in f))},
            "outside its interval",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_a_broken_promise_is_named(broken: dict[str, Any], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_recommender(changed(**broken))


def test_something_else_is_no_recommender() -> None:
    with pytest.raises(AssertionError, match="lacks a method"):
        check_recommender(object)  # type: ignore[arg-type]
