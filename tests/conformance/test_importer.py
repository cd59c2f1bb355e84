from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.importers import from_table, get_importer, importer_names
from metalearn.knowledge import KnowledgeBase
from metalearn.testing import check_importer

SCENARIO = Path(__file__).parents[1] / "importers" / "recorded"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    rows = {"task": ["a", "b"], "model": ["knn", "svm"], "value": [0.8, 0.9], "metric": "accuracy"}
    pd.DataFrame({**rows, "problem_type": "binary"}).to_csv(tmp_path / "runs.csv", index=False)
    return tmp_path / "runs.csv"


def test_the_importer_of_tables_keeps_its_promises(csv: Path) -> None:
    check_importer(get_importer("table"), csv)


def test_every_importer_is_registered_under_its_name() -> None:
    assert {"aslib", "cv_results", "flaml_log", "mlflow", "openml", "optuna", "table"} <= set(importer_names())
    assert get_importer("table") is from_table
    assert all(callable(get_importer(name)) for name in importer_names())


def empty(_: Any) -> KnowledgeBase:
    return KnowledgeBase.empty()


def nobody(path: Path) -> KnowledgeBase:
    found = from_table(path)
    return replace(found, evaluations=found.evaluations.assign(recorded_with=""))


def impossible(path: Path) -> KnowledgeBase:
    found = from_table(path)
    return replace(found, evaluations=found.evaluations.assign(value=7.0))


def careless(path: Path) -> KnowledgeBase:
    try:
        return from_table(path)
    except InvalidInputError:
        return KnowledgeBase.empty()


def crashes(path: Path) -> KnowledgeBase:
    pd.read_csv(path)
    return from_table(path)


@pytest.mark.parametrize(
    ("importer", "words"),
    [
        (pd.read_csv, "a DataFrame, not a KnowledgeBase"),
        (empty, "no task or no evaluation"),
        (nobody, "which tool they come from"),
        (impossible, "contradicts the rules"),
        (careless, "is not refused"),
        (crashes, "not by InvalidInputError"),
    ],
)
def test_a_broken_promise_is_named(csv: Path, importer: Callable[..., Any], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_importer(importer, csv)
