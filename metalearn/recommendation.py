"""The answer: ranked configurations, what to expect of each, and the past tasks that say so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, overload

import pandas as pd

from metalearn._files import write_text
from metalearn.exceptions import InvalidInputError
from metalearn.models import get_model
from metalearn.report import (
    Text,
    compact_json,
    compact_recommendation,
    recommendation_fragment,
    recommendation_page,
    recommendation_text,
    to_json,
    training_script,
    versioned,
)
from metalearn.space import Configuration, ParamValue
from metalearn.table.schema import Schema
from metalearn.task import ProblemType, Task

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["Candidate", "Neighbour", "Recommendation", "TaskPosition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Recommend one configuration and say what to expect of it.

    Parameters
    ----------
    configuration : Configuration
        Model family and parameters.
    problem_type : ProblemType
        The kind of problem it is recommended for.
    expected_score : float
        In the metric's own direction, cross-validated; NaN where nothing is known.
    interval : tuple of (float, float)
        80 % interval of the score, lower end first.
    expected_seconds : float
        Seconds of one fit on one thread; NaN where nothing is known.
    expected_improvement : float or None, default=None
        By how much it is expected to improve on the best score so far, in units of the metric and at least 0: the mean
        over what may happen, of which most is no improvement. None before there is a score.
    evidence : tuple of str, default=()
        Names of the past tasks that speak for it, the weightiest first.
    schema : Schema or None, default=None
        How the columns of the table are read by what :meth:`build` returns; not written by :meth:`to_dict`.
    """

    configuration: Configuration
    problem_type: ProblemType
    expected_score: float
    interval: tuple[float, float]
    expected_seconds: float
    expected_improvement: float | None = None
    evidence: tuple[str, ...] = ()
    schema: Schema | None = field(default=None, compare=False, repr=False)

    @property
    def model(self) -> str:
        """Name of the model family."""
        return self.configuration.model

    @property
    def changes(self) -> dict[str, ParamValue]:
        """The parameters that differ from the family's default, by name."""
        default = get_model(self.model).defaults[self.problem_type]
        missing = object()
        return {k: v for k, v in self.configuration.params.items() if default.get(k, missing) != v}

    def build(self, *, random_state: int = 0, n_jobs: int | None = None) -> "Pipeline":
        """Return the unfitted pipeline of preprocessing and estimator.

        Parameters
        ----------
        random_state : int, default=0
            Seed of the estimator.
        n_jobs : int or None, default=None
            Threads of the estimator, where it takes any; None means 1, as in scikit-learn, and -1 all cores.

        Returns
        -------
        Pipeline
            Takes any DataFrame with the columns it is fitted on.

        Raises
        ------
        MissingExtraError
            If the family's package is not installed.
        """
        spec = get_model(self.model)
        return spec.build(
            self.configuration, self.problem_type, random_state=random_state, n_jobs=n_jobs, schema=self.schema
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as plain values.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return {
            "configuration": self.configuration.to_dict(),
            "problem_type": str(self.problem_type),
            "expected_score": self.expected_score,
            "interval": list(self.interval),
            "expected_seconds": self.expected_seconds,
            "expected_improvement": self.expected_improvement,
            "evidence": list(self.evidence),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the candidate that :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            Plain values.

        Returns
        -------
        Candidate
            An equal candidate.
        """
        low, high = values["interval"]
        return cls(
            configuration=Configuration.from_dict(values["configuration"]),
            problem_type=ProblemType(values["problem_type"]),
            expected_score=values["expected_score"],
            interval=(low, high),
            expected_seconds=values["expected_seconds"],
            expected_improvement=values.get("expected_improvement"),
            evidence=tuple(values["evidence"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Describe a past task that resembles the new one."""

    task_id: str
    name: str
    weight: float
    distance: float
    n_rows: int
    n_features: int
    best: Configuration
    best_score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the neighbour as plain values."""
        return {f: getattr(self, f) for f in self.__slots__ if f != "best"} | {"best": self.best.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the neighbour that :meth:`to_dict` wrote."""
        return cls(**{**values, "best": Configuration.from_dict(values["best"])})


@dataclass(frozen=True, slots=True)
class TaskPosition:
    """Place a task on a map on which alike tasks lie near each other."""

    name: str
    x: float
    y: float
    best: str = ""


@dataclass(frozen=True)
class Recommendation:
    """Hold ranked candidates for a task and everything that explains them.

    Parameters
    ----------
    task : Task
        The task, with the metric that was asked for.
    candidates : tuple of Candidate
        The configurations to try, in this order.
    recommender : str
        Name of the strategy that made the list.
    novelty : float, default=nan
        0 = seen often, 1 = unlike anything known; NaN if no past task has meta-features enough to be compared with.
    neighbours : tuple of Neighbour, default=()
        The past tasks that count most, the weightiest first.
    drivers : mapping of str to float, default={}
        Meta-features that made the nearest tasks near, with their shares.
    meta_features : mapping of str to float, default={}
        What was measured of the table.
    notes : tuple of str, default=()
        What the reader should know: findings of the data checks, families left out, and so on.
    places : tuple of TaskPosition, default=()
        The map that reports draw: this task first, then the past ones. It is no part of ``to_dict``.
    file, target : str, default="", "target"
        Where the table is, if it was read from a file, and what its target column is called; :meth:`to_code` reads it from
        there.
    categorical : tuple of str, default=()
        Columns that are categorical whatever they look like.
    reading : mapping, default={}
        Further arguments with which the file was read.
    """

    task: Task
    candidates: tuple[Candidate, ...]
    recommender: str
    novelty: float = float("nan")
    neighbours: tuple[Neighbour, ...] = ()
    drivers: Mapping[str, float] = field(default_factory=dict)
    meta_features: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    places: tuple[TaskPosition, ...] = field(default=(), compare=False, repr=False)
    file: str = ""
    target: str = "target"
    categorical: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "drivers", MappingProxyType(dict(self.drivers)))
        object.__setattr__(self, "meta_features", MappingProxyType(dict(self.meta_features)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by constructor arguments: a mapping proxy does not pickle."""
        values = {f: getattr(self, f) for f in self.__dataclass_fields__}
        plain = [dict(v) if isinstance(v, MappingProxyType) else v for v in values.values()]
        return type(self), tuple(plain)

    def __len__(self) -> int:
        """Count the candidates."""
        return len(self.candidates)

    def __iter__(self) -> Iterator[Candidate]:
        """Iterate over the candidates in order."""
        return iter(self.candidates)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, index: int | slice) -> Candidate | tuple[Candidate, ...]:
        """Return the candidate at a rank, counted from 0."""
        return self.candidates[index]

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """The configurations in order."""
        return tuple(candidate.configuration for candidate in self.candidates)

    def to_frame(self) -> pd.DataFrame:
        """Return the candidates as a table.

        Returns
        -------
        DataFrame of shape (n_candidates, 6)
            Indexed by rank from 1: ``model``, ``changes``, ``expected_score``, ``low``, ``high``, ``expected_seconds``.
        """
        rows = [
            {
                "model": c.model,
                "changes": ", ".join(f"{k}={v}" for k, v in c.changes.items()),
                "expected_score": c.expected_score,
                "low": c.interval[0],
                "high": c.interval[1],
                "expected_seconds": c.expected_seconds,
            }
            for c in self.candidates
        ]
        columns = ["model", "changes", "expected_score", "low", "high", "expected_seconds"]
        return pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(1, len(rows) + 1, name="rank"))

    def __str__(self) -> str:
        """Return the candidates, the past tasks that speak for them, and the novelty as text."""
        return self.explain(n_neighbours=3)

    __repr__ = __str__

    def explain(self, *, n_neighbours: int = 10) -> Text:
        """Say why: the candidates, the nearest past tasks and what won there, what made them near, how novel.

        Parameters
        ----------
        n_neighbours : int, default=10
            How many past tasks to show.

        Returns
        -------
        Text
            Readable text.
        """
        return recommendation_text(self._facts(), n_neighbours=n_neighbours)

    def _facts(self) -> dict[str, Any]:
        """Return the plain values with what can be read off them only by knowing the families."""
        facts = self.to_dict()
        for shown, candidate in zip(facts["candidates"], self.candidates, strict=True):
            shown.update(id=candidate.configuration.id, changes=candidate.changes)
        return facts

    def _repr_html_(self) -> str:
        """Return the candidates as a table for notebooks."""
        return recommendation_fragment(self._facts())

    def to_html(self, path: str | Path | None = None) -> str:
        """Return a report as one self-contained page, and write it to a file if one is named.

        Parameters
        ----------
        path : str or Path or None, default=None
            Where to write it.

        Returns
        -------
        str
            An HTML document that needs no network and holds no rows of the table.
        """
        page = recommendation_page(self.report_facts())
        if path is not None:
            write_text(path, page)
        return page

    def report_facts(self) -> dict[str, Any]:
        """Return the plain values that reports are made of.

        Returns
        -------
        dict
            What :meth:`to_dict` returns, with what differs from the defaults, the script and the map.
        """
        places = [{"name": p.name, "x": p.x, "y": p.y, "best": p.best} for p in self.places]
        code = self.to_code() if self.candidates else ""
        return {**self._facts(), "code": code, "places": places}

    def to_dict(self) -> dict[str, Any]:
        """Return the recommendation as plain values.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return {
            "task": self.task.to_dict(),
            "candidates": [c.to_dict() for c in self.candidates],
            "recommender": self.recommender,
            "novelty": self.novelty,
            "neighbours": [n.to_dict() for n in self.neighbours],
            "drivers": dict(self.drivers),
            "meta_features": dict(self.meta_features),
            "notes": list(self.notes),
            "file": self.file,
            "target": self.target,
            "categorical": list(self.categorical),
            "reading": {k: list(v) if isinstance(v, tuple) else v for k, v in self.reading.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the recommendation that :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            Plain values.

        Returns
        -------
        Recommendation
            An equal recommendation.
        """
        candidates = tuple(Candidate.from_dict(c) for c in values["candidates"])
        if categorical := tuple(values.get("categorical", ())):
            candidates = tuple(replace(c, schema=Schema(categorical=categorical)) for c in candidates)
        return cls(
            task=Task.from_dict(values["task"]),
            candidates=candidates,
            recommender=values["recommender"],
            novelty=values["novelty"],
            neighbours=tuple(Neighbour.from_dict(n) for n in values["neighbours"]),
            drivers=values["drivers"],
            meta_features=values["meta_features"],
            notes=tuple(values["notes"]),
            file=values.get("file", ""),
            target=values.get("target", "target"),
            categorical=categorical,
            reading={k: tuple(v) if isinstance(v, list) else v for k, v in values.get("reading", {}).items()},
        )

    def to_json(self, path: str | Path | None = None, *, compact: bool = False) -> str:
        """Return the recommendation as JSON, and write it to a file if one is named.

        Parameters
        ----------
        path : str or Path or None, default=None
            Where to write it.
        compact : bool, default=False
            Whether to leave out all but the candidates, the nearest past tasks and the notes: at most 1,500 bytes for five
            candidates. :meth:`from_dict` needs the whole.

        Returns
        -------
        str
            Standard JSON under a versioned schema: values that are not finite become null.
        """
        if compact:
            text = compact_json(compact_recommendation(self._facts()))
        else:
            text = to_json(versioned("recommend", self.to_dict()))
        if path is not None:
            write_text(path, text + "\n")
        return text

    def to_code(self, rank: int = 1) -> str:
        """Return a script that trains the candidate of a rank and cross-validates it.

        Parameters
        ----------
        rank : int, default=1
            Counted from 1.

        Returns
        -------
        str
            Python code; where the table came as an object, a comment says where to put it.

        Raises
        ------
        InvalidInputError
            If there is no such rank, or nothing is recommended: then the first note says why.
        """
        if not self.candidates:
            message = " ".join(("Nothing is recommended. Expected a candidate to write a script of.", *self.notes[:1]))
            raise InvalidInputError(message)
        if not 1 <= rank <= len(self.candidates):
            message = f"There is no rank {rank}. Expected 1 to {len(self.candidates)}. Ask for one of them."
            raise InvalidInputError(message)
        chosen = self.candidates[rank - 1]
        return training_script(
            model=chosen.model,
            params=chosen.configuration.params,
            problem_type=str(self.task.problem_type),
            metric=self.task.metric.scoring,
            file=self.file,
            target=self.target,
            categorical=self.categorical,
            reading=self.reading,
        )
