"""Look for what cannot be right in a knowledge base, and for what deserves a second look."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.evaluation import Status
from metalearn.exceptions import MetalearnError
from metalearn.knowledge.knowledge_base import KnowledgeBase
from metalearn.knowledge.schema import SCHEMA, TASKS
from metalearn.space import Configuration
from metalearn.task import METRICS, ProblemType, get_metric

__all__ = ["Problem", "Severity", "validate"]

CORRELATION = 0.99
"""Two tasks whose losses correlate more strongly than this over configurations look like copies of each other."""

_MIN_CONFIGURATIONS = 10
_MIN_SHARED = 20
_FOLD_SPREAD = 0.3
_TINY = 1e-9
_EXAMPLES = 3
_BLOCK = 500
_CLASSES = {ProblemType.BINARY: (2, 2), ProblemType.MULTICLASS: (3, np.inf), ProblemType.REGRESSION: (0, 0)}


class Severity(StrEnum):
    """Tell what is wrong from what deserves a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Describe something that is wrong or suspicious."""

    severity: Severity
    check: str
    subject: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the problem as plain values."""
        return {**asdict(self), "severity": str(self.severity)}


def validate(knowledge: KnowledgeBase) -> list[Problem]:
    """Look for broken keys, impossible values, suspicious tasks and near-copies under different family names.

    Parameters
    ----------
    knowledge : KnowledgeBase
        What is looked through.

    Returns
    -------
    list of Problem
        Errors first; empty if nothing was found.

    Examples
    --------
    >>> validate(KnowledgeBase.empty())
    []
    """
    types = dict.fromkeys(("task_id", "configuration_id"), "category")
    knowledge = replace(knowledge, evaluations=knowledge.evaluations.astype(types))
    checks = (_keys, _links, _configurations, _tasks, _values, _bounds, _leaks, _alike, _folds, _copies)
    found = [problem for check in checks for problem in check(knowledge)]
    return sorted(found, key=lambda problem: problem.severity != Severity.ERROR)


def _error(check: str, subject: Any, message: str) -> Problem:
    return Problem(severity=Severity.ERROR, check=check, subject=str(subject), message=message)


def _warning(check: str, subject: Any, message: str) -> Problem:
    return Problem(severity=Severity.WARNING, check=check, subject=str(subject), message=message)


def _some(values: Any) -> str:
    texts = sorted({str(value) for value in values})
    return ", ".join(texts[:_EXAMPLES]) + (f" and {len(texts) - _EXAMPLES} more" if len(texts) > _EXAMPLES else "")


# keys and values -----------------------------------------------------------------------------------------------------


def _keys(knowledge: KnowledgeBase) -> Iterator[Problem]:
    for name, schema in SCHEMA.items():
        table, key = getattr(knowledge, name), schema.key
        repeated = table[table.duplicated(key)]
        if len(repeated):
            message = f"{len(repeated)} rows of {name} repeat the key {key} of another row"
            yield _error("duplicate keys", _some(repeated[key[0]]), message)
        for column in key:
            empty = table[column].isna() | (table[column].astype(str) == "")
            if empty.any():
                yield _error("empty keys", name, f"{int(empty.sum())} rows have no {column}")


def _links(knowledge: KnowledgeBase) -> Iterator[Problem]:
    for name, table, column, known in (
        ("meta-features", knowledge.meta_features, "task_id", knowledge.tasks),
        ("evaluations", knowledge.evaluations, "task_id", knowledge.tasks),
        ("evaluations", knowledge.evaluations, "configuration_id", knowledge.configurations),
    ):
        loose = table[~table[column].isin(known[column])]
        if len(loose):
            message = f"{len(loose)} {name} belong to no known {column.removesuffix('_id')}"
            yield _error("loose records", _some(loose[column]), message)
    huge = knowledge.meta_features[knowledge.meta_features["value"].abs() > np.finfo(np.float32).max]
    if len(huge):
        yield _error("meta-features", _some(huge["task_id"]), f"{len(huge)} values are too large to be used")
    described = set(knowledge.meta_features["task_id"])
    bare = [task_id for task_id in knowledge.task_ids if task_id not in described]
    if bare:
        yield _warning("no meta-features", _some(bare), f"{len(bare)} tasks have none, so that nothing is like them")


def _configurations(knowledge: KnowledgeBase) -> Iterator[Problem]:
    for found, model, params in knowledge.configurations.itertuples(index=False):
        try:
            fits = Configuration(model, json.loads(params)).id == found
        except (LookupError, ValueError, TypeError, AttributeError, RecursionError, MetalearnError):
            fits = False
        if not fits:
            yield _error("configuration ids", found, f"the id is not the hash of {model} and {str(params)[:80]}")


