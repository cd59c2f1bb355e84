"""The blend: whichever strategy does best on left-out families, with the figures that say so."""

from typing import Any, Self

import numpy as np

from metalearn.recommenders.ensemble import TaskAnalogies, TaskEnsemble
from metalearn.recommenders.forest import ForestPortfolio
from metalearn.recommenders.nearest import NearestTasks
from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.portfolio import Portfolio
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.simulation import curve, family_folds, play
from metalearn.recommenders.state import Arrays, as_bytes, from_bytes
from metalearn.recommenders.strategy import Strategy
from metalearn.task import Metric

__all__ = ["Blend"]

_STRATEGIES: dict[str, type[Strategy]] = {
    kind.name: kind for kind in (Portfolio, NearestTasks, ForestPortfolio, TaskEnsemble, TaskAnalogies)
}
_USUAL = {"list": ForestPortfolio.name, "feedback": TaskEnsemble.name}
"""What is used unless another strategy is clearly better: the best on the public matrices."""

_COUNTS = (1, 3, 5, 10)
_FOLDS = 10
_MOST_TASKS = 50
"""So many past tasks, drawn at random, decide: more would hardly change the choice."""


class Blend(Strategy):
    """Choose the strategy by leave-family-out validation: one for lists, one for going on from observations.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.
    evidence : dict or None, default=None
        What an earlier validation on the same knowledge found; None validates.

    Attributes
    ----------
    evidence_ : dict
        ``list`` and ``feedback``, each with the ``chosen`` strategy, the mean ``regret`` of every strategy after 1, 3,
        5 and 10 evaluations, and the standard ``error`` of its difference to the static portfolio. Chosen is the usual
        strategy, unless another's mean is lower by more than one standard error of their difference.

    References
    ----------
    Breiman, Friedman, Olshen, Stone. Classification and regression trees, section 3.4.3. Wadsworth, 1984.
    """

    name = "blend"
    learns_from_observations = True

    evidence_: dict[str, Any]

    def __init__(
        self, *, metric: Metric | None = None, random_state: int = 0, evidence: dict[str, Any] | None = None
    ) -> None:
        super().__init__(metric=metric, random_state=random_state)
        self.evidence = evidence

    def fit_past(self, past: PastTasks) -> Self:
        """Choose by validation on the past tasks.

        Parameters
        ----------
        past : PastTasks
            What was learned of them already.

        Returns
        -------
        Blend
            Itself, able to rank.
        """
        return self._use(past, self.evidence or _validate(past, self.random_state))

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task and what was observed on it.

        Returns
        -------
        list of int
            Columns, best first.
        """
        return self._chosen["feedback" if len(query.columns) else "list"].rank(query)

    def to_arrays(self) -> Arrays:
        """Return the fitted state as plain arrays.

        Returns
        -------
        dict of str to ndarray
            For :meth:`from_arrays`.
        """
        return super().to_arrays() | {"evidence": as_bytes(self.evidence_)}

    def restore(self, past: PastTasks, arrays: Arrays) -> Self:
        """Take over a fitted state.

        Parameters
        ----------
        past : PastTasks
            What was learned of the past tasks.
        arrays : dict of str to ndarray
            What :meth:`to_arrays` returned.

        Returns
        -------
        Blend
            Itself.
        """
        return self._use(past, from_bytes(arrays["evidence"]))

    def _use(self, past: PastTasks, evidence: dict[str, Any]) -> Self:
        self.past_, self.evidence_ = past, evidence
        self._chosen = {use: _STRATEGIES[found["chosen"]]().fit_past(past) for use, found in evidence.items()}
        return self


def _validate(past: PastTasks, random_state: int) -> dict[str, Any]:
    """Compare the strategies on past tasks as if they were new: without their families and the trees that know them."""
    table, n = past.table, max(_COUNTS)
    families = np.array(table.families)
    if len(set(table.families)) < 2:  # noqa: PLR2004 - nothing is left to learn from
        return {"list": {"chosen": Portfolio.name}, "feedback": {"chosen": TaskEnsemble.name}}
    rows = np.random.default_rng(random_state).permutation(np.flatnonzero(table.judging))[:_MOST_TASKS]
    learned = dict(zip(rows, past.similarity.left_out(families, rows), strict=True))
    found: dict[str, dict[str, list[Any]]] = {use: {name: [] for name in _STRATEGIES} for use in ("list", "feedback")}
    for kept, left_out in family_folds(table, _FOLDS, random_state=random_state):
        others = past.take(kept)
        strategies = [kind().fit_past(others) for kind in _STRATEGIES.values()]
        for i in np.intersect1d(left_out, rows):
            weights = learned[i][kept]
            prior = others.prior(table.meta_features[i], weights / max(float(weights.sum()), 1e-12))
            for strategy in strategies:
                order = play(
                    strategy, table.meta_features[i], table.losses[i], n, unit=float(table.units[i]), prior=prior
                )
                reached = curve(table.regrets[i], order, n)[np.array(_COUNTS) - 1]
                found["feedback" if strategy.learns_from_observations else "list"][strategy.name].append(reached)
    found["feedback"] |= {name: curves for name, curves in found["list"].items() if curves}
    return {use: _summary({k: v for k, v in curves.items() if v}, _USUAL[use]) for use, curves in found.items()}


def _summary(curves: dict[str, list[Any]], usual: str) -> dict[str, Any]:
    regret = {name: np.array(found) for name, found in curves.items()}
    behind, error = _difference(regret, usual)
    clear = [name for name in regret if name == usual or behind[name] < -error[name]]
    return {
        "chosen": min(clear, key=behind.__getitem__),
        "counts": list(_COUNTS),
        "n_tasks": len(next(iter(regret.values()))),
        "regret": {name: found.mean(axis=0).round(5).tolist() for name, found in regret.items()},
        "error": _difference(regret, Portfolio.name)[1],
    }


def _difference(regret: dict[str, FloatArray], other: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return by how much each strategy's mean is above another's, and the standard errors."""
    gaps = {name: (found - regret[other]).mean(axis=1) for name, found in regret.items()}
    errors = {name: round(float(gap.std() / np.sqrt(len(gap))), 5) for name, gap in gaps.items()}
    return {name: float(gap.mean()) for name, gap in gaps.items()}, errors
