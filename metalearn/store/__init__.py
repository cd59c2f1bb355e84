"""Where knowledge is kept: stores behind one protocol."""

from metalearn.store.base import Store
from metalearn.store.files import FileStore

__all__ = ["FileStore", "Store"]
