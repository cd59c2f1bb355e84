"""Which configurations are run, and how long they will take."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from metalearn.api import usable_models
from metalearn.builder import Limits
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.fitted_recommenders import bundled_knowledge_base
from metalearn.models import get_model
from metalearn.recommenders import PerformanceTable
from metalearn.recommenders.cost import CostModel
from metalearn.recommenders.selection import greedy
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

__all__ = ["Choice"]

_PORTFOLIO = "portfolio:"
_WHOLE = "all"
_MARGIN = 5.0


class Choice:
    """Hold the configurations that are asked for, by problem type."""

    def __init__(self, asked: str | Path | Sequence[Configuration]) -> None:
        self._listed: tuple[Configuration, ...] | None = None
        self._n: int | None = None
        self._found: dict[ProblemType, tuple[Configuration, ...]] = {}
        text = str(asked)
        if not isinstance(asked, str | Path):
            self._listed = tuple(asked)
        elif text.startswith(_PORTFOLIO):
            number = text.removeprefix(_PORTFOLIO)
            self._n = int(number) if number.isdecimal() else 0
            if not self._n:
                message = f"{text!r} names no portfolio. Expected a number, such as 'portfolio:30'. Correct the number."
                raise InvalidInputError(message)
        elif text != _WHOLE:
            self._listed = _read_configurations(Path(asked))
        for configuration in self._listed or ():
            get_model(configuration.model)  # an unknown one is refused before anything is read

    def of(self, problem_type: ProblemType) -> tuple[Configuration, ...]:
        """Return those that fit a problem type and whose package is installed."""
        if problem_type not in self._found:
            models, _ = usable_models(None, problem_type)
            if self._listed is None:
                found = _portfolio(problem_type, models, self._n)
            else:
                found = [c for c in self._listed if get_model(c.model).name in models]
                for configuration in found:
                    get_model(configuration.model).build(configuration, problem_type)
            self._found[problem_type] = tuple(dict.fromkeys(found))
        return self._found[problem_type]

    def seconds(self, task: Task, limits: Limits) -> npt.NDArray[np.float64]:
        """Predict what evaluating each configuration on a task takes, from what fits took on past tasks."""
        table, found = _past(task.problem_type), self.of(task.problem_type)
        new = [c for c in found if c.id not in table.columns]  # of these the family is known at best
        unknown = np.full((table.n_tasks, len(new)), np.nan)
        models = np.concatenate([table.models, np.array([c.model for c in new], dtype=str)])
        cost = CostModel.fit(table.sizes, np.hstack([table.seconds, unknown]), models, table.equal)
        size = np.array([task.n_rows_used, task.n_features, task.n_classes], dtype=float)
        columns = {c.id: j for j, c in enumerate((*table.configurations, *new))}
        one = cost.predict(size)[[columns[c.id] for c in found]]
        cut = np.minimum(one, 2 * limits.fit_seconds + _MARGIN)
        return np.where(one > limits.fit_seconds, cut, one * limits.n_run)


@cache
def _past(problem_type: ProblemType) -> PerformanceTable:
    return PerformanceTable.from_knowledge_base(bundled_knowledge_base().subset(problem_type=problem_type))


def _portfolio(problem_type: ProblemType, models: Sequence[str], n: int | None) -> list[Configuration]:
    """Return what complements one another best over the tables of the bundled knowledge base."""
    table = _past(problem_type)
    n = len(table.configurations) if n is None else n
    weights = np.full(table.n_tasks, 1 / table.n_tasks)
    columns = greedy(table.completed_regrets, weights, n, allowed=table.allowed(models))
    return [table.configurations[j] for j in columns]


def _read_configurations(path: Path) -> tuple[Configuration, ...]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Configuration(get_model(one["model"]).name, one.get("params", {})) for one in listed)
    except UnknownNameError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = (
            f"{str(path)!r} cannot be read as configurations ({error!r}). "
            'Expected \'portfolio:30\', \'all\', or a JSON file with [{"model": "knn", "params": {...}}, ...]. Correct it.'
        )
        raise InvalidInputError(message) from error
