"""PyCaret: hand the seeds to compare_models as estimators, read its table back."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError, MissingExtraError, UnknownNameError
from metalearn.hooks.base import Harvest, Matching, Startable, none_told, plan, require_tool, tool_version
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import Drop, SeedReport
from metalearn.models import get_model
from metalearn.recommendation import Candidate, Recommendation
from metalearn.space import Configuration
from metalearn.task import ProblemType, get_metric

__all__ = ["harvest", "seed", "tell", "verify"]

_HOW = (
    "It holds older versions of scikit-learn and numpy than metalearn asks for, so that no extra can install both. "
    'In an environment of its own run: pip install pycaret six "pyarrow<21" click platformdirs rich skops SQLAlchemy && '
    "pip install --no-deps metalearn-recommender."
)
_COLUMNS = {"accuracy": "Accuracy", "roc_auc": "AUC", "r2": "R2", "rmse": "RMSE", "mae": "MAE"}
"""PyCaret's columns of our metrics."""


def seed(
    kwargs: dict[str, Any],
    recommendation: Startable,
    *,
    problem_type: ProblemType | str = ProblemType.BINARY,
    strict: bool = False,
    **options: Unpack[Matching],
) -> SeedReport:
    """Add the recommended configurations as estimators to the keyword arguments of ``compare_models``.

    Parameters
    ----------
    kwargs : dict
        Gains ``include``; what it holds stays after the seeds. PyCaret preprocesses the table itself.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to compare.
    problem_type : ProblemType or str, default="binary"
        The kind of problem, where the recommendation does not say it.
    strict : bool, default=False
        Whether a drop is an error.
    **options : Matching
        How configurations are chosen; estimators have no bounds to clip to.

    Returns
    -------
    SeedReport
        The keys of the seeds are their places in ``include``, the index of PyCaret's table.
    """
    require_tool("pycaret", "pycaret", how=_HOW)
    kind = ProblemType(problem_type)
    if isinstance(recommendation, Recommendation):
        kind = recommendation.task.problem_type
    items = list(recommendation)
    report = plan("pycaret", items, None, matching=options)
    accepted = []
    estimators: list[Any] = []
    for item in report.accepted:
        source = items[item.rank - 1]
        configuration: Configuration = source.configuration if isinstance(source, Candidate) else source
        try:
            pipeline = get_model(configuration.model).build(configuration, kind)
        except (MissingExtraError, InvalidInputError, UnknownNameError) as error:
            report = report.without(item.rank, str(error))
            continue
        accepted.append(replace(item, params=configuration.params, key=str(len(estimators))))
        estimators.append(pipeline.steps[-1][1])
    report = replace(report, accepted=tuple(accepted)).require(strict=strict)
    kwargs["include"] = [*estimators, *(kwargs.get("include") or [])]
    return report


def tell(experiment: Any, evaluations: Iterable[Evaluation], *, strict: bool = False) -> SeedReport:
    """Report that PyCaret takes no results: everything is evaluated.

    Parameters
    ----------
    experiment : object
        Ignored.
    evaluations : iterable of Evaluation
        Results.
    strict : bool, default=False
        Whether that is an error.

    Returns
    -------
    SeedReport
        With everything dropped.
    """
    del experiment
    return none_told("pycaret", evaluations, "PyCaret takes no known results", strict=strict)


def harvest(table: Any, X: Any, y: Any, *, report: SeedReport, **options: Unpack[Reading]) -> Harvest:
    """Return the cross-validated score of every seed in PyCaret's table.

    Parameters
    ----------
    table : DataFrame
        What ``pull()`` returned after ``compare_models``. Other rows are left out: the table has no
        parameters.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    report : SeedReport
        What :func:`seed` returned.
    **options : Reading
        How the trials are to be read; without a metric, accuracy or R2.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``.

    Raises
    ------
    InvalidInputError
        If the table has no column of the metric.
    """
    require_tool("pycaret", "pycaret", how=_HOW)
    classes = "Accuracy" in table.columns
    asked = options.get("metric") or ("accuracy" if classes else "r2")
    name = asked if isinstance(asked, str) else asked.name
    metric = get_metric(name, ProblemType.BINARY if classes else ProblemType.REGRESSION)
    column = _COLUMNS.get(metric.name)
    if column is None or column not in table.columns:
        message = f"PyCaret's table has no {metric.name}. Expected one of {list(_COLUMNS)}. Pass metric=..."
        raise InvalidInputError(message)
    rows = {str(index): row for index, row in table.iterrows()}
    trials = []
    for item in report.accepted:
        row = rows.get(item.key)
        value = float(row[column]) if row is not None else math.nan
        ok = math.isfinite(value)
        seconds = float(row["TT (Sec)"]) if row is not None else None
        note = f"seed {item.rank}" if ok else "PyCaret left it out of its table"
        trials.append(
            Trial(
                item.params,
                value if ok else None,
                Status.OK if ok else Status.FAILED,
                seconds,
                note,
                model=item.model,
            )
        )
    return gather(
        trials,
        X,
        y,
        maximize=metric.greater_is_better,
        versions=tool_version("pycaret"),
        options={**options, "metric": metric},
    )


def verify(table: Any, report: SeedReport | None = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    table : DataFrame
        What ``pull()`` returned after ``compare_models``.
    report : SeedReport or None, default=None
        What :func:`seed` returned; it is needed.

    Returns
    -------
    SeedReport
        Seeds that PyCaret left out of its table, because they failed, are dropped.

    Raises
    ------
    InvalidInputError
        If there is no report.
    """
    if report is None:
        message = (
            "PyCaret does not remember its seeds. "
            "Expected the report that seed() returned. Pass it: verify(table, report)."
        )
        raise InvalidInputError(message)
    seen = {str(index) for index in table.index}
    accepted = tuple(item for item in report.accepted if item.key in seen)
    dropped = tuple(
        Drop(item.rank, "", "PyCaret left it out: it failed") for item in report.accepted if item.key not in seen
    )
    return SeedReport("pycaret", accepted, (), dropped, deed="evaluated")
