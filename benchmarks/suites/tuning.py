"""Does it pay to go beyond the list? On a public matrix most of which is hidden, and by real fits on tables left out."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import yaml
from contest import FEWEST, curve_plot, curve_rows, mean_table, pair_table
from foreign import tpe_over_all
from inference import AGAINST, AGAINST_NOTE, against, band, by_family, cells
from options import Options
from pools import from_pool, in_space
from protocol import LENGTH, Setting, worst_to_best
from real_tables import QUICK_TRIALS, RULE, Bench, benches, random_pool
from report import Plot, Report, Table

from metalearn.evaluation import Status
from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.joint_space import JointSpace
from metalearn.recommenders.simulation import curve
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric
from suites import matrices
from suites.leave_out import COUNTS
from suites.public import TASKS

OURS, LISTED, TPE, RANDOM = "list and new points", "list only", "TPE over all families", "random over all families"
N_SHOWN = 40
N_ORDERS = 100


def run(options: Options) -> Iterator[Report]:
    """Yield a report with the matrix, then one after each table."""
    tables, plots = hidden(options)
    rows: list[dict[str, Any]] = []
    yield _report(tables, plots)
    trials = QUICK_TRIALS if options.quick else options.trials
    for bench in benches(options):
        rows += on_table(bench, trials)
        found = pd.DataFrame(rows)
        if found["table"].nunique() >= FEWEST:
            yield _report([*tables, *_real(found, trials)], [*plots, _plot(found)])


def _report(tables: list[Table], plots: list[Plot]) -> Report:
    about = "The advisor goes on beyond its list with new points of the families' spaces. What is that worth?"
    return Report("tuning", "A list, or a tuner", about, tables, plots)


# a matrix, most of which is hidden -----------------------------------------------------------------------------------


def hidden(options: Options) -> tuple[list[Table], list[Plot]]:
    """Let the list know a part of a public matrix; the rest can only be proposed."""
    facts = yaml.safe_load((TASKS / "oboe.yaml").read_text(encoding="utf-8"))
    folder = options.data / facts["folder"]
    if not folder.is_dir():
        return [], []
    kb = matrices.oboe(folder, facts)
    table = PerformanceTable.from_knowledge_base(kb, get_metric(facts["metric"], ProblemType(facts["problem_type"])))
    generator = np.random.default_rng(0)
    n_folds = facts["folds"]
    if options.quick:
        table, n_folds = table.take(np.sort(generator.permutation(table.n_tasks)[:60])), 2
    space = in_space(table.configurations)
    shown = _shown(table, generator)
    part = replace(
        table,
        configurations=tuple(table.configurations[j] for j in shown),
        losses=table.losses[:, shown],
        seconds=table.seconds[:, shown],
    )
    setting = Setting("hidden", part, worst_to_best(table.losses), n_folds)
    rows = []
    for fit in setting.fits:
        for i in fit.left_out:
            for name, choose in CHOOSERS.items():
                order = choose(fit.past, table, i, space)
                about = {"family": table.families[i], "strategy": name}
                rows.append({**about, "curve": curve(setting.regrets[i], order, LENGTH)})
    curves = by_family(pd.DataFrame(rows))
    n_hidden = len(table.configurations) - len(shown)
    title = f"OBOE: {len(shown)} configurations in the list, {n_hidden} hidden"
    note = (
        f"{table.n_tasks} tasks, {n_folds} folds over families; the knowledge base holds the results of the listed "
        "configurations only, a hidden one can be tried as a new point. Mean normalised regret over all of them."
    )
    lines = [[name, *cells(values, COUNTS)] for name, values in curves.items()]
    return [
        Table(title, ["strategy", *(f"k={k}" for k in COUNTS)], lines, note),
        Table(
            f"OBOE: {OURS}, less the others",
            AGAINST,
            against(curves, OURS, (5, 10, 25)),
            AGAINST_NOTE,
        ),
    ], [Plot(title, curves={name: band(values) for name, values in curves.items()})]


def _shown(table: PerformanceTable, generator: np.random.Generator) -> np.ndarray:
    """Draw about 40 configurations, every family in its proportion."""
    share = N_SHOWN / len(table.configurations)
    groups = [np.flatnonzero(table.models == model) for model in np.unique(table.models)]
    return np.sort(np.concatenate([generator.permutation(g)[: max(1, round(share * len(g)))] for g in groups]))


Chooser = Callable[[PastTasks, PerformanceTable, int, JointSpace], list[int]]


def _along_the_list(past: PastTasks, table: PerformanceTable, i: int, space: JointSpace) -> list[int]:
    del space
    return from_pool(past, table, i, LENGTH, pool=None)


def _then_random(past: PastTasks, table: PerformanceTable, i: int, space: JointSpace) -> list[int]:
    """Three from the list, then anything."""
    first = _along_the_list(past, table, i, space)[:3]
    rest = np.setdiff1d(np.arange(len(table.configurations)), first)
    return [*first, *np.random.default_rng(i).permutation(rest)[: LENGTH - 3]]


def _beyond(past: PastTasks, table: PerformanceTable, i: int, space: JointSpace) -> list[int]:
    return from_pool(past, table, i, LENGTH, pool=space)


CHOOSERS: dict[str, Chooser] = {
    LISTED: _along_the_list,
    "three of the list, then random": _then_random,
    OURS: _beyond,
}


# real fits -----------------------------------------------------------------------------------------------------------


def on_table(bench: Bench, trials: int) -> list[dict[str, Any]]:
    """Return the rows of one table."""
    pool = random_pool(bench.table, trials)
    generator = np.random.default_rng(0)
    orders = [[pool[i] for i in generator.permutation(trials)] for _ in range(N_ORDERS)]
    return [
        *curve_rows(bench, OURS, [advised(bench, trials, new_points=True)]),
        *curve_rows(bench, LISTED, [advised(bench, trials, new_points=False)]),
        *curve_rows(bench, TPE, [tpe_over_all(bench, trials)]),
        *curve_rows(bench, RANDOM, orders),
    ]


def advised(bench: Bench, trials: int, *, new_points: bool) -> Sequence[Configuration]:
    """Return what the advisor asks for; where its list ends, the last one stands for the rest."""
    advisor = bench.table.advisor(bench.past, new_points=new_points)
    found: list[Configuration] = []
    while len(found) < trials and (asked := advisor.ask(1)):
        (configuration,) = asked
        loss = bench.evaluator.validation_loss(configuration)
        if math.isfinite(loss):
            advisor.tell(configuration, score=float(bench.table.metric.from_loss(loss)))
        else:
            advisor.tell(configuration, status=Status.FAILED)
        found.append(configuration)
    return found + found[-1:] * (trials - len(found))


def _real(rows: pd.DataFrame, trials: int) -> list[Table]:
    last = max(k for k in (1, 3, 5, 10, 25, 50) if k <= trials)
    pairs = [((OURS, k), (other, k)) for k in (3, 5, 10, 25, 50) if k <= last for other in (LISTED, TPE, RANDOM)]
    pairs += [((OURS, k), (other, last)) for k in (5, 10) if k < last for other in (TPE, RANDOM)]
    return [
        mean_table(rows, "validation", "Real fits: mean normalised regret of the loss that is optimised", RULE),
        mean_table(rows, "test", "Real fits: the same by test loss"),
        pair_table(rows, pairs, "Real fits: pairs, by test loss"),
    ]


def _plot(rows: pd.DataFrame) -> Plot:
    n = rows["table"].nunique()
    return curve_plot(rows, f"Test regret on {n} tables left out", [OURS, LISTED, TPE, RANDOM])