def _tasks(knowledge: KnowledgeBase) -> Iterator[Problem]:
    for row in knowledge.tasks.to_dict("records"):
        task_id = row["task_id"]
        if row["problem_type"] not in set(ProblemType):
            yield _error(
                "problem types", task_id, f"{row['problem_type']!r} is none of {[str(p) for p in ProblemType]}"
            )
            continue
        low, high = _CLASSES[ProblemType(row["problem_type"])]
        if row["n_classes"] and not low <= row["n_classes"] <= high:
            yield _error("sizes", task_id, f"a {row['problem_type']} task with {row['n_classes']} classes")
        if min(row["n_rows"], row["n_features"], row["n_rows_used"]) < 0 or row["n_rows_used"] > row["n_rows"]:
            message = f"{row['n_rows_used']} of {row['n_rows']} rows used, {row['n_features']} features"
            yield _error("sizes", task_id, message)
        if beyond := [name for name, largest in TASKS.counts.items() if row[name] > largest]:
            yield _error("sizes", task_id, f"{beyond[0]} is {row[beyond[0]]}, more than any store keeps")


def _values(knowledge: KnowledgeBase) -> Iterator[Problem]:
    runs = knowledge.evaluations
    value, ok = runs["value"].to_numpy(dtype=float), (runs["status"] == str(Status.OK)).to_numpy()
    unknown = set(runs["status"].astype(str).unique()) - set(Status)
    if unknown:
        yield _error("statuses", _some(unknown), f"none of {[str(status) for status in Status]}")
    for wrong, message in (
        (ok & ~np.isfinite(value), "runs that ended well have no finite score"),
        (~ok & ~np.isnan(value), "runs that did not end well have a score"),
        (runs["fold"].to_numpy() < 0, "folds are negative"),
        ((runs[["fit_seconds", "predict_seconds"]] < 0).any(axis=1).to_numpy(), "runs took less than no time"),
    ):
        if wrong.any():
            yield _error("values", _some(runs["task_id"][wrong]), f"{int(wrong.sum())} {message}")


def _bounds(knowledge: KnowledgeBase) -> Iterator[Problem]:
    runs = knowledge.evaluations
    value = runs["value"].to_numpy(dtype=float)
    types = knowledge.tasks.drop_duplicates("task_id").set_index("task_id")["problem_type"]
    kinds = runs["task_id"].astype(str).map(types).to_numpy()
    for name in runs["metric"].astype(str).unique():
        rows = (runs["metric"] == name).to_numpy()
        if name not in METRICS:
            yield _warning(
                "unknown metrics",
                name,
                f"{int(rows.sum())} values are kept, but nothing is learned from them: a metric of your own, or misspelt?",
            )
            continue
        low, high = METRICS[name].bounds
        outside = rows & ~np.isnan(value) & ~METRICS[name].is_possible(value)
        if outside.any():
            worst = value[outside][np.argmax(np.abs(value[outside]))]
            message = f"{int(outside.sum())} values of {name} lie outside [{low:g}, {high:g}], such as {worst:g}"
            yield _error("impossible scores", _some(runs["task_id"][outside]), message)
        misfit = rows & ~np.isin(kinds, [str(kind) for kind in METRICS[name].problem_types])
        if misfit.any():
            message = f"{int(misfit.sum())} values of {name}, which is not defined for their problem type"
            yield _error("impossible scores", _some(runs["task_id"][misfit]), message)
    both = runs[runs["metric"].isin(["rmse", "mae"])].astype({"task_id": str, "configuration_id": str, "metric": str})
    wide = both.pivot_table(index=["task_id", "configuration_id", "fold"], columns="metric", values="value")
    if {"rmse", "mae"} <= set(wide.columns):
        wrong = wide[wide["mae"] > wide["rmse"] * (1 + 1e-6) + _TINY]
        if len(wrong):
            message = f"the mean absolute error of {len(wrong)} runs is larger than the root mean squared error"
            yield _error("impossible scores", _some(wrong.index.get_level_values(0)), message)


# suspicious tasks ----------------------------------------------------------------------------------------------------


def _losses(knowledge: KnowledgeBase) -> Iterator[tuple[ProblemType, pd.DataFrame]]:
    """Yield the losses by the default metric of each problem type, of the tasks where something is known."""
    for kind in ProblemType:
        part = knowledge.subset(problem_type=kind)
        if len(part) and part.tasks["task_id"].is_unique and part.configurations["configuration_id"].is_unique:
            losses = part.losses(get_metric(None, kind)).replace([np.inf, -np.inf], np.nan)
            known = losses.dropna(how="all").dropna(axis=1, how="all")
            if known.size:
                yield kind, known


