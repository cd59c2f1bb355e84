"""YAHPO Gym: tune surrogates of real problems, knowing a design on other instances of the same scenario."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from inference import AGAINST, AGAINST_NOTE, against, band, by_family, cells, mean_ranks
from options import Options
from protocol import Array
from public_data import data_folder
from report import Plot, Report, Table

from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender
from metalearn.recommenders.joint_space import JointSpace
from metalearn.recommenders.proposals import FIRST, believe, keeps_to_list, neighbourhood
from metalearn.space import Configuration, SearchSpace
from metalearn.task import Metric, ProblemType
from suites.public import TASKS

METRIC = Metric("loss", greater_is_better=False, optimum=0.0)
MODEL = "model"
MOST_OTHERS = 20
OURS, RANDOM = "list and new points", "random"
SERVER = Path(__file__).parents[1] / "yahpo_server.py"

Ask = Callable[..., Any]


def run(options: Options) -> Report:
    """Tune every instance of the suite."""
    facts: dict[str, Any] = yaml.safe_load((TASKS / "yahpo.yaml").read_text(encoding="utf-8"))
    folder = data_folder(options, facts)
    if options.yahpo is None:
        sys.exit(
            "The Python that runs YAHPO Gym is not named. Expected that of an environment of its own, since the package "
            "needs an older numpy. Make one (python -m venv DIR; DIR/bin/pip install yahpo-gym) and name it: --yahpo DIR/bin/python."
        )
    few = {**facts, **facts["quick"]} if options.quick else facts
    rows = []
    with server(options.yahpo, folder) as ask:
        for instance in ask("suite")[: few.get("instances")]:
            rows += list(
                on_instance(ask, str(instance["scenario"]), str(instance["instance"]), instance["target"], few)
            )
    return _report(pd.DataFrame(rows), few["trials"], facts)


@contextmanager
def server(python: Path, data: Path) -> Iterator[Ask]:
    """Start YAHPO Gym in its own Python, and yield the function that asks it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), str(SERVER), str(data), str(Path(folder) / "settings.yaml")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603

            def ask(method: str, *arguments: object) -> Any:
                print(json.dumps([method, *arguments]), file=process.stdin, flush=True)
                line = process.stdout.readline()
                answer = json.loads(line) if line else {"error": "it ended"}
                if "error" in answer:
                    sys.exit(
                        f"YAHPO Gym cannot answer {method!r} ({answer['error']}). Expected its data in {data}. Check both."
                    )
                return answer["found"]

            yield ask
            process.stdin.close()


