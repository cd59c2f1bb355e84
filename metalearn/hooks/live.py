"""Live hooks: an advisor that keeps steering Optuna, or anything over a ConfigurationSpace, trial by trial."""

import json
import math
import time
import warnings
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from threading import RLock
from typing import Any

from metalearn.advisor import Advisor
from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import defaults_of, require_tool
from metalearn.hooks.configspace import configuration, read_space
from metalearn.hooks.harvest import HarvestOptions, Trial, configuration_of
from metalearn.hooks.measure import Measure, measure_of
from metalearn.hooks.optuna import objective_of
from metalearn.hooks.optuna import read_space as read_distributions
from metalearn.space import Adaptation, Configuration, SearchSpace, adapt, model_parameter_of
from metalearn.space.adaptation import UNSET

__all__ = ["OptunaSampler", "SpaceAdvisor"]

_SUGGESTED = "metalearn_suggested"
"""The attribute by which processes that share a study tell each other what they try."""

_DECIDED = "metalearn_decided"
"""The attribute by which they say that nobody else can have it any more."""

_POLLS, _POLL_SECONDS = 40, 0.05
"""How long a trial waits for one that began later and said the same: it decides, or takes something else."""

_ATTEMPTS = 50
"""So many suggestions may come to values that were tried, in a narrow space, before the other sampler is asked."""


class _Steering:
    """Give each of the advisor's candidates once, and tell it every result; threads take turns by the lock."""

    def __init__(
        self, advisor: Advisor, names: Mapping[str, str] | None, model_parameter: str | None, metric: str | None
    ) -> None:
        self.advisor = advisor
        self.metric = metric
        self.lock = RLock()
        self.given: set[Configuration] = set()
        self.families: set[str] = set()
        self.reading: HarvestOptions = {}
        if names is not None:
            self.reading["names"] = names
        if model_parameter is not None:
            self.reading["model_parameter"] = model_parameter

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lock out: it does not pickle."""
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a new lock."""
        vars(self).update(state, lock=RLock())

    def measure(self, *, maximize: bool) -> Measure:
        """Return how the objective's values relate to the advisor's metric; refused where nobody tells."""
        metric = self.advisor.task.metric
        negated = Measure(metric, -1.0)
        if (
            self.metric is None
            and self.advisor.score_sign < 0
            and negated.maximize == maximize != metric.greater_is_better
        ):
            return negated  # the advisor was given the scorer
        found = measure_of(self.metric or metric, self.advisor.task.problem_type, maximize=maximize)
        if found.metric.name != metric.name:
            message = f"The objective returns {found.metric.name}, but the advisor's metric is {metric.name}. Expected the same. Correct metric=..."
            raise InvalidInputError(message)
        return found

    def next(self, families: Collection[str] | None = None, *, skip: int = 0) -> Configuration | None:
        """Return the best candidate that was not given yet, pending from now on; None if there is none."""
        with self.lock:
            known = {*self.advisor.pending, *(trial.configuration for trial in self.advisor.history)}
            found = self.advisor.ask(skip + 1, without=self.given - known, families=families)
            for other in found[:skip] if len(found) > skip else found[:-1]:
                self.advisor.withdraw(other)
            self.given.update(found[-1:])
            return found[-1] if found else None

    def withdraw(self, suggested: Configuration | None) -> None:
        """Have a suggestion no longer pending: what became of it is told under the values that were really used."""
        if suggested is not None:
            with self.lock:
                self.advisor.withdraw(suggested)

    def read(self, params: Mapping[str, Any]) -> Configuration | None:
        """Return parameters of the objective as a configuration; None for those of no or several families."""
        try:
            return configuration_of(Trial(params), options=self.reading, likely=self.families or self.advisor.families)
        except InvalidInputError:
            return None

    def told(self, trial: Trial, measure: Measure) -> None:
        """Tell the advisor what became of a trial; parameters of no known family are passed over."""
        with self.lock:
            try:
                likely = self.families or self.advisor.families
                found = configuration_of(trial, options=self.reading, likely=likely)
            except InvalidInputError:
                message = (
                    f"The advisor cannot learn from a trial of {sorted(trial.params)[:10]}: several of its families have "
                    "these parameters. Expected those of one. Make it with one, such as Advisor(..., "
                    'families=["extra_trees"]), or let a parameter name the family.'
                )
                warnings.warn(message, UserWarning, stacklevel=2)
                return
            if found is None:
                return
            self.families.add(found.model)
            metric = self.advisor.task.metric
            score = measure.score(trial.value) if trial.is_measured and trial.value is not None else math.nan
            if not trial.is_measured:
                status = Status.FAILED if trial.status is Status.OK else trial.status
                self.advisor.tell(found, seconds=trial.seconds, status=status)
            elif metric.is_possible(score):
                self.advisor.tell(found, score=self.advisor.score_sign * score, seconds=trial.seconds)
            else:
                message = (
                    f"The advisor cannot learn from the value {trial.value:g}: no {metric.name} can be {score:g}. Expected what "
                    "its metric measures. Make it with the metric of the objective, Advisor(..., metric=...), or say what the "
                    "objective returns, such as metric='neg_r2'."
                )
                warnings.warn(message, UserWarning, stacklevel=2)


