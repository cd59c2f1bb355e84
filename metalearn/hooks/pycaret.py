"""PyCaret: hand the seeds to compare_models as estimators, read its table back."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, MissingExtraError, UnknownNameError
from metalearn.hooks.base import Startable, plan, tool_version
from metalearn.hooks.harvest import Harvest, Trial, Trials, gather
from metalearn.hooks.report import Drop, Seed, SeedReport
from metalearn.hooks.tool import Queued, SeedTool
from metalearn.models import get_model
from metalearn.recommendation import Candidate, Recommendation
from metalearn.space import Configuration
from metalearn.task import Metric, ProblemType, get_metric

__all__ = ["harvest", "seed", "tell", "verify"]

_HOW = (
    "It holds older versions of scikit-learn and numpy than metalearn asks for, so that no extra can install both. "
    'In an environment of its own run: pip install pycaret six "pyarrow<21" click filelock jinja2 platformdirs rich skops SQLAlchemy && '
    "pip install --no-deps metalearn-recommender."
)
_COLUMNS = {"accuracy": "Accuracy", "roc_auc": "AUC", "r2": "R2", "rmse": "RMSE", "mae": "MAE"}
"""PyCaret's columns of our metrics."""


class _PyCaret(SeedTool):
    """Add estimators to the keyword arguments of ``compare_models``: they gain ``include``; PyCaret preprocesses the table itself."""

    name = package = extra = distribution = "pycaret"
    refusal = "PyCaret takes no known results"
    how = _HOW
    own = ("problem_type",)

    def planned(
        self,
        kwargs: Any,  # noqa: ARG002
        recommendation: Startable,
        matching: Any,
        problem_type: ProblemType | str = ProblemType.BINARY,
        **_: Any,
    ) -> SeedReport:
        items, kind = list(recommendation), ProblemType(problem_type)
        if isinstance(recommendation, Recommendation):
            kind = recommendation.task.problem_type
        report = plan(self.name, items, None, matching=matching)
        accepted: list[Seed] = []
        self._estimators: list[Any] = []
        for item in report.accepted:
            source = items[item.rank - 1]
            configuration: Configuration = source.configuration if isinstance(source, Candidate) else source
            try:
                pipeline = get_model(configuration.model).build(configuration, kind)
            except (MissingExtraError, InvalidInputError, UnknownNameError) as error:
                report = report.without(item.rank, str(error))
                continue
            accepted.append(replace(item, params=configuration.params, key=str(len(accepted))))
            self._estimators.append(pipeline.steps[-1][1])
        return replace(report, accepted=tuple(accepted))

    def enqueue(self, kwargs: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        kwargs["include"] = [*self._estimators, *(kwargs.get("include") or [])]
        return seeds, ()

    def harvest(self, table: Any, X: Any, y: Any, /, *, report: SeedReport, **options: Any) -> Harvest:
        self.require()
        found = self.trials(table, report=report, metric=options.get("metric"))
        options["metric"] = found.metric
        versions = tool_version(self.distribution)
        return gather(found.rows, X, y, maximize=found.maximize, versions=versions, options=options)  # type: ignore[arg-type]

    def trials(self, table: Any, *, report: SeedReport, metric: str | Metric | None = None, **_: Any) -> Trials:
        classes = "Accuracy" in table.columns
        kind = ProblemType.BINARY if classes else ProblemType.REGRESSION
        measured = get_metric(metric or ("accuracy" if classes else "r2"), kind)
        column = _COLUMNS.get(measured.name)
        if column is None or column not in table.columns:
            message = f"PyCaret's table has no {measured.name}. Expected one of {list(_COLUMNS)}. Pass metric=..."
            raise InvalidInputError(message)
        by_key = {str(index): row for index, row in table.iterrows()}
        rows = []
        for item in report.accepted:
            row = by_key.get(item.key)
            value = float(row[column]) if row is not None else math.nan
            ok = math.isfinite(value)
            rows.append(
                Trial(
                    item.params,
                    value if ok else None,
                    Status.OK if ok else Status.FAILED,
                    float(row["TT (Sec)"]) if row is not None else None,
                    f"seed {item.rank}" if ok else "PyCaret left it out of its table",
                    model=item.model,
                )
            )
        return Trials(rows, measured.greater_is_better, measured)

    def verify(self, table: Any, report: SeedReport | None = None, /, **_: Any) -> SeedReport:
        if report is None:
            message = (
                "PyCaret does not remember its seeds. "
                "Expected the report that seed() returned. Pass it: verify(table, report)."
            )
            raise InvalidInputError(message)
        seen = {str(index) for index in table.index}
        accepted = tuple(item for item in report.accepted if item.key in seen)
        why = "PyCaret left it out: it failed"
        dropped = tuple(Drop(item.rank, "", why) for item in report.accepted if item.key not in seen)
        return SeedReport(self.name, accepted, (), dropped, deed="evaluated")


_TOOL = _PyCaret()
seed, tell, harvest, verify = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify
