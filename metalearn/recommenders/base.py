"""What every recommender can do."""

from collections.abc import Collection, Mapping
from typing import Protocol, Self, runtime_checkable

from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommendation import Recommendation
from metalearn.task import Task

__all__ = ["Recommender"]


@runtime_checkable
class Recommender(Protocol):
    """Learn from past tasks what to try first on a new one."""

    def fit(self, kb: KnowledgeBase) -> Self:
        """Learn from past tasks of one problem type.

        Parameters
        ----------
        kb : KnowledgeBase
            All that the recommender will know.

        Returns
        -------
        Recommender
            Itself.
        """
        ...

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
        """Rank the configurations to be tried next.

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
            Seconds that fitting each candidate once may take in all; None sets no limit.

        Returns
        -------
        Recommendation
            Candidates that were not observed, in the order in which they should be tried.
        """
        ...
