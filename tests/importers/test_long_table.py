import math
from pathlib import Path

import pandas as pd
import pytest

from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.importers import from_table
from metalearn.knowledge import KnowledgeBase, open_store
from metalearn.knowledge.validate import validate
from metalearn.space import Configuration
from metalearn.task import METRICS

TABLE = pd.DataFrame(
    {
        "dataset": ["iris", "iris", "iris", "wine"],
        "algo": ["SVC", "SVC", "LGBMClassifier", "knn"],
        "what": ["acc", "acc", "error_rate", "neg_log_loss"],
        "result": ["0.9", "0.8", "0.25", ""],
        "cv": ["0", "1", "0", "0"],
        "seconds": ["1.5", "", "2", "3"],
        "hp.C": ["1.0", "1.0", "", ""],
        "hp.kernel": ["rbf", "rbf", "", ""],
        "hp.num_leaf": ["", "", "31", ""],
        "rows": ["150", "150", "150", "178"],
        "mf.skew": ["0.5", "0.5", "0.5", "?"],
    }
)
COLUMNS = {
    "task": "dataset",
    "model": "algo",
    "metric": "what",
    "value": "result",
    "fold": "cv",
    "fit_seconds": "seconds",
    "n_rows": "rows",
}


def read(table: object, **options: object) -> KnowledgeBase:
    return from_table(
        table,
        **{
            "columns": COLUMNS,
            "problem_type": "multiclass",
            "param_prefix": "hp.",
            "meta_feature_prefix": "mf.",
            **options,
        },
    )


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet"])
def test_a_table_is_read_from_anywhere(tmp_path: Path, kind: str) -> None:
    table: object = TABLE
    if kind == "csv":
        TABLE.to_csv(tmp_path / "t.csv", index=False)
        table = tmp_path / "t.csv"
    elif kind == "parquet":
        TABLE.to_parquet(tmp_path / "t.parquet")
        table = str(tmp_path / "t.parquet")
    knowledge = read(table)
    assert knowledge.id == read(TABLE).id
    assert knowledge.task_ids == ("table:iris", "table:wine")
    assert knowledge.task("table:wine").n_rows == 178


def test_models_parameters_and_metrics_get_our_names() -> None:
    knowledge = read(TABLE)
    assert {str(c) for c in knowledge.configuration_by_id.values()} == {
        "svm(C=1.0, kernel='rbf')",
        "lightgbm(num_leaves=31)",
        "knn()",
    }
    runs = knowledge.evaluations
    assert set(runs["metric"]) == {"accuracy", "log_loss"}
    losses = knowledge.losses(METRICS["accuracy"]).loc["table:iris"]
    assert sorted(losses.dropna()) == pytest.approx([0.15, 0.3])  # on fold 0 alone the one is .25, the other .1


def test_an_empty_value_is_a_failure_and_empty_seconds_are_unknown() -> None:
    runs = read(TABLE).evaluations
    assert runs.loc[runs["task_id"] == "table:wine", "status"].tolist() == ["failed"]
    assert runs["fit_seconds"].isna().sum() == 1


def test_meta_features_come_with_the_tasks() -> None:
    table = read(TABLE).meta_feature_table
    assert table.loc["table:iris", "skew"] == 0.5
    assert math.isnan(table.loc["table:wine", "skew"])


def test_parameters_may_be_json() -> None:
    table = pd.DataFrame(
        {"task": ["a"], "model": ["knn"], "value": [0.5], "params": ['{"k": 3, "weights": "distance"}']}
    )
    knowledge = from_table(table, metric="accuracy", problem_type="binary")
    assert [str(c) for c in knowledge.configuration_by_id.values()] == ["knn(n_neighbors=3, weights='distance')"]


