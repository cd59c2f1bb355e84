"""Look for what spoils models before any is trained."""

from metalearn.checks.data import associations, check_data, unlabelled
from metalearn.checks.finding import Finding

__all__ = ["Finding", "associations", "check_data", "unlabelled"]
