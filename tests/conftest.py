"""Tables that many tests share."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["COLUMNS"] = "110"  # tables are as wide as the terminal, on which no test depends

import gc
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that Ctrl-C is ignored

collect_ignore = ["metafeatures/ask_pymfe.py"]  # a script for an environment of its own


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use every core for the whole suite, and no other process where files or tests are named."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    return 0 if named else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _work() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"key": rng.integers(0, 1000, 100_000), "value": rng.random(100_000)})
    frame.groupby("key")["value"].mean()
    sorted(frame["value"].tolist())


@pytest.fixture(scope="session")
def units_of() -> Callable[..., float]:
    """Return a function that measures a call in units of fixed work, about 25 ms of processor on a machine of 2024.

    The work is done beside each call, and the quickest of several counts, so that neither machine nor load do.
    """

    def measure(call: Callable[[], object], times: int = 5) -> float:
        quickest = {call: float("inf"), _work: float("inf")}
        gc.disable()  # else what other tests left behind is looked through as well
        try:
            for work in [_work, call] * times:
                started = time.process_time()
                work()
                quickest[work] = min(quickest[work], time.process_time() - started)
        finally:
            gc.enable()
        return quickest[call] / quickest[_work]

    return measure


@pytest.fixture
def messy_table() -> pd.DataFrame:
    """Every kind of column that a user may bring, 120 rows."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "whole": rng.integers(0, 9, n),
            "with_gaps": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "infinite": np.where(rng.random(n) < 0.1, np.inf, rng.normal(size=n)),
            "flag": rng.random(n) < 0.5,
            "nullable_flag": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
            "nullable_whole": pd.array(rng.choice([1, 2, None], n), dtype="Int64"),
            "category": pd.Categorical(rng.choice(["a", "b", "c"], n)),
            "ordered": pd.Categorical(rng.choice(["low", "high"], n), categories=["low", "high"], ordered=True),
            "string": rng.choice(["red", "green", None], n),
            "many_levels": [f"shop {i % 45}" for i in range(n)],
            "mixed": rng.choice(np.array([1, "1", 2.5, None], dtype=object), n),
            "day": pd.date_range("2024-01-01", periods=n, freq="h"),
            "iso_day": [f"2024-01-{1 + i % 28:02d}" for i in range(n)],
            "span": pd.to_timedelta(rng.integers(0, 100, n), unit="s"),
            "text": [f"a sentence that is long enough to be read as text, number {i}" for i in range(n)],
            "constant": 1,
            "empty": np.nan,
            "empty_object": pd.Series([None] * n, dtype=object),
        }
    )
    frame.loc[3, "day"] = pd.NaT
    return frame


@pytest.fixture
def three_classes() -> np.ndarray:
    """A target of strings with a rare class, for 120 rows."""
    labels = np.array(["one", "two"] * 58 + ["rare"] * 4, dtype=object)
    return np.random.default_rng(1).permutation(labels)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if os.getuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def fill() -> Callable[[Path], None]:
    """A function that writes a file until the disk is full."""

    def write(file: Path) -> None:
        with file.open("wb", buffering=0) as stream, suppress(OSError):
            while stream.write(b"\0" * 4096) == 4096:
                pass

    return write
