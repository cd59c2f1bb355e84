"""Deprecated name of :mod:`metalearn.knowledge`, for one version."""

import warnings

from metalearn.knowledge import BUNDLED, FileStore, SourceInfo, Store, StoreInfo, open_store
from metalearn.knowledge.sql_store import SqlStore

__all__ = ["BUNDLED", "FileStore", "SourceInfo", "SqlStore", "Store", "StoreInfo", "open_store"]

warnings.warn("metalearn.store is now metalearn.knowledge.", DeprecationWarning, stacklevel=2)
