"""The capped view of a dataset that meta-features are computed on, with the intermediates they share."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.dataset import Dataset, subsample_rows
from metalearn.metafeatures.blocks import Lines, line_blocks
from metalearn.metafeatures.columns import (
    Codes,
    Matrix,
    Moments,
    adjusted_r2,
    binned,
    days_of,
    levels_of,
    numbers_of,
    table_of,
)
from metalearn.metafeatures.ridge import Ridge, principal_components, ridge
from metalearn.table.schema import ColumnKind, columns_at

__all__ = ["MAX_CELLS", "MAX_COLUMNS", "MAX_ROWS", "Sample", "sample_of"]

MAX_ROWS = 5_000
"""Rows that everything but the exact counts is computed on."""

MAX_COLUMNS = 500
"""Columns that are read at most."""

MAX_CELLS = 500_000
"""Rows times columns that are read at most: with 5,000 rows, 100 columns."""

MAX_DESIGN = 150
"""Encoded columns that enter what costs the square of their number: components and linear fits."""

MAX_TARGETS = 20
"""Classes that are told apart; the rarer ones are joined."""

MIN_LEVEL_SHARE = 0.02
"""Levels of a category with at least this share of the rows get a column of their own in the design."""

_CANDIDATES = 50_000


class Sample:
    """Hold a capped sample of a dataset and what several meta-features need of it, computed once."""

    def __init__(
        self, data: Dataset, *, random_state: int = 0, max_rows: int = MAX_ROWS, max_cells: int = MAX_CELLS
    ) -> None:
        self.data = data
        self.random_state = random_state
        self.rows = self._choose_rows(max_rows)
        n_columns = min(data.n_features, MAX_COLUMNS, max(max_cells // len(self.rows), 1))
        rng = np.random.default_rng(random_state)
        self.columns = np.arange(data.n_features)
        if n_columns < data.n_features:
            self.columns = np.sort(rng.choice(data.n_features, n_columns, replace=False))

    def _choose_rows(self, max_rows: int) -> npt.NDArray[np.intp]:
        n_rows = self.data.n_rows
        if n_rows <= max_rows:
            return np.arange(n_rows)
        candidates = np.arange(n_rows)
        if n_rows > _CANDIDATES:  # proportions of classes hold well enough among so many
            rng = np.random.default_rng(self.random_state)
            candidates = np.sort(rng.choice(n_rows, _CANDIDATES, replace=False, shuffle=False))
        chosen = subsample_rows(
            self.data.target[candidates], max_rows, self.data.problem_type, random_state=self.random_state
        )
        return candidates[chosen]

    @property
    def n_rows(self) -> int:
        """Number of rows in the sample."""
        return len(self.rows)

    @property
    def is_classification(self) -> bool:
        """Whether the target holds classes."""
        return self.data.problem_type.is_classification

    @property
    def frame(self) -> pd.DataFrame:
        """The sampled rows and columns, taken anew."""
        return self.part(range(len(self.columns)))

    def part(self, places: Sequence[int]) -> pd.DataFrame:
        """Return some columns of the sample, taken anew."""
        X, columns = self.data.X, self.columns[list(places)]
        all_rows = self.n_rows == len(X)
        rows_first = self.n_rows * X.shape[1] < len(X) * len(columns)  # whatever copies less
        if rows_first and not all_rows:
            X = X.iloc[self.rows]
        X = columns_at(X, columns)
        return X if rows_first or all_rows else X.iloc[self.rows]

    @cached_property
    def kinds(self) -> list[ColumnKind]:
        """Kinds of the sampled columns."""
        kinds = list(self.data.kinds.values())
        return [kinds[position] for position in self.columns]

    def places(self, *kinds: ColumnKind) -> list[int]:
        """Return the positions in the sample of the columns of some kinds."""
        return [place for place, kind in enumerate(self.kinds) if kind in kinds]

    @cached_property
    def _values(self) -> tuple[Matrix, Matrix, Codes]:
        """Numbers, days and levels, read together so that the frame need not be kept."""
        frame = self.frame
        small = self.n_rows <= np.iinfo(np.int16).max
        found = []
        for places, convert, dtype in (
            (self.places(ColumnKind.NUMERIC), numbers_of, np.float64),
            (self.places(ColumnKind.DATETIME), days_of, np.float64),
            (self.places(ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN), levels_of, np.int16 if small else np.int32),
        ):
            part = columns_at(frame, places)
            lines: npt.NDArray[Any]
            if convert is numbers_of and all(isinstance(d, np.dtype) and d.kind in "fiu" for d in part.dtypes):
                lines = np.ascontiguousarray(part.to_numpy(dtype=float).T)
            else:
                lines = np.empty((len(places), self.n_rows), dtype=dtype)
                for line, (_, column) in enumerate(part.items()):
                    lines[line] = convert(column)
            found.append(lines)
        numbers, days, levels = found
        infinite = np.isinf(numbers)
        return np.where(infinite, np.nan, numbers) if infinite.any() else numbers, days, levels

    @property
    def numbers(self) -> Matrix:
        """Numeric columns, shape (n_numeric, n_rows); NaN where a value is missing or infinite."""
        return self._values[0]

    @property
    def days(self) -> Matrix:
        """Dates and times in days, shape (n_datetime, n_rows)."""
        return self._values[1]

    @property
    def levels(self) -> Codes:
        """Codes of categorical and boolean columns, shape (n_levelled, n_rows); -1 where a value is missing."""
        return self._values[2]

    @cached_property
    def moments(self) -> Moments:
        """Statistics of the numeric columns."""
        return Moments(self.numbers)

    @cached_property
    def quantities(self) -> Moments:
        """Statistics of numbers and dates together."""
        return Moments(np.vstack([self.numbers, self.days])) if len(self.days) else self.moments

    @cached_property
    def level_counts(self) -> Codes:
        """Rows of every level of every categorical or boolean column, shape (n_levelled, max_levels)."""
        return table_of(self.levels, self.levels >= 0)

    # the target ------------------------------------------------------------------------------------------------------

    @cached_property
    def target(self) -> npt.NDArray[Any]:
        """The target of the sampled rows: class codes, or numbers."""
        return self.data.target[self.rows]

    @cached_property
    def class_counts(self) -> Codes:
        """Rows of every class in the whole table; empty in regression."""
        if not self.is_classification:
            return np.zeros(0, dtype=np.int64)
        return np.asarray(np.bincount(self.data.codes, minlength=self.data.n_classes), dtype=np.int64)

    @cached_property
    def target_moments(self) -> Moments:
        """Statistics of a numeric target."""
        return Moments(self.target[None, :].astype(float))

    @cached_property
    def groups(self) -> Codes:
        """Classes, the rarest joined to keep 20 at most; in regression ten bins of equal frequency."""
        if not self.is_classification:
            return np.asarray(binned(self.target_moments)[0], dtype=np.int64)
        order = np.lexsort((np.arange(len(self.class_counts)), -self.class_counts))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return np.asarray(np.minimum(rank[self.target], MAX_TARGETS - 1))

    @cached_property
    def responses(self) -> Matrix:
        """What a linear model is to explain, centred: an indicator of every class, or the standardised target."""
        if not self.is_classification:
            return self.target_moments.standardised(np.zeros(1, dtype=np.intp))
        indicators = (np.arange(self.groups.max() + 1)[:, None] == self.groups).astype(float)
        return np.asarray(indicators - indicators.mean(axis=1, keepdims=True))

    # what columns and target share -----------------------------------------------------------------------------------

    @cached_property
    def bins(self) -> Codes:
        """All numbers, dates, categories and booleans as small codes, shape (n_columns, n_rows)."""
        numbers, levels = binned(self.quantities), self.levels
        if not len(levels):
            return numbers
        counts = table_of(levels + 1, None)
        keep = counts >= max(2, self.n_rows / 1000)
        codes = np.where(keep, np.cumsum(keep, axis=1), 0).astype(np.int16)
        joined = np.empty(levels.shape, dtype=np.int16)
        for lines in line_blocks(levels.shape):
            joined[lines] = np.take_along_axis(codes[lines], levels[lines] + np.intp(1), axis=1)
        return np.vstack([numbers, joined])

    @cached_property
    def joint(self) -> Codes:
        """Rows of every bin and target group, shape (n_columns, n_bins, n_groups)."""
        bins, groups = self.bins, self.groups
        n_bins, n_groups = int(bins.max(initial=0)) + 1, int(groups.max()) + 1
        joint = np.empty((len(bins), n_bins * n_groups), dtype=np.int64)
        for lines in line_blocks(bins.shape):
            joint[lines] = table_of(bins[lines] * np.int64(n_groups) + groups, None, n_bins * n_groups)
        return joint.reshape(len(bins), n_bins, n_groups)

    @cached_property
    def bin_r2(self) -> Matrix:
        """Share of the target's variance that the bins of each column explain, adjusted, shape (n_columns,)."""
        joint, n = self.joint, self.n_rows
        by_bin = joint.sum(axis=2)
        if self.is_classification:
            share = np.bincount(self.groups) / n
            explained = (np.square(joint) / np.maximum(by_bin, 1)[:, :, None]).sum(axis=(1, 2)) - n * np.sum(share**2)
        else:
            explained = np.empty(len(joint))
            for lines in line_blocks(self.bins.shape):
                bins, counts = self.bins[lines], by_bin[lines]
                places = (bins + np.arange(len(bins))[:, None] * joint.shape[1]).ravel()
                weights = np.tile(self.responses[0], len(bins))
                sums = np.bincount(places, weights, minlength=counts.size).reshape(counts.shape)
                explained[lines] = (sums**2 / np.maximum(counts, 1)).sum(axis=1)
        r2 = np.clip(explained / np.sum(self.responses**2), 0.0, 1.0)
        n_bins = np.sum(by_bin > 0, axis=1)
        return np.asarray(np.maximum(1 - (1 - r2) * (n - 1) / np.maximum(n - n_bins, 1), 0.0))

    @cached_property
    def encoding(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Column and level of every encoded line; the level is -1 where the column holds numbers."""
        numbers = np.flatnonzero(self.quantities.varies)
        counts = self.level_counts
        wanted = counts >= max(1.0, MIN_LEVEL_SHARE * self.n_rows)
        twofold = np.flatnonzero((counts > 0).sum(axis=1) == 2)  # noqa: PLR2004 - one indicator says it all
        if len(twofold):
            wanted[twofold, counts[twofold].argmax(axis=1)] = False
        lines, codes = np.nonzero(wanted)
        source = np.concatenate([numbers, len(self.quantities.values) + lines])
        codes = np.concatenate([np.full(len(numbers), -1), codes])
        chosen = np.arange(len(source))
        if len(chosen) > MAX_DESIGN:
            chosen = np.sort(np.random.default_rng(self.random_state).choice(chosen, MAX_DESIGN, replace=False))
        varies = codes[chosen] < 0
        varies[~varies] = (counts < self.n_rows)[
            source[chosen][~varies] - len(self.quantities.values), codes[chosen][~varies]
        ]
        chosen = chosen[varies]
        return source[chosen], codes[chosen]

    def encode(self, chosen: npt.NDArray[np.intp] | None = None) -> Lines:
        """Return encoded columns with mean 0 and variance 1; missing numbers become the mean."""
        source, codes = self.encoding if chosen is None else (part[chosen] for part in self.encoding)
        n_dense = int(np.sum(codes < 0))
        dense, levelled = source[:n_dense], source[n_dense:] - len(self.quantities.values)
        codes = codes[n_dense:, None].astype(self.levels.dtype)
        share = self.level_counts[levelled, codes[:, 0]][:, None] / self.n_rows
        deviation = np.sqrt(share * (1 - share))
        step, absent = 1 / deviation, -share / deviation

        def read(rows: slice | npt.NDArray[np.intp]) -> Matrix:
            numbers = self.quantities.standardised(dense, rows)
            if not len(levelled):
                return numbers
            lines = np.empty((len(source), numbers.shape[1]))
            lines[:n_dense] = numbers
            np.multiply(self.levels[:, rows].take(levelled, axis=0) == codes, step, out=lines[n_dense:])
            lines[n_dense:] += absent
            return lines

        return Lines(len(source), self.n_rows, read)

    @cached_property
    def design(self) -> Lines:
        """All encoded columns, read as shape (n_encoded, n_rows)."""
        return self.encode()

    @cached_property
    def design_products(self) -> tuple[Matrix, Matrix]:
        """Correlations of the encoded columns, and the sums of their products with the responses."""
        return self.design.products(self.responses)

    @cached_property
    def line_r2(self) -> Matrix:
        """Share of the target's variance that each encoded column explains linearly, adjusted."""
        gram, products = self.design_products
        return adjusted_r2(products, np.diag(gram) * self.n_rows, self.responses)

    @cached_property
    def components(self) -> tuple[Matrix, Matrix]:
        """Variances and directions of the principal components of the design, largest first."""
        return principal_components(self.design_products[0])

    @cached_property
    def ridge(self) -> Ridge:
        """Ridge regression of the responses on the design."""
        return ridge(self.design, self.components, self.design_products[1], self.responses, least=1e-10)

    def some(self, n_rows: int) -> npt.NDArray[np.intp]:
        """Return the places of a subsample of the rows, classes in their proportions."""
        return subsample_rows(self.target, n_rows, self.data.problem_type, random_state=self.random_state)

    @cached_property
    def few(self) -> npt.NDArray[np.intp]:
        """Places of at most 500 rows, for what costs the square of their number."""
        return self.some(500)


def sample_of(data: Dataset, *, random_state: int = 0) -> Sample:
    """Return the sample of a dataset, the same object whenever it is asked for again."""
    samples: dict[int, Sample] = data.__dict__.setdefault("_samples", {})
    if random_state not in samples:
        samples[random_state] = Sample(data, random_state=random_state)
    return samples[random_state]
