"""What is left of a search: the leaderboard, evaluations for a store, and plain facts for a report."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from metalearn.estimators.refit import Member
from metalearn.estimators.search import SearchTrial, default_of
from metalearn.evaluation import Evaluation
from metalearn.models import get_model
from metalearn.report.text import changes
from metalearn.task import ProblemType

__all__ = ["decision", "evaluations", "leaderboard", "trial_facts"]

_COLUMNS = (
    "model",
    "from",
    "changes",
    "score",
    "deviation",
    "seconds",
    "ended",
    "folds",
    "status",
    "weight",
    "message",
)


def trial_facts(
    trials: Sequence[SearchTrial], members: Sequence[Member], problem_type: ProblemType
) -> list[dict[str, Any]]:
    """Return what is known of each trial as plain values, the best first."""
    weights = {id(m.trial): m.weight for m in members}
    ordered = sorted(trials, key=lambda t: (not t.is_complete, t.loss))
    return [
        {
            "model": t.configuration.model,
            "from": t.suggestion.origin,
            "changes": _changes(t, problem_type),
            "score": t.score,
            "deviation": float(t.losses.std(ddof=1)) if len(t.losses) > 1 else math.nan,
            "seconds": t.seconds,
            "ended": t.ended,
            "folds": len(t.losses),
            "status": str(t.status),
            "weight": weights.get(id(t), 0.0),
            "message": t.message,
        }
        for t in ordered
    ]


def _changes(trial: SearchTrial, problem_type: ProblemType) -> dict[str, Any]:
    default = get_model(trial.configuration.model).defaults[problem_type]
    missing = object()
    return {k: v for k, v in trial.configuration.params.items() if default.get(k, missing) != v}


def leaderboard(facts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return what :func:`trial_facts` says as a table."""
    rows = [{**fact, "changes": changes(fact["changes"])} for fact in facts]
    return pd.DataFrame(rows, columns=list(_COLUMNS), index=pd.RangeIndex(1, len(rows) + 1, name="rank"))


def evaluations(trials: Sequence[SearchTrial], task_id: str) -> tuple[Evaluation, ...]:
    """Return every score of every fold, as a store keeps them."""
    return tuple(
        Evaluation(
            task_id=task_id,
            configuration=trial.configuration,
            metric=name,
            value=value,
            fold=fold,
            fit_seconds=outcome.fit_seconds if math.isfinite(outcome.fit_seconds) else None,
            predict_seconds=outcome.predict_seconds if math.isfinite(outcome.predict_seconds) else None,
            status=outcome.status,
            message=outcome.message,
        )
        for trial in trials
        for fold, outcome in enumerate(trial.outcomes)
        for name, value in (outcome.scores or {trial.metric.name: math.nan}).items()
        if math.isfinite(value) or name == trial.metric.name
    )


def decision(trials: Sequence[SearchTrial], members: Sequence[Member]) -> str:
    """Say in a sentence what is used for predictions, and why."""
    name = members[0].configuration.model
    used = name if len(members) == 1 else f"A blend of {len(members)} configurations"
    if not any(len(t.losses) for t in trials):
        return f"{used} is used; nothing could be compared on rows held out."
    tried = default_of(trials)
    if tried is None:
        return f"{used} is used; there was no time for a default to compare with."
    default = f"the default of {tried.configuration.model}"
    if not len(tried.losses):
        return f"{used} is used; {default} has no score to compare with."
    if members[0].trial is tried and len(members) == 1:
        if len(trials) == 1:
            return f"The default of {name} is used; nothing else was tried."
        return f"The default of {name} stays: nothing that was tried beat it on rows held out."
    return f"{used} beat {default}."
