"""Score predictions by every metric at once."""

import numpy as np
import numpy.typing as npt

from metalearn.task import ProblemType

__all__ = ["score_classes", "score_numbers"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]


def _auc_by_class(codes: IntArray, probabilities: FloatArray) -> FloatArray:
    """Area under the ROC curve of every class against the rest; NaN where a class or its rest is absent."""
    from scipy.stats import rankdata  # noqa: PLC0415 - scipy.stats is slow to import and not needed to recommend

    n_classes = probabilities.shape[1]
    ranks = rankdata(probabilities, axis=0)
    is_class = codes[:, None] == np.arange(n_classes)
    positives = is_class.sum(axis=0).astype(float)
    negatives = len(codes) - positives
    with np.errstate(invalid="ignore", divide="ignore"):
        area = ((ranks * is_class).sum(axis=0) - positives * (positives + 1) / 2) / (positives * negatives)
    return np.where((positives > 0) & (negatives > 0), area, np.nan)


def score_classes(codes: IntArray, probabilities: FloatArray, problem_type: ProblemType) -> dict[str, float]:
    """Score predicted class probabilities by every classification metric at once."""
    n, n_classes = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(codes * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
    hits, true, chosen = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    seen = (true + chosen) > 0
    areas = _auc_by_class(codes, probabilities)
    area = areas[1] if problem_type is ProblemType.BINARY else np.nanmean(areas) if np.isfinite(areas).any() else np.nan
    total = probabilities.sum(axis=1)
    tiny = np.finfo(np.float64).eps
    likelihood = np.clip(probabilities[np.arange(n), codes] / np.where(total > 0, total, 1.0), tiny, 1 - tiny)
    return {
        "roc_auc": float(area),
        "log_loss": float(-np.log(likelihood).mean()),
        "balanced_accuracy": float((hits[true > 0] / true[true > 0]).mean()),
        "accuracy": float(hits.sum() / n),
        "f1_macro": float((2 * hits[seen] / (true + chosen)[seen]).mean()),
    }


def score_numbers(y: FloatArray, predicted: FloatArray) -> dict[str, float]:
    """Score predicted numbers by every regression metric at once."""
    gap = y - predicted
    largest = float(np.abs(y).max()) or 1.0
    error, spread = _length(gap), _length(y - (y / largest).mean() * largest)
    constant = float(error == 0) if len(y) > 1 else np.nan
    with np.errstate(over="ignore"):
        r2 = 1 - float(np.square(error / spread)) if spread > 0 else constant
    return {"r2": r2, "rmse": float(error / np.sqrt(len(y))), "mae": float(np.abs(gap).mean())}


def _length(values: FloatArray) -> np.float64:
    """Return the root of the sum of squares, also of numbers whose squares vanish or overflow."""
    largest = np.abs(values).max()
    return np.float64(largest * np.linalg.norm(values / largest) if 0 < largest < np.inf else largest)
