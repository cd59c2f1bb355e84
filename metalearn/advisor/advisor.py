"""Ask what to try next, tell how it went: every result improves the next answer."""

import json
import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from metalearn._arguments import checked_count, checked_seconds, checked_time_left
from metalearn._files import write_text
from metalearn._version import __version__
from metalearn.advisor.results import impossible_score, recognised_by_hand
from metalearn.advisor.saved import FORMAT, read_state
from metalearn.api import N_FOLDS, KnowledgeSource, new_task, past_of, usable_models
from metalearn.dataset import Dataset
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, unknown_name
from metalearn.fitted_recommenders import fitted_recommender
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.models import build_pipeline, get_model
from metalearn.recommendation import Recommendation
from metalearn.recommenders import Strategy, recommend_beyond
from metalearn.space import Configuration
from metalearn.table.schema import Schema
from metalearn.task import Metric, ProblemType, Task, scorer_sign
from metalearn.trial import Trial, as_configurations

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["Advisor"]

_ALL = 100_000


class Advisor:
    """Suggest configurations one by one, learning from every result; several threads may share an advisor.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,) or None, default=None
        The target.
    target : str or None, default=None
        The column of ``X`` that is the target, instead of ``y``.
    metric : str, callable, Metric or None, default=None
        What to optimise; default: ``roc_auc`` (binary), ``accuracy`` (multiclass), ``r2`` (regression). If a scorer is
        named that negates (``neg_log_loss``), or given as an object, :meth:`tell` takes that scorer's values. A scorer of
        your own, ``scorer(model, X, y)``, is tried on made-up predictions to find what past results may stand in.
    families : str, sequence of str or None, default=None
        Model families to choose from; default: all whose package is installed.
    knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
        What to learn from; default: the bundled one.
    problem_type : ProblemType, str or None, default=None
        ``binary``, ``multiclass`` or ``regression``; default: inferred from the target.
    categorical : str or sequence of str, default=()
        Columns that are categorical whatever they look like.
    drop, keep : str or sequence of str, default=()
        Columns that are no features, such as identifiers, or the only ones that are.
    time_budget : float or None, default=None
        Seconds on the clock that you have from now on, everything included. Configurations whose three-fold cross-validation is
        not expected to end in time are passed over. The clock of a saved state stands still until it is loaded.
    recommender : str, default="auto"
        Name of the strategy.
    name : str, default="table"
        What to call the table.
    new_points : bool, default=True
        Whether to propose, once a few results are known, new configurations where they promise more than known ones.
    random_state : int, default=0
        Seed of such proposals.

    Attributes
    ----------
    task : Task
        The task with its metric.
    meta_features : MetaFeatures
        What was measured of the table.
    trials, history : tuple of Trial
        All trials, running ones first, and those that ended; scores in the metric's own direction.
    pending : tuple of Configuration
        Configurations of the trials that run.
    score_sign : float
        Factor of told scores: -1 if the metric was given as a scorer that negates.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> advisor = Advisor(*load_wine(return_X_y=True), families=["knn", "linear"])
    >>> first = advisor.ask()
    >>> advisor.tell(first, score=0.9, seconds=0.1)
    >>> advisor.ask() == first
    False
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        *,
        target: str | None = None,
        metric: str | Callable[..., Any] | Metric | None = None,
        families: str | Sequence[str] | None = None,
        knowledge_base: KnowledgeSource = None,
        problem_type: ProblemType | str | None = None,
        categorical: str | Sequence[str] = (),
        drop: str | Sequence[str] = (),
        keep: str | Sequence[str] = (),
        time_budget: float | None = None,
        recommender: str = "auto",
        name: str = "table",
        new_points: bool = True,
        random_state: int = 0,
    ) -> None:
        chosen: dict[str, Any] = {"target": target, "drop": drop, "keep": keep}
        data = Dataset.from_data(X, y, problem_type=problem_type, categorical=categorical, **chosen)
        self._schema = data.schema
        self._start(
            new_task(data, metric, name),
            extract(data),
            families=families,
            knowledge_base=knowledge_base,
            time_budget=time_budget,
            recommender=recommender,
            new_points=new_points,
            random_state=random_state,
            score_sign=scorer_sign(metric),
        )

    def _start(
        self,
        task: Task,
        meta_features: MetaFeatures,
        *,
        families: str | Sequence[str] | None,
        knowledge_base: KnowledgeSource,
        time_budget: float | None,
        recommender: str,
        new_points: bool,
        random_state: int,
        score_sign: float,
        elapsed: float = 0.0,
    ) -> None:
        self.task, self.meta_features = task, meta_features
        self.time_budget, self.score_sign = checked_seconds(time_budget), score_sign
        self._models, self.notes = usable_models(families, task.problem_type)
        self._recommender = fitted_recommender(past_of(knowledge_base), task.problem_type, task.metric, recommender)
        self._new_points, self._random_state = bool(new_points), int(random_state)
        self._trials: dict[str, Trial] = {}
        self._running: dict[str, Trial] = {}
        self._began = time.monotonic() - elapsed
        self._recommender_name, self._lock = recommender, RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the lock, which does not pickle, and stop the clock."""
        return {**{name: value for name, value in vars(self).items() if name != "_lock"}, "_began": -self._elapsed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a new lock and let the clock go on."""
        vars(self).update(state, _lock=RLock(), _began=time.monotonic() + state["_began"])

    def __repr__(self) -> str:
        """Return one readable line."""
        tried, best = self.history, self.best
        score = f", best {best.score:.4g}" if best else ""
        return f"Advisor({self.task.name!r}, {self.task.metric.name}, {len(tried)} tried{score})"

    @property
    def families(self) -> tuple[str, ...]:
        """The model families to choose from."""
        return self._models

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials: those that run, then those that ended, each in order."""
        with self._lock:
            return (*self._running.values(), *self._trials.values())

    @property
    def history(self) -> tuple[Trial, ...]:
        """The trials that ended, in the order of telling."""
        return tuple(trial for trial in self.trials if not trial.is_running)

    @property
    def pending(self) -> tuple[Configuration, ...]:
        """Configurations that were asked for, or started, and not told yet."""
        return tuple(trial.configuration for trial in self.trials if trial.is_running)

    @property
    def best(self) -> Trial | None:
        """The best trial so far; None before the first success."""
        good = [trial for trial in self.trials if trial.status is Status.OK]
        return min(good, key=lambda trial: self.task.metric.to_loss(trial.score)) if good else None

    def recommend(
        self, n: int = 10, *, time_left: float | None = None, families: str | Collection[str] | None = None
    ) -> Recommendation:
        """Rank what to try next, given every result so far, without starting any trial.

        Parameters
        ----------
        n : int, default=10
            How many candidates at most.
        time_left : float or None, default=None
            Seconds that are left, where the caller keeps the clock, infinity for no limit; default: what is left of
            ``time_budget``.
        families : str, collection of str or None, default=None
            Choose among these of the advisor's model families only, by name or alias; None among all.

        Returns
        -------
        Recommendation
            Without what was tried or is pending.

        Raises
        ------
        InvalidInputError
            If n is no whole number of at least 1.
        UnknownNameError
            If a family is none of the advisor's.
        """
        return self._ranked(checked_count(n), (), time_left=time_left, families=families)

    def _ranked(
        self,
        n: int,
        without: Collection[Configuration],
        *,
        time_left: float | None,
        families: str | Collection[str] | None,
    ) -> Recommendation:
        """Rank what to try next, passing over what was tried, is pending or is in ``without``."""
        trials = self.trials
        tried, pending = self._losses(trials), tuple(t.configuration for t in trials if t.is_running)
        left = self._left if time_left is None else checked_time_left(time_left)
        about: dict[str, Any] = {
            "n": n,
            "models": self._models if families is None else self._some(families),
            "time_budget": None if math.isinf(left) else max(left, 0.0) / N_FOLDS,
        }
        if tried and self._new_points and isinstance(self._recommender, Strategy):
            found = recommend_beyond(
                self._recommender,
                self.task,
                self.meta_features,
                tried=tried,
                pending=pending,
                without=without,
                random_state=self._random_state,
                **about,
            )
        else:
            observed = {configuration.id: loss for configuration, loss in tried.items()}
            about["n"] += len(without)
            found = self._recommender.recommend(self.task, self.meta_features, observed=observed, **about)
            if without:
                found = replace(found, candidates=tuple(c for c in found if c.configuration not in without)[:n])
        return found if left > 0 else replace(found, candidates=())  # what takes unknown seconds does not fit either

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    @property
    def _left(self) -> float:
        """Seconds that are left on the clock when what runs will have ended as expected."""
        budget = math.inf if self.time_budget is None else self.time_budget
        running = np.nansum([trial.expected_seconds for trial in self.trials if trial.is_running])
        return budget - self._elapsed - N_FOLDS * float(running)

    def _losses(self, trials: Sequence[Trial]) -> dict[Configuration, float]:
        """Return losses in an order that does not depend on that of telling; what runs counts as expected."""
        metric, found = self.task.metric, {}
        for trial in sorted(trials, key=lambda trial: trial.configuration.id):
            score = trial.expected_score if trial.is_running else trial.score
            failed = trial.status not in (None, Status.OK)
            found[trial.configuration] = math.inf if failed else float(metric.to_loss(score))
        return found

    def _some(self, families: str | Collection[str]) -> tuple[str, ...]:
        wanted = {get_model(name).name for name in ([families] if isinstance(families, str) else families)}
        if absent := sorted(wanted - set(self._models)):
            raise unknown_name("family", absent[0], self._models)
        return tuple(name for name in self._models if name in wanted)

    @property
    def seconds(self) -> float:
        """Seconds told so far; what is pending counts as expected."""
        taken = [t.expected_seconds if t.is_running else t.seconds for t in self.trials]
        return sum(s for s in taken if not math.isnan(s))

    @overload
    def ask(
        self,
        *,
        without: Collection[Configuration] = (),
        families: str | Collection[str] | None = None,
        time_left: float | None = None,
    ) -> Configuration: ...
    @overload
    def ask(
        self,
        n: int,
        *,
        without: Collection[Configuration] = (),
        families: str | Collection[str] | None = None,
        time_left: float | None = None,
    ) -> list[Configuration]: ...
    def ask(
        self,
        n: int | None = None,
        *,
        without: Collection[Configuration] = (),
        families: str | Collection[str] | None = None,
        time_left: float | None = None,
    ) -> Configuration | list[Configuration]:
        """Return what to try next, and note it as pending until it is told or withdrawn.

        Parameters
        ----------
        n : int or None, default=None
            How many, for parallel workers; None asks for one.
        without : collection of Configuration, default=()
            What not to return, such as what was tried in another form.
        families : str, collection of str or None, default=None
            Choose among these of the advisor's model families only, by name or alias; None among all.
        time_left : float or None, default=None
            Seconds that are left, where the caller keeps the clock, infinity for no limit; default: what is left of
            ``time_budget``.

        Returns
        -------
        Configuration or list of Configuration
            One if n is None, else a list; it is shorter than n if nothing more is known or fits into the time budget.

        Raises
        ------
        StopIteration
            If one is asked for and nothing is left to try.
        InvalidInputError
            If n is no whole number of at least 1.
        UnknownNameError
            If a family is none of the advisor's.
        """
        n_asked = 1 if n is None else checked_count(n)
        found: list[Configuration] = []
        with self._lock:
            other = {c for c in as_configurations(without) if c.id not in self._trials and c.id not in self._running}
            while len(found) < n_asked:
                ranked = self._ranked(1, other, families=families, time_left=time_left)
                if not ranked.candidates:
                    break
                chosen = ranked.candidates[0]
                self._running[chosen.configuration.id] = Trial(
                    configuration=chosen.configuration,
                    status=None,
                    expected_score=chosen.expected_score,
                    expected_seconds=chosen.expected_seconds,
                )
                found.append(chosen.configuration)
                if time_left is not None:
                    time_left -= N_FOLDS * float(np.nan_to_num(chosen.expected_seconds))
        if n is not None:
            return found
        if not found:
            message = (
                "Nothing is left to try: every configuration was tried, or none fits into the time budget. "
                "Expected something to ask for. Stop, or allow more families or time."
            )
            raise StopIteration(message)
        return found[0]

    def start(self, configuration: Configuration) -> Trial:
        """Note that a configuration is being tried that was not asked for, such as a default: it is pending from now on.

        Parameters
        ----------
        configuration : Configuration
            The configuration; it is taken under our names and kinds of values, as by :meth:`tell`.

        Returns
        -------
        Trial
            Running, with the expected score and seconds where past tasks have the configuration, else NaN.
        """
        with self._lock:
            known = configuration if configuration.id in self._running else recognised_by_hand(configuration)
            if (running := self._running.get(known.id)) is not None:
                return running
            observed = {tried.id: loss for tried, loss in self._losses(self.trials).items()}
            listed = self._recommender.recommend(
                self.task, self.meta_features, n=_ALL, observed=observed, models=self._models
            )
            found = next((c for c in listed if c.configuration == known), None)
            trial = Trial(configuration=known, status=None)
            if found is not None:
                trial = replace(trial, expected_score=found.expected_score, expected_seconds=found.expected_seconds)
            self._running[known.id] = trial
            return trial

    def withdraw(self, configuration: Configuration) -> None:
        """Take back what was asked for and will not be told: it is no longer pending.

        Parameters
        ----------
        configuration : Configuration
            What :meth:`ask` returned; nothing happens if it is not pending.
        """
        with self._lock:
            self._running.pop(configuration.id, None)

    def build(self, configuration: Configuration, *, random_state: int = 0, n_jobs: int | None = None) -> "Pipeline":
        """Return the unfitted pipeline of a configuration, to be scored and told.

        Parameters
        ----------
        configuration : Configuration
            What :meth:`ask` returned, or another.
        random_state : int, default=0
            Seed of the estimator.
        n_jobs : int or None, default=None
            Threads of the estimator, where it takes any; None means 1, as in scikit-learn, and -1 all cores.

        Returns
        -------
        Pipeline
            Takes any DataFrame with the columns it is fitted on.
        """
        kind, schema = self.task.problem_type, self._schema
        return build_pipeline(configuration, kind, random_state=random_state, n_jobs=n_jobs, schema=schema)

    def tell(
        self,
        configuration: Configuration,
        *,
        score: float | None = None,
        seconds: float | None = None,
        status: Status | str = Status.OK,
    ) -> None:
        """Report how a configuration did, asked for or not, in any order.

        What was not asked for counts under our names and kinds of values: ``C=10`` as ``C=10.0``, without ``n_jobs``.

        Parameters
        ----------
        configuration : Configuration
            What was tried.
        score : float or None, default=None
            Its cross-validated score; needed unless it failed. In the metric's own direction (an rmse is positive), or,
            if the metric was given as a scorer (``neg_root_mean_squared_error``), as that scorer gives it.
        seconds : float or None, default=None
            What one fit took: with three folds, a third of what cross-validation took.
        status : Status or str, default=Status.OK
            ``"ok"``, ``"failed"``, ``"timeout"``, ``"memory"`` or ``"pruned"``.

        Raises
        ------
        InvalidInputError
            If it is no configuration, succeeded but has no finite score or one outside the metric's range, or the
            status is unknown.
        """
        trial = Trial.of(configuration, score, seconds, status)
        trial = replace(trial, score=self.score_sign * trial.score)
        if trial.status is Status.OK and not self.task.metric.is_possible(trial.score):
            raise InvalidInputError(impossible_score(float(score or 0), self.task.metric, self.score_sign))
        with self._lock:
            if configuration.id not in self._running:
                trial = replace(trial, configuration=recognised_by_hand(configuration))
            tried = trial.configuration.id
            asked = self._running.pop(tried, None)
            if asked is not None:
                trial = replace(trial, expected_score=asked.expected_score, expected_seconds=asked.expected_seconds)
            self._trials.pop(tried, None)
            self._trials[tried] = trial

    def expected_improvement(self, *, time_left: float | None = None) -> float:
        """Return by how much the next trial is expected to improve on the best so far.

        Parameters
        ----------
        time_left : float or None, default=None
            Seconds that are left, infinity for no limit; default: what is left of ``time_budget``.

        Returns
        -------
        float
            In units of the metric, at least 0; infinity before the first success, 0 when nothing is left, NaN where the
            recommender does not say.
        """
        with self._lock:
            if self.best is None:
                return math.inf
            following = self.recommend(1, time_left=time_left).candidates
        if not following:
            return 0.0
        found = following[0].expected_improvement
        return math.nan if found is None else found

    def should_stop(self, least: float) -> bool:
        """Tell whether going on is not expected to pay.

        Parameters
        ----------
        least : float
            Improvement by one trial that would be worth its while, in units of the metric.

        Returns
        -------
        bool
            Whether less is to be expected of the next trial.
        """
        return self.expected_improvement() < least

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the state as JSON, and write it to a file if one is named.

        Parameters
        ----------
        path : str or Path or None, default=None
            Where to write it.

        Returns
        -------
        str
            What :meth:`from_json` takes; it holds meta-features and results, nothing of the table's rows.
        """
        state = {
            "format": FORMAT,
            "version": __version__,
            "task": self.task.to_dict(),
            "meta_features": {k: v for k, v in self.meta_features.values.items() if math.isfinite(v)},
            "models": list(self._models),
            "recommender": self._recommender_name,
            "time_budget": self.time_budget,
            "new_points": self._new_points,
            "random_state": self._random_state,
            "score_sign": self.score_sign,
            "categorical": list(self._schema.categorical),
            "dropped": list(self._schema.dropped),
            "elapsed": self._elapsed,
            "trials": [trial.to_dict() for trial in self.history],
        }
        text = json.dumps(state, indent=1, allow_nan=False)
        if path is not None:
            write_text(path, text + "\n")
        return text

    @classmethod
    def from_json(cls, source: str | Path, *, knowledge_base: KnowledgeSource = None) -> Self:
        """Resume from a saved state; what was pending is asked for again.

        Parameters
        ----------
        source : str or Path
            JSON text, or the file that holds it.
        knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
            What to learn from; default: the bundled one.

        Returns
        -------
        Advisor
            With the same history.

        Raises
        ------
        InvalidInputError
            If it is not a saved state, or was written by a newer version.
        """
        state = read_state(source)
        try:
            made = cls.__new__(cls)
            forced, dropped = (tuple(state.get(name, ())) for name in ("categorical", "dropped"))
            made._schema = Schema(categorical=forced, dropped=dropped)  # noqa: SLF001
            made._start(  # noqa: SLF001 - an own instance
                Task.from_dict(state["task"]),
                MetaFeatures(state["meta_features"]),
                families=state["models"],
                knowledge_base=knowledge_base,
                time_budget=state["time_budget"],
                recommender=state["recommender"],
                new_points=state.get("new_points", True),
                random_state=state.get("random_state", 0),
                score_sign=state.get("score_sign", 1.0),
                elapsed=float(state.get("elapsed", 0.0)),
            )
            for trial in map(Trial.from_dict, state["trials"]):
                made._trials[trial.configuration.id] = trial  # noqa: SLF001
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, InvalidInputError):
                raise
            message = f"This is not a saved advisor ({error!r}). Expected what to_json wrote. Check the file."
            raise InvalidInputError(message) from error
        return made
