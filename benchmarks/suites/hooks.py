"""Tuners started cold and started from a recommendation through our hooks, on real tables left out by family."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contest import (
    COUNTS,
    FEWEST,
    Entry,
    by_problem_type,
    curve_plot,
    curve_rows,
    losing_table,
    mean_table,
    pair_table,
    rank_plot,
)
from foreign import digest, kept_trials, suggest, told
from options import Options
from real_tables import MODEL, QUICK_TRIALS, RULE, Bench, available, benches, from_joint, joint_space, random_pool
from report import Report, Table

from metalearn.hooks.configspace import write_space
from metalearn.hooks.report import SeedReport
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration, SearchSpace

N_SEEDS = 10
N_ORDERS = 100
LEFT_OUT = ("catboost",)
SPACE = (
    "The search space is the same for every tuner: a choice among all families but CatBoost, whose fits take longest and "
    "which is not recommended either, and each family's parameters under it. "
    f"Warm starts have the first {N_SEEDS} configurations of the recommendation as seeds, brought into that space by the hook; "
    "they count as trials. Random search evaluates the seeds first and then goes on at random; its curves are means over "
    f"{N_ORDERS} orders."
)


def run(options: Options) -> Iterator[Report]:
    """Yield a report after each table, so that what is there can be read."""
    trials = QUICK_TRIALS if options.quick else options.trials
    rows: list[dict[str, Any]] = []
    seeds: list[dict[str, Any]] = []
    for bench in benches(options):
        families = list(available(bench.table.task.problem_type, LEFT_OUT))
        recommendation = bench.table.advisor(bench.past, families=families).recommend(N_SEEDS)
        for name, tuner in TUNERS.items():
            rows += curve_rows(bench, f"{name}, cold", tuner(bench, None, trials))
            rows += curve_rows(bench, f"{name}, warm", tuner(bench, recommendation, trials))
        seeds += [{"tuner": name, **fate(bench, recommendation, trials)} for name, fate in FATES.items()]
        found = pd.DataFrame(rows)
        if found["table"].nunique() >= FEWEST:
            yield _report(found, pd.DataFrame(seeds), trials)


# the tuners ----------------------------------------------------------------------------------------------------------


def _optuna_seeded(bench: Bench, recommendation: Recommendation | None) -> tuple[Any, SearchSpace, SeedReport | None]:
    import optuna  # noqa: PLC0415 - one of several tools

    from metalearn.hooks import optuna as hook  # noqa: PLC0415 - as the tool

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = joint_space(bench.table.task.problem_type, LEFT_OUT)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    return study, space, None if recommendation is None else hook.seed(study, recommendation, space=space)


def _tpe(bench: Bench, recommendation: Recommendation | None, trials: int) -> list[list[Configuration]]:
    def make() -> list[Configuration]:
        study, space, _ = _optuna_seeded(bench, recommendation)
        found = []
        for _ in range(trials):
            trial = study.ask()
            found.append(from_joint(suggest(trial, space), space))
            study.tell(trial, told(bench, found[-1]))
        return found

    return [_kept(bench, f"optuna/{version('optuna')}", recommendation, trials, make)]


def _smac_seeded(
    bench: Bench, recommendation: Recommendation | None, trials: int, folder: str
) -> tuple[dict[str, Any], SearchSpace, SeedReport | None]:
    from smac import Scenario  # noqa: PLC0415 - one of several tools

    from metalearn.hooks import smac as hook  # noqa: PLC0415 - as the tool

    logging.getLogger("smac").setLevel(logging.CRITICAL)
    space = joint_space(bench.table.task.problem_type, LEFT_OUT)
    scenario = Scenario(write_space(space), deterministic=True, n_trials=trials, seed=0, output_directory=Path(folder))
    kwargs: dict[str, Any] = {"scenario": scenario}
    return kwargs, space, None if recommendation is None else hook.seed(kwargs, recommendation)


def _smac(bench: Bench, recommendation: Recommendation | None, trials: int) -> list[list[Configuration]]:
    def make() -> list[Configuration]:
        from smac import HyperparameterOptimizationFacade  # noqa: PLC0415 - one of several tools

        found = []
        with tempfile.TemporaryDirectory() as folder:
            kwargs, space, _ = _smac_seeded(bench, recommendation, trials, folder)

            def target(config: Any, seed: int = 0) -> float:  # noqa: ARG001 - SMAC's signature
                found.append(from_joint(_plain(dict(config)), space))
                return told(bench, found[-1])

            HyperparameterOptimizationFacade(
                target_function=target, overwrite=True, logging_level=False, **kwargs
            ).optimize()
        return found

    return [_kept(bench, f"smac/{version('smac')}", recommendation, trials, make)]


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value.item() if hasattr(value, "item") else value for name, value in params.items()}


def _flaml_seeded(
    bench: Bench, recommendation: Recommendation | None
) -> tuple[dict[str, Any], SearchSpace, SeedReport | None]:
    from flaml import tune  # noqa: PLC0415 - one of several tools

    from metalearn.hooks import flaml as hook  # noqa: PLC0415 - as the tool

    space = joint_space(bench.table.task.problem_type, LEFT_OUT)
    flat = hook.write_space(SearchSpace({n: p for n, p in space.parameters.items() if n != MODEL}))
    families = space.parameters[MODEL].choices
    branches = [
        {
            "name": family,
            **{name.partition("/")[2]: domain for name, domain in flat.items() if name.startswith(f"{family}/")},
        }
        for family in families
    ]
    kwargs: dict[str, Any] = {"config": {MODEL: tune.choice(branches)}, "mode": "min", "metric": "loss"}
    return kwargs, space, None if recommendation is None else hook.seed(kwargs, recommendation)


def _flaml(bench: Bench, recommendation: Recommendation | None, trials: int) -> list[list[Configuration]]:
    def make() -> list[Configuration]:
        from flaml import tune  # noqa: PLC0415 - one of several tools

        found = []
        kwargs, space, _ = _flaml_seeded(bench, recommendation)

        def target(config: dict[str, Any]) -> dict[str, float]:
            family = config[MODEL]["name"]
            params = {f"{family}/{name}": value for name, value in _plain(config[MODEL]).items() if name != "name"}
            found.append(from_joint({MODEL: family, **params}, space))
            return {"loss": told(bench, found[-1])}

        np.random.seed(0)  # noqa: NPY002 - FLAML draws from the global generator
        tune.run(target, num_samples=trials, verbose=0, **kwargs)
        return found

    return [_kept(bench, f"flaml/{version('flaml')}", recommendation, trials, make)]


def _random(bench: Bench, recommendation: Recommendation | None, trials: int) -> list[list[Configuration]]:
    pool = random_pool(bench.table, trials, LEFT_OUT)
    seeds = [] if recommendation is None else list(recommendation.configurations)
    rng = np.random.default_rng(0)
    return [[*seeds, *(pool[i] for i in rng.permutation(trials))][:trials] for _ in range(N_ORDERS)]


TUNERS: dict[str, Callable[[Bench, Recommendation | None, int], list[list[Configuration]]]] = {
    "Optuna TPE": _tpe,
    "SMAC": _smac,
    "FLAML": _flaml,
    "random": _random,
}


def _kept(
    bench: Bench,
    key: str,
    recommendation: Recommendation | None,
    trials: int,
    make: Callable[[], Sequence[Configuration]],
) -> list[Configuration]:
    def quiet() -> Sequence[Configuration]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make()

    start = digest([] if recommendation is None else recommendation.configurations)
    found = kept_trials(bench, f"joint without {LEFT_OUT}/{key}/{start}/{trials}", quiet)[:trials]
    return found + found[-1:] * (trials - len(found))  # a tuner that ends early has nothing better to try


# what became of the seeds --------------------------------------------------------------------------------------------


def _fate(report: SeedReport | None) -> dict[str, int]:
    return {
        "accepted": len(report.accepted),
        "changed": len({change.rank for change in report.changed}),
        "dropped": len({drop.rank for drop in report.dropped if not drop.parameter}),
    }


def _smac_fate(bench: Bench, recommendation: Recommendation, trials: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        return _fate(_smac_seeded(bench, recommendation, trials, folder)[2])


FATES: dict[str, Callable[[Bench, Recommendation, int], dict[str, int]]] = {
    "Optuna TPE": lambda bench, recommendation, _: _fate(_optuna_seeded(bench, recommendation)[2]),
    "SMAC": _smac_fate,
    "FLAML": lambda bench, recommendation, _: _fate(_flaml_seeded(bench, recommendation)[2]),
}


# the report ----------------------------------------------------------------------------------------------------------


def _report(rows: pd.DataFrame, seeds: pd.DataFrame, trials: int) -> Report:
    last = max(k for k in COUNTS if k <= trials)
    names = list(TUNERS)
    early: list[tuple[Entry, Entry]] = [((f"{n}, warm", min(5, last)), (f"{n}, cold", last)) for n in names]
    same = [((f"{n}, warm", k), (f"{n}, cold", k)) for k in COUNTS if k <= last for n in names]
    entries: list[Entry] = [
        (f"{n}, {how}", k) for n in names for how, k in (("warm", 5), ("cold", last), ("warm", last))
    ]
    n = rows["table"].nunique()
    fates = seeds.groupby("tuner", sort=False)[["accepted", "changed", "dropped"]].mean()
    tables = [
        mean_table(
            rows, "test", "Mean normalised test regret of what validation chooses after k trials", f"{RULE} {SPACE}"
        ),
        pair_table(rows, early, f"Five warm trials against {last} cold ones"),
        pair_table(rows, same, "Warm against cold after the same number of trials"),
        by_problem_type(rows, entries, "By problem type"),
        losing_table(
            rows, ("Optuna TPE, warm", last), [("Optuna TPE, cold", last)], "Where TPE started warm is behind"
        ),
        losing_table(rows, ("SMAC, warm", last), [("SMAC, cold", last)], "Where SMAC started warm is behind"),
        mean_table(rows, "validation", "The same by the loss that the choice was made by"),
        Table(
            f"What became of {N_SEEDS} seeds, mean over tables",
            ["tuner", "accepted", "with a changed value", "dropped"],
            [[name, *map(float, fates.loc[name])] for name in fates.index],
            "Random search takes the configurations as they are.",
        ),
    ]
    curves = [f"{name}, {how}" for name in names for how in ("cold", "warm")]
    plots = [curve_plot(rows, f"Test regret on {n} tables left out", curves), rank_plot(rows, entries, "Mean ranks")]
    tools = ", ".join(f"{name} {version(name)}" for name in ("optuna", "smac", "flaml"))
    return Report("hooks", "Cold and warm starts", f"{n} real tables left out by family; {tools}.", tables, plots)
