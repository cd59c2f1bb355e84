"""The knowledge base: what was tried on past tasks, and how it went. Immutable and in memory."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import KnowledgeBaseError, unknown_name
from metalearn.knowledge.schema import CONFIGURATIONS, EVALUATIONS, META_FEATURES, SCHEMA, TASKS
from metalearn.knowledge.tables import join_tables, normalise
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType, Task

__all__ = ["KnowledgeBase"]


@dataclass(frozen=True, eq=False)
class KnowledgeBase:
    """Hold past tasks, their meta-features, configurations and evaluations as four linked tables.

    Parameters
    ----------
    tasks : DataFrame
        One row a task, with the columns of :data:`metalearn.knowledge.schema.TASKS`.
    meta_features : DataFrame
        One row a task and meta-feature: ``task_id``, ``name``, ``value``, ``seconds``.
    configurations : DataFrame
        One row a configuration: ``configuration_id``, ``model``, ``params`` (JSON).
    evaluations : DataFrame
        One row a task, configuration, metric and fold: ``value`` in the metric's own direction, seconds, status.

    See Also
    --------
    KnowledgeBase.from_records : Build one from value objects.

    Notes
    -----
    Tasks, meta-features and evaluations also say who recorded them, with which tool and when
    (``recorded_by``, ``recorded_with``, ``recorded_at``); the columns are filled with empty strings where nobody knows.
    """

    tasks: pd.DataFrame
    meta_features: pd.DataFrame
    configurations: pd.DataFrame
    evaluations: pd.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Return a knowledge base that knows nothing.

        Returns
        -------
        KnowledgeBase
            With four empty tables.
        """
        return cls.from_records([], {}, [])

    @classmethod
    def from_records(
        cls,
        tasks: Iterable[Task],
        meta_features: Mapping[str, MetaFeatures],
        evaluations: Iterable[Evaluation],
    ) -> Self:
        """Build a knowledge base from value objects.

        Parameters
        ----------
        tasks : iterable of Task
            The tasks.
        meta_features : mapping of str to MetaFeatures
            Meta-features by task id.
        evaluations : iterable of Evaluation
            The evaluations; of repeated ones the last counts.

        Returns
        -------
        KnowledgeBase
            The four tables.
        """
        task_rows = [(t.id, *(getattr(t, name) for name in TASKS.names[1:])) for t in tasks]
        value_rows = [
            (task_id, name, value, found.seconds.get(name, np.nan))
            for task_id, found in meta_features.items()
            for name, value in found.values.items()
        ]
        known: dict[str, Configuration] = {}
        rows = []
        for e in evaluations:
            known[e.configuration_id] = e.configuration
            rows.append([getattr(e, name) for name in EVALUATIONS.names])
        configuration_rows = [(c.id, c.model, json.dumps(dict(c.params), sort_keys=True)) for c in known.values()]
        return cls(
            pd.DataFrame(task_rows, columns=TASKS.names).astype({"problem_type": str}),
            pd.DataFrame(value_rows, columns=META_FEATURES.names),
            pd.DataFrame(configuration_rows, columns=CONFIGURATIONS.names),
            pd.DataFrame(rows, columns=EVALUATIONS.names).astype({"status": str}),
        ).normalised()

    def normalised(self) -> Self:
        """Return the same knowledge in compact types, without repeats.

        Returns
        -------
        KnowledgeBase
            Of repeated records the last one counts; tasks on the same data are one task, under the id of the first.
        """
        if "_is_normal" in vars(self):
            return self
        found = type(self)(*normalise(*self._tables))
        vars(found)["_is_normal"] = True
        return found

    def __add__(self, other: "KnowledgeBase") -> Self:
        """Join two knowledge bases; where both know the same thing, the second one counts."""
        pairs = zip(self._tables, other._tables, strict=True)
        return type(self)(*(join_tables(mine, theirs) for mine, theirs in pairs)).normalised()

    @property
    def _tables(self) -> tuple[pd.DataFrame, ...]:
        return self.tasks, self.meta_features, self.configurations, self.evaluations

    def __len__(self) -> int:
        """Count the tasks."""
        return len(self.tasks)

    def __repr__(self) -> str:
        """Return one readable line."""
        return (
            f"KnowledgeBase({len(self.tasks)} tasks, {len(self.configurations)} configurations, "
            f"{len(self.evaluations)} evaluations)"
        )

    @cached_property
    def id(self) -> str:
        """Hash of the content: equal knowledge has equal ids, whatever the order of rows."""
        digest = hashlib.sha256()
        for table, schema in zip(self._tables, SCHEMA.values(), strict=True):
            hashed = pd.util.hash_pandas_object(table[schema.names], index=False).to_numpy()
            digest.update(np.sort(hashed).tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def task_ids(self) -> tuple[str, ...]:
        """Ids of the tasks, in the order of the table."""
        return tuple(self.tasks["task_id"])

    @cached_property
    def _task_rows(self) -> dict[str, int]:
        return {task_id: row for row, task_id in enumerate(self.task_ids)}

    @cached_property
    def families(self) -> "pd.Series[str]":
        """Family of each task, by task id: near-copies share one and are left out together."""
        return self.tasks.set_index("task_id")["family"]

    def task(self, task_id: str) -> Task:
        """Return a task.

        Parameters
        ----------
        task_id : str
            Its id.

        Returns
        -------
        Task
            With the default metric of its problem type.

        Raises
        ------
        UnknownNameError
            If there is no such task.
        """
        if task_id not in self._task_rows:
            raise unknown_name("task", task_id, self.task_ids)
        row = self.tasks.iloc[self._task_rows[task_id]][TASKS.names].to_dict()
        row["id"] = row.pop("task_id")
        return Task(**{str(k): (v.item() if hasattr(v, "item") else v) for k, v in row.items()})

    def id_of(self, task: Task) -> str:
        """Return the id under which results on a task's data are kept here.

        Parameters
        ----------
        task : Task
            Known by its fingerprint.

        Returns
        -------
        str
            That of the same data, rows and problem type under any name; else the task's own, with the problem type behind it
            where the id is that of another problem on the data.
        """
        facts = self.tasks[["fingerprint", "problem_type", "n_rows_used"]].astype(str)
        same = (facts == [task.fingerprint, str(task.problem_type), str(task.n_rows_used)]).all(axis=1)
        if task.fingerprint and same.any():
            return str(self.tasks["task_id"][same].iloc[0])
        taken = self.tasks["problem_type"][self.tasks["task_id"] == task.id]
        return f"{task.id}:{task.problem_type}" if len(taken) and taken.iloc[0] != str(task.problem_type) else task.id

    @cached_property
    def configuration_by_id(self) -> dict[str, Configuration]:
        """The configurations by id."""
        found = {}
        for i, model, params in self.configurations[CONFIGURATIONS.names].itertuples(index=False, name=None):
            try:
                found[i] = Configuration(model, json.loads(params))
            except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
                message = (
                    f"The configuration {i!r} of {model!r} cannot be read: {params[:80]!r} is no JSON object of plain values. "
                    "Expected one. Restore the store from a copy."
                )
                raise KnowledgeBaseError(message) from error
        return found

    @cached_property
    def models(self) -> "pd.Series[str]":
        """Model family of each configuration, by configuration id."""
        return self.configurations.set_index("configuration_id")["model"]

    @cached_property
    def meta_feature_table(self) -> pd.DataFrame:
        """Meta-features of shape (n_tasks, n_meta_features), rows in the order of ``task_ids``."""
        names, name_codes = np.unique(self.meta_features["name"].astype(str), return_inverse=True)
        wide = np.full((len(self.tasks), len(names)), np.nan)
        known = self.meta_features["task_id"].astype("category").cat
        rows = pd.Index(self.task_ids).get_indexer(known.categories)[known.codes.to_numpy()]
        described = rows >= 0
        wide[rows[described], name_codes[described]] = self.meta_features["value"].to_numpy(dtype=float)[described]
        return pd.DataFrame(wide, index=pd.Index(self.task_ids, name="task_id"), columns=pd.Index(names, name="name"))

    def subset(
        self,
        *,
        tasks: Collection[str] | None = None,
        models: Collection[str] | None = None,
        problem_type: ProblemType | None = None,
    ) -> Self:
        """Return what is known about some of the tasks and model families.

        Parameters
        ----------
        tasks : collection of str or None, default=None
            Ids of the tasks to keep; None keeps all.
        models : collection of str or None, default=None
            Model families to keep; None keeps all.
        problem_type : ProblemType or None, default=None
            Kind of problem to keep; None keeps all.

        Returns
        -------
        KnowledgeBase
            The smaller knowledge base.
        """
        keep = np.ones(len(self.tasks), dtype=bool)
        if tasks is not None:
            keep &= self.tasks["task_id"].isin(list(tasks)).to_numpy()
        if problem_type is not None:
            keep &= (self.tasks["problem_type"] == str(problem_type)).to_numpy()
        kept_tasks = self.tasks[keep].reset_index(drop=True)
        evaluations, meta_features, configurations = self.evaluations, self.meta_features, self.configurations
        if not keep.all():
            ids = set(kept_tasks["task_id"])
            evaluations = evaluations[evaluations["task_id"].isin(ids)]
            meta_features = meta_features[meta_features["task_id"].isin(ids)]
        if models is not None:
            configurations = configurations[configurations["model"].isin(list(models))]
            evaluations = evaluations[evaluations["configuration_id"].isin(set(configurations["configuration_id"]))]
        return type(self)(
            kept_tasks,
            meta_features.reset_index(drop=True),
            configurations.reset_index(drop=True),
            evaluations.reset_index(drop=True),
        )

    def without(self, task_id: str) -> Self:
        """Leave out a task and everything of its family: near-copies of a table, and its other tasks.

        Parameters
        ----------
        task_id : str
            The task.

        Returns
        -------
        KnowledgeBase
            What remains.

        Raises
        ------
        UnknownNameError
            If there is no such task.
        """
        task = self.task(task_id)
        apart = (self.tasks["family"] != task.family) & (self.tasks["dataset_id"] != task.dataset_id)
        return self.subset(tasks=set(self.tasks["task_id"][apart]))

    def _matrix(self, values: npt.NDArray[np.float64], rows: npt.NDArray[np.bool_], how: str) -> pd.DataFrame:
        """Aggregate chosen rows over folds: shape (n_tasks, n_configurations), NaN where nothing is known."""
        chosen = self.evaluations[rows]
        used = self.configurations["configuration_id"]
        i = pd.Index(self.task_ids).get_indexer(chosen["task_id"].cat.categories)
        j = pd.Index(used).get_indexer(chosen["configuration_id"].cat.categories)
        i, j = i[chosen["task_id"].cat.codes.to_numpy()], j[chosen["configuration_id"].cat.codes.to_numpy()]
        shape = (len(self.tasks), len(used))
        described = (i >= 0) & (j >= 0)
        flat, picked = (i * shape[1] + j)[described], values[rows][described]
        size = shape[0] * shape[1]
        count = np.bincount(flat, minlength=size).astype(float)
        with np.errstate(invalid="ignore"):
            found = np.bincount(flat, weights=picked, minlength=size) / np.where(count > 0, count, np.nan)
            if how == "deviation":
                squares = np.bincount(flat, weights=(picked - found[flat]) ** 2, minlength=size)
                found = np.sqrt(squares / np.where(count > 1, count - 1, np.nan))
        return pd.DataFrame(found.reshape(shape), index=list(self.task_ids), columns=list(used))

    def _values(self, metric: Metric) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        rows = (self.evaluations["metric"] == metric.name).to_numpy()
        rows = (
            rows & (self.evaluations["status"] != str(Status.PRUNED)).to_numpy()
        )  # given up early: how good it is is unknown
        losses = metric.to_loss(self.evaluations["value"].to_numpy(dtype=float))
        ok = (self.evaluations["status"] == str(Status.OK)).to_numpy() & metric.is_possible(
            self.evaluations["value"].to_numpy(dtype=float)
        )
        return np.where(ok, losses, np.inf), rows

    def losses(self, metric: Metric) -> pd.DataFrame:
        """Return mean losses over folds, lower is better.

        Parameters
        ----------
        metric : Metric
            Which measure.

        Returns
        -------
        DataFrame of shape (n_tasks, n_configurations)
            NaN where nothing was run; infinity where any fold failed, which is worse than anything. Where some folds were
            not run, since a search gave up early, the mean allows for how easy the others are.
        """
        values, rows = self._values(metric)
        return self._matrix(self._without_luck(values, rows), rows, "mean")

    def _without_luck(self, values: npt.NDArray[np.float64], rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Take from results of configurations that lack folds what those folds differ from all, for the others."""
        chosen = self.evaluations[rows]
        task, configuration = (chosen[n].cat.codes.to_numpy(dtype=np.int64) for n in ("task_id", "configuration_id"))
        pair = task * len(chosen["configuration_id"].cat.categories) + configuration
        count = np.bincount(pair)[pair]
        most = np.zeros(len(chosen["task_id"].cat.categories), dtype=np.int64)
        np.maximum.at(most, task, count)
        short = count < most[task]
        if not short.any():
            return values
        runs = pd.DataFrame({"task": task, "pair": pair, "fold": chosen["fold"].to_numpy(), "loss": values[rows]})
        complete = runs[~short & np.isin(task, task[short]) & np.isfinite(runs["loss"])]
        gaps = complete["loss"] - complete.groupby("pair")["loss"].transform("mean")
        luck = gaps.groupby([complete["task"], complete["fold"]]).median()
        of_rows = luck.reindex(pd.MultiIndex.from_frame(runs[["task", "fold"]])).fillna(0.0).to_numpy()
        found = values.copy()
        found[rows] -= np.where(short, np.minimum(of_rows, np.maximum(values[rows], 0.0)), 0.0)  # no loss below 0
        return found

    def loss_deviations(self, metric: Metric) -> pd.DataFrame:
        """Return the standard deviation of losses over folds.

        Parameters
        ----------
        metric : Metric
            Which measure.

        Returns
        -------
        DataFrame of shape (n_tasks, n_configurations)
            NaN where fewer than two folds were run or one failed.
        """
        values, rows = self._values(metric)
        return self._matrix(np.where(np.isfinite(values), values, np.nan), rows, "deviation")

    @cached_property
    def fit_seconds(self) -> pd.DataFrame:
        """Mean seconds of one fit, of shape (n_tasks, n_configurations); NaN where unknown."""
        first = self.evaluations.drop_duplicates(["task_id", "configuration_id", "fold"])
        known = np.zeros(len(self.evaluations), dtype=bool)
        known[first.index.to_numpy()] = True
        seconds = self.evaluations["fit_seconds"].to_numpy(dtype=float)
        return self._matrix(seconds, known & ~np.isnan(seconds), "mean")

    def summary(self) -> dict[str, Any]:
        """Say what is known, in numbers.

        Returns
        -------
        dict
            Counts. A task is a problem on a table; families are tables without near-copies; a fit is a configuration on one
            fold of a task, and an evaluation one metric of a fit.
        """
        runs = self.evaluations.drop_duplicates(["task_id", "configuration_id", "fold"])
        by_type = self.tasks["problem_type"].value_counts().sort_index()
        models = runs["configuration_id"].astype(str).map(self.models).value_counts().sort_index()
        failed = int((runs["status"] != str(Status.OK)).sum())
        hours = float(runs["fit_seconds"].sum() + runs["predict_seconds"].sum()) / 3600
        return {
            "id": self.id,
            "tasks": len(self.tasks),
            "tables": int(self.tasks["dataset_id"].nunique()),
            "families of tables": int(self.tasks["family"].nunique()),
            "configurations": len(self.configurations),
            "fits": len(runs),
            "fits that failed": failed,
            "hours of fitting": round(hours, 2),
            "evaluations": len(self.evaluations),
            "tasks by problem type": {str(k): int(v) for k, v in by_type.items()},
            "fits by model": {str(k): int(v) for k, v in models.items()},
        }

    @cached_property
    def done(self) -> frozenset[tuple[str, str]]:
        """Pairs of task id and configuration id that were run, whether or not they succeeded; pruned ones were not."""
        return frozenset(self.outcomes())

    def outcomes(self, n_folds: int = 1) -> dict[tuple[str, str], Status]:
        """Say how the runs of each task and configuration ended.

        Parameters
        ----------
        n_folds : int, default=1
            A pair with fewer folds that went well, and none that failed, counts as not run to its end.

        Returns
        -------
        dict of (task id, configuration id) to Status
            Ok, or why a fold failed. Pairs that were not run to their end are left out, and so are those that were
            pruned on all folds.
        """
        pair = ["task_id", "configuration_id"]
        runs = self.evaluations[[*pair, "fold", "status"]].drop_duplicates()
        runs = runs[runs["status"] != str(Status.PRUNED)].astype(dict.fromkeys((*pair, "status"), str))
        ok = runs["status"] == str(Status.OK)
        counts = runs[ok].groupby(pair, sort=False).size()
        failed = runs[~ok].drop_duplicates(pair)
        found = dict.fromkeys(counts.index[counts >= n_folds], Status.OK)
        return found | {(t, c): Status(s) for t, c, s in failed[[*pair, "status"]].itertuples(index=False)}
