"""Suites over public matrices of prior results."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from options import Options
from protocol import Setting, worst_to_best
from public_data import data_folder
from report import Report

from metalearn.recommenders import PerformanceTable
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric
from suites import matrices
from suites.accuracy import by_novelty, coverage, improvement, runtime
from suites.leave_out import compare

TASKS = Path(__file__).parents[1] / "tasks"


def run(name: str, options: Options) -> Report:
    """Run the comparison on one matrix."""
    facts: dict[str, Any] = yaml.safe_load((TASKS / f"{name}.yaml").read_text(encoding="utf-8"))
    folder = data_folder(options, facts)
    kb = getattr(matrices, name)(folder, facts)
    table = PerformanceTable.from_knowledge_base(kb, get_metric(facts["metric"], ProblemType(facts["problem_type"])))
    n_folds, seeds = facts["folds"], options.seeds
    if options.quick:
        chosen = np.random.default_rng(0).permutation(table.n_tasks)[: facts["quick"]["tasks"]]
        table, n_folds, seeds = table.take(np.sort(chosen)), facts["quick"]["folds"], facts["quick"]["seeds"]
    default = None
    if "library_default" in facts:
        default = table.columns[Configuration(*facts["library_default"]).id]
    setting = Setting(name, table, worst_to_best(table.losses), n_folds, seeds, default)
    whole = "beside" not in facts or (folder / facts["beside"]).is_file()
    tables, plots = compare(setting, target=facts["target"] if whole and not options.quick else ())
    tables += [coverage([setting]), by_novelty([setting]), improvement([setting]), runtime([setting])]
    return Report(
        name,
        f"{name}: {table.n_tasks} tasks x {len(table.configurations)} configurations",
        facts["source"]
        if whole
        else f"{facts['source']}. Without {facts['beside']}: tables are told apart by size alone.",
        tables,
        plots,
    )
