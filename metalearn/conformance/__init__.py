"""What plug-ins must do, kind by kind; authors call it as :mod:`metalearn.testing`."""

from metalearn.conformance.hook import check_hook
from metalearn.conformance.importer import check_importer
from metalearn.conformance.meta_feature import check_meta_feature
from metalearn.conformance.model import check_model
from metalearn.conformance.recommender import check_recommender

__all__ = ["check_hook", "check_importer", "check_meta_feature", "check_model", "check_recommender"]
