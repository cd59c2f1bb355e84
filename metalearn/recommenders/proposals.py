"""Go on where the list ends, or has less to offer: propose configurations that nobody ran."""

import math
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures import MetaFeatures
from metalearn.models import get_model
from metalearn.recommendation import Candidate, Recommendation
from metalearn.recommenders.expectation import Expectation
from metalearn.recommenders.joint_space import JointSpace, Points
from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.scale import FloatArray, from_working, log_losses
from metalearn.recommenders.selection import price
from metalearn.recommenders.strategy import Strategy
from metalearn.recommenders.surrogate import Outlook, Surrogate, squared_distances
from metalearn.recommenders.table import PerformanceTable
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType, Task

__all__ = ["FIRST", "NOISE", "Belief", "believe", "keeps_to_list", "neighbourhood", "recommend_beyond", "tempered"]

FIRST = 3
"""So many results are waited for before anything outside the list is proposed."""

CAUTION = 0.5
"""A new point counts this much of what it promises while the list goes on: results of others are surer than a surrogate."""

MOST_NEW = 2 / 3
"""While the list goes on, new points are at most this share of what is tried: a surrogate can be wrong for long."""

NOISE = 1e-3
"""Variance of a result between repetitions, on the log scale."""

_RANDOM = 40
"""Candidates drawn in each family."""

_INCUMBENTS = 5
_NEIGHBOURS = 60
"""Candidates drawn around each of the best configurations so far."""

_OUTLIER = 1.5
_NARROW = 0.05
"""Results beyond the upper quartile by 1.5 times its distance to the best, at least this, count as that far."""

_QUANTILE = 1.2816
"""Of the standard normal distribution, at 90 %."""

_LEAST_SECONDS = 1e-3
"""Whatever takes less counts as taking that."""

_NEAR = 0.01
"""Squared distance within which configurations take the same time."""


def recommend_beyond(
    strategy: Strategy,
    task: Task,
    meta_features: MetaFeatures,
    *,
    n: int = 10,
    tried: Mapping[Configuration, float],
    pending: Collection[Configuration] = (),
    without: Collection[Configuration] = (),
    models: Collection[str],
    time_budget: float | None = None,
    random_state: int = 0,
) -> Recommendation:
    """Rank what to try next, in the list and in the spaces of the families around it; ``without`` is passed over."""
    observed = strategy.in_known_metric(task, meta_features, {c.id: loss for c, loss in tried.items()})
    tried = {configuration: observed[configuration.id] for configuration in tried}
    succeeded = [loss for found, loss in tried.items() if math.isfinite(loss) and found not in pending]
    left_out = {c.id for c in without}
    size = n + sum(name in strategy.past_.table.columns for name in left_out)
    query = strategy.query(task, meta_features, n=size, observed=observed, models=models, time_budget=time_budget)
    posterior = strategy.posterior(query)
    listed = strategy.answer(task, meta_features, posterior)
    listed = replace(listed, candidates=tuple(c for c in listed.candidates if c.configuration.id not in left_out))
    if not succeeded:  # nothing to improve on: all that is known are expected results of what runs
        listed = replace(listed, candidates=tuple(replace(c, expected_improvement=None) for c in listed.candidates))
    if len(succeeded) < FIRST and listed.candidates:
        return strategy.in_asked_metric(replace(listed, candidates=listed.candidates[:n]))
    field = _Field.around(strategy, task, posterior, tried, tuple(models), random_state)
    field.known |= left_out
    ahead = list(listed.candidates)
    left = math.inf if time_budget is None else time_budget
    merged: list[Candidate] = []
    while len(merged) < n:
        ahead = [c for c in ahead if not c.expected_seconds > left]
        row = field.best(left)
        if not ahead and row is None:
            break
        if row is None or (ahead and field.prefers(ahead[0], row, left)):
            merged.append(ahead.pop(0))
        else:
            merged.append(field.take(row))
        field.count(merged[-1])
        left -= np.nan_to_num(merged[-1].expected_seconds)
    if not succeeded:  # nothing to improve on
        merged = [replace(c, expected_improvement=None) for c in merged]
    return strategy.in_asked_metric(replace(listed, candidates=tuple(merged)))


