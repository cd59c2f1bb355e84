"""What every store can do."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from metalearn.evaluation import Evaluation
from metalearn.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.task import Task

__all__ = ["Store"]


@runtime_checkable
class Store(Protocol):
    """Keep knowledge: read it whole, add to it idempotently."""

    def read(self) -> KnowledgeBase:
        """Return everything that is stored.

        Returns
        -------
        KnowledgeBase
            In memory.
        """
        ...

    def write(self, knowledge: KnowledgeBase) -> None:
        """Add everything that a knowledge base knows.

        Parameters
        ----------
        knowledge : KnowledgeBase
            What to add; what is stored already is not repeated.
        """
        ...

    def append(self, task: Task, meta_features: MetaFeatures | None, evaluations: Iterable[Evaluation]) -> None:
        """Add what was learned about one task.

        Parameters
        ----------
        task : Task
            The task.
        meta_features : MetaFeatures or None
            Its meta-features, if they were computed.
        evaluations : iterable of Evaluation
            The results; those stored already are not repeated.
        """
        ...
