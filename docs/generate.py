"""Make the parts of the documentation that code and measurements know better: python docs/generate.py."""

import importlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import matplotlib as mpl

import metalearn as ml
from metalearn.cli import main
from metalearn.metafeatures import list_meta_features
from metalearn.models import get_model, model_names
from metalearn.report.text import changes, novelty_text, number, seconds

mpl.use("svg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
os.environ["COLUMNS"] = "110"  # not as wide as this terminal
RESULTS = HERE.parent / "benchmarks" / "results"
MADE = HERE / "_generated"

MODULES = {
    "metalearn": "What most people need",
    "metalearn.plot": "Figures",
    "metalearn.models": "Model families",
    "metalearn.space": "Search spaces and configurations",
    "metalearn.metafeatures": "Meta-features",
    "metalearn.checks": "Data checks",
    "metalearn.recommenders": "Recommenders",
    "metalearn.knowledge": "Stores",
    "metalearn.importers": "Importers",
    "metalearn.hooks": "Hooks",
    "metalearn.testing": "Conformance suites for plug-ins",
    "metalearn.exceptions": "Errors",
}
STRATEGIES = {
    "default": "library defaults, best family first",
    "portfolio": "static greedy portfolio",
    "nearest": "nearest tasks (auto-sklearn 1's rule)",
    "forest": "forest-weighted portfolio (what lists are made of)",
    "blend": "chosen by validation, with feedback (what the advisor does)",
}
SHOWN = ("binary, roc_auc", "multiclass, accuracy", "regression, r2")
REGRET = "mean normalised regret after k evaluations"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def whole(text: str) -> str:
    """Return text that is not broken over lines."""
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")


def result(suite: str) -> dict[str, Any]:
    """Return what a benchmark found."""
    return json.loads((RESULTS / f"{suite}.json").read_text(encoding="utf-8"))


def source(found: dict[str, Any]) -> str:
    """Say where figures come from."""
    return f"`{found['command']}`, {found['date']}: [all figures](/_generated/benchmarks/{found['suite']}.md)."


def rows_of(found: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """Return the rows of one table of a result."""
    chosen = next(t for t in found["tables"] if t["title"] == title)
    return [dict(zip(chosen["columns"], row, strict=True)) for row in chosen["rows"]]


def regret() -> str:
    """Return the regret of the strategies that matter on the bundled knowledge base."""
    found, counts = result("bundled"), ("k=1", "k=3", "k=5", "k=10")
    parts = []
    for name in SHOWN:
        rows = {row["strategy"]: row for row in rows_of(found, f"{name}: {REGRET}")}
        shown = [[label, *(rows[key][k] for k in counts)] for key, label in STRATEGIES.items() if key in rows]
        parts.append(table([name, *counts], shown))
    return "\n\n".join([*parts, source(found)])


def public() -> str:
    """Return the regret on the two public matrices, with the targets beside it."""
    parts = []
    for suite, title in (("autosklearn2016", "auto-sklearn 2016"), ("oboe", "OBOE")):
        found, counts = result(suite), ("k=1", "k=2", "k=3", "k=5", "k=10", "k=25")
        names = {**STRATEGIES, "*target*": "target that was set before"}
        rows = {row["strategy"]: row for row in rows_of(found, f"{suite}: {REGRET}")}
        shown = [[label, *(rows[key][k] for k in counts)] for key, label in names.items() if key in rows]
        parts += [table([title, *counts], shown), source(found)]
    return "\n\n".join(parts)


def coverage() -> str:
    """Return how often results lay inside their intervals."""
    found = result("bundled")
    columns = ("tasks", "candidates of", "results observed", "inside the 80 % interval", "median width")
    rows = rows_of(found, "Expected scores of the ten candidates")
    cells = [[number(v, 3) if isinstance(v, float) else v for v in (row[c] for c in columns)] for row in rows]
    return f"{table(columns, cells)}\n\n{source(found)}"


def novelty() -> str:
    """Return what novelty says about intervals, errors and the first choice."""
    found = result("bundled")
    columns = ("tasks", "novelty", "n", "inside the 80 % interval", "error, mean", "regret at k = 1", "the portfolio's")
    rows = rows_of(found, "What novelty says")
    cells = [[number(v, 3) if isinstance(v, float) else v for v in (row[c] for c in columns)] for row in rows]
    return f"{table(columns, cells)}\n\n{source(found)}"


def improvement() -> str:
    """Return what the next trial was expected to add, and what it added."""
    found = result("bundled")
    columns = ("tasks", "results observed", "expected, mean", "came true, mean")
    cells = []
    for row in rows_of(found, "Expected improvement of the next trial"):
        expected, *came = (number(row[c], 4) for c in ("expected, mean", "came true, mean", "95 % low", "95 % high"))
        cells.append([row["tasks"], row["results observed"], expected, "{} [{}, {}]".format(*came)])
    return f"{table(columns, cells)}\n\n{source(found)}"


def families() -> str:
    """Return the model families and what is tuned of each."""
    rows = []
    for name in model_names():
        spec = get_model(name)
        kinds = ", ".join(str(kind) for kind in spec.spaces)
        tuned = ", ".join(f"`{p}`" for p in dict.fromkeys(p for s in spec.spaces.values() for p in s.parameters))
        rows.append([f"`{name}`", kinds, tuned])
    return table(["family", "solves", "tuned"], rows)


def meta_features() -> str:
    """Return every meta-feature with its definition."""
    columns = ["name", "tier", "what", "unit", "NaN when", "reference"]
    rows = [
        [f"`{f.name}`", f.tier, f.description, f.unit, f.nan_when, f.reference]
        for f in sorted(list_meta_features(), key=lambda f: list(ml.metafeatures.Tier).index(f.tier))
    ]
    return table(columns, [[str(cell).replace("|", r"\|") for cell in row] for row in rows])


def commands(group: click.Group = main, prefix: str = "metalearn") -> Iterator[str]:
    """Return the help of every command."""
    for name, command in group.commands.items():
        here = f"{prefix} {name}"
        if isinstance(command, click.Group):
            yield from commands(command, here)
        else:
            context = click.Context(command, info_name=here, max_content_width=90)
            yield f"## {here}\n\n```text\n{command.get_help(context)}\n```"


def knowledge() -> str:
    """Return the counts of the bundled knowledge base."""
    facts = ml.bundled_knowledge_base().summary()
    rows = [(k, f"{v:,}" if isinstance(v, int) else v) for k, v in facts.items() if not isinstance(v, dict)]
    rows += [(f"{k}: {name}", f"{n:,}") for k, v in facts.items() if isinstance(v, dict) for name, n in v.items()]
    return table(["the version that these pages were built with", ""], rows)


def reference() -> str:
    """Return the API reference: every public name of every public module."""
    parts = ["Reference", "=========", ""]
    listed: list[object] = []
    for name, title in MODULES.items():
        module = importlib.import_module(name)
        public = [n for n in module.__all__ if callable(thing := getattr(module, n)) and thing not in listed]
        listed += [getattr(module, n) for n in public]
        parts += [
            title,
            "-" * len(title),
            "",
            f".. currentmodule:: {name}",
            "",
            ".. autosummary::",
            "   :toctree: api",
            "",
        ]
        parts += [f"   {n}" for n in public] + [""]
    return "\n".join(parts)


def answer() -> str:
    """Return what is said of a table that everyone knows."""
    from sklearn.datasets import load_wine  # noqa: PLC0415 - for this only

    rec = ml.recommend(*load_wine(return_X_y=True, as_frame=True), n=4)
    columns = ("try", "model", "differs from the default in", "expected accuracy", "80 % interval", "one fit")
    rows = [
        (
            rank,
            f"**{c.model}**",
            changes(c.changes),
            number(c.expected_score, 3),
            whole(" to ".join(number(end, 3) for end in c.interval)),
            whole(seconds(c.expected_seconds)),
        )
        for rank, c in enumerate(rec, start=1)
    ]
    near = ", ".join(f"{n.name} ({n.best.model} won)" for n in rec.neighbours[1:4])
    return f"{table(columns, rows)}\n\nNearest past tasks besides wine itself: {near}. {novelty_text(rec.novelty)}"


def suites() -> str:
    """Return the list of results."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(RESULTS.glob("*.json"))]
    rows = [
        [f"[{f['title']}](/_generated/benchmarks/{f['suite']}.md)", f"`{f['command']}`", whole(f["date"])]
        for f in found
    ]
    return table(["what was measured", "command", "date"], rows)


def benchmarks() -> str:
    """Copy every result, and return the page that leads to them."""
    folder = MADE / "benchmarks"
    folder.mkdir()
    entries = []
    for file in sorted(RESULTS.glob("*.json")):
        for suffix in (".md", ".svg"):
            if file.with_suffix(suffix).exists():
                shutil.copy(file.with_suffix(suffix), folder)
        entries.append(f"benchmarks/{file.stem}")
    tree = "\n".join(entries)
    return f"# Results\n\n{suites()}\n\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"


def figures() -> None:
    """Draw what the page on figures shows."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 - for this only

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    rec = ml.recommend(X, y, name="breast_cancer")
    model = ml.MetaLearnClassifier(n_trials=8, families=["linear", "svm", "knn", "tree"]).fit(X, y)
    drawn = {
        "scores": ml.plot.scores(rec),
        "past_tasks": ml.plot.past_tasks(rec),
        "drivers": ml.plot.drivers(rec),
        "progress": ml.plot.progress(model),
        "families": ml.plot.families(model),
        "sizes": ml.plot.sizes(),
        "fits": ml.plot.fits(),
        "regrets": ml.plot.regrets(problem_type="multiclass"),
    }
    for name, ax in drawn.items():
        figure: Any = ax.figure
        figure.set_size_inches(7, 4.2)
        figure.savefig(MADE / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)


def regret_curves() -> None:
    """Draw the regret of the strategies that matter, one panel a kind of problem."""
    plots = {plot["title"].partition(" (")[0]: plot for plot in result("bundled")["plots"] if plot["curves"]}
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(10, 3.6), sharey=True, layout="constrained")
    for ax, name in zip(axes, SHOWN, strict=True):
        for key, label in STRATEGIES.items():
            curve = plots[name]["curves"][key]
            ax.plot(curve["x"], curve["y"], label=label, linewidth=2.4 if key == "blend" else 1.4)
        ax.set(title=name, xscale="log", yscale="log", xlabel="evaluations")
        ax.set_xticks((1, 3, 10, 25), labels=("1", "3", "10", "25"))
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("mean normalised regret")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(MADE / "regret_curves.svg", metadata={"Date": None})
    plt.close(figure)


def for_programs() -> Path:
    """Return a folder of what programs read: llms.txt, and the pages that it names as they are written."""
    place = MADE / "programs"
    shutil.rmtree(place, ignore_errors=True)
    for pattern in ("llms.txt", "*.md", "hooks/*.md", "schemas/*.json"):
        for file in HERE.glob(pattern):
            copy = place / file.relative_to(HERE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    return place


def write_all() -> None:
    """Write everything into ``_generated``, which is emptied first."""
    shutil.rmtree(MADE, ignore_errors=True)
    (MADE / "parts").mkdir(parents=True)
    parts = {
        "answer": answer(),
        "suites": suites(),
        "regret": regret(),
        "public": public(),
        "coverage": coverage(),
        "novelty": novelty(),
        "improvement": improvement(),
        "families": families(),
        "knowledge": knowledge(),
        "meta_features": meta_features(),
    }
    for name, text in parts.items():
        (MADE / "parts" / f"{name}.md").write_text(f"{text}\n", encoding="utf-8")
    pages = {
        "results.md": benchmarks(),
        "commands.md": "# Commands\n\nEach prints data on the standard output and everything else on the error output. It "
        "exits with 0 if all went well, 1 if a run failed or a check says no, 2 if the call was wrong.\n\n"
        + "\n\n".join(commands()),
        "reference.rst": reference(),
    }
    for name, text in pages.items():
        (MADE / name).write_text(f"{text}\n", encoding="utf-8")
    figures()
    regret_curves()


if __name__ == "__main__":
    write_all()
