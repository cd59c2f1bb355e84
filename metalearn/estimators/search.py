"""Try configurations fold by fold within a budget, and stop early what has no hope."""

import math
import time
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.estimators.interruption import Interruption
from metalearn.evaluation import Status
from metalearn.evaluation.fit import Outcome
from metalearn.evaluation.workers import Runner
from metalearn.space import Configuration
from metalearn.task import Metric

__all__ = ["DEFAULT", "DEFAULT_SHARE", "LISTED", "NEW", "Budget", "SearchTrial", "Suggestion", "default_of", "search"]

DEFAULT, LISTED, NEW = "default", "list", "new"
"""Where a suggestion comes from: the default that has to be beaten, the recommended list, or the results so far."""

DEFAULT_SHARE = 1 / 8
"""Part of the time budget that the default may take."""

_TRIAL_SHARE = 1 / 3
"""Part of the time budget that any other trial may take."""

_REFIT_SHARE = 0.25
"""Part of the time budget that is kept at most for fitting several configurations on all rows."""

_REFIT_TRIALS = 5
"""As many of the best trials are expected to be fitted on all rows."""

_REFIT_MARGIN = 1.15
"""Fitting on all rows is expected to take this many times what the number of rows alone would say."""

_HOPELESS = 1.0
"""A trial ends when it is behind the best by this many standard deviations of the best one's folds.

Tried on the bundled knowledge base, twenty configurations in random order and three folds: a third of the fits is saved for next
to no regret; at 2 less is saved, at 0.5 the regret begins to show.
"""

_LEAST_SPREAD = 0.1
"""The standard deviation is taken to be at least this part of the best loss."""

_REMEMBERED = 50
"""Predictions of so many of the best trials are kept for blending; those of all would fill the memory in a long search."""

_MOST_POSTPONED = 20
"""After so many suggestions that would take too long, the cheapest of them has to do: there is no end of suggestions."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Name a configuration to try."""

    configuration: Configuration
    expected_seconds: float = math.nan
    origin: str = NEW


@dataclass(slots=True, eq=False)
class SearchTrial:
    """Follow one configuration through the folds."""

    suggestion: Suggestion
    metric: Metric
    n_folds: int
    outcomes: list[Outcome] = field(default_factory=list)
    status: Status | None = None
    ended: float = math.nan
    allowance: float = 0.0

    @property
    def configuration(self) -> Configuration:
        """What is tried."""
        return self.suggestion.configuration

    @property
    def is_complete(self) -> bool:
        """Whether every fold has a score."""
        return self.status is Status.OK

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """Losses of the folds that have a score."""
        scores = [o.scores[self.metric.name] for o in self.outcomes if o.status is Status.OK]
        return np.asarray(self.metric.to_loss(np.array(scores)), dtype=float)

    @property
    def loss(self) -> float:
        """Mean loss over the folds so far; infinite if there is none."""
        scores = [o.scores[self.metric.name] for o in self.outcomes if o.status is Status.OK]
        return float(self.metric.to_loss(fmean(scores))) if scores else math.inf

    @property
    def score(self) -> float:
        """Mean score over the folds so far, in the metric's own direction; NaN if there is none."""
        return float(self.metric.from_loss(self.loss)) if math.isfinite(self.loss) else math.nan

    @property
    def expected_score(self) -> float:
        """The score that all folds would give, as far as is known: on easy folds alone a poor trial looks good."""
        return float(np.clip(self.metric.from_loss(self.loss + self.allowance), *self.metric.bounds))

    @property
    def seconds(self) -> float:
        """Mean seconds of fitting and predicting one fold."""
        known = [o.fit_seconds + o.predict_seconds for o in self.outcomes if o.status is Status.OK]
        return fmean(known) if known else math.nan

    @property
    def message(self) -> str:
        """What went wrong, if anything."""
        return next((o.message for o in self.outcomes if o.message), "")


