"""What is read from single columns: numbers, dates, level codes, and their statistics."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.metafeatures.blocks import line_blocks
from metalearn.table.amounts import amount_form, as_numbers
from metalearn.table.schema import date_format, read_dates

__all__ = ["Codes", "Matrix", "Moments", "adjusted_r2", "binned", "days_of", "levels_of", "numbers_of", "table_of"]

Matrix = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]

_N_BINS = 10
_QUARTILES = (0.25, 0.5, 0.75)
_SECONDS_PER_DAY = 86_400.0
_MICROSECONDS_PER_DAY = 86_400e6


def numbers_of(column: "pd.Series[Any]") -> Matrix:
    """Return a numeric column of any dtype as floats."""
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return np.asarray(column.dt.total_seconds() / _SECONDS_PER_DAY, dtype=float)
    if pd.api.types.is_complex_dtype(column.dtype):
        return np.asarray(np.abs(column.to_numpy()))
    if pd.api.types.is_string_dtype(column.dtype) and not pd.api.types.is_numeric_dtype(column.dtype):
        texts = {value for value in column.dropna() if isinstance(value, str)}
        form = amount_form(texts) if texts else None
        if form is not None:
            return as_numbers(column, form)
    if column.dtype == object:
        column = pd.to_numeric(column.map(_plain, na_action="ignore"), errors="coerce")
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan), dtype=float)


def _plain(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def days_of(column: "pd.Series[Any]") -> Matrix:
    """Return dates of any form as days since 1970."""
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        form = date_format(column)
        column = read_dates(column, "mixed" if form in (None, "ISO8601") else form)
    times = column.to_numpy(dtype="datetime64[us]")
    days = times.astype(np.int64) / _MICROSECONDS_PER_DAY
    days[np.isnat(times)] = np.nan
    return days


def levels_of(column: "pd.Series[Any]") -> npt.NDArray[np.integer[Any]]:
    """Return the levels of a column as dense codes."""
    array = column.array
    if isinstance(array, pd.Categorical):
        codes = array.codes
        if len(array.categories) <= len(codes):
            return codes
        return pd.factorize(np.where(codes < 0, np.nan, codes))[0]
    try:
        return pd.factorize(column)[0]
    except (TypeError, ValueError):  # unhashable or without order
        text = np.array(
            [None if missing else str(v) for v, missing in zip(column, column.isna(), strict=True)], dtype=object
        )
        return pd.factorize(text)[0]


class Moments:
    """Hold column statistics of a matrix in which a line is a column of the table."""

    def __init__(self, values: Matrix) -> None:
        self.values = values
        self.present = ~np.isnan(values)
        self.count = self.present.sum(axis=1)

    @cached_property
    def ordered(self) -> Matrix:
        """Sorted values of every column, missing ones last; as large as the values, so that `_ranks` does without."""
        return np.sort(self.values, axis=1)

    @cached_property
    def _ranks(self) -> tuple[Matrix, Codes]:
        """Values of every column at some ranks, and the number of its different values."""
        last = np.maximum(self.count - 1, 0)
        around = [rank for share in _QUARTILES for rank in _around(share, last)[:2]]
        lower_edges = (
            np.arange(_N_BINS)[:, None] * self.count // _N_BINS
        )  # the lowest keeps a frequent smallest value apart
        places = np.vstack([lower_edges, last, *around])
        found, n_distinct = np.empty(places.shape), np.empty(len(last), dtype=np.int64)
        for lines in line_blocks(self.values.shape):
            ordered = np.sort(self.values[lines], axis=1)
            found[:, lines] = ordered[np.arange(len(ordered)), places[:, lines]]
            n_distinct[lines] = np.count_nonzero(ordered[:, 1:] != ordered[:, :-1], axis=1)
        absent = self.values.shape[1] - self.count  # sorted to the end, and different from any value
        return found, np.where(self.count > 0, n_distinct + 1 - absent, 0)

    def quantile(self, share: float) -> Matrix:
        """Return a quantile of every column, linearly interpolated."""
        last = np.maximum(self.count - 1, 0)
        low, high, weight = _around(share, last)
        if share in _QUARTILES:
            place = _N_BINS + 1 + 2 * _QUARTILES.index(share)
            start, stop = self._ranks[0][place : place + 2]
        else:
            lines = np.arange(len(last))
            start, stop = self.ordered[lines, low], self.ordered[lines, high]
        return np.asarray(start + (stop - start) * weight)

    @property
    def ranks(self) -> Matrix:
        """Values of every column at some ranks, shape (n_ranks, n_columns)."""
        return self._ranks[0]

    @property
    def edges(self) -> Matrix:
        """Lower edges of ten bins of equal frequency, shape (10, n_columns)."""
        return self._ranks[0][:_N_BINS]

    @property
    def low(self) -> Matrix:
        """Smallest value of every column."""
        return np.asarray(self._ranks[0][0])

    @property
    def high(self) -> Matrix:
        """Largest value of every column."""
        return np.asarray(self._ranks[0][_N_BINS])

    @property
    def n_distinct(self) -> Codes:
        """Number of different values of every column."""
        return self._ranks[1]

    @cached_property
    def varies(self) -> npt.NDArray[np.bool_]:
        """Whether a column has two different values."""
        return np.asarray(self.high > self.low)

    @cached_property
    def scale(self) -> Matrix:
        """Largest absolute value of every column, 1 where that is 0: division by it prevents overflow."""
        scale = np.maximum(np.abs(self.low), np.abs(self.high))
        return np.where((scale > 0) & np.isfinite(scale), scale, 1.0)

    @cached_property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Whether a column holds whole numbers only, and at least one."""
        found = self.count > 0
        for lines in line_blocks(self.values.shape):
            values = self.values[lines]
            found[lines] &= ((values == np.floor(values)) | ~self.present[lines]).all(axis=1)
        return np.asarray(found)

    @cached_property
    def _powers(self) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        """Scaled mean and variance of every column, and mean cube and fourth power of its standardised values."""
        found = np.empty((4, len(self.values)))
        gaps = self.count < self.values.shape[1]
        for lines in line_blocks(self.values.shape):
            values, count = self.values[lines] / self.scale[lines, None], self.count[lines]
            absent = np.isnan(values) if gaps[lines].any() else None
            if absent is not None:
                values[absent] = 0.0
            found[0, lines] = values.sum(axis=1) / count
            values -= found[0, lines, None]
            values[~self.varies[lines]] = 0.0
            if absent is not None:
                values[absent] = 0.0
            found[1, lines] = np.vecdot(values, values) / count
            values /= _divisor(found[1, lines, None])
            squared = values * values
            found[2, lines] = np.vecdot(squared, values) / count
            found[3, lines] = np.vecdot(squared, squared) / count
        return found[0], found[1], found[2], found[3]

    @property
    def scaled_mean(self) -> Matrix:
        """Mean of every column in units of its scale."""
        return self._powers[0]

    @property
    def scaled_variance(self) -> Matrix:
        """Variance (divided by the count) of every column in units of its squared scale."""
        return self._powers[1]

    def standardised(
        self, lines: npt.NDArray[np.intp] | None = None, rows: slice | npt.NDArray[np.intp] = slice(None)
    ) -> Matrix:
        """Return columns with mean 0 and variance 1."""
        lines = np.flatnonzero(self.varies) if lines is None else lines
        values = self.values[:, rows]
        values = (values if len(lines) == len(values) else values[lines]) / self.scale[lines, None]
        values -= self.scaled_mean[lines, None]
        if not self.varies[lines].all():
            values[~self.varies[lines]] = 0.0
        if (self.count[lines] < self.values.shape[1]).any():
            values[np.isnan(values)] = 0.0
        values /= _divisor(self.scaled_variance[lines, None])
        return values

    def power_mean(self, power: int) -> Matrix:
        """Return the mean of a power of the standardised values."""
        return np.where(self.varies, self._powers[power - 1], np.nan)


