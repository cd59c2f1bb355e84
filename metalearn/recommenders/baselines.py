"""Plain strategies, to compare with: chance, the libraries' defaults, the average rank."""

import numpy as np
from scipy.stats import rankdata

from metalearn.models import get_model, model_names
from metalearn.recommenders.past import Query
from metalearn.recommenders.strategy import Strategy

__all__ = ["AverageRank", "LibraryDefaults", "RandomOrder"]


class RandomOrder(Strategy):
    """Recommend configurations in random order.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed of the order.
    """

    name = "random"

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task; only what it allows counts.

        Returns
        -------
        list of int
            Columns in random order.
        """
        return self.within(query, np.random.default_rng(self.random_state).permutation(len(query.allowed)))


class AverageRank(Strategy):
    """Recommend configurations by their mean rank over all past tasks.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.

    References
    ----------
    Brazdil, Soares. A comparison of ranking methods for classification algorithm selection. ECML, 2000.
    """

    name = "average_rank"

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task; only what it allows counts.

        Returns
        -------
        list of int
            Columns, best first.
        """
        ranks = self.past_.table.uniform @ rankdata(self.past_.table.completed_regrets, axis=1)
        return self.within(query, np.argsort(ranks, kind="stable"))


class LibraryDefaults(AverageRank):
    """Recommend the default configuration of each model family, by mean rank, and then the rest.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.
    """

    name = "default"

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task; only what it allows counts.

        Returns
        -------
        list of int
            Columns, best first.
        """
        table = self.past_.table
        known = [get_model(m) for m in set(table.models) & set(model_names())]
        defaults = {spec.default(table.problem_type).id for spec in known if spec.supports(table.problem_type)}
        ranks = table.uniform @ rankdata(table.completed_regrets, axis=1)
        is_other = np.array([c.id not in defaults for c in table.configurations])
        return self.within(query, np.lexsort((ranks, is_other)))
