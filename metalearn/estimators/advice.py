"""What a search tries: the default that has to be beaten and the recommended list, then what the advisor says."""

import math
from collections.abc import Sequence
from contextlib import suppress

from metalearn.advisor import Advisor
from metalearn.api import N_FOLDS
from metalearn.estimators.search import DEFAULT, LISTED, NEW, SearchTrial, Suggestion
from metalearn.evaluation import Status
from metalearn.space import Configuration

__all__ = ["Advice"]


class Advice:
    """Suggest configurations and learn how they did; without an advisor, the defaults alone are suggested."""

    def __init__(
        self,
        defaults: Sequence[Configuration],
        listed: Sequence[Configuration],
        advisor: Advisor | None,
        affordable: float,
    ) -> None:
        self._advisor = advisor
        self._listed = frozenset(listed)
        first = [(c, DEFAULT) for c in defaults]
        others = [(c, LISTED) for c in listed if c not in defaults]
        dear = self._start(*first[0]).expected_seconds > affordable  # False if that is unknown
        self._waiting = [*others, *first] if dear else [*first, *others]

    def _start(self, configuration: Configuration, origin: str) -> Suggestion:
        """Note a configuration as pending."""
        seconds = math.nan if self._advisor is None else self._advisor.start(configuration).expected_seconds
        return Suggestion(configuration, seconds, origin)

    def suggest(self, time_left: float) -> Suggestion | None:
        """Return what to try next, given every result so far and the seconds left for one fold each; None for nothing."""
        if self._waiting:
            return self._start(*self._waiting.pop(0))
        if self._advisor is None:
            return None
        with suppress(StopIteration):
            asked = self._advisor.ask(time_left=time_left * N_FOLDS)
            return self._start(asked, LISTED if asked in self._listed else NEW)
        return None

    def tell(self, trial: SearchTrial) -> None:
        """Take note of how a trial ended; one that was given up early counts with what its folds say of all."""
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
        for configuration in self._advisor.pending:  # it was too dear to be tried
            self._advisor.withdraw(configuration)
        return self._advisor.expected_improvement(time_left=math.inf)
