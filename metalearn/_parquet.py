"""Read Parquet files that may be hostile."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["read_bounded"]


def read_bounded(source: Any, *, max_bytes: int, max_rows: int, max_columns: int) -> pa.Table:
    """Return a table, unless it would unpack to more than is allowed."""
    facts = pq.ParquetFile(source)
    groups = [facts.metadata.row_group(i).total_byte_size for i in range(facts.metadata.num_row_groups)]
    n_rows, n_columns, size = facts.metadata.num_rows, facts.metadata.num_columns, sum(groups)
    if n_columns <= max_columns and n_rows <= max_rows and size <= max_bytes:
        texts = [f.name for f in facts.schema_arrow if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
        table = pq.ParquetFile(source, read_dictionary=texts).read()
        table.validate(full=True)
        if sum(_at_most(column) for column in table.columns) <= max_bytes:
            return table
        size = sum(_unpacked_size(column) for column in table.columns)
        if size <= max_bytes:
            return table
    message = f"it unpacks to {size} bytes, {n_rows} rows and {n_columns} columns"
    raise ValueError(message)


def _at_most(column: pa.ChunkedArray) -> int:
    """Return a bound of the unpacked size that takes no look at the rows: each is as long as the longest value."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return sum(len(chunk) * (pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0) for chunk in column.chunks)


def _unpacked_size(column: pa.ChunkedArray) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = ((pc.binary_length(chunk.dictionary), chunk.indices) for chunk in column.chunks)
    return sum(int(pc.sum(pc.take(length, indices)).as_py() or 0) for length, indices in lengths)  # of 64 bits
