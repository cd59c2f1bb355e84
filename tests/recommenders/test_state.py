from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from metalearn.recommenders import PastTasks
from metalearn.recommenders.state import pack, read_arrays, unpack, write_arrays
from metalearn.task import Metric, ProblemType


@dataclass(frozen=True, eq=False)
class Inner:
    values: npt.NDArray[Any]
    label: str


@dataclass(frozen=True, eq=False)
class Outer:
    inner: Inner
    metric: Metric
    kind: ProblemType
    names: tuple[str, ...]
    number: float


def test_nested_state_survives_a_file(tmp_path: Path) -> None:
    metric = Metric("mine", greater_is_better=False, optimum=0.5, problem_types=(ProblemType.BINARY,))
    value = Outer(Inner(np.arange(6.0).reshape(2, 3), "a"), metric, ProblemType.BINARY, ("x", "é"), 1.5)
    write_arrays(tmp_path / "state.npz", pack(value))
    again = unpack(Outer, read_arrays(tmp_path / "state.npz"))
    np.testing.assert_array_equal(again.inner.values, value.inner.values)
    assert (again.inner.label, again.metric, again.kind) == ("a", metric, ProblemType.BINARY)
    assert (again.names, again.number) == (("x", "é"), 1.5)


def test_the_past_tasks_survive(past: PastTasks) -> None:
    again = unpack(PastTasks, pack(past))
    assert again.table.configurations == past.table.configurations
    np.testing.assert_array_equal(again.table.losses, past.table.losses)
    np.testing.assert_array_equal(again.errors, past.errors)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", trap=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(tmp_path / "bad.npz")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    write_arrays(path, {"a": np.ones(2)})
    with pytest.raises(TypeError):
        write_arrays(path, {"a": np.ones(2), 3: np.ones(1)})  # type: ignore[dict-item]
    assert read_arrays(path)["a"].tolist() == [1, 1]
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_share_a_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, save = tmp_path / "state.npz", np.savez

    def while_another_writes(file: Any, **arrays: Any) -> None:
        monkeypatch.setattr(np, "savez", save)
        write_arrays(path, {"a": np.ones(2)})
        save(file, **arrays)

    monkeypatch.setattr(np, "savez", while_another_writes)
    write_arrays(path, {"a": np.zeros(2)})
    assert read_arrays(path)["a"].tolist() == [0, 0]