@dataclass(slots=True)
class Budget:
    """Bound a search."""

    n_trials: int | None = None
    seconds: float | None = None
    started: float = field(default_factory=time.monotonic)
    refit_ratios: Sequence[float] = (1.5,)
    n_slots: int = 1
    reserved: float = 0.5

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def end(self) -> float:
        """When everything has to be over, on the clock of ``time.monotonic``."""
        return math.inf if self.seconds is None else self.started + self.seconds

    def refit_seconds(self, trial: SearchTrial) -> float:
        """Return what fitting a trial's configuration on all rows should take."""
        ratio = self.refit_ratios[min(len(trial.outcomes), len(self.refit_ratios)) - 1]
        return trial.seconds * ratio * _REFIT_MARGIN

    @property
    def left(self) -> float:
        """Seconds until everything has to be over."""
        return self.end - time.monotonic()

    def deadline(self, best: Sequence[SearchTrial]) -> float:
        """Return when the search has to stop so that its best can still be fitted on all rows."""
        if self.seconds is None:
            return math.inf
        wanted = [self.refit_seconds(t) for t in best]
        several = min(sum(wanted) / self.n_slots, _REFIT_SHARE * self.seconds)
        return self.end - self.reserved - max([several, *wanted[:1]])


def search(
    runner: Runner,
    suggest: Callable[[float], Suggestion | None],
    tell: Callable[[SearchTrial], None],
    *,
    metric: Metric,
    n_folds: int,
    budget: Budget,
    interruption: Interruption,
    watch: Callable[[Sequence[SearchTrial]], Any] = len,
) -> list[SearchTrial]:
    """Try suggestions until they, the trials or the time are used up; Ctrl-C ends the search with what there is."""
    return _Search(runner, suggest, tell, metric, n_folds, budget, interruption, watch).run()


