"""The four functions of a hook, written once over what a tool can do: read its space, queue, and list its trials."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import Startable, none_told, plan, plan_told, require_tool, told_value, tool_version
from metalearn.hooks.harvest import Harvest, Trial, Trials, gather
from metalearn.hooks.report import Change, Drop, Seed, SeedReport, compare
from metalearn.space import SearchSpace
from metalearn.space.adaptation import UNSET

__all__ = ["Queued", "SeedTool", "Told", "Tool", "by_rank", "refuse_several"]

Queued: TypeAlias = tuple[Sequence[Seed], Sequence[str]]
"""Seeds as a tool has them, and what to note."""

Told: TypeAlias = tuple[Seed, Evaluation, float | None]
"""A seed, its result, and the value in the tool's direction; None where it failed."""


class Tool(ABC):
    """Start a tool's search from a recommendation, and read it back.

    A subclass says how the tool reads its space (``space_of``), takes seeds (``enqueue``) and results (``insert``), and lists its
    trials (``trials``). Keyword options that are not those of ``SeedOptions`` or ``HarvestOptions`` go to these.
    """

    name = ""
    package = ""
    extra = ""
    how: str | None = None
    distribution = ""
    own: Collection[str] = ()
    """The tool's own options."""
    takes: Collection[Status] = (Status.OK,)
    """Results that it can be told of."""
    partial = False
    """Whether seeds may lack parameters of other families."""
    remembers = False
    """Whether the tool itself keeps which trials were seeds."""

    def require(self) -> Any:
        """Import the tool."""
        return require_tool(self.package, self.extra, how=self.how)

    @abstractmethod
    def space_of(self, target: Any, /, **own: Any) -> SearchSpace | None:
        """Return the search space, None where it is not known before the run."""

    def obstacle(self, target: Any, /, item: Seed, place: int, **own: Any) -> str:  # noqa: ARG002
        """Say why a seed cannot be queued at a place; empty if it can."""
        return ""

    @abstractmethod
    def enqueue(self, target: Any, /, seeds: Sequence[Seed], **own: Any) -> Queued:
        """Queue seeds."""

    def takes_none(self, target: Any, /, **own: Any) -> str:  # noqa: ARG002
        """Say why a tool takes no results; empty if it does."""
        return ""

    def knows(self, target: Any, /, item: Seed, **own: Any) -> str:  # noqa: ARG002
        """Say that a result is there already; empty if it is not."""
        return ""

    def unfit(self, target: Any, /, results: Sequence[Evaluation], **own: Any) -> str:  # noqa: ARG002
        """Say why results cannot be told together; empty if they can."""
        return ""

    def maximizes(self, target: Any, /, **own: Any) -> bool:  # noqa: ARG002
        """Tell the direction of the search."""
        return False

    @abstractmethod
    def insert(self, target: Any, /, told: Sequence[Told], **own: Any) -> None:
        """Add finished trials."""

    @abstractmethod
    def trials(self, target: Any, /, **own: Any) -> Trials:
        """List what was tried."""

    def _split(self, options: dict[str, Any]) -> dict[str, Any]:
        return {name: options.pop(name) for name in self.own if name in options}

    def seed(self, target: Any, recommendation: Startable, /, *, strict: bool = False, **options: Any) -> SeedReport:
        """See :meth:`metalearn.hooks.base.Hook.seed`; where an error is raised, the target is as it was."""
        own = self._split(options)
        self.require()
        report = self.planned(target, recommendation, options, **own)
        place = 0
        for item in report.accepted:
            if why := self.obstacle(target, item, place, **own):
                report = report.without(item.rank, why)
            else:
                place += 1
        report.require(strict=strict)
        seeds, notes = self.enqueue(target, report.accepted, **own)
        return replace(report, accepted=tuple(seeds), notes=(*report.notes, *notes))

    def planned(self, target: Any, /, recommendation: Startable, matching: Any, **own: Any) -> SeedReport:
        """Fit seeds to the tool's space."""
        return plan(self.name, recommendation, self.space_of(target, **own), partial=self.partial, matching=matching)

    def tell(
        self,
        target: Any,
        evaluations: Iterable[Evaluation],
        /,
        *,
        metric: str | None = None,
        strict: bool = False,
        **options: Any,
    ) -> SeedReport:
        """See :meth:`metalearn.hooks.base.Hook.tell`; ``metric`` names what the objective returns, such as ``"neg_r2"``."""
        evaluations, own = list(evaluations), self._split(options)
        if why := self.takes_none(target, **own):
            return none_told(self.name, evaluations, why, strict=strict)
        self.require()
        space = self.space_of(target, **own)
        if space is None:
            why = "the search space is not known before the first trial; pass space=..."
            return none_told(self.name, evaluations, why, strict=strict)
        report, results = plan_told(self.name, evaluations, space, takes=self.takes, matching=options)  # type: ignore[arg-type]
        unfit = self.unfit(target, list(results.values()), **own)
        for item in report.accepted:
            if why := unfit or self.knows(target, item, **own):
                report = report.without(item.rank, why)
        report.require(strict=strict)
        maximize = self.maximizes(target, **own) if report.accepted else True
        told: list[Told] = []
        for item in report.accepted:
            result = results[item.rank]
            ok = result.status is Status.OK
            told.append((item, result, told_value(result, maximize=maximize, metric=metric) if ok else None))
        if told:
            self.insert(target, told, **own)
        return report

    def harvest(self, target: Any, X: Any, y: Any, /, **options: Any) -> Harvest:
        """See :meth:`metalearn.hooks.base.Hook.harvest`."""
        own = self._split(options)
        self.require()
        found = self.trials(target, n_rows=len(X), metric=options.get("metric"), **own)
        return gather(
            [trial for trial in found.rows if not trial.unfinished],
            X,
            y,
            maximize=found.maximize,
            said_metric=found.metric,
            convention=found.convention,
            versions=tool_version(self.distribution or self.name),
            options=options,  # type: ignore[arg-type]
        )

    def verify(self, target: Any, report: SeedReport | None = None, /, **own: Any) -> SeedReport:
        """See :meth:`metalearn.hooks.base.Hook.verify`; a tool that does not remember its seeds needs their ``report``."""
        self.require()
        rows = [trial for trial in self.trials(target, **own).rows if self.remembers or not trial.unfinished]
        if self.remembers:
            return by_rank(self.name, rows, report)
        return compare(report, [(trial.params, trial.status is not Status.FAILED, trial.key) for trial in rows])


