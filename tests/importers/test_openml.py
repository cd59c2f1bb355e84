"""The OpenML importer against a local server that replays recorded answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metalearn.exceptions import InvalidInputError, KnowledgeBaseError
from metalearn.importers import from_openml
from metalearn.task import METRICS

from .openml_server import Replay, replayed

openml = pytest.importorskip("openml")


@pytest.fixture
def server() -> Iterator[str]:
    with replayed() as address:
        yield f"{address}/api/v1/xml"


@pytest.fixture
def read(server: str, tmp_path: Path) -> Any:
    return lambda **options: from_openml(
        **{"server": server, "cache": tmp_path, "pause_seconds": 0, "measures": ("predictive_accuracy",), **options}
    )


def test_a_task_comes_with_its_size_qualities_and_runs(read: Any) -> None:
    knowledge = read(tasks=[1882])
    task = knowledge.task("openml:1882")
    assert (task.name, task.n_rows, task.n_features, task.n_classes) == ("anneal", 898, 38, 6)
    assert task.dataset_id == "openml-data:2"
    table = knowledge.meta_feature_table
    assert table.loc["openml:1882", "n_rows"] == 898
    assert table.loc["openml:1882", "majority_fraction"] == pytest.approx(0.7617, abs=1e-3)
    assert "openml.DecisionStumpAUC" in table
    shown = {str(c) for c in knowledge.configuration_by_id.values()}
    assert shown >= {"svm(C=10.0, kernel='rbf')", "random_forest(max_features='sqrt', n_estimators=100)"}
    assert not any("J48" in text for text in shown)  # no family of ours
    runs = knowledge.evaluations.astype({"configuration_id": str})
    forest = next(i for i, c in knowledge.configuration_by_id.items() if c.model == "random_forest")
    assert sorted(runs.loc[runs["configuration_id"] == forest, "value"]) == [0.98, 0.99]  # two runs, two folds
    assert set(knowledge.evaluations["metric"]) == {"accuracy"}
    assert all(text.startswith("openml ") for text in knowledge.evaluations["recorded_with"])


def test_a_suite_and_a_family_narrow_the_search(read: Any) -> None:
    knowledge = read(suite=99, flow="random_forest")
    assert knowledge.task_ids == ("openml:1882",)
    assert set(knowledge.configurations["model"]) == {"random_forest"}
    assert knowledge.losses(METRICS["accuracy"]).to_numpy().ravel() == pytest.approx([0.015])
    with pytest.raises(InvalidInputError, match="no flow of the family"):
        read(suite=99, flow="catboost")


def test_lists_are_read_to_their_last_page(read: Any) -> None:
    lightgbm = read(tasks=[1882], flow="lightgbm")  # 150 setups are asked for in two lists
    assert len(lightgbm.evaluations) == 150
    assert sorted(c.params["num_leaves"] for c in lightgbm.configuration_by_id.values()) == list(range(2, 152))
    last = read(tasks=[1882], flow="knn")  # its flow stands on the second page of 10,000
    assert [str(c) for c in last.configuration_by_id.values()] == ["knn(n_neighbors=7)"]
    assert len(read(tasks=[1882], flow="lightgbm", max_runs=7).evaluations) == 7


def test_a_family_of_hundreds_of_flows_is_asked_for_in_addresses_of_bearable_length(read: Any) -> None:
    found = read(tasks=[1882], flow="hist_gradient_boosting")
    assert [str(c) for c in found.configuration_by_id.values()] == ["hist_gradient_boosting(max_depth=3)"]


def test_questions_keep_their_distance(read: Any) -> None:
    read(tasks=[1882], pause_seconds=0.15)
    gaps = [later - earlier for earlier, later in zip(Replay.times, Replay.times[1:], strict=False)]
    assert sum(gap >= 0.15 for gap in gaps) == 1  # between the task and its runs
    Replay.times.clear()
    read(tasks=[1882], pause_seconds=0.15)
    assert Replay.times == []  # nothing is asked twice, so nobody waits


def test_an_interrupted_import_goes_on_where_it_was(read: Any) -> None:
    def interrupted(ids: list[int]) -> Iterator[int]:
        yield ids[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(tasks=[1882, 7], progress=interrupted)
    asked = Replay.asked.copy()
    assert len(read(tasks=[1882])) == 1
    assert Replay.asked == asked


def test_the_settings_of_the_openml_package_stay_as_they_were(read: Any) -> None:
    before = openml.config.get_config_as_dict()
    read(tasks=[1882])
    with pytest.raises(KnowledgeBaseError):
        read(tasks=[7], retries=1)
    assert openml.config.get_config_as_dict() == before


def test_answers_are_remembered(read: Any) -> None:
    first = read(tasks=[1882])
    asked = sum(Replay.asked.values())
    assert read(tasks=[1882]).id == first.id
    assert sum(Replay.asked.values()) == asked


def test_a_server_that_fails_for_a_moment_is_asked_again(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(Replay, "failures", 2)
    assert len(read(tasks=[1882], retries=5)) == 1


def test_what_is_not_there_or_offline_is_named(read: Any) -> None:
    with pytest.raises(KnowledgeBaseError, match="task 7"):
        read(tasks=[7], retries=1)
    with pytest.raises(KnowledgeBaseError, match="Check the connection"):
        read(tasks=[1882], server="http://127.0.0.1:9/api/v1/xml", retries=1)
    with pytest.raises(InvalidInputError, match="No task was named"):
        read()
