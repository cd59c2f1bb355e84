"""Meta-features: what is measured of a table before anything is trained."""

from metalearn.metafeatures.base import MetaFeatures
from metalearn.metafeatures.extraction import extract

__all__ = ["MetaFeatures", "extract"]
