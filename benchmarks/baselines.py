"""Strategies that serve only for comparison: chance, mean ranks, nearest tasks, a LightGBM model of regret."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy.stats import rankdata

from metalearn.recommenders import PastTasks, Strategy
from metalearn.recommenders.posterior import Posterior
from metalearn.space import Configuration

ROUNDS = 200
FEWEST_ROWS = 20


class RandomOrder(Strategy):
    """Recommend configurations in random order."""

    name = "random"

    def rank(self, posterior: Posterior) -> list[int]:
        """Order configurations at random."""
        query = posterior.query
        return self.within(query, np.random.default_rng(self.random_state).permutation(len(query.allowed)))


class AverageRank(Strategy):
    """Recommend configurations by their mean rank over all past tasks (Brazdil, Soares, ECML 2000)."""

    name = "average_rank"

    def rank(self, posterior: Posterior) -> list[int]:
        """Order configurations by mean rank."""
        ranks = self.past_.table.uniform @ rankdata(self.past_.table.completed_regrets, axis=1)
        return self.within(posterior.query, np.argsort(ranks, kind="stable"))


class NearestTasks(Strategy):
    """Recommend the best configurations of the nearest tasks, the nearest first, as auto-sklearn 1 does (NeurIPS 2015).

    Where all tasks agree, the configurations with the least mean regret follow.
    """

    name = "nearest"

    def rank(self, posterior: Posterior) -> list[int]:
        """Order configurations by the distance of the tasks on which they won."""
        table, query, fill = self.past_.table, posterior.query, self.past_.similarity.fill
        known = np.where(np.isfinite(table.meta_features), table.meta_features, fill)
        asked = np.where(np.isfinite(query.meta_features), query.meta_features, fill)
        low, high = known.min(axis=0), known.max(axis=0)
        distance = (np.abs(known - asked) / np.where(high > low, high - low, 1.0)).sum(axis=1)
        order = np.argsort(distance, kind="stable")
        _, first = np.unique(table.family[order], return_index=True)
        order = order[np.sort(first)]  # a family counts once
        best = np.nanargmin(table.losses[order[table.uniform[order] > 0]], axis=1)
        rest = np.argsort(table.uniform @ table.completed_regrets, kind="stable")
        return self.within(query, np.concatenate([best, rest]))


class ConfigurationRanking(Strategy):
    """Rank configurations by a LightGBM model of regret over configuration features and meta-features."""

    name = "ranking"

    def fit_past(self, past: PastTasks) -> Self:
        """Fit the model on all results."""
        import lightgbm  # noqa: PLC0415 - slow to import

        table = past.table
        rows, columns = np.nonzero(~np.isnan(table.regrets))
        self.features_ = configuration_features(table.configurations)
        features = np.column_stack([self.features_[columns], table.meta_features[rows]])
        parameters: dict[str, Any] = {
            "objective": "regression",
            "num_leaves": 31,
            "learning_rate": 0.1,
            "min_data_in_leaf": FEWEST_ROWS,
            "feature_fraction": 0.5,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "seed": self.random_state,
            "num_threads": 1,
            "deterministic": True,
            "verbose": -1,
        }
        data = lightgbm.Dataset(features, np.sqrt(table.regrets[rows, columns]))
        self.model_ = lightgbm.train(parameters, data, ROUNDS)
        return super().fit_past(past)

    def rank(self, posterior: Posterior) -> list[int]:
        """Order configurations by predicted regret."""
        query = posterior.query
        repeated = np.broadcast_to(query.meta_features, (len(self.features_), len(query.meta_features)))
        predicted = self.model_.predict(np.column_stack([self.features_, repeated]))
        return self.within(query, np.argsort(predicted, kind="stable"))


def configuration_features(configurations: Sequence[Configuration]) -> np.ndarray:
    """Describe configurations by numbers: the family, and one column for each parameter of each family.

    Text values are codes in alphabetical order; NaN stands where a configuration does not have a parameter.
    """
    models = sorted({c.model for c in configurations})
    names = sorted({(c.model, name) for c in configurations for name in c.params})
    found = np.full((len(configurations), 1 + len(names)), np.nan)
    found[:, 0] = [models.index(c.model) for c in configurations]
    for column, (model, name) in enumerate(names, start=1):
        values = [c.params.get(name) if c.model == model else None for c in configurations]
        texts = sorted({v for v in values if isinstance(v, str)})
        for row, value in enumerate(values):
            if value is not None:
                found[row, column] = texts.index(value) if isinstance(value, str) else float(value)
    return found


BASELINES: dict[str, type[Strategy]] = {
    kind.name: kind for kind in (RandomOrder, AverageRank, NearestTasks, ConfigurationRanking)
}
