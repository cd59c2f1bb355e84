"""A metric that no past task was measured by: what one that agrees with it is worth in its place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from inference import by_family, cells
from options import Options
from protocol import LENGTH, Setting, make, replay, replay_baselines
from report import Report, Table

from metalearn.evaluation import score_classes, score_numbers
from metalearn.evaluation.proxy import with_stand_ins
from metalearn.knowledge import KnowledgeBase
from metalearn.recommenders import PerformanceTable, Strategy, related_tasks
from metalearn.recommenders.simulation import curve
from metalearn.recommenders.stand_in import as_expected
from metalearn.task import Metric, ProblemType, get_metric, metrics_for
from suites.leave_out import COUNTS, paired

N_ROWS = 500
HIDDEN = {
    ProblemType.BINARY: ("roc_auc", "log_loss", "balanced_accuracy"),
    ProblemType.MULTICLASS: ("accuracy", "f1_macro"),
    ProblemType.REGRESSION: ("r2", "mae"),
}
TOLD = ("portfolio", "forest")
LEARNING = ("ensemble", "blend")
PAIRS = (
    ("stand-in, blend", "known, blend"),
    ("stand-in, blend", "stand-in, forest"),
    ("stand-in, blend", "random x4"),
    ("stand-in, blend", "library defaults"),
    ("stand-in, forest", "mean rank in the others, forest"),
)


def run(options: Options) -> Report:
    """Hide one metric after the other and recommend for it all the same."""
    tables = []
    for problem_type, names in HIDDEN.items():
        part = related_tasks(options.past, problem_type)
        for name in names[:1] if options.quick else names:
            tables += _compare(part, get_metric(name, problem_type), problem_type, options)
    return Report(
        "own_metric",
        "A metric of one's own",
        "What is recommended for a metric that no past task was measured by, on families left out.",
        tables,
        [],
    )


def _compare(kb: KnowledgeBase, metric: Metric, problem_type: ProblemType, options: Options) -> list[Table]:
    known = PerformanceTable.from_knowledge_base(kb, metric, problem_type)
    folds = 2 if options.quick else 10
    truth = Setting(metric.name, known, known.regrets, folds, options.seeds)
    learned = {
        other.name: replace(truth, table=PerformanceTable.from_knowledge_base(kb, other, problem_type))
        for other in metrics_for(problem_type)
        if other != metric
    }
    chosen = _stand_ins(kb, metric, known, tuple(learned))
    told = replay(truth, ("default", *TOLD, *LEARNING))
    told["strategy"] = told["strategy"].map(lambda name: "library defaults" if name == "default" else f"known, {name}")
    hidden = [row for name, setting in learned.items() for row in _hidden(setting, chosen, name, known)]
    ranked = replace(truth, table=_mean_ranks([setting.table for setting in learned.values()]))
    everywhere = dict.fromkeys(chosen, "ranks")
    hidden += _hidden(ranked, everywhere, "ranks", known, strategies=("forest",), label="mean rank in the others")
    curves = by_family(pd.concat([replay_baselines(truth), told, pd.DataFrame(hidden)], ignore_index=True))
    title = f"{problem_type}, {metric.name} hidden"
    rows = [[n, *cells(values, COUNTS)] for n, values in sorted(curves.items(), key=lambda pair: -pair[1].mean())]
    counts = pd.Series(
        [chosen[task] for task, own in zip(known.task_ids, known.own, strict=True) if own]
    ).value_counts()
    return [
        Table(
            f"{title}: mean normalised regret in it after k evaluations",
            ["strategy", *(f"k={k}" for k in COUNTS)],
            rows,
            f"{int(known.own.sum())} tasks, {folds} folds over families, seeds: {options.seeds}; in brackets 95 % bootstrap "
            "intervals over families. *known*: learned from the metric itself; *stand-in*: from the known metric that "
            f"agrees most with it on made-up predictions ({', '.join(f'{n} on {c}' for n, c in counts.items())} tasks), "
            "results of the hidden one being told after each evaluation to those that learn from them (ensemble, blend); "
            "*mean rank*: from the mean over the other metrics of each configuration's rank. "
            "Lower is better.",
        ),
        paired(title, curves, PAIRS),
    ]


def _stand_ins(kb: KnowledgeBase, metric: Metric, table: PerformanceTable, allowed: Sequence[str]) -> dict[str, str]:
    """Return what stands in for the metric on each task, whose target is made up anew from the shares of its classes."""
    shares = kb.meta_feature_table.loc[list(table.task_ids), ["majority_fraction", "minority_fraction"]].to_numpy()
    found = {}
    for i, task_id in enumerate(table.task_ids):
        target, classes = _target(table.problem_type, int(table.sizes[i, 2]), *shares[i])
        scorer = partial(_measured, name=metric.name, problem_type=table.problem_type)
        own = Metric(f"hidden_{metric.name}", greater_is_better=True, scorer=scorer)
        asked = with_stand_ins(own, pd.DataFrame(index=range(len(target))), target, table.problem_type, classes)
        found[task_id] = next(name for name, _ in asked.stand_ins if name in allowed)
    return found


def _target(problem_type: ProblemType, n_classes: int, most: float, least: float) -> tuple[np.ndarray, Any]:
    rng = np.random.default_rng(0)
    if problem_type is ProblemType.REGRESSION:
        return rng.normal(size=N_ROWS), None
    kind = max(n_classes, 2)
    shares = np.linspace(most, least, kind) if np.isfinite(most + least) else np.ones(kind)
    counts = np.maximum((N_ROWS * shares / shares.sum()).astype(int), 2)
    return np.repeat(np.arange(kind), counts), np.arange(kind)


def _measured(model: Any, X: pd.DataFrame, y: np.ndarray, *, name: str, problem_type: ProblemType) -> float:
    """Measure a metric of ours, as a scorer would: the greater the better."""
    if problem_type is ProblemType.REGRESSION:
        value = score_numbers(y, model.predict(X))[name]
    else:
        value = score_classes(y, model.predict_proba(X), problem_type)[name]
    return -float(get_metric(name, problem_type).to_loss(value))


def _mean_ranks(tables: Sequence[PerformanceTable]) -> PerformanceTable:
    """Return a table whose losses are mean shares of configurations that are better, over several metrics."""
    first = tables[0]
    alike = [(t.task_ids, t.configurations) == (first.task_ids, first.configurations) for t in tables]
    if not all(alike):
        message = "The metrics were not measured on the same tasks and configurations. Expected a base of the builder."
        raise ValueError(message)
    ranks = [pd.DataFrame(t.losses).rank(axis=1, pct=True).to_numpy() for t in tables]
    return replace(
        first, losses=np.where(np.isinf(first.losses), np.inf, np.mean(ranks, axis=0)), units=np.ones(first.n_tasks)
    )


def _hidden(
    setting: Setting,
    chosen: Mapping[str, str],
    name: str,
    known: PerformanceTable,
    *,
    strategies: Sequence[str] = (*TOLD, *LEARNING),
    label: str = "stand-in",
) -> Iterator[dict[str, object]]:
    """Play on the tasks on which one metric stands in."""
    if name not in chosen.values():
        return
    place = {task_id: row for row, task_id in enumerate(known.task_ids)}
    columns = [setting.table.columns[c.id] for c in known.configurations]
    for fit in setting.fits:
        for strategy in (make(kind, fit.seed).fit_past(fit.past) for kind in strategies):
            for row in fit.left_out:
                task_id = setting.table.task_ids[row]
                if chosen.get(task_id) != name:
                    continue
                i = place[task_id]
                losses = np.full(len(setting.table.configurations), np.nan)
                losses[columns] = known.losses[i]
                order = _played(strategy, setting.table, row, losses)
                regrets = np.full(len(losses), np.nan)
                regrets[columns] = setting.regrets[i]
                reached = curve(regrets, order, LENGTH)
                about = {"task": task_id, "family": setting.table.families[row], "seed": fit.seed}
                yield about | {"strategy": f"{label}, {strategy.name}", "curve": reached, "improvability": reached}


def _played(strategy: Strategy, table: PerformanceTable, row: int, losses: np.ndarray) -> list[int]:
    """Let a strategy choose, telling it losses of the hidden metric."""
    past, tried = strategy.past_, list[int]()
    prior, allowed = past.prior(table.meta_features[row]), ~np.isnan(losses)
    about: dict[str, Any] = {"allowed": allowed, "prior": prior}
    if not strategy.learns_from_observations:
        query = past.query(table.meta_features[row], n=LENGTH, observed={}, **about)
        return strategy.rank(strategy.posterior(query))
    while len(tried) < min(LENGTH, int(allowed.sum())):
        columns = np.array(tried, dtype=np.intp)
        told = as_expected(losses[columns], columns, past.table.working, prior.weights)
        observed = dict(zip(tried, told.tolist(), strict=True))
        query = past.query(table.meta_features[row], n=1, observed=observed, **about)
        tried.append(strategy.rank(strategy.posterior(query))[0])
    return tried
