"""The task ensemble: choose by expected improvement over hypotheses that learn from every observation."""

import numpy as np

from metalearn.recommenders.posterior import posterior
from metalearn.recommenders.past import Query
from metalearn.recommenders.strategy import Strategy

__all__ = ["TaskEnsemble"]

_LEAST_SPREAD = 1e-3


class TaskEnsemble(Strategy):
    """Choose by the greatest expected improvement over an ensemble that learns from every observation.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.
    """

    name = "ensemble"
    learns_from_observations = True

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
        if not len(query.columns):
            return self.choose(query, self.past_.table.completed_regrets, query.weights)
        members, weights = posterior(self.past_, query)
        best = query.values.min()
        low = np.minimum(members.min(axis=1), best)
        spread = np.maximum(members.max(axis=1) - low, _LEAST_SPREAD)
        regrets = (members - low[:, None]) / spread[:, None]
        return self.choose(query, regrets, weights, reached=(best - low) / spread)