def on_instance(ask: Ask, scenario: str, instance: str, target: str, facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each participant's regret after every trial on one instance."""
    about = ask("space", scenario)
    space = SearchSpace.from_dict(about["space"])

    def measure(configurations: Sequence[Configuration], where: str = instance) -> Array:
        return np.array(ask("losses", scenario, where, target, [dict(c.params) for c in configurations]))

    reference = measure(_random(space, facts["reference"], seed=-1))
    best, worst = reference.min(), reference.max()
    others = [i for i in about["instances"] if str(i) != instance][:MOST_OTHERS]
    design = [Configuration(MODEL, params) for params in space.sobol(facts["design"])]
    known = np.array([measure(design, other) for other in others]).reshape(len(others), len(design))
    lowest = min([best, *known.ravel()])  # the scale of losses begins at 0
    past = _past(design, known - lowest) if len(others) else None
    for seed in range(facts["repeats"]):
        found = {RANDOM: measure(_random(space, facts["trials"], seed=seed))}
        if past is not None:
            found[OURS] = tune(past, space, lambda c: float(measure([c])[0]), facts["trials"], lowest=lowest, seed=seed)
        for name, losses in found.items():
            curve = np.minimum.accumulate((losses - best) / max(worst - best, 1e-12))
            yield {"family": f"{scenario}/{instance}", "strategy": name, "seed": seed, "curve": curve}


def _random(space: SearchSpace, n: int, *, seed: int) -> list[Configuration]:
    generator = np.random.default_rng(seed + 1)
    return [Configuration(MODEL, params) for params in space.random(n, random_state=generator)]


def _past(design: Sequence[Configuration], losses: Array) -> PastTasks:
    names = tuple(f"instance {i}" for i in range(len(losses)))
    table = PerformanceTable(
        metric=METRIC,
        problem_type=ProblemType.REGRESSION,
        configurations=tuple(design),
        task_ids=names,
        task_names=names,
        families=names,
        sizes=np.ones((len(losses), 3)),
        meta_feature_names=(),
        meta_features=np.empty((len(losses), 0)),
        losses=losses,
        seconds=np.full(losses.shape, np.nan),
        units=np.maximum(np.median(losses, axis=1), 1e-12),
        own=np.ones(len(names), dtype=bool),
    )
    return PastTasks.fit(table)


def tune(
    past: PastTasks,
    space: SearchSpace,
    measure: Callable[[Configuration], float],
    n: int,
    *,
    lowest: float = 0.0,
    seed: int = 0,
) -> Array:
    """Return the losses that the advisor's rule finds in one space, one trial after the other."""
    joint, table = JointSpace({MODEL: space}), past.table
    strategy = get_recommender("ensemble")().fit_past(past)
    prior, tried, found = past.prior(np.empty(0)), {}, []
    unit = float(np.median(table.units))
    while len(tried) < n:
        observed = {table.columns[c.id]: loss for c, loss in tried.items() if c.id in table.columns}
        allowed = np.ones(len(table.configurations), dtype=bool)
        query = past.query(np.empty(0), n=1, observed=observed, allowed=allowed, unit=unit, prior=prior)
        posterior = strategy.posterior(query)
        following = strategy.rank(posterior)
        chosen = table.configurations[following[0]] if following else None
        if len(tried) >= FIRST or chosen is None:
            belief = believe(posterior, tried, joint)
            points = neighbourhood(joint, belief.leaders, np.random.default_rng([seed, len(tried)]))
            worth = belief.surrogate.look(points.family, joint.embed(points)).improvement(belief.least)
            new = joint.decode(points, int(worth.argmax()))
            n_new = len(tried) - len(observed)
            if new not in tried and (
                chosen is None
                or not keeps_to_list(belief.gains[following[0]], float(worth.max()), n_new=n_new, n_tried=len(tried))
            ):
                chosen = new
        if chosen is None:
            chosen = _random(space, 1, seed=seed + len(tried))[0]
        loss = measure(chosen)
        found.append(loss)
        tried[chosen] = max(loss - lowest, 0.0)
    return np.array(found)


def _report(rows: pd.DataFrame, trials: int, facts: dict[str, Any]) -> Report:
    curves = by_family(rows)
    counts = [k for k in (1, 5, 10, 25, 50, 100) if k <= trials]
    ranks, p, critical = mean_ranks({name: found[:, -1] for name, found in curves.items()})
    n, title = rows["family"].nunique(), f"YAHPO Gym: {rows['family'].nunique()} instances"
    return Report(
        "yahpo",
        title,
        facts["source"],
        [
            Table(
                "Mean normalised regret after k trials",
                ["participant", *(f"k={k}" for k in counts)],
                [[name, *cells(found, counts)] for name, found in curves.items()],
                f"{n} instances, {rows['seed'].nunique()} repetitions; 0 and 1 are the best and the worst of random "
                "configurations, so a regret can be negative. In brackets 95 % bootstrap intervals over instances.",
            ),
            Table(f"{OURS}, less the others", AGAINST, against(curves, OURS, counts), AGAINST_NOTE),
            Table(
                "Published final regrets, on another scale and with budgets of their own",
                ["method", "regret"],
                [[name, value] for name, value in facts["published"].items()],
            ),
        ],
        [
            Plot(title, curves={name: band(found) for name, found in curves.items()}),
            Plot(
                f"Mean ranks after {trials} trials (Friedman p = {p:.1e}; display only)", ranks=ranks, critical=critical
            ),
        ],
    )
