"""Real tables left out by family: chosen, split, and every evaluation on them kept on disk."""

import hashlib
import importlib
import json
import math
import os
import sqlite3
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from baselines import BASELINES
from options import ROOT, Options, cache_folder
from rich.console import Console
from rich.progress import track

from metalearn.advisor import Advisor
from metalearn.dataset import Dataset
from metalearn.evaluation import Status
from metalearn.evaluation.fit import TrainingData
from metalearn.evaluation.splits import split
from metalearn.evaluation.workers import Processes
from metalearn.knowledge import KnowledgeBase
from metalearn.models import ModelSpec, models_for
from metalearn.recommenders import related_tasks
from metalearn.recommenders.scale import capped
from metalearn.space import Categorical, Condition, Configuration, SearchSpace
from metalearn.task import Metric, ProblemType, Task, get_metric

N_TABLES = 30
ROWS = (150, 3000)
MOST_FEATURES = 50
N_FOLDS = 3
N_RANDOM = 50
QUICK_TRIALS = 5
FIT_SECONDS = 60.0
"""Processor seconds of one fit: they are the same on a busy machine."""
SEED = 0
MODEL = "model"

CHOSEN = f"choices are made by {N_FOLDS}-fold cross-validation on the rest, the chosen configuration is fitted on the rest and "
RULE = (
    f"Tables of the catalog with {ROWS[0]} to {ROWS[1]:,} rows and at most {MOST_FEATURES} columns are ordered by size "
    "(rows times columns) within each problem type; the middle one of each of ten equal parts is taken, smallest first. A "
    f"third of the rows is held out for the test (stratified); {CHOSEN}scored on the test. Our recommendations come from the "
    "knowledge base without the table's family. Normalised regret 0 and 1 are the best and the worst test loss of a fixed "
    f"reference set, the same for all participants: the default of every family and {N_RANDOM} configurations drawn at random over "
    "all families (seeded by the table's name); r2 losses beyond the upper quartile by 1.5 interquartile ranges count as "
    "that. Who beats the whole reference set has a negative regret; whoever is worse than its worst has 1."
)


# choosing ------------------------------------------------------------------------------------------------------------


@cache
def recipe() -> ModuleType:
    """Return the recipe that reads the tables of the catalog."""
    sys.path.insert(0, str(ROOT / "knowledge_base" / "sources" / "pypi_tables"))
    return importlib.import_module("recipe")


def chosen_names(n: int = N_TABLES) -> list[str]:
    """Return the names of the tables by the fixed rule, those with less work first."""
    catalog = pd.DataFrame(recipe().catalog()).astype({"n_rows": int, "n_features": int})
    catalog["work"] = catalog["n_rows"] * (catalog["n_features"] + 10)
    fitting = catalog[catalog["n_rows"].between(*ROWS) & (catalog["n_features"] <= MOST_FEATURES)]
    fitting = fitting.sort_values(["work", "name"]).drop_duplicates("family")
    parts = N_TABLES // len(ProblemType)
    places = (np.arange(parts) + 0.5) / parts
    chosen = pd.concat(
        [group.iloc[(places * len(group)).astype(int)] for _, group in fitting.groupby("problem_type")]
    ).sort_values(["work", "name"])
    return chosen["name"].tolist()[:n]


@dataclass(frozen=True)
class RealTable:
    """A table, its split, and what must be left out of the knowledge base."""

    task: Task
    data: Dataset
    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]

    @classmethod
    def load(cls, name: str) -> Self:
        """Read a table of the catalog and hold out a third of its rows."""
        (table,) = recipe().tables([name])
        X, y = table.load()
        data = Dataset.from_data(X, y, problem_type=table.task.problem_type)
        kind = data.problem_type
        train, test = split(data.target, kind, metric=get_metric(None, kind), cv=3, random_state=SEED)[0]
        return cls(table.task, data, train, test)

    @property
    def metric(self) -> Metric:
        """What is optimised."""
        return get_metric(None, self.task.problem_type)

    @property
    def target(self) -> "pd.Series[Any]":
        """Codes of classes, or numbers."""
        return pd.Series(self.data.target, name="target")

    @cached_property
    def training(self) -> TrainingData:
        """Everything that a fit needs; the last fold is the test."""
        target, kind = self.data.target, self.task.problem_type
        inner = split(target[self.train], kind, metric=self.metric, cv=N_FOLDS, random_state=SEED)
        folds = (*((self.train[a], self.train[b]) for a, b in inner), (self.train, self.test))
        return TrainingData(self.data.X, target, kind, self.data.n_classes, folds, clock="processor")

    @cached_property
    def id(self) -> str:
        """Names what an evaluation depends on, but for configuration and fold."""
        versions = [version(name) for name in ("scikit-learn", "lightgbm", "xgboost-cpu", "catboost")]
        facts = [self.task.id, self.data.fingerprint, self.data.X.shape, N_FOLDS, SEED, *versions]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def train_part(self) -> "tuple[pd.DataFrame, pd.Series[Any]]":
        """Return the rows that a participant may see."""
        return self.data.X.iloc[self.train].reset_index(drop=True), self.target.iloc[self.train].reset_index(drop=True)

    def advisor(
        self,
        past: KnowledgeBase,
        recommender: str = "auto",
        *,
        new_points: bool | None = None,
        families: Sequence[str] | None = None,
    ) -> Advisor:
        """Return an advisor that knows nothing of the table's family; baselines stay within the list."""
        X, y = self.train_part()
        made = Advisor(
            X,
            y,
            knowledge_base=past,
            problem_type=self.task.problem_type,
            recommender="portfolio" if recommender in BASELINES else recommender,
            families=families,
            name=self.task.name,
            new_points=recommender == "auto" if new_points is None else new_points,
        )
        if recommender in BASELINES:
            known, kind = related_tasks(past, self.task.problem_type), BASELINES[recommender]
            made._recommender = kind(metric=made.task.metric).fit(known, problem_type=self.task.problem_type)  # noqa: SLF001
        return made


