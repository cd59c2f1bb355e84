"""Build knowledge from tables of one's own, on one laptop or on a cluster."""

from metalearn.building.build import build_knowledge_base
from metalearn.building.clusters import BACKENDS, on_cluster
from metalearn.building.report import BuildReport, FamilyWork

__all__ = ["BACKENDS", "BuildReport", "FamilyWork", "build_knowledge_base", "on_cluster"]
