"""What every store can do."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

from metalearn._version import __version__
from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.search import PastTask, search
from metalearn.metafeatures import MetaFeatures
from metalearn.task import Task

__all__ = ["SourceInfo", "Store", "StoreInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Say what one source has added to a store.

    Parameters
    ----------
    source : str
        The label.
    tools : tuple of str
        What made the records, in alphabetical order.
    n_tasks, n_evaluations : int
        How many tasks and evaluations it has recorded.
    first, last : str
        When its oldest and newest records were added, in UTC.
    """

    source: str
    tools: tuple[str, ...]
    n_tasks: int
    n_evaluations: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """Say what a store holds.

    Parameters
    ----------
    url : str
        The address, without a password.
    schema_version : int
        Version of the tables.
    n_tasks, n_configurations, n_evaluations : int
        How much is stored; what several sources recorded alike counts for each of them.
    n_bytes : int
        Size on disk.
    sources : tuple of SourceInfo
        Who added what, in alphabetical order.
    """

    url: str
    schema_version: int
    n_tasks: int
    n_configurations: int
    n_evaluations: int
    n_bytes: int
    sources: tuple[SourceInfo, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain values.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return asdict(self)


@runtime_checkable
class Store(Protocol):
    """Keep knowledge: add to it idempotently, read it, search it, and take a source back."""

    source: str
    tool: str

    def read(self, *, source: str | None = None) -> KnowledgeBase:
        """Return everything that is stored.

        Parameters
        ----------
        source : str or None, default=None
            Only what this source recorded; None reads everything, and of what several sources recorded the newest
            counts.

        Returns
        -------
        KnowledgeBase
            In memory; empty if nothing was ever stored.

        Raises
        ------
        KnowledgeBaseError
            If the store is damaged, cannot be used, or is of a newer schema.
        """
        ...

    def write(self, knowledge: KnowledgeBase, *, source: str | None = None, tool: str | None = None) -> None:
        """Add everything that a knowledge base knows.

        Parameters
        ----------
        knowledge : KnowledgeBase
            What to add; what is stored already is superseded. Records that say who made them keep it.
        source : str or None, default=None
            Label of the other records; default: the store's.
        tool : str or None, default=None
            What made the other records; default: the store's.

        Raises
        ------
        InvalidInputError
            If a record cannot be stored; then nothing is.
        KnowledgeBaseError
            If the store cannot be used.
        """
        ...

    def append(
        self,
        task: Task,
        meta_features: MetaFeatures | None,
        evaluations: Iterable[Evaluation],
        *,
        source: str | None = None,
        tool: str | None = None,
    ) -> None:
        """Add what was learned about one task.

        Parameters
        ----------
        task : Task
            The task.
        meta_features : MetaFeatures or None
            Its meta-features, if they were computed.
        evaluations : iterable of Evaluation
            The results; those stored already are not repeated.
        source : str or None, default=None
            Who adds them; default: the store's label.
        tool : str or None, default=None
            What made them; default: the store's.
        """
        ...

    def delete(self, *, source: str | None = None, task: str | None = None) -> int:
        """Take back what a source recorded, or everything about a task; all else stays.

        Parameters
        ----------
        source : str or None, default=None
            Only what this source recorded; None what anybody did.
        task : str or None, default=None
            Only what is about the task of this id, also where the same data was recorded under others; None what is about any.

        Returns
        -------
        int
            How many evaluations were deleted.

        Raises
        ------
        InvalidInputError
            If neither is named.
        """
        ...

    def search(
        self, words: str = "", *, like: Dataset | MetaFeatures | str | None = None, n: int = 10
    ) -> tuple[PastTask, ...]:
        """Find past tasks by words or by likeness, with what won there and how sure that is.

        Parameters
        ----------
        words : str, default=""
            What to look for, such as ``"imbalanced binary 10k rows"``.
        like : Dataset, MetaFeatures, str or None, default=None
            A table, its meta-features, or the id of a stored task that the found ones shall resemble.
        n : int, default=10
            How many tasks at most.

        Returns
        -------
        tuple of PastTask
            The best match first.
        """
        ...

    def info(self) -> StoreInfo:
        """Say what is stored, and who added it.

        Returns
        -------
        StoreInfo
            Counts, size and sources.
        """
        ...


class StoreMethods(Store):
    """Hold the methods that all stores share."""

    def __init__(self, source: str, tool: str | None, *, keep_names: bool) -> None:
        self.source = source
        self.tool = f"metalearn {__version__}" if tool is None else tool
        self.keep_names = keep_names

    def append(
        self,
        task: Task,
        meta_features: MetaFeatures | None,
        evaluations: Iterable[Evaluation],
        *,
        source: str | None = None,
        tool: str | None = None,
    ) -> None:
        task.require_known_data()
        found = {task.id: meta_features} if meta_features is not None else {}
        try:
            knowledge = KnowledgeBase.from_records([task], found, evaluations)
        except UnicodeEncodeError as error:
            message = f"A text cannot be stored: {error}. Expected valid Unicode. Clean it."
            raise InvalidInputError(message) from error
        self.write(knowledge, source=source, tool=tool)

    def problems(self) -> list[str]:
        """List what is wrong with the files of the store, beyond what reading tells."""
        return []

    def search(
        self, words: str = "", *, like: Dataset | MetaFeatures | str | None = None, n: int = 10
    ) -> tuple[PastTask, ...]:
        return search(self.read(), words, like=like, n=n)
