"""The table: its columns by kind, its target, and the intermediates that meta-features share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.table.fingerprint import seal_table
from metalearn.table.intake import (
    as_frame,
    as_text,
    column_names,
    labelled_rows,
    row_names,
    split_target,
    take_in,
    with_names,
)
from metalearn.table.schema import ColumnKind, Schema, columns_at, kind_of_dtype
from metalearn.task import ProblemType, Task

__all__ = ["Dataset", "subsample_rows"]

_CHUNK_ROWS = 10_000
_EXAMPLES = 3
_EXAMPLE = 20
_CHUNK_CELLS = 500_000


def subsample_rows(
    y: npt.ArrayLike, n_rows: int, problem_type: ProblemType, *, random_state: int = 0
) -> npt.NDArray[np.intp]:
    """Choose rows by a fixed seed, in classification with the classes in their proportions."""
    values = np.asarray(y)
    total = len(values)
    if total <= n_rows:
        return np.arange(total)
    order = np.random.default_rng(random_state).permutation(total)
    if not problem_type.is_classification:
        return np.sort(order[:n_rows])
    codes = pd.factorize(values[order])[0]
    counts = np.bincount(codes)
    small = codes.astype(np.min_scalar_type(len(counts)))  # numpy sorts short integers fastest
    rank = np.empty(total, dtype=np.intp)
    rank[np.argsort(small, kind="stable")] = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    # the rank within a class, relative to its size, spreads every class evenly over the order
    place = (rank + (rank > 0)) / counts[codes]
    last = np.partition(place, n_rows - 1)[n_rows - 1]
    before, ties = np.flatnonzero(place < last), np.flatnonzero(place == last)
    ties = ties[np.argsort(codes[ties], kind="stable")][: n_rows - len(before)]
    return np.sort(order[np.concatenate([before, ties])])


@dataclass(frozen=True)
class Dataset:
    """Hold a table, its target and the kinds of its columns; intermediates are computed once."""

    X: pd.DataFrame
    y: "pd.Series[Any]"
    problem_type: ProblemType
    categorical: tuple[str, ...] = ()
    n_unlabelled: int = 0
    names: pd.Index | None = None
    known: Schema | None = None

    @classmethod
    def from_data(
        cls,
        X: Any,
        y: Any = None,
        *,
        target: str | None = None,
        drop: str | Sequence[str] = (),
        keep: str | Sequence[str] = (),
        problem_type: ProblemType | str | None = None,
        categorical: str | Sequence[str] = (),
        known: Schema | None = None,
    ) -> Self:
        """Check a table and its target, and bring them into one form."""
        given = X
        X, y = split_target(X, y, target, drop=drop, keep=keep)
        frame, labels, kind = take_in(X, y, problem_type=problem_type, categorical=categorical)
        names = row_names(X)
        if X is not given:
            dropped = tuple(name for name in as_frame(given).columns if name not in frame.columns)
            known = replace(known or Schema(), dropped=dropped)
        kept = None if names is None else names[labelled_rows(y)]
        return cls(frame, labels, kind, column_names(categorical), len(y) - len(labels), kept, known)

    @property
    def named(self) -> pd.DataFrame:
        """The table with its rows named as the caller does."""
        return with_names(self.X, self.names)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.X)

    @property
    def n_features(self) -> int:
        """Number of columns without the target."""
        return self.X.shape[1]

    @cached_property
    def schema(self) -> Schema:
        """How the columns are read."""
        return Schema.of(self.X, self.categorical, self.known)

    @property
    def columns(self) -> pd.DataFrame:
        """One row a column: name, kind, format of dates, numbers of missing and distinct values, and the commonest of them."""
        rows = []
        for place, (name, kind) in enumerate(self.kinds.items()):
            column = self.X.iloc[:, place]
            counts = as_text(column.dropna()).value_counts()
            rows.append(
                {
                    "name": name,
                    "kind": str(kind),
                    "format": self.schema.formats.get(name, ""),
                    "missing": int(column.isna().sum()),
                    "distinct": len(counts),
                    "examples": ", ".join(str(value)[:_EXAMPLE] for value in counts.index[:_EXAMPLES]),
                }
            )
        return pd.DataFrame(rows)

    @property
    def kinds(self) -> Mapping[str, ColumnKind]:
        """Kind of every column, in their order."""
        return self.schema.kinds

    @cached_property
    def _classes(self) -> tuple[npt.NDArray[np.intp], tuple[Any, ...]]:
        codes, found = pd.factorize(self.y)
        labels = pd.Series(found).astype(object).to_numpy()
        try:
            order = np.argsort(labels, kind="stable")
        except TypeError:  # labels of several types have no order
            order = np.argsort([str(label) for label in labels], kind="stable")
        return np.argsort(order)[codes], tuple(labels[order])

    @property
    def codes(self) -> npt.NDArray[np.intp]:
        """Classes as 0 to n_classes - 1, in the order of their labels."""
        return self._classes[0]

    @property
    def labels(self) -> tuple[Any, ...]:
        """The class labels, sorted; the second one is the positive class of a binary problem."""
        return self._classes[1]

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 in regression."""
        return len(self.labels) if self.problem_type.is_classification else 0

    @cached_property
    def target(self) -> npt.NDArray[Any]:
        """The target as a plain array: class codes, or numbers in regression."""
        return self.codes if self.problem_type.is_classification else self.y.to_numpy(dtype=float)

    def head(self, n_rows: int, *, random_state: int = 0) -> Self:
        """Return a subsample, in classification with the classes in their proportions."""
        if self.n_rows <= n_rows:
            return self
        rows = subsample_rows(self.target, n_rows, self.problem_type, random_state=random_state)
        X, y = self.X.iloc[rows].reset_index(drop=True), self.y.iloc[rows].reset_index(drop=True)
        return type(self)(X, y, self.problem_type, self.categorical, known=self.schema)

    @cached_property
    def missing(self) -> tuple[npt.NDArray[np.intp], int]:
        """Number of missing values of every column, and of rows with a missing value; both exact."""
        columns = np.zeros(self.n_features, dtype=np.intp)
        rows = np.zeros(self.n_rows, dtype=bool)
        for places, values in _blocks(self.X):
            # the sum of a column is NaN if a value is, and takes one plain pass over the memory
            with np.errstate(all="ignore"):
                suspects = np.flatnonzero(np.isnan(values.sum(axis=0)))
            for start in range(0, len(suspects) and self.n_rows, _CHUNK_ROWS):
                absent = np.isnan(values[start : start + _CHUNK_ROWS, suspects])
                columns[places[suspects]] += absent.sum(axis=0)
                rows[start : start + _CHUNK_ROWS] |= absent.any(axis=1)
        others = np.flatnonzero([not _is_plain(dtype, "fiub") for dtype in self.X.dtypes])
        step = max(_CHUNK_CELLS // max(self.n_rows, 1), 1)
        for start in range(0, len(others), step):  # a table may have thousands of them
            some = others[start : start + step]
            absent = columns_at(self.X, some).isna().to_numpy()
            columns[some] = absent.sum(axis=0)
            rows |= absent.any(axis=1)
        return columns, int(rows.sum())

    @cached_property
    def fingerprint(self) -> str:
        """Identify the data, whatever the order of its rows and columns and the names of columns."""
        return seal_table((_cells(self.X.iloc[:, place]) for place in range(self.n_features)), _cells(self.y))

    def as_task(self, name: str | None = None) -> Task:
        """Return the task under which results on this table are stored."""
        return Task(
            id=f"data:{name or self.fingerprint}",
            problem_type=self.problem_type,
            name=name or "",
            fingerprint=self.fingerprint,
            n_rows=self.n_rows,
            n_features=self.n_features,
            n_classes=self.n_classes,
        )


def _is_plain(dtype: Any, kinds: str) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in kinds


def _blocks(X: pd.DataFrame) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[Any]]]:
    """Yield places and values of the columns of floats, one array for each dtype."""
    places: dict[str, list[int]] = {}
    for place, dtype in enumerate(X.dtypes):
        if _is_plain(dtype, "f"):
            places.setdefault(dtype.str, []).append(place)
    for some in places.values():
        yield np.array(some), columns_at(X, some).to_numpy()


def _cells(values: "pd.Series[Any]") -> npt.NDArray[np.uint64]:
    """Return the bit patterns of numbers, or the hashes of levels, one for each row."""
    kind = kind_of_dtype(values.dtype) if not isinstance(values.dtype, pd.CategoricalDtype) else None
    if kind is ColumnKind.NUMERIC and not _is_plain(values.dtype, "cm"):
        numbers = values.to_numpy(dtype=float, na_value=np.nan) + 0.0  # minus zero becomes zero
        cells = numbers.view(np.uint64)
        cells[np.isnan(numbers)] = 1
        return cells
    try:
        codes, found = pd.factorize(values)
    except TypeError:  # unhashable values
        codes, found = pd.factorize(as_text(values))
    levels = as_text(pd.Series([str(level) for level in found], dtype=object))
    names = np.array([*levels, ""], dtype=object)  # the last one stands for a missing value
    return pd.util.hash_array(names, categorize=False)[codes]
