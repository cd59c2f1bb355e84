"""A metric of the user's own: what is told in it is brought onto the scale of the known one that stands in for it."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.recommendation import Recommendation
from metalearn.recommenders.scale import FloatArray, from_working
from metalearn.task import Metric

__all__ = ["as_expected", "without_scores"]

_LITTLE = 0.2
_REACH = 3.0
"""A loss beyond the median by so many distances from the best to the median counts as no worse."""


def as_expected(
    losses: FloatArray, columns: npt.NDArray[np.intp], working: npt.NDArray[np.floating], weights: FloatArray
) -> FloatArray:
    """Bring losses of an unknown scale onto that of past tasks: their level and spread are taken to be as expected."""
    if not len(losses):
        return losses
    mean = weights @ working
    expected = np.where(columns >= 0, mean[columns], mean.mean())
    told = np.isfinite(losses)
    if told.any():
        least, middle = float(losses[told].min()), float(np.median(losses[told]))
        most = middle + _REACH * (middle - least) if middle > least else np.inf
        values = np.where(told, np.minimum(losses, most), middle)
        scale = told & (columns >= 0) if (told & (columns >= 0)).any() else told
        centre, spread = float(values[scale].mean()), float(values[scale].std())
        usual = float(weights @ working[:, columns[scale]].std(axis=1)) if spread > 0 else 0.0
        moved = expected[scale].mean() + usual * (values - centre) / (spread or 1.0)
        expected = np.where(told, moved, expected)
    return np.where(np.isinf(losses), np.inf, from_working(expected))


def without_scores(found: Recommendation, learned: Metric) -> Recommendation:
    """Take out what is said in the metric that stands in for the one asked for."""
    asked = found.task.metric
    agreement = dict(asked.stand_ins).get(learned.name, math.nan)
    if agreement < _LITTLE:
        why = f"No known metric agrees with {asked.name} on made-up predictions of this target: candidates are those for {learned.name}."
    else:
        why = (
            f"Nothing is learned from results in {asked.name}: candidates are those for {learned.name}, which of the known "
            f"metrics agrees most with it on made-up predictions of this target (rank correlation {agreement:.2f})."
        )
    note = f"{why} No score is foretold."
    unknown: dict[str, Any] = {
        "expected_score": math.nan,
        "interval": (math.nan, math.nan),
        "expected_improvement": None,
    }
    return replace(
        found,
        candidates=tuple(replace(c, **unknown) for c in found.candidates),
        neighbours=tuple(replace(n, best_score=math.nan) for n in found.neighbours),
        notes=(note, *found.notes),
    )
