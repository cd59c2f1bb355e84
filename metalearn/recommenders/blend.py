"""The default recommender: chosen by leave-family-out validation, with the figures behind the choice."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.ensemble import TaskAnalogies, TaskEnsemble
from metalearn.recommenders.forest import ForestPortfolio
from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.portfolio import Portfolio
from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.simulation import curve, family_folds, play
from metalearn.recommenders.state import Arrays, as_bytes, from_bytes
from metalearn.recommenders.strategy import Strategy
from metalearn.recommenders.table import PerformanceTable
from metalearn.task import Metric

__all__ = ["Blend"]

_STRATEGIES: dict[str, tuple[type[Strategy], ...]] = {
    "list": (ForestPortfolio, Portfolio),
    "feedback": (TaskEnsemble, TaskAnalogies),
}
"""For each use the usual strategy, the best on the public matrices, and what replaces it where it is clearly better."""

_COUNTS = (1, 3, 5, 10)
_FOLDS = 10
_MOST_FAMILIES = 50
"""A task each of so many families, drawn at random, decides: more would hardly change the choice."""


class Blend(Strategy):
    """Choose by leave-family-out validation how a list is made, and how results change it."""

    name = "blend"
    learns_from_observations = True

    evidence_: dict[str, Any]

    def __init__(
        self, *, metric: Metric | None = None, random_state: int = 0, evidence: dict[str, Any] | None = None
    ) -> None:
        super().__init__(metric=metric, random_state=random_state)
        self.evidence = evidence

    def fit_past(self, past: PastTasks) -> Self:
        """Choose by validation on the past tasks."""
        return self._use(past, self.evidence or _validate(past, self.random_state))

    def posterior(self, query: Query) -> Posterior:
        """Return what is expected of a new task; the hypotheses after the first result are as chosen."""
        return self._chosen["list" if np.isnan(query.best) else "feedback"].posterior(query)

    def rank(self, posterior: Posterior) -> list[int]:
        """Order the configurations as the chosen strategy does."""
        return self._chosen["list" if np.isnan(posterior.query.best) else "feedback"].rank(posterior)

    def to_arrays(self) -> Arrays:
        """Return the fitted state, the evidence included, as plain arrays."""
        return super().to_arrays() | {"evidence": as_bytes(self.evidence_)}

    def restore(self, past: PastTasks, arrays: Arrays) -> Self:
        """Take over a fitted state without validating again."""
        return self._use(past, from_bytes(arrays["evidence"]))

    def _use(self, past: PastTasks, evidence: dict[str, Any]) -> Self:
        self.past_, self.evidence_ = past, evidence
        self._chosen = {}
        for use, kinds in _STRATEGIES.items():  # evidence of an earlier version may name what is no longer chosen from
            chosen = next((kind for kind in kinds if kind.name == evidence[use]["chosen"]), kinds[0])
            self._chosen[use] = chosen().fit_past(past)
        return self


def _validate(past: PastTasks, random_state: int) -> dict[str, Any]:
    """Compare the strategies on past tasks as if they were new: without their families and the trees that know them."""
    table, n = past.table, max(_COUNTS)
    if len(np.unique(table.family)) < 2:  # noqa: PLR2004 - nothing is left to learn from
        return {"list": {"chosen": Portfolio.name}, "feedback": {"chosen": TaskEnsemble.name}}
    rows = _one_of_each_family(table, random_state)
    learned = dict(zip(rows, past.similarity.left_out(rows), strict=True))
    found: dict[str, dict[str, list[Any]]] = {
        use: {kind.name: [] for kind in kinds} for use, kinds in _STRATEGIES.items()
    }
    for kept, left_out in family_folds(table, _FOLDS, random_state=random_state):
        others = past.take(kept)
        strategies = {use: [kind().fit_past(others) for kind in kinds] for use, kinds in _STRATEGIES.items()}
        for i in np.intersect1d(left_out, rows):
            weights = learned[i][kept]
            features, losses, unit = table.meta_features[i], table.losses[i], float(table.units[i])
            prior = others.prior(features, weights / max(float(weights.sum()), 1e-12))
            for use, some in strategies.items():
                for strategy in some:
                    order = play(strategy, features, losses, n, unit=unit, prior=prior)
                    found[use][strategy.name].append(curve(table.regrets[i], order, n)[np.array(_COUNTS) - 1])
    static = np.array(found["list"][Portfolio.name])
    return {use: _summary(curves, static) for use, curves in found.items()}


def _one_of_each_family(table: PerformanceTable, random_state: int) -> npt.NDArray[np.intp]:
    """Draw families with a task that can judge a choice, and one such task of each."""
    judging = np.flatnonzero(table.judging)
    family = table.family[judging]
    _, first = np.unique(family, return_index=True)
    drawn = np.random.default_rng(random_state).permutation(family[np.sort(first)])[:_MOST_FAMILIES]
    pick = np.random.default_rng([random_state, 1]).random(len(drawn))
    members = [judging[family == one] for one in drawn]
    return np.array([some[int(p * len(some))] for some, p in zip(members, pick, strict=True)])


def _summary(curves: dict[str, list[Any]], static: FloatArray) -> dict[str, Any]:
    """Choose among strategies by their curves, the usual one first; `static` are the curves of the portfolio."""
    regret = {name: np.array(found) for name, found in curves.items()}
    usual = next(iter(regret))
    behind, error = _difference(regret, regret[usual])
    clear = [name for name in regret if name == usual or behind[name] < -error[name]]
    return {
        "chosen": min(clear, key=behind.__getitem__),
        "counts": list(_COUNTS),
        "n_tasks": len(regret[usual]),
        "regret": {name: found.mean(axis=0).round(5).tolist() for name, found in regret.items()},
        "error": _difference(regret, static)[1],
    }


def _difference(regret: dict[str, FloatArray], other: FloatArray) -> tuple[dict[str, float], dict[str, float]]:
    """Return by how much each strategy's mean is above another's, and the standard errors."""
    gaps = {name: (found - other).mean(axis=1) for name, found in regret.items()}
    errors = {name: round(float(gap.std() / np.sqrt(len(gap))), 5) for name, gap in gaps.items()}
    return {name: float(gap.mean()) for name, gap in gaps.items()}, errors
