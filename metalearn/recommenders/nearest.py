"""Nearest tasks: what won on the tasks whose meta-features are closest."""

import numpy as np

from metalearn.recommenders.past import Query
from metalearn.recommenders.strategy import Strategy

__all__ = ["NearestTasks"]


class NearestTasks(Strategy):
    """Recommend the best configurations of the nearest tasks, the nearest first, as auto-sklearn 1 does.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.

    References
    ----------
    Feurer et al. Efficient and robust automated machine learning. NeurIPS, 2015.
    """

    name = "nearest"

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task.

        Returns
        -------
        list of int
            Columns, best first; where all tasks agree, those with the least mean regret follow.
        """
        table = self.past_.table
        known = np.where(np.isfinite(table.meta_features), table.meta_features, self.past_.similarity.fill)
        asked = np.where(np.isfinite(query.meta_features), query.meta_features, self.past_.similarity.fill)
        low, high = known.min(axis=0), known.max(axis=0)
        distance = (np.abs(known - asked) / np.where(high > low, high - low, 1.0)).sum(axis=1)
        order = np.argsort(distance, kind="stable")
        best = np.nanargmin(table.losses[order[table.uniform[order] > 0]], axis=1)
        rest = np.argsort(table.uniform @ table.completed_regrets, kind="stable")
        return self.within(query, np.concatenate([best, rest]))
