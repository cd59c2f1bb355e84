import math
from collections import Counter
from typing import Any

import pytest

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.harvest import HarvestOptions, Trial, gather, tell_extras
from metalearn.knowledge import FileStore

PARAMS = {"eta": 0.1, "max_leaves": 31, "n_trees": 10}
OPTIONS: HarvestOptions = {"metric": "accuracy", "names": {"n_estimators": "n_trees"}}


def values(table: Any, trials: list[Trial], *, maximize: bool, **options: Any) -> list[float]:
    reading: HarvestOptions = {"family": "lightgbm", **options}  # type: ignore[typeddict-item]
    return [e.value for e in gather(trials, *table, maximize=maximize, options=reading)[2]]


def trials(*found: float) -> list[Trial]:
    return [Trial({"num_leaves": i + 2}, value) for i, value in enumerate(found)]


@pytest.mark.parametrize(
    ("metric", "maximize", "found", "ours"),
    [
        ("accuracy", True, (0.9, 0.8), (0.9, 0.8)),
        ("1-accuracy", False, (0.1, 0.2), (0.9, 0.8)),
        ("error_rate", False, (0.1, 0.2), (0.9, 0.8)),
        ("neg_accuracy", False, (-0.9, -0.8), (0.9, 0.8)),
        ("log_loss", False, (0.3, 0.5), (0.3, 0.5)),
        ("neg_log_loss", True, (-0.3, -0.5), (0.3, 0.5)),
    ],
)
def test_the_sign_of_a_value_becomes_the_metrics_own(
    table: Any, metric: str, *, maximize: bool, found: tuple[float, ...], ours: tuple[float, ...]
) -> None:
    assert values(table, trials(*found), maximize=maximize, metric=metric) == pytest.approx(list(ours))


def test_a_value_that_cannot_be_the_metric_is_refused(table: Any) -> None:
    with pytest.raises(InvalidInputError, match="Say metric='neg_log_loss'"):
        values(table, trials(0.3), maximize=True, metric="log_loss")
    with pytest.raises(InvalidInputError, match="to_score"):
        values(table, trials(0.3), maximize=True, metric="neg_log_loss")
    assert values(table, trials(0.3), maximize=True, metric="log_loss", to_score=lambda v: v * 2) == [0.6]


@pytest.mark.parametrize("found", [(0.36, 0.2), (-0.36, -0.2)])
def test_the_sign_of_values_says_nothing(table: Any, found: tuple[float, ...]) -> None:
    X, y = table[0], table[0]["a"]

    def read(metric: str) -> list[float]:
        options: HarvestOptions = {"metric": metric, "family": "lightgbm"}
        return [e.value for e in gather(trials(*found), X, y, maximize=False, options=options)[2]]

    with pytest.raises(InvalidInputError, match="the sign of its values is not known"):
        read("r2")
    assert read("neg_r2") == [-value for value in found]
    assert found[0] < 0 or read("1-r2") == pytest.approx([1 - value for value in found])


def test_nobody_guesses_what_was_measured(table: Any) -> None:
    with pytest.raises(InvalidInputError, match="Name what the objective returned: metric="):
        values(table, trials(0.3), maximize=True)


def test_an_unknown_metric_keeps_its_name_and_values(table: Any) -> None:
    task, _, found = gather(trials(0.4), *table, maximize=False, said_metric="hinge", options={"family": "svm"})
    assert (task.metric.name, task.metric.greater_is_better, found[0].value) == ("hinge", False, 0.4)


def test_names_become_ours_and_the_family_is_found(table: Any) -> None:
    _, _, found = gather([Trial(PARAMS, 0.5)], *table, maximize=True, options=OPTIONS)
    assert str(found[0].configuration) == "lightgbm(learning_rate=0.1, n_estimators=10, num_leaves=31)"


def test_the_parameter_that_names_the_family_is_not_one_of_the_family(table: Any) -> None:
    rows = [Trial({"classifier": "RandomForestClassifier", "rf_max_features": 0.5, "svc_C": 2.0}, 0.5)]
    _, _, found = gather(rows, *table, maximize=True, said_metric="accuracy")
    assert str(found[0].configuration) == "random_forest(max_features=0.5)"


def test_parameters_of_no_family_need_one(table: Any) -> None:
    with pytest.raises(InvalidInputError, match="family="):
        gather([Trial({"temperature": 1.0}, 0.5)], *table, maximize=True, said_metric="accuracy")


FOREST = {"n_estimators": 50, "max_features": 0.5}


