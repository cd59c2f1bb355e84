"""Tasks, qualities and evaluations from OpenML, through the openml package."""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import platformdirs

from metalearn._files import write_text
from metalearn.exceptions import InvalidInputError, KnowledgeBaseError
from metalearn.importers.base import assemble
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.space.aliases import family_of
from metalearn.task import ProblemType, Task

__all__ = ["from_openml"]

T = TypeVar("T")

MEASURES = ("predictive_accuracy", "area_under_roc_curve", "root_mean_squared_error", "mean_absolute_error")
"""What is asked for by default; OpenML answers with nothing where a measure does not fit a task."""

_KINDS = {"Supervised Classification": ProblemType.MULTICLASS, "Supervised Regression": ProblemType.REGRESSION}
_QUALITIES: Mapping[str, tuple[str, float]] = {
    # our meta-feature and the factor that turns OpenML's quality into it
    "NumberOfInstances": ("n_rows", 1.0),
    "NumberOfClasses": ("n_classes", 1.0),
    "MinorityClassPercentage": ("minority_fraction", 0.01),
    "MajorityClassPercentage": ("majority_fraction", 0.01),
    "PercentageOfMissingValues": ("missing_fraction", 0.01),
    "PercentageOfInstancesWithMissingValues": ("rows_missing_fraction", 0.01),
}
_MOST_FLOWS = 200
"""More ids would not fit into the address of a request."""

_PARAMETER = re.compile(r"^(?P<component>.*)\(\d+\)_(?P<name>.+)$")


def from_openml(
    *,
    tasks: Iterable[int] = (),
    suite: int | str | None = None,
    flow: str | int | None = None,
    measures: Sequence[str] = MEASURES,
    max_runs: int = 1000,
    server: str | None = None,
    cache: str | Path | None = None,
    retries: int = 5,
    pause_seconds: float = 0.2,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> KnowledgeBase:
    """Read what others ran on OpenML.

    Parameters
    ----------
    tasks : iterable of int, default=()
        Ids of tasks.
    suite : int, str or None, default=None
        A benchmark suite, such as 99, whose tasks are read as well.
    flow : str, int or None, default=None
        A model family (``"lightgbm"``) or the id of one flow; default: every flow that is one of our families.
    measures : sequence of str, default=MEASURES
        OpenML's names of the measures to read.
    max_runs : int, default=1000
        How many runs to read of each task and measure at most.
    server : str or None, default=None
        Address of the XML interface; default: what the openml package is configured for.
    cache : str, Path or None, default=None
        Folder for answers; default: one in the user's cache folder, or in ``METALEARN_CACHE``. What is there is not
        asked for again.
    retries : int, default=5
        How often to try again when the server does not answer.
    pause_seconds : float, default=0.2
        Seconds between two questions.
    progress : callable, default=iter
        Goes through the ids of the tasks while they are read, and may tell how far it is.

    Returns
    -------
    KnowledgeBase
        Tasks as ``openml:31``; meta-features under our names where OpenML's qualities mean the same, else under
        ``openml.`` and their own.

    Raises
    ------
    InvalidInputError
        If no task is named.
    KnowledgeBaseError
        If the server cannot be reached or answers with something else.
    """
    import openml  # noqa: PLC0415 - slow to import

    own = Path(os.environ.get("METALEARN_CACHE") or platformdirs.user_cache_path("metalearn", appauthor=False))
    folder = own / "openml" if cache is None else Path(cache)
    ids = [int(task) for task in tasks]
    with _configured(openml, server, folder / "package", retries):
        asked = _Asked(folder / hashlib.sha256(openml.config.server.encode()).hexdigest()[:16], pause_seconds)
        if suite is not None:
            ids += asked(f"suite {suite}", lambda: [int(task) for task in openml.study.get_suite(suite).tasks or ()])
        ids = list(dict.fromkeys(ids))
        if not ids:
            message = "No task was named. Expected ids of tasks or a suite. Say tasks=[31] or suite=99."
            raise InvalidInputError(message)
        wanted = _flows(openml, asked, flow)
        runs = partial(_listed_runs, openml, asked, wanted=wanted, measures=measures, max_runs=max_runs)
        return _read(openml, asked, progress(ids), runs)


def _read(
    openml: Any, asked: "_Asked", ids: Iterable[int], runs_of: Callable[[int], list[dict[str, Any]]]
) -> KnowledgeBase:
    found_tasks, found_features, rows = [], {}, []
    for task_id in ids:
        facts = asked(f"task {task_id}", partial(_facts, openml, task_id))
        if facts["type"] not in _KINDS:
            continue
        task, features = _described(facts)
        found_tasks.append(task)
        found_features[task.id] = features
        known = [run for run in runs_of(task_id) if family_of(_class_of(run["flow_name"])) is not None]
        rows += [_row(task.id, run) for run in known]
    runs = pd.DataFrame(rows, columns=["task_id", "model", "params", "metric", "value"])
    return assemble(runs, found_tasks, found_features, tool=f"openml {openml.__version__}")


@contextmanager
def _configured(openml: Any, server: str | None, cache: Path, retries: int) -> Iterator[None]:
    """Set what the openml package is told for all, and take it back."""
    before = openml.config.get_config_as_dict()
    if server is not None:
        openml.config.server = server
    openml.config.set_root_cache_directory(str(cache))
    openml.config.set_retry_policy("human", retries)
    try:
        yield
    finally:
        openml.config.server = before["server"]
        openml.config.set_root_cache_directory(before["cachedir"])
        openml.config.set_retry_policy(before["retry_policy"], before["connection_n_retries"])


class _Asked:
    """Ask a question once: remember the answer in a file, wait between requests, and say clearly what went wrong."""

    def __init__(self, folder: Path, pause_seconds: float) -> None:
        self.folder = folder
        self.pause_seconds = pause_seconds

    def __call__(self, question: str, ask: Callable[[], T]) -> T:
        file = self.folder / f"{hashlib.sha256(question.encode()).hexdigest()[:24]}.json"
        try:
            known: T = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            pass
        else:
            return known
        time.sleep(self.pause_seconds)
        try:
            answer = ask()
        except Exception as error:
            message = (
                f"OpenML did not answer the question for {question[:80]!r} ({type(error).__name__}: {str(error)[:200]}). "
                "Expected its XML interface. Check the connection and the ids; what was read so far is remembered."
            )
            raise KnowledgeBaseError(message) from error
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps(answer))
        return answer


