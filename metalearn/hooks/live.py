"""Live hooks: an advisor that keeps steering Optuna, or anything over a ConfigurationSpace, trial by trial."""

import math
from collections.abc import Mapping
from typing import Any

from metalearn.advisor import Advisor
from metalearn.evaluation import Status
from metalearn.hooks.base import defaults_of, require_tool
from metalearn.hooks.configspace import configuration, read_space
from metalearn.hooks.harvest import Trial, configuration_of, scorer_of
from metalearn.hooks.optuna import read_space as read_distributions
from metalearn.space import Configuration, adapt
from metalearn.space.adaptation import UNSET

__all__ = ["OptunaSampler", "SpaceAdvisor"]

_AHEAD = 20
"""How many candidates to look at for one that was not given yet."""


class _Steering:
    """Give each of the advisor's candidates once, and tell it every result."""

    def __init__(self, advisor: Advisor) -> None:
        self.advisor = advisor
        self.given: set[Configuration] = set()
        self.values: list[float] = []

    def next(self) -> Configuration | None:
        """Return the best candidate that was not given yet; None if there is none."""
        for candidate in self.advisor.recommend(len(self.given) + _AHEAD):
            if candidate.configuration not in self.given:
                self.given.add(candidate.configuration)
                return candidate.configuration
        return None

    def told(self, trial: Trial, *, maximize: bool) -> None:
        """Tell the advisor what became of a trial; parameters of no known family are passed over."""
        found = configuration_of(trial)
        if found is None:
            return
        ok = trial.status is Status.OK and trial.value is not None and math.isfinite(trial.value)
        if ok and trial.value is not None:
            self.values.append(trial.value)
            score = scorer_of(self.values, self.advisor.task.metric, maximize=maximize)(trial.value)
            self.advisor.tell(found, score=self.advisor.score_sign * score, seconds=trial.seconds)
        elif trial.status in {Status.OK, Status.FAILED}:
            self.advisor.tell(found, seconds=trial.seconds, status=Status.FAILED)


class OptunaSampler:
    """Sample what an advisor suggests, and from another sampler where it knows nothing.

    Every finished trial is told to the advisor, so that the knowledge of past tasks keeps steering throughout the
    search. Names, types and ranges are adapted as the objective asks for each parameter, so that spaces defined by
    running need not be described beforehand. Seeds that were queued in the study are evaluated as they are.

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
    """

    def __init__(
        self,
        advisor: Advisor,
        *,
        fallback: Any = None,
        names: Mapping[str, str] | None = None,
        model_parameter: str | None = None,
    ) -> None:
        self._steering = _Steering(advisor)
        self._fallback = fallback or require_tool("optuna", "optuna").samplers.TPESampler()
        self._names = names
        self._model_parameter = model_parameter
        self._current: dict[int, Configuration] = {}
        self._told: set[int] = set()

    def reseed_rng(self) -> None:
        """Reseed the fallback's source of randomness."""
        self._fallback.reseed_rng()

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        """Return what is sampled jointly: nothing while the advisor steers, else what the fallback says.

        Parameters
        ----------
        study : optuna.Study
            The study.
        trial : optuna.trial.FrozenTrial
            The trial.

        Returns
        -------
        dict of str to BaseDistribution
            By name.
        """
        self._learn(study)
        suggested = self._steering.next()
        if suggested is not None:
            self._current[trial.number] = suggested
            return {}
        return dict(self._fallback.infer_relative_search_space(study, trial))

    def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
        """Return the joint sample of the fallback.

        Parameters
        ----------
        study : optuna.Study
            The study.
        trial : optuna.trial.FrozenTrial
            The trial.
        search_space : dict of str to BaseDistribution
            What is sampled jointly.

        Returns
        -------
        dict
            Values by name; empty while the advisor steers.
        """
        return dict(self._fallback.sample_relative(study, trial, search_space)) if search_space else {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        """Return the suggested value of a parameter, or the fallback's.

        Parameters
        ----------
        study : optuna.Study
            The study.
        trial : optuna.trial.FrozenTrial
            The trial.
        param_name : str
            The objective's name of the parameter.
        param_distribution : BaseDistribution
            Its range.

        Returns
        -------
        object
            Within the range.
        """
        suggested = self._current.get(trial.number)
        if suggested is not None:
            found = adapt(
                suggested,
                read_distributions({param_name: param_distribution}),
                names=self._names,
                model_parameter=self._model_parameter if param_name == self._model_parameter else None,
                defaults=defaults_of(suggested, self._steering.advisor.task.problem_type),
            )
            if found.configuration is None and found.dropped[""].startswith(param_name):
                del self._current[trial.number]  # the objective does not offer the family: the fallback takes over
            elif found.configuration is not None and found.changed.get(param_name, (None, None))[0] != UNSET:
                return found.configuration.params[param_name]
        return self._fallback.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Any, trial: Any) -> None:
        """Let the fallback prepare a trial.

        Parameters
        ----------
        study : optuna.Study
            The study.
        trial : optuna.trial.FrozenTrial
            The trial.
        """
        self._fallback.before_trial(study, trial)

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        """Let the fallback finish a trial.

        Parameters
        ----------
        study : optuna.Study
            The study.
        trial : optuna.trial.FrozenTrial
            The trial.
        state : optuna.trial.TrialState
            How it ended.
        values : sequence of float or None
            What it measured.
        """
        self._current.pop(trial.number, None)
        self._fallback.after_trial(study, trial, state, values)

    def _learn(self, study: Any) -> None:
        """Tell the advisor what the study has learned since, in this process or another."""
        maximize = study.direction.name == "MAXIMIZE"
        for trial in study.get_trials(deepcopy=False):
            if trial.number in self._told or not trial.state.is_finished():
                continue
            self._told.add(trial.number)
            status = {"COMPLETE": Status.OK, "PRUNED": Status.PRUNED}.get(trial.state.name, Status.FAILED)
            seconds = trial.duration.total_seconds() if trial.duration is not None else None
            value = trial.value if status is Status.OK else None
            self._steering.told(Trial(trial.params, value, status, seconds), maximize=maximize)


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
    """

    def __init__(
        self,
        advisor: Advisor,
        space: Any,
        *,
        names: Mapping[str, str] | None = None,
        model_parameter: str | None = None,
    ) -> None:
        require_tool("ConfigSpace", "smac")
        self._steering = _Steering(advisor)
        self._space = space
        self._names = names
        self._model_parameter = model_parameter
        self._seen: set[Any] = set()

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
            if found is None:
                continue
            try:
                made = configuration(self._space, found.params)
            except ValueError:  # a forbidden combination
                continue
            if made not in self._seen:
                self._seen.add(made)
                return made
        return self._space.sample_configuration()

    def tell(self, config: Any, cost: float, *, seconds: float | None = None, status: Status = Status.OK) -> None:
        """Report what a configuration cost.

        Parameters
        ----------
        config : ConfigSpace.Configuration
            Asked for or not.
        cost : float
            Lower is better, as SMAC has it: the distance from the metric's optimum, or the negated metric.
        seconds : float or None, default=None
            What it took.
        status : Status, default=Status.OK
            How it ended.
        """
        self._seen.add(config)
        plain = {name: value.item() if hasattr(value, "item") else value for name, value in dict(config).items()}
        self._steering.told(Trial(plain, cost, status, seconds), maximize=False)
