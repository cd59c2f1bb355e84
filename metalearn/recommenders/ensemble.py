"""Choose by expected improvement over hypotheses that learn from every result."""

from typing import ClassVar

from metalearn.recommenders.past import Query
from metalearn.recommenders.posterior import Posterior
from metalearn.recommenders.strategy import Strategy

__all__ = ["TaskAnalogies", "TaskEnsemble"]


class TaskEnsemble(Strategy):
    """Choose by the greatest expected improvement over hypotheses: prediction plus past error."""

    name = "ensemble"
    learns_from_observations = True
    from_errors: ClassVar[bool] = True

    def posterior(self, query: Query) -> Posterior:
        """Return what is expected of a new task, given the results on it so far."""
        return Posterior(self.past_, query, self.from_errors)


class TaskAnalogies(TaskEnsemble):
    """Do the same with past tasks themselves as hypotheses, which pays where they are many and little is measured."""

    name = "analogies"
    from_errors = False