def _leaks(knowledge: KnowledgeBase) -> Iterator[Problem]:
    """Find tasks on which a stump or a naive Bayes classifier makes no error: it has seen the answer."""
    simple = [
        configuration_id
        for configuration_id, model, params in knowledge.configurations.itertuples(index=False)
        if model == "gaussian_nb" or (model == "decision_tree" and _depth(params) <= 2)  # noqa: PLR2004
    ]
    for kind, losses in _losses(knowledge):
        known = losses[[c for c in simple if c in losses]]
        for task_id in known.index[(known <= _TINY).any(axis=1)]:
            message = f"a model as simple as a stump has a perfect {get_metric(None, kind).name}: a column may leak the target"
            yield _warning("leaks", task_id, message)
    stumps = knowledge.meta_features[knowledge.meta_features["name"].astype(str).str.contains("stump")]
    perfect = stumps[stumps["value"] >= 1 - _TINY]
    for task_id in sorted(set(perfect["task_id"].astype(str))):
        yield _warning("leaks", task_id, "a decision stump makes no error: a column may leak the target")


def _depth(params: str) -> float:
    try:
        depth = json.loads(params).get("max_depth")
    except (ValueError, AttributeError):
        return np.inf
    return float(depth) if isinstance(depth, int | float) else np.inf


def _alike(knowledge: KnowledgeBase) -> Iterator[Problem]:
    for _, losses in _losses(knowledge):
        spread = losses.max(axis=1) - losses.min(axis=1)
        many = losses.notna().sum(axis=1) >= _MIN_CONFIGURATIONS
        for task_id in losses.index[many & (spread <= _TINY)]:
            count = int(losses.loc[task_id].notna().sum())
            yield _warning("no difference", task_id, f"all {count} configurations score alike: it teaches nothing")
    runs = knowledge.evaluations
    worked = set(runs["task_id"][runs["status"] == str(Status.OK)])
    failed = set(runs["task_id"]) - worked
    for task_id in sorted(failed):
        yield _warning("nothing worked", task_id, "every configuration failed")


def _folds(knowledge: KnowledgeBase) -> Iterator[Problem]:
    for kind, losses in _losses(knowledge):
        metric = get_metric(None, kind)
        part = knowledge.subset(problem_type=kind)
        deviations = part.loss_deviations(metric).reindex(index=losses.index, columns=losses.columns)
        typical = deviations.median(axis=1)
        between = losses.std(axis=1)
        limit = _FOLD_SPREAD if metric.name == "r2" else _FOLD_SPREAD / 3
        for task_id in losses.index[(typical > limit) & (typical > between)]:
            message = (
                f"the {metric.name} of one configuration varies by {typical[task_id]:.2g} between folds (standard "
                f"deviation), that of different configurations by {between[task_id]:.2g}: folds disagree"
            )
            yield _warning("folds disagree", task_id, message)


def _copies(knowledge: KnowledgeBase) -> Iterator[Problem]:
    families = knowledge.tasks.drop_duplicates("task_id").set_index("task_id")
    for kind, losses in _losses(knowledge):
        # one configuration that fails on both tables would make any two alike: what is worse than most counts as most
        bounded = losses.clip(upper=losses.quantile(0.75, axis=1), axis=0)
        for one, other, correlation in _correlated(bounded.to_numpy()):
            a, b = families.loc[losses.index[one]], families.loc[losses.index[other]]
            if a["family"] == b["family"] or a["dataset_id"] == b["dataset_id"]:
                continue
            alike = (
                "of equal size"
                if (a["n_rows"], a["n_features"]) == (b["n_rows"], b["n_features"])
                else "of different size"
            )
            message = (
                f"the {get_metric(None, kind).name} of shared configurations correlates by {correlation:.4f}, the tables are "
                f"{alike}, but the families differ: {a['family']!r} and {b['family']!r}"
            )
            yield _warning("near-copies", f"{losses.index[one]}, {losses.index[other]}", message)


def _correlated(losses: npt.NDArray[np.float64]) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of rows that correlate over the columns known in both, block by block."""
    known = np.isfinite(losses).astype(float)
    centred = np.where(known > 0, losses - np.nanmean(losses, axis=1, keepdims=True), 0.0)
    squares = centred**2
    for start in range(0, len(losses), _BLOCK):
        block = slice(start, start + _BLOCK)
        n = known[block] @ known.T
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_a, mean_b = (centred[block] @ known.T) / n, (known[block] @ centred.T) / n
            covariance = (centred[block] @ centred.T) / n - mean_a * mean_b
            variance_a = (squares[block] @ known.T) / n - mean_a**2
            variance_b = (known[block] @ squares.T) / n - mean_b**2
            correlation = covariance / np.sqrt(variance_a * variance_b)
        enough = (n >= _MIN_SHARED) & (variance_a > _TINY**2) & (variance_b > _TINY**2)
        for i, j in zip(*np.nonzero(enough & (correlation > CORRELATION)), strict=True):
            if start + i < j:
                yield start + int(i), int(j), float(correlation[i, j])
