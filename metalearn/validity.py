"""Deprecated name of :mod:`metalearn.estimators.recheck`, for one version."""

import warnings

from metalearn.estimators.recheck import Moved, Recheck, recheck

__all__ = ["Moved", "Recheck", "recheck"]

warnings.warn("metalearn.validity is now metalearn.estimators.recheck.", DeprecationWarning, stacklevel=2)
