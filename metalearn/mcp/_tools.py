"""The tools that a client may call."""

import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
from mcp.types import CallToolResult, TextContent
from pydantic import Field

from metalearn import __version__
from metalearn.advisor import Advisor
from metalearn.api import describe as measure
from metalearn.api import open_knowledge_base, recommend
from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import KnowledgeBase, Store
from metalearn.knowledge.search import search
from metalearn.mcp import answers
from metalearn.mcp.advisors import Advisors, SavedAdvisor
from metalearn.mcp.arguments import Request, Table
from metalearn.mcp.folders import Folders, state_of
from metalearn.models import get_model
from metalearn.recommendation import Candidate, Recommendation
from metalearn.report import (
    compact_description,
    compact_json,
    compact_past_tasks,
    compact_recommendation,
    to_json,
    versioned,
)
from metalearn.space import Configuration
from metalearn.table.read import NamedTable
from metalearn.task import ProblemType

__all__ = ["Tools"]

_MOST = 50
_RESULTS = 20
_EXTRA_SECONDS = 120


Id = Annotated[str, Field(description="Id that start returned.")]
Details = Annotated[bool, Field(description="Whether to answer at length.")]


def _plain(value: Any) -> Any:
    return json.loads(to_json(value))


def _answer(facts: Mapping[str, Any]) -> CallToolResult:
    """Return facts once as compact text and once as structured content; what is absent is left out."""
    present = {name: value for name, value in _plain(facts).items() if value is not None}
    return CallToolResult(content=[TextContent(type="text", text=compact_json(present))], structured_content=present)


