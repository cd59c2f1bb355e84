"""Scorers of one's own: anything that scikit-learn takes as ``scoring``, applied to predictions that are at hand."""

import functools
import hashlib
import inspect
import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.exceptions import InvalidInputError

__all__ = ["apply_scorer", "has_scorer", "is_scorer_of", "named_scorer", "own_scorer", "scorer_name", "scorer_names"]

_TRUTHS = frozenset({"y_true", "y", "y_test", "true", "truth", "actual", "actuals", "labels", "target"})
"""What functions of predictions call their first argument; scorers take the model first."""

_ARGUMENTS = 3
_LONGEST = 60
_TINY = 1e-15


def has_scorer(name: str) -> bool:
    """Tell whether scikit-learn has a scorer of a name."""
    return name in scorer_names()


def is_scorer_of(name: str, scorer: Callable[..., Any]) -> bool:
    """Tell whether a scorer computes what scikit-learn's of the same name does."""
    from sklearn.metrics import get_scorer  # noqa: PLC0415 - not needed for the metrics of the knowledge base

    known = get_scorer(name)
    facts = ("_score_func", "_sign", "_kwargs", "_response_method")
    return all(repr(getattr(scorer, fact, None)) == repr(getattr(known, fact)) for fact in facts)


def scorer_names() -> list[str]:
    """Return the names of scikit-learn's scorers."""
    from sklearn.metrics import get_scorer_names  # noqa: PLC0415 - not needed for the metrics of the knowledge base

    return list(get_scorer_names())


def named_scorer(name: str, *, classes: bool) -> Callable[..., Any] | None:
    """Return scikit-learn's scorer of a name."""
    from sklearn.metrics import get_scorer  # noqa: PLC0415 - not needed for the metrics of the knowledge base

    if not has_scorer(name):
        return None
    scorer: Callable[..., Any] = get_scorer(name)
    y = np.array([1.5, 2.25, 4.0])
    exact, off = (_value(scorer, y, predicted, None) for predicted in (y, np.array([1.4, 2.5, 3.5])))
    numbers = exact > off  # scorers of clusters take numbers for labels
    if not classes:
        return scorer if numbers else None
    text = np.array(["a", "b"])
    mixed = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]])
    if math.isfinite(_value(scorer, text[[0, 1, 0, 1]], mixed, text)):
        return scorer
    positive = _value(scorer, np.array([0, 1, 0, 1]), mixed, np.array([0, 1]))  # such as f1, whose good class is 1
    return scorer if math.isfinite(positive) and not numbers else None


def _value(scorer: Callable[..., Any], y: npt.NDArray[Any], predictions: npt.NDArray[Any], classes: Any) -> float:
    try:
        return apply_scorer(scorer, None, y, predictions, classes)
    except (AttributeError, TypeError, ValueError):  # of any scorer for other predictions
        return math.nan


def own_scorer(scorer: Callable[..., Any]) -> Callable[..., Any]:
    """Return what scores a model: a callable that takes it, the table and the truth."""
    if hasattr(scorer, "_score_func") or not _takes_predictions(scorer):
        return scorer
    name = scorer_name(scorer)
    if str(getattr(scorer, "__module__", "")).startswith("sklearn.metrics"):
        from sklearn.metrics import get_scorer  # noqa: PLC0415 - not needed for the metrics of the knowledge base

        for known in (name, name.removesuffix("_score"), f"neg_{name}"):
            if has_scorer(known):
                return get_scorer(known)  # type: ignore[no-any-return]
    message = (
        f"The metric {name!r} is a function of predictions. Expected a scorer, which says whether it is to be large or small "
        f"and what of the predictions it takes. Wrap it: sklearn.metrics.make_scorer({name}, greater_is_better=...)."
    )
    raise InvalidInputError(message)


def _takes_predictions(function: Callable[..., Any]) -> bool:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in found):
        return False
    placed = [p for p in found if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    return len(placed) < _ARGUMENTS or placed[0].name in _TRUTHS


def scorer_name(scorer: Callable[..., Any]) -> str:
    """Return what to call a scorer."""
    function: Any = getattr(scorer, "_score_func", scorer)
    options = dict(getattr(scorer, "_kwargs", {}))
    while isinstance(function, functools.partial):
        options = {**function.keywords, **options}
        function = function.func
    name = str(getattr(function, "__name__", type(function).__name__))
    if name == "<lambda>":
        name = f"own_metric_{_digest(function.__code__.co_code + repr(function.__code__.co_consts).encode())}"
    shown = re.sub(r"\s+", " ", ", ".join(f"{key}={value!r}" for key, value in options.items()))
    if len(shown) > _LONGEST:
        shown = f"{shown[:_LONGEST]}... {_digest(shown.encode())}"
    return ("neg_" if getattr(scorer, "_sign", 1) < 0 else "") + name + (f"({shown})" if options else "")


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:6]


def apply_scorer(
    scorer: Callable[..., Any], X: Any, y: npt.NDArray[Any], predictions: npt.NDArray[Any], classes: Any
) -> float:
    """Score predictions as if the model that made them were asked."""
    if classes is not None and _lacks_positive(scorer, classes):
        y, classes = (y == classes[1]).astype(int), np.arange(2)
    model = _estimators()[classes is not None](predictions, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of a class that nobody predicted
        value = scorer(model, X, y)
    if isinstance(value, bool) or not np.isscalar(value) or not np.isreal(value):
        message = f"The metric {scorer_name(scorer)!r} returned {str(value)[:60]!r}. Expected a number. Correct it."
        raise InvalidInputError(message)
    return float(value)  # type: ignore[arg-type]  # a real scalar


def _lacks_positive(scorer: Callable[..., Any], classes: npt.NDArray[Any]) -> bool:
    """Tell whether a scorer of scikit-learn takes 1 for the positive class where there is no such class."""
    function = getattr(scorer, "_score_func", None)
    if len(classes) != 2 or function is None or "pos_label" in getattr(scorer, "_kwargs", {}):  # noqa: PLR2004
        return False
    ours = (
        str(function.__module__).startswith("sklearn.metrics") and "pos_label" in inspect.signature(function).parameters
    )
    return ours and not any(label == 1 for label in classes.tolist())


@functools.cache
def _estimators() -> tuple[type, type]:
    """Return models that answer what was predicted already, whatever they are asked about: of numbers, of classes."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # noqa: PLC0415 - sklearn loads when needed

    class Numbers(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, predictions: Any = None, classes: Any = None) -> None:
            self.predictions, self.classes, self.is_fitted_ = predictions, classes, True

        def predict(self, X: Any) -> Any:
            del X
            return self.predictions

    class Classes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, predictions: Any = None, classes: Any = None) -> None:
            self.predictions, self.classes_, self.classes = predictions, classes, classes

        def predict(self, X: Any) -> Any:
            del X
            return self.classes_[self.predictions.argmax(axis=1)]

        def predict_proba(self, X: Any) -> Any:
            del X
            return self.predictions

        def decision_function(self, X: Any) -> Any:
            del X
            odds = np.log(np.clip(self.predictions, _TINY, 1 - _TINY))
            return odds[:, 1] - odds[:, 0] if odds.shape[1] == 2 else odds  # noqa: PLR2004 - two classes

    return Numbers, Classes
