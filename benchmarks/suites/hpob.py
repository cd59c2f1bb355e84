"""HPO-B: choose from the configurations that others ran on a table, knowing results of other tables."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import lightgbm
import numpy as np
import pandas as pd
import yaml
from inference import AGAINST, AGAINST_NOTE, against, band, by_family, cells, mean_ranks
from options import Options
from protocol import Array
from public_data import data_folder
from report import Plot, Report, Table

from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender
from metalearn.recommenders.proposals import NOISE, tempered
from metalearn.recommenders.scale import from_working, log_losses
from metalearn.recommenders.surrogate import Surrogate
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType
from suites.public import TASKS

METRIC = Metric("accuracy", greater_is_better=True)
FILES = ("meta-train-dataset.json", "meta-test-dataset.json", "bo-initializations.json")
ROUNDS = 100
OURS, ALONE, RANDOM = "ensemble of past tables", "Gaussian process without past tables", "random"

Tables: TypeAlias = Mapping[str, Mapping[str, Sequence[Any]]]
Chooser: TypeAlias = Callable[[Array, Array, list[int], int], list[int]]


def run(options: Options) -> Report:
    """Play every start on every test table of every search space."""
    facts: dict[str, Any] = yaml.safe_load((TASKS / "hpob.yaml").read_text(encoding="utf-8"))
    folder = data_folder(options, facts)
    train, test, starts = (read(folder / name, facts["source"]) for name in FILES)
    few = facts["quick"] if options.quick else {"tables": None, "starts": None, "trials": max(facts["counts"])}
    counts = [k for k in facts["counts"] if k <= few["trials"]]
    rows = []
    for space, tables in test.items():
        models = [fit(past["X"], past["y"]) for past in train[space].values()]
        for name in list(tables)[: few["tables"]]:
            for start, first in list(starts[space][name].items())[: few["starts"]]:
                found = on_table(tables[name], models, first, few["trials"], facts["pool"])
                rows += [{"space": space, "family": f"{space}/{name}", "start": start, **row} for row in found]
    return _report(pd.DataFrame(rows), counts, facts)


def read(path: Path, source: str) -> dict[str, Any]:
    """Return one of the benchmark's files, or end with a message that names the source."""
    if not path.is_file():
        message = f"There is no file {path}. Expected {', '.join(FILES)} there. Get them from their source ({source})."
        raise SystemExit(message)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def fit(X: Sequence[Any], y: Sequence[Any]) -> lightgbm.Booster:
    """Learn a past table's losses as a function of the configuration, so that it can be asked about any other."""
    parameters = {"objective": "regression", "min_data_in_leaf": 5, "seed": 0, "num_threads": 1, "verbose": -1}
    losses = METRIC.to_loss(np.asarray(y, dtype=float).ravel())
    return lightgbm.train(parameters, lightgbm.Dataset(np.asarray(X, dtype=float), log_losses(losses)), ROUNDS)


def on_table(
    table: Mapping[str, Sequence[Any]], models: Sequence[lightgbm.Booster], first: Sequence[int], trials: int, pool: int
) -> Iterator[dict[str, Any]]:
    """Yield each participant's regret after every trial, those it starts from included."""
    X, y = np.asarray(table["X"], dtype=float), np.asarray(table["y"], dtype=float).ravel()
    rest = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(len(X)), first))
    kept = np.concatenate([np.asarray(first, dtype=int), rest[: max(pool - len(first), 0)]])
    losses, begin = METRIC.to_loss(y[kept]), list(range(len(first)))
    regrets = (y.max() - y[kept]) / max(y.max() - y.min(), 1e-12)
    expected = np.stack([from_working(model.predict(X[kept], num_threads=1)) for model in models])
    participants: dict[str, Chooser] = {OURS: _ensemble, ALONE: _alone, RANDOM: _random}
    for name, choose in participants.items():
        order = choose(X[kept], losses, begin, trials) if name != OURS else _ensemble(expected, losses, begin, trials)
        reached = np.minimum.accumulate(regrets[order])
        yield {"strategy": name, "curve": np.pad(reached, (0, trials - len(reached)), mode="edge")}


