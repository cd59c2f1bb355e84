"""What suites on real tables have in common: rows of results in, tables and plots of a report out."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from inference import interval, mean_ranks, wilcoxon_holm
from real_tables import Bench, trial_sequence
from report import Plot, Table

from metalearn.space import Configuration

COUNTS = (1, 3, 5, 10, 25, 50)
TIE = 0.01
FEWEST = 3

Entry: TypeAlias = tuple[str, int]  # a participant and the number of its trials, 0 where they are not counted


def about(bench: Bench, name: str) -> dict[str, Any]:
    """Return what every row says about participant and table."""
    task = bench.table.task
    return {
        "participant": name,
        "table": task.name,
        "family": task.family,
        "problem_type": str(task.problem_type),
        "rows": len(bench.table.train),
    }


def curve_rows(bench: Bench, name: str, sequences: Sequence[Sequence[Configuration]]) -> list[dict[str, Any]]:
    """Return a row for each number of trials, averaged over several sequences of trials."""
    found = [trial_sequence(bench.evaluator, s) for s in sequences]
    rows = []
    for k in COUNTS:
        if k > len(sequences[0]):
            break
        values = {
            "test": np.mean([bench.test.regret(f["test"][k - 1]) for f in found]),
            "validation": np.mean([bench.validation.regret(f["validation"][k - 1]) for f in found]),
            "seconds": np.mean([f["seconds"][k - 1] for f in found]),
        }
        rows.append({**about(bench, name), "k": k, **values})
    return rows


def _by_entry(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return one row a family and one column a participant and number of trials."""
    return rows.pivot_table(index="family", columns=["participant", "k"], values=value, sort=False)


def mean_table(rows: pd.DataFrame, value: str, title: str, note: str = "") -> Table:
    """Return means over families with bootstrap intervals, one line a participant."""
    found = _by_entry(rows, value)
    counts = [k for k in (0, *COUNTS) if k in found.columns.get_level_values("k")]
    lines = []
    for name in dict.fromkeys(found.columns.get_level_values("participant")):
        cells = []
        for k in counts:
            values = found[name][k].dropna().to_numpy() if k in found[name] else np.empty(0)
            cells.append(_cell(values) if len(values) else "")
        lines.append([name, *cells])
    return Table(title, ["participant", *(f"k={k}" if k else "regret" for k in counts)], lines, note)


def _cell(values: np.ndarray) -> str:
    low, high = interval(values[:, None])
    return f"{values.mean():.4f} [{low[0]:.3f}, {high[0]:.3f}]"


def _label(entry: Entry) -> str:
    name, k = entry
    return f"{name}, {k} trial{'s' if k > 1 else ''}" if k else name


def pair_table(rows: pd.DataFrame, pairs: Iterable[tuple[Entry, Entry]], title: str) -> Table:
    """Compare pairs of entries over families, with Holm's correction and counts of wins, ties and losses."""
    found = _by_entry(rows, "test")
    known = [(a, b) for a, b in pairs if a in found.columns and b in found.columns]
    labels = {_label(entry): found[entry].to_numpy() for pair in known for entry in pair}
    lines = []
    for r in wilcoxon_holm(labels, [(_label(a), _label(b)) for a, b in known]):
        gap = labels[r["a"]] - labels[r["b"]]
        wins, losses = int((gap < -TIE).sum()), int((gap > TIE).sum())
        score = f"{wins}/{len(gap) - wins - losses}/{losses}"
        verdict = "better" if r["high"] < 0 else "worse" if r["low"] > 0 else "not told apart"
        cells = [r["difference"], r["low"], r["high"], f"{r['p_holm']:.1e}", score, verdict]
        lines.append([r["a"], r["b"], *cells])
    return Table(
        title,
        ["participant", "less", "difference", "95 % low", "95 % high", "p (Holm)", "wins/ties/losses", "verdict"],
        lines,
        "Differences of normalised test regret over families; negative is better. Wilcoxon signed-rank tests, "
        f"Holm-corrected; a tie is a difference of at most {TIE}. The verdict goes by the interval.",
    )


def losing_table(rows: pd.DataFrame, ours: Entry, others: Sequence[Entry], title: str) -> Table:
    """Return the tables on which ours is behind the best of others, the worst first."""
    wide = rows.pivot_table(
        index=["table", "problem_type", "rows"], columns=["participant", "k"], values="test", sort=False
    )
    known = [entry for entry in others if entry in wide.columns]
    best = wide[known].min(axis=1)
    gap = (wide[[ours]].iloc[:, 0] - best).sort_values(ascending=False)
    lines = [
        [*key, wide[ours][key], best[key], _label(wide[known].loc[key].idxmin()), value]
        for key, value in gap[gap > TIE].items()
    ]
    columns = ["table", "problem type", "training rows", _label(ours), "best other", "which", "behind by"]
    note = f"{len(lines)} of {len(gap)} tables; the best of {len(known)} others is chosen with hindsight."
    return Table(title, columns, lines, note)


def by_problem_type(rows: pd.DataFrame, entries: Sequence[Entry], title: str) -> Table:
    """Return means over tables for each problem type, one line an entry."""
    found = rows.pivot_table(index=["participant", "k"], columns="problem_type", values="test", sort=False)
    counts = rows.drop_duplicates("table")["problem_type"].value_counts()
    kinds = list(found.columns)
    lines = [[_label(e), *(float(found.loc[e, kind]) for kind in kinds)] for e in entries if e in found.index]
    return Table(title, ["participant", *(f"{kind} ({counts[kind]})" for kind in kinds)], lines)


def curve_plot(rows: pd.DataFrame, title: str, names: Sequence[str]) -> Plot:
    """Draw mean test regret against trials; a participant of one entry is a level."""
    found = _by_entry(rows, "test")
    counts = sorted({k for _, k in found.columns})
    curves = {}
    for name in names:
        if name not in found:
            continue
        part = found[name].dropna()
        low, high = interval(part.to_numpy())
        lines = {"y": part.mean().to_numpy(), "low": low, "high": high}
        x = list(part.columns)
        if len(x) == 1:
            x, lines = [counts[0], counts[-1]], {key: np.repeat(v, 2) for key, v in lines.items()}
        curves[name] = {"x": x, **{key: np.round(v, 5).tolist() for key, v in lines.items()}}
    return Plot(title, curves=curves, labels=("evaluations", "mean normalised test regret"))


def rank_plot(rows: pd.DataFrame, entries: Sequence[Entry], title: str) -> Plot:
    """Draw mean ranks of entries with the critical difference."""
    found = _by_entry(rows, "test")
    values = {_label(e): found[e].to_numpy() for e in entries if e in found.columns}
    ranks, p, critical = mean_ranks(values)
    return Plot(f"{title} (Friedman p = {p:.1e}; display only)", ranks=ranks, critical=critical)
