"""The leave-family-out comparison that the matrices and the bundled knowledge base share."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from inference import AGAINST_NOTE, band, by_family, cells, mean_ranks, wilcoxon_holm
from protocol import (
    BUDGETS,
    LANDMARKS,
    Setting,
    replay,
    replay_baselines,
    replay_landmarks,
    replay_removed,
    replay_shuffled,
    replay_timed,
    replay_without_copies,
)
from report import Plot, Table

COUNTS = (1, 2, 3, 5, 10, 25)
TESTED = (1, 3, 5, 10)
STRATEGIES = ("average_rank", "portfolio", "nearest", "ranking", "forest", "ensemble", "analogies", "blend")
OURS = ("forest", "ensemble", "blend")
OTHERS = ("portfolio", "nearest", "average_rank", "default", "library default", "random x4")
CONTROLLED = ("portfolio", "forest", "ensemble")
TIMED = ("portfolio", "ensemble")


def compare(
    setting: Setting, *, target: Sequence[float] = (), names: Sequence[str] = STRATEGIES
) -> tuple[list[Table], list[Plot]]:
    """Replay all strategies and controls, and return what they show."""
    found = pd.concat([replay_baselines(setting), replay(setting, names)], ignore_index=True)
    curves = by_family(found)
    rows = [[name, *cells(values, COUNTS)] for name, values in sorted(curves.items(), key=lambda pair: -pair[1].mean())]
    if target:
        rows.append(["*target*", *(f"{value:.3f}" for value in target)])
    title, n_tasks, n_families = setting.title, found["task"].nunique(), found["family"].nunique()
    result = Table(
        f"{title}: mean normalised regret after k evaluations",
        ["strategy", *(f"k={k}" for k in COUNTS)],
        rows,
        f"{n_tasks} tasks in {n_families} families, {setting.n_folds} folds over families, seeds: {setting.seeds}; in "
        "brackets 95 % bootstrap intervals over families. Lower is better.",
    )
    shares = by_family(found, "improvability")
    improvable = Table(
        f"{title}: mean improvability after k evaluations",
        ["strategy", *(f"k={k}" for k in COUNTS)],
        [[name, *cells(values, COUNTS)] for name, values in sorted(shares.items(), key=lambda pair: -pair[1].mean())],
        "1 - best / loss: the share of the loss that the best configuration would take away. Lower is better.",
    )
    ranked = {name: values[:, 4] for name, values in curves.items() if name in (*OURS, *OTHERS, "random x1")}
    ranks, p, critical = mean_ranks(ranked)
    return [
        result,
        improvable,
        paired(title, curves, [(a, b) for a in OURS for b in OTHERS]),
        _landmarks(setting),
        _timed(setting),
        _controls(setting, curves),
    ], [
        Plot(f"{title} ({n_tasks} tasks)", curves={name: band(curves[name]) for name in ranked}),
        Plot(f"{title}: mean ranks at k = 5 (Friedman p = {p:.1e}; display only)", ranks=ranks, critical=critical),
    ]


def paired(title: str, curves: dict[str, np.ndarray], pairs: Sequence[tuple[str, str]]) -> Table:
    """Return the differences between pairs of strategies, of those that were replayed."""
    rows = []
    for k in TESTED:
        values = {name: found[:, k - 1] for name, found in curves.items()}
        known = [(a, b) for a, b in pairs if a in values and b in values]
        rows += [
            [k, r["a"], r["b"], r["difference"], r["low"], r["high"], f"{r['p_holm']:.1e}"]
            for r in wilcoxon_holm(values, known)
        ]
    return Table(
        f"{title}: paired differences",
        ["k", "strategy", "less", "difference", "95 % low", "95 % high", "p (Holm)"],
        rows,
        AGAINST_NOTE,
    )


def _landmarks(setting: Setting) -> Table:
    found, share = replay_landmarks(setting, TIMED)
    return Table(
        f"{setting.title}: mean normalised regret after k evaluations and {LANDMARKS} landmarks",
        ["strategy", *(f"k={k}" for k in COUNTS)],
        [[name, *cells(values, COUNTS)] for name, values in by_family(found).items()],
        f"Landmarks are the quickest configurations of the {LANDMARKS} quickest families. Their results are known before the "
        f"first evaluation and count as reached, but not as evaluations: together they take {share:.1%} of the seconds of "
        "an average fit.",
    )


def _timed(setting: Setting) -> Table:
    found = replay_timed(setting, TIMED)
    rows = [
        [name, "by price" if by_price else "most promising first", *cells(values, range(1, len(BUDGETS) + 1))]
        for (name, by_price), part in found.groupby(["strategy", "by_price"], sort=False)
        for values in by_family(part).values()
    ]
    return Table(
        f"{setting.title}: mean normalised regret within a time budget",
        ["strategy", "order", *(f"{budget:g} fits" for budget in BUDGETS)],
        rows,
        "A budget of 1 is what a fit of this task takes on average. Either order leaves out what is not expected to fit; by "
        "price, as with a time_budget, improvement counts by expected seconds and a tenth of the time left. A fit that is "
        "not ready in time is lost; before the first the regret is 1.",
    )


def _controls(setting: Setting, curves: dict[str, np.ndarray]) -> Table:
    parts = {
        "none": curves,
        "meta-features shuffled": by_family(replay_shuffled(setting, CONTROLLED[1:])),
        "near-copies removed": by_family(replay_without_copies(setting, CONTROLLED)),
        "15 nearest tasks removed": by_family(replay_removed(setting, CONTROLLED)),
    }
    return Table(
        f"{setting.title}: controls",
        ["control", "strategy", *(f"k={k}" for k in COUNTS)],
        [
            [text, name, *cells(found[name], COUNTS)]
            for text, found in parts.items()
            for name in CONTROLLED
            if name in found
        ],
        "Shuffled meta-features must lose the gain. Without the nearest tasks nothing may be worse than the portfolio "
        "that lacks them too. Near-copies are past tasks whose regrets correlate by more than .99.",
    )
