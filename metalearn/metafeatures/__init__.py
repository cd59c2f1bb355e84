"""Meta-features: what is measured of a table before anything is trained."""

from metalearn.metafeatures import (  # noqa: F401 - their decorators register the built-in meta-features
    association,
    extended,
    landmarking,
    simple,
    statistical,
)
from metalearn.metafeatures.base import MetaFeature, MetaFeatures, Tier
from metalearn.metafeatures.extraction import extract, list_meta_features

__all__ = ["MetaFeature", "MetaFeatures", "Tier", "extract", "list_meta_features"]
