"""Intervals over families, paired tests, and ranks."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

Array = npt.NDArray[np.float64]

N_BOOTSTRAP = 2000
LEVEL = 0.95
AGAINST = ["k", "other", "difference", "95 % low", "95 % high", "p (Holm)"]
AGAINST_NOTE = "Negative is better. Wilcoxon signed-rank tests over families, Holm-corrected within each k."


def by_family(found: pd.DataFrame, value: str = "curve") -> dict[str, Array]:
    """Return curves of shape (n_families, length) by strategy, averaged over seeds and the tasks of a family."""
    return {
        str(name): np.stack([np.mean(np.stack(list(c)), axis=0) for _, c in group.groupby("family")[value]])
        for name, group in found.groupby("strategy")
    }


def interval(values: Array) -> tuple[Array, Array]:
    """Return the 95 % bootstrap interval of the mean over families, for each column."""
    draws = np.random.default_rng(0).integers(len(values), size=(N_BOOTSTRAP, len(values)))
    means = np.stack([values[draw].mean(axis=0) for draw in draws])
    tail = (1 - LEVEL) / 2
    return np.quantile(means, tail, axis=0), np.quantile(means, 1 - tail, axis=0)


def cells(values: Array, counts: Sequence[int]) -> list[str]:
    """Return means over families with their bootstrap intervals, one for each number of evaluations."""
    low, high = interval(values)
    return [f"{values[:, k - 1].mean():.4f} [{low[k - 1]:.3f}, {high[k - 1]:.3f}]" for k in counts]


def band(values: Array) -> dict[str, list[float]]:
    """Return the mean over families and its bootstrap interval after each evaluation, to be drawn."""
    low, high = interval(values)
    lines = {"y": values.mean(axis=0), "low": low, "high": high}
    x = list(range(1, values.shape[1] + 1))
    return {"x": x, **{key: np.round(line, 5).tolist() for key, line in lines.items()}}


def against(curves: dict[str, Array], ours: str, counts: Sequence[int]) -> list[list[object]]:
    """Return the lines of a table that compares one strategy with all others after some numbers of evaluations."""
    pairs = [(ours, name) for name in curves if name != ours]
    return [
        [k, r["b"], r["difference"], r["low"], r["high"], f"{r['p_holm']:.1e}"]
        for k in counts
        for r in wilcoxon_holm({name: found[:, k - 1] for name, found in curves.items()}, pairs)
    ]


def wilcoxon_holm(values: dict[str, Array], pairs: Sequence[tuple[str, str]] | None = None) -> list[dict[str, object]]:
    """Compare strategies pairwise over families, with Holm's correction.

    `values` holds one number a family and strategy, lower is better.
    """
    rows = []
    for a, b in pairs or list(combinations(values, 2)):
        gap = values[a] - values[b]
        p = 1.0 if not gap.any() else float(wilcoxon(gap).pvalue)
        low, high = interval(gap[:, None])
        rows.append({"a": a, "b": b, "difference": gap.mean(), "low": low[0], "high": high[0], "p": p})
    reached = 0.0
    for place, row in enumerate(sorted(rows, key=lambda r: r["p"])):
        reached = max(reached, min(1.0, row["p"] * (len(rows) - place)))
        row["p_holm"] = reached
    return rows


def mean_ranks(values: dict[str, Array]) -> tuple[dict[str, float], float, float]:
    """Return mean ranks, Friedman's p and the critical difference of Nemenyi's test."""
    table = np.stack(list(values.values()), axis=1)
    n, k = table.shape
    ranks = rankdata(table, axis=1).mean(axis=0)
    p = float(friedmanchisquare(*table.T).pvalue) if k > 2 and np.ptp(table, axis=1).any() else float("nan")
    critical = float(studentized_range.ppf(LEVEL, k, np.inf) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n)))
    return dict(zip(values, ranks.tolist(), strict=True)), p, critical
