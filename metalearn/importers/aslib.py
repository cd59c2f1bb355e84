"""Algorithm selection scenarios in the ASlib format."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.importers.base import MAX_COLUMNS, assemble, numbers, read_lines
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.task import ProblemType, Task

__all__ = ["from_aslib", "read_arff"]

_STATUS = {"ok": Status.OK, "timeout": Status.TIMEOUT, "memout": Status.MEMORY}
_ATTRIBUTE = re.compile(r"@attribute\s+(?:'([^']*)'|\"([^\"]*)\"|(\S+))\s+(.*)", re.IGNORECASE)


def from_aslib(
    folder: str | Path, *, problem_type: ProblemType | str = ProblemType.MULTICLASS, measure: str | None = None
) -> KnowledgeBase:
    """Read an ASlib scenario: instances become tasks, algorithms configurations, repetitions folds.

    Parameters
    ----------
    folder : str or Path
        The scenario, with ``description.txt``, ``algorithm_runs.arff`` and, if there are any, ``feature_values.arff``.
    problem_type : ProblemType or str, default="multiclass"
        What kind of problem the instances are; the format does not say.
    measure : str or None, default=None
        The performance measure to read; default: all.

    Returns
    -------
    KnowledgeBase
        Feature values averaged over repetitions; runs that did not end ``ok`` have failed, timed out or run out of
        memory, whatever value the scenario gives them.

    Raises
    ------
    InvalidInputError
        If a file is absent or not in the format.

    References
    ----------
    .. [1] B. Bischl et al., "ASlib: A benchmark library for algorithm selection", Artificial Intelligence 237, 2016.
    """
    place = Path(folder)
    described = dict(_description(read_lines(place / "description.txt", max_bytes=10_000_000)))
    scenario = (described.get("scenario_id") or [place.name])[0]
    table = read_arff(place / "algorithm_runs.arff")
    _needs(table, ("instance_id", "algorithm"), place / "algorithm_runs.arff")
    measures = [m for m in described.get("performance_measures", []) if m in table] or [
        str(c) for c in table if c not in {"instance_id", "repetition", "algorithm", "runstatus"}
    ]
    if measure is not None and measure not in measures:
        message = f"The scenario {scenario!r} has no measure {measure!r}. Expected one of {measures}. Choose one."
        raise InvalidInputError(message)
    repetition = numbers(table["repetition"], "repetition") if "repetition" in table else pd.Series(1.0, table.index)
    ended = table["runstatus"].str.lower() if "runstatus" in table else pd.Series("ok", table.index)
    ids = {instance: f"aslib:{scenario}/{instance}" for instance in table["instance_id"].unique()}
    runs = [
        pd.DataFrame(
            {
                "task_id": table["instance_id"].map(ids),
                "model": table["algorithm"],
                "params": "{}",
                "metric": name,
                "value": numbers(table[name], name),
                "fold": repetition.fillna(1).clip(1, 30_000).astype(int) - 1,
                "status": [str(_STATUS.get(text, Status.FAILED)) for text in ended],
                "message": ended.where(~ended.isin(list(_STATUS)), ""),
            }
        )
        for name in ([measure] if measure else measures)
    ]
    found = _features(place, ids)
    kind = ProblemType(problem_type)
    tasks = [Task(id=i, problem_type=kind, name=str(n), source=f"ASlib scenario {scenario}") for n, i in ids.items()]
    return assemble(pd.concat(runs, ignore_index=True), tasks, found, tool=f"ASlib scenario {scenario}")


def _features(place: Path, ids: dict[str, str]) -> dict[str, MetaFeatures]:
    if not (place / "feature_values.arff").exists():
        return {}
    table = read_arff(place / "feature_values.arff")
    _needs(table, ("instance_id",), place / "feature_values.arff")
    names = [str(name) for name in table if name not in {"instance_id", "repetition"}]
    values = pd.DataFrame({name: numbers(table[name], name) for name in names})
    means = values.groupby(table["instance_id"]).mean()
    return {
        ids[instance]: MetaFeatures(dict(zip(names, row, strict=True)))
        for instance, row in zip(means.index, means.to_numpy(dtype=float), strict=True)
        if instance in ids
    }


def _description(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield keys with their lists of values from the simple YAML of a scenario."""
    key, values = "", []
    for line in lines:
        text = line.strip()
        if text.startswith("- "):
            values.append(text[2:].strip().strip("'\""))
        elif ":" in text and not line[:1].isspace():
            if key:
                yield key, values
            key, _, rest = text.partition(":")
            values = [part.strip().strip("'\"") for part in rest.strip("[] ").split(",") if part.strip()]
    if key:
        yield key, values


def _needs(table: pd.DataFrame, names: tuple[str, ...], file: Path) -> None:
    absent = [name for name in names if name not in table]
    if absent or not len(table):
        message = f"{file} has {len(table)} rows and lacks the columns {absent}. Expected rows of an ASlib scenario. Check the file."
        raise InvalidInputError(message)


def read_arff(path: Path) -> pd.DataFrame:
    """Return a dense ARFF file as text; ASlib has string attributes, which SciPy does not read."""
    lines = read_lines(path)
    start = next((k for k, line in enumerate(lines) if line.strip().lower().startswith("@data")), None)
    if start is None:
        message = f"{path} has no @data section. Expected an ARFF file. Check the file."
        raise InvalidInputError(message)
    names: list[str] = []
    for text in (line.strip() for line in lines[:start]):
        if text.lower().startswith("@attribute"):
            found = _ATTRIBUTE.match(text)
            if found is None:
                message = (
                    f"{path} has an attribute without a name or type: {text[:80]!r}. "
                    "Expected '@attribute name type'. Correct it."
                )
                raise InvalidInputError(message)
            names.append(next(group for group in found.groups()[:3] if group is not None).lower())
    if len(names) > MAX_COLUMNS or len(set(names)) != len(names):
        message = f"{path} has {len(names)} attributes, {len(set(names))} of them different. Expected at most {MAX_COLUMNS}, all different. Check the file."
        raise InvalidInputError(message)
    wanted = [line for line in lines[start + 1 :] if line.strip() and not line.lstrip().startswith("%")]
    try:
        rows = list(csv.reader(wanted, quotechar="'", skipinitialspace=True, escapechar="\\", strict=True))
    except csv.Error as error:
        message = f"{path} has a row that cannot be read ({error}). Expected values between commas. Correct it."
        raise InvalidInputError(message) from error
    bad = next((number for number, row in enumerate(rows) if len(row) != len(names)), None)
    if bad is not None:
        message = f"{path} has {len(rows[bad])} values in data row {bad}. Expected {len(names)}. Correct it."
        raise InvalidInputError(message)
    plain = [[value.strip() for value in row] for row in rows]
    return pd.DataFrame(plain, columns=names, dtype=str)