def families(table: Any, *rows: Trial, **options: Any) -> list[str]:
    reading: HarvestOptions = {"metric": "accuracy", **options}  # type: ignore[typeddict-item]
    return [e.configuration.model for e in gather(rows, *table, maximize=True, options=reading)[2]]


def test_trials_of_several_families_are_of_the_family_of_the_seeds(table: Any) -> None:
    rows = [Trial(FOREST, 0.8, model="extra_trees"), Trial({**FOREST, "n_estimators": 60}, 0.9)]
    assert families(table, *rows) == ["extra_trees", "extra_trees"]


def test_a_trial_that_failed_early_is_of_the_family_of_the_others(table: Any) -> None:
    rows = [Trial({"learning_rate": 0.2}, None, Status.FAILED), Trial({"learning_rate": 0.1, "num_leaves": 9}, 0.9)]
    assert families(table, *rows) == ["lightgbm", "lightgbm"]


def test_no_family_is_guessed(table: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"\['extra_trees', 'random_forest'\].*Say which: family="):
        families(table, Trial(FOREST, 0.8))
    assert families(table, Trial(FOREST, 0.8), family="et") == ["extra_trees"]
    seeds = [Trial(FOREST, 0.8, model=name) for name in ("extra_trees", "random_forest")]
    with pytest.raises(InvalidInputError, match="several model families"):
        families(table, *seeds, Trial({"n_estimators": 9}, 0.8))


def test_failures_and_pruned_trials_stay_what_they_are(table: Any) -> None:
    rows = [
        Trial({"C": 1.0}, None, Status.FAILED, 2.0, "no memory"),
        Trial({"C": 2.0}, 0.7, Status.PRUNED),
        Trial({"C": 3.0}, math.inf),
        Trial({"C": 4.0}, 0.9),
    ]
    _, _, found = gather(rows, *table, maximize=True, said_metric="accuracy", options={"family": "svm"})
    assert [e.status for e in found] == [Status.FAILED, Status.PRUNED, Status.FAILED, Status.OK]
    assert [math.isnan(e.value) for e in found] == [True, True, True, False]
    assert (found[0].message, found[0].fit_seconds) == ("no memory", 2.0)


def test_a_success_outlives_a_failure_of_the_same_configuration(table: Any) -> None:
    rows = [Trial({"C": 1.0}, 0.8), Trial({"C": 1.0}, None, Status.FAILED)]
    _, _, found = gather(rows, *table, maximize=True, said_metric="accuracy", options={"family": "svm"})
    assert [e.value for e in found] == [0.8]


def test_the_last_digits_lost_on_a_log_scale_are_restored(table: Any) -> None:
    rows = [Trial({"learning_rate": 0.09999999999999995, "num_leaves": 3}, 0.5)]
    _, _, found = gather(rows, *table, maximize=True, said_metric="accuracy")
    assert found[0].configuration.params["learning_rate"] == 0.1


def test_harvesting_twice_adds_nothing(table: Any, tmp_path: Any) -> None:
    store = FileStore(tmp_path)
    for _ in range(2):
        store.append(
            *gather(trials(0.8, 0.9), *table, maximize=True, said_metric="accuracy", options={"family": "lightgbm"})
        )
    knowledge = store.read()
    assert (len(knowledge.tasks), len(knowledge.evaluations)) == (1, 2)
    assert knowledge.tasks["fingerprint"][0]


def test_the_task_tells_the_size_of_the_table(table: Any) -> None:
    task, meta_features, _ = gather([], *table, maximize=True, said_metric="accuracy", options={"name": "mine"})
    assert (task.name, task.n_rows, task.n_features, task.n_classes) == ("mine", 150, 4, 2)
    assert meta_features.values


@pytest.mark.parametrize(("value", "maximize", "metric"), [(90.0, True, "accuracy"), (3.0, False, "1-accuracy")])
def test_values_that_no_metric_has_are_refused(table: Any, value: float, metric: str, *, maximize: bool) -> None:
    with pytest.raises(InvalidInputError, match=f"A trial has the value {value:g}, read as accuracy"):
        gather([Trial(PARAMS, value)], *table, maximize=maximize, options={**OPTIONS, "metric": metric})
    options: HarvestOptions = {**OPTIONS, "to_score": lambda _: 0.9}
    assert gather([Trial(PARAMS, value)], *table, maximize=maximize, options=options)[2][0].value == 0.9


def test_names_in_the_log_neither_steer_a_terminal_nor_break_an_encoding(caplog: pytest.LogCaptureFixture) -> None:
    tell_extras(Counter({"\ud800\x1b[31mred": 2}))
    assert "red (2)" in caplog.text
    assert "\x1b" not in caplog.text
    caplog.text.encode("utf-8")
