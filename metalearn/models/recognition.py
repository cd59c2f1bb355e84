"""Whose parameters are these, and what do they come to? Names and values as libraries and tools have them."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from metalearn.models import get_model, model_names
from metalearn.space import Configuration, ParamValue
from metalearn.space.aliases import PARAMETERS, UNSET_VALUES, WITHOUT_EFFECT, known_name

__all__ = ["families_of_parameters", "family_of_parameters", "parameters_of", "recognised"]

_USUAL = ("lightgbm", "xgboost", "catboost", "random_forest")
"""The families that are meant where several have the same parameters."""


def recognised(family: str, params: Mapping[str, ParamValue]) -> Configuration:
    """Return a configuration that was run elsewhere, so that it equals ours of the same meaning.

    Parameters
    ----------
    family : str
        Any name.
    params : mapping
        Under our names.

    Returns
    -------
    Configuration
        Without parameters at the value that they have anyway, or that do not change what is learned, such as the number of
        threads; numbers of the kind that the family's search space has. Those of unknown families stay as they are.
    """
    params = _layers(params) if family == "mlp" else params
    unset = UNSET_VALUES.get(family, {})
    dropped = WITHOUT_EFFECT if family in PARAMETERS else frozenset[str]()
    kept = {name: v for name, v in params.items() if name not in dropped and v not in unset.get(name, ())}
    return Configuration(family, get_model(family).with_kinds(kept) if family in model_names() else kept)


def _layers(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return layers of one width as their number and width; others stay as they are."""
    sizes = params.get("hidden_layer_sizes")
    found = re.findall(r"\d+", str(sizes)) if re.fullmatch(r"[\d\s,()\[\]]+", str(sizes)) else []
    if len(set(found)) != 1:
        return params
    others = {name: value for name, value in params.items() if name != "hidden_layer_sizes"}
    return {**others, "hidden_layer_depth": len(found), "num_nodes_per_layer": int(found[0])}


def family_of_parameters(parameters: Iterable[str], preferred: Sequence[str] = ()) -> str | None:
    """Return the model family to which parameters belong.

    Parameters
    ----------
    parameters : iterable of str
        Names as a tool has them.
    preferred : sequence of str, default=()
        Families that win a tie, the first one first.

    Returns
    -------
    str or None
        The family that knows most of them, its own names counting more than aliases; None if none knows any.

    Examples
    --------
    >>> family_of_parameters(["eta", "max_depth", "gamma"])
    'xgboost'
    """
    found = families_of_parameters(parameters)
    return next((family for family in [*preferred, *_USUAL, *found] if family in found), None)


def families_of_parameters(parameters: Iterable[str], likely: Collection[str] = ()) -> list[str]:
    """Return every model family to which parameters belong equally well.

    Parameters
    ----------
    parameters : iterable of str
        Names as a tool has them.
    likely : collection of str, default=()
        Families that go before others where they know as many of the parameters.

    Returns
    -------
    list of str
        The families that know most of them; of these, those that have most in their search space, first under this very name,
        then under another. Empty if none knows any.

    Examples
    --------
    >>> families_of_parameters(["n_estimators", "max_features"])
    ['extra_trees', 'random_forest']
    >>> families_of_parameters(["n_estimators", "max_features"], likely=["extra_trees", "svm"])
    ['extra_trees']
    """
    names = list(parameters)
    known: dict[str, int] = {}
    near: dict[str, tuple[int, int]] = {}
    for family, searched in {**_plugged_in(), **PARAMETERS}.items():
        ours = {name: known_name(name, family, searched) for name in names}
        known[family] = sum(word in searched or word in UNSET_VALUES.get(family, {}) for word in ours.values())
        as_they_are = sum(word == name and word in searched for name, word in ours.items())
        near[family] = as_they_are, sum(word in searched for word in ours.values())
    most = max(known.values())
    pool = [family for family in known if known[family] == most > 0]
    pool = [family for family in pool if family in likely] or pool
    nearest = max((near[family] for family in pool), default=None)
    return [family for family in pool if near[family] == nearest]


def parameters_of(family: str) -> set[str]:
    """Return the names of a family's parameters.

    Parameters
    ----------
    family : str
        Any name.

    Returns
    -------
    set of str
        Those that its search spaces have; empty for a family that is not registered.
    """
    spaces = get_model(family).spaces.values() if family in model_names() else ()
    return {name for space in spaces for name in space.parameters}


def _plugged_in() -> dict[str, set[str]]:
    """Return the parameters of families that the table of aliases lacks: those of plug-ins."""
    return {name: parameters_of(name) for name in model_names() if name not in PARAMETERS}
