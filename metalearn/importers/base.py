"""What all importers share: bounds, names of metrics, and the way from plain runs to a knowledge base."""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.harvest import tell_extras
from metalearn.hooks.measure import our_metric
from metalearn.knowledge import KnowledgeBase
from metalearn.knowledge.schema import EVALUATIONS
from metalearn.metafeatures import MetaFeatures
from metalearn.models.recognition import left_out, recognised
from metalearn.report.markup import visible
from metalearn.space import Configuration
from metalearn.space.aliases import family_of, known_name
from metalearn.task import METRICS, Task

__all__ = [
    "USUAL_MODEL",
    "assemble",
    "bounded_file",
    "configuration_of",
    "numbers",
    "our_metric",
    "printable",
    "read_lines",
]

MAX_BYTES = 2_000_000_000
"""Larger files are refused."""

MAX_ROWS = 20_000_000
"""Tables with more rows are refused."""

MAX_COLUMNS = 2_000
"""Tables with more columns are refused."""

MAX_LINE = 1_000_000
"""Longer lines are refused."""

_MAX_TEXT = 1_000
_logger = logging.getLogger(__name__)
_BLANK = frozenset({"", "?", "na", "nan", "none", "null"})
_RUN_COLUMNS = ("task_id", "model", "params", "metric", "value")
_DEFAULTS: dict[str, Any] = {
    "fold": 0,
    "fit_seconds": np.nan,
    "predict_seconds": np.nan,
    "status": str(Status.OK),
    "message": "",
    "versions": "",
}
_MOST_SECONDS = 1e9
"""Longer than thirty years, a run was not timed but its clock was wrong: the seconds are taken as unknown."""


USUAL_MODEL = "model"
"""The parameter or tag that names the family where nobody says another."""


def configuration_of(model: str, params: Mapping[str, Any], extras: "Counter[str] | None" = None) -> Configuration:
    """Return a configuration under our names of families and parameters, where we have any."""
    family = family_of(model) or family_of(model.split("(", maxsplit=1)[0].rpartition(".")[2]) or model
    named = {_parameter_name(str(name), family, params): value for name, value in params.items()}
    for name in left_out(family, named, foreign=False):
        del named[name]
        if extras is not None:
            extras[name] += 1
    return recognised(family, named)


def _parameter_name(full: str, family: str, others: Iterable[Any]) -> str:
    step, _, name = full.rpartition("__")
    is_own_step = family_of(step.rpartition("__")[2]) == family
    if not is_own_step and sum(str(other).rpartition("__")[2] == name for other in others) > 1:
        return full
    return known_name(name, family) or name


def bounded_file(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Path:
    """Return a path once it is known to be a file of bearable size."""
    file = Path(path)
    try:
        size = file.stat().st_size if file.is_file() else -1
    except (OSError, ValueError) as error:
        message = f"{file} cannot be read ({error}). Expected a file. Check the path."
        raise InvalidInputError(message) from error
    if size < 0:
        message = f"{file} is no file. Expected one. Check the path."
        raise InvalidInputError(message)
    if size > max_bytes:
        message = f"{file} has {size} bytes. Expected at most {max_bytes}. Import it in pieces."
        raise InvalidInputError(message)
    return file


def read_lines(path: str | Path, *, max_bytes: int = MAX_BYTES) -> list[str]:
    """Return the lines of a text file of bearable size."""
    file = bounded_file(path, max_bytes=max_bytes)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file} cannot be read as text ({error}). Expected UTF-8. Convert it."
        raise InvalidInputError(message) from error
    if any(len(line) > MAX_LINE for line in lines):
        message = f"{file} has a line of more than {MAX_LINE} characters. Expected shorter ones. Check the file."
        raise InvalidInputError(message)
    return lines


def numbers(values: Iterable[Any], what: str) -> "pd.Series[float]":
    """Return values as numbers; empty text, ``?`` and ``NA`` are unknown."""
    plain = [v if v is None or isinstance(v, int | float | np.number) else printable(str(v)) for v in values]
    given = pd.Series(plain, dtype=object)
    found = pd.to_numeric(given, errors="coerce").astype(float)
    blank = given.isna() | pd.Series([isinstance(v, str) and v.strip().lower() in _BLANK for v in plain], dtype=bool)
    wrong = found.isna() & ~blank
    if wrong.any():
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        message = f"{what} is {str(given[row])[:60]!r} in row {row}. Expected a number or nothing. Correct it."
        raise InvalidInputError(message)
    return found


