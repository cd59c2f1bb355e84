"""What both estimators share: search, choose, fit on all rows, and tell what happened."""

import hashlib
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted
from threadpoolctl import threadpool_limits

from metalearn._address import guarded
from metalearn._files import write_text
from metalearn.advisor import Advisor
from metalearn.api import KnowledgeSource, open_store
from metalearn.builder import Limits
from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.estimators.advice import Advice
from metalearn.estimators.columns import EMPTY, check_values, note_unseen, without_surplus
from metalearn.estimators.documentation import documented
from metalearn.estimators.drift import summary
from metalearn.estimators.ensemble import Comparison
from metalearn.estimators.interruption import Interruption
from metalearn.estimators.progress import progress
from metalearn.estimators.records import decision, evaluations, leaderboard, trial_facts
from metalearn.estimators.refit import fit_anything, fit_members
from metalearn.estimators.search import DEFAULT_SHARE, Budget, SearchTrial, default_of, search
from metalearn.estimators.setup import defaults, usable_families
from metalearn.estimators.table import as_table
from metalearn.evaluation import score_classes, score_numbers
from metalearn.evaluation.fit import TrainingData, predict
from metalearn.evaluation.proxy import with_stand_ins
from metalearn.evaluation.splits import Folds, fewer_folds, split
from metalearn.evaluation.workers import InProcess, Processes, Runner
from metalearn.exceptions import InvalidInputError, MetalearnError
from metalearn.knowledge import KnowledgeBase, Store
from metalearn.metafeatures import MetaFeatures
from metalearn.recommendation import Recommendation
from metalearn.report import Text, to_json, training_script, tuning_page, tuning_text
from metalearn.report.model import held_out_facts
from metalearn.scorers import apply_scorer
from metalearn.table.intake import MIN_ROWS, column_names, label_name, row_names, split_target, with_names
from metalearn.table.schema import Schema
from metalearn.task import NEW, Metric, ProblemType, Task, get_metric

__all__ = ["MetaLearnEstimator"]

_TRIALS = 20
"""How many configurations are tried where nothing else bounds the search."""

N_LISTED = 10
"""Candidates of the list that a search begins with, as many as ``recommend`` shows."""


def _seed(random_state: int | np.random.RandomState | None) -> int:
    return int(check_random_state(random_state).randint(2**31 - 1))


def _way(folds: Folds, weights: npt.NDArray[np.float64] | None = None) -> str:
    """Name a way to split the rows, and to weigh them."""
    parts = [*(part for fold in folds for part in fold), *([] if weights is None else [weights])]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:8]


