"""What was stored under a former name of a meta-feature is found under the name of today."""

from pathlib import Path

import pandas as pd
import pytest

from metalearn import KnowledgeBase, open_store
from metalearn.knowledge import FileStore, tables
from metalearn.metafeatures import MetaFeatures, list_meta_features
from metalearn.metafeatures.renamed import RENAMED
from metalearn.task import ProblemType, Task


def task(name: str) -> Task:
    return Task(id=f"t:{name}", problem_type=ProblemType.BINARY, n_rows=100, n_features=3, n_classes=2)


def test_every_former_name_leads_to_a_meta_feature_of_today() -> None:
    today = {f.name for f in list_meta_features(tier="all")}
    assert set(RENAMED.values()) <= today
    assert not set(RENAMED) & today
    assert len(set(RENAMED.values())) == len(RENAMED)


def test_values_are_renamed_with_their_seconds_and_states_and_todays_name_goes_first() -> None:
    found = MetaFeatures({"share_missing": 0.1, "n_rows": 5}, {"share_missing": 2.0}, {"share_missing": "ok"})
    assert dict(found.values) == {"missing_fraction": 0.1, "n_rows": 5}
    assert dict(found.seconds) == {"missing_fraction": 2.0}
    assert dict(found.status) == {"missing_fraction": "ok"}
    assert MetaFeatures({"missing_fraction": 0.2, "share_missing": 0.1}).values["missing_fraction"] == 0.2
    assert MetaFeatures({"share_missing": 0.1, "missing_fraction": 0.2}).values["missing_fraction"] == 0.2


@pytest.mark.parametrize("address", ["folder", "sqlite:///{}/store.db"])
def test_a_store_written_under_the_former_names_is_read_under_todays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    store = open_store(str(tmp_path / "store") if address == "folder" else address.format(tmp_path))
    former = KnowledgeBase.from_records([task("a"), task("b")], {}, [])
    values = [
        ("t:a", "share_missing", 0.1, 1.0),
        ("t:a", "share_text", 0.1, 1.0),
        ("t:a", "n_rows", 100.0, 1.0),
        ("t:b", "stump_score", 0.5, 1.0),
    ]
    rows = pd.DataFrame(values, columns=["task_id", "name", "value", "seconds"])
    with monkeypatch.context() as earlier:
        earlier.setattr(tables, "RENAMED", {})
        store.write(KnowledgeBase(former.tasks, rows, former.configurations, former.evaluations))
    found = store.read().meta_feature_table
    assert found.loc["t:a", "missing_fraction"] == 0.1
    assert found.loc["t:b", "stump_train_score"] == 0.5
    assert not set(RENAMED) & set(found.columns)
    # what is measured later, under the name of today, counts
    store.append(task("a"), MetaFeatures({"missing_fraction": 0.3, "text_fraction": 0.3}), [])
    assert store.read().meta_feature_table.loc["t:a", ["missing_fraction", "text_fraction"]].tolist() == [0.3, 0.3]
    if isinstance(store, FileStore):
        store.compact()
    assert store.read().meta_feature_table.loc["t:a", ["missing_fraction", "text_fraction"]].tolist() == [0.3, 0.3]