def _flows(openml: Any, asked: _Asked, flow: str | int | None) -> list[list[int] | None]:
    """Return the ids of the wanted flows, in lists of bearable length; None stands for all flows."""
    if flow is None:
        return [None]
    if isinstance(flow, int) or flow.isdecimal():
        return [[int(flow)]]

    def listed() -> list[tuple[int, str]]:
        table = openml.flows.list_flows(output_format="dataframe")
        return [(int(i), str(name)) for i, name in zip(table["id"], table["name"], strict=True)]

    family = family_of(flow) or flow
    found = sorted(i for i, name in asked("flows", listed) if family_of(_class_of(name)) == family)
    if not found:
        message = f"OpenML has no flow of the family {flow!r}. Expected a family such as 'random_forest', or the id of a flow. Correct it."
        raise InvalidInputError(message)
    return [found[start : start + _MOST_FLOWS] for start in range(0, len(found), _MOST_FLOWS)]


def _facts(openml: Any, task_id: int) -> dict[str, Any]:
    task = openml.tasks.get_task(task_id, download_splits=False)
    dataset = openml.datasets.get_dataset(
        task.dataset_id, download_data=False, download_qualities=True, download_features_meta_data=False
    )
    qualities = {str(name): float(value) for name, value in (dataset.qualities or {}).items() if value is not None}
    return {
        "id": task_id,
        "type": str(task.task_type),
        "dataset": int(task.dataset_id),
        "name": str(dataset.name),
        "version": int(dataset.version or 1),
        "licence": str(dataset.licence or ""),
        "qualities": {name: value for name, value in qualities.items() if value == value},  # noqa: PLR0124 - no NaN
    }


def _described(facts: Mapping[str, Any]) -> tuple[Task, MetaFeatures]:
    qualities = dict(facts["qualities"])
    kind = _KINDS[facts["type"]]
    n_classes = int(qualities.get("NumberOfClasses", 0)) if kind.is_classification else 0
    if n_classes == 2:  # noqa: PLR2004
        kind = ProblemType.BINARY
    values = {}
    for name, value in qualities.items():
        ours, factor = _QUALITIES.get(name, (f"openml.{name}", 1.0))
        values[ours] = value * factor
    for name in ("majority", "minority"):
        if n_classes and f"{name.title()}ClassSize" in qualities and qualities.get("NumberOfInstances"):
            values[f"{name}_fraction"] = qualities[f"{name.title()}ClassSize"] / qualities["NumberOfInstances"]
    if "NumberOfFeatures" in qualities:
        values["n_features"] = qualities["NumberOfFeatures"] - 1  # OpenML counts the target
    task = Task(
        id=f"openml:{facts['id']}",
        problem_type=kind,
        dataset_id=f"openml-data:{facts['dataset']}",
        name=facts["name"],
        n_rows=int(qualities.get("NumberOfInstances", 0)),
        n_features=int(values.get("n_features", 0)),
        n_classes=n_classes,
        source=f"OpenML data set {facts['dataset']}, version {facts['version']}",
        licence=facts["licence"],
    )
    return task, MetaFeatures(values)


def _listed_runs(
    openml: Any,
    asked: _Asked,
    task_id: int,
    *,
    wanted: list[list[int] | None],
    measures: Sequence[str],
    max_runs: int,
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for measure in measures:
        answers: list[dict[str, Any]] = []
        for some in wanted:
            question = f"runs {measure} {task_id} {some} {max_runs}"
            answers += asked(question, partial(_runs, openml, measure, task_id, some, max_runs))
        found += answers[:max_runs]
    return found


def _runs(openml: Any, measure: str, task: int, flows: list[int] | None, size: int) -> list[dict[str, Any]]:
    table = openml.evaluations.list_evaluations_setups(
        measure, tasks=[task], flows=flows, size=size, output_format="dataframe"
    )
    names = ["flow_name", "function", "value", "parameters"]
    found: list[dict[str, Any]] = json.loads(table[names].to_json(orient="records")) if len(table) else []
    return found


def _class_of(flow_name: str) -> str:
    """Return the class at the heart of a flow: of a pipeline, its last step."""
    inner = re.split(r"[=,]", re.sub(r"\(\d+\)$", "", flow_name).rstrip(")"))[-1]
    return inner.rpartition(".")[2].partition("(")[0].partition("_")[0]


def _row(task_id: str, run: Mapping[str, Any]) -> tuple[str, str, str, str, float | None]:
    model = _class_of(run["flow_name"])
    params = {}
    for full_name, text in (run["parameters"] or {}).items():
        found = _PARAMETER.match(full_name)
        if found is None or _class_of(found["component"]) != model:
            continue
        try:
            value = json.loads(text)
        except (ValueError, TypeError):
            value = text
        if value is None or isinstance(value, bool | int | float | str):
            params[found["name"]] = value
    return task_id, model, json.dumps(params, sort_keys=True), run["function"], run["value"]
