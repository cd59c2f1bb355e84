"""Meta-features of the literature that no recommendation uses: tier ``"all"``."""

from metalearn.metafeatures.extended import (  # noqa: F401 - their decorators register the meta-features
    classical,
    complexity,
    discriminant,
    entropies,
    model_based,
    regression,
)

__all__: list[str] = []
