"""Figures of recommendations, searches, models and knowledge bases, as matplotlib axes."""

from metalearn.plot.figures import drivers, families, fits, past_tasks, progress, regrets, scores, sizes
from metalearn.plot.model import calibration, confusion, importance, precision_recall, predicted, residuals, roc

__all__ = [
    "calibration",
    "confusion",
    "drivers",
    "families",
    "fits",
    "importance",
    "past_tasks",
    "precision_recall",
    "predicted",
    "progress",
    "regrets",
    "residuals",
    "roc",
    "scores",
    "sizes",
]
