"""Replay strategies on left-out families, with the controls that every suite shares."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from baselines import BASELINES

from metalearn.recommenders import PastTasks, PerformanceTable, Strategy, get_recommender
from metalearn.recommenders.expectation import Expectation
from metalearn.recommenders.simulation import curve, family_folds, play

Array = npt.NDArray[np.float64]

LENGTH = 25
N_REMOVED = 15
COPIES = 0.99
LANDMARKS = 2
BUDGETS = (0.5, 1, 2, 5, 10)
RANDOM_FACTORS = (1, 2, 4)
N_RANDOM = 200


@dataclass(frozen=True)
class Fit:
    """What was learned without some families, and the rows that were left out."""

    seed: int
    past: PastTasks
    left_out: npt.NDArray[np.intp]

    @cached_property
    def expectations(self) -> dict[str, Expectation]:
        """Calibrations without the rows left out, by strategy."""
        return {}

    def expectation(self, strategy: Strategy) -> Expectation:
        """Return the calibration of a strategy without the rows left out."""
        if strategy.name not in self.expectations:
            self.expectations[strategy.name] = Expectation.fit(self.past, strategy.posterior)
        return self.expectations[strategy.name]


@dataclass(frozen=True)
class Setting:
    """What is replayed: past tasks, the regrets that are scored, and how often."""

    title: str
    table: PerformanceTable
    regrets: Array
    n_folds: int = 10
    seeds: int = 1
    default: int | None = None  # column of the library default

    @cached_property
    def scored(self) -> dict[str, Array]:
        """What curves are drawn of: regret, and the share of the loss that the best configuration would take away."""
        return {"curve": self.regrets, "improvability": improvability(self.table.losses)}

    @cached_property
    def fits(self) -> list[Fit]:
        """Everything that is fitted, once for each seed and fold, without the families that are left out."""
        return [
            Fit(seed, PastTasks.fit(self.table.take(kept), random_state=seed), left_out[self.table.judging[left_out]])
            for seed in range(self.seeds)
            for kept, left_out in family_folds(self.table, self.n_folds, random_state=seed)
        ]


def worst_to_best(losses: Array) -> Array:
    """Place losses between each task's best (0) and worst (1): the protocol's normalised regret."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    best, worst = np.nanmin(finite, axis=1, keepdims=True), np.nanmax(finite, axis=1, keepdims=True)
    regrets = (finite - best) / np.where(worst > best, worst - best, 1.0)
    return np.where(np.isinf(losses), 1.0, regrets)


def improvability(losses: Array) -> Array:
    """Return 1 - best / loss: unlike regret it does not depend on how bad the worst configuration is."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    best = np.nanmin(finite, axis=1, keepdims=True)
    share = np.where(finite == 0, 0.0, 1 - best / np.where(finite == 0, 1.0, finite))
    return np.where(np.isinf(losses), 1.0, share)


def replay(setting: Setting, names: Sequence[str]) -> pd.DataFrame:
    """Return one row a strategy, task and seed: the smallest regret after 1 to 25 evaluations."""
    return pd.DataFrame([row for fit in setting.fits for row in _strategies(setting, fit, names)])


def replay_baselines(setting: Setting) -> pd.DataFrame:
    """Return the same for random search and, where there is one, for the library default."""
    rows = []
    for fit in setting.fits:
        for i in fit.left_out:
            for factor in RANDOM_FACTORS:
                found = {name: random_curve(v[i], factor, fit.seed) for name, v in setting.scored.items()}
                rows.append(_about(setting, fit, i) | {"strategy": f"random x{factor}"} | found)
            if setting.default is not None:
                found = {name: np.full(LENGTH, v[i, setting.default]) for name, v in setting.scored.items()}
                rows.append(_about(setting, fit, i) | {"strategy": "library default"} | found)
    return pd.DataFrame(rows)


def replay_timed(setting: Setting, names: Sequence[str]) -> pd.DataFrame:
    """Return one row a strategy, task and way to choose: the regret reached within each budget of seconds.

    A budget is a multiple of the mean seconds of a fit on the task. Seconds are foreseen by the cost model and spent as
    they were measured; what is not ready in time is lost.
    """
    rows = []
    for fit in (fit for fit in setting.fits if fit.seed == 0):
        for strategy in (make(name, fit.seed).fit_past(fit.past) for name in names):
            for i in fit.left_out:
                for by_price in (False, True):
                    about = {**_about(setting, fit, i), "strategy": strategy.name, "by_price": by_price}
                    rows.append(
                        about | {"curve": [_reached(setting, strategy, i, b, by_price=by_price) for b in BUDGETS]}
                    )
    return pd.DataFrame(rows)


def replay_landmarks(setting: Setting, names: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Return what `replay` does when results of quick configurations are known beforehand, and their share of a mean fit.

    They are the quickest configuration of each of the two quickest families on past tasks, and are not counted.
    """
    rows, shares, table = [], [], setting.table
    for fit in (fit for fit in setting.fits if fit.seed == 0):
        quick = _quickest(fit.past.table)
        taken = table.seconds[np.ix_(fit.left_out, quick)]
        shares += list(np.nansum(taken, axis=1) / np.nanmean(table.seconds[fit.left_out], axis=1))
        rows += _strategies(setting, fit, names, told=quick)
    return pd.DataFrame(rows), float(np.nanmean(shares))


