import dataclasses
import math
import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.fitted_recommenders import _bundled_folder
from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.knowledge.schema import EVALUATIONS, TASKS
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import METRICS, ProblemType, Task

ACCURACY, LOG_LOSS = METRICS["accuracy"], METRICS["log_loss"]
ONE, TWO = Configuration("knn", {"n_neighbors": 1}), Configuration("svm", {"C": 2.0})


def task(name: str, **facts: object) -> Task:
    return Task(id=f"t:{name}", problem_type=ProblemType.BINARY, name=name, **facts)


def run(of: str, configuration: Configuration, value: float, **facts: object) -> Evaluation:
    metric = facts.pop("metric", "accuracy")
    return Evaluation(task_id=f"t:{of}", configuration=configuration, metric=metric, value=value, **facts)


def small() -> KnowledgeBase:
    tasks = [task("a", family="twins", n_rows=50), task("b", family="twins"), task("c")]
    found = {"t:a": MetaFeatures({"skew": 1.0, "gap": math.nan}), "t:c": MetaFeatures({"skew": 3.0})}
    runs = [
        run("a", ONE, 0.5, fold=0, fit_seconds=1.0),
        run("a", ONE, 0.75, fold=1, fit_seconds=3.0),
        run("a", ONE, 0.25, fold=0, metric="log_loss", fit_seconds=1.0),
        run("a", TWO, math.nan, status=Status.TIMEOUT),
        run("c", TWO, 1.0),
    ]
    return KnowledgeBase.from_records(tasks, found, runs)


def test_losses_are_means_over_folds_with_lower_better() -> None:
    losses = small().losses(ACCURACY)
    assert losses.shape == (3, 2)
    assert losses.loc["t:a", ONE.id] == 0.375
    assert losses.loc["t:c", TWO.id] == 0.0
    assert small().losses(LOG_LOSS).loc["t:a", ONE.id] == 0.25


def test_easy_folds_alone_make_no_winner() -> None:
    runs = [run("a", ONE, value, fold=fold) for fold, value in enumerate((0.9, 0.6, 0.6))]
    runs += [run("a", TWO, 0.85, fold=0), run("b", TWO, 0.5), run("c", ONE, 0.5), run("c", TWO, 0.25)]
    kb = KnowledgeBase.from_records([task(name) for name in "abc"], {}, runs)
    losses = kb.losses(ACCURACY)
    assert losses.loc["t:a", ONE.id] == pytest.approx(0.3)
    assert losses.loc["t:a", TWO.id] == pytest.approx(0.35)  # on the same fold it is .05 behind
    assert losses.loc["t:b", TWO.id] == 0.5  # there is nothing to compare with
    assert losses.loc["t:c"].tolist() == [0.5, 0.75]


def test_a_failure_is_worse_than_anything_and_the_unknown_is_nan() -> None:
    losses = small().losses(ACCURACY)
    assert losses.loc["t:a", TWO.id] == math.inf
    assert losses.loc["t:b"].isna().all()


def test_one_failed_fold_makes_the_configuration_fail() -> None:
    runs = [run("a", ONE, 0.5), run("a", ONE, math.nan, fold=1, status=Status.MEMORY)]
    assert KnowledgeBase.from_records([task("a")], {}, runs).losses(ACCURACY).iloc[0, 0] == math.inf


def test_deviations_are_those_of_the_folds() -> None:
    deviations = small().loss_deviations(ACCURACY)
    assert deviations.loc["t:a", ONE.id] == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert deviations.isna().sum().sum() == 5


def test_seconds_count_each_fit_once_whatever_the_number_of_metrics() -> None:
    assert small().fit_seconds.loc["t:a", ONE.id] == 2.0
    assert small().fit_seconds.notna().sum().sum() == 1


def test_meta_features_stand_in_the_order_of_tasks() -> None:
    table = small().meta_feature_table
    assert list(table.index) == ["t:a", "t:b", "t:c"]
    assert list(table.columns) == ["gap", "skew"]
    assert table["skew"].tolist()[::2] == [1.0, 3.0]
    assert table.isna().sum().sum() == 4


def test_leaving_out_a_task_leaves_out_its_family_and_its_dataset() -> None:
    knowledge = small() + KnowledgeBase.from_records([task("d", dataset_id="t:a")], {}, [])
    assert knowledge.without("t:a").task_ids == ("t:c",)
    assert set(knowledge.without("t:c").task_ids) == {"t:a", "t:b", "t:d"}
    left = knowledge.without("t:a")
    assert set(left.evaluations["task_id"]) == {"t:c"} == set(left.meta_features["task_id"])