class Tools:
    """The tools, with what was given at start."""

    def __init__(
        self, folders: Folders, advisors: Advisors, knowledge_base: KnowledgeBase | None, store: Store | None
    ) -> None:
        self.folders, self.advisors, self.store = folders, advisors, store
        self._knowledge_base = knowledge_base
        self._seen: dict[str, Configuration] = {}
        self.table: NamedTable | None = None  # the last that was read; errors about it must not quote it

    def _read(self, path: str, target: str | None, **reading: Any) -> tuple[NamedTable, str]:
        self.table = None
        self.table, file = self.folders.read(path, target, **reading)
        return self.table, file

    def _dataset(self, table: Table) -> tuple[Dataset, NamedTable, str]:
        found, file = self._read(table.path, table.target, **table.reading)
        data = Dataset.from_data(found.X, found.y, problem_type=table.problem_type, categorical=table.categorical or ())
        return data, found, file

    def _remember(self, *configurations: Configuration) -> None:
        self._seen |= {c.id: c for c in configurations}

    def _recommended(self, asked: Request, *, n: int) -> Recommendation:
        table, file = self._read(asked.path, asked.target, **asked.reading)
        found = recommend(
            table.X,
            table.y,
            n=n,
            metric=asked.metric,
            time_budget=asked.time_budget,
            families=asked.families,
            knowledge_base=self._knowledge_base,
            problem_type=asked.problem_type,
            categorical=asked.categorical or (),
            name=table.name,
        )
        self._remember(*found.configurations)
        return replace(found, file=file, reading=asked.reading)

    def describe(self, *, table: Table, details: Details = False) -> Annotated[CallToolResult, answers.Description]:
        """Show the columns of a table; with a target its size, kinds of columns and what the data checks find."""
        if table.target is None:
            columns = self.folders.columns(table.path, **table.layout)
            following = "Call again with target, one of the columns."
            name = Path(table.path).name
            return _answer(versioned("describe-compact", {"table": name, "columns": columns, "next": following}))
        data, read, _ = self._dataset(table)
        facts = measure(data, read.name)
        more = {"columns": {str(k): str(v) for k, v in data.kinds.items()}, "meta_features": facts["meta_features"]}
        return _answer({**compact_description(facts), **(more if details else {})})

    def recommend(
        self,
        *,
        table: Request,
        n: Annotated[int, Field(ge=1, le=_MOST, description="How many candidates.")] = 5,
        details: Details = False,
    ) -> Annotated[CallToolResult, answers.Recommendation]:
        """Rank the configurations to try first on a table, with expected score, 80 % interval and seconds of one fit.

        Parameters are those that differ from the family's default. Nothing is trained. Novelty is 0 for familiar tables, 1 for
        tables unlike all past ones. With details: all parameters, past tasks, what made them near, all notes.
        """
        found = self._recommended(table, n=n)
        facts = found.report_facts()
        small = compact_recommendation(facts)
        if details:
            for shown, candidate in zip(small["candidates"], found.candidates, strict=True):
                shown.update(params=dict(candidate.configuration.params), evidence=list(candidate.evidence))
            small.pop("notes_left_out", None)
            past = [
                {
                    "id": p.task_id,
                    "name": p.name,
                    "rows": p.n_rows,
                    "columns": p.n_features,
                    "weight": p.weight,
                    "model": p.best.model,
                    "score": p.best_score,
                }
                for p in found.neighbours
            ]
            small.update(
                notes=list(found.notes), recommender=found.recommender, drivers=dict(found.drivers), past_tasks=past
            )
        return _answer(small)

    def code(
        self,
        *,
        table: Request | None,
        candidate: Annotated[
            int, Field(ge=1, le=_MOST, description="Rank in the answer of recommend to the same arguments.")
        ] = 1,
        advisor: Annotated[str | None, Field(description="Id that start returned.")] = None,
        configuration: Annotated[str | None, Field(description="Id of a configuration; instead of candidate.")] = None,
    ) -> Annotated[CallToolResult, answers.Script]:
        """Return a Python script that cross-validates and fits one configuration on the table. It is not run."""
        if (table is None) == (advisor is None):
            message = "Expected the path of a table or an advisor, one of them. Got both or none. Give one."
            raise InvalidInputError(message)
        if table is None:
            saved = self.advisors.get(str(advisor))
            return _answer(self._script(saved, self._configuration(configuration, saved)))
        if configuration is not None:
            found = self._recommended(table, n=1)
            chosen = _unmeasured(self._configuration(configuration, None), found.task.problem_type)
        else:
            found = self._recommended(table, n=max(5, candidate))
            if candidate > len(found):
                message = f"There are {len(found)} candidates, but number {candidate} was asked for. Expected one of them. Ask for less."
                raise InvalidInputError(message)
            chosen = found[candidate - 1]
        return _answer({"model": chosen.model, "code": replace(found, candidates=(chosen,)).to_code()})

    def _script(self, saved: SavedAdvisor, configuration: Configuration) -> dict[str, Any]:
        about, task = saved.about, saved.advisor.task
        found = Recommendation(
            task,
            (_unmeasured(configuration, task.problem_type),),
            "",
            file=about["file"],
            target=about["target"],
            categorical=tuple(about["categorical"]),
            reading=about.get("reading", {}),
        )
        return {"model": configuration.model, "code": found.to_code()}

    def _configuration(self, name: str | None, saved: SavedAdvisor | None) -> Configuration:
        if name is None:
            if saved is not None and saved.advisor.best is not None:
                return saved.advisor.best.configuration
            message = "No configuration was named. Expected the id of one that ask or recommend returned. Give it."
            raise InvalidInputError(message)
        known = (
            {} if saved is None else {t.configuration.id: t.configuration for t in saved.advisor.history} | saved.asked
        )
        found = known.get(name) or self._seen.get(name)
        if found is None:
            message = (
                f"No configuration {name[:40]!r} is known. Expected an id that ask or recommend returned since this server "
                "started. Ask again, or give model and params where that is possible."
            )
            raise InvalidInputError(message)
        return found

    def start(
        self,
        *,
        table: Request,
    ) -> Annotated[CallToolResult, answers.AdvisorState]:
        """Start an advisor for a table. It learns from every result; it is saved and outlives this server."""
        data, read, file = self._dataset(table)
        advisor = Advisor(
            read.X,
            read.y,
            metric=table.metric,
            families=table.families,
            knowledge_base=self._knowledge_base,
            problem_type=table.problem_type,
            categorical=table.categorical or (),
            time_budget=table.time_budget,
            name=read.name,
        )
        about = {
            "file": file,
            "table": read.name,
            "target": str(read.y.name),
            "problem_type": str(data.problem_type),
            "categorical": table.categorical or [],
            "reading": table.reading,
            "fingerprint": data.fingerprint,
            "state": state_of(file),
            "version": __version__,
        }
        saved = self.advisors.start(advisor, about)
        return _answer(_state_of(saved, advisor.notes))

    def ask(
        self,
        *,
        advisor: Id,
        n: Annotated[int, Field(ge=1, le=_MOST, description="How many, to be tried at the same time.")] = 1,
    ) -> Annotated[CallToolResult, answers.Configurations]:
        """Return configurations to try next, given all results so far. Run them yourself and tell their scores."""
        with self.advisors.held(advisor) as saved:
            _not_finished(saved)
            found = saved.ask(n)
        self._remember(*found)
        notes = (
            []
            if found
            else ["Nothing is left to try: all was tried, or nothing more fits into the time budget. Call finish."]
        )
        notes += self._changed(saved)
        suggestions = [{"id": c.id, "model": c.model, "params": dict(c.params)} for c in found]
        return _answer({"advisor": advisor, "suggestions": suggestions, "notes": notes})

    def tell(
        self,
        *,
        advisor: Id,
        configuration: Annotated[str | None, Field(description="Id that ask or recommend returned.")] = None,
        score: Annotated[
            float | None, Field(description="Mean cross-validated score in the metric's own direction.")
        ] = None,
        seconds: Annotated[float | None, Field(ge=0, description="Seconds of one fit.")] = None,
        status: Annotated[
            Literal["ok", "failed", "timeout", "memory", "pruned"], Field(description="How it ended.")
        ] = "ok",
        model: Annotated[str | None, Field(description="Model family, for a configuration of your own.")] = None,
        params: Annotated[
            dict[str, str | int | float | bool | None] | None, Field(description="Its parameters.")
        ] = None,
    ) -> Annotated[CallToolResult, answers.AdvisorState]:
        """Report the result of a configuration, suggested or your own."""
        if (configuration is None) == (model is None):
            message = (
                "Expected the id of a configuration or a model with params, one of them. Got both or none. Give one."
            )
            raise InvalidInputError(message)
        with self.advisors.held(advisor) as saved:
            _not_finished(saved)
            if model is not None:
                tried = Configuration(get_model(model).name, params or {})
            else:
                tried = self._configuration(configuration, saved)
            saved.tell(tried, score=score, seconds=seconds, status=status)
        return _answer(_state_of(saved, self._changed(saved)))

    def finish(self, *, advisor: Id) -> Annotated[CallToolResult, answers.Finished]:
        """End an advisor: its results, the best first, and a script for the best. It takes no more results."""
        with self.advisors.held(advisor) as saved:
            saved.finish()
        task = saved.advisor.task
        ranked = sorted(
            saved.advisor.history, key=lambda t: task.metric.to_loss(t.score) if t.status is Status.OK else math.inf
        )
        facts: dict[str, Any] = {
            "advisor": advisor,
            "metric": task.metric.name,
            "results": [_result(trial) for trial in ranked[:_RESULTS]],
            "results_left_out": max(len(ranked) - _RESULTS, 0),
        }
        if saved.advisor.best is not None:
            facts["code"] = self._script(saved, saved.advisor.best.configuration)["code"]
        return _answer(facts)

    def kb_search(
        self,
        *,
        table: Table | None,
        words: Annotated[str, Field(description="Such as 'imbalanced binary 10k rows'.")] = "",
        n: Annotated[int, Field(ge=1, le=_MOST, description="How many tasks at most.")] = 5,
    ) -> Annotated[CallToolResult, answers.PastTasks]:
        """Find past tasks by words or by likeness to a table, with the model that won there."""
        data = None if table is None else self._dataset(table)[0]
        known = open_knowledge_base(self._knowledge_base)
        return _answer(compact_past_tasks([t.to_dict() for t in search(known, words, like=data, n=n)]))

    def record(
        self,
        *,
        advisor: Id,
        name: Annotated[
            str | None, Field(description="Name of the table in the store; by default nothing that tells it.")
        ] = None,
        way: Annotated[
            str | None, Field(description="How rows were split if not at random, such as groups or time.")
        ] = None,
    ) -> Annotated[CallToolResult, answers.Recorded]:
        """Add the results of an advisor to the store that was named when the server was started."""
        if self.store is None:
            message = (
                "This server has no store to record to. Expected one named at start. Start it with --store ADDRESS."
            )
            raise InvalidInputError(message)
        saved = self.advisors.get(advisor)
        data = self._data(saved)
        if data.fingerprint != saved.about["fingerprint"]:
            message = (
                f"The table {saved.about['table']!r} changed since the advisor was started. Expected the data on which the "
                "results were measured. Restore it, or start another advisor."
            )
            raise InvalidInputError(message)
        history = saved.advisor.history
        if not history:
            message = "The advisor has no results. Expected some to record. Tell them first."
            raise InvalidInputError(message)
        task = replace(data.as_task(name), metric=saved.advisor.task.metric)
        if way:
            task = task.evaluated(way, note="folds split by hand")
        found = [
            Evaluation(
                task_id=task.id,
                configuration=t.configuration,
                metric=task.metric.name,
                value=t.score,
                fit_seconds=None if math.isnan(t.seconds) else t.seconds,
                status=Status(t.status or Status.FAILED),
            )
            for t in history
        ]
        before = self.store.info().n_evaluations
        self.store.append(task, saved.advisor.meta_features, found)
        about = self.store.info()
        counts = {"new_evaluations": about.n_evaluations - before, "evaluations": about.n_evaluations}
        return _answer({"store": about.url, "task": task.id, **counts})

    def _data(self, saved: SavedAdvisor) -> Dataset:
        about = saved.about
        return self._dataset(
            Table(
                path=about["file"],
                target=about["target"],
                problem_type=about["problem_type"],
                categorical=about["categorical"],
                **about.get("reading", {}),
            )
        )[0]

    def _changed(self, saved: SavedAdvisor) -> list[str]:
        """Say that a table is not any more what an advisor was started on."""
        if state_of(saved.about["file"]) == saved.about["state"]:
            return []
        try:
            if self._data(saved).fingerprint == saved.about["fingerprint"]:
                return []
        except (InvalidInputError, LookupError):
            pass  # it is not there, or no table any more
        note = f"The table {saved.about['table']!r} changed since the advisor was started: suggestions are for the data as it was."
        return [f"{note} Call start for the new data."]

    async def tune(
        self,
        *,
        table: Request,
        trials: Annotated[int, Field(ge=1, le=1_000, description="Configurations to try at most.")] = 10,
        time_budget: Annotated[float, Field(gt=0, le=3_600, description="Seconds for the whole search.")] = 60.0,
        out: Annotated[str | None, Field(description="New file for the model (.skops), inside of the folders.")] = None,
    ) -> Annotated[CallToolResult, answers.Tuned]:
        """Search for the best configuration by fitting models on the table, in a process of its own."""
        file = self.folders.table(table.path)
        words = ["tune", file, "--json", "--trials", str(trials), "--time-budget", f"{time_budget:g}"]
        for option, value in (("target", table.target), ("metric", table.metric), ("task", table.problem_type)):
            words += [f"--{option}={value}"] if value is not None else []
        words += [f"--families={','.join(table.families)}"] if table.families else []
        for option, columns in (("categorical", table.categorical), ("drop", table.drop), ("keep", table.keep)):
            words += [f"--{option}={column}" for column in columns or ()]
        words += [] if table.header is None else ["--header" if table.header else "--no-header"]
        words += [f"--names={_csv_line(table.names)}"] if table.names else []
        words += [] if table.sheet is None else [f"--sheet={table.sheet}"]
        made = None
        if out is not None:
            made = self.folders.inside(out)
            if made.exists():
                message = f"The file {out!r} exists. Expected a new one, since nothing is overwritten. Name another."
                raise InvalidInputError(message)
            words.append(f"--out={made}")
        with anyio.move_on_after(
            time_budget + _EXTRA_SECONDS
        ) as limit:  # killed with it: no search outlives its client
            done = await anyio.run_process([sys.executable, "-m", "metalearn", *words], check=False)
        if limit.cancelled_caught:
            message = f"The search took more than {time_budget + _EXTRA_SECONDS:g} seconds. Expected less. Try fewer rows or families."
            raise InvalidInputError(message)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if done.returncode:
            raise InvalidInputError(said[-1].removeprefix("Error: ") if said else "The search failed without a word.")
        facts = json.loads(done.stdout)
        return _answer(
            {
                **{name: facts[name] for name in ("decision", "metric", "score", "default_score", "seconds")},
                "trials": len(facts["trials"]),
                "model_file": made and str(made),
                "notes": facts["recommendation"]["notes"],
            }
        )


