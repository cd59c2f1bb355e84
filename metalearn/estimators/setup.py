"""Decide how a search is run: which families, and which default has to be beaten."""

import inspect
from collections.abc import Sequence

from metalearn.exceptions import InvalidInputError
from metalearn.models import get_model, models_for
from metalearn.space import Configuration
from metalearn.task import ProblemType

__all__ = ["defaults", "usable_families"]

CHAMPIONS = ("lightgbm", "hist_gradient_boosting", "random_forest")
"""The first of these that may be used is the one whose default has to be beaten."""

FOREST_BELOW = 300
"""On fewer rows than this it is the forest's: mean normalised regret of the defaults on such tables of the bundled knowledge base,
LightGBM against random forest, is 0.21 to 0.11 (binary), 0.10 to 0.07 (multiclass) and 0.10 to 0.07 (regression)."""

SMALL = ("random_forest", "linear", "extra_trees")
"""Their defaults are tried where a table is too small to be compared with others."""


def usable_families(
    families: str | Sequence[str] | None, problem_type: ProblemType, *, weighted: bool
) -> tuple[str, ...]:
    """List the families that may be used."""
    named = [families] if isinstance(families, str) else families
    wanted = None if named is None else {get_model(name).name for name in named}
    possible = [
        name
        for name, spec in models_for(problem_type).items()
        if spec.is_available and not (weighted and not _takes_weights(name, problem_type))
    ]
    usable = tuple(name for name in possible if wanted is None or name in wanted)
    if not usable:
        message = (
            f"None of the families {sorted(wanted or ())} can be used for a {problem_type} problem"
            f"{' with weights of rows' if weighted else ''}. "
            f"Expected some of {possible}. Choose others, or install them."
        )
        raise InvalidInputError(message)
    return usable


def _takes_weights(name: str, problem_type: ProblemType) -> bool:
    spec = get_model(name)
    model = spec.build(spec.default(problem_type), problem_type)[-1]
    inner = getattr(model, "regressor", getattr(model, "estimator", model))
    return "sample_weight" in inspect.signature(inner.fit).parameters


def defaults(
    usable: Sequence[str], problem_type: ProblemType, *, n_rows: int, small: bool
) -> tuple[Configuration, ...]:
    """List the default configurations to begin with: first the one that has to be beaten."""
    champions = ("random_forest", *CHAMPIONS) if n_rows < FOREST_BELOW else CHAMPIONS
    champion = next((name for name in champions if name in usable), usable[0])
    names = (champion, *(name for name in SMALL if small and name in usable))
    return tuple(get_model(name).default(problem_type) for name in dict.fromkeys(names))