def test_an_unknown_task_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 't:"):
        small().without("t:x")


def test_subsets_keep_what_belongs_together() -> None:
    knn = small().subset(models=["knn"])
    assert list(knn.configurations["model"]) == ["knn"]
    assert set(knn.evaluations["configuration_id"]) == {ONE.id}
    assert len(small().subset(problem_type=ProblemType.REGRESSION)) == 0
    assert small().subset(tasks=["t:c"]).losses(ACCURACY).shape == (1, 2)


def test_joining_lets_the_second_count_and_repeats_nothing() -> None:
    later = KnowledgeBase.from_records([task("a", family="other")], {}, [run("a", ONE, 0.9)])
    both = small() + later
    assert len(both) == 3
    assert both.task("t:a").family == "other"
    assert len(both.evaluations) == len(small().evaluations)
    assert both.losses(ACCURACY).loc["t:a", ONE.id] == pytest.approx(1 - (0.9 + 0.75) / 2)


def test_joining_with_nothing_or_with_itself_changes_nothing() -> None:
    knowledge = small()
    assert (knowledge + KnowledgeBase.empty()).id == knowledge.id
    assert (KnowledgeBase.empty() + knowledge).id == knowledge.id
    assert (knowledge + knowledge).id == knowledge.id
    assert len(KnowledgeBase.empty()) == 0


def test_joined_columns_stay_compact() -> None:
    later = KnowledgeBase.from_records([task("z")], {"t:z": MetaFeatures({"skew": 0.0})}, [run("z", TWO, 0.1)])
    both = small() + later
    assert all(isinstance(both.evaluations[n].dtype, pd.CategoricalDtype) for n in ("task_id", "metric", "status"))
    assert both.evaluations["fold"].dtype == np.int16


def test_tasks_on_the_same_data_are_one() -> None:
    first, twin = task("a", fingerprint="f", n_rows=9), task("b", fingerprint="f", n_rows=9)
    larger = task("c", fingerprint="f", n_rows=9, n_rows_used=5)
    runs = [run("b", ONE, 0.5), run("c", ONE, 0.5), run("a", TWO, 0.5)]
    found = {"t:b": MetaFeatures({"skew": 2.0})}
    both = KnowledgeBase.from_records([first, twin, larger], found, runs)
    assert both.task_ids == ("t:a", "t:c")
    assert both.losses(ACCURACY).loc["t:a"].notna().all()
    assert both.meta_feature_table.loc["t:a", "skew"] == 2.0


def test_the_id_depends_on_content_and_not_on_order_or_provenance() -> None:
    knowledge = small()
    shuffled = KnowledgeBase(
        *(
            t.sample(frac=1, random_state=0).reset_index(drop=True)
            for t in (
                knowledge.tasks,
                knowledge.meta_features,
                knowledge.configurations,
                knowledge.evaluations,
            )
        )
    )
    assert shuffled.id == knowledge.id
    assert (knowledge + KnowledgeBase.from_records([task("a")], {}, [])).id != knowledge.id
    changed = knowledge + KnowledgeBase.from_records([task("c")], {}, [run("c", TWO, 0.999)])
    assert changed.id != knowledge.id
    who = KnowledgeBase(
        knowledge.tasks,
        knowledge.meta_features,
        knowledge.configurations,
        knowledge.evaluations.assign(recorded_by="x"),
    )
    assert who.id == knowledge.id


def test_what_was_run_is_listed_whether_or_not_it_worked() -> None:
    assert small().done == {("t:a", ONE.id), ("t:a", TWO.id), ("t:c", TWO.id)}


def test_how_runs_ended_is_told_by_pair_and_leaves_out_what_was_not_run_to_its_end() -> None:
    nan = float("nan")
    runs = [
        run("a", ONE, 0.9, fold=0),
        run("a", ONE, 0.8, fold=1),
        run("a", TWO, nan, status=Status.TIMEOUT),
        run("b", ONE, 0.7),
        run("b", TWO, nan, status=Status.PRUNED),
        run("c", ONE, 0.7),
        run("c", ONE, nan, fold=1, status=Status.PRUNED),
        run("c", TWO, 0.7),
        run("c", TWO, nan, fold=1, status=Status.MEMORY),
    ]
    knowledge = KnowledgeBase.from_records([task("a"), task("b"), task("c")], {}, runs)
    whole = {("t:a", ONE.id): Status.OK, ("t:a", TWO.id): Status.TIMEOUT, ("t:c", TWO.id): Status.MEMORY}
    assert knowledge.outcomes(2) == whole
    assert knowledge.done == {*whole, ("t:b", ONE.id), ("t:c", ONE.id)}
    assert KnowledgeBase.empty().outcomes() == {}


