"""Regenerate the parts of README.md that commands print, or check that they are up to date.

python .ci/readme.py           # rewrite them
python .ci/readme.py --check   # fail if one is out of date
"""

import json
from pathlib import Path

import click
from blocks import rewrite
from click.testing import CliRunner

from metalearn.cli import main
from metalearn.models import ModelSpec

ROOT = Path(__file__).parents[1]


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


def bundled() -> str:
    """Return the figures that matter most of the benchmark on the bundled knowledge base."""
    found = json.loads((ROOT / "benchmarks" / "results" / "bundled.json").read_text(encoding="utf-8"))
    tables = {table["title"]: table for table in found["tables"]}
    text = (
        f"Families of tables left out, everything fitted inside the fold (`{found['command']}`, {found['date']}; "
        f"{found['about'].split(':')[0]}). Mean normalised regret after k evaluations, lower is better, with 95 % "
        "intervals over families; all strategies, metrics and controls are in "
        "[benchmarks/results/bundled.md](benchmarks/results/bundled.md).\n"
    )
    for name in SHOWN:
        table = tables[f"{name}: mean normalised regret after k evaluations"]
        rows = {row[0]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
        text += f"\n| {name} | " + " | ".join(f"k = {k}" for k in COUNTS) + " |\n|---|" + "---|" * len(COUNTS) + "\n"
        for strategy, label in STRATEGIES.items():
            text += f"| {label} | " + " | ".join(rows[strategy][f"k={k}"] for k in COUNTS) + " |\n"
    return text.rstrip()


BLOCKS = {"wine": wine, "commands": command_table, "bundled": bundled}


if __name__ == "__main__":
    rewrite(ROOT / "README.md", BLOCKS, "python .ci/readme.py")
