"""Meta-features: what is measured of a table before anything is trained."""

from metalearn.metafeatures import association, simple, statistical
from metalearn.metafeatures.base import MetaFeature, MetaFeatures, Tier
from metalearn.metafeatures.extraction import extract, list_meta_features

__all__ = [
    "MetaFeature",
    "MetaFeatures",
    "Tier",
    "association",
    "extract",
    "list_meta_features",
    "simple",
    "statistical",
]
