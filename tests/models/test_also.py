"""Parameters that a family takes though they are not searched."""

import pytest

from metalearn.models import get_model, model_names
from metalearn.space import Configuration
from metalearn.task import ProblemType


@pytest.mark.parametrize("family", [name for name in model_names() if get_model(name).also])
def test_what_a_family_takes_beyond_its_search_space_is_built(family: str) -> None:
    spec = get_model(family)
    if not spec.is_available:
        pytest.skip(f"{spec.requires} is not installed")
    configuration = Configuration(family, {name: p.from_unit(0.5) for name, p in spec.also.items()})
    for kind in spec.spaces:
        assert spec.takes(configuration, kind)
        assert spec.build(configuration, kind)
    assert not spec.takes(Configuration(family, {"nobody_has_this": 1}), next(iter(ProblemType)))
