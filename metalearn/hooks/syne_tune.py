"""Syne Tune: points_to_evaluate of every scheduler, results told and read back by ask/tell."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import (
    Harvest,
    Matching,
    Startable,
    plan,
    plan_told,
    require_tool,
    told_value,
    tool_version,
    warn_of_lost_conditions,
)
from metalearn.hooks.domains import flatten, nest, read_domains, write_domains
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import SeedReport, compare
from metalearn.space import SearchSpace

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]


def read_space(config_space: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from a ``config_space``.

    Parameters
    ----------
    config_space : mapping of str to Domain or constant
        As schedulers take it; constants are left out.

    Returns
    -------
    SearchSpace
        Ordinal parameters become categorical.
    """
    return read_domains(config_space, inclusive=True)


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return a ``config_space`` for a search space.

    Parameters
    ----------
    space : SearchSpace
        Conditions are lost.

    Returns
    -------
    dict of str to Domain
        By name.

    Warns
    -----
    UserWarning
        If the space has conditions.
    """
    warn_of_lost_conditions("Syne Tune", space.conditions)
    return write_domains(space, require_tool("syne_tune.config_space", "syne-tune"), inclusive=True)


def seed(
    kwargs: dict[str, Any], recommendation: Startable, *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Add points to evaluate to the keyword arguments of a scheduler.

    Parameters
    ----------
    kwargs : dict
        Of ``RandomSearch``, ``TPE``, ``BORE``, ``CQR`` and so on: with ``config_space``; gains
        ``points_to_evaluate``.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was accepted, changed and dropped.

    Raises
    ------
    InvalidInputError
        If there is no space, or it is strict and anything was changed or dropped.
    """
    require_tool("syne_tune", "syne-tune")
    if "config_space" not in kwargs:
        message = "The keyword arguments have no config_space. Expected those of a scheduler. Add it before seeding."
        raise InvalidInputError(message)
    domains = kwargs["config_space"]
    report = plan("syne-tune", recommendation, read_space(domains), strict=strict, matching=options)
    points = [nest(item.params, domains) for item in report.accepted]
    kwargs["points_to_evaluate"] = [*points, *(kwargs.get("points_to_evaluate") or [])]
    return report


def _parts(scheduler: Any) -> tuple[Mapping[str, Any], str, bool]:
    """Return the space, the metric's name and whether it is maximised."""
    base = scheduler.base_scheduler
    return base.config_space, base.metric_names()[0], base.metric_mode() == "max"


def tell(
    scheduler: Any, evaluations: Iterable[Evaluation], *, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Tell measured results to an ask/tell scheduler.

    Parameters
    ----------
    scheduler : syne_tune AskTellScheduler
        Of one objective.
    evaluations : iterable of Evaluation
        Real results of the same task and metric.
    strict : bool, default=False
        Whether a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was told and what could not be.
    """
    trial_of = require_tool("syne_tune.backend.trial_status", "syne-tune").Trial
    domains, name, maximize = _parts(scheduler)
    space = read_space(domains)
    report, results = plan_told("syne-tune", evaluations, space, takes=[Status.OK], strict=strict, matching=options)
    for item in report.accepted:
        now = datetime.now()  # noqa: DTZ005 - Syne Tune's own times have no zone
        trial = trial_of(trial_id=scheduler.trial_counter, config=nest(item.params, domains), creation_time=now)
        scheduler.trial_counter += 1
        scheduler.tell(trial, {name: told_value(results[item.rank], maximize=maximize)})
    return report


def harvest(scheduler: Any, X: Any, y: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every completed trial, the told ones included.

    Parameters
    ----------
    scheduler : syne_tune AskTellScheduler
        After the search.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    **options : Reading
        How the trials are to be read; the scheduler's metric counts if nothing else is said.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``.
    """
    require_tool("syne_tune", "syne-tune")
    domains, name, maximize = _parts(scheduler)
    trials = [
        Trial(
            flatten(result.config, domains),
            float(result.metrics[name]),
            seconds=(result.training_end_time - result.creation_time).total_seconds(),
        )
        for result in scheduler.completed_experiments.values()
    ]
    versions = tool_version("syne-tune")
    return gather(trials, X, y, maximize=maximize, said_metric=name, versions=versions, options=options)


def verify(scheduler: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    scheduler : syne_tune AskTellScheduler
        After the search.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that were never completed are dropped.
    """
    domains, _, _ = _parts(scheduler)
    results = scheduler.completed_experiments.items()
    return compare(report, [(flatten(result.config, domains), True, str(i)) for i, result in results])
