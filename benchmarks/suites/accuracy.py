"""How far expected scores and seconds can be trusted on families left out."""

from collections.abc import Iterator, Sequence

import numpy as np
from inference import interval
from protocol import Fit, Setting
from report import Table

from metalearn.recommenders import Strategy
from metalearn.recommenders.ensemble import TaskEnsemble
from metalearn.recommenders.forest import ForestPortfolio
from metalearn.recommenders.portfolio import Portfolio
from metalearn.recommenders.simulation import play

N_CANDIDATES = 10
OBSERVED = (0, 3, 10)
TOLD = (1, 3, 5, 10)
NOVELTY = (0.25, 0.5, 0.75, 0.95)
NOVELTY_NAMES = ("below .25", ".25 to .5", ".5 to .75", ".75 to .95", ".95 and above")
LISTED = (ForestPortfolio, TaskEnsemble)
"""What `recommend` lists, and what the advisor asks; without results they are the same."""


def coverage(settings: Sequence[Setting]) -> Table:
    """Return the share of scores inside the 80 % interval, its width, and the error of the expected score."""
    rows: list[list[object]] = []
    for setting in settings:
        found = {(kind.name, n): [] for kind in LISTED for n in OBSERVED if n or kind is ForestPortfolio}
        for fit in (fit for fit in setting.fits if fit.seed == 0):
            for strategy in (kind().fit_past(fit.past) for kind in LISTED):
                for i in fit.left_out:
                    for n, row in _expected(setting, fit, strategy, i):
                        if (strategy.name, n) in found:
                            found[strategy.name, n].append(row)
        for (name, n), parts in found.items():
            inside, width, error = np.concatenate(parts, axis=1)
            rows.append(
                [setting.title, name, n, f"{inside.mean():.1%}", float(np.median(width)), float(np.median(error))]
            )
    return Table(
        "Expected scores of the ten candidates",
        ["tasks", "candidates of", "results observed", "inside the 80 % interval", "median width", "median error"],
        rows,
        "On families left out; everything, the calibration included, is fitted without them. Observed are the strategy's own "
        "first choices, asked about are its next ten. rmse and mae are in units of the target's spread.",
    )


