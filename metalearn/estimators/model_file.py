"""Write fitted estimators to files from which nothing is executed, and read them back."""

import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metalearn._address import shown
from metalearn._files import replacing
from metalearn._version import __version__
from metalearn.estimators.base import MetaLearnEstimator
from metalearn.estimators.classifier import MetaLearnClassifier
from metalearn.estimators.records import leaderboard
from metalearn.estimators.refit import Member
from metalearn.estimators.regressor import MetaLearnRegressor
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import BUNDLED
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration
from metalearn.table.intake import column_names
from metalearn.task import Metric, ProblemType

__all__ = ["load_model", "save_model"]

_FORMAT = 1

_KINDS: dict[str, type[MetaLearnEstimator]] = {
    "MetaLearnClassifier": MetaLearnClassifier,
    "MetaLearnRegressor": MetaLearnRegressor,
}

_TRUSTED = (
    "catboost.core.CatBoostClassifier",
    "catboost.core.CatBoostRegressor",
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "metalearn.models.classifiers.EncodedLabels",
    "metalearn.models.classifiers.MarginSVC",
    "metalearn.models.in_context.InContextClassifier",
    "metalearn.models.in_context.InContextRegressor",
    "metalearn.models.preprocessing.QuietTargetEncoder",
    "metalearn.models.preprocessing.TableCleaner",
    "metalearn.models.preprocessing.few_levels",
    "metalearn.models.preprocessing.many_levels",
    "metalearn.models.preprocessing.numbers",
    "metalearn.models.text.TextEncoder",
    "metalearn.models.text.texts",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)
"""What the families that come with the package are made of, beyond what skops trusts by itself."""

_OF_THIS_MACHINE = ("knowledge_base", "record_to")
"""Addresses, which are for those who fit or recheck to name, not for a file."""

_COLUMNS = ("categorical", "drop", "keep")
"""Parameters that name columns."""

_PLAIN = (
    "best_score_",
    "default_score_",
    "expected_improvement_",
    "held_out_scores_",
    "decision_",
    "seconds_",
    "column_kinds_",
    "target_",
    "way_",
)


def save_model(model: MetaLearnEstimator, path: str | Path) -> None:
    """Write a fitted estimator to a file, in one step: what stood there stays until the new one is whole.

    Whoever gets the file can read the names of columns, categories and classes and the range or frequencies of the target.
    Nearest neighbours and support vector machines also keep rows, and neighbours their exact targets. No password and no
    address that would be opened is in it.

    Parameters
    ----------
    model : MetaLearnClassifier or MetaLearnRegressor
        Fitted.
    path : str or Path
        Where to; by custom it ends in ``.skops``.

    Raises
    ------
    InvalidInputError
        If it is not fitted, or the file cannot be written.
    """
    import skops.io  # noqa: PLC0415 - slow to import

    if not hasattr(model, "members_"):
        message = f"This {type(model).__name__} is not fitted. Expected a fitted one. Call fit first."
        raise InvalidInputError(message)
    kept = {k: v for k, v in model.get_params().items() if k not in _OF_THIS_MACHINE}
    given = {**kept, **{name: list(column_names(getattr(model, name))) for name in _COLUMNS}}
    params = {k: v for k, v in ((k, _unboxed(v)) for k, v in given.items()) if _is_plain(v)}
    about = {
        "format": _FORMAT,
        "version": __version__,
        "kind": type(model).__name__,
        "params": params,
        "learned_from": learned_from(model),
        "problem_type": str(model.problem_type_),
        **model.metric_.to_dict(),
        "n_features_in": model.n_features_in_,
        "recommendation": model.recommendation_.to_dict(),
        "best_configuration": model.best_configuration_.to_dict(),
        "members": [{"weight": m.weight, "configuration": m.configuration.to_dict()} for m in model.members_],
        "trials": model.trial_facts_,
        **{name: getattr(model, name) for name in _PLAIN},
    }
    parts = {
        "about": json.dumps(about),  # with NaN, which Python writes and reads back
        "pipelines": [m.pipeline for m in model.members_],
        "classes": getattr(model, "classes_", None),
        "feature_names": getattr(model, "feature_names_in_", None),
    }
    with replacing(path) as draft:
        try:
            skops.io.dump(parts, draft)
            types = skops.io.get_untrusted_types(file=draft)  # made here a moment ago: nothing foreign is run
            _restored(about, skops.io.load(draft, trusted=types))
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            message = (
                f"This {type(model).__name__} could not be read back from its file ({type(error).__name__}: {error}). "
                "Expected parts that skops can hold. Leave out the families of plug-ins, or report it. Nothing was written."
            )
            raise InvalidInputError(message) from error