class OptunaSampler:
    """Sample what an advisor suggests, and from another sampler where it knows nothing.

    Every finished trial is told to the advisor, failed and pruned ones as such, so that the knowledge of past tasks keeps
    steering throughout the search; what runs meanwhile in threads counts as expected, what other processes try is not tried
    again. Once a trial has shown that the objective is about one family, that family alone is suggested. Names, types and ranges are adapted
    as the objective asks for each parameter, so that spaces defined by running need not be described beforehand. Seeds
    that were queued in the study are evaluated as they are.

    Parameters
    ----------
    advisor : Advisor
        Of the table at hand; its metric is what the objective measures.
    fallback : optuna sampler or None, default=None
        Asked for parameters that the advisor does not know, and for whole trials once it has no candidate left;
        None takes a TPESampler.
    names : mapping of str to str or None, default=None
        The objective's name by our name, where the table of aliases would not find it.
    model_parameter : str or None, default=None
        The parameter that chooses among families; None looks for the usual names.
    metric : str or None, default=None
        What the objective returns where that is not the advisor's metric, such as ``"neg_r2"`` or ``"1-accuracy"``.
    """

    def __init__(
        self,
        advisor: Advisor,
        *,
        fallback: Any = None,
        names: Mapping[str, str] | None = None,
        model_parameter: str | None = None,
        metric: str | None = None,
    ) -> None:
        self._steering = _Steering(advisor, names, model_parameter, metric)
        self._fallback = fallback or require_tool("optuna", "optuna").samplers.TPESampler()
        self._names = names
        self._model_parameter = model_parameter
        self._current: dict[tuple[str, int], Configuration] = {}  # by study and number
        self._told: set[tuple[str, int]] = set()
        self._heard: set[str] = set()
        self._known: dict[int, Configuration | None] = {}

    def reseed_rng(self) -> None:
        """Reseed the fallback's source of randomness."""
        self._fallback.reseed_rng()

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        """Return what is sampled jointly: nothing while the advisor steers, else what the fallback says."""
        objective_of(study)
        with self._steering.lock:
            suggested = self._claimed(study, trial)
        if suggested is not None:
            self._current[study.study_name, trial.number] = suggested
            return {}
        return dict(self._fallback.infer_relative_search_space(study, trial))

    def _claimed(self, study: Any, trial: Any) -> Configuration | None:
        """Return what to try, once no other process tries the same; the trial that decided, else began, first keeps it."""
        storage, key = study._storage, trial._trial_id  # noqa: SLF001 - where samplers keep what they remember
        for _ in range(_ATTEMPTS):
            trials = [past for past in study.get_trials(deepcopy=False) if past.number != trial.number]
            self._learn(study, trials)
            silent = sum(t.number < trial.number and _is_silent(t) for t in trials)
            suggested = self._next(trials, skip=silent)
            if suggested is None:
                return None
            text = json.dumps(suggested.to_dict(), sort_keys=True)
            storage.set_trial_system_attr(key, _SUGGESTED, text)
            if not _is_taken(study, trial, text):
                storage.set_trial_system_attr(key, _DECIDED, text)
                return suggested
            self._steering.withdraw(suggested)
        return None

    def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
        """Return the joint sample of the fallback; empty while the advisor steers."""
        return dict(self._fallback.sample_relative(study, trial, search_space)) if search_space else {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        """Return the suggested value of a parameter, or the fallback's."""
        key = study.study_name, trial.number
        suggested = self._current.get(key)
        if suggested is not None:
            found = self._adapted(suggested, read_distributions({param_name: param_distribution}))
            if found.configuration is None and found.dropped[""].startswith(param_name):
                # the objective does not offer the family: the fallback takes over
                self._steering.withdraw(self._current.pop(key))
            elif found.configuration is not None and found.changed.get(param_name, (None, None))[0] != UNSET:
                return found.configuration.params[param_name]
        return self._fallback.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Any, trial: Any) -> None:
        """Let the fallback prepare a trial."""
        self._fallback.before_trial(study, trial)

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        """Tell the advisor what a trial measured, and let the fallback finish it."""
        self._fallback.after_trial(study, trial, state, values)
        if state.is_finished() and len(study.directions) == 1:
            took = datetime.now() - trial.datetime_start  # noqa: DTZ005 - as Optuna's own
            with self._steering.lock:
                self._tell(study, trial, state, values[0] if values else None, took.total_seconds())

    def _learn(self, study: Any, trials: Iterable[Any]) -> None:
        """Tell the advisor what other processes have learned since, and what they are trying."""
        for trial in trials:
            text = trial.system_attrs.get(_SUGGESTED)
            if text is not None and text not in self._heard:
                self._heard.add(text)
                self._steering.given.add(Configuration.from_dict(json.loads(text)))
            if trial.state.is_finished():
                seconds = trial.duration.total_seconds() if trial.duration is not None else None
                value = trial.value if trial.state.name == "COMPLETE" else None
                self._tell(study, trial, trial.state, value, seconds)

    def _tell(self, study: Any, trial: Any, state: Any, value: float | None, seconds: float | None) -> None:
        key = study.study_name, trial.number
        if key in self._told:
            return
        measure = self._steering.measure(maximize=study.direction.name == "MAXIMIZE")
        self._told.add(key)
        status = {"COMPLETE": Status.OK, "PRUNED": Status.PRUNED}.get(state.name, Status.FAILED)
        self._steering.withdraw(self._current.pop(key, None))
        self._steering.told(Trial(trial.params, value if status is Status.OK else None, status, seconds), measure)

    def _next(self, trials: Iterable[Any], *, skip: int = 0) -> Configuration | None:
        """Return what to try, once trials have shown the space: of its family, and with values that were not tried."""
        complete = [
            trial for trial in trials if trial.state.name == "COMPLETE" and trial.params
        ]  # others may lack some
        shown: Mapping[str, Any] = complete[-1].distributions if complete else {}
        tried = {self._tried(trial) for trial in trials if trial.params.keys() == shown.keys()}
        space = read_distributions(shown)
        chooses = model_parameter_of(space, self._model_parameter) is not None
        of_one = not chooses and len(self._steering.families) == 1
        families = self._steering.families & set(self._steering.advisor.families) if of_one else None
        if families is not None and not families:
            return None  # the objective is about a family that the advisor does not choose from
        for _ in range(_ATTEMPTS):
            suggested = self._steering.next(families, skip=skip)
            adapted = None if suggested is None or not shown else self._adapted(suggested, space).configuration
            if (
                suggested is None
                or adapted is None
                or (of := self._steering.read(adapted.params)) is None
                or of not in tried
            ):
                return suggested
            self._steering.withdraw(suggested)
        return None

    def _tried(self, trial: Any) -> Configuration | None:
        """Return what a trial tried; parameters that the advisor does not know make no difference."""
        key = trial._trial_id  # noqa: SLF001 - unique in a storage
        if key not in self._known:
            self._known[key] = self._steering.read(trial.params)
        return self._known[key]

    def _adapted(self, suggested: Configuration, space: SearchSpace) -> Adaptation:
        named = self._model_parameter
        return adapt(
            suggested,
            space,
            names=self._names,
            model_parameter=named if named in space.parameters else None,
            defaults=defaults_of(suggested, self._steering.advisor.task.problem_type),
        )


