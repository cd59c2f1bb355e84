"""The greedy portfolio: configurations that complement one another over all past tasks."""

from metalearn.recommenders.past import Query
from metalearn.recommenders.strategy import Strategy

__all__ = ["Portfolio"]


class Portfolio(Strategy):
    """Recommend the same complementary configurations to every task: the bar for everything else.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.

    References
    ----------
    Wistuba, Schilling, Schmidt-Thieme. Sequential model-free hyperparameter tuning. ICDM, 2015.
    """

    name = "portfolio"

    def rank(self, query: Query) -> list[int]:
        """Order configurations for a new task.

        Parameters
        ----------
        query : Query
            The new task; its meta-features are not looked at.

        Returns
        -------
        list of int
            Columns, best first.
        """
        return self.choose_from_past(query, self.past_.table.uniform)
