"""A hook: start a Climber from a recommendation, and read its trials back."""

from collections.abc import Iterable
from typing import Any, Unpack

from metalearn.evaluation import Evaluation
from metalearn.hooks import SeedReport
from metalearn.hooks.base import Harvest, SeedOptions, Startable, plan, plan_told
from metalearn.hooks.harvest import HarvestOptions, Trial, gather
from metalearn.hooks.report import compare
from metalearn.space import Float, SearchSpace
from metalearn_example.climber import Climber


def _space(target: Climber) -> SearchSpace:
    return SearchSpace({name: Float(low, high) for name, (low, high) in target.space.items()})


def seed(
    target: Climber, recommendation: Startable, /, *, strict: bool = False, **options: Unpack[SeedOptions]
) -> SeedReport:
    """Queue the recommended configurations."""
    report = plan("climber", recommendation, _space(target), strict=strict, matching=options)
    target.queue += [dict(seed.params) for seed in report.accepted]
    return report


def tell(
    target: Climber, evaluations: Iterable[Evaluation], /, *, strict: bool = False, **options: Unpack[SeedOptions]
) -> SeedReport:
    """Add results that were measured before."""
    report, results = plan_told("climber", evaluations, _space(target), strict=strict, matching=options)
    target.trials += [(dict(s.params), results[s.rank].value) for s in report.accepted]
    return report


def harvest(target: Climber, X: Any, y: Any, /, **options: Unpack[HarvestOptions]) -> Harvest:
    """Return every trial as an evaluation; the tool does not know what its scores measure, so ``metric`` has to be given."""
    trials = [Trial(point, score) for point, score in target.trials]
    return gather(trials, X, y, maximize=True, versions="climber 0.1.0", options=options)


def verify(target: Climber, report: SeedReport | None = None, /) -> SeedReport:
    """Say which of the seeds in a report were evaluated."""
    return compare(report, [(point, True, str(i)) for i, (point, _) in enumerate(target.trials)])
