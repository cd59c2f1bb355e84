import itertools
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metalearn.dataset import Dataset
from metalearn.table.fingerprint import KEY_VARIABLE, _own_key, comparable

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": RNG.choice(["x", "y", None], 60), "c": RNG.integers(0, 5, 60)})
Y = pd.Series(RNG.choice(["yes", "no"], 60))


def fingerprint(X: pd.DataFrame, y: object) -> str:
    return Dataset.from_data(X, y).fingerprint


def test_order_and_names_do_not_count() -> None:
    order = RNG.permutation(60)
    shuffled = X.iloc[order, ::-1].rename(columns={"a": "other"})
    assert fingerprint(shuffled, Y.iloc[order]) == fingerprint(X, Y)


def test_what_stands_in_a_row_together_counts() -> None:
    assert fingerprint(X, Y.iloc[::-1].reset_index(drop=True)) != fingerprint(X, Y)
    assert fingerprint(X.assign(a=X["a"].iloc[::-1].to_numpy()), Y) != fingerprint(X, Y)


@pytest.mark.parametrize("column", ["a", "b", "c"])
def test_every_cell_counts(column: str) -> None:
    changed = X.copy()
    changed.loc[7, column] = {"a": 0.5, "b": "z", "c": 9}[column]
    assert fingerprint(changed, Y) != fingerprint(X, Y)


def test_without_the_key_small_domains_cannot_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tables with one unknown cell are fingerprinted by somebody who has another key: none fits."""
    monkeypatch.setenv(KEY_VARIABLE, "the team's secret")
    stored = fingerprint(X, Y)
    monkeypatch.setenv(KEY_VARIABLE, "a guess")
    tried = {fingerprint(X.assign(c=[value, *X["c"][1:]]), Y) for value in range(5)}
    assert stored not in tried
    assert not comparable(stored, next(iter(tried)))
    assert stored.partition("-")[2] not in {text.partition("-")[2] for text in tried}


def test_holders_of_one_key_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "the team's secret")
    code = (
        "import numpy as np, pandas as pd; from metalearn.dataset import Dataset\n"
        "print(Dataset.from_data(pd.DataFrame({'a': range(40)}), np.arange(40) % 2).fingerprint)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert out == fingerprint(pd.DataFrame({"a": range(40)}), np.arange(40) % 2)


def test_the_own_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    key = _own_key.__wrapped__(tmp_path / "new")
    assert _own_key.__wrapped__(tmp_path / "new") == key
    assert len(key) == 64
    files = list((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["fingerprint.key"]
    if os.name == "posix":
        assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_a_key_that_cannot_be_kept_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    keys = {_own_key.__wrapped__(tmp_path / "file" / "folder") for _ in range(2)}
    assert len(keys) == 2
    assert KEY_VARIABLE in caplog.text


def test_only_fingerprints_of_one_key_are_comparable() -> None:
    pairs = itertools.product(["ab-1", "ab-2", "cd-1", "1", ""], repeat=2)
    assert {pair for pair in pairs if comparable(*pair)} == {
        *itertools.product(["ab-1", "ab-2"], repeat=2),
        ("cd-1", "cd-1"),
        ("1", "1"),
    }
