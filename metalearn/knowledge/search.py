"""Find past tasks by words or by likeness, with what won there and how sure that is."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtr

from metalearn.dataset import Dataset
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, unknown_name
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.space import Configuration
from metalearn.task import METRICS, ProblemType, get_metric

__all__ = ["PastTask", "search"]

FloatArray = npt.NDArray[np.float64]

_UNITS = {"": 1.0, "k": 1e3, "m": 1e6}
_SIZE = re.compile(r"(\d+(?:[.,]\d+)*)\s*([km]?)\s*(rows?|features?|columns?|classes|class)\b")
_TYPES = {
    "binary": {ProblemType.BINARY},
    "multiclass": {ProblemType.MULTICLASS},
    "classification": {ProblemType.BINARY, ProblemType.MULTICLASS},
    "regression": {ProblemType.REGRESSION},
}
_SMALL, _LARGE = 1_000, 10_000
_FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTask:
    """Describe a past task that was found, and what won there."""

    task_id: str
    name: str
    problem_type: str
    n_rows: int
    n_features: int
    n_classes: int
    match: float
    recorded_by: tuple[str, ...] = ()
    n_configurations: int = 0
    metric: str = ""
    best: Configuration | None = None
    score: float = math.nan
    standard_error: float = math.nan
    certainty: float = math.nan

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        found = {name: getattr(self, name) for name in self.__slots__}
        plain = {name: None if value != value else value for name, value in found.items()}  # noqa: PLR0124 - NaN
        return {**plain, "best": self.best and self.best.to_dict(), "recorded_by": list(self.recorded_by)}


def search(
    knowledge: KnowledgeBase,
    words: str = "",
    *,
    like: Dataset | MetaFeatures | str | None = None,
    n: int = 10,
) -> tuple[PastTask, ...]:
    """Find past tasks by words or by likeness.

    Parameters
    ----------
    knowledge : KnowledgeBase
        Where to look.
    words : str, default=""
        Problem types (``binary``, ``multiclass``, ``classification``, ``regression``), sizes (``10k rows``,
        ``50 features``, ``3 classes``), ``small``, ``large``, ``wide``, ``imbalanced``, ``balanced``, ``missing``,
        ``categorical``, ``numeric``, and parts of names. Problem types must hold; all else counts by degree.
    like : Dataset, MetaFeatures, str or None, default=None
        A table, its meta-features, or the id of a past task that the found ones shall resemble. Likeness is 1 minus
        the mean distance of the meta-features' ranks among the past tasks; with fewer than five to compare, in proportion
        less.
    n : int, default=10
        How many tasks at most.

    Returns
    -------
    tuple of PastTask
        The best match first; nothing that does not fit at all.

    Raises
    ------
    InvalidInputError
        If neither words nor a likeness are given.
    UnknownNameError
        If ``like`` names a task that is not there.

    Examples
    --------
    >>> from metalearn.task import Task
    >>> tasks = [Task(id=f"t:{n}", problem_type="binary", n_rows=n) for n in (100, 9_000, 500_000)]
    >>> knowledge = KnowledgeBase.from_records(tasks, {}, [])
    >>> [found.task_id for found in search(knowledge, "binary 10k rows", n=2)]
    ['t:9000', 't:500000']
    """
    if not words.strip() and like is None:
        message = "Nothing to look for was given. Expected words or a likeness. Give words such as 'binary 10k rows'."
        raise InvalidInputError(message)
    if not len(knowledge):
        return ()
    match = np.ones(len(knowledge))
    if words.strip():
        match *= _by_words(knowledge, words.lower())
    if like is not None:
        match *= _by_likeness(knowledge, like)
    order = [row for row in np.argsort(-match, kind="stable")[:n] if match[row] > 0]
    near = knowledge.subset(tasks=[knowledge.task_ids[row] for row in order])
    return tuple(_described(near, knowledge.task_ids[row], float(match[row])) for row in order)


def _by_words(knowledge: KnowledgeBase, words: str) -> FloatArray:
    tasks = knowledge.tasks
    holds = np.ones(len(tasks), dtype=bool)
    degrees: list[FloatArray] = []
    for number, unit, what in _SIZE.findall(words):
        wanted = _number(number, unit) * _UNITS[unit]
        column = {"r": "n_rows", "f": "n_features"}.get(what[0], "n_classes" if what.startswith("cl") else "n_features")
        known = tasks[column].to_numpy(dtype=float)
        degrees.append(np.exp(-np.abs(np.log(np.maximum(known, 0.1) / max(wanted, 0.1)))))
    features = knowledge.meta_feature_table
    for word in re.findall(r"[\w./:@-]+", _SIZE.sub(" ", words)):
        if word in _TYPES:
            holds &= tasks["problem_type"].isin([str(t) for t in _TYPES[word]]).to_numpy()
        elif word in _DEGREES:
            degrees.append(np.nan_to_num(np.clip(_DEGREES[word](tasks, features), 0, 1)))
        elif word not in {"rows", "with", "and", "many", "values", "columns", "features", "tasks", "tables"}:
            texts = tasks[["task_id", "name", "family", "source", "note"]].agg(" ".join, axis=1)
            degrees.append(texts.str.lower().str.contains(word, regex=False).to_numpy().astype(float))
    degree = np.mean(degrees or [np.ones(len(tasks))], axis=0)
    found: FloatArray = np.where(holds, degree, 0.0)
    return found


def _number(text: str, unit: str) -> float:
    """Return a number; three digits after a point or comma are thousands, but not in 1.250m rows."""
    digits = re.sub(r",(?=\d{3}\b)" if unit else r"[.,](?=\d{3}\b)", "", text).replace(",", ".")
    return float(digits.replace(".", "") if digits.count(".") > 1 else digits)


def _feature(features: pd.DataFrame, name: str) -> FloatArray:
    if name not in features:
        return np.full(len(features), np.nan)
    return np.asarray(features[name], dtype=float)


def _evenness(tasks: pd.DataFrame, features: pd.DataFrame) -> FloatArray:
    """Share of the rarest class relative to even classes, 0 to 1; NaN in regression."""
    n_classes = tasks["n_classes"].to_numpy(dtype=float)
    return _feature(features, "minority_fraction") * np.where(n_classes > 0, n_classes, np.nan)


_DEGREES: dict[str, Callable[[pd.DataFrame, pd.DataFrame], FloatArray]] = {
    "imbalanced": lambda tasks, features: 1 - _evenness(tasks, features),
    "balanced": _evenness,
    "missing": lambda _, features: (_feature(features, "missing_fraction") > 0).astype(float),
    "categorical": lambda _, features: _feature(features, "categorical_fraction"),
    "numeric": lambda _, features: _feature(features, "numeric_fraction"),
    "small": lambda tasks, _: _SMALL / tasks["n_rows"].to_numpy(dtype=float).clip(1),
    "large": lambda tasks, _: tasks["n_rows"].to_numpy(dtype=float) / _LARGE,
    "wide": lambda tasks, _: tasks["n_features"].to_numpy(dtype=float) / tasks["n_rows"].to_numpy(dtype=float).clip(1),
}


def _by_likeness(knowledge: KnowledgeBase, like: Dataset | MetaFeatures | str) -> FloatArray:
    table = knowledge.meta_feature_table
    if isinstance(like, str):
        if like not in table.index:
            raise unknown_name("task", like, knowledge.task_ids)
        wanted = table.loc[like].to_numpy(dtype=float)
    else:
        wanted = (extract(like) if isinstance(like, Dataset) else like).to_array(table.columns)
    known = table.to_numpy(dtype=float)
    count = np.maximum(np.isfinite(known).sum(axis=0), 1)
    with np.errstate(invalid="ignore"):
        ranks = pd.DataFrame(known).rank().to_numpy() / count
        place = ((known < wanted).sum(axis=0) + ((known == wanted).sum(axis=0) + 1) / 2) / count
    gap = np.abs(ranks - np.where(np.isfinite(wanted), place, np.nan))
    shared = np.isfinite(gap).sum(axis=1)
    match = np.where(shared > 0, 1 - np.nansum(gap, axis=1) / np.maximum(shared, 1), 0.0).clip(0)
    match *= np.minimum(shared / _FEWEST, 1)  # a row count that agrees does not make two tables alike
    if isinstance(like, str):
        match[knowledge.task_ids.index(like)] = 0
        kind = knowledge.task(like).problem_type.is_classification
    elif isinstance(like, Dataset):
        kind = like.problem_type.is_classification
    elif "n_classes" in like.values:
        kind = like.values["n_classes"] > 0
    else:
        return match
    # classification and regression have nothing to tell each other
    of_kind = (knowledge.tasks["problem_type"] != str(ProblemType.REGRESSION)).to_numpy() == kind
    return np.where(of_kind, match, 0.0)


def _described(knowledge: KnowledgeBase, task_id: str, match: float) -> PastTask:
    task = knowledge.task(task_id)
    runs = knowledge.evaluations[knowledge.evaluations["task_id"] == task_id]
    facts: dict[str, Any] = {
        "task_id": task.id,
        "name": task.name,
        "problem_type": str(task.problem_type),
        "n_rows": task.n_rows,
        "n_features": task.n_features,
        "n_classes": task.n_classes,
        "match": match,
        "recorded_by": tuple(sorted(runs["recorded_by"].astype(str).unique())),
        "n_configurations": int(runs["configuration_id"].nunique()),
    }
    counts = runs.loc[runs["status"] == str(Status.OK), "metric"].astype(str).value_counts()
    usable = [m for m in counts.index if m in METRICS and task.problem_type in METRICS[m].problem_types]
    if not usable:
        return PastTask(**facts)
    default = get_metric(None, task.problem_type).name
    metric = METRICS[default if default in usable else usable[0]]
    chosen = runs[(runs["metric"] == metric.name)].astype({"configuration_id": str})
    values = metric.to_loss(chosen["value"].to_numpy(dtype=float))
    losses = chosen.assign(loss=values).pivot_table(
        index="configuration_id", columns="fold", values="loss", dropna=False
    )
    failed = chosen.loc[chosen["status"] != str(Status.OK), "configuration_id"].unique()
    losses = losses[~losses.index.isin(failed)]
    if not len(losses):
        return PastTask(**facts)
    means = losses.mean(axis=1).sort_values(kind="stable")
    best = means.index[0]
    others = [c for c in means.index[1:] if knowledge.models[c] != knowledge.models[best]] or list(means.index[1:])
    folds = losses.loc[best].dropna()
    return PastTask(
        **facts,
        metric=metric.name,
        best=knowledge.configuration_by_id[best],
        score=float(metric.from_loss(means.iloc[0])),
        standard_error=float(folds.std(ddof=1) / math.sqrt(len(folds))) if len(folds) > 1 else math.nan,
        certainty=_certainty((losses.loc[others[0]] - losses.loc[best]).dropna().to_numpy()) if others else math.nan,
    )


def _certainty(gains: FloatArray) -> float:
    """Return the probability that the mean gain is positive, by Student's t."""
    n = len(gains)
    if n < 2:  # noqa: PLR2004
        return math.nan
    mean, error = float(gains.mean()), float(gains.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return 0.5 if mean == 0 else float(mean > 0)
    return float(stdtr(n - 1, mean / error))
