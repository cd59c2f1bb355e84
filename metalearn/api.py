"""The first door: a table in, a recommendation out."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from metalearn._address import shown
from metalearn._arguments import checked_count, checked_seconds
from metalearn._installation import install_command
from metalearn.checks import associations, check_data
from metalearn.dataset import Dataset
from metalearn.evaluation.proxy import with_stand_ins
from metalearn.exceptions import InvalidInputError
from metalearn.fitted_recommenders import bundled_knowledge_base, fitted_recommender
from metalearn.knowledge import BUNDLED, KnowledgeBase, Store, open_store
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.models import get_model, models_for
from metalearn.recommendation import Neighbour, Recommendation
from metalearn.recommenders import Strategy
from metalearn.table.fingerprint import comparable
from metalearn.table.intake import column_names
from metalearn.task import NEW, Metric, ProblemType, Task, get_metric

__all__ = [
    "KnowledgeSource",
    "bundled_knowledge_base",
    "new_task",
    "open_knowledge_base",
    "open_store",
    "past_of",
    "recommend",
    "usable_models",
]

N_FOLDS = 3
"""Folds of the cross-validation that a time budget pays for."""

FEW = 20
"""With fewer past tasks than this, what is said of them cannot be checked on tasks left out."""

_ALL = 100_000
_SHOWN = 10

KnowledgeSource: TypeAlias = KnowledgeBase | Store | str | Path | Sequence[KnowledgeBase | Store | str | Path] | None
"""Where a knowledge base is kept, or several."""

SAME = 1e-6
"""Tables nearer than this, in standardised meta-features, hold the same data."""

SIGNAL = {"linear_r2": 0.02, "linear_score": 0.05, "one_nn_score": 0.05}
"""Where these cross-validated meta-features are no higher, nothing was found that predicts the target."""


def open_knowledge_base(source: KnowledgeSource) -> KnowledgeBase:
    """Return a knowledge base from wherever it is kept."""
    if source is None or _is_bundled(source):
        return bundled_knowledge_base()
    if isinstance(source, KnowledgeBase):
        return source
    if isinstance(source, Sequence) and not isinstance(source, str):
        first, *others = map(open_knowledge_base, source)
        return sum(others, first)
    if not (isinstance(source, str | Path) or hasattr(source, "read")):
        message = f"{source!r} is no knowledge base. Expected one, a store, or the address of a store. Name one."
        raise InvalidInputError(message)
    found = (open_store(source) if isinstance(source, str | Path) else source).read()
    if not len(found) and isinstance(source, str | Path):
        message = (
            f"Nothing is stored at {shown(source)!r}. Expected a folder or database with results. Check the address."
        )
        raise InvalidInputError(message)
    return found


def _is_bundled(source: KnowledgeSource) -> bool:
    if isinstance(source, Sequence) and not isinstance(source, str):
        return len(source) <= 1 and all(map(_is_bundled, source))
    return source is None or (isinstance(source, str) and source == BUNDLED)


def past_of(source: KnowledgeSource) -> KnowledgeBase | None:
    """Return what is to be learned from as :func:`~metalearn.fitted_recommenders.fitted_recommender` takes it."""
    return None if _is_bundled(source) else open_knowledge_base(source)


def recommend(
    X: Any,
    y: Any = None,
    *,
    target: str | None = None,
    n: int = 10,
    metric: str | Callable[..., Any] | Metric | None = None,
    time_budget: float | None = None,
    families: str | Sequence[str] | None = None,
    knowledge_base: KnowledgeSource = None,
    problem_type: ProblemType | str | None = None,
    categorical: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    recommender: str = "auto",
    name: str = "table",
) -> Recommendation:
    """Recommend which configurations to try first on a table, without training any.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table: any column types, missing values allowed.
    y : Series or array-like of shape (n_rows,) or None, default=None
        The target; None takes the column that ``target`` names.
    target : str or None, default=None
        The column of ``X`` that is the target, where ``y`` is not given.
    n : int, default=10
        How many configurations at most.
    metric : str, callable, Metric or None, default=None
        What to optimise, by name or as a scorer of scikit-learn's or your own; default: ``roc_auc`` (binary),
        ``accuracy`` (multiclass), ``r2`` (regression). Where no past result is of it, what agrees most with it stands in.
    time_budget : float or None, default=None
        Seconds that trying the whole list with three folds on one thread may take.
    families : str, sequence of str or None, default=None
        Model families to choose from; default: all whose package is installed.
    knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
        What to learn from; default: the bundled one. A folder or a database URL is opened.
    problem_type : ProblemType, str or None, default=None
        ``binary``, ``multiclass`` or ``regression``; default: inferred from the target.
    categorical : str or sequence of str, default=()
        Columns that are categorical whatever they look like.
    drop : str or sequence of str, default=()
        Columns that are no features, such as identifiers.
    keep : str or sequence of str, default=()
        The only columns that are features; empty keeps all.
    recommender : str, default="auto"
        Name of the strategy; ``"auto"`` takes the one that did best on families of tables left out.
    name : str, default="table"
        What to call the table.

    Returns
    -------
    Recommendation
        Ranked candidates with expected score, 80 % interval and seconds; the past tasks behind them; the novelty.

    Raises
    ------
    InvalidInputError
        If the table, the target or an option cannot be used.
    UnknownNameError
        If a family, metric or recommender is unknown.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> rec = recommend(X, y, n=3)
    >>> len(rec), str(rec.task.problem_type)
    (3, 'multiclass')
    """
    n, time_budget = checked_count(n), checked_seconds(time_budget)
    data = Dataset.from_data(
        X, y, target=target, drop=drop, keep=keep, problem_type=problem_type, categorical=categorical
    )
    task = new_task(data, metric, name)
    models, notes = usable_models(families, data.problem_type)
    meta_features = extract(data)
    past = past_of(knowledge_base)
    fitted = fitted_recommender(past, task.problem_type, task.metric, recommender)
    per_fold = None if time_budget is None else time_budget / N_FOLDS
    found = fitted.recommend(task, meta_features, n=n, models=models, time_budget=per_fold)
    nearest = found.neighbours[0] if found.neighbours else None
    if nearest and _holds(past, nearest, data, meta_features):
        notes.append(
            f"The knowledge base holds this very table as {nearest.name!r}: part of the answer is remembered, not inferred."
        )
    if _has_no_signal(meta_features):
        notes.append(
            "No signal was found: on a sample neither a linear model nor near neighbours tell more of the target than its "
            "mean or commonest class. Past tasks had some: do not rely on the expected scores."
        )
    n_past = FEW if past is None else int((past.tasks["problem_type"] == str(task.problem_type)).sum())
    if n_past < FEW:
        found = replace(found, novelty=math.nan)  # the distances of so few tell nothing
        notes.append(
            f"The knowledge base holds {n_past} {task.problem_type} task{'s' if n_past != 1 else ''}: "
            "intervals are not worth much yet, and novelty cannot be told."
        )
    if isinstance(fitted, Strategy) and (lacking := fitted.past_.table.not_buildable):
        known = fitted.past_.table.configurations
        odd = [lacking[c.id] for c in known if c.model in models and c.id in lacking]
        names = ", ".join(sorted({name for some in odd for name in some})[:_SHOWN])
        if odd:
            notes.append(
                f"{len(odd)} of {len(known)} known configurations are not recommended, since they cannot be built here: they "
                f"set {names}."
            )
    findings = check_data(data, metric=task.metric)
    serious = [finding.message for finding in findings if finding.severity == "warning"]
    notes += [finding.message for finding in findings if finding.severity != "warning"]
    if not found.candidates and time_budget is not None:
        unlimited = fitted.recommend(task, meta_features, n=_ALL, models=models)
        serious.insert(0, _too_short(time_budget, unlimited))
    candidates = tuple(replace(candidate, schema=data.schema) for candidate in found.candidates)
    about: dict[str, Any] = {"target": str(data.y.name), "categorical": data.categorical}
    chosen = {"drop": column_names(drop), "keep": column_names(keep)}
    about["reading"] = {option: named for option, named in chosen.items() if named}
    return replace(found, candidates=candidates, notes=(*serious, *found.notes, *notes), **about)


def describe(
    data: Dataset, name: str = "table", *, tier: str = "cheap", time_budget: float | None = None
) -> dict[str, Any]:
    """Return size, kinds of columns, meta-features and findings of the data checks as plain values."""
    found = extract(data, tier=tier, time_budget=time_budget)
    return {
        "table": name,
        "problem_type": str(data.problem_type),
        "n_rows": data.n_rows,
        "n_features": data.n_features,
        "n_classes": data.n_classes,
        "kinds": dict(Counter(map(str, data.kinds.values()))),
        "columns": data.columns.drop(columns="examples")
        .assign(association=list(associations(data).values()))
        .to_dict("records"),
        "meta_features": dict(found.values),
        "seconds": dict(found.seconds),
        "status": dict(found.status),
        "findings": [asdict(finding) for finding in check_data(data)],
    }


def _too_short(time_budget: float, unlimited: Recommendation) -> str:
    """Say that nothing fits into the time, and what the quickest candidate would take."""
    timed = [candidate for candidate in unlimited if math.isfinite(candidate.expected_seconds)]
    short = f"Nothing is expected to fit into {time_budget:g} seconds"
    if not timed:
        return f"{short}."
    quickest = min(timed, key=lambda candidate: candidate.expected_seconds)
    needed = N_FOLDS * quickest.expected_seconds
    return f"{short}: the quickest, {quickest.model}, takes about {needed:.2g} with {N_FOLDS} folds. Allow more time."


def _holds(past: KnowledgeBase | None, nearest: Neighbour, data: Dataset, meta_features: MetaFeatures) -> bool:
    """Tell whether the nearest past task is on the very data at hand: by its fingerprint, or by most meta-features."""
    if past is None:
        return nearest.distance < SAME
    sealed = past.task(nearest.task_id).fingerprint
    if sealed and comparable(sealed, data.fingerprint):
        return sealed == data.fingerprint
    stored = past.meta_features.loc[past.meta_features["task_id"] == nearest.task_id].dropna(subset="value")
    measured = {name for name, value in meta_features.values.items() if math.isfinite(value)}
    return nearest.distance < SAME and len(measured & set(stored["name"])) >= len(measured) / 2


def _has_no_signal(meta_features: MetaFeatures) -> bool:
    """Tell whether nothing quick can predict the target, as on a few of the bundled tables, which are hard for all models."""
    found = [meta_features.values.get(name, np.nan) for name in SIGNAL]
    return any(map(np.isfinite, found)) and not any(
        score > least for score, least in zip(found, SIGNAL.values(), strict=True)
    )


def new_task(data: Dataset, metric: str | Callable[..., Any] | Metric | None, name: str) -> Task:
    """Return the task that a table poses."""
    return Task(
        id=f"{NEW}{name}",
        problem_type=data.problem_type,
        metric=with_stand_ins(
            get_metric(metric, data.problem_type),
            data.named,
            data.target,
            data.problem_type,
            np.array(data.labels) if data.n_classes else None,
        ),
        name=name,
        n_rows=data.n_rows,
        n_features=data.n_features,
        n_classes=data.n_classes,
    )


def usable_models(families: str | Sequence[str] | None, problem_type: ProblemType) -> tuple[tuple[str, ...], list[str]]:
    """Return the families to choose from, and what to say about those left out."""
    solving = models_for(problem_type)
    if families is not None:
        named = [families] if isinstance(families, str) else families
        wanted = list(dict.fromkeys(get_model(name).name for name in named))
        unfit = [name for name in wanted if name not in solving]
        if unfit or not wanted:
            message = f"The families {unfit} do not solve {problem_type} problems. Expected some of {list(solving)}. Choose others."
            raise InvalidInputError(message)
        solving = {name: solving[name] for name in wanted}
    absent: dict[str, list[str]] = {}
    without_weights = []
    for name, spec in solving.items():
        if spec.is_available:
            continue
        if spec.weights and spec.is_installed:
            without_weights.append(spec.missing_weights)
        elif (
            families is not None or not spec.weights
        ):  # no bundled results of families with weights: silent unless named
            absent.setdefault(install_command(spec.extra), []).append(name)
    notes = [
        f"Left out because not installed: {', '.join(names)}. To have them: {line}" for line, names in absent.items()
    ]
    notes += [f"Left out: {text}" for text in without_weights]
    usable = tuple(name for name, spec in solving.items() if spec.is_available)
    if not usable:
        raise InvalidInputError("None of the families can be used. " + " ".join(notes))
    return usable, notes
