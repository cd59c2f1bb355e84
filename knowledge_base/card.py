"""Rewrite the parts of the data card that follow from the tables, and draw their sizes and kinds.

python knowledge_base/card.py            # after every growth, when the tables are compacted
python knowledge_base/card.py --check    # fail if the card is out of date
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.knowledge.validate import validate
from metalearn.recommenders import PerformanceTable
from metalearn.task import ProblemType

HERE = Path(__file__).parent
CARD, PLOT = HERE / "README.md", HERE / "tables.svg"
COLOURS = {"binary": "#0b7285", "multiclass": "#e8590c", "regression": "#5f3dc4"}
RUN = ["task_id", "configuration_id", "fold"]

sys.path[:0] = [str(HERE / "sources" / "pypi_tables"), str(HERE.parent / ".ci")]
from blocks import rewrite  # noqa: E402 - shared with the README
from recipe import LARGE_ROWS, WAVES, large_waves, waves  # noqa: E402 - lies beside the data

EXPLAINED = {
    "pypi:rd/oi-census": "the target is an income with a few huge values: whoever draws them loses",
    "pypi:rd/modeldata-permeability": "165 compounds with 1,069 columns: too few rows for so many columns",
}
"""Why a finding stays as it is; a finding without a reason ends the command."""


def usual(kb: KnowledgeBase) -> KnowledgeBase:
    """Return the tasks with the usual number of rows."""
    return kb.subset(tasks=[task_id for task_id in kb.task_ids if not task_id.endswith(f":{LARGE_ROWS}")])


def pairs(kb: KnowledgeBase) -> pd.DataFrame:
    """Return one row a table and configuration, with the family, the seconds, and how it ended."""
    runs = kb.evaluations.drop_duplicates(RUN).astype({"task_id": str, "configuration_id": str, "status": str})
    runs["seconds"] = runs["fit_seconds"].fillna(0) + runs["predict_seconds"].fillna(0)
    runs["ended"] = runs["status"].replace({"memory": "cut", "timeout": "cut"})
    found = runs.groupby(["task_id", "configuration_id"]).agg(seconds=("seconds", "sum"), ended=("ended", "max"))
    found = found.reset_index()
    types = kb.tasks.set_index("task_id")["problem_type"]
    return found.assign(model=found["configuration_id"].map(kb.models), kind=found["task_id"].map(types))


def filled(kb: KnowledgeBase) -> str:
    """Return how much of the planned grid is filled, by family."""
    kb, everything = usual(kb), kb
    done = pairs(kb)
    planned: dict[str, int] = {}
    n_configurations: dict[str, int] = {}
    for kind, n_tasks in kb.tasks["problem_type"].value_counts().items():
        per_model = pd.Series([c.model for wave in waves(ProblemType(kind), len(WAVES)) for c in wave]).value_counts()
        for model, n in per_model.items():
            planned[model] = planned.get(model, 0) + n * n_tasks
            n_configurations[model] = max(n, n_configurations.get(model, 0))
    rows = []
    for model in sorted(planned, key=lambda name: -planned[name]):
        part = done[done["model"] == model]
        ends = part["ended"].value_counts()
        rows.append(
            f"| {model} | {n_configurations[model]} | {len(part):,} of {planned[model]:,} | "
            f"{len(part) / planned[model]:.0%} | {part['seconds'].sum() / 3600:.2f} | "
            f"{ends.get('cut', 0)} | {ends.get('failed', 0)} |"
        )
    total, hours = sum(planned.values()), done["seconds"].sum() / 3600
    ends = done["ended"].value_counts()
    rows.append(
        f"| **all** | {sum(n_configurations.values())} | {len(done):,} of {total:,} | {len(done) / total:.0%} | {hours:.2f} | "
        f"{ends.get('cut', 0)} | {ends.get('failed', 0)} |"
    )
    most = int(done.groupby("task_id").size().max())
    least = int(done.groupby("task_id").size().min())
    text = (
        f"{len(kb)} tables; {len(done):,} of {total:,} pairs of table and configuration ({len(done) / total:.0%} of the planned grid), "
        f"{least} to {most} configurations a table, {len(kb.evaluations):,} values, {hours:.1f} hours of fitting on one thread. "
        "What is not filled is empty, not guessed.\n\n"
        "| model family | planned configurations | filled | share | hours | cut | failed |\n|---|--:|--:|--:|--:|--:|--:|\n"
    )
    return text + "\n".join(rows) + "\n\n" + second_entries(everything)


def second_entries(kb: KnowledgeBase) -> str:
    """Return what is known of tables with more rows than usual."""
    large = kb.tasks[kb.tasks["task_id"].str.endswith(f":{LARGE_ROWS}")]
    if not len(large):
        return (
            f"No table has been run a second time with up to {LARGE_ROWS:,} rows yet (`recipe.py build --large` does)."
        )
    done = pairs(kb.subset(tasks=list(large["task_id"])))
    planned = sum(
        n * sum(map(len, large_waves(ProblemType(kind), kb)))
        for kind, n in large["problem_type"].value_counts().items()
    )
    return (
        f"{done['task_id'].nunique()} of {len(large)} tables above {usual(kb).tasks['n_rows_used'].max():,} rows were run a "
        f"second time with up to {LARGE_ROWS:,}, as tasks of the same family whose ids end in `:{LARGE_ROWS}`: {len(done):,} pairs "
        f"of about {planned:,}, {done['seconds'].sum() / 3600:.1f} hours, {(done['ended'] == 'cut').sum()} cut."
    )


def more_rows(kb: KnowledgeBase) -> str:
    """Return what changes where a table is used with more rows: the loss, the seconds, and which configuration wins."""
    parts, regrets = [], []
    for kind in ProblemType:
        table = PerformanceTable.from_knowledge_base(kb.subset(problem_type=kind))
        place = {task_id: row for row, task_id in enumerate(table.task_ids)}
        large = [row for task_id, row in place.items() if task_id.endswith(f":{LARGE_ROWS}")]
        few = [place[table.task_ids[row].removesuffix(f":{LARGE_ROWS}")] for row in large]
        both = np.isfinite(table.losses[large]) & np.isfinite(table.losses[few]) & (table.losses[few] > 0)
        line, column = np.nonzero(both)
        one, other = np.array(few, dtype=np.intp)[line], np.array(large, dtype=np.intp)[line]
        parts.append(
            pd.DataFrame(
                {
                    "model": table.models[column],
                    "loss": table.losses[other, column] / table.losses[one, column],
                    "seconds": table.seconds[other, column] / table.seconds[one, column],
                    "rows": table.sizes[other, 0] / table.sizes[one, 0],
                }
            )
        )
        for known, i, j in zip(both, few, large, strict=True):
            if known.sum() > 1:
                then, now = table.losses[i, known], table.losses[j, known]
                spread = max(float(now.max() - now.min()), 1e-12)
                regrets.append(
                    [(now[then.argmin()] - now.min()) / spread, pd.Series(then).corr(pd.Series(now), "spearman")]
                )
    found = pd.concat(parts)
    if found.empty:
        return "No table has been run with more rows yet."
    rows = [
        f"| {model} | {len(part)} | {part['rows'].median():.1f} | {part['loss'].median():.2f} | {(part['loss'] < 1).mean():.0%} | "
        f"{part['seconds'].median():.1f} |"
        for model, part in found.groupby("model")
    ]
    regret, rank = np.array(regrets).mean(axis=0)
    return (
        "| model family | pairs | times as many rows | loss, times | lower | seconds, times |\n|---|--:|--:|--:|--:|--:|\n"
        + "\n".join(rows)
        + "\n\nMedians over tables and configurations that were run both ways, by the default metric (the loss is 1 - score). On "
        f"{len(regrets)} tables the configuration that is best with fewer rows has a mean normalised regret of {regret:.3f} with more "
        f"(over what was run both ways), and the ranks correlate by {rank:.2f} (Spearman, mean)."
    )


def findings(kb: KnowledgeBase) -> str:
    """Return what validation finds, with the reason why it stays."""
    found = validate(kb)
    if not found:
        return "Nothing."
    lines = []
    for finding in found:
        subjects = [text.strip() for text in finding.subject.split(",")]
        why = next((EXPLAINED[name] for name in (finding.subject, *subjects) if name in EXPLAINED), None)
        if why is None:
            sys.exit(
                f"Nobody explains the finding {finding}. Expected it to be mended, or a reason in EXPLAINED. Add it."
            )
        lines.append(f"- {finding.severity}, {finding.check}, `{finding.subject}`: {finding.message}. It stays: {why}.")
    return "\n".join(lines)


def sizes(kb: KnowledgeBase) -> str:
    """Return the plot's place in the card, and its numbers as text."""
    tasks = usual(kb).tasks
    features = usual(kb).meta_feature_table
    kinds = tasks["problem_type"].value_counts()
    quantiles = {name: tasks[name].quantile([0, 0.25, 0.5, 0.75, 1]).astype(int) for name in ("n_rows", "n_features")}
    rows = "\n".join(
        f"| {text} | " + " | ".join(f"{value:,}" for value in quantiles[name]) + " |"
        for name, text in (("n_rows", "rows"), ("n_features", "columns"))
    )
    mixed = (features["categorical_fraction"] > 0).mean()
    gaps = (features["missing_fraction"] > 0).mean()
    shares = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    return (
        f"![Sizes and kinds of the tables]({PLOT.name})\n\n"
        f"{shares}; {mixed:.0%} have categorical columns, {gaps:.0%} missing values; "
        f"{(tasks['n_rows'] > tasks['n_rows_used']).sum()} were cut to {tasks['n_rows_used'].max():,} rows.\n\n"
        f"| | least | 25 % | median | 75 % | most |\n|---|--:|--:|--:|--:|--:|\n{rows}"
    )


