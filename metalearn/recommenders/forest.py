"""The forest-weighted portfolio: configurations that complement one another over similar tasks."""

from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.strategy import Strategy

__all__ = ["ForestPortfolio"]


class ForestPortfolio(Strategy):
    """Recommend a greedy portfolio in which past tasks count by their learned similarity."""

    name = "forest"

    def rank(self, posterior: Posterior) -> list[int]:
        """Order configurations; of the results only the configurations tried count."""
        return self.portfolio(posterior.query, posterior.query.weights)