def available(problem_type: ProblemType, but: Collection[str] = ()) -> dict[str, ModelSpec]:
    """Return the families that can be fitted here."""
    return {name: spec for name, spec in models_for(problem_type).items() if spec.is_available and name not in but}


def joint_space(problem_type: ProblemType, but: Collection[str] = ()) -> SearchSpace:
    """Return one space over all families: a choice of the family, and each one's parameters under it."""
    families = available(problem_type, but)
    parameters: dict[str, Any] = {MODEL: Categorical(tuple(families))}
    conditions = {}
    for family, spec in families.items():
        space = spec.spaces[problem_type]
        for name, parameter in space.parameters.items():
            inner = space.conditions.get(name)
            parameters[f"{family}/{name}"] = parameter
            conditions[f"{family}/{name}"] = (
                Condition(MODEL, (family,)) if inner is None else Condition(f"{family}/{inner.parent}", inner.values)
            )
    return SearchSpace(parameters, conditions)


def from_joint(params: dict[str, Any], space: SearchSpace) -> Configuration:
    """Return the configuration that a point of the joint space names."""
    own = {name: params[name] for name in space.active(params) if name != MODEL and name in params}
    return Configuration(params[MODEL], {name.partition("/")[2]: value for name, value in own.items()})


def random_pool(table: RealTable, n: int, but: Collection[str] = ()) -> list[Configuration]:
    """Return configurations drawn at random over all families, seeded by the table's name."""
    space = joint_space(table.task.problem_type, but)
    points = space.random(n, random_state=zlib.crc32(table.task.id.encode()))
    return [from_joint(point, space) for point in points]


def reference_set(table: RealTable, n_random: int) -> list[Configuration]:
    """Return the fixed configurations that define regret 0 and 1 on a table."""
    kind = table.task.problem_type
    defaults = [spec.default(kind) for spec in available(kind).values()]
    return [*defaults, *random_pool(table, n_random)]


# evaluating ----------------------------------------------------------------------------------------------------------