def learned_from(model: MetaLearnEstimator) -> str:
    """Name the knowledge base of a model, for people: without passwords, and empty for the bundled one."""
    given = getattr(model, "learned_from_", None) or model.knowledge_base
    places = given if isinstance(given, list | tuple) else [given]
    plain = [shown(p) if isinstance(p, str | Path) else type(p).__name__ for p in places if p is not None]
    return "" if plain in ([], [""], [BUNDLED]) else ", ".join(plain)


def _unboxed(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(part, str) for part in value)
    return isinstance(value, str | int | float | None)


def load_model(path: str | Path, *, trusted: Collection[str] = ()) -> MetaLearnEstimator:
    """Read a fitted estimator that :func:`save_model` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    trusted : collection of str, default=()
        Further types that the file may hold, such as those of a plug-in's model family.

    Returns
    -------
    MetaLearnClassifier or MetaLearnRegressor
        Ready to predict. What was given as an object, such as a splitter, and the addresses of knowledge bases and stores are
        not restored; ``learned_from_`` names the knowledge base for people.

    Raises
    ------
    InvalidInputError
        If there is no such file, it is not such a model, was written by a newer version, or holds unknown types.
    """
    file = Path(path)
    if not file.is_file():
        message = f"There is no file {str(path)!r}. Expected a model that metalearn tune wrote. Check the path."
        raise InvalidInputError(message)
    try:
        return _load(file, trusted)
    except InvalidInputError:
        raise
    except Exception as error:  # a damaged archive raises anything
        message = f"{str(path)!r} is not a model that can be read ({type(error).__name__}: {error}). Expected a file that metalearn tune wrote. Check the path, or tune again."
        raise InvalidInputError(message) from error


def _load(file: Path, trusted: Collection[str]) -> MetaLearnEstimator:
    import skops.io  # noqa: PLC0415 - slow to import

    unknown = set(skops.io.get_untrusted_types(file=file)) - {*_TRUSTED, *trusted}
    if unknown:
        message = (
            f"{str(file)!r} holds types that are not known to be harmless: {sorted(unknown)[:5]}. "
            "Expected a model made of metalearn's own families. If you know where it comes from, pass trusted=[...]."
        )
        raise InvalidInputError(message)
    parts = skops.io.load(file, trusted=[*_TRUSTED, *trusted])
    about = json.loads(parts["about"])
    if about["format"] > _FORMAT:
        message = f"{str(file)!r} was written by metalearn {about['version']}. Expected this version or an older one. Upgrade metalearn-recommender."
        raise InvalidInputError(message)
    return _restored(about, parts)


def _restored(about: dict[str, Any], parts: dict[str, Any]) -> MetaLearnEstimator:
    given = {k: v for k, v in about["params"].items() if k not in _OF_THIS_MACHINE}  # older files have them
    model = _KINDS[about["kind"]](**{**given, **{name: tuple(given.get(name, ())) for name in _COLUMNS}})
    model.learned_from_ = str(about.get("learned_from") or "")
    model.problem_type_ = ProblemType(about["problem_type"])
    model.metric_ = Metric.from_dict(about, model.problem_type_)
    if model.metric_.is_own:  # a copy that is fitted must not silently optimise the default
        model.metric = model.metric_.name
    model.n_features_in_ = about["n_features_in"]
    model.recommendation_ = Recommendation.from_dict(about["recommendation"])
    model.best_configuration_ = Configuration.from_dict(about["best_configuration"])
    model.members_ = _members(about["members"], parts["pipelines"])
    model.trial_facts_ = about["trials"]
    model.leaderboard_ = leaderboard(about["trials"])
    for name in _PLAIN:
        setattr(model, name, about[name])
    if parts["classes"] is not None:
        model.classes_ = parts["classes"]
    if parts["feature_names"] is not None:
        if len(parts["feature_names"]) != model.n_features_in_:
            message = f"it has {model.n_features_in_} columns, but {len(parts['feature_names'])} names"
            raise ValueError(message)
        model.feature_names_in_ = parts["feature_names"]
    return model


def _members(described: Sequence[dict[str, Any]], pipelines: Sequence[Any]) -> list[Member]:
    weights = [m["weight"] for m in described]
    if not (all(isinstance(w, int | float) and math.isfinite(w) and w >= 0 for w in weights) and sum(weights) > 0):
        message = f"its weights are {weights[:5]}"
        raise ValueError(message)
    return [
        Member(m["weight"], Configuration.from_dict(m["configuration"]), pipeline, None)
        for m, pipeline in zip(described, pipelines, strict=True)
    ]
