from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

import metalearn as ml
from metalearn.hooks import get_hook
from metalearn.hooks.report import SeedReport
from metalearn.recommendation import Recommendation
from metalearn.testing import check_hook

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def rec() -> Recommendation:
    return ml.recommend(X, Y, n=2, families=["knn"], metric="accuracy")


def search() -> GridSearchCV:
    return GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 30], "p": [1, 2]}, scoring="accuracy", cv=3)


def run(found: GridSearchCV) -> GridSearchCV:
    return found.fit(X, Y)


def hook(**changed: Any) -> SimpleNamespace:
    """Return scikit-learn's hook with one function changed."""
    good = get_hook("sklearn")
    return SimpleNamespace(**{name: getattr(good, name) for name in ("seed", "tell", "harvest", "verify")} | changed)


GOOD = hook()


def silent(*arguments: Any, **options: Any) -> SeedReport:
    report = GOOD.seed(*arguments, **options)
    return replace(report, accepted=report.accepted[:1])


def lenient(target: Any, recommendation: Any, *, strict: bool = False, **options: Any) -> SeedReport:
    del strict
    return GOOD.seed(target, recommendation, **options)


def test_a_good_hook_passes(rec: Recommendation) -> None:
    check_hook(GOOD, search, run, recommendation=rec, X=X, y=Y)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (SimpleNamespace(seed=GOOD.seed), "lacks one of"),
        (hook(seed=lambda *_, **__: None), "not a SeedReport"),
        (hook(seed=silent), "is about the ranks"),
        (hook(seed=lenient), "raises no InvalidInputError"),
        (hook(verify=lambda _: SeedReport("x")), "but evaluated were"),
        (hook(harvest=lambda *_: None), "does not return three things"),
        (hook(harvest=lambda *a: (*GOOD.harvest(*a)[:2], [])), "of other tasks"),
        (hook(harvest=lambda *a: (*GOOD.harvest(*a)[:2], GOOD.harvest(*a)[2][:1])), "Fewer configurations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_promise_is_named(rec: Recommendation, broken: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_hook(broken, search, run, recommendation=rec, X=X, y=Y)
