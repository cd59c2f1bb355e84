"""Whose parameters are these, and what do they come to? Names and values as libraries and tools have them."""

import hashlib
import pkgutil
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from metalearn.models import get_model, model_names
from metalearn.space import Configuration, ParamValue
from metalearn.space.aliases import PARAMETERS, UNSET_VALUES, WITHOUT_EFFECT, family_of, known_name

__all__ = [
    "families_of_parameters",
    "family_of_parameters",
    "left_out",
    "parameters_of",
    "recognised",
    "storable",
    "unfolded",
]

_USUAL = ("lightgbm", "xgboost", "catboost", "random_forest")
"""The families that are meant where several have the same parameters."""

_ESTIMATORS = {
    "catboost": ("catboost:CatBoostClassifier", "catboost:CatBoostRegressor"),
    "decision_tree": ("sklearn.tree:DecisionTreeClassifier", "sklearn.tree:DecisionTreeRegressor"),
    "extra_trees": ("sklearn.ensemble:ExtraTreesClassifier", "sklearn.ensemble:ExtraTreesRegressor"),
    "gaussian_nb": ("sklearn.naive_bayes:GaussianNB",),
    "hist_gradient_boosting": (
        "sklearn.ensemble:HistGradientBoostingClassifier",
        "sklearn.ensemble:HistGradientBoostingRegressor",
    ),
    "knn": ("sklearn.neighbors:KNeighborsClassifier", "sklearn.neighbors:KNeighborsRegressor"),
    "lightgbm": ("lightgbm:LGBMClassifier",),
    "linear": ("sklearn.linear_model:LogisticRegression", "sklearn.linear_model:Ridge", "sklearn.linear_model:ElasticNet"),
    "mlp": ("sklearn.neural_network:MLPClassifier", "sklearn.neural_network:MLPRegressor"),
    "random_forest": ("sklearn.ensemble:RandomForestClassifier", "sklearn.ensemble:RandomForestRegressor"),
    "svm": ("sklearn.svm:SVC", "sklearn.svm:SVR"),
    "xgboost": ("xgboost:XGBClassifier",),
}  # fmt: skip
_DART = ("rate_drop", "skip_drop", "one_drop", "sample_type", "normalize_type")
_CONSTANT = re.compile(r"[\w.+\-]{0,40}")
_CLASS = re.compile(r"([A-Za-z_]\w*)(?:\(|$)")
_NAMES_DATA = re.compile(
    r"column|feature|label|target|group|weight|class|key|path|file|name|data|url|dir", re.IGNORECASE
)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@cache
def _library(family: str) -> Mapping[str, Any] | None:
    """Return the parameters that a family's estimators take, with their defaults; None where the library is absent."""
    found: dict[str, Any] = {}
    for path in _ESTIMATORS.get(family, ()):
        try:
            found |= pkgutil.resolve_name(path)().get_params(deep=False)
        except (ImportError, AttributeError):
            return None
    if family == "xgboost":
        found |= dict.fromkeys(_DART)
    if family == "lightgbm":
        from lightgbm import basic  # noqa: PLC0415 - known to be there

        aliases = getattr(basic, "_ConfigAliases", None)
        every: dict[str, list[str]] = getattr(aliases, "_get_all_param_aliases", dict)()
        found = dict.fromkeys({*every, *(word for words in every.values() for word in words)}) | found
    if family == "catboost" and found is not None:
        import inspect  # noqa: PLC0415

        found |= dict.fromkeys(inspect.signature(pkgutil.resolve_name("catboost:CatBoostClassifier")).parameters)
    return found or None


def left_out(family: str, params: Mapping[str, Any], *, foreign: bool = True) -> list[str]:
    """List the parameters whose text may tell a path, a column or a label, and those that are none of the family's."""
    ours = {*parameters_of(family), *PARAMETERS.get(family, ()), *UNSET_VALUES.get(family, ()), *WITHOUT_EFFECT}
    ours |= {"hidden_layer_sizes"} if family == "mlp" else set()
    rest = [name for name in params if name not in ours]
    library = _library(family) if rest else None
    found = []
    for name in rest:
        value, known = params[name], library is not None and name in library
        tells = isinstance(value, str) and (
            (not known and _NAMES_DATA.search(name)) or not (_CONSTANT.fullmatch(value) or _is_numbers(value))
        )
        if tells or (foreign and library is not None and not known):
            found.append(name)
    return found


