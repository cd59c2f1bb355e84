from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from metalearn.metafeatures import MetaFeature, list_meta_features
from metalearn.metafeatures.sample import Sample
from metalearn.testing import check_meta_feature

FIRST_OF_EACH_PASS = list({f.compute: f for f in list_meta_features(tier="cheap")}.values())


@pytest.mark.parametrize("feature", FIRST_OF_EACH_PASS, ids=lambda f: f.name)
def test_built_in_ones_keep_their_promises(feature: MetaFeature) -> None:
    check_meta_feature(feature)


@pytest.mark.slow
def test_all_built_in_ones_keep_their_promises() -> None:
    for feature in list_meta_features():
        check_meta_feature(feature)


def share(sample: Sample) -> Mapping[str, float]:
    return {"share_of_numbers": float(sample.frame.dtypes.map(lambda d: d.kind == "f").mean())}


GOOD = MetaFeature(
    name="share_of_numbers",
    group="simple",
    tier="cheap",
    description="Columns that hold floats.",
    unit="share",
    nan_when="never",
    reference="here",
    compute=share,
)
TICKS = count()


def spoils(sample: Sample) -> Mapping[str, float]:
    sample.data.X.iloc[0, 0] = None
    return {"share_of_numbers": 0.0}


def test_a_good_one_passes() -> None:
    check_meta_feature(GOOD)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Share Of Numbers"}, "snake case"),
        ({"name": "n_rows"}, "that of a built-in"),
        ({"reference": " "}, "does not say its reference"),
        ({"compute": lambda _: {}, "nan_when": "always"}, "never returns a finite value"),
        ({"compute": lambda _: {"share_of_numbers": "many"}}, "not a number"),
        ({"compute": lambda _: {"share_of_numbers": float("nan")}}, "nan_when says 'never'"),
        ({"compute": lambda _: {"share_of_numbers": float(next(TICKS))}}, "the next time"),
        ({"compute": spoils}, "changes the table"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_promise_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_meta_feature(replace(GOOD, **change))