def test_values_come_back_as_they_were() -> None:
    knowledge = small()
    assert knowledge.task("t:a") == task("a", family="twins", n_rows=50)
    assert knowledge.configuration_by_id == {ONE.id: ONE, TWO.id: TWO}
    assert knowledge.models[TWO.id] == "svm"
    assert pickle.loads(pickle.dumps(knowledge)).id == knowledge.id


def test_tables_that_do_not_say_who_recorded_them_are_taken() -> None:
    knowledge = small()
    bare = KnowledgeBase(
        knowledge.tasks.drop(columns=["predecessor", "recorded_by", "recorded_with", "recorded_at"]),
        knowledge.meta_features.drop(columns=["recorded_by", "recorded_with", "recorded_at"]),
        knowledge.configurations,
        knowledge.evaluations.drop(columns=["recorded_by", "recorded_with", "recorded_at"]),
    )
    assert bare.normalised().id == knowledge.id
    assert list(bare.normalised().tasks.columns) == list(knowledge.tasks.columns)


def test_the_bundled_knowledge_base_loads_quickly(units_of: Callable[..., float]) -> None:
    assert units_of(FileStore(_bundled_folder()).read, 8) < 8  # 2.7 when written: 95 ms


def test_joining_and_naming_half_a_million_evaluations_is_quick(
    big: KnowledgeBase, units_of: Callable[..., float]
) -> None:
    names = []
    assert units_of(lambda: names.append((big + small()).id), 3) < 25  # 6 when written
    assert big.id not in names


@pytest.fixture(scope="module")
def big() -> KnowledgeBase:
    """300 tasks, 120 configurations, 3 folds, 5 metrics."""
    rng = np.random.default_rng(0)
    ids = [f"t:{i}" for i in range(300)]
    configurations = [Configuration("knn", {"n_neighbors": k}) for k in range(120)]
    base = KnowledgeBase.from_records(
        [task(str(i)) for i in range(300)],
        {name: MetaFeatures({f"f{k}": k / 7 for k in range(100)}) for name in ids},
        [run("0", c, 0.5) for c in configurations],
    )
    i, j, k, m = np.indices((300, 120, 3, 5)).reshape(4, -1)
    n = len(i)
    names = ["roc_auc", "log_loss", "balanced_accuracy", "accuracy", "f1_macro"]
    same = {
        c: pd.Categorical.from_codes(np.zeros(n, int), [v])
        for c, v in {"status": "ok", "message": "", "versions": "scikit-learn 1.9.1"}.items()
    }
    evaluations = pd.DataFrame(
        {
            "task_id": pd.Categorical.from_codes(i, ids),
            "configuration_id": pd.Categorical.from_codes(j, [c.id for c in configurations]),
            "metric": pd.Categorical.from_codes(m, names),
            "fold": k,
            "value": rng.random(n),
            "fit_seconds": rng.random(n),
            "predict_seconds": rng.random(n),
            **same,
        }
    )
    return KnowledgeBase(base.tasks, base.meta_features, base.configurations, evaluations).normalised()


def test_a_run_that_was_given_up_early_is_unknown_and_not_worst() -> None:
    task = Task(id="t", problem_type="regression")
    runs = [
        Evaluation(
            task_id="t", configuration=Configuration("knn", {"p": p}), metric="r2", value=float("nan"), status=how
        )
        for p, how in ((1, Status.PRUNED), (2, Status.FAILED))
    ]
    losses = KnowledgeBase.from_records([task], {}, runs).losses(METRICS["r2"])
    assert np.isnan(losses.loc["t", Configuration("knn", {"p": 1}).id])
    assert np.isinf(losses.loc["t", Configuration("knn", {"p": 2}).id])


@pytest.mark.parametrize("fold", [-65_536, 32_768, 65_536])
def test_a_fold_that_cannot_be_kept_is_refused(fold: int) -> None:
    rows = run("t", Configuration("knn", {}), 0.5)
    evaluations = KnowledgeBase.from_records([task("t")], {}, [rows]).evaluations.astype({"fold": "int64"})
    with pytest.raises(InvalidInputError, match=f"fold is {fold}, .*32767"):
        replace(KnowledgeBase.empty(), evaluations=evaluations.assign(fold=fold)).normalised()


def test_the_value_objects_have_what_the_tables_keep() -> None:
    of_task = [{"id": "task_id"}.get(f.name, f.name) for f in dataclasses.fields(Task) if f.name != "metric"]
    assert of_task == TASKS.names
    assert set(EVALUATIONS.names) <= set(dir(Evaluation))
