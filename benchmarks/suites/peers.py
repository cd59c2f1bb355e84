"""Our first suggestions against what a user would pick instead, fitted on real tables left out by family."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from contest import (
    COUNTS,
    FEWEST,
    Entry,
    about,
    by_problem_type,
    curve_plot,
    curve_rows,
    losing_table,
    mean_table,
    pair_table,
    rank_plot,
)
from foreign import flaml_automl, flaml_zero_shot, tpe_on_family
from options import Options
from real_tables import QUICK_TRIALS, RULE, Bench, benches, random_pool
from report import Report

from metalearn.evaluation import Status
from metalearn.models import get_model
from metalearn.space import Configuration

OURS = "metalearn"
DEFAULTS = ("lightgbm", "xgboost", "catboost", "random_forest")
ZERO_SHOT = ("lgbm", "xgb_limitdepth", "rf", "extra_tree")
BASELINES = ("portfolio", "nearest")
TPE, RANDOM, FLAML = "TPE on LightGBM", "random over all families", "FLAML AutoML"
N_ORDERS = 100
TRIALS = 10


def run(options: Options) -> Iterator[Report]:
    """Yield a report after each table, so that what is there can be read."""
    rows: list[dict[str, Any]] = []
    trials = QUICK_TRIALS if options.quick else options.trials
    for bench in benches(options):
        rows += _on_table(bench, trials)
        found = pd.DataFrame(rows)
        if found["table"].nunique() >= FEWEST:
            yield _report(found, trials)


def _on_table(bench: Bench, trials: int) -> list[dict[str, Any]]:
    table, kind = bench.table, bench.table.task.problem_type
    rows = curve_rows(bench, OURS, [_advised(bench, "auto", min(TRIALS, trials))])
    for name in BASELINES:
        rows += curve_rows(bench, f"{name} (baseline)", [_advised(bench, name, min(TRIALS, trials))])
    for name in DEFAULTS:
        rows += curve_rows(bench, f"{name} default", [[get_model(name).default(kind)]])
    for name in ZERO_SHOT:
        rows.append({**about(bench, f"FLAML zero-shot {name}"), "k": 1, **flaml_zero_shot(bench, name)})
    rows += curve_rows(bench, TPE, [tpe_on_family(bench, "lightgbm", trials)])
    pool = random_pool(table, trials)
    rng = np.random.default_rng(0)
    rows += curve_rows(bench, RANDOM, [[pool[i] for i in rng.permutation(trials)] for _ in range(N_ORDERS)])
    rows.append({**about(bench, FLAML), "k": trials, **flaml_automl(bench, trials)})
    return rows


def _advised(bench: Bench, recommender: str, n: int) -> list[Configuration]:
    """Return what the advisor asks for when it is told the loss of cross-validation."""
    advisor = bench.table.advisor(bench.past, recommender)
    found = []
    for configuration in (advisor.ask() for _ in range(n)):
        loss = bench.evaluator.validation_loss(configuration)
        if math.isfinite(loss):
            seconds = bench.evaluator.seconds(configuration)
            advisor.tell(configuration, score=float(bench.table.metric.from_loss(loss)), seconds=seconds)
        else:
            advisor.tell(configuration, status=Status.FAILED)
        found.append(configuration)
    return found


def _report(rows: pd.DataFrame, trials: int) -> Report:
    last = max(k for k in COUNTS if k <= trials)
    singles: list[Entry] = [
        *((f"{name} default", 1) for name in DEFAULTS),
        *((f"FLAML zero-shot {name}", 1) for name in ZERO_SHOT),
    ]
    tuned: list[Entry] = [(TPE, last), (RANDOM, last), (FLAML, trials)]
    first = [((OURS, 1), other) for other in singles]
    alike = [((OURS, k), (f"{name} (baseline)", k)) for name in BASELINES for k in (1, 3, 5, 10)]
    later = [((OURS, k), other) for k in (3, 5, 10) for other in tuned]
    entries: list[Entry] = [*((OURS, k) for k in (1, 3, 5, 10)), *singles, *tuned]
    tables = [
        mean_table(rows, "test", "Mean normalised test regret of what validation chooses after k trials", RULE),
        pair_table(rows, first, "The first suggestion against what is used without any trial"),
        pair_table(rows, alike, "As many trials of the static portfolio and of nearest tasks"),
        pair_table(rows, later, f"A few trials against {last} of a tuner"),
        by_problem_type(rows, entries, "By problem type"),
        losing_table(rows, (OURS, 1), singles, "Where the first suggestion is behind"),
        losing_table(rows, (OURS, min(5, last)), tuned, "Where five trials are behind the best tuner"),
        mean_table(rows, "validation", "The same by the loss that the choice was made by"),
        mean_table(rows, "seconds", "Mean seconds of cross-validation"),
    ]
    n = rows["table"].nunique()
    plots = [
        curve_plot(rows, f"Test regret on {n} tables left out", [OURS, "portfolio (baseline)", TPE, RANDOM, FLAML]),
        rank_plot(rows, entries, "Mean ranks"),
    ]
    about_it = (
        f"{n} real tables, each with its family left out of the knowledge base. Choose on validation, score on test."
    )
    return Report("peers", "What a user would pick instead", about_it, tables, plots)