def _quickest(table: PerformanceTable) -> list[int]:
    """Return the columns of the landmarks."""
    seconds = np.nanmedian(table.seconds, axis=0)
    columns = [np.flatnonzero(table.models == model) for model in np.unique(table.models)]
    first = [int(found[np.nanargmin(seconds[found])]) for found in columns]
    return sorted(first, key=seconds.__getitem__)[:LANDMARKS]


def _reached(setting: Setting, strategy: Strategy, i: int, budget: float, *, by_price: bool) -> float:
    """Return the smallest regret within a budget, choosing among what should still fit."""
    table, past = setting.table, strategy.past_
    allowed = ~np.isnan(table.losses[i])
    spent = np.where(np.isfinite(table.seconds[i]), table.seconds[i], np.nanmax(table.seconds[i]))
    foreseen, left = past.cost.predict(table.sizes[i]), budget * float(spent[allowed].mean())
    prior = past.prior(table.meta_features[i])
    observed: dict[int, float] = {}
    reached = 1.0
    while True:
        query = past.query(
            table.meta_features[i],
            n=1,
            observed=observed,
            allowed=allowed & (foreseen <= left),
            sizes=table.sizes[i],
            unit=float(table.units[i]),
            time_budget=left if by_price else None,
            prior=prior,
        )
        chosen = strategy.rank(strategy.posterior(query))
        if not chosen or spent[chosen[0]] > left:
            return reached
        left -= float(spent[chosen[0]])
        observed[chosen[0]] = float(table.losses[i, chosen[0]])
        reached = min(reached, float(setting.regrets[i, chosen[0]]))


def replay_shuffled(setting: Setting, names: Sequence[str]) -> pd.DataFrame:
    """Return the same with meta-features dealt out to other tasks: whatever they gave must be gone."""
    dealt = np.random.default_rng(0).permutation(setting.table.meta_features)
    return replay(replace(setting, table=replace(setting.table, meta_features=dealt), seeds=1), names)


def replay_removed(setting: Setting, names: Sequence[str]) -> pd.DataFrame:
    """Return the same without the 15 tasks nearest to each; the forest keeps its questions, but not their answers."""

    def far(fit: Fit, i: int) -> npt.NDArray[np.intp]:
        distances = fit.past.novelty.distances_to(setting.table.meta_features[i])
        return np.sort(np.argsort(distances)[N_REMOVED:])

    return _replay_on(setting, names, far)


def replay_without_copies(setting: Setting, names: Sequence[str]) -> pd.DataFrame:
    """Return the same without the past tasks whose regrets correlate with each one's own as those of a copy would."""
    known = np.nan_to_num(setting.table.completed_regrets)
    # one configuration that fails everywhere would make any two alike: what is worse than most counts as most
    bounded = np.minimum(known, np.quantile(known, 0.75, axis=1, keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.corrcoef(bounded) > COPIES
    place = {task_id: row for row, task_id in enumerate(setting.table.task_ids)}

    def unlike(fit: Fit, i: int) -> npt.NDArray[np.intp]:
        return np.flatnonzero(~alike[i, [place[task_id] for task_id in fit.past.table.task_ids]])

    return _replay_on(setting, names, unlike)


def _replay_on(
    setting: Setting, names: Sequence[str], kept: Callable[[Fit, int], npt.NDArray[np.intp]]
) -> pd.DataFrame:
    rows = []
    for fit in setting.fits:
        for i in fit.left_out if fit.seed == 0 else ():
            smaller = fit.past.take(kept(fit, i))
            rows += _strategies(setting, replace(fit, past=smaller, left_out=np.array([i])), names)
    return pd.DataFrame(rows)


def _strategies(
    setting: Setting, fit: Fit, names: Sequence[str], told: Sequence[int] = ()
) -> Iterator[dict[str, object]]:
    table = setting.table
    for strategy in (make(name, fit.seed).fit_past(fit.past) for name in names):
        for i in fit.left_out:
            order = play(
                strategy, table.meta_features[i], table.losses[i], LENGTH, unit=float(table.units[i]), told=told
            )
            before = int((~np.isnan(table.losses[i, list(told)])).sum())
            found = {name: curve(v[i], order, LENGTH + before)[before:] for name, v in setting.scored.items()}
            yield _about(setting, fit, i) | {"strategy": strategy.name} | found


def _about(setting: Setting, fit: Fit, i: int) -> dict[str, object]:
    return {"task": setting.table.task_ids[i], "family": setting.table.families[i], "seed": fit.seed}


def make(name: str, seed: int) -> Strategy:
    """Return an unfitted built-in recommender."""
    kind = BASELINES.get(name) or get_recommender(name)
    made = kind(random_state=seed)
    if not isinstance(made, Strategy):
        message = f"The recommender {name!r} is a plug-in. Expected a built-in one, which can be replayed."
        raise TypeError(message)
    return made


def random_curve(regrets: Array, factor: int, seed: int) -> Array:
    """Return the expected smallest regret of random search with several evaluations where others have one."""
    known = regrets[~np.isnan(regrets)]
    steps = np.minimum(factor * np.arange(1, LENGTH + 1), len(known)) - 1
    orders = np.random.default_rng(seed).permuted(np.tile(known, (N_RANDOM, 1)), axis=1)
    found: Array = np.minimum.accumulate(orders, axis=1)[:, steps].mean(axis=0)
    return found
