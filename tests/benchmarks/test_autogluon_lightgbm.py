"""The suite on AutoGluon's LightGBM grid, on a small folder of the same shape."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from suites import autogluon_lightgbm as suite  # noqa: E402 - the folder of the benchmarks is no package

N_CONFIGURATIONS = 30
COLUMNS = [
    "NumberOfInstances",
    "NumberOfFeatures",
    "NumberOfClasses",
    "NumberOfNumericFeatures",
    "NumberOfMissingValues",
]


def features(ids: range) -> pd.DataFrame:
    rng = np.random.default_rng(len(ids))
    found = pd.DataFrame(
        rng.integers(2, 999, (len(ids), len(COLUMNS))), columns=COLUMNS, index=pd.Index(ids, name="dataset")
    )
    kinds = [("binary", "multiclass", "regression")[i % 3] for i in ids]
    return found.assign(problem_type=kinds, did=1, name="table", Runs=range(len(ids)), MinorityClassSize=np.nan)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = [f"LightGBM_{j}" for j in range(N_CONFIGURATIONS)]
    parameters = {name: {"num_leaves": j} if j else {} for j, name in enumerate(names)}
    (tmp_path / "configurations.json").write_text(json.dumps(parameters), encoding="utf-8")
    errors = np.random.default_rng(0).random((20, N_CONFIGURATIONS)) * 10.0 ** np.arange(20)[:, None]
    index = pd.Index(range(20), name="dataset")
    for name in ("train_error.csv", "train_seconds.csv"):
        pd.DataFrame(errors, index=index, columns=names).to_csv(tmp_path / name)
    features(range(20)).to_csv(tmp_path / "train_features.csv")
    features(range(20, 24)).to_csv(tmp_path / "test_features.csv")
    return tmp_path


def test_each_new_task_gets_25_different_configurations(folder: Path) -> None:
    table, names, asked = suite.read(folder)
    suite.predict(table, names, asked, "portfolio", folder / "lists.csv")
    with (folder / "lists.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["task", "rank", "configuration"]
    for task in range(20, 24):
        listed = [row for row in rows if row["task"] == str(task)]
        assert [int(row["rank"]) for row in listed] == list(range(1, 26))
        assert len({row["configuration"] for row in listed}) == 25
        assert {row["configuration"] for row in listed} <= set(names)


def test_errors_are_in_units_of_the_median_and_meta_features_are_those_that_most_tasks_have(folder: Path) -> None:
    table, _, asked = suite.read(folder)
    assert np.median(table.losses, axis=1) == pytest.approx(np.ones(20))
    assert not {"Runs", "MinorityClassSize"} & set(asked)  # the latter is known of too few
    assert table.meta_feature_names == tuple(asked.columns)
