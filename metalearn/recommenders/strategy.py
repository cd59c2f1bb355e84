"""What the built-in recommenders share: fitting, and putting the answer together."""

import math
import sys
from collections.abc import Collection, Mapping
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from metalearn.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommendation import Candidate, Neighbour, Recommendation
from metalearn.recommenders.expectation import Expectation
from metalearn.recommenders.landscape import places
from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.selection import greedy
from metalearn.recommenders.stand_in import as_expected, without_scores
from metalearn.recommenders.state import Arrays, as_bytes, from_bytes, pack, unpack, within
from metalearn.recommenders.table import PerformanceTable
from metalearn.task import Metric, ProblemType, Task

__all__ = ["Strategy"]

_FILLED = ("working", "completed_regrets")
"""What a table derives from its results by filling in what was not run, which takes long where much is known."""

_NEIGHBOURS = 10
_EVIDENCE = 3
_DRIVERS = 8


class Strategy:
    """Fit on past tasks and answer; what is tried first is up to the subclass.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.

    Attributes
    ----------
    past_ : PastTasks
        What was learned of the past tasks.
    expectation_ : Expectation
        How wide intervals have to be.
    """

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
        """Learn from past tasks of one problem type.

        Parameters
        ----------
        kb : KnowledgeBase
            All that the recommender will know.
        problem_type : ProblemType or None, default=None
            The kind of problem that is asked about, if the knowledge base holds a related kind as well.

        Returns
        -------
        Strategy
            Itself.
        """
        table = PerformanceTable.from_knowledge_base(kb, self.metric, problem_type)
        past = PastTasks.fit(table, random_state=self.random_state)
        self.expectation_ = Expectation.fit(past)
        return self.fit_past(past)

    def fit_past(self, past: PastTasks) -> Self:
        """Learn from past tasks that other strategies share.

        Parameters
        ----------
        past : PastTasks
            What was learned of them already.

        Returns
        -------
        Strategy
            Itself, able to rank.
        """
        self.past_ = past
        return self

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task and what was observed on it.

        Returns
        -------
        list of int
            Columns, best first.
        """
        raise NotImplementedError

    def restore(self, past: PastTasks, arrays: Arrays) -> Self:
        """Take over a fitted state.

        Parameters
        ----------
        past : PastTasks
            What was learned of the past tasks.
        arrays : dict of str to ndarray
            What :meth:`to_arrays` returned.

        Returns
        -------
        Strategy
            Itself.
        """
        del arrays  # strategies that keep more than the past tasks look here
        return self.fit_past(past)

    def within(self, query: Query, order: npt.NDArray[np.intp]) -> list[int]:
        """Return the first configurations of an order that the query allows, each once.

        Parameters
        ----------
        query : Query
            The new task.
        order : ndarray of int
            Columns, best first; repeats are dropped.

        Returns
        -------
        list of int
            At most as many columns as were asked for, within the time budget.
        """
        columns = [j for j in dict.fromkeys(order.tolist()) if query.allowed[j]]
        if query.time_budget is not None and query.seconds is not None:
            left, kept, seconds = query.time_budget, [], np.nan_to_num(query.seconds)  # what is not known may fit
            for j in columns:
                if seconds[j] <= left:
                    kept.append(j)
                    left -= seconds[j]
            columns = kept
        return columns[: query.n]

    def choose(
        self,
        query: Query,
        regrets: npt.NDArray[np.floating],
        weights: FloatArray,
        *,
        reached: npt.NDArray[np.floating] | float = 1.0,
    ) -> list[int]:
        """Return configurations that complement one another and what was observed, within what the query allows.

        Parameters
        ----------
        query : Query
            The new task.
        regrets : ndarray of shape (n_members, n_configurations)
            Regret of each configuration under each hypothesis about the new task.
        weights : ndarray of shape (n_members,)
            How likely each hypothesis is.
        reached : ndarray of shape (n_members,) or float, default=1.0
            Regret that was reached already.

        Returns
        -------
        list of int
            Columns, best first.
        """
        return greedy(
            regrets,
            weights,
            query.n,
            allowed=query.allowed,
            reached=reached,
            seconds=query.seconds,
            time_budget=query.time_budget,
        )

    def choose_from_past(self, query: Query, weights: FloatArray) -> list[int]:
        """Return configurations that complement one another, and those observed, on weighted past tasks.

        Parameters
        ----------
        query : Query
            The new task.
        weights : ndarray of shape (n_tasks,)
            How much each past task counts.

        Returns
        -------
        list of int
            Columns, best first.
        """
        regrets = self.past_.table.completed_regrets
        reached = regrets[:, query.columns].min(axis=1, initial=1.0)
        return self.choose(query, regrets, weights, reached=reached)

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
        """Rank the configurations to be tried next and say what to expect of each.

        Parameters
        ----------
        task : Task
            The new task, with its metric.
        meta_features : MetaFeatures
            What was measured of its table.
        n : int, default=10
            How many candidates at most.
        observed : mapping of str to float or None, default=None
            Losses of configurations tried on the task already, by configuration id (infinity for a failure).
        models : collection of str or None, default=None
            Model families that may be recommended; None allows all.
        time_budget : float or None, default=None
            Seconds that the whole list may take; None sets no limit.

        Returns
        -------
        Recommendation
            Candidates that were not observed, in the order in which they should be tried.
        """
        told = self.translated(task, meta_features, observed or {})
        query = self.look(task, meta_features, n=n, observed=told, models=models, time_budget=time_budget)
        succeeded = [loss for loss in told.values() if np.isfinite(loss)]
        return self.as_asked(self.answer(task, meta_features, query, least=min(succeeded, default=np.nan)))

    def translated(self, task: Task, meta_features: MetaFeatures, losses: Mapping[str, float]) -> Mapping[str, float]:
        """Bring losses of a metric of the user's own onto the scale of the one that stands in for it.

        Parameters
        ----------
        task : Task
            The new task, with its metric.
        meta_features : MetaFeatures
            What was measured of its table.
        losses : mapping of str to float
            By configuration id; infinity for a failure, NaN for what is expected.

        Returns
        -------
        mapping of str to float
            The same where past tasks have the metric.
        """
        table = self.past_.table
        if not (task.metric.is_own and losses) or table.metric.name == task.metric.name:
            return losses
        weights = self.past_.prior(table.vector(meta_features)).weights
        columns = np.array([table.columns.get(i, -1) for i in losses], dtype=np.intp)
        found = as_expected(np.array(list(losses.values()), dtype=float), columns, table.working, weights)
        unit = table.unit_of(meta_features)
        return dict(zip(losses, (found * (1.0 if np.isnan(unit) else unit)).tolist(), strict=True))

    def as_asked(self, found: Recommendation) -> Recommendation:
        """Take the scores out of an answer that was learned from another metric than the one asked for.

        Parameters
        ----------
        found : Recommendation
            What :meth:`answer` returned.

        Returns
        -------
        Recommendation
            The same where past tasks have the metric; else the order of candidates without scores, and a note that says so.
        """
        asked, learned = found.task.metric, self.past_.table.metric
        return without_scores(found, learned) if asked.is_own and learned.name != asked.name else found

    def look(
        self,
        task: Task,
        meta_features: MetaFeatures,
        *,
        n: int,
        observed: Mapping[str, float],
        models: Collection[str] | None = None,
        time_budget: float | None = None,
    ) -> Query:
        """Look at a new task from the past ones; the parameters are those of :meth:`recommend`.

        Parameters
        ----------
        task : Task
            The new task, with its metric.
        meta_features : MetaFeatures
            What was measured of its table.
        n : int
            How many candidates at most.
        observed : mapping of str to float
            Losses of configurations tried on the task already, by configuration id; unknown ones are passed over.
        models : collection of str or None, default=None
            Model families that may be recommended; None allows all.
        time_budget : float or None, default=None
            Seconds that the whole list may take; None sets no limit.

        Returns
        -------
        Query
            What :meth:`rank` and :meth:`answer` take.
        """
        table = self.past_.table
        return self.past_.query(
            table.vector(meta_features),
            n=n,
            observed={table.columns[i]: loss for i, loss in observed.items() if i in table.columns},
            allowed=table.allowed(models, task.n_rows or sys.maxsize),
            sizes=_sizes(task),
            unit=table.unit_of(meta_features),
            time_budget=time_budget,
        )

    def answer(
        self, task: Task, meta_features: MetaFeatures, query: Query, *, least: float = math.nan
    ) -> Recommendation:
        """Rank the configurations that a query allows and say what to expect of each.

        Parameters
        ----------
        task : Task
            The new task, with its metric.
        meta_features : MetaFeatures
            What was measured of its table.
        query : Query
            What :meth:`look` returned.
        least : float, default=nan
            The smallest loss so far, also of configurations that nobody had run; NaN before there is one.

        Returns
        -------
        Recommendation
            Candidates that were not observed, in the order in which they should be tried.
        """
        table = self.past_.table
        columns = self.rank(query)
        expected = self.expectation_.expect(self.past_, query, columns, least=least)
        seconds = self.past_.cost.predict(_sizes(task))
        return Recommendation(
            task=task,
            candidates=tuple(
                Candidate(
                    configuration=table.configurations[j],
                    problem_type=table.problem_type,
                    expected_score=float(score),
                    interval=(float(low), float(high)),
                    expected_seconds=float(seconds[j]),
                    expected_improvement=None if math.isnan(least) else float(gain),
                    evidence=self._evidence(query, j),
                )
                for j, score, low, high, gain in zip(columns, *expected, strict=True)
            ),
            recommender=self.name,
            novelty=query.novelty,
            neighbours=self._neighbours(query),
            drivers=self._drivers(query),
            meta_features=meta_features.values,
            notes=self._notes(query),
            places=places(self.past_, query.meta_features, task.name),
        )

    def to_arrays(self) -> Arrays:
        """Return the fitted state as plain arrays.

        Returns
        -------
        dict of str to ndarray
            For :meth:`from_arrays`.
        """
        about = {"name": self.name, "metric": self.metric, "random_state": self.random_state}
        parts = {"past": self.past_, "expectation": self.expectation_}
        packed = {f"{part}.{name}": array for part, found in parts.items() for name, array in pack(found).items()}
        del packed["past.table.seconds"]  # the cost model has learned from them
        table = self.past_.table
        filled = {name: getattr(table, name) for name in _FILLED} if np.isnan(table.losses).any() else {}
        return {"about": as_bytes(about)} | packed | filled

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the fitted recommender that :meth:`to_arrays` described.

        Parameters
        ----------
        arrays : dict of str to ndarray
            Its state.

        Returns
        -------
        Strategy
            Ready to recommend.
        """
        about = from_bytes(arrays["about"])
        unknown = np.broadcast_to(np.nan, arrays["past.table.losses"].shape)  # takes no memory
        past = unpack(PastTasks, {"table.seconds": unknown} | within(arrays, "past"))
        vars(past.table).update({name: arrays[name] for name in _FILLED if name in arrays})
        made = cls(metric=past.table.metric if about["metric"] else None, random_state=about["random_state"])
        made.expectation_ = unpack(Expectation, within(arrays, "expectation"))
        return made.restore(past, arrays)

    def _evidence(self, query: Query, column: int) -> tuple[str, ...]:
        """Name the past tasks that count most among those where the configuration did well."""
        table = self.past_.table
        known = ~np.isnan(table.losses[:, column])
        support = query.weights * known * (1 - table.completed_regrets[:, column])
        return tuple(table.task_names[i] for i in np.argsort(-support)[:_EVIDENCE])

    def _neighbours(self, query: Query) -> tuple[Neighbour, ...]:
        table = self.past_.table
        distances = self.past_.novelty.distances_to(query.meta_features)
        distances = np.where(self.past_.comparable(query.meta_features), distances, np.nan)
        found = []
        for i in np.lexsort((distances, -query.weights))[:_NEIGHBOURS]:
            best = int(np.nanargmin(table.losses[i]))
            found.append(
                Neighbour(
                    task_id=table.task_ids[i],
                    name=table.task_names[i],
                    weight=float(query.weights[i]),
                    distance=float(distances[i]),
                    n_rows=int(table.sizes[i, 0]),
                    n_features=int(table.sizes[i, 1]),
                    best=table.configurations[best],
                    best_score=float(table.metric.from_loss(table.losses[i, best])),
                )
            )
        return tuple(found)

    def _drivers(self, query: Query) -> dict[str, float]:
        """Share of each meta-feature: what the forest asks about, where neighbours agree more than tasks do at large."""
        novelty = self.past_.novelty
        gaps = (novelty.points - novelty.standardise(query.meta_features)) ** 2
        agreement = np.maximum(gaps.mean(axis=0) - query.weights @ gaps, 0) * self.past_.similarity.importance
        share = agreement / max(float(agreement.sum()), 1e-12)
        names = self.past_.table.meta_feature_names
        return {names[j]: float(share[j]) for j in np.argsort(-share)[:_DRIVERS] if share[j] > 0}

    def _notes(self, query: Query) -> tuple[str, ...]:
        metric = self.past_.table.metric.name
        if np.isnan(query.unit):
            return (f"No {metric} can be predicted: the meta-feature target_std, its unit, was not measured.",)
        return ()


def _sizes(task: Task) -> FloatArray:
    return np.array([task.n_rows, task.n_features, task.n_classes], dtype=float)
