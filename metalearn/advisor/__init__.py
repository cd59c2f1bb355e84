"""Ask what to try next, tell how it went."""

from metalearn.advisor.advisor import Advisor
from metalearn.trial import Trial

__all__ = ["Advisor", "Trial"]
