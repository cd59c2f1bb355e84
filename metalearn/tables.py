"""Deprecated name of :mod:`metalearn.table.read`, for scripts written by earlier versions."""

import warnings

from metalearn.table.read import NamedTable, read_frame, read_table, write_frame

__all__ = ["NamedTable", "read_frame", "read_table", "write_frame"]

warnings.warn("metalearn.tables is now metalearn.table.read.", DeprecationWarning, stacklevel=2)
