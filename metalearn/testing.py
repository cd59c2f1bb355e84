"""Conformance suites: what every plug-in of a kind must do, ready to be called from its own tests."""

import math
import time
from collections.abc import Callable

from metalearn.conformance import check_hook, check_importer, check_meta_feature, check_model, check_recommender
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError, MetalearnError
from metalearn.knowledge import KnowledgeBase, Store
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

__all__ = [
    "check_hook",
    "check_importer",
    "check_meta_feature",
    "check_model",
    "check_recommender",
    "check_store",
]

MakeStore = Callable[[], Store]


def check_store(make_store: MakeStore) -> None:
    """Check that a store keeps its promises.

    Parameters
    ----------
    make_store : callable
        Returns a new, empty store each time; called once for each promise.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which.

    Examples
    --------
    >>> from itertools import count
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from metalearn.knowledge import open_store
    >>> names = count()
    >>> with TemporaryDirectory() as folder:
    ...     check_store(lambda: open_store(Path(folder) / str(next(names))))
    """
    for check in STORE_CHECKS:
        check(make_store)


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Stand in for ``assert``, which ``python -O`` removes."""
    if not condition:
        raise AssertionError(message)


def _task(number: int = 0, *, fingerprint: str | None = None, rows: int = 100) -> Task:
    return Task(
        id=f"check:{number}",
        problem_type=ProblemType.BINARY,
        name=f"table {number}",
        fingerprint=f"check-{number:024d}" if fingerprint is None else fingerprint,
        n_rows=rows,
        n_features=4,
        n_classes=2,
    )


def _runs(task: Task, *, n: int = 3, value: float = 0.5, first: int = 1) -> list[Evaluation]:
    return [
        Evaluation(
            task_id=task.id,
            configuration=Configuration("knn", {"n_neighbors": first + k}),
            metric=metric,
            value=value + k / 1000,
            fold=fold,
            fit_seconds=0.25,
            predict_seconds=0.125,
            versions="scikit-learn 1.9.1",
        )
        for k in range(n)
        for fold in range(2)
        for metric in ("roc_auc", "log_loss")
    ]


_FOUND = MetaFeatures({"n_rows": 100.0, "skewness": 1 / 3, "undefined": math.nan}, {"skewness": 0.5})


def _check_empty(make_store: MakeStore) -> None:
    store = make_store()
    info = store.info()
    _require(isinstance(store, Store), "It lacks a method of the protocol metalearn.knowledge.Store.")
    _require(len(store.read()) == 0, "A new store is not empty.")
    _require(
        (info.n_tasks, info.n_evaluations, info.sources) == (0, 0, ()),
        "info() of a new store counts something.",
    )
    _require(store.delete(source="nobody") == 0, "delete() found something in an empty store.")
    _require(store.search("binary") == (), "search() found something in an empty store.")


def _check_round_trip(make_store: MakeStore) -> None:
    store, task = make_store(), _task()
    failed = Evaluation(
        task_id=task.id,
        configuration=Configuration("svm", {"C": 0.1, "shrinking": True, "gamma": None, "kernel": "rbf"}),
        metric="roc_auc",
        value=math.nan,
        status=Status.TIMEOUT,
        message="more than 60 s",
    )
    store.append(task, _FOUND, [*_runs(task), failed])
    kept, wanted = store.read(), KnowledgeBase.from_records([task], {task.id: _FOUND}, [*_runs(task), failed])
    _require(kept.id == wanted.id, "What was read is not what was appended.")
    _require(kept.task(task.id) == task, "A task changed on its way.")
    _require(failed.configuration in kept.configuration_by_id.values(), "A configuration changed on its way.")


def _check_idempotent(make_store: MakeStore) -> None:
    store, task = make_store(), _task()
    for _ in range(2):
        store.append(task, _FOUND, _runs(task))
    once = store.read()
    store.append(task, None, _runs(task, n=1))
    store.write(once)
    _require(store.read().id == once.id, "Appending the same results again changed them.")
    _require(store.info().n_evaluations == len(once.evaluations), "Appending the same results again added some.")


def _check_grows(make_store: MakeStore) -> None:
    store = make_store()
    for number in range(3):
        store.append(_task(number), _FOUND, _runs(_task(number)))
    store.append(_task(1), MetaFeatures({"entropy": 0.25}), _runs(_task(1), first=10))
    knowledge = store.read()
    table = knowledge.meta_feature_table
    _require(len(knowledge) == 3, "A task was lost or repeated.")  # noqa: PLR2004
    _require(len(knowledge.evaluations) == 48, "An evaluation was lost or repeated.")  # noqa: PLR2004
    _require(bool(table.loc["check:1", "entropy"] == 0.25), "A later meta-feature was lost.")  # noqa: PLR2004
    _require(bool(table.loc["check:1", "skewness"] == 1 / 3), "An earlier meta-feature was lost.")


def _check_last_counts(make_store: MakeStore) -> None:
    store, task = make_store(), _task()
    for value in (0.5, 0.75, 0.5):
        store.append(task, MetaFeatures({"n_rows": value}), _runs(task, n=1, value=value))
        kept = store.read()
        _require(set(kept.evaluations["value"]) == {value}, "Of repeated evaluations the last one does not count.")
        _require(
            bool(kept.meta_feature_table.loc[task.id, "n_rows"] == value),
            "Of repeated meta-features the last one does not count.",
        )


def _check_last_counts_among_sources(make_store: MakeStore) -> None:
    for more in (1, 2):  # the same records again, alone and beside another one
        store, task = make_store(), _task()
        for source, value, n in (("ana", 0.75, 1), ("ben", 0.5, 1), ("ana", 0.75, more)):
            store.append(task, MetaFeatures({"n_rows": value}), _runs(task, n=n, value=value), source=source)
            time.sleep(0.002)  # records are told apart by milliseconds
        kept = store.read()
        runs = kept.evaluations[kept.evaluations["configuration_id"].astype(str) == _runs(task)[0].configuration_id]
        _require(set(runs["value"]) == {0.75}, "What a source records again does not count as the newest.")
        _require(set(runs["recorded_by"]) == {"ana"}, "What a source records again is not said to be that source's.")
        _require(
            bool(kept.meta_feature_table.loc[task.id, "n_rows"] == 0.75),  # noqa: PLR2004
            "A meta-feature that a source records again does not count as the newest.",
        )


def _check_provenance(make_store: MakeStore) -> None:
    store, task = make_store(), _task()
    store.append(task, _FOUND, _runs(task), source="ana", tool="tuner 1.0")
    store.append(task, None, _runs(task, n=1, first=50), source="ben", tool="other 2.0")
    both = store.read()
    for table in (both.evaluations, both.tasks, both.meta_features):
        _require(bool((table["recorded_at"].astype(str) != "").all()), "A record does not say when it was made.")
    who = both.evaluations["recorded_by"].value_counts()
    _require((who["ana"], who["ben"]) == (12, 4), "A record does not say who made it.")
    tools = dict(zip(both.evaluations["recorded_by"], both.evaluations["recorded_with"], strict=True))
    _require(tools == {"ana": "tuner 1.0", "ben": "other 2.0"}, "A record does not say what made it.")
    sources = {s.source: (s.n_evaluations, s.tools) for s in store.info().sources}
    _require(
        sources == {"ana": (12, ("tuner 1.0",)), "ben": (4, ("other 2.0",))},
        "info() does not say who added what.",
    )
    _require(len(store.read(source="ben").evaluations) == 4, "read() does not keep sources apart.")  # noqa: PLR2004
    copied = make_store()
    for label in sources:
        copied.write(store.read(source=label))
    _require(copied.info().sources == store.info().sources, "write() does not keep who made a record, and when.")


def _check_delete(make_store: MakeStore) -> None:
    store, shared, own = make_store(), _task(0), _task(1)
    store.append(shared, _FOUND, _runs(shared), source="ana")
    before = store.read()
    store.append(shared, MetaFeatures({"n_rows": 7.0}), _runs(shared, value=0.9), source="ben")
    store.append(own, _FOUND, _runs(own, first=80), source="ben")
    n_deleted = store.delete(source="ben")
    _require(n_deleted == 24, f"delete() says that {n_deleted} of 24 evaluations were deleted.")  # noqa: PLR2004
    _require(store.read().id == before.id, "Deleting a source does not bring back what was there before it.")
    _require(store.delete(source="ben") == 0, "A deleted source is still there.")
    _require([s.source for s in store.info().sources] == ["ana"], "info() still lists a deleted source.")


def _check_delete_task(make_store: MakeStore) -> None:
    store, kept, own = make_store(), _task(0), _task(1)
    store.append(kept, _FOUND, _runs(kept), source="ana")
    before = store.read()
    twin = _task(2, fingerprint=own.fingerprint)  # the same data under another id
    store.append(own, _FOUND, _runs(own), source="ana")
    store.append(twin, _FOUND, _runs(twin, first=80), source="ben")
    _require(store.delete(task=own.id, source="nobody") == 0, "delete() of a task takes what others recorded.")
    n_deleted = store.delete(task=own.id)
    _require(n_deleted == 24, f"delete() says that {n_deleted} of 24 evaluations of a task were deleted.")  # noqa: PLR2004
    _require(store.read().id == before.id, "Deleting a task leaves something of it, or takes something of another.")
    _require(store.delete(task=own.id) == 0, "A deleted task is still there.")
    try:
        store.delete()
    except InvalidInputError:
        return
    message = "delete() without a source and a task deletes everything."
    raise AssertionError(message)


def _check_same_data(make_store: MakeStore) -> None:
    store, task = make_store(), _task()
    twin = _task(1, fingerprint=task.fingerprint)
    store.append(task, _FOUND, _runs(task))
    store.append(twin, _FOUND, _runs(twin, first=2))
    knowledge = store.read()
    _require(knowledge.task_ids == (task.id,), "Two tables with the same fingerprint are not one task.")
    _require(len(knowledge.evaluations) == 16, "Results on the same data were lost or repeated.")  # noqa: PLR2004


def _check_versions(make_store: MakeStore) -> None:
    store, first = make_store(), _task()
    second = _task(0, fingerprint="check-" + "1" * 24, rows=120)
    third = _task(0, fingerprint="check-" + "2" * 24, rows=140)
    for _ in range(2):
        for version in (first, second, third):
            store.append(version, _FOUND, _runs(version))
    knowledge = store.read()
    _require(len(knowledge) == 3, "Versions of a table are not tasks of their own.")  # noqa: PLR2004
    by_rows = {task.n_rows: task for task in map(knowledge.task, knowledge.task_ids)}
    chain = (by_rows[100].predecessor, by_rows[120].predecessor, by_rows[140].predecessor)
    _require(chain == ("", by_rows[100].id, by_rows[120].id), "A version does not name the one before.")
    _require(len({task.dataset_id for task in by_rows.values()}) == 1, "Versions do not share their dataset.")
    _require(len(knowledge.without(first.id)) == 0, "Versions are not left out together.")


def _check_refuses(make_store: MakeStore) -> None:
    store, task = make_store(), _task()
    run = _runs(task, n=1)[0].to_dict()
    for wrong, change in (
        ("a NUL byte", {"metric": "a\0b"}),
        ("half of a surrogate pair", {"metric": "\ud800"}),
        ("an infinite score", {"value": math.inf}),
        ("a successful run without a score", {"value": math.nan}),
        ("a metric without a name", {"metric": ""}),
        ("a metric with a name of 10,000 letters", {"metric": "m" * 10_000}),
        ("a negative fold", {"fold": -1}),
        ("an unknown task", {"task_id": "check:unknown"}),
    ):
        try:
            store.append(task, None, [Evaluation.from_dict({**run, **change})])
        except InvalidInputError:
            continue
        except MetalearnError as error:
            message = f"{wrong} is refused by {type(error).__name__}, not by InvalidInputError."
            raise AssertionError(message) from error
        _require(condition=False, message=f"{wrong} is not refused.")
    _require(len(store.read()) == 0, "A refused append left something.")


def _check_quotes(make_store: MakeStore) -> None:
    store = make_store()
    for number, text in enumerate(
        ("'; DROP TABLE tasks; --", '<script>alert("x")</script>', "%s {} \\ \n\t,;", "ключ 🗝")
    ):
        task = Task(id=f"check:{text}", problem_type=ProblemType.REGRESSION, name=text, note=text, family=str(number))
        run = Evaluation(task_id=task.id, configuration=Configuration(text, {text: number}), metric=text, value=1.0)
        store.append(task, MetaFeatures({text: 1.0}), [run], source=text, tool=text)
        _require(store.read().task(task.id) == task, f"The text {text!r} does not survive.")
        _require(text in set(store.read().meta_features["name"]), f"The name {text!r} does not survive.")
    store.delete(source="'; DROP TABLE tasks; --")
    _require(len(store.read()) == 3, "Deleting a source with quotes in its name goes wrong.")  # noqa: PLR2004


def _check_private(make_store: MakeStore) -> None:
    store, task = make_store(), _task()
    messages = {
        "could not convert string to float: 'PLANTED'",
        "ValueError('PLANTED in /home/planted/x.csv')",
        "PLANTED",
    }
    runs = [
        Evaluation(
            task_id=task.id,
            configuration=Configuration("knn", {"n_neighbors": 3}),
            metric=f"m{fold}",
            value=math.nan,
            status=Status.FAILED,
            message=message,
        )
        for fold, message in enumerate(sorted(messages))
    ]
    store.append(task, None, runs)
    kept = " ".join(store.read().evaluations["message"].astype(str))
    _require("planted" not in kept.lower(), "A message that quotes data is stored.")
    _require("ValueError" in kept, "The kind of error is not stored.")
    for change in ({"id": "/home/planted/x.csv"}, {"id": "csv:C:\\planted\\x.csv"}):
        named = Task(**{**{k: getattr(task, k) for k in ("id", "problem_type", "name")}, **change})
        try:
            store.append(named, None, _runs(named))
        except InvalidInputError:
            continue
        _require(condition=False, message=f"The path {named.id!r} is stored as an id.")


STORE_CHECKS: tuple[Callable[[MakeStore], None], ...] = (
    _check_empty,
    _check_round_trip,
    _check_idempotent,
    _check_grows,
    _check_last_counts,
    _check_last_counts_among_sources,
    _check_provenance,
    _check_delete,
    _check_delete_task,
    _check_same_data,
    _check_versions,
    _check_refuses,
    _check_quotes,
    _check_private,
)
"""What :func:`check_store` calls, one for each promise."""