class SeedTool(Tool):
    """A tool that takes seeds, but no results."""

    refusal = ""

    def space_of(self, target: Any, /, **own: Any) -> SearchSpace | None:  # noqa: ARG002
        """Return None: the tool does not tell its space."""
        return None

    def takes_none(self, target: Any, /, **own: Any) -> str:  # noqa: ARG002
        """Say that it takes no results."""
        return self.refusal

    def insert(self, target: Any, /, told: Sequence[Told], **own: Any) -> None:
        """Do nothing: nothing is told."""


def by_rank(tool: str, rows: Iterable[Trial], report: SeedReport | None) -> SeedReport:
    """Say of trials that are known as seeds which of their values were used."""
    accepted, changed, dropped = [], [], []
    for trial in rows:
        if trial.rank is None:
            continue
        asked = dict(trial.asked if trial.asked is not None else trial.params)
        if trial.unfinished or trial.status not in {Status.OK, Status.PRUNED}:
            ended = trial.unfinished in {"", "failed"}
            dropped.append(
                Drop(trial.rank, "", f"it failed{_because(trial)}" if ended else f"it is {trial.unfinished}")
            )
        elif not trial.is_seed:
            dropped.append(Drop(trial.rank, "", "it was run with other values: hardly any of its own were asked for"))
        else:
            accepted.append(Seed(trial.rank, trial.model, trial.params, key=trial.key))
            for name, value in trial.params.items():
                if asked.get(name, UNSET) != value:
                    changed.append(Change(trial.rank, name, asked.get(name, UNSET), value))
            unused = [name for name, value in asked.items() if name not in trial.params and value != trial.model]
            dropped += [Drop(trial.rank, name, "the objective never asked for it") for name in unused]
    seen = {item.rank for item in accepted} | {drop.rank for drop in dropped}
    missing = [item.rank for item in report.accepted if item.rank not in seen] if report is not None else []
    dropped += [Drop(rank, "", "it was never begun") for rank in missing]
    accepted.sort(key=lambda item: item.rank)
    return SeedReport(tool, tuple(accepted), tuple(changed), tuple(dropped), deed="evaluated")


def _because(trial: Trial) -> str:
    return f": {trial.message}" if trial.message else ""


def refuse_several(objectives: Sequence[Any], what: str) -> None:
    """Refuse a search for several objectives."""
    if len(objectives) > 1:
        message = (
            f"The {what} has {len(objectives)} objectives: {list(objectives)}. Expected one. Search for one objective."
        )
        raise InvalidInputError(message)
