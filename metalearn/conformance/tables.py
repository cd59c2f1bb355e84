"""What the suites are run on: small tables of every kind, and the one way in which a broken promise is told."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metalearn.task import ProblemType

__all__ = ["messy_table", "require", "target"]

N_ROWS = 90


def require(condition: object, message: str) -> None:
    """Stand in for ``assert``, which ``python -O`` removes."""
    if not condition:
        raise AssertionError(message)


def messy_table() -> pd.DataFrame:
    """Return a table with every kind of column that users bring."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": rng.normal(size=N_ROWS),
            "whole": rng.integers(0, 9, N_ROWS),
            "gaps": rng.choice([np.nan, 0.5, 1.5, -2.0], N_ROWS),
            "flag": rng.choice([True, False], N_ROWS),
            "category": pd.Categorical(rng.choice(["a", "b", "c"], N_ROWS)),
            "text": rng.choice(np.array(["red", "green", None], dtype=object), N_ROWS),
            "day": pd.date_range("2024-01-01", periods=N_ROWS, freq="D"),
            "constant": 1.0,
            "empty": np.nan,
        }
    )


def target(problem_type: ProblemType) -> npt.NDArray[Any]:
    """Return a target for :func:`messy_table`."""
    cause = messy_table()["number"].to_numpy(dtype=float)
    if problem_type is ProblemType.REGRESSION:
        return np.asarray(1e4 + 1e3 * cause)
    if problem_type is ProblemType.BINARY:
        return np.where(cause > 0, "yes", "no")
    return np.where(cause > 0.5, "high", np.where(cause > -0.5, "middle", "low"))  # noqa: PLR2004 - thirds, about
