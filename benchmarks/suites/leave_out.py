"""The leave-family-out comparison that the matrices and the bundled knowledge base share."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from protocol import LENGTH, STRATEGIES, Setting, replay, replay_controls
from report import Plot, Table
from statistics_ import by_family, interval, mean_ranks, wilcoxon_holm

COUNTS = (1, 2, 3, 5, 10, 25)
TESTED = (1, 3, 5, 10)
MAIN = "blend"
PLOTTED = ("random x1", "random x4", "library default", "portfolio", "nearest", "forest", "ensemble", "blend")


def compare(
    title: str, setting: Setting, *, target: Sequence[float] = (), names: Sequence[str] = STRATEGIES
) -> tuple[list[Table], list[Plot]]:
    """Replay all strategies and controls, and return what they show."""
    found = replay(setting, names)
    curves = by_family(found)
    n_tasks, n_families = found["task"].nunique(), found["family"].nunique()
    rows = [[name, *(mean_and_interval(values, k) for k in COUNTS)] for name, values in _ordered(curves)]
    if target:
        rows.append(["*target*", *(f"{value:.3f}" for value in target)])
    tables = [
        Table(
            f"{title}: mean normalised regret after k evaluations",
            ["strategy", *(f"k={k}" for k in COUNTS)],
            rows,
            f"{n_tasks} tasks in {n_families} families, {setting.n_folds} folds over families, {setting.seeds} seeds; "
            "in brackets 95 % bootstrap intervals over families. Lower is better.",
        ),
        _pairs(title, curves),
        _controls(title, setting, curves),
    ]
    ranked = {name: values[:, 4] for name, values in curves.items() if name in PLOTTED}
    ranks, p, critical = mean_ranks(ranked)
    return tables, [
        Plot(f"{title} ({n_tasks} tasks)", curves={n: _band(curves[n]) for n in PLOTTED if n in curves}),
        Plot(f"{title}: mean ranks at k = 5 (Friedman p = {p:.1e}; display only)", ranks=ranks, critical=critical),
    ]


def mean_and_interval(values: np.ndarray, k: int) -> str:
    """Return a cell with the mean and its interval."""
    low, high = interval(values[:, [k - 1]])
    return f"{values[:, k - 1].mean():.4f} [{low[0]:.3f}, {high[0]:.3f}]"


def _ordered(curves: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    return sorted(curves.items(), key=lambda pair: -float(pair[1].mean()))


def _band(values: np.ndarray) -> dict[str, list[float]]:
    low, high = interval(values)
    mean = values.mean(axis=0)
    return {
        "x": list(range(1, LENGTH + 1)),
        **{key: np.round(v, 5).tolist() for key, v in (("y", mean), ("low", low), ("high", high))},
    }


def _pairs(title: str, curves: dict[str, np.ndarray]) -> Table:
    rows = []
    others = [name for name in ("portfolio", "nearest", "average_rank", "library default", "random x4") if name in curves]
    for main in ("forest", "ensemble", MAIN):
        for k in TESTED:
            values = {name: curve[:, k - 1] for name, curve in curves.items()}
            rows += [[k, row] for row in wilcoxon_holm(values, [(main, other) for other in others if main in curves])]
    return Table(
        f"{title}: paired differences",
        ["k", "strategy", "less", "difference", "95 % low", "95 % high", "p (Holm)"],
        [[k, r["a"], r["b"], r["difference"], r["low"], r["high"], f"{r['p_holm']:.1e}"] for k, r in rows],
        "Negative is better. Wilcoxon signed-rank over families, Holm-corrected within each k and strategy.",
    )


def _controls(title: str, setting: Setting, curves: dict[str, np.ndarray]) -> Table:
    controls = replay_controls(setting)
    rows = []
    for control, text in (("shuffled", "meta-features shuffled"), ("removed", "15 nearest tasks removed")):
        part = by_family(controls[controls["control"] == control])
        rows += [[text, name, *(mean_and_interval(values, k) for k in COUNTS)] for name, values in part.items()]
    rows += [["none", name, *(mean_and_interval(curves[name], k) for k in COUNTS)] for name in ("portfolio", "forest", "ensemble")]
    return Table(
        f"{title}: controls",
        ["control", "strategy", *(f"k={k}" for k in COUNTS)],
        rows,
        "Shuffled meta-features must lose the gain. With the nearest tasks removed (the forest is not grown anew) "
        "nothing may be worse than the portfolio that lacks them too.",
    )
