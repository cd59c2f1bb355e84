"""Tell whether what was recommended for a table still holds for a newer version of it."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from metalearn._wording import advice
from metalearn.api import KnowledgeSource, open_knowledge_base, recommend
from metalearn.estimators import MetaLearnEstimator, load_model
from metalearn.estimators.columns import select_columns
from metalearn.estimators.drift import target_moved
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import KnowledgeBase
from metalearn.recommendation import Recommendation
from metalearn.report import facts_fragment, to_json
from metalearn.report.text import Text, changes, facts_table, number
from metalearn.table.intake import as_frame, numeric_target

__all__ = ["Moved", "Recheck", "recheck"]

KNOWN_GROUND = 0.98
"""Beyond this novelty a table is unlike anything known."""

WELL_KNOWN = 0.95
"""Up to this novelty a table lies well within what is known; samples of one nearer the edge cross it by chance."""

FEWEST_ROWS = 60
"""A smaller sample looks novel by itself. A test draws samples of this size from tables that a model knows."""

MOVED = 0.5
"""A meta-feature has moved if it changed by this part of its spread over the past tasks."""

_WORSE = 3
"""A model does worse if it is behind by so many standard deviations, of the folds' scores and of the new one."""

_LEAST_SPREAD = 1e-6
_RESAMPLES, _RESAMPLED_ROWS = 100, 10_000
_RANKED = 1000
"""More than any list has: what was chosen for its price, or complements others, may stand far down."""

_TOLD = 50
_SHOWN = 8
_COLUMNS = ("meta-feature", "before", "now", "shift in spreads")
_MOVED_WORDS = (
    "\nMeta-features that changed by more than their spread over past tasks; alone they are no reason to tune again:"
)


@dataclass(frozen=True, slots=True)
class Moved:
    """Record a meta-feature that moved.

    Parameters
    ----------
    name : str
        The meta-feature.
    before, now : float
        Its values.
    shift : float
        The change, in spreads over the past tasks, on a logarithmic scale.
    """

    name: str
    before: float
    now: float
    shift: float


