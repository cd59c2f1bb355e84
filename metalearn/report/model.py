"""What a chosen model does on rows held out: the facts, without rows of the table, and their figures for a page."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.report.markup import escaped
from metalearn.report.svg import line_plot
from metalearn.report.text import number

__all__ = ["CURVES", "held_out_facts", "held_out_figures"]

CURVES = {
    "roc": ("ROC curve", "share of other rows called so", "share of its rows found"),
    "precision_recall": ("Precision and recall", "recall", "precision"),
    "calibration": ("Calibration", "predicted probability", "observed share"),
    "predicted": ("Predicted against true", "predicted", "true"),
    "residuals": ("Residuals", "predicted", "true minus predicted"),
}
"""Title and axes of each figure of lines."""

_MOST_CLASSES = 12
_MOST_CURVES = 6
_POINTS = 60
_BINS = 10
_FEWEST = 20


def held_out_facts(
    truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64], labels: Sequence[str]
) -> dict[str, Any] | None:
    """Return counts and curves of predictions, classes as codes; None where too few rows were held out."""
    known = np.isfinite(predicted) if predicted.ndim == 1 else np.isfinite(predicted).all(axis=1)
    truth, predicted = truth[known], predicted[known]
    if len(truth) < _FEWEST:
        return None
    return {"n_rows": len(truth), **(_classes(truth, predicted, labels) if labels else _numbers(truth, predicted))}


def _classes(truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64], labels: Sequence[str]) -> dict[str, Any]:
    from sklearn.calibration import calibration_curve  # noqa: PLC0415 - --help stays fast
    from sklearn.metrics import (  # noqa: PLC0415
        auc,
        average_precision_score,
        confusion_matrix,
        precision_recall_curve,
        roc_curve,
    )

    n_classes = len(labels)
    chosen = [1] if n_classes == 2 else np.argsort(-np.bincount(truth, minlength=n_classes))[:_MOST_CURVES].tolist()  # noqa: PLR2004
    lines: dict[str, list[dict[str, Any]]] = {"roc": [], "precision_recall": [], "calibration": []}
    for code in chosen:
        is_class, probability = truth == code, predicted[:, code]
        if is_class.all() or not is_class.any():
            continue
        x, y, _ = roc_curve(is_class, probability)
        lines["roc"].append(_line(f"{labels[code]} (area {number(auc(x, y), 3)})", x, y))
        precision, recall, _ = precision_recall_curve(is_class, probability)
        average = number(average_precision_score(is_class, probability), 3)
        lines["precision_recall"].append(_line(f"{labels[code]} (average {average})", recall[::-1], precision[::-1]))
        shares, means = calibration_curve(is_class, np.clip(probability, 0, 1), n_bins=_BINS, strategy="quantile")
        lines["calibration"].append(_line(labels[code], means, shares))
    found: dict[str, Any] = {"lines": lines}
    if n_classes <= _MOST_CLASSES:
        counts = confusion_matrix(truth, predicted.argmax(axis=1), labels=range(n_classes))
        found |= {"labels": list(labels), "confusion": counts.tolist()}
    return found


def _numbers(truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return medians and tenths of groups of rows with similar predictions, so that no row is shown."""
    groups = np.array_split(np.argsort(predicted, kind="stable"), min(2 * _BINS, len(truth) // _BINS))
    means = [float(predicted[rows].mean()) for rows in groups]
    lines = {}
    for name, values in (("predicted", truth), ("residuals", truth - predicted)):
        shown = (("90 % below", 90), ("median", 50), ("10 % below", 10))
        lines[name] = [
            _line(label, means, [float(np.percentile(values[rows], share)) for rows in groups])
            for label, share in shown
        ]
    return {"lines": lines}


def _line(label: str, x: Any, y: Any) -> dict[str, Any]:
    places = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).round().astype(int))
    return {
        "label": label,
        "x": [round(float(v), 6) for v in np.asarray(x)[places]],
        "y": [round(float(v), 6) for v in np.asarray(y)[places]],
    }


def held_out_figures(facts: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """Return title, markup and caption of each figure."""
    if facts is None:
        return []
    about = f"Predictions for {facts['n_rows']:,} rows by models that did not see them."
    found = []
    if "confusion" in facts:
        found.append(("Confusion matrix", _matrix(facts["labels"], facts["confusion"]), about))
    for name, lines in facts["lines"].items():
        if lines:
            title, x_label, y_label = CURVES[name]
            plot = line_plot([(p["label"], p["x"], p["y"]) for p in lines], title, x_label, y_label)
            found.append((title, plot, about if name not in {"predicted", "residuals"} else f"{about} {_GROUPED}"))
    return found


_GROUPED = "Each point is a group of rows with similar predictions."


def _matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Draw counts as a table whose cells are the darker, the larger their share of the row."""
    head = "".join(f'<th class="number">{escaped(label)}</th>' for label in labels)
    rows = []
    for label, row in zip(labels, counts, strict=True):
        total = sum(row) or math.inf
        cells = "".join(
            f'<td class="number" style="background:color-mix(in srgb, var(--accent) {70 * count / total:.0f}%, transparent)">'
            f"{count:,}</td>"
            for count in row
        )
        rows.append(f"<tr><th>{escaped(label)}</th>{cells}</tr>")
    return f'<div class="wide"><table class="matrix"><thead><tr><th>true \N{DOWNWARDS ARROW}, predicted \N{RIGHTWARDS ARROW}</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
