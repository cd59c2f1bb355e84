import math
from pathlib import Path

import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.importers import from_aslib
from metalearn.knowledge import open_store
from metalearn.task import METRICS, ProblemType

DESCRIPTION = """scenario_id: Small
performance_measures:
- predictive_accuracy
maximize:
- true
performance_type:
- solution_quality
"""
RUNS = """@RELATION small

@ATTRIBUTE instance_id STRING
@ATTRIBUTE repetition NUMERIC
@ATTRIBUTE algorithm STRING
@ATTRIBUTE predictive_accuracy NUMERIC
@ATTRIBUTE runstatus {ok, timeout, memout, not_applicable, crash, other}

@DATA
% a comment
one,1,RandomForest,0.9,ok
one,2,RandomForest,0.8,ok
one,1,'a, quoted name',0.5,ok
two,1,RandomForest,?,timeout
two,1,'a, quoted name',0.0,crash
"""
FEATURES = """@RELATION small
@ATTRIBUTE instance_id STRING
@ATTRIBUTE repetition NUMERIC
@ATTRIBUTE 'skewness' NUMERIC
@ATTRIBUTE gap NUMERIC
@DATA
one,1,1.0,?
one,2,3.0,?
two,1,5.0,7.5
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    for name, text in (
        ("description.txt", DESCRIPTION),
        ("algorithm_runs.arff", RUNS),
        ("feature_values.arff", FEATURES),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_instances_become_tasks_and_algorithms_configurations(scenario: Path) -> None:
    knowledge = from_aslib(scenario)
    assert knowledge.task_ids == ("aslib:Small/one", "aslib:Small/two")
    assert knowledge.task("aslib:Small/one").problem_type is ProblemType.MULTICLASS
    assert set(knowledge.configurations["model"]) == {"random_forest", "a, quoted name"}
    losses = knowledge.losses(METRICS["accuracy"])
    forest = next(i for i, m in knowledge.models.items() if m == "random_forest")
    assert losses.loc["aslib:Small/one", forest] == pytest.approx(0.15)
    assert (losses.loc["aslib:Small/two"] == math.inf).all()


def test_how_a_run_ended_is_kept(scenario: Path) -> None:
    runs = from_aslib(scenario).evaluations.set_index(["task_id", "fold"])
    assert set(runs["status"]) == {"ok", "timeout", "failed"}
    assert "crash" in set(runs["message"])


def test_features_are_means_over_repetitions(scenario: Path) -> None:
    table = from_aslib(scenario).meta_feature_table
    assert table.loc["aslib:Small/one", "skewness"] == 2.0
    assert math.isnan(table.loc["aslib:Small/one", "gap"])
    assert table.loc["aslib:Small/two", "gap"] == 7.5


def test_a_scenario_without_features_is_read(scenario: Path) -> None:
    (scenario / "feature_values.arff").unlink()
    assert len(from_aslib(scenario).meta_features) == 0


def test_it_can_be_stored_and_says_where_it_comes_from(scenario: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", source="imports")
    store.write(from_aslib(scenario))
    assert store.info().sources[0].tools == ("ASlib scenario Small",)
    assert store.read().id == from_aslib(scenario).id


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("algorithm_runs.arff", "0.9", "much", "'much'"),
        ("algorithm_runs.arff", "@DATA", "", "no @data"),
        ("algorithm_runs.arff", "one,1,RandomForest", "one,RandomForest", "data row 0"),
        ("algorithm_runs.arff", "@ATTRIBUTE algorithm STRING", "@ATTRIBUTE", "without a name"),
        ("algorithm_runs.arff", "algorithm STRING", "instance_id STRING", "all different"),
        ("feature_values.arff", "5.0", "five", "skewness is 'five'"),
    ],
)
def test_what_is_not_in_the_format_is_named(scenario: Path, file: str, old: str, new: str, complaint: str) -> None:
    path = scenario / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InvalidInputError, match=complaint):
        from_aslib(scenario)


def test_an_absent_folder_or_measure_is_named(scenario: Path) -> None:
    with pytest.raises(InvalidInputError, match="no file"):
        from_aslib(scenario / "elsewhere")
    with pytest.raises(InvalidInputError, match=r"Expected one of \['predictive_accuracy'\]"):
        from_aslib(scenario, measure="runtime")