def test_whole_numbers_beside_gaps_stay_whole(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"task": "a", "model": ["knn", "svm"], "value": 0.5, "param_k": [3, None], "param_C": [None, 1]}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    for given in (table, tmp_path / "t.csv"):
        found = from_table(given, metric="accuracy", problem_type="binary").configuration_by_id
        assert set(found) == {Configuration("knn", {"n_neighbors": 3}).id, Configuration("svm", {"C": 1.0}).id}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"result": ["0.9", "x", "1", "1"]}, "value is 'x' in row 1"),
        ({"cv": ["0", "1.5", "0", "0"]}, "whole number"),
        ({"cv": ["0", "-1", "0", "0"]}, "whole number"),
        ({"rows": ["many"] * 4}, "n_rows is 'many'"),
        ({"algo": ["", "a", "b", "c"]}, "model cannot be used"),
        ({"dataset": ["a\0b"] * 4}, "without NUL"),
        ({"hp.C": ["inf"] * 4}, "finite"),
        ({"mf.skew": ["tall"] * 4}, "mf.skew is 'tall'"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(change: dict[str, list[str]], complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        read(TABLE.assign(**change))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"columns": {}}, r"lacks \['task', 'model', 'metric', 'value'\]"),
        ({"columns": {**COLUMNS, "value": "nowhere"}}, "No column 'nowhere' can be taken as 'value'"),
        ({"problem_type": None}, r"lacks \['problem_type'\].*Give problem_type='binary'\."),
        ({"problem_type": "ranking"}, "Unknown problem type 'ranking'"),
    ],
)
def test_a_mapping_that_does_not_fit_is_named(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        read(TABLE, **options)


def test_a_column_of_ours_that_does_not_exist_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown column 'vlaue'\. Did you mean 'value'"):
        read(TABLE, columns={**COLUMNS, "vlaue": "rows"})


def test_a_column_that_stands_there_twice_is_named() -> None:
    table = pd.DataFrame([["a", "knn", 0.9, 0.9]], columns=["task", "model", "value", "value"])
    with pytest.raises(InvalidInputError, match=r"\['value'\] more than once"):
        from_table(table, metric="accuracy", problem_type="binary")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(",".join(f"c{i}" for i in range(10_000)) + "\n")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but no more")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2,3,4\n1\n")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 10)
    for name in ("wide.csv", "bad.parquet", "empty.csv", "ragged.csv", "binary.csv", "absent.csv", "."):
        with pytest.raises(InvalidInputError):
            from_table(tmp_path / name, metric="accuracy", problem_type="binary")


def test_a_score_that_cannot_be_is_a_failure_that_is_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    table = pd.DataFrame(
        {
            "task": ["a", "a", "a", "b"],
            "model": ["knn", "svm", "lightgbm", "knn"],
            "metric": ["accuracy", "accuracy", "neg_log_loss", "profit"],
            "value": [0.9, 1.2, 0.4, 100.0],
            "status": ["ok", "ok", "ok", "ok"],
        }
    )
    runs = from_table(table, problem_type="binary").evaluations.astype({"metric": str}).set_index("metric")
    assert runs.loc["profit", "value"] == 100  # of what we do not know we know no range
    assert sorted(runs.loc["accuracy", "value"].fillna(-1)) == [-1, 0.9]
    failed = runs[runs["status"] == "failed"]
    assert set(failed["message"]) == {
        "accuracy 1.2 lies outside the metric's range",
        "log_loss -0.4 lies outside the metric's range",
    }
    assert "2 of 4 scores" in caplog.text
    assert "accuracy 1.2 of svm on table:a. Expected 0 to 1." in caplog.text


def repeats(*values: float | None, **more: object) -> list[list[object]]:
    table = pd.DataFrame({"task": "iris", "model": "SVC", "param_C": 1.0, "value": values, **more})
    found = from_table(table, metric="accuracy", problem_type="multiclass").evaluations
    return found[["fold", "value", "status"]].to_numpy().tolist()


