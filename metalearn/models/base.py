"""What a model family has to say about itself."""

import importlib.util
import pkgutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from metalearn._installation import install_command
from metalearn.exceptions import InvalidInputError, MissingExtraError
from metalearn.space import Categorical, Configuration, Float, Integer, Parameter, ParamValue, SearchSpace
from metalearn.task import ProblemType

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from metalearn.table.schema import Schema

__all__ = ["KnownConfiguration", "ModelSpec"]


@dataclass(frozen=True, slots=True)
class KnownConfiguration:
    """Hold a configuration that is known to be good, and who says so.

    Parameters
    ----------
    params : mapping
        The parameters that differ from the default configuration.
    reference : str
        Where it comes from.
    """

    params: Mapping[str, ParamValue]
    reference: str


def _is_of_kind(parameter: Parameter, value: ParamValue) -> bool:
    if isinstance(parameter, Categorical):
        return parameter.contains(value)
    kind = int if isinstance(parameter, Integer) else (int, float)
    return isinstance(value, kind) and not isinstance(value, bool)


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Describe a model family: what can be tuned, where one starts, and how it is built.

    Parameters
    ----------
    name : str
        The name under which it is registered.
    spaces : mapping of ProblemType to SearchSpace
        What can be tuned; a problem type that is absent is not supported.
    defaults : mapping of ProblemType to mapping
        The library's default parameters; those left out are chosen by the library from the data.
    estimator : str
        Where its maker is found, as ``"module:function"`` like an entry point, so that a recommendation imports no
        estimator. ``function(params, problem_type, random_state, n_jobs)`` returns it unfitted.
    preprocessing : {"tree", "dense"}, default="dense"
        Whether missing values and category codes are taken as they are, or imputed, one-hot encoded and scaled.
    known : tuple of KnownConfiguration, default=()
        Good configurations from elsewhere.
    requires : str, default="sklearn"
        The package that has to be installed, by import name.
    extra : str, default=""
        The extra of metalearn-recommender that installs it.
    counts_rows : tuple of str, default=()
        Parameters that count rows, such as neighbours: with more than half of those it learns from all predictions are alike.
    weights : str, default=""
        ``"module:function"`` of a function that says how to get missing pretrained weights; it returns "" if there are some.
    max_rows, max_features, max_classes : int or None, default=None
        The largest table that the family can handle; None means no limit.
    further : mapping of str to tuple, default={}
        Values that the estimator takes though they are no part of the search space, such as ``"sqrt"`` for a number.
    also : mapping of str to Parameter, default={}
        Parameters that the estimator takes though they are not searched, such as ``max_depth`` of LightGBM.
    """

    name: str
    spaces: Mapping[ProblemType, SearchSpace]
    defaults: Mapping[ProblemType, Mapping[str, ParamValue]]
    estimator: str
    preprocessing: Literal["tree", "dense"] = "dense"
    known: tuple[KnownConfiguration, ...] = field(default=())
    requires: str = "sklearn"
    extra: str = ""
    counts_rows: tuple[str, ...] = ()
    weights: str = ""
    max_rows: int | None = None
    max_features: int | None = None
    max_classes: int | None = None
    further: Mapping[str, tuple[ParamValue, ...]] = field(default_factory=dict)
    also: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        """Whether the package it requires is installed."""
        return importlib.util.find_spec(self.requires) is not None

    @property
    def missing_weights(self) -> str:
        """How to get pretrained weights that are missing; empty if none are needed or missing."""
        return str(pkgutil.resolve_name(self.weights)()) if self.weights else ""

    @property
    def is_available(self) -> bool:
        """Whether the package it requires is installed and its weights, if it needs any, are there."""
        return self.is_installed and not self.missing_weights

    def supports(self, problem_type: ProblemType) -> bool:
        """Tell whether the family solves a kind of problem.

        Parameters
        ----------
        problem_type : ProblemType
            The kind of problem.

        Returns
        -------
        bool
            True if it has a search space for it.
        """
        return problem_type in self.spaces

    def suits(self, configuration: Configuration, n_rows: int) -> bool:
        """Tell whether a configuration can predict anything on a table of so many rows.

        Parameters
        ----------
        configuration : Configuration
            Of this family.
        n_rows : int
            Rows of the table, two thirds of which it is taken to learn from.

        Returns
        -------
        bool
            False where a parameter that counts rows is more than half of those, or the family cannot handle so many rows.
        """
        if self.max_rows is not None and n_rows > self.max_rows:
            return False
        counts = [configuration.params.get(name) for name in self.counts_rows]
        return all(3 * count <= n_rows for count in counts if isinstance(count, int | float))

    def takes(self, configuration: Configuration, problem_type: ProblemType) -> bool:
        """Tell whether a configuration can be built: known parameters, with values of their kind.

        Parameters
        ----------
        configuration : Configuration
            Of this family.
        problem_type : ProblemType
            A supported kind of problem.

        Returns
        -------
        bool
            True as well for numbers outside the range that is searched.
        """
        known = {**self.also, **self.spaces[problem_type].parameters}
        return all(
            name in known and (_is_of_kind(known[name], value) or value in self.further.get(name, ()))
            for name, value in configuration.params.items()
        )

    def with_kinds(self, params: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
        """Return parameters with 3.0 as 3 where the search space has whole numbers, and with 3 as 3.0 where it has others.

        Tables with gaps make the one of the other, and grids are written as comes.

        Parameters
        ----------
        params : mapping
            Under our names.

        Returns
        -------
        dict
            All else unchanged.
        """
        kinds = {
            name: type(p) for space in self.spaces.values() for name, p in {**self.also, **space.parameters}.items()
        }
        found = dict(params)
        for name, value in params.items():
            if isinstance(value, float) and value.is_integer() and kinds.get(name) is Integer:
                found[name] = int(value)
            elif isinstance(value, int) and not isinstance(value, bool) and kinds.get(name) is Float:
                with suppress(OverflowError):  # no library takes such a number, but it may be stored
                    found[name] = float(value)
        return found

    def default(self, problem_type: ProblemType) -> Configuration:
        """Return the library's default configuration.

        Parameters
        ----------
        problem_type : ProblemType
            A supported kind of problem.

        Returns
        -------
        Configuration
            With every active parameter that has a fixed default.
        """
        return Configuration(self.name, self.defaults[problem_type])

    def design(self, problem_type: ProblemType, n: int) -> tuple[Configuration, ...]:
        """List configurations to be evaluated on every task, the most valuable first.

        Parameters
        ----------
        problem_type : ProblemType
            A supported kind of problem.
        n : int
            How many; a longer list begins with the shorter one.

        Returns
        -------
        tuple of Configuration
            The default, the known good ones, then a Sobol design on the transformed space.
        """
        space, default = self.spaces[problem_type], dict(self.defaults[problem_type])
        chosen = {c.id: c for c in (Configuration(self.name, default),)}
        for known in self.known:
            params = {**default, **{k: v for k, v in known.params.items() if k in space.parameters}}
            configuration = Configuration(self.name, {k: params[k] for k in space.active(params) if k in params})
            chosen.setdefault(configuration.id, configuration)
        for params in space.sobol(n):
            configuration = Configuration(self.name, params)
            chosen.setdefault(configuration.id, configuration)
        return tuple(chosen.values())[:n]

    def build(
        self,
        configuration: Configuration,
        problem_type: ProblemType,
        *,
        random_state: int = 0,
        n_jobs: int | None = None,
        schema: "Schema | None" = None,
    ) -> "Pipeline":
        """Return an unfitted pipeline of preprocessing and estimator that takes any DataFrame.

        Parameters
        ----------
        configuration : Configuration
            Of this family; its parameters are checked against the search space.
        problem_type : ProblemType
            The kind of problem.
        random_state : int, default=0
            Seed of the estimator.
        n_jobs : int or None, default=None
            Threads of the estimator, where it takes any; None means 1, as in scikit-learn, and -1 all cores.
        schema : Schema or None, default=None
            How the columns of the table are read; None finds it in fitting.

        Returns
        -------
        Pipeline
            Steps ``preprocessing`` and ``model``.

        Raises
        ------
        InvalidInputError
            If the family does not solve such problems, or a parameter is unknown to it.
        MissingExtraError
            If the required package is not installed.
        """
        if not self.supports(problem_type):
            message = (
                f"The model {self.name!r} does not solve {problem_type} problems. "
                f"Expected one of {[str(p) for p in self.spaces]}. Choose another family."
            )
            raise InvalidInputError(message)
        known = {**self.also, **self.spaces[problem_type].parameters}
        unknown = [name for name in configuration.params if name not in known]
        if unknown:
            message = (
                f"The model {self.name!r} has no parameter {unknown[0]!r}. "
                f"Expected some of {list(self.spaces[problem_type].parameters)}. Correct or drop it."
            )
            raise InvalidInputError(message)
        if self.is_installed and (missing := self.missing_weights):
            raise MissingExtraError(missing)
        if not self.is_available:
            message = (
                f"The model {self.name!r} needs the package {self.requires!r}, which is not installed. "
                f"Run: {install_command(self.extra)}."
            )
            raise MissingExtraError(message)
        preprocessing = pkgutil.resolve_name(f"metalearn.models.preprocessing:{self.preprocessing}_preprocessing")
        make = pkgutil.resolve_name(self.estimator)
        model = make(dict(configuration.params), problem_type, random_state, n_jobs)
        make_pipeline = pkgutil.resolve_name("sklearn.pipeline:Pipeline")
        return make_pipeline([("preprocessing", preprocessing(problem_type, schema)), ("model", model)])
