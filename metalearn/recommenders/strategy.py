"""Base of the built-in recommenders: fitting, and putting the answer together."""

import math
import sys
from collections.abc import Collection, Mapping
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommendation import Candidate, Recommendation
from metalearn.recommenders.expectation import Expectation
from metalearn.recommenders.explanation import drivers, evidence, neighbours, notes, places
from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.selection import greedy
from metalearn.recommenders.stand_in import as_expected, without_scores
from metalearn.recommenders.state import Arrays, as_bytes, from_bytes, pack, unpack, within
from metalearn.recommenders.table import PerformanceTable
from metalearn.task import Metric, ProblemType, Task

__all__ = ["Strategy"]

_FILLED = ("working", "completed_regrets")
"""Derived from a table's results by filling in missing ones, which takes long where there are many."""


class Strategy:
    """Fit on past tasks, look at a new one as a posterior, and rank the configurations by it."""

    name: ClassVar[str] = ""
    learns_from_observations: ClassVar[bool] = False

    past_: PastTasks
    expectation_: Expectation

    def __init__(self, *, metric: Metric | None = None, random_state: int = 0) -> None:
        self.metric = metric
        self.random_state = random_state

    def __repr__(self) -> str:
        """Return one readable line."""
        return f"{type(self).__name__}(metric={self.metric and self.metric.name!r}, random_state={self.random_state})"

    def fit(self, kb: KnowledgeBase, *, problem_type: ProblemType | None = None) -> Self:
        """Learn from past tasks of one problem type."""
        table = PerformanceTable.from_knowledge_base(kb, self.metric, problem_type)
        past = PastTasks.fit(table, random_state=self.random_state)
        self.fit_past(past)
        self.expectation_ = Expectation.fit(past, self.posterior)
        return self

    def fit_past(self, past: PastTasks) -> Self:
        """Learn from past tasks that other strategies share."""
        self.past_ = past
        return self

    def posterior(self, query: Query) -> Posterior:
        """Return what is expected of a new task, given the results on it so far."""
        return Posterior(self.past_, query)

    def rank(self, posterior: Posterior) -> list[int]:
        """Order the configurations that may be recommended."""
        return _greedy(posterior.query, posterior.regrets, posterior.weights, posterior.reached)

    def portfolio(self, query: Query, weights: FloatArray) -> list[int]:
        """Choose configurations that complement one another, and those observed, on weighted past tasks."""
        regrets = self.past_.table.completed_regrets
        return _greedy(query, regrets, weights, regrets[:, query.columns].min(axis=1, initial=1.0))

    def within(self, query: Query, order: npt.NDArray[np.intp]) -> list[int]:
        """Return the first configurations of an order that the query allows, each once."""
        columns = [j for j in dict.fromkeys(order.tolist()) if query.allowed[j]]
        if query.time_budget is not None and query.seconds is not None:
            left, kept, seconds = query.time_budget, [], np.nan_to_num(query.seconds)  # unknown seconds may fit
            for j in columns:
                if seconds[j] <= left:
                    kept.append(j)
                    left -= seconds[j]
            columns = kept
        return columns[: query.n]

    def recommend(
        self,
        task: Task,
        meta_features: MetaFeatures,
        *,
        n: int = 10,
        observed: Mapping[str, float] | None = None,
        models: Collection[str] | None = None,
        time_budget: float | None = None,
    ) -> Recommendation:
        """Rank the configurations to be tried next and say what to expect of each; see :class:`Recommender`."""
        losses = self.in_known_metric(task, meta_features, observed or {})
        query = self.query(task, meta_features, n=n, observed=losses, models=models, time_budget=time_budget)
        return self.in_asked_metric(self.answer(task, meta_features, self.posterior(query)))

    def in_known_metric(
        self, task: Task, meta_features: MetaFeatures, losses: Mapping[str, float]
    ) -> Mapping[str, float]:
        """Bring losses of a metric of the user's own onto the scale of the known one that stands in for it."""
        table = self.past_.table
        if not (task.metric.is_own and losses) or table.metric.name == task.metric.name:
            return losses
        weights = self.past_.prior(table.vector(meta_features)).weights
        columns = np.array([table.columns.get(i, -1) for i in losses], dtype=np.intp)
        found = as_expected(np.array(list(losses.values()), dtype=float), columns, table.working, weights)
        unit = table.unit_of(meta_features)
        return dict(zip(losses, (found * (1.0 if np.isnan(unit) else unit)).tolist(), strict=True))

    def in_asked_metric(self, found: Recommendation) -> Recommendation:
        """Take the scores out of an answer in another metric than the one asked for."""
        asked, learned = found.task.metric, self.past_.table.metric
        return without_scores(found, learned) if asked.is_own and learned.name != asked.name else found

    def query(
        self,
        task: Task,
        meta_features: MetaFeatures,
        *,
        n: int,
        observed: Mapping[str, float],
        models: Collection[str] | None = None,
        time_budget: float | None = None,
    ) -> Query:
        """Look at a new task from the past ones; the parameters are those of :meth:`recommend`."""
        table = self.past_.table
        others = [loss for i, loss in observed.items() if i not in table.columns and math.isfinite(loss)]
        return self.past_.query(
            table.vector(meta_features),
            n=n,
            observed={table.columns[i]: loss for i, loss in observed.items() if i in table.columns},
            best=min(others, default=math.inf),
            allowed=table.allowed(models, task.n_rows or sys.maxsize),
            sizes=sizes_of(task),
            unit=table.unit_of(meta_features),
            time_budget=time_budget,
        )

    def answer(self, task: Task, meta_features: MetaFeatures, posterior: Posterior) -> Recommendation:
        """Rank the configurations and say what to expect of each, and why."""
        past, query, table = self.past_, posterior.query, self.past_.table
        columns = self.rank(posterior)
        expected = self.expectation_.expect(posterior, columns)
        seconds = past.cost.predict(sizes_of(task))
        return Recommendation(
            task=task,
            candidates=tuple(
                Candidate(
                    configuration=table.configurations[j],
                    problem_type=table.problem_type,
                    expected_score=float(score),
                    interval=(float(low), float(high)),
                    expected_seconds=float(seconds[j]),
                    expected_improvement=None if math.isnan(query.best) else float(gain),
                    evidence=evidence(past, query, j),
                )
                for j, score, low, high, gain in zip(columns, *expected, strict=True)
            ),
            recommender=self.name,
            novelty=query.novelty,
            neighbours=neighbours(past, query),
            drivers=drivers(past, query),
            meta_features=meta_features.values,
            notes=notes(past, query, task.n_rows),
            places=places(past, query.meta_features, task.name),
        )

    def to_arrays(self) -> Arrays:
        """Return the fitted state as plain arrays."""
        about = {"name": self.name, "metric": self.metric, "random_state": self.random_state}
        parts = {"past": self.past_, "expectation": self.expectation_}
        packed = {f"{part}.{name}": array for part, found in parts.items() for name, array in pack(found).items()}
        del packed["past.table.seconds"]  # the cost model has learned from them
        table = self.past_.table
        filled = {name: getattr(table, name) for name in _FILLED} if np.isnan(table.losses).any() else {}
        return {"about": as_bytes(about)} | packed | filled

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the fitted recommender that :meth:`to_arrays` described."""
        about = from_bytes(arrays["about"])
        unknown = np.broadcast_to(np.nan, arrays["past.table.losses"].shape)  # takes no memory
        past = unpack(PastTasks, {"table.seconds": unknown} | within(arrays, "past"))
        vars(past.table).update({name: arrays[name] for name in _FILLED if name in arrays})
        made = cls(metric=past.table.metric if about["metric"] else None, random_state=about["random_state"])
        made.expectation_ = unpack(Expectation, within(arrays, "expectation"))
        return made.restore(past, arrays)

    def restore(self, past: PastTasks, arrays: Arrays) -> Self:
        """Take over a fitted state."""
        del arrays  # strategies that keep more than the past tasks look here
        return self.fit_past(past)


def _greedy(
    query: Query,
    regrets: npt.NDArray[np.floating],
    weights: FloatArray,
    reached: npt.NDArray[np.floating] | float,
) -> list[int]:
    return greedy(
        regrets,
        weights,
        query.n,
        allowed=query.allowed,
        reached=reached,
        seconds=query.seconds,
        time_budget=query.time_budget,
    )


def sizes_of(task: Task) -> FloatArray:
    """Return rows, features and classes."""
    return np.array([task.n_rows, task.n_features, task.n_classes], dtype=float)
