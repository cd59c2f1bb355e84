"""The forest-weighted portfolio: configurations that complement one another over similar tasks."""

from metalearn.recommenders.past import Query
from metalearn.recommenders.strategy import Strategy

__all__ = ["ForestPortfolio"]


class ForestPortfolio(Strategy):
    """Recommend a greedy portfolio in which past tasks count by their learned similarity.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.
    """

    name = "forest"

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task.

        Returns
        -------
        list of int
            Columns, best first.
        """
        return self.choose_from_past(query, query.weights)
