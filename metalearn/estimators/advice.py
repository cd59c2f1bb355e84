"""What to try next: the default that has to be beaten, then what the advisor says, given every result so far."""

import math
from collections.abc import Sequence

from metalearn.advisor import Advisor
from metalearn.estimators.search import Suggestion, Trial
from metalearn.evaluation import Status
from metalearn.recommendation import Candidate
from metalearn.space import Configuration

__all__ = ["Advice"]

_ALL = 1000
"""More candidates than any list has."""


class Advice:
    """Suggest configurations and learn how they did."""

    def __init__(self, first: Sequence[Configuration], advisor: Advisor | None) -> None:
        self._first = list(first)
        self._advisor = advisor
        self._seconds = {} if advisor is None else _expected_seconds(advisor)
        self._untold: set[str] = set()
        self._told: set[str] = set()

    def suggest(self, time_left: float) -> Suggestion | None:
        """Return what to try next, given every result so far."""
        if self._first:
            configuration = self._first.pop(0)
            seconds = self._seconds.get(configuration.id, math.nan)
        elif (candidate := self._next(time_left)) is not None:
            configuration, seconds = candidate.configuration, candidate.expected_seconds
        else:
            return None
        self._untold.add(configuration.id)
        return Suggestion(configuration, seconds)

    def _next(self, time_left: float) -> Candidate | None:
        if self._advisor is None:
            return None
        ranked = self._advisor.recommend(len(self._untold) + 1, time_left=time_left)
        seen = self._untold | self._told
        return next((c for c in ranked if c.configuration.id not in seen), None)

    def tell(self, trial: Trial) -> None:
        """Take note of how a trial ended."""
        self._untold.discard(trial.configuration.id)
        self._told.add(trial.configuration.id)
        if self._advisor is None or trial.status is None:
            return
        if len(trial.losses) and trial.status in (Status.OK, Status.PRUNED):
            self._advisor.tell(trial.configuration, score=trial.expected_score, seconds=trial.seconds)
        else:
            self._advisor.tell(trial.configuration, status=trial.status)

    @property
    def expected_improvement(self) -> float:
        """By how much one more trial is expected to improve on the best so far; NaN if nothing is known."""
        if self._advisor is None or self._advisor.best is None:
            return math.nan
        return self._advisor.expected_improvement(time_left=math.inf)


def _expected_seconds(advisor: Advisor) -> dict[str, float]:
    """Return what is expected of each configuration that is known."""
    return {c.configuration.id: c.expected_seconds for c in advisor.recommend(_ALL, time_left=math.inf)}
