"""The ranking model: predict regret from the features of a configuration and of a table."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.past import PastTasks, Query
from metalearn.recommenders.scale import FloatArray
from metalearn.recommenders.state import Arrays
from metalearn.recommenders.strategy import Strategy
from metalearn.space import Configuration

__all__ = ["ConfigurationRanking", "configuration_features"]

_ROUNDS = 200
_FEWEST_ROWS = 20


class ConfigurationRanking(Strategy):
    """Rank configurations by a LightGBM model of regret over configuration features and meta-features.

    Parameters
    ----------
    metric : Metric or None, default=None
        What is to be improved; None takes the problem type's default.
    random_state : int, default=0
        Seed.

    Notes
    -----
    Unlike the others it predicts regret of configurations that nobody ran: see :func:`configuration_features`.
    """

    name = "ranking"

    def fit_past(self, past: PastTasks) -> Self:
        """Fit the model on all results.

        Parameters
        ----------
        past : PastTasks
            What was learned of the past tasks already.

        Returns
        -------
        ConfigurationRanking
            Itself, able to rank.
        """
        import lightgbm  # noqa: PLC0415 - slow to import

        table = past.table
        rows, columns = np.nonzero(~np.isnan(table.regrets))
        features = np.column_stack([configuration_features(table.configurations)[columns], table.meta_features[rows]])
        parameters = {
            "objective": "regression",
            "num_leaves": 31,
            "learning_rate": 0.1,
            "min_data_in_leaf": _FEWEST_ROWS,
            "feature_fraction": 0.5,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "seed": self.random_state,
            "num_threads": 1,
            "deterministic": True,
            "verbose": -1,
        }
        data = lightgbm.Dataset(features, np.sqrt(table.regrets[rows, columns]))
        return self._use(past, lightgbm.train(parameters, data, _ROUNDS))

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
        repeated = np.broadcast_to(query.meta_features, (len(self._features), len(query.meta_features)))
        predicted = self._model.predict(np.column_stack([self._features, repeated]), num_threads=1)
        return self.within(query, np.argsort(predicted, kind="stable"))

    def to_arrays(self) -> Arrays:
        """Return the fitted state as plain arrays.

        Returns
        -------
        dict of str to ndarray
            For :meth:`from_arrays`.
        """
        text = self._model.model_to_string()
        return super().to_arrays() | {"model": np.frombuffer(text.encode(), dtype=np.uint8)}

    def restore(self, past: PastTasks, arrays: Arrays) -> Self:
        """Take over a fitted state.

        Parameters
        ----------
        past : PastTasks
            What was learned of the past tasks.
        arrays : dict of str to ndarray
            What :meth:`to_arrays` returned.

        Returns
        -------
        ConfigurationRanking
            Itself.
        """
        import lightgbm  # noqa: PLC0415 - slow to import

        return self._use(past, lightgbm.Booster(model_str=arrays["model"].tobytes().decode()))

    def _use(self, past: PastTasks, model: Any) -> Self:
        self.past_, self._model = past, model
        self._features = configuration_features(past.table.configurations)
        return self


def configuration_features(configurations: tuple[Configuration, ...]) -> FloatArray:
    """Describe configurations by numbers: the family, and one column for each parameter of each family.

    Parameters
    ----------
    configurations : tuple of Configuration
        The configurations.

    Returns
    -------
    ndarray of shape (n_configurations, n_columns)
        Text values as codes in alphabetical order; NaN where a configuration does not have a parameter.
    """
    models = sorted({c.model for c in configurations})
    names = sorted({(c.model, name) for c in configurations for name in c.params})
    found: npt.NDArray[np.float64] = np.full((len(configurations), 1 + len(names)), np.nan)
    found[:, 0] = [models.index(c.model) for c in configurations]
    for column, (model, name) in enumerate(names, start=1):
        values = [c.params.get(name) if c.model == model else None for c in configurations]
        texts = sorted({v for v in values if isinstance(v, str)})
        for row, value in enumerate(values):
            if value is not None:
                found[row, column] = texts.index(value) if isinstance(value, str) else float(value)
    return found
