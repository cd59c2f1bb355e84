import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from sklearn.datasets import load_iris

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from suites import metafeatures  # noqa: E402 - the folder of the benchmarks is no package

from metalearn.metafeatures import list_meta_features  # noqa: E402
from metalearn.task import ProblemType, Task  # noqa: E402


def test_an_interrupted_run_describes_no_table_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def load() -> tuple[pd.DataFrame, "pd.Series[int]"]:
        loaded.append("iris")
        return load_iris(return_X_y=True, as_frame=True)

    task = Task(id="iris", problem_type=ProblemType.MULTICLASS)
    recipe = SimpleNamespace(tables=lambda: [SimpleNamespace(task=task, load=load)])
    monkeypatch.setattr(metafeatures, "recipe", lambda: recipe)
    monkeypatch.setenv("METALEARN_CACHE", str(tmp_path))
    first, second = (metafeatures.describe_tables("cheap", {"iris"})["iris"] for _ in range(2))
    assert loaded == ["iris"]
    pd.testing.assert_series_equal(pd.Series(dict(first.values)), pd.Series(dict(second.values)))
    assert first.values["n_rows"] == 150
    assert not metafeatures.describe_tables("cheap", set())


def test_every_set_of_meta_features_is_part_of_the_registered_ones() -> None:
    known = {feature.name for feature in list_meta_features()}
    sets = dict(metafeatures.selections())
    assert all(set(names) <= known for names in sets.values())
    assert set(sets["all tiers"]) == known
    assert {len(set(names)) == len(names) for names in sets.values()} == {True}