@dataclass(frozen=True, slots=True)
class Recheck:
    """Say whether a recommendation still holds.

    Parameters
    ----------
    reasons : tuple of str
        Why it no longer holds, a sentence each; empty if it does.
    moved : tuple of Moved
        The meta-features that moved, the furthest first.
    recommendation : Recommendation
        What would be recommended now.
    notes : tuple of str, default=()
        What could not be told, a sentence each.
    score : float, default=nan
        Score on the newer rows, in the metric's own direction.
    expected_score : float, default=nan
        Score that the cross-validation promised.
    """

    reasons: tuple[str, ...]
    moved: tuple[Moved, ...]
    recommendation: Recommendation
    notes: tuple[str, ...] = ()
    score: float = math.nan
    expected_score: float = math.nan

    @property
    def still_valid(self) -> bool:
        """Whether nothing speaks against going on as before."""
        return not self.reasons

    def __str__(self) -> str:
        """Return the answer, the reasons and what moved as text."""
        table = [_MOVED_WORDS, facts_table(_COLUMNS, self._rows, right=_COLUMNS[1:])] if self.moved else []
        return Text("\n".join([self._head, *(f"- {said}" for said in (*self.reasons, *self.notes)), *table]))

    def _repr_html_(self) -> str:
        """Return the same for notebooks."""
        return facts_fragment(self._head, (*self.reasons, *self.notes), _COLUMNS, self._rows, right=_COLUMNS[1:])

    @property
    def _head(self) -> str:
        scored = f"{self.recommendation.task.metric.name} {number(self.score)} on these rows, {number(self.expected_score)} in cross-validation"
        return f"Still valid: {scored}." if self.still_valid else f"No longer valid ({scored}):"

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        return [(m.name, number(m.before), number(m.now), f"{m.shift:+.1f}") for m in self.moved[:_SHOWN]]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values.

        Returns
        -------
        dict
            Strings and numbers, and the recommendation's own dict.
        """
        return {
            "still_valid": self.still_valid,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "metric": self.recommendation.task.metric.name,
            "score": self.score,
            "expected_score": self.expected_score,
            "moved": [asdict(m) for m in self.moved],
            "recommendation": self.recommendation.to_dict(),
        }

    def to_json(self) -> str:
        """Return the answer as JSON.

        Returns
        -------
        str
            Standard JSON: values that are not finite become null.
        """
        return to_json(self.to_dict())


def recheck(
    model: MetaLearnEstimator | str | Path,
    X: Any,
    y: Any,
    *,
    knowledge_base: KnowledgeSource = None,
) -> Recheck:
    """Tell whether a model's recommendation still holds for newer rows of its table.

    Parameters
    ----------
    model : MetaLearnClassifier, MetaLearnRegressor, str or Path
        Fitted, or a file of :func:`~metalearn.estimators.save_model`.
    X : DataFrame or array-like of shape (n_rows, n_features)
        Newer rows; columns that the model does not know are ignored.
    y : array-like of shape (n_rows,)
        Their target.
    knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
        What recommendations are learned from; default: that of a model which was fitted in this process, else the
        bundled one. An address inside a model's file is never opened; name it to compare recommendations.

    Returns
    -------
    Recheck
        The answer: false if the table left known ground, if something else would be recommended now, if the target
        moved, or if the model does worse than its cross-validation said.

    Raises
    ------
    InvalidInputError
        If it is no model of metalearn, the columns are not those of the model, or the table cannot be used.
    NotFittedError
        If the model was not fitted.
    """
    fitted = load_model(model) if isinstance(model, str | Path) else model
    if not isinstance(fitted, MetaLearnEstimator):
        message = f"{type(fitted).__name__} cannot be rechecked. Expected a model of metalearn, or its file. Fit one: ml.tune(X, y)."
        raise InvalidInputError(message)
    check_is_fitted(fitted)
    frame, _ = select_columns(_named(X, fitted.column_kinds_), fitted.column_kinds_, fitted.column_formats)
    target = pd.Series(np.asarray(y) if not isinstance(y, pd.Series) else y.to_numpy(), name=getattr(y, "name", None))
    known = target.notna().to_numpy()
    named, target = frame.loc[known], target[known].reset_index(drop=True)
    frame = named.reset_index(drop=True)
    if not len(target):
        message = "The target is missing in every row. Expected values to compare with. Choose another column."
        raise InvalidInputError(message)
    classes = getattr(fitted, "classes_", None)
    target = numeric_target(target, "regression") if classes is None else target
    reasons = target_moved(fitted.target_, target, classes)
    before = fitted.recommendation_
    elsewhere = getattr(fitted, "learned_from_", "") if knowledge_base is None else ""
    if knowledge_base is None:  # an address in a file is not opened: whoever made the file would choose whom we ask
        knowledge_base = fitted.knowledge_base
    if classes is not None and target.nunique() < 2:  # noqa: PLR2004
        message = "The target has a single class in the new rows. Expected at least two. Bring more rows."
        raise InvalidInputError(message)
    now = recommend(
        frame,
        target,
        n=_RANKED,
        metric=fitted.metric_,
        families=fitted.families,
        knowledge_base=knowledge_base,
        categorical=fitted.categorical,
        problem_type="regression" if classes is None else "multiclass",
        recommender=fitted.recommender,
    )
    notes: list[str] = []
    score, worse = _compared(fitted, named, target)
    reasons += worse
    if now.task.problem_type is not before.task.problem_type:
        notes = [
            f"With classes missing the new rows are a {now.task.problem_type} problem: recommendations are not compared."
        ]
    elif elsewhere:
        told = (
            f"The model was learned from {elsewhere}, which is opened only if you name it "
            f"({advice(python='knowledge_base=...', command='--knowledge-base')}): recommendations are not compared."
        )
        notes = [told]
    elif before.candidates:
        left, notes = _left_known_ground(before, now, len(frame))
        reasons += [*left, *_another(before, now)]
    kb = open_knowledge_base(knowledge_base).subset(problem_type=before.task.problem_type)
    moved = _moved(before.meta_features, now.meta_features, kb)
    return Recheck(
        tuple(reasons), moved, replace(now, candidates=now.candidates[:_TOLD]), tuple(notes), score, fitted.best_score_
    )


def _named(X: Any, names: Collection[str]) -> pd.DataFrame:
    """Return a table; the columns of an array are those of the model, in their order."""
    frame = as_frame(X)
    plain = not hasattr(X, "columns") and frame.shape[1] == len(names)
    return frame.set_axis(list(names), axis=1) if plain else frame


def _moved(before: Mapping[str, float], now: Mapping[str, float], kb: KnowledgeBase) -> tuple[Moved, ...]:
    table = kb.meta_feature_table
    names = [n for n in table.columns if n in before and n in now and n not in ("n_rows", "log_n_rows")]
    past = _signed_log(table[names].to_numpy(dtype=float))
    known = np.isfinite(past).sum(axis=0) > 1
    spread = np.ones(len(names))
    spread[known] = np.nanstd(past[:, known], axis=0)
    spread[spread < _LEAST_SPREAD] = 1.0  # alike on all past tasks: any difference counts by itself
    old, new = (_signed_log(np.array([values[n] for n in names], dtype=float)) for values in (before, now))
    shifts = (new - old) / spread
    found = [
        Moved(name, before[name], now[name], float(shift))
        for name, shift in zip(names, shifts, strict=True)
        if math.isfinite(shift) and abs(shift) >= MOVED
    ]
    return tuple(sorted(found, key=lambda m: -abs(m.shift)))


def _signed_log(values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    finite = np.where(np.isfinite(values), values, np.nan)
    return np.asarray(np.sign(finite) * np.log1p(np.abs(finite)))


def _left_known_ground(before: Recommendation, now: Recommendation, n_rows: int) -> tuple[list[str], list[str]]:
    """Return a reason against the recommendation, or a note that there are too few rows to tell, or neither."""
    if not (before.novelty < WELL_KNOWN and now.novelty >= KNOWN_GROUND):
        return [], []
    if n_rows < FEWEST_ROWS:
        return [], [
            f"{n_rows} rows are too few to tell whether the table is still like what is known. Bring {FEWEST_ROWS} or more."
        ]
    moved = f"its novelty went from {before.novelty:.2f} to {now.novelty:.2f}"
    return [f"The table is now unlike anything known: {moved}."], []


def _another(before: Recommendation, now: Recommendation) -> list[str]:
    """Compare what is expected now of the former first candidate with what is expected of the best."""
    to_loss = now.task.metric.to_loss
    first, best = before[0], min(now, key=lambda c: float(to_loss(c.expected_score)))
    same = next((c for c in now if c.configuration == first.configuration), None)
    if same is None:  # nothing is known of it that could be compared
        return []
    behind = to_loss(same.expected_score) - to_loss(best.expected_score)
    if not behind > (best.interval[1] - best.interval[0]) / 2:
        return []
    shown = f"{best.model} ({changes(best.changes)})"
    return [
        f"Another configuration would be recommended now: {shown} instead of {first.model} ({changes(first.changes)})."
    ]


def _compared(model: Any, frame: pd.DataFrame, target: "pd.Series[Any]") -> tuple[float, list[str]]:
    """Return the score on the new rows, and a reason if it is worse than what the cross-validation promised."""
    used = [t for t in model.trial_facts_ if t["status"] == "ok" and t["weight"]]
    known = [t["deviation"] for t in used if math.isfinite(t["deviation"])]  # a single fold has none
    promised = max(known, default=0.0)
    scorer, expected = model.row_scorer(frame, target), model.best_score_
    score = scorer(slice(None))
    behind = model.metric_.to_loss(score) - model.metric_.to_loss(expected)
    if not behind > _WORSE * promised or not behind > _WORSE * _spread(scorer, len(target)):
        return score, []
    name = model.metric_.name
    return score, [
        f"The model does worse than expected: {name} {number(score)} on these rows, {number(expected)} in cross-validation."
    ]


def _spread(scorer: Callable[[npt.NDArray[np.intp]], float], n_rows: int) -> float:
    """Return the standard error of a score by the bootstrap: that of few rows is wide, whatever the folds said."""
    rng, size = np.random.default_rng(0), min(n_rows, _RESAMPLED_ROWS)
    scores = np.array([scorer(rng.integers(0, n_rows, size)) for _ in range(_RESAMPLES)])
    scores = scores[np.isfinite(scores)]
    return float(scores.std(ddof=1) * math.sqrt(size / n_rows)) if len(scores) > 1 else math.inf
