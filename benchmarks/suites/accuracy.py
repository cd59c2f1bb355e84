"""How far expected scores and seconds can be trusted on families left out."""

from collections.abc import Iterator, Sequence

import numpy as np
from protocol import Setting
from report import Table

from metalearn.recommenders import Strategy
from metalearn.recommenders.ensemble import TaskEnsemble
from metalearn.recommenders.expectation import Expectation
from metalearn.recommenders.forest import ForestPortfolio
from metalearn.recommenders.simulation import play

N_CANDIDATES = 10
OBSERVED = (0, 3, 10)
LISTED = (ForestPortfolio, TaskEnsemble)
"""What `recommend` lists, and what the advisor asks; without results they are the same."""


def coverage(settings: Sequence[Setting]) -> Table:
    """Return the share of scores inside the 80 % interval, its width, and the error of the expected score."""
    rows: list[list[object]] = []
    for setting in settings:
        found = {(kind.name, n): [] for kind in LISTED for n in OBSERVED if n or kind is ForestPortfolio}
        for fit in (fit for fit in setting.fits if fit.seed == 0):
            expectation = Expectation.fit(fit.past)
            for strategy in (kind().fit_past(fit.past) for kind in LISTED):
                for i in fit.left_out:
                    for n, row in _expected(setting, expectation, strategy, i):
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


def _expected(
    setting: Setting, expectation: Expectation, strategy: Strategy, i: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield, after some of a strategy's choices, what becomes of the next: inside or not, width and error."""
    table, past = setting.table, strategy.past_
    unit, features = float(table.units[i]), table.meta_features[i]
    about = {"allowed": np.isfinite(table.losses[i]), "unit": unit}
    order = play(strategy, features, table.losses[i], max(OBSERVED), unit=unit)
    for n in OBSERVED:
        observed = {j: float(table.losses[i, j]) for j in order[:n]}
        query = past.query(features, n=N_CANDIDATES, observed=observed, **about)
        chosen = strategy.rank(query)
        score, low, high = expectation.expect(past, query, chosen)
        true = table.metric.from_loss(table.losses[i, chosen])
        yield n, np.array([(low <= true) & (true <= high), (high - low) / unit, np.abs(score - true) / unit])


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