def _is_numbers(text: str) -> bool:
    return re.fullmatch(r"[(\[](?:[-+\d.,()\[\] ]|\de[-+]?\d|None|True|False)*[)\]]", text) is not None


def recognised(family: str, params: Mapping[str, ParamValue]) -> Configuration:
    """Return a configuration that was run elsewhere, so that it equals ours of the same meaning."""
    params = _layers(params) if family == "mlp" else params
    unset = UNSET_VALUES.get(family, {})
    dropped = WITHOUT_EFFECT if family in PARAMETERS else frozenset[str]()
    kept = {name: v for name, v in params.items() if name not in dropped and v not in unset.get(name, ())}
    if rest := kept.keys() - parameters_of(family) - PARAMETERS.get(family, {}).keys():
        usual = _library(family) or {}
        same = {name for name in rest if name in usual and usual[name] == kept[name] and name not in unset}
        kept = {name: value for name, value in kept.items() if name not in same}
    return Configuration(family, get_model(family).with_kinds(kept) if family in model_names() else kept)


def unfolded(params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the family of a pipeline's model and its parameters; of anything else nothing and all parameters."""
    for step, value in params.items():
        found = _CLASS.match(value) if isinstance(value, str) else None
        family = family_of(found[1]) if found and found[1] != found[1].lower() else None
        prefix = f"{step}__"
        own = {name.removeprefix(prefix): v for name, v in params.items() if name.startswith(prefix)}
        if family is not None and (own or "steps" in params):
            inner = {name: v for name, v in own.items() if "__" not in name}
            return family, inner
    return "", dict(params)


def storable(value: Any) -> ParamValue:
    """Return a plain value as it is, tuples of numbers as text, all else by its class and a hash."""
    native = _native(value)
    if isinstance(native, float) and np.isfinite(native):
        return float(f"{native:.12g}")  # a log scale turns 0.1 into 0.09999999999999995
    if native is None or isinstance(native, bool | int | str):
        return native
    if isinstance(native, float) or (isinstance(native, tuple) and _is_numbers(str(native))):
        return str(native)
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__).strip("<>")
    kind, shown = type(native).__name__, _ADDRESS.sub("", repr(native))
    is_bare = shown in {f"{kind}()", _ADDRESS.sub("", object.__repr__(native))}
    return kind if is_bare else f"{kind}_{hashlib.sha256(shown.encode('utf-8', 'replace')).hexdigest()[:6]}"


def _native(value: Any) -> Any:
    """Return nested values without numpy's types, and with tuples for lists, which JSON does not tell apart."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {_native(key): _native(part) for key, part in value.items()}
    return tuple(map(_native, value)) if isinstance(value, list | tuple) else value


def _layers(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return layers of one width as their number and width; others stay as they are."""
    sizes = params.get("hidden_layer_sizes")
    found = re.findall(r"\d+", str(sizes)) if re.fullmatch(r"[\d\s,()\[\]]+", str(sizes)) else []
    if len(set(found)) != 1:
        return params
    others = {name: value for name, value in params.items() if name != "hidden_layer_sizes"}
    return {**others, "hidden_layer_depth": len(found), "num_nodes_per_layer": int(found[0])}


def family_of_parameters(parameters: Iterable[str], preferred: Sequence[str] = ()) -> str | None:
    """Return the model family to which parameters belong."""
    found = families_of_parameters(parameters)
    return next((family for family in [*preferred, *_USUAL, *found] if family in found), None)


def families_of_parameters(parameters: Iterable[str], likely: Collection[str] = ()) -> list[str]:
    """Return every model family to which parameters belong equally well."""
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
    """Return the parameters in a family's search spaces; none for a family that is not registered."""
    spaces = get_model(family).spaces.values() if family in model_names() else ()
    return {name for space in spaces for name in space.parameters}


def _plugged_in() -> dict[str, set[str]]:
    """Return the parameters of families that the table of aliases lacks: those of plug-ins."""
    return {name: parameters_of(name) for name in model_names() if name not in PARAMETERS}