def _random(X: Array, losses: Array, begin: list[int], n: int) -> list[int]:
    del X
    return [*begin, *np.random.default_rng(len(losses)).permutation(np.arange(len(begin), len(losses)))][:n]


def _ensemble(expected: Array, losses: Array, begin: list[int], n: int) -> list[int]:
    """Past tables are the members of the task ensemble; without meta-features all weigh alike at first."""
    past = PastTasks.fit(_as_table(expected))
    strategy = get_recommender("ensemble")().fit_past(past)
    prior, order = past.prior(np.empty(0)), list(begin)
    while len(order) < min(n, len(losses)):
        observed = {j: float(losses[j]) for j in order}
        allowed = np.ones(len(losses), dtype=bool)
        query = past.query(np.empty(0), n=1, observed=observed, allowed=allowed, prior=prior)
        order += strategy.rank(strategy.posterior(query))
    return order


def _as_table(losses: Array) -> PerformanceTable:
    n_tasks, n_configurations = losses.shape
    names = tuple(f"table {i}" for i in range(n_tasks))
    return PerformanceTable(
        metric=METRIC,
        problem_type=ProblemType.MULTICLASS,
        configurations=tuple(Configuration("model", {"row": j}) for j in range(n_configurations)),
        task_ids=names,
        task_names=names,
        families=names,
        sizes=np.ones((n_tasks, 3)),
        meta_feature_names=(),
        meta_features=np.empty((n_tasks, 0)),
        losses=losses,
        seconds=np.full(losses.shape, np.nan),
        units=np.ones(n_tasks),
        own=np.ones(len(names), dtype=bool),
    )


def _alone(X: Array, losses: Array, begin: list[int], n: int) -> list[int]:
    """Follow the advisor's surrogate, which is told this table's results only."""
    order, family = list(begin), np.zeros(len(X), dtype=np.intp)
    while len(order) < min(n, len(losses)):
        values = tempered(log_losses(losses[order]))
        known = Surrogate.fit(family[order], X[order], values, np.full(len(order), NOISE))
        worth = known.look(family, X).improvement(float(values.min()))
        worth[order] = -1.0
        order.append(int(worth.argmax()))
    return order


def _report(rows: pd.DataFrame, counts: list[int], facts: dict[str, Any]) -> Report:
    curves = by_family(rows)
    lines = [[name, *cells(found, counts)] for name, found in sorted(curves.items(), key=lambda pair: pair[1].mean())]
    lines += [[f"*{name}, published*", *values[: len(counts)]] for name, values in facts["published"].items()]
    ranks, p, critical = mean_ranks({name: found[:, counts[-1] - 1] for name, found in curves.items()})
    n_spaces, n_tables = rows["space"].nunique(), rows["family"].nunique()
    title = f"HPO-B: {n_tables} test tables in {n_spaces} search spaces"
    return Report(
        "hpob",
        title,
        facts["source"],
        [
            Table(
                "Mean normalised regret after k trials",
                ["participant", *(f"k={k}" for k in counts)],
                lines,
                f"The five configurations that a start gives count as trials. Means over tables, {rows['start'].nunique()} "
                "starts each; in brackets 95 % bootstrap intervals over tables. Past tables are seen through one LightGBM "
                "model each.",
            ),
            Table(
                f"{OURS}, less the others",
                AGAINST,
                against(curves, OURS, counts),
                AGAINST_NOTE,
            ),
        ],
        [
            Plot(title, curves={name: band(found) for name, found in curves.items()}),
            Plot(
                f"Mean ranks at k = {counts[-1]} (Friedman p = {p:.1e}; display only)", ranks=ranks, critical=critical
            ),
        ],
    )