@dataclass(frozen=True, eq=False)
class Belief:
    """Hold what is believed of a new task when some configurations were tried on it."""

    unit: float
    least: float
    gains: FloatArray
    surrogate: Surrogate
    leaders: Points


def believe(posterior: Posterior, tried: Mapping[Configuration, float], space: JointSpace) -> Belief:
    """Combine results, of the list or not, with the posterior of the rest of the list."""
    query, table = posterior.query, posterior.past.table
    members, weights = posterior.losses, posterior.weights
    losses = np.array(list(tried.values()), dtype=float)
    unit = query.unit if math.isfinite(query.unit) else float(np.median(losses[np.isfinite(losses)]))
    values = tempered(log_losses(losses, unit))
    here = np.array([space.holds(c) for c in tried], dtype=bool)
    told = space.encode([c for c, inside in zip(tried, here, strict=True) if inside])
    # before the first result in the list, its level on this task is not known, and would mislead
    listed = table.configurations if len(query.columns) else ()
    open_ = [j for j, c in enumerate(listed) if c not in tried and space.holds(c)]
    expected = weights @ members[:, open_]
    scatter = weights @ (members[:, open_] - expected) ** 2
    known = Points.join([told, space.encode([listed[j] for j in open_])])
    variances = np.r_[np.zeros(len(told)), scatter] + NOISE
    surrogate = Surrogate.fit(known.family, space.embed(known), np.r_[values[here], expected], variances)
    least = float(values.min()) if len(values) else surrogate.level
    return Belief(
        unit=unit,
        least=least,
        gains=posterior.improvements if len(values) else weights @ np.maximum(least - members, 0.0),
        surrogate=surrogate,
        leaders=told.take(np.argsort(values[here], kind="stable")[:_INCUMBENTS]),
    )


def keeps_to_list(gain: float, worth: float, *, n_new: int, n_tried: int) -> bool:
    """Tell whether the next member of the list comes before a new point."""
    return n_new > MOST_NEW * n_tried or gain >= CAUTION * worth


