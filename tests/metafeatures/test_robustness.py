import datetime as dt
import decimal
import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.metafeatures import MetaFeatures, extract

N = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N)
CLASSES = np.arange(N) % 2


def _frames() -> dict[str, Any]:
    text = np.array(["a", "b", "c"])[np.arange(N) % 3]
    holes = np.where(np.arange(N) % 7 == 0, np.nan, NUMBERS)
    return {
        "float32": pd.DataFrame({"a": NUMBERS.astype("float32"), "b": NUMBERS.astype("float16")}),
        "integers": pd.DataFrame({"a": np.arange(N, dtype="int8"), "b": np.arange(N, dtype="uint64") + 2**63}),
        "nullable": pd.DataFrame(
            {
                "i": pd.array([None, *range(N - 1)], dtype="Int64"),
                "f": pd.array([None, *NUMBERS[1:]], dtype="Float64"),
                "b": pd.array([None, *(CLASSES[1:] > 0)], dtype="boolean"),
                "s": pd.array([None, *text[1:]], dtype="string"),
            }
        ),
        "arrow": pd.DataFrame({"a": NUMBERS, "s": text}).convert_dtypes(dtype_backend="pyarrow"),
        "categories": pd.DataFrame(
            {
                "c": pd.Categorical(text),
                "o": pd.Categorical(text, ordered=True),
                "unused": pd.Categorical(text, categories=[*"abcd", *map(str, range(500))]),
                "numbers": pd.Categorical(np.arange(N) % 5),
            }
        ),
        "strings": pd.DataFrame({"s": text, "t": [f"{i} {'lorem ipsum dolor ' * 4}" for i in range(N)]}),
        "text alone": pd.DataFrame({"t": [f"{i} {'lorem ipsum dolor ' * 4}" for i in range(N)]}),
        "bytes": pd.DataFrame({"b": [b"x", b"y"] * (N // 2)}),
        "booleans": pd.DataFrame({"b": CLASSES > 0, "o": pd.Series([True, False, None] * (N // 3), dtype=object)}),
        "dates": pd.DataFrame(
            {
                "d": pd.date_range("2020", periods=N),
                "z": pd.date_range("2020", periods=N, tz="Europe/Berlin"),
                "o": [dt.date(2020, 1, 1 + i % 28) for i in range(N)],
                "s": pd.date_range("2020", periods=N).strftime("%Y-%m-%d"),
                "p": pd.period_range("2020-01", periods=N, freq="M"),
                "n": pd.Series([pd.NaT] * (N - 1) + [pd.Timestamp("2020")]),
            }
        ),
        "durations": pd.DataFrame({"t": pd.to_timedelta(np.arange(N), unit="h")}),
        "decimals": pd.DataFrame({"d": [decimal.Decimal(i) / 7 for i in range(N)]}),
        "complex": pd.DataFrame({"c": NUMBERS + 1j}),
        "intervals": pd.DataFrame({"i": pd.cut(NUMBERS, 4)}),
        "lists": pd.DataFrame({"l": [[i % 3] for i in range(N)], "a": NUMBERS}),
        "mixed": pd.DataFrame({"m": pd.Series([1, "x", 2.5, None, (1, 2), b"y"] * (N // 6), dtype=object)}),
        "nested arrow": pd.DataFrame(
            {
                "l": pd.Series([[i % 3] for i in range(N)], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
                "s": pd.Series([{"a": i % 2} for i in range(N)], dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())]))),
            }
        ),
        "surrogates": pd.DataFrame(
            {"s": pd.Series(["\ud800", "x"] * (N // 2), dtype=object), "c": ["\ud800 constant"] * N}, dtype=object
        ),
        "missing": pd.DataFrame({"all": [np.nan] * N, "none": [None] * N, "some": holes}),
        "only missing": pd.DataFrame({"all": [np.nan] * N, "none": pd.Series([None] * N, dtype=object)}),
        "one present": pd.DataFrame({"a": [1.0] + [np.nan] * (N - 1), "b": [np.nan] * (N - 2) + [1.0, 2.0]}),
        "constant": pd.DataFrame({"a": [1.0] * N, "b": ["x"] * N, "c": [True] * N}),
        "infinite": pd.DataFrame({"a": np.where(CLASSES, np.inf, NUMBERS), "b": [np.inf] * N, "c": [-np.inf] * N}),
        "huge": pd.DataFrame({"a": np.tanh(NUMBERS) * 1.7e308, "b": NUMBERS * 1e-320, "c": np.sign(NUMBERS) * 1.7e308}),
        "offset": pd.DataFrame({"a": 1e15 + np.arange(N) % 3, "b": 1e300 + NUMBERS}),
        "duplicates": pd.DataFrame({"a": [1.0, 2.0] * (N // 2), "b": [1.0, 2.0] * (N // 2)}),
        "sparse": pd.DataFrame(
            {"s": pd.arrays.SparseArray(np.where(CLASSES, 0, NUMBERS)), "b": pd.arrays.SparseArray(CLASSES > 0)}
        ),
        "sparse matrix": sparse.random(N, 30, density=0.1, format="csr", random_state=0),
        "array": RNG.normal(size=(N, 3)),
        "integer array": RNG.integers(0, 5, size=(N, 3)),
        "object array": np.array([[1, "a"], [2.5, None]] * (N // 2), dtype=object),
        "record array": np.rec.fromarrays([NUMBERS, text], names="a,b"),
        "masked array": np.ma.masked_array(RNG.normal(size=(N, 3)), mask=RNG.random((N, 3)) < 0.2),
        "wide": RNG.normal(size=(N, 700)),
        "one column": pd.DataFrame({"a": NUMBERS}),
        "odd names": pd.DataFrame({1: NUMBERS, None: NUMBERS[::-1], ("a", "b"): NUMBERS**2}),
        "odd index": pd.DataFrame({"a": NUMBERS}, index=["x"] * N),
    }


FRAMES = _frames()
TARGETS = {
    "binary": CLASSES,
    "booleans": CLASSES > 0,
    "labels": np.array(["no", "yes", "maybe"])[np.arange(N) % 3],
    "two rows a class": pd.Series([f"c{i // 2}" for i in range(N)], dtype="category"),
    "one rare": np.array([1] + [0] * (N - 1)),
    "numbers": NUMBERS,
    "skewed": np.exp(20 * NUMBERS),
    "nearly constant": np.array([1.0] + [0.0] * (N - 1)) + np.linspace(0, 1e-9, N),
    "nullable": pd.Series([None, *range(N - 1)], dtype="Int64"),
}


def _describe(X: Any, y: Any, tier: str = "all") -> MetaFeatures:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = Dataset.from_data(X, y)
        found = extract(data, tier=tier)
        check_data(data)
        assert data.fingerprint
    return found


def _failures(found: Any) -> dict[str, str]:
    return {name: status for name, status in found.status.items() if status.startswith("failed")}


@pytest.mark.parametrize("name", FRAMES)
def test_any_table_is_described_without_a_failure_or_a_warning(name: str) -> None:
    assert not _failures(_describe(FRAMES[name], TARGETS["labels"]))
    assert not _failures(_describe(FRAMES[name], TARGETS["numbers"], tier="cheap"))


@pytest.mark.parametrize("target", TARGETS)
def test_any_target_is_described_without_a_failure_or_a_warning(target: str) -> None:
    mixed = pd.DataFrame({"a": NUMBERS, "b": np.array(["a", "b"])[CLASSES], "c": [*NUMBERS[:-1], np.nan]})
    assert not _failures(_describe(mixed, TARGETS[target]))


def test_a_masked_value_is_missing() -> None:
    mask = np.arange(2 * N).reshape(N, 2) % 5 == 0
    data = Dataset.from_data(
        np.ma.masked_array(np.ones((N, 2)), mask), np.ma.masked_array(CLASSES, CLASSES * NUMBERS > 1)
    )
    assert data.n_rows == N - np.sum(CLASSES * NUMBERS > 1)
    assert data.X.isna().to_numpy().mean() == pytest.approx(0.2, abs=0.02)


def test_polars_tables_give_the_values_of_pandas_tables() -> None:
    polars = pytest.importorskip("polars")
    columns = {"a": NUMBERS, "b": np.array(["x", "y", "z"])[np.arange(N) % 3], "c": CLASSES > 0}
    one = extract(pd.DataFrame(columns), CLASSES).values
    other = extract(polars.DataFrame(columns), polars.Series(CLASSES)).values
    assert dict(one) == pytest.approx(dict(other), nan_ok=True)


def test_values_do_not_depend_on_the_process() -> None:
    code = (
        "import numpy as np, pandas as pd; from metalearn.metafeatures import MetaFeatures, extract; "
        "r = np.random.default_rng(0); X = pd.DataFrame(r.normal(size=(6000, 5)), columns=list('abcde')); "
        "X['s'] = np.array(['u', 'v', 'w'])[r.integers(0, 3, 6000)]; "
        "print(extract(X, X['a'] > 0).to_dict()['values'])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_importing_meta_features_imports_nothing_heavy() -> None:
    code = "import sys, metalearn.metafeatures; print([m for m in ('sklearn', 'scipy.stats', 'scipy.spatial', 'lightgbm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
