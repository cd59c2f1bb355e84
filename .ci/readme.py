"""Regenerate the parts of README.md and of the documentation that commands print, or check that they are up to date.

python .ci/readme.py           # rewrite them
python .ci/readme.py --check   # fail if one is out of date
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import click
from blocks import rewrite
from click.testing import CliRunner
from conversation import conversation
from targets import budgets, interval, mean, removed, rows, targets

from metalearn import bundled_knowledge_base
from metalearn.cli import main
from metalearn.models import ModelSpec

ROOT = Path(__file__).parents[1]
os.environ["COLUMNS"] = "110"  # not as wide as this terminal


def wine() -> str:
    """Return what a plain installation prints, in which the optional families are absent."""
    installed = ModelSpec.is_available.fget
    ModelSpec.is_available = property(lambda spec: not spec.extra and installed(spec))
    try:
        out = CliRunner().invoke(main, ["recommend", "wine"], catch_exceptions=False)
    finally:
        ModelSpec.is_available = property(installed)
    return f"```text\n{out.stdout.rstrip()}\n```"


def commands(group: click.Group = main, prefix: str = "metalearn") -> list[tuple[str, str]]:
    """Return every command with the first line of its help."""
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, f"{prefix} {name}")
        else:
            found.append((f"{prefix} {name}", command.get_short_help_str(200)))
    return found


def command_table() -> str:
    """Return the commands as a Markdown table."""
    rows = "\n".join(f"| `{name}` | {text} |" for name, text in commands())
    return f"| command | what it does |\n|---|---|\n{rows}\n\nEach has `--help` with an example."


SHOWN = ("binary, roc_auc", "multiclass, accuracy", "regression, r2")
STRATEGIES = {
    "default": "library defaults, best family first",
    "portfolio": "static greedy portfolio",
    "nearest": "nearest tasks (auto-sklearn 1's rule)",
    "forest": "forest-weighted portfolio (what `recommend` lists)",
    "blend": "with feedback (what the advisor asks)",
}
COUNTS = (1, 3, 5)


PARTICIPANTS = {
    "metalearn": "metalearn",
    "portfolio (baseline)": "static greedy portfolio",
    "lightgbm default": "LightGBM, default",
    "catboost default": "CatBoost, default",
    "random_forest default": "random forest, default",
    "FLAML zero-shot lgbm": "FLAML's zero-shot LightGBM",
    "TPE on LightGBM": "Optuna's TPE on LightGBM",
    "random over all families": "random search over all families",
    "FLAML AutoML": "FLAML AutoML",
}
TRIALS = (1, 5, 10, 50)


def results(suite: str) -> tuple[dict[str, Any], dict[str, dict[str, dict[str, str]]]]:
    """Return what a suite wrote, and its tables: by title, first cell of the row, and column."""
    found = json.loads((ROOT / "benchmarks" / "results" / f"{suite}.json").read_text(encoding="utf-8"))
    return found, {
        table["title"]: {row[0]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
        for table in found["tables"]
    }


def base(found: dict[str, Any]) -> str:
    """Return the id of the knowledge base that a result was measured on; empty if the result does not name it."""
    if "knowledge_base" in found:
        return str(found["knowledge_base"]["id"])
    said = re.search(r"\bid ([0-9a-f]{16})\b", found["about"])  # where reports named it before
    return said[1] if said else ""


def origin(found: dict[str, Any]) -> str:
    """Return the command and date of a result, and its knowledge base if that is known."""
    known = f", knowledge base {base(found)}" if base(found) else ""
    return f"(`{found['command']}`, {found['date']}{known})"


def warn() -> None:
    """Warn where a result that is quoted was measured on another knowledge base than the one that is shipped."""
    shipped = bundled_knowledge_base().id
    for suite in QUOTED:
        measured = base(results(suite)[0])
        if measured != shipped:
            which = f"on knowledge base {measured}" if measured else "on a knowledge base that it does not name"
            print(
                f"warning: {suite} was measured {which}; {shipped} is shipped. "
                f"To measure again: python benchmarks/run.py {suite}",
                file=sys.stderr,
            )


def peers() -> str:
    """Return how a few suggestions compare with what a user would do instead."""
    found, tables = results("peers")
    curves = tables["Mean normalised test regret of what validation chooses after k trials"]
    tables_used = found["about"].split(",")[0]
    text = (
        f"{tables_used}, each with its whole family left out of the knowledge base. Mean test regret: how far the model "
        "chosen by cross-validation is from the best one (0 = best, 1 = worst), with 95 % intervals. "
        f"Measured by {origin(found).strip('()')}; all participants and tests are in "
        "[benchmarks/results/peers.md](benchmarks/results/peers.md).\n"
    )
    text += "\n| trials | " + " | ".join(map(str, TRIALS)) + " |\n|---|" + "---|" * len(TRIALS) + "\n"
    for name, label in PARTICIPANTS.items():
        text += f"| {label} | " + " | ".join(curves[name][f"k={k}"] for k in TRIALS) + " |\n"
    ours, portfolio = curves["metalearn"], curves["portfolio (baseline)"]
    behind = [k for k, cell in portfolio.items() if k.startswith("k=") and cell and mean(cell) < mean(ours[k])]
    text += (
        "\nEmpty cells were not run. Test regret can rise with more trials, because choosing the best of many "
        "cross-validated scores overfits."
    )
    if behind:
        text += f" The static portfolio has the lower mean regret at {', '.join(behind)}."
    return text.rstrip()


def bundled() -> str:
    """Return the figures that matter most of the benchmark on the bundled knowledge base."""
    found, tables = results("bundled")
    text = (
        f"Families of tables left out, everything fitted inside the fold {origin(found)}. Mean normalised regret after k "
        "evaluations, lower is better, with 95 % intervals over families; all strategies, metrics and controls are in "
        "[the results](_generated/benchmarks/bundled.md).\n"
    )
    for name in SHOWN:
        curves = tables[f"{name}: mean normalised regret after k evaluations"]
        text += f"\n| {name} | " + " | ".join(f"k = {k}" for k in COUNTS) + " |\n|---|" + "---|" * len(COUNTS) + "\n"
        for strategy, label in STRATEGIES.items():
            text += f"| {label} | " + " | ".join(curves[strategy][f"k={k}"] for k in COUNTS) + " |\n"
    return text.rstrip()


def automl() -> str:
    """Return how the estimators stand beside AutoML tools that have the same time."""
    found, tables = results("automl")
    named = {title.partition(" with ")[0]: rows for title, rows in tables.items()}
    times, ours = tables["Time really used"], "metalearn"
    pairs = {row["less"]: row for row in rows("automl", "Our estimator against each")}
    text = (
        f"{found['about'].partition('.')[0]} {origin(found)}. Mean normalised test regret, lower is better, and the difference to "
        "ours, with 95 % intervals over families; results by problem type and losses are in "
        "[the results](_generated/benchmarks/automl.md).\n\n"
        "| tool | regret | ours minus tool | our wins, ties, losses | seconds used, mean and maximum |\n|---|---|---|---|---|\n"
    )
    for name, row in named["Mean normalised test regret"].items():
        pair = pairs.get(name)
        less = "" if name == ours or pair is None else interval(pair)
        won = "" if pair is None else pair["wins/ties/losses"].replace("/", ", ")
        used = times[name]
        text += (
            f"| {name} | {row['regret']} | {less} | {won} | {used['mean seconds']:.0f}, {used['most seconds']:.0f} |\n"
        )
    return text.rstrip()


def growth() -> str:
    """Return what is reached from parts of the knowledge base."""
    found, _ = results("growth")
    counts = ("k=1", "k=3", "k=5", "k=10")
    text = (
        f"Random subsets of the knowledge base with the same shares of problem types {origin(found)}. "
        "Mean normalised regret after k evaluations on families left out, lower is better, with 95 % intervals over families; "
        "each problem type, and the regret with fewer configurations, are in "
        "[the results](_generated/benchmarks/growth.md).\n\n"
        "| past tasks | strategy | " + " | ".join(counts) + " |\n|---|---|" + "---|" * len(counts) + "\n"
    )
    labels = {"portfolio": STRATEGIES["portfolio"], "ensemble": "task ensemble, with feedback"}
    for row in rows("growth", "all problem types: regret by number of tasks"):
        if row["strategy"] in labels:
            cells = (row["tasks in the knowledge base"], labels[row["strategy"]], *(row[k] for k in counts))
            text += "| " + " | ".join(map(str, cells)) + " |\n"
    return text.rstrip()


def checks() -> str:
    """Return how often planted faults are told, and how often tables as they are are warned of."""
    found, tables = results("checks")
    silent = found["tables"][1]["note"]
    text = (
        f"{silent.rstrip('.')} in their original form ({origin(found).strip('()')}); the warnings on the others are not known to "
        "be right. Then each fault was planted in every table:\n\n"
        "| planted fault | detected, of the tables without that warning before |\n|---|---|\n"
    )
    for name, row in tables["Planted faults"].items():
        text += f"| {name} | {row['told once planted']} of {row['tables of which it was not said before']} |\n"
    return text.rstrip()


HIDDEN = {
    "library defaults": "library defaults, best family first",
    "mean rank in the others, forest": "learned from mean ranks over the other metrics",
    "stand-in, blend": "learned from the most similar known metric, with feedback",
    "known, blend": "learned from the metric itself, with feedback",
}


def own_metric() -> str:
    """Return what is lost where a metric has no past results."""
    found, tables = results("own_metric")
    text = (
        f"Each known metric is hidden in turn, families of tables are left out {origin(found)}. Mean normalised regret in "
        "the hidden metric, lower is better, with 95 % intervals over families; tests and the substitutes are in "
        "[the results](_generated/benchmarks/own_metric.md).\n\n"
        "| hidden | list | " + " | ".join(f"k = {k}" for k in COUNTS) + " |\n|---|---|" + "---|" * len(COUNTS) + "\n"
    )
    for title, curves in tables.items():
        if "regret" in title:
            for name, label in HIDDEN.items():
                cells = (title.partition(" hidden")[0], label, *(curves[name][f"k={k}"] for k in COUNTS))
                text += "| " + " | ".join(cells) + " |\n"
    return text.rstrip()


TEXT_FAMILIES = ("lightgbm", "linear", "extra_trees", "knn")


def text() -> str:
    """Return what reading text adds for some families, and for how many it does."""
    found, _ = results("text")
    (table,) = found["tables"]
    rows: dict[str, dict[str, list[Any]]] = {}
    for name, metric, family, *values in table["rows"]:
        rows.setdefault(f"{name}, {metric}", {})[family] = values
    said = (
        f"Scores in three random folds {origin(found)}, first with text only counted, then with its words; every family is in "
        "[the results](_generated/benchmarks/text.md).\n\n"
        "| table, target, metric | "
        + " | ".join(TEXT_FAMILIES)
        + " | families ahead |\n|---|"
        + "---|" * (len(TEXT_FAMILIES) + 1)
        + "\n"
    )
    for title, families in rows.items():
        cells = [f"{families[name][0]:.3f}, {families[name][1]:.3f}" for name in TEXT_FAMILIES]
        ahead = sum(values[2] > 0 for values in families.values())
        said += f"| {title} | " + " | ".join(cells) + f" | {ahead} of {len(families)} |\n"
    return said.rstrip()


def agents() -> str:
    """Return the seconds and memory of the server for coding agents."""
    found, tables = results("mcp")
    text = f"{found['about']} {origin(found)}\n\n| figure | measured | processor seconds | target: at most |\n|---|---|---|---|\n"
    for name, row in next(iter(tables.values())).items():
        cells = ("" if value is None else f"{float(f'{value:.3g}'):,g}" for value in list(row.values())[1:])
        text += f"| {name} | " + " | ".join(cells) + " |\n"
    return text.rstrip()


def draw_peers() -> None:
    """Draw the regret of the participants against the number of trials."""
    import matplotlib as mpl  # noqa: PLC0415 - not needed for a check

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    _, tables = results("peers")
    curves = tables["Mean normalised test regret of what validation chooses after k trials"]
    with plt.rc_context({"svg.hashsalt": "metalearn", "svg.fonttype": "none", "font.size": 10}):
        figure, ax = plt.subplots(figsize=(8.4, 3.6), layout="constrained")
        for name, label in PARTICIPANTS.items():
            points = {int(k[2:]): mean(cell) for k, cell in curves[name].items() if k.startswith("k=") and cell}
            ours = name == "metalearn"
            style = {"linewidth": 2.8 if ours else 1.4, "zorder": 3 if ours else 2}
            ax.plot(list(points), list(points.values()), "o-", markersize=6 if ours else 4, label=label, **style)
        ax.set(xscale="log", xlabel="trials", ylabel="mean test regret (lower is better)", ylim=(0, None))
        ax.set_xticks(TRIALS, labels=[str(k) for k in TRIALS])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        figure.legend(loc="outside right", frameon=False)
        figure.savefig(ROOT / "docs" / "regret.svg", metadata={"Date": None})
        plt.close(figure)


QUOTED = ("peers", "bundled", "speed", "automl", "growth", "own_metric")
BLOCKS = {
    "README.md": {"wine": wine, "peers": peers},
    "docs/benchmarks.md": {
        "bundled": bundled,
        "budgets": budgets,
        "targets": targets,
        "removed": removed,
        "growth": growth,
        "automl": automl,
        "checks": checks,
        "own_metric": own_metric,
        "text": text,
    },
    "docs/commands.md": {"commands": command_table},
    "docs/mcp.md": {"conversation": conversation, "agents": agents},
}


if __name__ == "__main__":
    for page, blocks in BLOCKS.items():
        rewrite(ROOT / page, blocks, "python .ci/readme.py")
    if "--check" not in sys.argv:
        draw_peers()
    warn()
