"""A meta-feature: how far leading digits are from Benford's law, which amounts and counts tend to follow."""

from collections.abc import Mapping

import numpy as np

from metalearn.metafeatures import MetaFeature
from metalearn.metafeatures.sample import Sample

_LAW = np.log10(1 + 1 / np.arange(1, 10))


def _distance(sample: Sample) -> Mapping[str, float]:
    values = np.abs(sample.numbers)
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return {}
    digits = (values / 10.0 ** np.floor(np.log10(values))).astype(int).clip(1, 9)
    found = np.bincount(digits, minlength=10)[1:] / len(values)
    return {"benford_distance": float(np.abs(found - _LAW).sum() / 2)}


BENFORD_DISTANCE = MetaFeature(
    name="benford_distance",
    group="statistical",
    tier="cheap",
    description="Total variation distance of leading digits in numeric columns from Benford's law.",
    unit="share",
    nan_when="no numeric column has a value other than 0",
    reference="Benford, The law of anomalous numbers, 1938",
    compute=_distance,
)
