"""The greedy portfolio: configurations that complement one another over all past tasks."""

from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.strategy import Strategy

__all__ = ["Portfolio"]


class Portfolio(Strategy):
    """Recommend the same complementary configurations to every task: the bar for everything else."""

    name = "portfolio"

    def rank(self, posterior: Posterior) -> list[int]:
        """Order configurations, whatever the meta-features and results are."""
        return self.portfolio(posterior.query, self.past_.table.uniform)