def draw(kb: KnowledgeBase) -> None:
    """Draw rows by columns, kinds of columns, missing values and where tables come from."""
    tasks = usual(kb).tasks
    features = usual(kb).meta_feature_table.loc[tasks["task_id"]]
    with plt.rc_context({"svg.hashsalt": "metalearn", "svg.fonttype": "none", "font.size": 9}):
        figure, ((size, columns), (missing, source)) = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
        for kind, colour in COLOURS.items():
            part = tasks[tasks["problem_type"] == kind]
            size.scatter(
                part["n_rows"], part["n_features"], s=12, color=colour, alpha=0.7, label=f"{kind} ({len(part)})"
            )
        size.axvline(tasks["n_rows_used"].max(), color="0.5", linestyle=":", linewidth=1)
        size.set(xscale="log", yscale="log", xlabel="rows (dotted: at most used)", ylabel="columns", title="Size")
        size.legend(fontsize=8)
        bars(columns, tasks, features["categorical_fraction"], "Share of categorical columns", (0.25, 0.5, 0.75))
        bars(missing, tasks, features["missing_fraction"], "Share of missing values", (0.01, 0.05, 0.2))
        counts = pd.crosstab(tasks["source"].str.split().str[0], tasks["problem_type"])
        counts = counts.loc[counts.sum(axis=1).sort_values().index]
        names = [f"{name} ({n})" for name, n in counts.sum(axis=1).items()]
        left = np.zeros(len(counts))
        for kind, colour in COLOURS.items():
            source.barh(names, counts[kind], left=left, color=colour)
            left += counts[kind].to_numpy()
        source.set(xlabel="tables", title="Package")
        figure.savefig(PLOT, metadata={"Date": None})
        plt.close(figure)


def bars(axis: Axes, tasks: pd.DataFrame, shares: pd.Series, title: str, bounds: Sequence[float]) -> None:
    """Draw how many tables have none, at most each bound, or all."""
    place = np.searchsorted([0, *bounds, 1 - 1e-9], shares, side="left")
    names = ["none", *(f"≤ {bound:.0%}" for bound in bounds), "more", "all"]
    bottom = np.zeros(len(names))
    for kind, colour in COLOURS.items():
        counts = np.bincount(place[(tasks["problem_type"] == kind).to_numpy()], minlength=len(names))
        axis.bar(names, counts, bottom=bottom, color=colour)
        bottom += counts
    axis.set(title=title, ylabel="tables")


BLOCKS = {"sizes": sizes, "filled": filled, "more_rows": more_rows, "findings": findings}


def main() -> None:
    """Rewrite the card, or check it."""
    kb = FileStore(HERE / "tables").read()
    rewrite(CARD, {name: partial(make, kb) for name, make in BLOCKS.items()}, "python knowledge_base/card.py")
    if "--check" not in sys.argv:
        draw(kb)
    elif not PLOT.exists():
        sys.exit(f"{PLOT.name} is missing. Run: python knowledge_base/card.py")


if __name__ == "__main__":
    main()
