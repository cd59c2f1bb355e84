"""The library defaults, to compare with."""

import numpy as np
from scipy.stats import rankdata

from metalearn.models import get_model, model_names
from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.strategy import Strategy

__all__ = ["LibraryDefaults"]


class LibraryDefaults(Strategy):
    """Recommend the default configuration of each model family, by mean rank over past tasks, and then the rest."""

    name = "default"

    def rank(self, posterior: Posterior) -> list[int]:
        """Order configurations, whatever the meta-features and results are."""
        table = self.past_.table
        known = [get_model(m) for m in set(table.models) & set(model_names())]
        defaults = {spec.default(table.problem_type).id for spec in known if spec.supports(table.problem_type)}
        ranks = table.uniform @ rankdata(table.completed_regrets, axis=1)
        is_other = np.array([c.id not in defaults for c in table.configurations])
        return self.within(posterior.query, np.lexsort((ranks, is_other)))