def printable(text: str) -> str:
    """Replace half characters (lone surrogates), which no encoding holds."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def assemble(
    runs: pd.DataFrame,
    tasks: Iterable[Task],
    meta_features: Mapping[str, MetaFeatures],
    *,
    tool: str,
) -> KnowledgeBase:
    """Return a knowledge base from plain runs."""
    tasks = list(tasks)
    for task in tasks:
        task.require_known_data()
    if len(runs) > MAX_ROWS:
        message = f"There are {len(runs)} rows. Expected at most {MAX_ROWS}. Import them in pieces."
        raise InvalidInputError(message)
    has_folds = "fold" in runs
    runs = runs.reset_index(drop=True).assign(**{k: v for k, v in _DEFAULTS.items() if k not in runs})
    for name in ("task_id", "model", "metric", "status", "message", "versions"):
        _check_texts(name, runs[name])
    extras: Counter[str] = Counter()
    configurations = {
        pair: _from_json(pair[0], pair[1], extras)
        for pair in runs[["model", "params"]].drop_duplicates().itertuples(index=False, name=None)
    }
    tell_extras(extras)
    pairs = zip(runs["model"], runs["params"], strict=True)
    runs = runs.assign(configuration_id=[configurations[pair].id for pair in pairs])
    values = runs["value"].to_numpy(dtype=float).copy()
    metrics = runs["metric"].to_numpy(dtype=object).copy()
    for name in dict.fromkeys(metrics):
        ours, factor, offset = our_metric(name)
        rows = runs["metric"].to_numpy(dtype=object) == name
        values[rows], metrics[rows] = values[rows] * factor + offset, ours
    ok = (runs["status"] == str(Status.OK)).to_numpy() & np.isfinite(values)
    impossible = ok & ~_possible(metrics, values)
    if impossible.any():
        told = [f"{metrics[row]} {values[row]:g}" for row in np.flatnonzero(impossible)]
        runs["message"] = runs["message"].astype(object)
        runs.loc[impossible, "message"] = [f"{text} lies outside the metric's range" for text in told]
        first = int(np.flatnonzero(impossible)[0])
        low, high = METRICS[metrics[first]].bounds
        _logger.warning(
            "%d of %d scores lie outside the range of their metric and count as failed, such as %s of %s on %s. Expected %g to "
            "%g. Correct them, or name the metric that was measured.",
            len(told),
            len(runs),
            told[0],
            visible(runs["model"][first]),
            visible(runs["task_id"][first]),
            low,
            high,
        )
        ok &= ~impossible
    for name in ("fit_seconds", "predict_seconds"):
        seconds = pd.to_numeric(runs[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        runs[name] = np.where((seconds >= 0) & (seconds < _MOST_SECONDS), seconds, np.nan)
    runs = runs.assign(
        metric=metrics.astype(str),
        value=np.where(ok, values, np.nan),
        status=np.where((runs["status"] == str(Status.OK)) & ~ok, str(Status.FAILED), runs["status"].astype(str)),
    )
    runs = _without_repeats(runs) if has_folds else _numbered(runs)
    known = {c.id: (c.id, c.model, json.dumps(dict(c.params), sort_keys=True)) for c in configurations.values()}
    bare = KnowledgeBase.from_records(tasks, meta_features, [])
    found = KnowledgeBase(
        bare.tasks,
        bare.meta_features,
        pd.DataFrame(list(known.values()), columns=list(bare.configurations.columns)),
        runs[EVALUATIONS.names],
    ).normalised()
    return KnowledgeBase(
        found.tasks.assign(recorded_with=tool),
        found.meta_features.assign(recorded_with=tool),
        found.configurations,
        found.evaluations.assign(recorded_with=tool),
    ).normalised()


def _without_repeats(runs: pd.DataFrame) -> pd.DataFrame:
    """Give numbers to the runs of configurations with several of one fold, as of different seeds, so that none is lost."""
    key = ["task_id", "configuration_id", "metric"]
    repeated = runs.duplicated([*key, "fold"])
    if not repeated.any():
        return runs
    mixed = repeated.groupby([runs[name] for name in key]).transform("any")
    return pd.concat([runs[~mixed], _numbered(runs[mixed])])


def _numbered(runs: pd.DataFrame) -> pd.DataFrame:
    """Give the runs of each configuration numbers; failures count only where nothing else is known, and once."""
    key = ["task_id", "configuration_id", "metric"]
    failed = ~runs["status"].isin([str(Status.OK), str(Status.PRUNED)])
    has_worked = (runs["status"] == str(Status.OK)).groupby([runs[name] for name in key]).transform("any")
    is_repeat = runs.assign(failed=failed).duplicated([*key, "failed"])
    runs = runs[~failed | ~(has_worked | is_repeat)]
    return runs.assign(fold=runs.groupby(key).cumcount())


def _possible(metrics: npt.NDArray[np.object_], values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    possible = np.ones(len(values), dtype=bool)
    for name, metric in METRICS.items():
        rows = metrics == name
        possible[rows] = metric.is_possible(values[rows])
    return possible


def _from_json(model: str, params: str, extras: "Counter[str]") -> Configuration:
    try:
        values = json.loads(params)
    except (ValueError, RecursionError, TypeError) as error:
        message = f"The parameters {str(params)[:80]!r} are no JSON ({error}). Expected an object. Correct them."
        raise InvalidInputError(message) from error
    if not isinstance(values, dict) or len(values) > MAX_COLUMNS:
        message = f"The parameters {str(params)[:80]!r} are no object of at most {MAX_COLUMNS} entries. Expected one. Correct them."
        raise InvalidInputError(message)
    try:
        return configuration_of(model, values, extras)
    except OverflowError as error:
        message = f"A parameter of {model!r} is too large. Expected a finite number. Correct it."
        raise InvalidInputError(message) from error


def _check_texts(name: str, values: "pd.Series[Any]") -> None:
    for text in values.unique():
        plain = isinstance(text, str) and len(text) <= _MAX_TEXT and "\0" not in text
        if not plain or (not text and name in {"task_id", "model", "metric"}):
            message = (
                f"A value of {name} cannot be used: {str(text)[:40]!r}. "
                f"Expected text of 1 to {_MAX_TEXT} characters without NUL. Correct it."
            )
            raise InvalidInputError(message)