def _expected(setting: Setting, fit: Fit, strategy: Strategy, i: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield, after some of a strategy's choices, what becomes of the next: inside or not, width and error."""
    table, past = setting.table, strategy.past_
    unit, features = float(table.units[i]), table.meta_features[i]
    about = {"allowed": np.isfinite(table.losses[i]), "unit": unit}
    order = play(strategy, features, table.losses[i], max(OBSERVED), unit=unit)
    for n in OBSERVED:
        observed = {j: float(table.losses[i, j]) for j in order[:n]}
        query = past.query(features, n=N_CANDIDATES, observed=observed, **about)
        posterior = strategy.posterior(query)
        chosen = strategy.rank(posterior)
        score, low, high, _ = fit.expectation(strategy).expect(posterior, chosen)
        true = table.metric.from_loss(table.losses[i, chosen])
        yield n, np.array([(low <= true) & (true <= high), (high - low) / unit, np.abs(score - true) / unit])


def by_novelty(settings: Sequence[Setting]) -> Table:
    """Return what novelty says: intervals and errors of the list, and what the first choice reaches."""
    rows: list[list[object]] = []
    for setting in settings:
        table = setting.table
        found: list[tuple[float, ...]] = []
        for fit in (fit for fit in setting.fits if fit.seed == 0):
            forest, portfolio = (kind().fit_past(fit.past) for kind in (ForestPortfolio, Portfolio))
            for i in fit.left_out:
                novelty = fit.past.prior(table.meta_features[i]).novelty
                parts = [row for _, row in _expected(setting, fit, forest, i)]
                inside, _, error = np.concatenate(parts, axis=1)
                about = {"allowed": np.isfinite(table.losses[i]), "unit": float(table.units[i])}
                query = fit.past.query(table.meta_features[i], n=1, observed={}, **about)
                ranked = [strategy.rank(strategy.posterior(query)) for strategy in (forest, portfolio)]
                first = [setting.regrets[i, columns[0]] for columns in ranked]
                found.append((novelty, inside.mean(), float(np.median(error)), *first))
        values = np.array(found)
        group = np.searchsorted(NOVELTY, values[:, 0], side="right")
        group[np.isnan(values[:, 0])] = len(NOVELTY) + 1
        for k, name in enumerate((*NOVELTY_NAMES, "unknown")):
            part = values[group == k]
            if len(part):
                inside, error, first, static = part[:, 1:].mean(axis=0).tolist()
                rows.append([setting.title, name, len(part), f"{inside:.1%}", error, first, static])
    return Table(
        "What novelty says",
        ["tasks", "novelty", "n", "inside the 80 % interval", "error, mean", "regret at k = 1", "the portfolio's"],
        rows,
        "On families left out: scores of a list's ten candidates after 0, 3 and 10 results, all counted together (the error is the mean "
        "over tasks of the median), and the regret of the first choice.",
    )


def improvement(settings: Sequence[Setting]) -> Table:
    """Return by how much the next trial was expected to improve on the best so far, and by how much it did."""
    rows: list[list[object]] = []
    for setting in settings:
        table = setting.table
        found: dict[int, list[tuple[float, float]]] = {n: [] for n in TOLD}
        for fit in (fit for fit in setting.fits if fit.seed == 0):
            strategy = TaskEnsemble().fit_past(fit.past)
            for i in fit.left_out:
                unit, features, losses = float(table.units[i]), table.meta_features[i], table.losses[i]
                order = play(strategy, features, losses, max(TOLD) + 1, unit=unit)
                for n in TOLD:
                    observed = {j: float(losses[j]) for j in order[:n]}
                    best = min(observed.values())
                    if n >= len(order) or not np.isfinite(best):
                        continue
                    about = {"allowed": np.isfinite(losses), "unit": unit}
                    query = fit.past.query(features, n=1, observed=observed, **about)
                    *_, gain = fit.expectation(strategy).expect(strategy.posterior(query), [order[n]])
                    found[n].append((float(gain[0]) / unit, max(best - float(losses[order[n]]), 0.0) / unit))
        for n, pairs in found.items():
            expected, came = np.array(pairs).T
            low, high = (float(end[0]) for end in interval(came[:, None]))
            rows.append([setting.title, n, float(expected.mean()), float(came.mean()), low, high])
    return Table(
        "Expected improvement of the next trial",
        ["tasks", "results observed", "expected, mean", "came true, mean", "95 % low", "95 % high"],
        rows,
        "What the advisor expects after its own first choices on families left out, and what its next choice adds to the best "
        "so far; in units of the metric, for rmse and mae of the target's spread. 95 % bootstrap intervals over tasks.",
    )


def runtime(settings: Sequence[Setting]) -> Table:
    """Return the share of fits whose predicted seconds are within a factor of 2 and 4, by model family."""
    rows = []
    for setting in settings:
        table = setting.table
        gaps = np.full(table.seconds.shape, np.nan)
        for fit in (fit for fit in setting.fits if fit.seed == 0):
            past = fit.past
            for i in fit.left_out:
                gaps[i] = np.abs(np.log2(np.maximum(table.seconds[i], 1e-3) / past.cost.predict(table.sizes[i])))
        for model in sorted(set(table.models)):
            known = gaps[:, table.models == model]
            known = known[~np.isnan(known)]
            if len(known):
                rows.append(
                    [setting.title, model, len(known), f"{(known <= 1).mean():.1%}", f"{(known <= 2).mean():.1%}"]
                )
    return Table(
        "Expected seconds",
        ["tasks", "family", "fits", "within factor 2", "within factor 4"],
        rows,
        "On families left out. OBOE's own predictor (KDD 2019, Table 1) reaches for AB 83.6/94.3, GBT 53.9/84.3, "
        "RF 94.4/98.2, lSVM 30.1/73.2 on its matrix.",
    )