def _checked_weights(sample_weight: Any, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    try:
        weights: npt.NDArray[np.float64] = _check_sample_weight(sample_weight, frame, ensure_non_negative=True)
    except ValueError as error:
        message = f"The weights of the rows cannot be used: {str(error).rstrip('.')}. Expected a number for each row, none negative, some of them more than 0. Correct them."
        raise InvalidInputError(message) from error
    return weights


@documented
class MetaLearnEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """Search with a recommendation as the start, under scikit-learn's rules.

    {parameters}
    """

    def __init__(
        self,
        *,
        n_trials: int | None = None,
        time_budget: float | None = None,
        metric: str | Callable[..., Any] | Metric | None = None,
        families: str | Sequence[str] | None = None,
        blend: bool = True,
        cv: Any = None,
        categorical: str | Sequence[str] = (),
        drop: str | Sequence[str] = (),
        keep: str | Sequence[str] = (),
        knowledge_base: KnowledgeSource = None,
        recommender: str = "auto",
        record_to: Store | str | Path | None = None,
        name: str | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
        progress: bool | None = None,
    ) -> None:
        self.n_trials = n_trials
        self.time_budget = time_budget
        self.metric = metric
        self.families = families
        self.blend = blend
        self.cv = cv
        self.categorical = categorical
        self.drop = drop
        self.keep = keep
        self.knowledge_base = knowledge_base
        self.recommender = recommender
        self.record_to = record_to
        self.name = name
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.progress = progress

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; addresses hide their passwords wherever scikit-learn shows parameters."""
        super().__setattr__(name, guarded(value) if name in {"knowledge_base", "record_to"} else value)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that missing values, strings, categories and sparse matrices are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    @abstractmethod
    def _read_target(self, y: Any) -> tuple[npt.NDArray[Any], ProblemType, int]:
        """Check the target; return it as codes or numbers, the kind of problem and the number of classes."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search for the best configuration within the budget, and fit it on all rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            The table: any column types, missing values allowed.
        y : array-like of shape (n_rows,)
            The target.
        sample_weight : array-like of shape (n_rows,) or None, default=None
            Weights of the rows in fitting; only families that take them are used then. Scores do not weigh rows.
        groups : array-like of shape (n_rows,) or None, default=None
            Which rows belong together, such as those of one patient: they are on the same side of every fold.

        Returns
        -------
        MetaLearnEstimator
            Itself. Ctrl-C ends the search early and keeps the best so far; in the last fits, on all rows, it keeps those
            that have ended, or waits for the first. A second Ctrl-C stops without a model.

        Raises
        ------
        InvalidInputError
            If an option cannot be used, or the rows cannot be split by it.
        ValueError
            If the table or the target cannot be used.
        """
        self._check_options()
        self.__dict__.pop("members_", None)  # a fit that fails leaves no model beside the classes of another
        self.__dict__.pop("learned_from_", None)
        n_trials = _TRIALS if self.n_trials is None and self._seconds is None else self.n_trials
        budget = Budget(n_trials=n_trials, seconds=self._seconds, n_slots=effective_n_jobs(self.n_jobs))
        data = self._read(X, y, sample_weight, groups)
        usable = usable_families(self.families, data.problem_type, weighted=data.weights is not None)
        small = len(data.X) < MIN_ROWS or not data.folds
        first = defaults(usable, data.problem_type, n_rows=len(data.X), small=small)
        store = None if self.record_to is None or small else self._store()
        with Interruption() as interruption, closing(self._runner(data)) as runner, threadpool_limits(1):
            advisor = None if small else self._advisor(data, usable, budget)
            self.recommendation_ = self._recommended(data, advisor, grouped=groups is not None)
            affordable = (self._seconds or math.inf) * DEFAULT_SHARE / max(len(data.folds), 1)
            advice = Advice(first, self.recommendation_.configurations, advisor, affordable)
            trials = self._search(data, advice, runner, budget, interruption) if data.folds else []
            if interruption.times:
                self._note_interruption(len(trials), budget)
            interruption.patient = True  # choosing takes a moment
            self.expected_improvement_ = advice.expected_improvement
            default = default_of(trials)
            compared, comparison = self._compared(data, trials, default)
            members, held_out = [], {}
            if comparison is not None:
                choice = comparison.choose(default=0 if compared[0] is default else None, blend=self.blend)
                held_out = choice.held_out_losses
                chosen = [(float(choice.weights[i]), compared[i]) for i in choice.members]
                members = fit_members(data, chosen, runner, budget, interruption)
        hurry = budget.left < 1  # then what is quickest comes first
        self.members_ = members or fit_anything(data, first[::-1] if hurry else first, hurry=hurry)
        shares = {id(m.trial): m.weight for m in members}  # fewer than were chosen, where time or patience ended
        used = [shares.get(id(t), 0.0) for t in compared]
        loss = comparison.loss(used) if comparison is not None and members else math.nan
        self.best_score_ = float(self.metric_.from_loss(loss))
        mixed = comparison.mixed(used) if comparison is not None and members else []
        self.held_out_predictions_ = _by_row(data, mixed)
        labels = [label_name(label) for label in self.classes_] if data.n_classes else []
        self.held_out_facts_ = held_out_facts(data.target, self.held_out_predictions_, labels) if mixed else None
        split_by = "groups" if groups is not None else "" if self.cv is None or isinstance(self.cv, Integral) else "cv"
        self.way_: dict[str, Any] = {"split_by": split_by, "weighed": data.weights is not None, "dropped": []}
        self._report(trials, held_out, budget)
        if store is not None:
            try:
                self._record(data, trials, store)
            except MetalearnError as error:
                message = (
                    f"The results could not be recorded: {error} The model is fitted all the same; history_ holds them."
                )
                warnings.warn(message, UserWarning, stacklevel=2)
        return self

    def _note_interruption(self, n_tried: int, budget: Budget) -> None:
        of = f" of {budget.n_trials}" if budget.n_trials else ""
        note = f"The search was interrupted in trial {n_tried}{of}; the best so far is used."
        self.recommendation_ = replace(self.recommendation_, notes=(note, *self.recommendation_.notes))

    def _read(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> TrainingData:
        """Check what is to be learned from, take note of what it is like, and split it into folds."""
        X = split_target(X, y, None, drop=self.drop, keep=self.keep)[0]
        frame = as_table(self, X, categorical=self._categorical, reset=True)
        target, problem_type, n_classes = self._read_target(y)
        if len(target) != len(frame):
            message = (
                f"The table has {len(frame)} rows but the target {len(target)}. Expected the same number. Align them."
            )
            raise InvalidInputError(message)
        schema = Schema.of(frame, self._categorical)
        kinds = schema.kinds.items()
        self.column_kinds_ = {name: EMPTY if frame[name].isna().all() else str(kind) for name, kind in kinds}
        self.target_ = summary(y, target, problem_type)
        weights = None if sample_weight is None else _checked_weights(sample_weight, frame)
        seed = _seed(self.random_state)
        self.problem_type_, self.metric_ = problem_type, get_metric(self.metric, problem_type)
        folds = split(
            target,
            problem_type,
            metric=self.metric_,
            cv=self.cv,
            groups=groups,
            time_budget=self._seconds,
            random_state=seed,
        )
        classes = self.classes_ if n_classes else None
        names = row_names(X)
        self.metric_ = with_stand_ins(self.metric_, with_names(frame, names), target, problem_type, classes)
        return TrainingData(
            frame, target, problem_type, n_classes, folds, weights, seed, self.metric_, classes, names, schema=schema
        )

    def _check_options(self) -> None:
        for name, least in (("n_trials", 1), ("cv", 2), ("time_budget", 0)):
            value = getattr(self, name)
            kind = Real if name == "time_budget" else Integral
            number = isinstance(value, kind) and float(value) >= least and float(value) > 0
            if not (value is None or number or (name == "cv" and not isinstance(value, Real))):
                other = ", a splitter, pairs of rows" if name == "cv" else ""
                message = f"{name} is {value!r}. Expected at least {least or 'a moment'}{other}, or None. Correct it."
                raise InvalidInputError(message)
        if self.n_jobs == 0:
            message = (
                "n_jobs is 0. Expected a number of fits at the same time, or -1 for one on each processor. Correct it."
            )
            raise InvalidInputError(message)

    def _store(self) -> Store:
        """Open the store that results go to; one that cannot be written to is told before the search."""
        given: Any = self.record_to
        store: Store = open_store(given) if isinstance(given, str | Path) else given
        store.write(KnowledgeBase.empty())
        return store

    @property
    def _categorical(self) -> tuple[str, ...]:
        return column_names(self.categorical)

    @property
    def _seconds(self) -> float | None:
        """Seconds that a fit may take; None without a limit."""
        return None if self.time_budget is None or math.isinf(self.time_budget) else self.time_budget

    def _runner(self, data: TrainingData) -> Runner:
        n_slots = effective_n_jobs(self.n_jobs)
        if n_slots == 1 and self._seconds is None:
            return InProcess(data)
        return Processes(data, n_slots)

    def _nothing(self, data: TrainingData) -> Recommendation:
        task = Task(
            id=f"{NEW}table",
            problem_type=data.problem_type,
            metric=self.metric_,
            n_rows=len(data.X),
            n_features=data.X.shape[1],
            n_classes=data.n_classes,
        )
        note = (
            f"The table has {len(data.X)} rows. With so few it is not compared with others."
            if len(data.X) < MIN_ROWS
            else "A class has a single row, so nothing can be held out: the default is used as it is."
        )
        return Recommendation(task, (), recommender="none", notes=(note,))

    def _recommended(self, data: TrainingData, advisor: Advisor | None, *, grouped: bool) -> Recommendation:
        about: dict[str, Any] = {"target": self.target_["name"] or "target", "categorical": self._categorical}
        if advisor is None:
            return replace(self._nothing(data), **about)
        checked = self._dataset(data)
        answered = {"groups"} if grouped else set()  # whoever splits in a way has thought of the question
        if isinstance(self.cv, list | TimeSeriesSplit):
            answered.add("time_order")
        findings = [f for f in check_data(checked, metric=self.metric_) if f.kind not in answered]
        found = advisor.recommend(N_LISTED, time_left=math.inf if self._seconds is None else self._seconds)
        asked = int(self.cv) if isinstance(self.cv, Integral) else 0
        fewer = (fewer_folds(asked, len(data.folds)),) if len(data.folds) < asked else ()
        notes = (*found.notes, *advisor.notes, *fewer, *(finding.message for finding in findings))
        return replace(found, notes=notes, meta_features=advisor.meta_features.values, **about)

    def _dataset(self, data: TrainingData) -> Dataset:
        """Return the table with the classes as the user calls them."""
        y = self.classes_[data.target] if data.n_classes else data.target
        kind = data.problem_type
        return Dataset.from_data(data.X, y, problem_type=kind, categorical=self._categorical, known=data.schema)

    def _advisor(self, data: TrainingData, usable: Sequence[str], budget: Budget) -> Advisor:
        seconds = None if budget.seconds is None else budget.seconds * budget.n_slots / len(data.folds)
        return Advisor(
            data.X,
            data.target,
            metric=self.metric_,
            families=usable,
            knowledge_base=self.knowledge_base,
            problem_type=data.problem_type,
            categorical=self._categorical,
            time_budget=seconds,
            recommender=self.recommender,
        )

    def _search(
        self, data: TrainingData, advice: Advice, runner: Runner, budget: Budget, interruption: Interruption
    ) -> list[SearchTrial]:
        sizes = np.array([len(train) for train, _ in data.folds])
        budget.refit_ratios = (len(data.target) * np.arange(1, len(sizes) + 1) / np.cumsum(sizes)).tolist()
        with progress(budget, show=self.progress) as watch:
            return search(
                runner,
                advice.suggest,
                advice.tell,
                metric=self.metric_,
                n_folds=len(data.folds),
                budget=budget,
                interruption=interruption,
                watch=watch,
            )

    def _compared(
        self, data: TrainingData, trials: list[SearchTrial], default: SearchTrial | None
    ) -> tuple[list[SearchTrial], Comparison | None]:
        """Compare trials on the folds that the default went through, or where it has none, on as many as there are."""
        trials = sorted(trials, key=lambda t: t is not default)
        n_folds = 0 if default is None else len(default.losses)
        n_folds = n_folds or max((len(t.losses) for t in trials), default=0)
        known = [[o.predictions for o in t.outcomes[:n_folds] if o.predictions is not None] for t in trials]
        rows = [i for i, found in enumerate(known) if n_folds and len(found) == n_folds]
        if not rows:
            return [], None
        compared, predictions = [trials[i] for i in rows], [known[i] for i in rows]
        targets = [data.target[test] for _, test in data.folds[:n_folds]]
        own = None
        if self.metric_.scorer is not None:
            own = lambda fold, within, mixed: data.own_score(data.folds[fold][1][within], mixed)  # noqa: E731 - an argument
        return compared, Comparison(
            predictions, targets, metric=self.metric_, problem_type=data.problem_type, own_score=own
        )

    def _report(self, trials: list[SearchTrial], held_out: Mapping[str, float], budget: Budget) -> None:
        """Set what can be looked at after the search."""
        used = [m.trial for m in self.members_ if m.trial is not None]
        best = min(used, key=lambda t: t.loss, default=None)
        self.best_configuration_ = self.members_[0].configuration if best is None else best.configuration
        default = default_of(trials)
        self.default_score_ = math.nan if default is None else default.score
        self.held_out_scores_ = {k: float(self.metric_.from_loss(v)) for k, v in held_out.items()}
        self.decision_ = decision(trials, self.members_)
        self.trial_facts_ = trial_facts(trials, self.members_, self.problem_type_)
        self.leaderboard_ = leaderboard(self.trial_facts_)
        self.history_ = evaluations(trials, self.recommendation_.task.id)
        self.seconds_ = budget.elapsed

    def _record(self, data: TrainingData, trials: list[SearchTrial], store: Store) -> None:
        """Add what was learned about the table to a store; none of its rows goes there."""
        known = self._dataset(data)
        n_used = len(np.unique(np.concatenate([test for _, test in data.folds]))) if data.folds else 0
        task = replace(known.as_task(self.name), metric=self.metric_, n_rows_used=n_used)
        way = _way(data.folds, data.weights)
        usual_metric = get_metric(None, data.problem_type)
        cut = partial(split, data.target, data.problem_type, metric=usual_metric, random_state=_seed(0))
        if way != _way(cut(cv=Limits().n_folds)):  # scores of other folds are those of another task on the same data
            n_folds = len(data.folds)
            if way == _way(cut()):  # named so that later versions of the data have the same way
                task = task.evaluated(f"cv{n_folds}", note=f"{n_folds} folds")
            else:
                task = task.evaluated(
                    way, note="folds split by hand" if data.weights is None else "rows weighed in fitting"
                )
        measured = MetaFeatures(self.recommendation_.meta_features)
        store.append(task, measured, evaluations(trials, task.id))

    def _known(self, X: Any) -> Any:
        chosen = column_names(self.drop) or column_names(self.keep)
        return without_surplus(X, self.column_kinds_) if chosen else X

    @property
    def column_formats(self) -> dict[str, str]:
        """How numbers and dates in columns of text were written in fitting."""
        found: dict[str, str] = self.members_[0].pipeline["preprocessing"]["clean"].formats_
        return found

    def _mix(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the weighted mean of what the members predict."""
        check_is_fitted(self, "members_")
        frame = as_table(self, self._known(X), categorical=self._categorical)
        check_values(frame, self.column_kinds_, self.column_formats)
        note_unseen(frame, self.members_[0].pipeline["preprocessing"]["clean"].levels_)
        n_classes = len(getattr(self, "classes_", ()))
        shares = [m.weight * predict(m.pipeline, frame, n_classes) for m in self.members_]
        return np.asarray(np.sum(shares, axis=0), dtype=np.float64)

    def row_scorer(self, X: Any, y: Any) -> Callable[[npt.NDArray[np.intp] | slice], float]:
        """Predict once, and return what scores any of the rows by the metric that was optimised.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            The table.
        y : array-like of shape (n_rows,)
            The truth; classes that the model does not know count as wrong.

        Returns
        -------
        callable
            Takes indices of rows and returns their score, in the metric's own direction.

        Raises
        ------
        InvalidInputError
            If the metric is one of the user's own, and the model comes from a file, which does not hold it.
        """
        predicted, kind, name = self._mix(X), self.problem_type_, self.metric_.name
        if self.metric_.is_own:
            return self._own_row_scorer(X, y, predicted)
        if not kind.is_classification:
            truth = np.asarray(y, dtype=float)
            return lambda rows: score_numbers(truth[rows], predicted[rows])[name]
        code_by_label = {label_name(label): code for code, label in enumerate(self.classes_)}
        codes = np.array(
            [code_by_label.get(label_name(label), len(code_by_label)) for label in np.asarray(y, dtype=object)]
        )
        if codes.max() == len(code_by_label):  # a column of zeros for what is unknown
            predicted = np.column_stack([predicted, np.zeros(len(predicted))])
        return lambda rows: score_classes(codes[rows], predicted[rows], kind)[name]

    def _own_row_scorer(self, X: Any, y: Any, predicted: npt.NDArray[np.float64]) -> Callable[[Any], float]:
        scorer = self.metric_.scorer
        if scorer is None:
            message = (
                f"The metric {self.metric_.name!r} is one of your own, which a model's file does not hold. Expected it to be "
                "known. Set it first: model.metric_ = metalearn.task.get_metric(your_scorer, model.problem_type_)."
            )
            raise InvalidInputError(message)
        frame = with_names(as_table(self, self._known(X), categorical=self._categorical), row_names(X))
        truth, classes = np.asarray(y), getattr(self, "classes_", None)
        if classes is not None:  # as they were called in fitting
            labels = {label_name(label): label for label in classes}
            truth = np.array([labels.get(label_name(label), label) for label in truth.tolist()])
        return lambda rows: apply_scorer(scorer, frame.iloc[rows], truth[rows], predicted[rows], classes)

    def _tuning_facts(self) -> dict[str, Any]:
        check_is_fitted(self, "members_")
        return {
            "decision": self.decision_,
            "metric": self.metric_.name,
            "score": self.best_score_,
            "default_score": self.default_score_,
            "held_out_score": min(self.held_out_scores_.values(), key=self.metric_.to_loss, default=math.nan),
            "seconds": self.seconds_,
            "expected_improvement": self.expected_improvement_,
            "greater_is_better": self.metric_.greater_is_better,
            "trials": self.trial_facts_,
        }

    def explain(self, *, n_trials: int = 10) -> Text:
        """Say what came out best and how the trials went.

        Parameters
        ----------
        n_trials : int, default=10
            How many trials to show.

        Returns
        -------
        Text
            Readable text.
        """
        return tuning_text({**self._tuning_facts(), "notes": self.recommendation_.notes}, n_trials=n_trials)

    def to_json(self) -> str:
        """Return what came out of the search, and the recommendation that it began with, as JSON.

        Returns
        -------
        str
            Standard JSON: values that are not finite become null.
        """
        used = [{"weight": m.weight, "configuration": m.configuration.to_dict()} for m in self.members_]
        facts = {**self._tuning_facts(), "members": used, "recommendation": self.recommendation_.to_dict()}
        return to_json(facts)

    def to_code(self) -> str:
        """Return a script that trains the best configuration and cross-validates it.

        Returns
        -------
        str
            Python code; only the file name and the target have to be filled in. Its folds are random: where the search
            split rows in another way, or weighed them, a comment says so.
        """
        check_is_fitted(self, "members_")
        known, best = self.recommendation_, self.best_configuration_
        return training_script(
            model=best.model,
            params=best.params,
            problem_type=str(self.problem_type_),
            metric=self.metric_.scoring,
            file=known.file,
            target=known.target,
            categorical=known.categorical,
            reading=known.reading,
            **self.way_,
        )

    def to_html(self, path: str | Path | None = None, *, name: str = "table") -> str:
        """Return a report of the search as one self-contained page, and write it to a file if one is named.

        Parameters
        ----------
        path : str or Path or None, default=None
            Where to write it.
        name : str, default="table"
            What to call the table.

        Returns
        -------
        str
            An HTML document that needs no network and holds no rows of the table.
        """
        tuning = {**self._tuning_facts(), "held_out": getattr(self, "held_out_facts_", None)}
        facts = {**self.recommendation_.report_facts(), "tuning": tuning, "code": self.to_code()}
        for named in (facts["task"], *facts["places"][:1]):
            named["name"] = name
        page = tuning_page(facts)
        if path is not None:
            write_text(path, page)
        return page


def _by_row(data: TrainingData, mixed: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return the mean of what was predicted of each row while it was held out; NaN for rows that never were."""
    n_rows = len(data.target)
    total = np.zeros((n_rows, data.n_classes) if data.n_classes else n_rows)
    count = np.zeros(n_rows)
    for (_, test), predictions in zip(data.folds, mixed, strict=False):
        total[test] += predictions
        count[test] += 1
    with np.errstate(invalid="ignore"):
        return np.asarray((total.T / np.where(count > 0, count, np.nan)).T)
