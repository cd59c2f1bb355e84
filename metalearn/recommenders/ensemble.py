"""The task ensemble: choose by expected improvement over hypotheses that learn from every observation."""

from typing import ClassVar

import numpy as np

from metalearn.recommenders.past import Query
from metalearn.recommenders.posterior import posterior
from metalearn.recommenders.strategy import Strategy

__all__ = ["TaskAnalogies", "TaskEnsemble"]

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
    from_errors: ClassVar[bool] = True

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
            return self.choose_from_past(query, query.weights)
        members, weights = posterior(self.past_, query, from_errors=self.from_errors)
        best = float(query.values.min())  # a number of numpy would make everything double and half as fast
        low = np.minimum(members.min(axis=1), best)
        spread = np.maximum(members.max(axis=1) - low, _LEAST_SPREAD)
        regrets = (members - low[:, None]) / spread[:, None]
        return self.choose(query, regrets, weights, reached=(best - low) / spread)


class TaskAnalogies(TaskEnsemble):
    """Do the same with past tasks themselves as hypotheses, which pays where they are many and little is measured.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.
    """

    name = "analogies"
    from_errors = False
