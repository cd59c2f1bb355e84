"""Keep account of what a build plans, predicts and has done."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from metalearn.builder import Limits, Table
from metalearn.building.choice import Choice
from metalearn.building.report import FamilyWork
from metalearn.evaluation import Evaluation, Status

__all__ = ["Ledger"]

_CUT = (Status.TIMEOUT, Status.MEMORY)

_Pair = tuple[str, str]


class Ledger:
    """Count pairs of table and configuration by model family, and predict what the open ones cost."""

    def __init__(self, tables: Sequence[Table], choice: Choice, known: Mapping[_Pair, Status], limits: Limits) -> None:
        self._known = known
        self._families: dict[str, list[_Pair]] = {}
        self._predicted: dict[_Pair, float] = {}
        self._outcomes: dict[_Pair, Status] = {}
        self._seconds: dict[_Pair, float] = {}
        for table in tables:
            found = choice.of(table.task.problem_type)
            seconds = choice.seconds(table.task, limits)
            for configuration, predicted in zip(found, seconds, strict=True):
                pair = (table.task.id, configuration.id)
                self._families.setdefault(configuration.model, []).append(pair)
                if pair not in known:
                    self._predicted[pair] = float(predicted)

    @property
    def n_planned(self) -> int:
        """Number of pairs that are still to be run."""
        return len(self._predicted)

    @property
    def predicted_seconds(self) -> float:
        """Seconds that they will take on one thread; a family that was never timed counts as the mean of the others."""
        return sum(self._costs.values())

    @cached_property
    def _costs(self) -> dict[_Pair, float]:
        known = [seconds for seconds in self._predicted.values() if np.isfinite(seconds)]
        typical = float(np.mean(known)) if known else 1.0
        return {pair: s if np.isfinite(s) else typical for pair, s in self._predicted.items()}

    def add(self, evaluations: Iterable[Evaluation]) -> float:
        """Note what was run."""
        runs = {(e.task_id, e.configuration_id, e.fold): e for e in evaluations}
        pairs = {(task_id, configuration_id) for task_id, configuration_id, _ in runs}
        for (task_id, configuration_id, _), run in runs.items():
            pair = (task_id, configuration_id)
            if self._outcomes.get(pair, Status.OK) is Status.OK:
                self._outcomes[pair] = run.status
            self._seconds[pair] = self._seconds.get(pair, 0.0) + (run.fit_seconds or 0) + (run.predict_seconds or 0)
        return sum(self._costs[pair] for pair in pairs)

    def families(self) -> tuple[FamilyWork, ...]:
        """Sum up by model family."""
        found = []
        for family, pairs in self._families.items():
            planned = [pair for pair in pairs if pair in self._predicted]
            outcomes = [self._outcomes[pair] for pair in planned if pair in self._outcomes]
            n_ok, n_cut = outcomes.count(Status.OK), sum(outcome in _CUT for outcome in outcomes)
            found.append(
                FamilyWork(
                    family=family,
                    n_known=len(pairs) - len(planned),
                    n_known_failed=sum(self._known.get(pair, Status.OK) is not Status.OK for pair in pairs),
                    n_planned=len(planned),
                    predicted_seconds=sum(self._predicted[pair] for pair in planned),
                    n_ok=n_ok,
                    n_cut=n_cut,
                    n_failed=len(outcomes) - n_ok - n_cut,
                    seconds=sum(self._seconds.get(pair, 0.0) for pair in planned),
                )
            )
        return tuple(sorted(found, key=lambda work: -np.nan_to_num(work.predicted_seconds, nan=np.inf)))
