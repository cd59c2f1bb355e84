"""Recommendations and searches, also with names as hostile as names can be."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metalearn.models import models_for
from metalearn.recommendation import Candidate, Neighbour, Recommendation, TaskPosition
from metalearn.task import ProblemType, Task

HOSTILE = "<script>document.title='hacked'</script>\"'><img src=x onerror=\"alert(1)\">\u202e\x00&amp;"


def make(name: str) -> Recommendation:
    """Return a recommendation in which everything that a user or a stranger named is called alike."""
    rng = np.random.default_rng(0)
    kind = ProblemType.MULTICLASS
    configurations = [spec.design(kind, 3)[2] for spec in list(models_for(kind).values())[:6]]
    candidates = tuple(
        Candidate(
            configuration=c,
            problem_type=kind,
            expected_score=0.95 - 0.02 * i,
            interval=(0.9 - 0.03 * i, 0.97),
            expected_seconds=0.02 * 4**i,
            evidence=(name,),
        )
        for i, c in enumerate(configurations)
    )
    neighbours = tuple(
        Neighbour(
            task_id=f"t{i}",
            name=name if i == 0 else f"past task {i}",
            weight=0.1 / (i + 1),
            distance=0.5 + i,
            n_rows=1000 * i + 150,
            n_features=13,
            best=c,
            best_score=0.9,
        )
        for i, c in enumerate(configurations)
    )
    places = [TaskPosition(name, 0.3, 0.2)] + [
        TaskPosition(name if i == 0 else f"past task {i}", *rng.normal(size=2).tolist(), f"family {i % 8}")
        for i in range(80)
    ]
    return Recommendation(
        Task(id="new:x", problem_type=kind, name=name, n_rows=178, n_features=13, n_classes=3),
        candidates,
        "task_ensemble",
        0.31,
        neighbours,
        {"log_n_rows": 0.3, name: 0.1},
        {f"meta_{i}": float(rng.normal()) for i in range(40)} | {"missing": float("nan")},
        (f"The column {name} looks like an id.",),
        tuple(places),
    )


def search_facts(found: Recommendation) -> dict[str, Any]:
    """Return the facts of a search that began with a recommendation."""
    trials = [
        {
            "model": c.model,
            "changes": c.changes,
            "score": c.expected_score if i else float("nan"),
            "deviation": 0.01,
            "seconds": 0.5,
            "ended": 3.0 * (i + 1),
            "folds": 3,
            "status": "ok" if i else "failed",
            "weight": 0.5 if i in (1, 2) else 0.0,
            "message": "",
        }
        for i, c in enumerate(found)
    ]
    tuning = {
        "decision": "A blend of 2 configurations beat the default of lightgbm.",
        "metric": "accuracy",
        "score": 0.95,
        "default_score": 0.91,
        "held_out_score": 0.91,
        "expected_improvement": 0.0012,
        "seconds": 18.2,
        "greater_is_better": True,
        "trials": trials,
    }
    return {**found.report_facts(), "tuning": tuning}


@pytest.fixture(scope="session")
def plain() -> Recommendation:
    return make("wine")


@pytest.fixture(scope="session")
def hostile() -> Recommendation:
    return make(HOSTILE)


@pytest.fixture(scope="session")
def tuned() -> Callable[[Recommendation], dict[str, Any]]:
    return search_facts
