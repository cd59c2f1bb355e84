"""Replay strategies on left-out families, with the controls that every suite shares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.recommenders import PastTasks, PerformanceTable, Strategy, get_recommender
from metalearn.recommenders.simulation import curve, family_folds, play

STRATEGIES = ("random", "average_rank", "portfolio", "nearest", "forest", "ranking", "ensemble", "blend")
LENGTH = 25
N_REMOVED = 15
RANDOM_FACTORS = (1, 2, 4)
N_RANDOM = 200


@dataclass(frozen=True)
class Setting:
    """What is replayed: past tasks, the regrets that are scored, and how often."""

    table: PerformanceTable
    regrets: npt.NDArray[np.float64]
    n_folds: int = 10
    seeds: int = 1
    default: int | None = None  # column of the library default


def worst_to_best(losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Place losses between each task's best (0) and worst (1): the protocol's normalised regret."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    best, worst = np.nanmin(finite, axis=1, keepdims=True), np.nanmax(finite, axis=1, keepdims=True)
    regrets = (finite - best) / np.where(worst > best, worst - best, 1.0)
    return np.where(np.isinf(losses), 1.0, regrets)


def replay(setting: Setting, names: Sequence[str] = STRATEGIES) -> pd.DataFrame:
    """Return one row a strategy, task and seed: smallest regret after 1 to 25 evaluations."""
    return pd.DataFrame(_rows(setting, names, control=""))


def replay_controls(setting: Setting, names: Sequence[str] = ("forest", "ensemble")) -> pd.DataFrame:
    """Return the same with shuffled meta-features, and with the 15 nearest tasks removed."""
    generator = np.random.default_rng(0)
    shuffled = replace(setting.table, meta_features=generator.permutation(setting.table.meta_features))
    once = replace(setting, seeds=1)
    rows = [*_rows(replace(once, table=shuffled), names, control="shuffled")]
    rows += _rows(once, ("portfolio", "nearest", *names), control="removed")
    return pd.DataFrame(rows)


def _rows(setting: Setting, names: Sequence[str], *, control: str) -> Iterator[dict[str, object]]:
    table = setting.table
    for seed in range(setting.seeds):
        for kept, left_out in family_folds(table, setting.n_folds, random_state=seed):
            past = PastTasks.fit(table.take(kept), random_state=seed)
            strategies = [make(name, seed).fit_past(past) for name in names if name != "random"]
            for i in left_out:
                if control == "removed":
                    far = np.argsort(past.novelty.distances_to(table.meta_features[i]))[N_REMOVED:]
                    smaller = past.take(np.sort(far))
                    strategies = [strategy.fit_past(smaller) for strategy in strategies]
                about = {"task": table.task_ids[i], "family": table.families[i], "seed": seed, "control": control}
                for strategy in strategies:
                    order = play(strategy, table.meta_features[i], table.losses[i], LENGTH, unit=float(table.units[i]))
                    yield {**about, "strategy": strategy.name, "curve": curve(setting.regrets[i], order, LENGTH)}
                if "random" in names:
                    for factor in RANDOM_FACTORS:
                        found = random_curve(setting.regrets[i], factor, seed)
                        yield {**about, "strategy": f"random x{factor}", "curve": found}
                if setting.default is not None and not control:
                    found = np.full(LENGTH, setting.regrets[i, setting.default])
                    yield {**about, "strategy": "library default", "curve": found}


def make(name: str, seed: int) -> Strategy:
    """Return an unfitted built-in recommender."""
    made = get_recommender(name)(random_state=seed)
    assert isinstance(made, Strategy)  # noqa: S101
    return made


def random_curve(regrets: npt.NDArray[np.float64], factor: int, seed: int) -> npt.NDArray[np.float64]:
    """Return the expected smallest regret of random search with several evaluations where others have one."""
    known = regrets[~np.isnan(regrets)]
    generator = np.random.default_rng(seed)
    steps = np.minimum(factor * np.arange(1, LENGTH + 1), len(known)) - 1
    orders = generator.permuted(np.tile(known, (N_RANDOM, 1)), axis=1)
    found: npt.NDArray[np.float64] = np.minimum.accumulate(orders, axis=1)[:, steps].mean(axis=0)
    return found
