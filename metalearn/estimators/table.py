"""Bring what a scikit-learn user passes into a table, under scikit-learn's rules."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import _check_n_features, check_array, validate_data

from metalearn.table.intake import as_frame, check_names, is_lazy, is_records

__all__ = ["as_table"]


def as_table(estimator: Any, X: Any, *, categorical: Sequence[str] = (), reset: bool = False) -> pd.DataFrame:
    """Return a table as a DataFrame, after scikit-learn's checks of shape and column names."""
    frame = _frame(estimator, X, reset=reset)
    if reset:
        check_names(frame, categorical)
    present = [name for name in categorical if name in frame.columns]
    for name in present:
        if not reset and pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue  # the model looks numbers up by value, and refuses them where it knows other text
        frame = frame.assign(**{name: _labels(frame[name])})
    return frame


def _frame(estimator: Any, X: Any, *, reset: bool) -> pd.DataFrame:
    X = _acceptable(X, single=not reset and estimator.n_features_in_ == 1)
    known = [] if reset else list(estimator.column_kinds_)
    if isinstance(X, pd.DataFrame):
        if len(X) == 0:
            check_array(np.empty((0, max(X.shape[1], 1))))
        frame = as_frame(X).reset_index(drop=True)
        if reset or not X.columns.equals(pd.RangeIndex(X.shape[1])) or set(frame.columns) == set(known):
            validate_data(estimator, frame, skip_check_array=True, reset=reset)
        else:  # numbers that count the columns are no names
            _check_n_features(estimator, frame, reset=False)
    else:
        options = {"accept_sparse": True, "dtype": None, "ensure_all_finite": False}
        if reset:
            values = validate_data(estimator, X, ensure_min_samples=2, **options)
        else:  # without scikit-learn's warning that an array has no names
            values = check_array(X, estimator=estimator, input_name="X", **options)
            _check_n_features(estimator, values, reset=False)
        frame = as_frame(values)
        if values.dtype == object:
            frame = frame.infer_objects()
    return frame if reset else frame.set_axis(known, axis=1)


def _acceptable(X: Any, *, single: bool) -> Any:
    """Return what scikit-learn would refuse or misread in a form that it takes; a single column may be flat."""
    names = getattr(getattr(X, "dtype", None), "names", None)
    foreign = (
        is_lazy(X)
        or is_records(X)
        or any(hasattr(X, way) for way in ("to_pandas", "__arrow_c_stream__", "__dataframe__"))
    )
    if names or (foreign and not isinstance(X, pd.DataFrame | pd.Series)):
        return as_frame(X)
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(float if X.dtype.kind in "fiub" else object), np.nan)
    if not single or issparse(X) or np.ndim(X) != 1:
        return X
    return X.to_frame(0 if X.name is None else X.name) if isinstance(X, pd.Series) else np.reshape(X, (-1, 1))


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
