"""Compute the meta-features of a table within a tier and a time budget."""

import logging
import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from metalearn._registry import Registry
from metalearn.dataset import Dataset
from metalearn.exceptions import InvalidInputError
from metalearn.metafeatures.base import MetaFeature, MetaFeatures, Tier, built_in
from metalearn.metafeatures.sample import Sample, sample_of
from metalearn.task import ProblemType

__all__ = ["extract", "list_meta_features"]

_log = logging.getLogger(__name__)
_plug_ins: Registry[MetaFeature] = Registry("metalearn.meta_features", "meta-feature", MetaFeature)


def list_meta_features(*, tier: str = "all") -> tuple[MetaFeature, ...]:
    """List the meta-features, those of plug-ins included.

    Parameters
    ----------
    tier : {"cheap", "landmarks", "all"}, default="all"
        List what this tier computes.

    Returns
    -------
    tuple of MetaFeature
        The cheaper tiers first.

    Raises
    ------
    InvalidInputError
        If there is no such tier.

    Examples
    --------
    >>> [feature.name for feature in list_meta_features(tier="cheap")][:2]
    ['n_rows', 'n_features']
    """
    wanted = _tier(tier)
    plug_ins = {feature.name: feature for feature in _plug_ins.all().values()}
    known = {**plug_ins, **built_in()}
    return tuple(feature for step in Tier for feature in known.values() if feature.tier is step and step in wanted)


def extract(
    X: Any,
    y: Any = None,
    *,
    tier: str = "cheap",
    time_budget: float | None = None,
    problem_type: ProblemType | str | None = None,
    random_state: int = 0,
) -> MetaFeatures:
    """Compute the meta-features of a table.

    Counts are exact; everything else is computed on a seeded sample of at most 5,000 rows and 500 columns (500,000
    cells), what costs more on fewer; ``metafeatures/README.md`` lists the sizes.

    Parameters
    ----------
    X : Dataset, DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,), optional
        The target; not needed if X is a Dataset.
    tier : {"cheap", "landmarks", "all"}, default="cheap"
        How much to compute; each tier includes the ones before it.
    time_budget : float or None, default=None
        Seconds after which nothing more is begun; None for no limit.
    problem_type : ProblemType or str or None, default=None
        The kind of problem; None infers it from the target.
    random_state : int, default=0
        The seed of the samples.

    Returns
    -------
    MetaFeatures
        Values, seconds and status of every meta-feature of the tier. One that failed or found no time is NaN.

    Raises
    ------
    InvalidInputError
        If the table cannot be used, or if there is no such tier.

    Examples
    --------
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> extract(X, [0, 1] * 10).values["majority_fraction"]
    0.5
    """
    features = list_meta_features(tier=tier)
    started = time.perf_counter()
    data = X if isinstance(X, Dataset) else Dataset.from_data(X, y, problem_type=problem_type)
    sample = sample_of(data, random_state=random_state)
    values: dict[str, float] = {}
    seconds: dict[str, float] = {}
    status: dict[str, str] = {}
    found: dict[str, float]
    for shared in _passes(features):
        names = [feature.name for feature in shared]
        began = time.perf_counter()
        if time_budget is not None and began - started >= time_budget:
            found, problem = {}, "no time"
        else:
            found, problem = _run(shared[0], sample)
        share = (time.perf_counter() - began) / len(names)
        for name in names:
            value = float(found.get(name, np.nan))
            values[name] = value if np.isfinite(value) else np.nan
            seconds[name] = share
            status[name] = problem or ("ok" if np.isfinite(value) else "not applicable")
    return MetaFeatures(values, seconds, status)


def _tier(name: str) -> Tier:
    if name not in list(Tier):
        message = f"Unknown tier {str(name)!r}. Expected one of {[str(t) for t in Tier]}. Choose one of them."
        raise InvalidInputError(message)
    return Tier(name)


def _passes(features: Iterable[MetaFeature]) -> list[list[MetaFeature]]:
    """Group the meta-features that one function computes."""
    passes: dict[Any, list[MetaFeature]] = {}
    for feature in features:
        passes.setdefault(feature.compute, []).append(feature)
    return list(passes.values())


def _run(feature: MetaFeature, sample: Sample) -> tuple[dict[str, float], str]:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dict(feature.compute(sample)), ""
    except Exception as error:  # noqa: BLE001 - one meta-feature that fails must not cost the others
        _log.debug("The meta-feature %s failed.", feature.name, exc_info=True)
        return {}, f"failed: {error!r}"