def _around(share: float, last: Codes) -> tuple[Codes, Codes, Matrix]:
    """Return the ranks on both sides of a quantile, and how far it lies from the lower to the upper one."""
    position = share * last
    low = np.floor(position).astype(np.int64)
    return low, np.minimum(low + 1, last), position - low


def _divisor(variance: Matrix) -> Matrix:
    spread = np.sqrt(variance)
    return np.where(spread > 0, spread, 1.0)


def adjusted_r2(products: Matrix, squares: Matrix, responses: Matrix) -> Matrix:
    """Return the share of the responses' variance that each line explains, adjusted for its chance."""
    n_rows = responses.shape[1]
    r2 = np.square(products).sum(axis=1) / np.maximum(squares, 1e-300) / np.sum(responses**2)
    return np.asarray(np.maximum(1 - (1 - np.minimum(r2, 1.0)) * (n_rows - 1) / (n_rows - 2), 0.0))


def table_of(codes: Codes, counted: npt.NDArray[np.bool_] | None, n_codes: int | None = None) -> Codes:
    """Count the codes of every line in one pass."""
    size = int(codes.max(initial=-1)) + 1 if n_codes is None else n_codes
    table = np.empty((len(codes), size), dtype=np.int64)
    for lines in line_blocks(codes.shape):
        some = codes[lines]
        places = some + np.arange(len(some))[:, None] * size
        flat = places.ravel() if counted is None else places[counted[lines]]
        table[lines] = np.bincount(flat, minlength=len(some) * size).reshape(len(some), size)
    return table


def binned(moments: Moments) -> Codes:
    """Divide every column into ten bins of equal frequency, and one more for missing values."""
    codes = np.zeros(moments.values.shape, dtype=np.int8)
    for lines in line_blocks(codes.shape):
        for edge in moments.edges[:, lines, None]:
            codes[lines] += moments.values[lines] > edge
    codes[~moments.present] = _N_BINS + 1
    return codes