def _is_taken(study: Any, trial: Any, text: str) -> bool:
    """Tell whether another trial tries the same: one that began earlier, or a later one that had already decided."""
    for _ in range(_POLLS):
        same = [t for t in study.get_trials(deepcopy=False) if t.system_attrs.get(_SUGGESTED) == text]
        others = [t for t in same if t.number != trial.number]
        if any(t.number < trial.number or t.state.is_finished() or _DECIDED in t.system_attrs for t in others):
            return True
        if not others:
            return False
        time.sleep(_POLL_SECONDS)
    return False


def _is_silent(trial: Any) -> bool:
    """Tell whether a running trial has not said what it tries: neither a suggestion nor a value, nor is it a seed."""
    return (
        trial.state.name == "RUNNING"
        and not trial.params
        and not trial.system_attrs.keys() & {_SUGGESTED, "fixed_params"}
    )


class SpaceAdvisor:
    """Ask for configurations of a ConfigurationSpace and tell their costs; the advisor learns from each.

    Parameters
    ----------
    advisor : Advisor
        Of the table at hand; its metric is what is measured.
    space : ConfigSpace.ConfigurationSpace
        What is searched.
    names : mapping of str to str or None, default=None
        The space's name by our name, where the table of aliases would not find it.
    model_parameter : str or None, default=None
        The parameter that chooses among families; None looks for the usual names.
    metric : str or None, default=None
        What the cost is, such as ``"neg_r2"``; None for the distance from the metric's optimum: an error itself, 1 minus a score.
    """

    def __init__(
        self,
        advisor: Advisor,
        space: Any,
        *,
        names: Mapping[str, str] | None = None,
        model_parameter: str | None = None,
        metric: str | None = None,
    ) -> None:
        require_tool("ConfigSpace", "smac")
        self._steering = _Steering(advisor, names, model_parameter, metric)
        self._space = space
        self._names = names
        self._model_parameter = model_parameter
        self._seen: set[Any] = set()
        self._asked: dict[Any, Configuration] = {}

    def ask(self) -> Any:
        """Return the next configuration, never the same twice; a random one once the advisor has none left.

        Returns
        -------
        ConfigSpace.Configuration
            Checked by ConfigSpace itself.
        """
        known = read_space(self._space)
        kind = self._steering.advisor.task.problem_type
        while (suggested := self._steering.next()) is not None:
            found = adapt(
                suggested,
                known,
                names=self._names,
                model_parameter=self._model_parameter,
                defaults=defaults_of(suggested, kind),
            ).configuration
            made = None if found is None else self._made(found.params)
            if made is not None and made not in self._seen:
                self._seen.add(made)
                self._asked[made] = suggested
                return made
            self._steering.withdraw(suggested)
        return self._space.sample_configuration()

    def _made(self, params: Mapping[str, Any]) -> Any:
        """Return a configuration of the space; None for a forbidden combination."""
        try:
            return configuration(self._space, params)
        except ValueError:
            return None

    def tell(self, config: Any, cost: float, *, seconds: float | None = None, status: Status = Status.OK) -> None:
        """Report what a configuration cost.

        Parameters
        ----------
        config : ConfigSpace.Configuration
            Asked for or not.
        cost : float
                Lower is better, as SMAC has it; see ``metric`` above.
        seconds : float or None, default=None
            What it took.
        status : Status, default=Status.OK
            How it ended.

        Raises
        ------
        InvalidInputError
            If it is no configuration of ConfigSpace.
        """
        if not hasattr(config, "config_space"):
            message = f"The configuration is a {type(config).__name__}. Expected what ask returned, or another of the space. Make one."
            raise InvalidInputError(message)
        self._seen.add(config)
        self._steering.withdraw(self._asked.pop(config, None))
        plain = {name: value.item() if hasattr(value, "item") else value for name, value in dict(config).items()}
        metric = self._steering.advisor.task.metric
        loss = Measure(metric, -1.0 if metric.greater_is_better else 1.0, metric.optimum)
        measure = loss if self._steering.metric is None else self._steering.measure(maximize=False)
        self._steering.told(Trial(plain, cost, status, seconds), measure)
