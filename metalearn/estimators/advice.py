"""What to try next: the default that has to be beaten, then what the advisor says, given every result so far."""

from collections.abc import Iterator, Sequence

from metalearn.advisor import Advisor
from metalearn.estimators.search import Suggestion, Trial
from metalearn.evaluation import Status
from metalearn.space import Configuration

__all__ = ["Advice"]

_ALL = 1000
"""More candidates than any list has."""


class Advice:
    """Suggest configurations and learn how they did.

    Parameters
    ----------
    first : sequence of Configuration
        What is tried before anything else.
    advisor : Advisor or None
        What is asked afterwards; None if the table cannot be compared with others.
    """

    def __init__(self, first: Sequence[Configuration], advisor: Advisor | None) -> None:
        self._first = first
        self._advisor = advisor
        self._untold: set[str] = set()
        self._told: set[str] = set()

    def suggestions(self) -> Iterator[Suggestion]:
        """Yield what to try, each once.

        Yields
        ------
        Suggestion
            Chosen when it is asked for.
        """
        known = () if self._advisor is None else self._advisor.recommend(_ALL).candidates
        seconds = {c.configuration.id: c.expected_seconds for c in known}
        for configuration in self._first:
            self._untold.add(configuration.id)
            yield Suggestion(configuration, seconds.get(configuration.id, float("nan")))
        while self._advisor is not None:
            n = len(self._untold) + 1
            seen = self._untold | self._told
            fresh = (c for c in self._advisor.recommend(n) if c.configuration.id not in seen)
            candidate = next(fresh, None)
            if candidate is None:
                return
            self._untold.add(candidate.configuration.id)
            yield Suggestion(candidate.configuration, candidate.expected_seconds)

    def tell(self, trial: Trial) -> None:
        """Take note of how a trial ended.

        Parameters
        ----------
        trial : Trial
            A trial that was stopped early counts with the folds it has.
        """
        self._untold.discard(trial.configuration.id)
        self._told.add(trial.configuration.id)
        if self._advisor is None or trial.status is None:
            return
        if len(trial.losses) and trial.status in (Status.OK, Status.PRUNED):
            self._advisor.tell(trial.configuration, score=trial.score, seconds=trial.seconds)
        else:
            self._advisor.tell(trial.configuration, status=trial.status)
