"""Our estimators against AutoML tools with the same time and cores, on real tables left out by family.

Every result is kept when its tool ends: interrupt the suite as you like, and the same command goes on. A change of the package's
code makes our own results anew, and a tool that failed is run again.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from automl_tools import TARGET
from contest import FEWEST, Entry, about, by_problem_type, losing_table, mean_table, pair_table, rank_plot
from foreign import loss_of
from options import Options
from real_tables import CHOSEN, RULE, Bench, benches
from report import Report, Table

from metalearn.fitted_recommenders import fitted_recommender
from metalearn.knowledge import FileStore

SCRIPT = Path(__file__).parents[1] / "automl_tools.py"
PATIENCE = 4
_OWN_WAY = "each tool chooses on the rest in its own way, and is "
NAMES = {
    "metalearn": "metalearn",
    "flaml": "FLAML AutoML",
    "autogluon": "AutoGluon, medium quality",
    "tpe": "TPE on LightGBM",
    "lightgbm": "LightGBM default",
}


@dataclass(frozen=True)
class Budget:
    """What each tool is given."""

    seconds: float
    jobs: int
    autogluon: Path | None

    @property
    def tools(self) -> list[str]:
        """The tools that can be run."""
        return [name for name in NAMES if (name != "autogluon" or self.autogluon is not None)]


def run(options: Options) -> Iterator[Report]:
    """Yield a report after each table, so that what is there can be read."""
    budget = Budget(3.0 if options.quick else options.seconds, options.jobs, options.autogluon)
    rows: list[dict[str, Any]] = []
    for bench in benches(options):
        rows += [{**about(bench, NAMES[tool]), "k": 0, **_result(bench, tool, budget)} for tool in budget.tools]
        found = pd.DataFrame(rows)
        if found["table"].nunique() >= FEWEST:
            yield _report(found, budget)


def _result(bench: Bench, tool: str, budget: Budget) -> dict[str, Any]:
    """Return regret, seconds and what a tool says, running it only once."""
    state = f"{bench.past.id}/{os.environ['METALEARN_CACHE'][-12:]}" if tool == "metalearn" else ""
    key = f"{bench.table.id}/automl/{tool}/{budget.seconds:g}/{budget.jobs}/{state}"
    found = bench.evaluator.cache.get(key, lambda: _run(bench, tool, budget), keep=lambda f: f["loss"] is not None)
    loss = math.inf if found["loss"] is None else found["loss"]
    return {"version": None, "error": "", "cores": math.nan, **found, "test": bench.test.regret(loss)}


def _run(bench: Bench, tool: str, budget: Budget) -> dict[str, Any]:
    """Run a tool in a process of its own; one that fails has no loss."""
    table = bench.table
    X, y = table.train_part()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        X.assign(**{TARGET: y.to_numpy()}).to_parquet(folder / "train.parquet")
        table.data.X.iloc[table.test].reset_index(drop=True).to_parquet(folder / "test.parquet")
        facts: dict[str, Any] = {
            "problem_type": str(table.task.problem_type),
            "n_classes": table.data.n_classes,
            "metric": table.metric.name,
            "seconds": budget.seconds,
            "jobs": budget.jobs,
        }
        if tool == "metalearn":
            FileStore(folder / "past").write(bench.past)
            fitted_recommender(bench.past, table.task.problem_type, table.metric)  # as it is shipped: fitted before
            facts["knowledge_base"] = str(folder / "past")
        (folder / "about.json").write_text(json.dumps(facts), encoding="utf-8")
        python = budget.autogluon.absolute() if tool == "autogluon" and budget.autogluon else sys.executable
        command = [str(python), str(SCRIPT), tool, name]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(budget.jobs))
        environment = {**os.environ, **threads}
        try:
            done = subprocess.run(  # noqa: S603 - our own script
                command,
                cwd=name,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE * budget.seconds + 120,
            )
        except subprocess.TimeoutExpired:
            return {"loss": None, "seconds": math.nan, "error": "it did not end"}
        if done.returncode:
            return {"loss": None, "seconds": math.nan, "error": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
        found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
        return {**found, "loss": loss_of(bench, np.load(folder / "predictions.npy"))}


def _report(rows: pd.DataFrame, budget: Budget) -> Report:
    names = [name for name in NAMES.values() if name in set(rows["participant"])]
    ours, entries = NAMES["metalearn"], [(name, 0) for name in names]
    others: list[Entry] = [entry for entry in entries if entry[0] != ours]
    n = rows["table"].nunique()
    plural = "core" if budget.jobs == 1 else "cores"
    allowed = f"{budget.seconds:g} s on {budget.jobs} {plural}"
    rows = rows.assign(share=rows["seconds"] / budget.seconds)
    tables = [
        mean_table(rows, "test", f"Mean normalised test regret with {allowed}", RULE.replace(CHOSEN, _OWN_WAY)),
        pair_table(rows, [((ours, 0), other) for other in others], "Our estimator against each"),
        by_problem_type(rows, entries, "By problem type"),
        losing_table(rows, (ours, 0), others, "Where we are behind"),
        _time_table(rows, names),
    ]
    text = f"{n} real tables, each with its family left out of the knowledge base; {allowed} for each tool and table."
    if NAMES["autogluon"] not in names:
        text += " AutoGluon was not run: name the Python of its environment by --autogluon."
    elif "models" in rows:
        trained = sorted({name for found in rows["models"].dropna() for name in found})
        text += f" AutoGluon's environment let it train {', '.join(trained)}."
    versions = rows.dropna(subset="version").drop_duplicates("participant").set_index("participant")["version"]
    text += f" Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}."
    failed = rows[rows["loss"].isna()]
    if len(failed):
        text += " Failures, which count as the worst: " + "; ".join(
            f"{row.participant} on {row.table} ({row.error})" for row in failed.itertuples()
        )
    return Report("automl", "AutoML with the same time", text, tables, [rank_plot(rows, entries, "Mean ranks")])


def _time_table(rows: pd.DataFrame, names: list[str]) -> Table:
    """Return the seconds that fitting really took."""
    lines = []
    for name in names:
        part = rows[rows["participant"] == name]
        failed = int(part["loss"].isna().sum())
        used = part["seconds"]
        lines.append([name, used.mean(), used.max(), part["share"].max(), part["cores"].mean(), failed])
    return Table(
        "Time really used",
        ["participant", "mean seconds", "most seconds", "most, as a share of the budget", "mean cores", "failures"],
        lines,
        "Wall clock of fit, without imports; ours with the recommender fitted beforehand, as it is shipped. Cores are "
        "processor seconds over wall clock: few where a tool computes on one thread, or where the machine was not its own.",
    )
