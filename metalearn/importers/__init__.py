"""Foreign results end here: what other tools and libraries keep becomes a knowledge base."""

from metalearn.importers.aslib import from_aslib
from metalearn.importers.cv_results import from_cv_results
from metalearn.importers.long_table import from_table
from metalearn.importers.openml import from_openml
from metalearn.importers.tuners import from_flaml_log, from_mlflow, from_optuna

__all__ = [
    "from_aslib",
    "from_cv_results",
    "from_flaml_log",
    "from_mlflow",
    "from_openml",
    "from_optuna",
    "from_table",
]
