"""What a model family must do."""

import json
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from metalearn.conformance.tables import messy_table, require, target
from metalearn.models import ModelSpec
from metalearn.space import Configuration
from metalearn.task import ProblemType

__all__ = ["check_model"]

_DESIGN = 6


def check_model(spec: ModelSpec) -> None:
    """Check that a model family keeps its promises.

    Parameters
    ----------
    spec : ModelSpec
        The family; the package that it requires has to be installed.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which.

    Examples
    --------
    >>> from metalearn.models import get_model
    >>> check_model(get_model("decision_tree"))
    """
    _check_description(spec)
    for problem_type in spec.spaces:
        for check in _CHECKS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # ninety rows are few: what a library says of that is no fault
                check(spec, problem_type)


def _check_description(spec: ModelSpec) -> None:
    require(isinstance(spec, ModelSpec), f"It is a {type(spec).__name__}, not a metalearn.models.ModelSpec.")
    require(spec.name.isidentifier() and spec.name.islower(), f"The name {spec.name!r} is not in snake case.")
    require(spec.spaces, "It solves no kind of problem: spaces is empty.")
    require(set(spec.spaces) == set(spec.defaults), "spaces and defaults are not of the same problem types.")
    require(all(known.reference for known in spec.known), "A known configuration does not say where it comes from.")
    require(spec.is_available, f"The package {spec.requires!r} is not installed, so that nothing can be checked.")


def _check_space(spec: ModelSpec, problem_type: ProblemType) -> None:
    space, design = spec.spaces[problem_type], spec.design(problem_type, _DESIGN)
    require(design[0] == spec.default(problem_type), "The design does not begin with the default.")
    require(len(set(design)) == len(design), "The design repeats a configuration.")
    for configuration in design:
        require(space.contains(configuration.params), f"{configuration} lies outside the {problem_type} search space.")
        written = json.loads(json.dumps(configuration.to_dict()))
        require(Configuration.from_dict(written) == configuration, f"{configuration} does not survive JSON.")


def _check_predictions(spec: ModelSpec, problem_type: ProblemType) -> None:
    X, y = messy_table(), target(problem_type)
    before = X.copy()
    model = spec.build(spec.default(problem_type), problem_type).fit(X, y)
    require(X.equals(before), "Fitting changes the table.")
    unseen = X.head(7).assign(text="a colour never seen", category="z")
    predicted = model.predict(unseen[unseen.columns[::-1]])
    require(predicted.shape == (7,), f"It predicts the shape {predicted.shape} for 7 rows of a {problem_type} problem.")
    if not problem_type.is_classification:
        require(np.isfinite(predicted).all(), "It predicts numbers that are not finite.")
        return
    labels = np.unique(y)
    require(set(predicted) <= set(labels), "It predicts labels that the target does not have.")
    require(list(model.classes_) == list(labels), "classes_ is not the sorted list of labels.")
    probabilities = model.predict_proba(unseen)
    require(probabilities.shape == (7, len(labels)), "predict_proba has not one column for each label.")
    require(np.allclose(probabilities.sum(axis=1), 1, atol=1e-5), "Probabilities do not sum to 1.")
    require((probabilities >= 0).all(), "A probability is negative.")


def _check_learning(spec: ModelSpec, problem_type: ProblemType) -> None:
    X, y = messy_table()[["number"]], target(problem_type)
    model = spec.build(spec.default(problem_type), problem_type).fit(X, y)
    predicted = model.predict(X)
    if problem_type.is_classification:
        _, counts = np.unique(y, return_counts=True)
        better = np.mean(predicted == y) > counts.max() / len(y)
    else:
        better = np.mean((predicted - y) ** 2) < np.var(y)
    require(better, f"On rows that it was fitted on it predicts {problem_type} targets no better than a constant.")


def _check_every_parameter(spec: ModelSpec, problem_type: ProblemType) -> None:
    X, y = pd.DataFrame(np.random.default_rng(3).normal(size=(90, 3))), target(problem_type)
    for configuration in spec.design(problem_type, _DESIGN)[1:]:
        model = spec.build(configuration, problem_type, n_jobs=1).fit(X, y)
        require(len(model.predict(X)) == len(X), f"{configuration} predicts a wrong number of rows.")


def _check_seed(spec: ModelSpec, problem_type: ProblemType) -> None:
    X, y = messy_table(), target(problem_type)
    first, second = (spec.build(spec.default(problem_type), problem_type, random_state=5).fit(X, y) for _ in range(2))
    same = (np.asarray(first.predict(X)) == np.asarray(second.predict(X))).all()
    require(same, "The same random_state gives other predictions.")


_CHECKS: tuple[Callable[[ModelSpec, ProblemType], None], ...] = (
    _check_space,
    _check_predictions,
    _check_learning,
    _check_every_parameter,
    _check_seed,
)