def test_without_folds_every_repeat_of_a_configuration_counts() -> None:
    assert repeats(0.8, 0.9) == [[0, 0.8, "ok"], [1, 0.9, "ok"]]
    assert repeats(0.8, 0.9, fold=[0, 0]) == [[0, 0.8, "ok"], [1, 0.9, "ok"]]
    assert repeats(0.8, 0.9, fold=["", ""]) == [[0, 0.8, "ok"], [1, 0.9, "ok"]]
    seeds = repeats(0.6, 0.7, 0.8, 0.9, seed=[1, 1, 2, 2], fold=[0, 1, 0, 1])
    assert [row[:2] for row in seeds] == [[0, 0.6], [1, 0.7], [2, 0.8], [3, 0.9]]
    assert repeats(0.8, 0.9, fold=[3, 5]) == [[3, 0.8, "ok"], [5, 0.9, "ok"]]


def test_words_for_how_a_run_ended_are_understood_or_refused_by_name() -> None:
    words = ["finished", " Completed ", "COMPLETE", "done", "succeeded", "success", "ok", "", None]
    assert {row[2] for row in repeats(*[0.5] * len(words), status=words)} == {"ok"}
    assert [repeats(0.5, status=word)[0][2] for word in ("error", "timed out", "OOM")] == [
        "failed",
        "timeout",
        "memory",
    ]
    with pytest.raises(InvalidInputError, match="Unknown status 'splendid'"):
        repeats(0.5, 0.6, status=["ok", "splendid"])


@pytest.mark.parametrize("name", ["", " ", None, math.nan])
def test_a_row_that_names_no_task_is_refused(name: object) -> None:
    table = pd.DataFrame({"task": ["iris", name], "model": "SVC", "value": 0.5})
    with pytest.raises(InvalidInputError, match="1 of 2 rows name no task, the first in row 1"):
        from_table(table, metric="accuracy", problem_type="multiclass")


@pytest.mark.parametrize(("kind", "n_classes"), [("binary", 2), ("multiclass", 0), ("regression", 0)])
def test_a_number_of_classes_that_nobody_told_is_no_error(kind: str, n_classes: int) -> None:
    table = pd.DataFrame({"task": ["b", "b", "a"], "model": "SVC", "value": 0.5, "n_rows": 100})
    found = from_table(table, metric="r2" if kind == "regression" else "accuracy", problem_type=kind)
    assert found.task("table:a").n_classes == n_classes
    assert not [finding for finding in validate(found) if finding.severity == "error"]


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_a_file_may_have_other_separators_and_decimal_commas(tmp_path: Path, separator: str) -> None:
    table = pd.DataFrame(
        {
            "task": "a",
            "model": "knn",
            "value": [0.5, 0.25],
            "params": ['{"k": 3, "p": 1}', ""],
            "fit_seconds": [1.5, None],
        }
    )
    decimal = "." if separator == "," else ","
    table.to_csv(tmp_path / "t.csv", index=False, sep=separator, decimal=decimal)
    found = from_table(tmp_path / "t.csv", metric="accuracy", problem_type="binary")
    assert found.id == from_table(table, metric="accuracy", problem_type="binary").id


def test_only_columns_of_the_file_are_named_where_one_is_absent() -> None:
    table = pd.DataFrame({"data": ["a"], "model": ["knn"]})
    with pytest.raises(InvalidInputError, match=r"lacks \['value'\]; its columns are \['data', 'model'\]"):
        from_table(table, columns={"task": "data"}, metric="accuracy", problem_type="binary")


def test_a_repeat_that_failed_takes_nothing_from_those_that_worked() -> None:
    assert repeats(0.8, None, 0.9, None) == [[0, 0.8, "ok"], [1, 0.9, "ok"]]
    assert [row[::2] for row in repeats(None, None)] == [[0, "failed"]]


def test_importing_again_after_a_failure_was_repaired_forgets_the_failure(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for values in ((None, None), (None, None, 0.9), (None, None, 0.9)):
        table = pd.DataFrame({"task": "iris", "model": "SVC", "value": values})
        store.write(from_table(table, metric="accuracy", problem_type="multiclass"))
    assert store.read().losses(METRICS["accuracy"]).to_numpy().tolist() == [[pytest.approx(0.1)]]