def tempered(values: FloatArray) -> FloatArray:
    """Bring in results that are far worse than the others: they would make all others look alike."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros(len(values))
    upper = float(np.quantile(finite, 0.75))
    most = min(upper + _OUTLIER * max(upper - float(finite.min()), _NARROW), float(finite.max()))
    return np.fmin(values, most)


def neighbourhood(
    space: JointSpace, leaders: Points, generator: np.random.Generator, *, n_random: int = _RANDOM
) -> Points:
    """Draw candidates everywhere, and more of them around the best so far."""
    everywhere = space.random(n_random, generator)
    if not len(leaders):
        return everywhere
    return Points.join([everywhere, space.near(leaders, _NEIGHBOURS, generator)])


@lru_cache(maxsize=16)
def _joint_space(problem_type: ProblemType, models: tuple[str, ...]) -> JointSpace:
    return JointSpace({name: get_model(name).spaces[problem_type] for name in models})


@lru_cache(maxsize=4)
def _listed(
    space: JointSpace, table: PerformanceTable
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
    """Return the members of the list that have a place in a space, their families and their coordinates."""
    columns = np.array([j for j, c in enumerate(table.configurations) if space.holds(c)], dtype=np.intp)
    points = space.encode([table.configurations[j] for j in columns])
    return columns, points.family, space.embed(points)


@dataclass(slots=True, eq=False)
class _Field:
    """What is expected of the list's members and of candidates for new points, as more and more are chosen."""

    task: Task
    metric: Metric
    expectation: Expectation
    unit: float
    gains: dict[str, float]  # of the list's members, by id
    space: JointSpace
    points: Points
    outlook: Outlook
    seconds: FloatArray
    least: float
    known: set[str]
    open_: npt.NDArray[np.bool_]
    worth: FloatArray
    n_tried: int
    n_new: int

    @classmethod
    def around(  # noqa: PLR0917 - called once, above
        cls,
        strategy: Strategy,
        task: Task,
        posterior: Posterior,
        tried: Mapping[Configuration, float],
        models: tuple[str, ...],
        random_state: int,
    ) -> Self:
        past = strategy.past_
        table, space = past.table, _joint_space(past.table.problem_type, models)
        known = believe(posterior, {c: loss for c, loss in tried.items() if not math.isnan(loss)}, space)
        points = neighbourhood(space, known.leaders, np.random.default_rng([random_state, len(tried)]))
        where = space.embed(points)
        listed, families, places = _listed(space, table)
        seconds = past.cost.predict(np.array([task.n_rows, task.n_features, task.n_classes], dtype=float))[listed]
        return cls(
            task=task,
            metric=table.metric,
            expectation=strategy.expectation_,
            unit=known.unit,
            gains={c.id: float(gain) for c, gain in zip(table.configurations, known.gains, strict=True)},
            space=space,
            points=points,
            outlook=known.surrogate.look(points.family, where),
            seconds=_seconds(families, places, seconds, points.family, where),
            least=known.least,
            known={c.id for c in (*tried, *table.configurations)},
            open_=np.ones(len(points), dtype=bool),
            worth=np.empty(0),
            n_tried=len(tried),
            n_new=sum(c.id not in table.columns for c in tried),
        )

    def best(self, left: float) -> int | None:
        """Return the candidate that is worth most, if any fits into the seconds left."""
        self.worth = self.outlook.improvement(self.least) / price(self.seconds, left)
        self.open_ &= ~(self.seconds > left)
        while self.open_.any():
            row = int(np.where(self.open_, self.worth, -1.0).argmax())
            configuration = self.space.decode(self.points, row)
            suits = get_model(configuration.model).suits(configuration, self.task.n_rows or sys.maxsize)
            if suits and configuration.id not in self.known:
                return row
            self.open_[row] = False
        return None

    def prefers(self, candidate: Candidate, row: int, left: float) -> bool:
        """Tell whether a member of the list comes before a new point."""
        gain = self.gains[candidate.configuration.id] / float(price(np.array(candidate.expected_seconds), left))
        return keeps_to_list(gain, float(self.worth[row]), n_new=self.n_new, n_tried=self.n_tried)

    def count(self, candidate: Candidate) -> None:
        """Take note of what is to be tried next."""
        self.n_tried += 1
        self.n_new += candidate.configuration.id not in self.gains

    def take(self, row: int) -> Candidate:
        """Choose a candidate; its result is taken to be as expected from now on."""
        configuration = self.space.decode(self.points, row)
        mean, deviation = self.outlook.mean[row], math.sqrt(self.outlook.variance[row] + NOISE)
        reach = _QUANTILE * deviation
        losses = from_working(np.array([mean, mean - reach, mean + reach]), self.unit)
        metric = self.metric
        if self.task.problem_type.is_classification and metric.greater_is_better:
            losses = np.minimum(losses, metric.optimum)
        score, *ends = metric.from_loss(losses).tolist()
        gain = self.outlook.improvement(self.least)[row]
        self.known.add(configuration.id)
        self.outlook = self.outlook.believe(row)
        return Candidate(
            configuration=configuration,
            problem_type=self.task.problem_type,
            expected_score=score,
            interval=(min(ends), max(ends)),
            expected_seconds=float(self.seconds[row]),
            expected_improvement=float(self.expectation.improvement(gain, self.least, self.n_tried, self.unit)),
        )


def _seconds(
    family: npt.NDArray[np.intp],
    places: FloatArray,
    seconds: FloatArray,
    new_family: npt.NDArray[np.intp],
    new_places: FloatArray,
) -> FloatArray:
    """Return what new points should take: like the members of the list in their family, the nearest counting most."""
    found = np.full(len(new_family), np.nan)
    logs = np.log(np.maximum(seconds, _LEAST_SECONDS))
    for one in np.unique(new_family):
        new, listed = new_family == one, (family == one) & np.isfinite(seconds)
        if listed.any():
            weights = 1 / (squared_distances(new_places[new], places[listed]) + _NEAR)
            found[new] = np.exp(weights @ logs[listed] / weights.sum(axis=1))
    return found
