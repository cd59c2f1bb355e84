"""Figures of a chosen model on rows that it has not seen."""

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor
from metalearn.estimators.columns import select_columns
from metalearn.exceptions import InvalidInputError
from metalearn.plot.canvas import ACCENT, LABEL, SOFT, axes, documented, literal
from metalearn.report import series
from metalearn.report.markup import shortened
from metalearn.report.model import CURVES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["calibration", "confusion", "importance", "precision_recall", "predicted", "residuals", "roc"]

_ROWS, _TOP = 2_000, 15

_of_rows_held_out = partial(
    documented,
    """model : MetaLearnClassifier or MetaLearnRegressor
        Fitted in this process: a file of a model does not hold the facts.""",
    refused="If the model has no such facts.",
)


@_of_rows_held_out("Scikit-learn's display; there are at most twelve classes.")
def confusion(model: MetaLearnClassifier, *, ax: "Axes | None" = None) -> "Axes":
    """Plot how often each class was taken for each other on rows held out."""
    from sklearn.metrics import ConfusionMatrixDisplay  # noqa: PLC0415 - imports matplotlib

    facts = _held_out(model, "confusion")
    ax = axes(ax)
    shown = ConfusionMatrixDisplay(np.array(facts["confusion"]), display_labels=list(map(literal, facts["labels"])))
    shown.plot(ax=ax, cmap="Blues", colorbar=False)
    return ax


@_of_rows_held_out("One line a class, of two classes the second's.")
def roc(model: MetaLearnClassifier, *, ax: "Axes | None" = None) -> "Axes":
    """Plot the ROC curve of each class, on rows held out."""
    return _lines(model, "roc", ax)


@_of_rows_held_out("One line a class, of two classes the second's.")
def precision_recall(model: MetaLearnClassifier, *, ax: "Axes | None" = None) -> "Axes":
    """Plot precision against recall of each class, on rows held out."""
    return _lines(model, "precision_recall", ax)


@_of_rows_held_out("One line a class, of two classes the second's.")
def calibration(model: MetaLearnClassifier, *, ax: "Axes | None" = None) -> "Axes":
    """Plot observed shares against predicted probabilities, on rows held out."""
    return _lines(model, "calibration", ax)


@_of_rows_held_out("Medians and tenths of groups of rows with similar predictions.")
def predicted(model: MetaLearnRegressor, *, ax: "Axes | None" = None) -> "Axes":
    """Plot true against predicted numbers, on rows held out."""
    return _lines(model, "predicted", ax)


@_of_rows_held_out("Medians and tenths of groups of rows with similar predictions.")
def residuals(model: MetaLearnRegressor, *, ax: "Axes | None" = None) -> "Axes":
    """Plot residuals against predicted numbers, on rows held out."""
    return _lines(model, "residuals", ax)


def importance(
    model: MetaLearnClassifier | MetaLearnRegressor,
    X: Any,
    y: Any,
    *,
    seconds: float = 30.0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Plot by how much the score falls when one column is shuffled, on rows that the model has not seen.

    Parameters
    ----------
    model : MetaLearnClassifier or MetaLearnRegressor
        Fitted, or from a file.
    X : DataFrame of shape (n_rows, n_features)
        Newer rows, or others that were kept out of fitting; at most 2,000 of them are used.
    y : array-like of shape (n_rows,)
        Their target.
    seconds : float, default=30.0
        After this time no further column is shuffled.
    ax : Axes or None, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    Axes
        The fifteen columns that matter most; the title tells how many were shuffled.

    Raises
    ------
    InvalidInputError
        If the table does not fit the model.
    MissingExtraError
        If matplotlib is not installed.
    """
    frame, known = select_columns(X, model.column_kinds_, model.column_formats)[0].iloc[:_ROWS], np.asarray(y)[:_ROWS]
    to_loss, rng, end = model.metric_.to_loss, np.random.default_rng(0), monotonic() + seconds
    before = to_loss(model.row_scorer(frame, known)(slice(None)))
    losses: dict[str, float] = {}
    for name in map(str, frame.columns):
        if losses and monotonic() > end:
            break
        shuffled = frame.assign(**{name: frame[name].to_numpy()[rng.permutation(len(frame))]})
        losses[name] = float(to_loss(model.row_scorer(shuffled, known)(slice(None))) - before)
    ax = axes(ax)
    top = sorted(losses.items(), key=lambda item: -item[1])[:_TOP]
    ax.barh([literal(shortened(name, LABEL)) for name, _ in top], [loss for _, loss in top], color=ACCENT)
    ax.invert_yaxis()
    ax.set(
        xlabel=f"{model.metric_.name} lost by shuffling", title=f"{len(losses)} of {frame.shape[1]} columns shuffled"
    )
    return ax


def _held_out(model: Any, part: str) -> dict[str, Any]:
    facts: dict[str, Any] = getattr(model, "held_out_facts_", None) or {}
    if part in facts or facts.get("lines", {}).get(part):
        return facts
    message = (
        f"A {type(model).__name__} has no facts about {part} on rows held out. Expected an estimator that was fitted in this "
        "process, of the right kind of problem. Fit one: ml.tune(X, y)."
    )
    raise InvalidInputError(message)


def _lines(model: Any, part: str, ax: "Axes | None") -> "Axes":
    facts = _held_out(model, part)
    ax = axes(ax)
    for i, line in enumerate(facts["lines"][part]):
        ax.plot(line["x"], line["y"], ".-", color=series.COLOURS[i + 1], label=literal(line["label"]))
    title, x_label, y_label = CURVES[part]
    ax.set(title=title, xlabel=x_label, ylabel=y_label)
    if part == "residuals":
        ax.axhline(0, color=SOFT, linewidth=1)
    elif part in {"calibration", "predicted", "roc"}:
        ends = [f(line["x"]) for f in (min, max) for line in facts["lines"][part]]
        ax.plot([min(ends), max(ends)], [min(ends), max(ends)], color=SOFT, linewidth=1, linestyle="--")
    ax.legend()
    return ax
