"""Write results as JSON, Markdown and SVG."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from metalearn.knowledge import KnowledgeBase

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import NullLocator

PACKAGES = ("lightgbm", "numpy", "pandas", "scikit-learn", "scipy")


_TICKS = 8
"""So many measured values are named on an axis at most."""


@dataclass
class Table:
    """One table of a report."""

    title: str
    columns: list[str]
    rows: list[list[Any]]
    note: str = ""


@dataclass
class Plot:
    """Curves with bands, points with intervals, or ranks with a critical difference."""

    title: str
    curves: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # name -> x, y, low, high
    points: dict[str, tuple[float, float, float]] = field(default_factory=dict)  # name -> value, low, high
    reference: float | None = None  # where a line is drawn across the points
    ranks: dict[str, float] = field(default_factory=dict)
    critical: float = 0.0
    labels: tuple[str, str] = ("evaluations", "mean normalised regret")


@dataclass
class Report:
    """What a suite found."""

    suite: str
    title: str
    about: str
    tables: list[Table]
    plots: list[Plot] = field(default_factory=list)


def write(
    report: Report, folder: Path, command: Sequence[str], seconds: float, kb: KnowledgeBase | None = None
) -> None:
    """Write `<suite>.json`, `<suite>.md` and `<suite>.svg`, and name the knowledge base that was used, if one was."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "command": " ".join(command),
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(seconds),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }
    if kb is not None:
        sizes = {name: len(getattr(kb, name)) for name in ("tasks", "configurations", "evaluations")}
        facts["knowledge_base"] = {"id": kb.id, **sizes}
    plain = json.dumps({**facts, **asdict(report)}, indent=1, default=float)
    (folder / f"{report.suite}.json").write_text(plain + "\n", encoding="utf-8")
    (folder / f"{report.suite}.md").write_text(_markdown(report, facts), encoding="utf-8")
    if report.plots:
        _draw(report.plots, folder / f"{report.suite}.svg")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.4f}" if abs(value) < 1 else f"{value:.3g}"
    return str(value)


def _markdown(report: Report, facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {found}" for name, found in facts["versions"].items())
    parts = [f"# {report.title}", "", report.about, ""]
    parts += [f"`{facts['command']}`, {facts['date']}, {facts['seconds']} s, Python {facts['python']}, {versions}.", ""]
    if "knowledge_base" in facts:
        base = dict(facts["knowledge_base"])
        sizes = ", ".join(f"{n:,} {name}" for name, n in base.items() if name != "id")
        parts += [f"Knowledge base `{base['id']}`: {sizes}.", ""]
    if report.plots:
        parts += [f"![{report.title}]({report.suite}.svg)", ""]
    for table in report.tables:
        parts += [f"## {table.title}", "", "| " + " | ".join(table.columns) + " |", "|---" * len(table.columns) + "|"]
        parts += ["| " + " | ".join(_cell(v) for v in row) + " |" for row in table.rows]
        parts += ["", *([table.note, ""] if table.note else [])]
    return "\n".join(parts)


def _draw(plots: Sequence[Plot], path: Path) -> None:
    with plt.rc_context({"svg.hashsalt": "metalearn", "svg.fonttype": "none", "font.size": 9}):
        heights = [max(4.2, 0.25 * len(plot.points)) for plot in plots]
        figure, axes = plt.subplots(
            len(plots), 1, figsize=(8, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
        )
        for axis, plot in zip(axes[:, 0], plots, strict=True):
            axis.set_title(plot.title)
            if plot.ranks:
                _draw_ranks(axis, plot)
            elif plot.points:
                _draw_points(axis, plot)
            else:
                _draw_curves(axis, plot)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _draw_curves(axis: Any, plot: Plot) -> None:
    for name, found in plot.curves.items():
        dashed = name.startswith(("random", "library"))
        (line,) = axis.plot(found["x"], found["y"], label=name, linestyle="--" if dashed else "-", linewidth=1.4)
        axis.fill_between(found["x"], found["low"], found["high"], color=line.get_color(), alpha=0.12, linewidth=0)
    axis.set(xscale="log", yscale="log", xlabel=plot.labels[0], ylabel=plot.labels[1])
    measured = {float(x) for found in plot.curves.values() for x in found["x"]}
    ticks = [1, 2, 3, 5, 10, 25] if plot.labels[0] == "evaluations" else sorted(measured)
    if len(ticks) <= _TICKS:
        axis.set_xticks(ticks, [f"{t:,g}" for t in ticks])
        axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter("{x:g}")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, ncols=2)


def _draw_points(axis: Any, plot: Plot) -> None:
    """Draw one line a name, the first on top."""
    if plot.reference is not None:
        axis.axvline(plot.reference, color="0.4", linestyle="--", linewidth=0.8)
    for place, (value, low, high) in enumerate(plot.points.values()):
        axis.plot([low, high], [place, place], color="C0", linewidth=1.4)
        axis.plot(value, place, "o", color="C0", markersize=4)
    axis.set_yticks(range(len(plot.points)), list(plot.points))
    axis.invert_yaxis()
    axis.set_xlabel(plot.labels[0])
    axis.grid(axis="x", alpha=0.3)


def _draw_ranks(axis: Any, plot: Plot) -> None:
    """Draw mean ranks on a line; strategies under one bar differ by less than the critical difference."""
    names = sorted(plot.ranks, key=lambda name: plot.ranks[name])
    values = [plot.ranks[name] for name in names]
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        height = -1 - place
        axis.plot([value, value, max(values) + 0.3], [0, height, height], color="0.4", linewidth=0.8)
        axis.text(max(values) + 0.35, height, f"{name} ({value:.2f})", va="center")
    bar = 0.35
    drawn = -1
    for first, value in enumerate(values):
        last = max(i for i, other in enumerate(values) if other - value <= plot.critical)
        if last > first and last > drawn:
            axis.plot([value, values[last]], [bar, bar], color="black", linewidth=3)
            bar, drawn = bar + 0.35, last
    axis.plot([values[0], values[0] + plot.critical], [bar + 0.6] * 2, color="black")
    axis.text(values[0], bar + 0.8, f"critical difference {plot.critical:.2f}")
    axis.set(yticks=[], xlabel="mean rank", xlim=(min(values) - 0.3, max(values) + 2.5))
    axis.spines[["left", "right", "top"]].set_visible(False)


def command_line(suite: str) -> list[str]:
    """Return the command as a user would type it, without what belongs to this machine alone."""
    given = sys.argv[2:]
    if "--results" in given:  # where they are written says nothing about them
        place = given.index("--results")
        given = given[:place] + given[place + 2 :]
    return ["python", "benchmarks/run.py", suite, *(Path(g).name if Path(g).is_absolute() else g for g in given)]
