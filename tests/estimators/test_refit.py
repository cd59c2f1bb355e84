import warnings

import numpy as np
import pandas as pd
import pytest

from metalearn.estimators.fold import TrainingData
from metalearn.estimators.refit import _affordable_rows
from metalearn.task import ProblemType


def table(n: int) -> TrainingData:
    return TrainingData(pd.DataFrame({"x": np.arange(n)}), np.arange(n) % 2, ProblemType.BINARY, 2, ())


def test_a_small_table_is_fitted_whole_however_late_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(_affordable_rows(table(134), needed=0.5, left=-1.0)) == 134


def test_all_rows_are_used_where_the_time_suffices() -> None:
    assert len(_affordable_rows(table(50_000), needed=1.0, left=2.0)) == 50_000


@pytest.mark.parametrize(("left", "expected"), [(2.0, 10_000), (-1.0, 1000)])
def test_of_a_large_table_as_many_rows_are_used_as_the_time_allows(left: float, expected: int) -> None:
    with pytest.warns(UserWarning, match="50,000"):
        rows = _affordable_rows(table(50_000), needed=10.0, left=left)
    assert len(rows) == len(set(rows)) == expected
