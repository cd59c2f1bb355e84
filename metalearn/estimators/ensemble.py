"""Choose between the default, the best configuration and a weighted blend of several, by what was held out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metalearn.dataset import subsample_rows
from metalearn.evaluation import score_classes, score_numbers
from metalearn.task import Metric, ProblemType

__all__ = ["Comparison", "Selection"]

FloatArray = npt.NDArray[np.float64]

_CANDIDATES = 10
_ROUNDS = 25
_ROWS = 10_000
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Selection:
    """Say which trials to use, and why."""

    weights: FloatArray
    held_out_losses: dict[str, float]

    @property
    def members(self) -> list[int]:
        """Trials in use, the weightiest first."""
        return [int(i) for i in np.argsort(-self.weights, kind="stable") if self.weights[i] > 0]


@dataclass(frozen=True, slots=True)
class _Fold:
    index: int
    rows: npt.NDArray[np.intp]  # of the fold
    y: npt.NDArray[np.generic]
    predictions: FloatArray  # (n_trials, n_test) or (n_trials, n_test, n_classes)


class Comparison:
    """Compare trials, and blends of them, on rows that were held out."""

    def __init__(
        self,
        predictions: Sequence[Sequence[npt.NDArray[np.floating]]],
        targets: Sequence[npt.NDArray[np.generic]],
        *,
        metric: Metric,
        problem_type: ProblemType,
        own_score: Callable[[int, npt.NDArray[np.intp], FloatArray], float] | None = None,
    ) -> None:
        self._own_score = own_score
        self._metric, self._problem_type, self._n = metric, problem_type, len(predictions)
        self._predictions, self._targets = predictions, targets
        some = [_some_rows(y, len(targets), problem_type) for y in targets]
        self._folds = [
            _Fold(i, rows, y[rows], np.stack([p[i][rows] for p in predictions]).astype(float))
            for i, (y, rows) in enumerate(zip(targets, some, strict=True))
        ]

    def loss(self, weights: npt.ArrayLike) -> float:
        """Return the mean loss over the folds of a blend, on all of their rows."""
        mixed = self.mixed(weights)
        folds = [_Fold(k, np.arange(len(y)), y, mixed[k]) for k, y in enumerate(self._targets)]
        return float(np.mean([self._loss(fold, fold.predictions) for fold in folds]))

    def mixed(self, weights: npt.ArrayLike) -> list[FloatArray]:
        """Return what a blend predicts of the rows of each fold."""
        used = [(i, share) for i, share in enumerate(np.asarray(weights, dtype=float)) if share]
        return [
            np.sum([share * np.asarray(self._predictions[i][k], dtype=float) for i, share in used], axis=0)
            for k in range(len(self._targets))
        ]

    def choose(self, *, default: int | None = 0, blend: bool = True) -> Selection:
        """Choose what to fit on all rows: the simplest of what is best on rows that were held out."""
        folds, n = self._folds if len(self._folds) > 1 else self._halves(), self._n
        singles = np.array([[self._loss(fold, fold.predictions[i]) for fold in folds] for i in range(n)])
        every = np.arange(len(folds))
        strategies: dict[str, Callable[[npt.NDArray[np.intp]], FloatArray]] = {}
        if default is not None:
            strategies["default"] = lambda _: np.eye(n)[default]
        strategies["single"] = lambda use: np.eye(n)[singles[:, use].mean(axis=1).argmin()]
        if blend and n > 1:
            strategies["blend"] = lambda use: _greedy([folds[i] for i in use], singles[:, use].mean(axis=1), self._loss)
        halves = [(every[::2], every[1::2]), (every[1::2], every[::2])] if len(folds) > 1 else [(every, every)]
        held_out = {}
        for name, make in strategies.items():
            made = [(make(use), rest) for use, rest in halves]
            held_out[name] = float(np.mean([self._blended(folds[i], weights) for weights, rest in made for i in rest]))
        return Selection(strategies[min(held_out, key=held_out.__getitem__)](every), held_out)

    def _halves(self) -> list[_Fold]:
        """Divide the rows of the only fold, every class in two; where one has a single row, nothing is divided."""
        fold = self._folds[0]
        order = np.argsort(fold.y, kind="stable")
        rare = self._problem_type.is_classification and np.unique(fold.y, return_counts=True)[1].min() < _FEWEST
        if rare or len(order) < 2 * _FEWEST:
            return [fold]
        parts = [np.sort(order[start::2]) for start in (0, 1)]
        return [_Fold(fold.index, fold.rows[rows], fold.y[rows], fold.predictions[:, rows]) for rows in parts]

    def _blended(self, fold: _Fold, weights: FloatArray) -> float:
        return self._loss(fold, np.tensordot(weights, fold.predictions, axes=1))

    def _loss(self, fold: _Fold, mixed: FloatArray) -> float:
        y = fold.y
        if self._own_score is not None:
            loss = float(self._metric.to_loss(self._own_score(fold.index, fold.rows, mixed)))
            return loss if math.isfinite(loss) else math.inf
        if self._problem_type.is_classification:
            scores = score_classes(np.asarray(y, dtype=np.intp), mixed, self._problem_type)
        else:
            scores = score_numbers(np.asarray(y, dtype=float), mixed)
        return float(self._metric.to_loss(scores[self._metric.name]))


def _some_rows(y: npt.NDArray[np.generic], n_folds: int, problem_type: ProblemType) -> npt.NDArray[np.intp]:
    """Choose rows of a long fold, of every class some: comparing needs no more."""
    return subsample_rows(y, math.ceil(_ROWS / n_folds), problem_type)


def _greedy(folds: Sequence[_Fold], losses: FloatArray, loss: Callable[[_Fold, FloatArray], float]) -> FloatArray:
    """Add, again and again, the trial whose addition helps most; return the weights of the best prefix."""
    candidates = np.argsort(losses, kind="stable")[:_CANDIDATES]
    sums = [np.zeros_like(fold.predictions[0]) for fold in folds]
    counts = np.zeros(len(losses))
    best_weights, best_loss = counts, math.inf
    for size in range(1, _ROUNDS + 1):
        found = [
            float(np.mean([loss(f, (s + f.predictions[c]) / size) for f, s in zip(folds, sums, strict=True)]))
            for c in candidates
        ]
        pick = int(candidates[np.argmin(found)])
        counts[pick] += 1
        sums = [s + f.predictions[pick] for f, s in zip(folds, sums, strict=True)]
        if min(found) < best_loss - 1e-12:
            best_weights, best_loss = counts / size, min(found)
    return best_weights