@dataclass(slots=True)
class _Search:
    runner: Runner
    suggest: Callable[[float], Suggestion | None]
    tell: Callable[[SearchTrial], None]
    metric: Metric
    n_folds: int
    budget: Budget
    interruption: Interruption
    watch: Callable[[Sequence[SearchTrial]], Any]
    trials: list[SearchTrial] = field(default_factory=list)
    postponed: list[Suggestion] = field(default_factory=list)
    leaders: list[SearchTrial] = field(default_factory=list)  # the best of those that are complete

    def run(self) -> list[SearchTrial]:
        try:
            self._fill()
            while not self.interruption.times and (ended := self.runner.finished()):
                for trial, outcome in ended:
                    self._advance(trial, outcome)
                    self.watch(self.trials)
                self._fill()
        except KeyboardInterrupt:
            if self.interruption.times > 1 or not any(len(t.losses) for t in self.trials):
                raise
        self.runner.cancel()
        for trial in self.trials:
            if trial.status is None:
                self._end(trial, Status.TIMEOUT)
        return self.trials

    @property
    def best(self) -> SearchTrial | None:
        return self.leaders[0] if self.leaders else None

    @property
    def deadline(self) -> float:
        if self.budget.seconds is None:
            return math.inf
        best = nsmallest(_REFIT_TRIALS, self.trials, key=lambda t: t.loss)
        return self.budget.deadline([t for t in best if math.isfinite(t.loss)])

    def _fill(self) -> None:
        while self.runner.has_room and (suggestion := self._next()) is not None:
            trial = SearchTrial(suggestion, self.metric, self.n_folds)
            self.trials.append(trial)
            self._submit(trial)

    def _next(self) -> Suggestion | None:
        if self.budget.n_trials is not None and len(self.trials) >= self.budget.n_trials:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0 and self.trials:
            return None
        for _ in range(_MOST_POSTPONED):
            suggestion = self.suggest(left * self.budget.n_slots / self.n_folds / self._speed)
            if suggestion is None:
                break
            if self._expected(suggestion) <= min(left, self._share_of(suggestion)):
                return suggestion
            self.postponed.append(suggestion)
        self.postponed.sort(key=self._expected, reverse=True)
        cheapest = self.postponed.pop() if self.postponed else None
        return None if cheapest is None or (self.trials and self._expected(cheapest) > left) else cheapest

    def _expected(self, suggestion: Suggestion) -> float:
        """Seconds that a trial should take; 0 if nothing is known."""
        expected = suggestion.expected_seconds * self._speed * self.n_folds
        return expected if math.isfinite(expected) else 0.0

    @property
    def _speed(self) -> float:
        """What fits took so far on this machine, as a multiple of what was expected."""
        pairs = [(t.seconds, t.suggestion.expected_seconds) for t in self.trials]
        known = [pair for pair in pairs if math.isfinite(sum(pair))]
        return sum(measured for measured, _ in known) / sum(expected for _, expected in known) if known else 1.0

    def _share_of(self, suggestion: Suggestion) -> float:
        """Seconds that a trial may take."""
        share = DEFAULT_SHARE if suggestion.origin == DEFAULT else _TRIAL_SHARE
        return math.inf if self.budget.seconds is None else self.budget.seconds * share

    def _submit(self, trial: SearchTrial) -> None:
        fold = len(trial.outcomes)
        most = time.monotonic() + self._share_of(trial.suggestion) - _sum_of_seconds(trial)
        deadline = min(self.deadline, most)
        self.runner.submit(trial, trial.configuration, fold, deadline)

    def _advance(self, trial: SearchTrial, outcome: Outcome) -> None:
        name = trial.metric.name
        if outcome.status is Status.OK and not math.isfinite(outcome.scores.get(name, math.nan)):
            outcome = Outcome(Status.FAILED, f"the {name} of fold {len(trial.outcomes) + 1} is not defined")
        trial.outcomes.append(outcome)
        if outcome.status is not Status.OK:
            self._end(trial, outcome.status)
        elif len(trial.outcomes) == self.n_folds:
            self._end(trial, Status.OK)
        elif self._is_hopeless(trial):
            trial.allowance = self.leaders[0].loss - float(self.leaders[0].losses[: len(trial.losses)].mean())
            self._end(trial, Status.PRUNED)
        elif time.monotonic() >= self.deadline:
            self._end(trial, Status.TIMEOUT)
        else:
            self._submit(trial)

    def _end(self, trial: SearchTrial, status: Status) -> None:
        trial.status, trial.ended = status, self.budget.elapsed
        self.tell(trial)
        if status is Status.OK:
            insort(self.leaders, trial, key=lambda t: t.loss)
        forgotten = self.leaders[_REMEMBERED:] if status in {Status.OK, Status.TIMEOUT} else [trial]
        del self.leaders[_REMEMBERED:]
        for one in forgotten:
            if one is not default_of(self.trials):
                one.outcomes[:] = [replace(outcome, predictions=None) for outcome in one.outcomes]

    def _is_hopeless(self, trial: SearchTrial) -> bool:
        """Whether a trial is behind the best, on the folds it has seen, by more than folds ever differ."""
        best = self.best
        if best is None or trial is default_of(self.trials):
            return False
        seen = len(trial.losses)
        gap = trial.loss - float(best.losses[:seen].mean())
        spread = max(float(best.losses.std(ddof=1)), _LEAST_SPREAD * best.loss)
        return gap > _HOPELESS * spread


def default_of(trials: Sequence[SearchTrial]) -> SearchTrial | None:
    """Return the trial of the default that has to be beaten; None if it was not tried."""
    return next((trial for trial in trials if trial.suggestion.origin == DEFAULT), None)


def _sum_of_seconds(trial: SearchTrial) -> float:
    """Return the seconds that the folds of a trial took so far."""
    return sum(o.fit_seconds + o.predict_seconds for o in trial.outcomes)