def _csv_line(names: Sequence[str]) -> str:
    """Return names as the option --names takes them."""
    line = StringIO()
    csv.writer(line).writerow(names)
    return line.getvalue().strip("\r\n")


def _unmeasured(configuration: Configuration, problem_type: ProblemType) -> Candidate:
    """Return a configuration of which nothing is expected."""
    return Candidate(
        configuration=configuration,
        problem_type=problem_type,
        expected_score=math.nan,
        interval=(math.nan, math.nan),
        expected_seconds=math.nan,
    )


def _not_finished(saved: SavedAdvisor) -> None:
    if saved.finished:
        message = f"The advisor {saved.id!r} is finished. Expected one that takes results. Call start for a new one."
        raise InvalidInputError(message)


def _result(trial: Any) -> dict[str, Any]:
    c = trial.configuration
    return {"id": c.id, "model": c.model, "score": trial.score, "seconds": trial.seconds, "status": str(trial.status)}


def _state_of(saved: SavedAdvisor, notes: list[str]) -> dict[str, Any]:
    task = saved.advisor.task
    return {
        "advisor": saved.id,
        "table": saved.about["table"],
        "problem_type": str(task.problem_type),
        "metric": task.metric.name,
        "greater_is_better": task.metric.greater_is_better,
        "tried": len(saved.advisor.history),
        "waiting": [name for name in saved.asked if name not in saved.told],
        "best": None if saved.advisor.best is None else _result(saved.advisor.best),
        "notes": notes,
    }
