"""Bring what a scikit-learn user passes into a table, under scikit-learn's rules."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array, validate_data

__all__ = ["as_table"]


def as_table(estimator: Any, X: Any, *, categorical: Sequence[str] = (), reset: bool = False) -> pd.DataFrame:
    """Return a table as a DataFrame, after scikit-learn's checks of shape and column names.

    Parameters
    ----------
    estimator : estimator
        Remembers the columns, or is asked for them.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    categorical : sequence of str, default=()
        Columns that are categorical whatever they look like.
    reset : bool, default=False
        Whether the columns are to be remembered.

    Returns
    -------
    DataFrame of shape (n_rows, n_features)
        With column names that are strings; arrays get those of the table that was fitted on, or x0, x1 and so on.

    Raises
    ------
    ValueError
        If it is not a table, or not the table that the estimator knows.
    """
    if hasattr(X, "to_pandas"):  # polars, pyarrow and others
        X = X.to_pandas()
    if isinstance(X, pd.DataFrame):
        if len(X) == 0:
            check_array(np.empty((0, max(X.shape[1], 1))))
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        if not all(isinstance(name, str) for name in X.columns):  # then scikit-learn remembers no names
            X = X.set_axis([str(name) for name in X.columns], axis=1)
        frame: pd.DataFrame = X.reset_index(drop=True)
    else:
        options = {"dtype": None, "ensure_all_finite": False, "ensure_min_samples": 2 if reset else 1}
        values = validate_data(estimator, X, reset=reset, **options)
        names = [f"x{i}" for i in range(values.shape[1])] if reset else list(estimator.column_kinds_)
        frame = pd.DataFrame(values, columns=names)
        if values.dtype == object:
            frame = frame.infer_objects()
    present = [name for name in categorical if name in frame.columns]
    for name in present:
        if not reset and pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue  # the model looks numbers up by value, and refuses them where it knows other text
        frame = frame.assign(**{name: _labels(frame[name])})
    return frame


def _labels(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return values as categories named alike whether a file held them as 1 or as 1.0."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column
    pairs = zip(column.astype(object), column.isna(), strict=True)
    text = [None if missing else re.sub(r"^(-?\d+)\.0$", r"\1", str(value)) for value, missing in pairs]
    levels = pd.Index(
        sorted({value for value in text if value is not None}), dtype=object
    )  # Arrow's strings hold no half characters
    return pd.Series(pd.Categorical(pd.Series(text, dtype=object), levels), index=column.index)
