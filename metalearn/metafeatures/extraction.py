"""Compute the meta-features of a dataset."""

from metalearn.dataset import Dataset
from metalearn.metafeatures.base import MetaFeatures

__all__ = ["extract"]


def extract(data: Dataset) -> MetaFeatures:
    """Compute meta-features (being written)."""
    return MetaFeatures({"n_rows": data.n_rows, "n_features": data.n_features})
