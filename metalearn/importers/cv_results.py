"""The results of scikit-learn's searches: ``cv_results_`` of a grid search, a random search and their kin."""

import ast
import json
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, MetalearnError
from metalearn.importers.base import assemble, bounded_file
from metalearn.importers.long_table import read_long_table, row_params
from metalearn.knowledge import KnowledgeBase
from metalearn.models.recognition import storable
from metalearn.space import Configuration
from metalearn.task import Task

__all__ = ["from_cv_results"]

_SPLIT = re.compile(r"split(\d+)_test_(.+)")
_PARAM = "param_"
_MAX_BYTES = 100_000_000
_NOT_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def from_cv_results(
    results: Mapping[str, Any] | pd.DataFrame | str | Path, task: Task, *, model: str, metric: str | None = None
) -> KnowledgeBase:
    """Read the ``cv_results_`` of a fitted search.

    Parameters
    ----------
    results : mapping, DataFrame, str or Path
        The attribute itself, or a file that pandas made of it: CSV, Parquet or JSON.
    task : Task
        What was searched on.
    model : str
        The family or the estimator's class, such as ``"SVC"``.
    metric : str or None, default=None
        What ``score`` measured, as scikit-learn calls it (``"neg_log_loss"``); not needed where the search had named
        scorers.

    Returns
    -------
    KnowledgeBase
        One evaluation a candidate, split and scorer; scores that are not finite are failures. Tuples and lists of
        numbers become text, other objects the name of their class, with a hash of what was set besides its defaults.

    Raises
    ------
    InvalidInputError
        If a file cannot be read, there are no splits, no ``params``, or ``score`` is read without a metric; if two values
        of a parameter cannot be told apart.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.svm import SVC
    >>> search = GridSearchCV(SVC(), {"C": [1, 10]}, cv=3, scoring="accuracy").fit(*load_iris(return_X_y=True))
    >>> task = Task(id="data:iris", problem_type="multiclass", n_rows=150)
    >>> from_cv_results(search.cv_results_, task, model="SVC", metric="accuracy")
    KnowledgeBase(1 tasks, 2 configurations, 6 evaluations)
    """
    if isinstance(results, str | Path):
        results = _from_file(Path(results))
    plain = {str(name): list(values) for name, values in results.items()}
    splits = [found for found in map(_SPLIT.fullmatch, plain) if found]
    candidates = plain.get("params")
    if not splits or not candidates or not all(isinstance(params, Mapping) for params in candidates):
        message = (
            f"The results hold {sorted(plain)[:10]}. Expected 'params' and columns such as 'split0_test_score'. "
            "Pass the cv_results_ of a fitted search."
        )
        raise InvalidInputError(message)
    if metric is None and any(found[2] == "score" for found in splits):
        message = "Nobody says what the score measured. Expected a metric. Pass metric='accuracy', say."
        raise InvalidInputError(message)
    named: dict[tuple[str, str], Any] = {}
    try:
        texts = [json.dumps(_plain(model, params, named), sort_keys=True) for params in candidates]
    except RecursionError as error:
        message = "A parameter is nested too deeply. Expected plain values, lists and estimators. Leave it out."
        raise InvalidInputError(message) from error
    n = len(texts)
    seconds = {
        ours: plain.get(theirs, [np.nan] * n)
        for ours, theirs in (("fit_seconds", "mean_fit_time"), ("predict_seconds", "mean_score_time"))
    }
    try:
        runs = [
            pd.DataFrame(
                {
                    "task_id": task.id,
                    "model": model,
                    "params": texts,
                    "metric": metric if found[2] == "score" else found[2],
                    "value": np.asarray(plain[found[0]], dtype=float),
                    "fold": min(int(found[1]), 32_000),
                    **{name: np.asarray(values, dtype=float) for name, values in seconds.items()},
                    "status": str(Status.OK),
                }
            )
            for found in splits
        ]
    except (ValueError, TypeError) as error:
        message = (
            f"The results cannot be read ({error}). Expected columns of numbers of one length. Pass them unchanged."
        )
        raise InvalidInputError(message) from error
    return assemble(pd.concat(runs, ignore_index=True), [task], {}, tool="scikit-learn search")


def _from_file(path: Path) -> dict[str, Any]:
    """Return the columns of a file; parameters that the text in ``params`` does not tell come from their own columns."""
    if path.suffix.lower() == ".json":
        try:
            found = json.loads(bounded_file(path, max_bytes=_MAX_BYTES).read_text(encoding="utf-8"))
            return {str(k): list(v.values() if isinstance(v, dict) else v) for k, v in found.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, InvalidInputError):
                raise
            message = f"{path} cannot be read ({error!s:.200}). Expected what DataFrame(cv_results_).to_json() writes. Check the file."
            raise InvalidInputError(message) from error
    table = read_long_table(path)
    if not table.columns.is_unique:
        message = f"{path} names columns twice. Expected what DataFrame(cv_results_) has. Check the file."
        raise InvalidInputError(message)
    cells = map(json.loads, row_params(table.drop(columns="params", errors="ignore"), _PARAM))
    texts = table["params"] if "params" in table else [None] * len(table)
    params = [_read_params(text, row) for text, row in zip(texts, cells, strict=True)]
    return {**{str(name): table[name].tolist() for name in table}, "params": params}


def _read_params(text: Any, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a dictionary's text tells; cells tell the others, but no None from nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text.strip() if isinstance(text, str) else "", mode="eval").body
    except _NOT_LITERAL:
        return dict(cells)
    found = dict(cells)
    if isinstance(tree, ast.Dict):
        for key, value in zip(tree.keys, tree.values, strict=True):
            with suppress(*_NOT_LITERAL):
                found[str(_literal(key))] = _literal(value)
    return found


def _literal(node: Any) -> Any:
    if isinstance(node, ast.Call) and len(node.args) == 1 and ast.unparse(node.func).startswith("np."):
        node = node.args[0]  # np.float64(0.5)
    return ast.literal_eval(node)


def _plain(model: str, params: Mapping[str, Any], named: dict[tuple[str, str], Any]) -> dict[str, Any]:
    """Return the parameters as they can be stored; two objects of one name are refused."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        try:
            found.update(
                Configuration(model, {name: value.removesuffix("()") if isinstance(value, str) else value}).params
            )
            continue
        except MetalearnError:
            found[name] = storable(value)
        other = named.setdefault((name, found[name]), value)
        if other is not value and repr(other) != repr(value):
            message = (
                f"Two different values of the parameter {name!r} are both called {found[name]!r}. "
                "Expected values that can be told apart. Give them names or leave their candidates out."
            )
            raise InvalidInputError(message)
    return found