class Cache:
    """Keep what was computed, by key, in a file that several processes may use."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(folder / "real_tables.sqlite", timeout=60, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS found (key TEXT PRIMARY KEY, value TEXT)")

    def get(self, key: str, make: Callable[[], Any], *, keep: Callable[[Any], bool] | None = None) -> Any:
        """Return what is kept under a key, making it first if need be; without ``keep``, all that is made is kept."""
        row = self._connection.execute("SELECT value FROM found WHERE key = ?", (key,)).fetchone()
        if row is None:
            made = make()
            row = (json.dumps(made),)
            if keep is None or keep(made):
                self._connection.execute("INSERT OR REPLACE INTO found VALUES (?, ?)", (key, *row))
        return json.loads(row[0])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def keep_fits_apart(folder: Path) -> None:
    """Keep fitted recommenders under a name that changes with the code: a version alone would bring back old ones."""
    os.environ["METALEARN_CACHE"] = str(folder / code_digest())


def code_digest() -> str:
    """Name the package's code."""
    code = hashlib.sha256()
    for file in sorted((ROOT / "metalearn").rglob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()[:12]


class Evaluator:
    """Fit configurations on one table, each fold once and for all."""

    def __init__(self, table: RealTable, cache: Cache) -> None:
        self.table = table
        self.cache = cache
        self._runner: Processes | None = None

    def close(self) -> None:
        """End the process that fits."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _fit(self, configuration: Configuration, fold: int) -> dict[str, Any]:
        if self._runner is None:
            self._runner = Processes(self.table.training, fit_seconds=FIT_SECONDS)
        self._runner.submit(fold, configuration, fold, math.inf)
        [(_, outcome)] = self._runner.finished()
        seconds = outcome.fit_seconds + outcome.predict_seconds
        if outcome.status is not Status.OK or seconds > FIT_SECONDS:
            return {"scores": {}, "seconds": None}
        return {"scores": outcome.scores, "seconds": seconds}

    def _found(self, configuration: Configuration, fold: int) -> dict[str, Any]:
        key = f"{self.table.id}/{configuration.id}/{fold}"
        return self.cache.get(key, lambda: self._fit(configuration, fold))

    def _loss(self, configuration: Configuration, fold: int) -> float:
        scores = self._found(configuration, fold)["scores"]
        return float(self.table.metric.to_loss(scores[self.table.metric.name])) if scores else math.inf

    def validation_loss(self, configuration: Configuration) -> float:
        """Return the mean loss of cross-validation on the training rows; infinity if a fold failed."""
        losses = []
        for fold in range(N_FOLDS):
            losses.append(self._loss(configuration, fold))
            if not math.isfinite(losses[-1]):
                return math.inf
        return float(np.mean(losses))

    def test_loss(self, configuration: Configuration) -> float:
        """Return the loss on the test after fitting on all training rows."""
        return self._loss(configuration, N_FOLDS)

    def seconds(self, configuration: Configuration) -> float:
        """Return the seconds of cross-validation, as far as it went."""
        known = [self._found(configuration, fold)["seconds"] for fold in range(N_FOLDS)]
        return float(sum(s for s in known if s is not None))


@dataclass(frozen=True)
class Scale:
    """Turn losses on one table into regrets."""

    best: float
    worst: float

    @classmethod
    def of(cls, losses: Iterable[float], problem_type: ProblemType) -> Self:
        """Return the scale on which a reference set reaches from 0 to 1."""
        found = capped(np.array([list(losses)], dtype=float), bounded=problem_type.is_classification)[0]
        return cls(float(found.min()), float(found.max()))

    def regret(self, loss: float) -> float:
        """Return the regret of a loss; a failure counts as the worst."""
        width = self.worst - self.best
        return (min(loss, self.worst) - self.best) / width if width > 0 else float(loss > self.best)


def trial_sequence(evaluator: Evaluator, configurations: Sequence[Configuration]) -> dict[str, list[float]]:
    """Return, after each trial, the test loss, validation loss and seconds of what validation would choose."""
    losses = np.array([evaluator.validation_loss(c) for c in configurations])
    chosen = [int(losses[:k].argmin()) for k in range(1, len(losses) + 1)]
    return {
        "test": [evaluator.test_loss(configurations[i]) for i in chosen],
        "validation": losses[chosen].tolist(),
        "seconds": np.cumsum([evaluator.seconds(c) for c in configurations]).tolist(),
    }


# going through the tables --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """One table with everything that a suite needs on it."""

    table: RealTable
    evaluator: Evaluator
    past: KnowledgeBase  # without the table's family
    reference: tuple[Configuration, ...]

    @cached_property
    def test(self) -> Scale:
        """The scale of test losses."""
        return self._scale(self.evaluator.test_loss)

    @cached_property
    def validation(self) -> Scale:
        """The scale of validation losses; it costs three fits a configuration and is only computed where it is used."""
        return self._scale(self.evaluator.validation_loss)

    def _scale(self, loss: Callable[[Configuration], float]) -> Scale:
        return Scale.of([loss(c) for c in self.reference], self.table.task.problem_type)


def benches(options: Options) -> Iterator[Bench]:
    """Yield the tables one after the other."""
    kb = options.past
    names = quick_names() if options.quick else chosen_names(options.tables)
    n_random = QUICK_TRIALS if options.quick else N_RANDOM
    folder = cache_folder()
    keep_fits_apart(folder)
    with closing(Cache(folder)) as cache:
        for name in track(names, "tables", console=Console(stderr=True)):
            table = RealTable.load(name)
            with closing(Evaluator(table, cache)) as evaluator:
                yield Bench(table, evaluator, kb.without(table.task.id), tuple(reference_set(table, n_random)))


def quick_names() -> list[str]:
    """Return the smallest chosen table of each problem type."""
    by_name = {row["name"]: row["problem_type"] for row in recipe().catalog()}
    first: dict[str, str] = {}
    for name in chosen_names():
        first.setdefault(by_name[name], name)
    return list(first.values())
