"""The bundled knowledge base: every problem type, and every metric of classification and regression."""

import numpy as np
import yaml
from options import Options
from protocol import Setting
from report import Plot, Report, Table

from metalearn.recommenders import PerformanceTable, related_tasks
from metalearn.task import ProblemType, get_metric
from suites.accuracy import by_novelty, coverage, improvement, runtime
from suites.leave_out import compare
from suites.public import TASKS


def run(options: Options) -> Report:
    """Run the comparison on every problem type."""
    facts = yaml.safe_load((TASKS / "bundled.yaml").read_text(encoding="utf-8"))
    kb = options.past
    chosen = facts["quick"] if options.quick else facts
    tables: list[Table] = []
    plots: list[Plot] = []
    settings: list[Setting] = []
    for kind, metrics in chosen["metrics"].items():
        problem_type = ProblemType(kind)
        part = related_tasks(kb, problem_type)
        for name in metrics:
            table = PerformanceTable.from_knowledge_base(part, get_metric(name, problem_type), problem_type)
            if options.quick:
                few = np.random.default_rng(0).permutation(table.n_tasks)[: chosen["tasks"]]
                table = table.take(np.sort(few))
            setting = Setting(f"{kind}, {name}", table, table.regrets, chosen["folds"], options.seeds)
            found, drawn = compare(setting, names=tuple(chosen["strategies"]))
            tables += found
            plots += drawn
            settings.append(setting)
    tables += [coverage(settings), by_novelty(settings), improvement(settings), runtime(settings)]
    return Report("bundled", "The bundled knowledge base", "Strategies on families left out.", tables, plots)
