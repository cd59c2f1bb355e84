"""Evaluate configurations: metrics, splits, fits, processes that can be ended, and the records of results."""

from metalearn.evaluation.metrics import score_classes, score_numbers
from metalearn.evaluation.record import Evaluation, Status

__all__ = ["Evaluation", "Status", "score_classes", "score_numbers"]
