"""Model families: search space, default and builder of each."""

from typing import TYPE_CHECKING

from metalearn._registry import Registry
from metalearn.exceptions import unknown_name
from metalearn.models.base import KnownConfiguration, ModelSpec
from metalearn.space import Configuration
from metalearn.space.aliases import family_of
from metalearn.task import ProblemType, as_problem_type

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from metalearn.table.schema import Schema

__all__ = [
    "KnownConfiguration",
    "ModelSpec",
    "build_pipeline",
    "get_model",
    "model_names",
    "models_for",
]

_REGISTRY: Registry[ModelSpec] = Registry("metalearn.models", "model", ModelSpec)


def model_names() -> tuple[str, ...]:
    """List the names of all registered model families.

    Returns
    -------
    tuple of str
        In alphabetical order.
    """
    return _REGISTRY.names


def get_model(name: str) -> ModelSpec:
    """Return a model family by its name or a short alias such as ``rf``.

    Parameters
    ----------
    name : str
        Name or alias.

    Returns
    -------
    ModelSpec
        The family.

    Raises
    ------
    UnknownNameError
        If no family has the name.

    Examples
    --------
    >>> get_model("rf").name
    'random_forest'
    """
    known = model_names()
    resolved = name if name in known else family_of(name) or name
    if resolved not in known:
        raise unknown_name("model", name, known)
    return _REGISTRY.get(resolved)


def models_for(problem_type: ProblemType | str) -> dict[str, ModelSpec]:
    """Return the families that solve a kind of problem.

    Parameters
    ----------
    problem_type : ProblemType or str
        The kind of problem.

    Returns
    -------
    dict of str to ModelSpec
        By name, whether or not the required package is installed.
    """
    kind = as_problem_type(problem_type)
    return {name: spec for name, spec in _REGISTRY.all().items() if spec.supports(kind)}


def build_pipeline(
    configuration: Configuration,
    problem_type: ProblemType | str,
    *,
    random_state: int = 0,
    n_jobs: int | None = None,
    schema: "Schema | None" = None,
) -> "Pipeline":
    """Return an unfitted scikit-learn pipeline for a configuration of any family.

    Parameters
    ----------
    configuration : Configuration
        The family and its parameters.
    problem_type : ProblemType or str
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
    """
    spec = get_model(configuration.model)
    kind = as_problem_type(problem_type)
    return spec.build(configuration, kind, random_state=random_state, n_jobs=n_jobs, schema=schema)
