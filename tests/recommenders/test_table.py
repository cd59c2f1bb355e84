from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from metalearn.evaluation import Evaluation
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender, related_tasks
from metalearn.recommenders.simulation import family_folds, ranked
from metalearn.space import Configuration
from metalearn.task import METRICS, ProblemType, Task, get_metric


def test_losses_are_those_of_the_knowledge_base(knowledge: KnowledgeBase, table: PerformanceTable) -> None:
    found = knowledge.losses(METRICS["roc_auc"])
    columns = [c.id for c in table.configurations]
    np.testing.assert_array_equal(table.losses, found.loc[list(table.task_ids), columns].to_numpy())


def test_the_default_metric_is_that_of_the_problem_type(table: PerformanceTable) -> None:
    assert table.metric.name == "roc_auc"


def test_several_problem_types_are_refused(
    knowledge: KnowledgeBase, make_knowledge: Callable[..., KnowledgeBase]
) -> None:
    other = make_knowledge(4, problem_type=ProblemType.REGRESSION, metrics=("r2",), prefix="r")
    with pytest.raises(InvalidInputError, match="2 problem types"):
        PerformanceTable.from_knowledge_base(knowledge + other)


def test_a_metric_that_nobody_measured_is_refused_with_those_that_were(knowledge: KnowledgeBase) -> None:
    with pytest.raises(InvalidInputError, match=r"accuracy.*roc_auc"):
        PerformanceTable.from_knowledge_base(knowledge, METRICS["log_loss"])


def test_missing_results_are_completed_but_not_counted_as_run(sparse_knowledge: KnowledgeBase) -> None:
    table = PerformanceTable.from_knowledge_base(sparse_knowledge)
    assert np.isnan(table.losses).any()
    assert np.isfinite(table.working).all()
    assert np.isfinite(table.completed_regrets).all()


def test_a_part_keeps_rows_and_columns_in_order(table: PerformanceTable) -> None:
    part = table.take(np.array([5, 2]))
    assert part.task_ids == ("t5", "t2")
    np.testing.assert_array_equal(part.losses, table.losses[[5, 2]])
    assert part.configurations == table.configurations


def test_a_part_of_a_table_is_as_good_as_a_table_of_that_part(sparse_knowledge: KnowledgeBase) -> None:
    table = PerformanceTable.from_knowledge_base(sparse_knowledge)
    rows = np.array([7, 3, 20])
    afresh = replace(table.take(rows))  # nothing is carried over
    np.testing.assert_array_equal(table.take(rows).regrets, afresh.regrets)
    np.testing.assert_array_equal(table.take(rows).working, afresh.working)


def test_units_of_rmse_follow_from_r2_of_the_same_runs(make_knowledge: Callable[..., KnowledgeBase]) -> None:
    kb = make_knowledge(12, problem_type=ProblemType.REGRESSION, metrics=("r2", "rmse"))
    table = PerformanceTable.from_knowledge_base(kb, METRICS["rmse"])
    assert (table.units > 1).all()
    assert np.isnan(table.unit_of(MetaFeatures({})))
    assert table.unit_of(MetaFeatures({"target_std": 2.5})) == 2.5


def test_only_the_families_asked_for_are_allowed(table: PerformanceTable) -> None:
    allowed = table.allowed(["svm"])
    assert set(table.models[allowed]) == {"svm"}
    assert table.allowed(None).all()


def test_configurations_that_cannot_be_built_are_not_allowed(table: PerformanceTable) -> None:
    j = int(np.flatnonzero(table.models == "knn")[0])
    broken = Configuration("knn", {"n_neighbors": 3.0})
    changed = replace(table, configurations=(*table.configurations[:j], broken, *table.configurations[j + 1 :]))
    assert table.allowed(["knn"])[j]
    assert not changed.allowed(["knn"])[j]


def test_neighbours_that_small_tables_do_not_have_are_not_allowed(table: PerformanceTable) -> None:
    neighbours = np.array([c.params.get("n_neighbors", 0) for c in table.configurations])
    assert neighbours.max() > 10
    np.testing.assert_array_equal(
        table.allowed(["knn", "linear"], 30), table.allowed(["knn", "linear"]) & (neighbours <= 10)
    )


@pytest.fixture(scope="module")
def mixed(knowledge: KnowledgeBase, make_knowledge: Callable[..., KnowledgeBase]) -> KnowledgeBase:
    """40 binary tasks of both kinds, 8 multiclass ones of kind 0 only, and regression."""
    multiclass = make_knowledge(16, problem_type=ProblemType.MULTICLASS, prefix="m", seed=1)
    regression = make_knowledge(60, problem_type=ProblemType.REGRESSION, metrics=("r2",), prefix="r")
    return knowledge + multiclass.subset(tasks=[f"m{i}" for i in range(0, 16, 2)]) + regression


def test_the_rarer_kind_of_classification_borrows_from_the_other(mixed: KnowledgeBase) -> None:
    kinds = {kind: set(related_tasks(mixed, kind).tasks["problem_type"]) for kind in ProblemType}
    assert kinds[ProblemType.MULTICLASS] == {"binary", "multiclass"}
    assert kinds[ProblemType.BINARY] == {"binary"}
    assert kinds[ProblemType.REGRESSION] == {"regression"}


def test_borrowed_tasks_are_learned_from(mixed: KnowledgeBase, features_of: Callable[[float], MetaFeatures]) -> None:
    kb = related_tasks(mixed, ProblemType.MULTICLASS)
    both = PerformanceTable.from_knowledge_base(kb, problem_type=ProblemType.MULTICLASS)
    alone = PerformanceTable.from_knowledge_base(mixed.subset(problem_type=ProblemType.MULTICLASS))
    first = {}
    for name, table in (("both", both), ("alone", alone)):
        past = PastTasks.fit(table)
        query = past.query(table.vector(features_of(1)), n=1, observed={}, allowed=table.allowed(None))
        first[name] = table.models[ranked(get_recommender("forest")().fit_past(past), query)[0]]
    assert first["both"] in {"svm", "knn"}  # what wins on kind 1, which no multiclass task is of
    assert first["alone"] in {"linear", "random_forest"}


def test_borrowed_tasks_are_neither_the_bar_nor_left_out(mixed: KnowledgeBase) -> None:
    kb = related_tasks(mixed, ProblemType.MULTICLASS)
    table = PerformanceTable.from_knowledge_base(kb, problem_type=ProblemType.MULTICLASS)
    assert table.n_tasks == 48
    assert table.own.sum() == 8
    np.testing.assert_allclose(table.uniform[table.own], 1 / 8)
    assert not table.uniform[~table.own].any()
    families = np.array(table.families)
    folds = family_folds(table, 4)
    assert sorted(i for _, left_out in folds for i in left_out) == np.flatnonzero(table.own).tolist()
    for kept, left_out in folds:  # a borrowed task of a family that is left out is not learned from either
        assert not set(families[kept]) & set(families[left_out])


def test_a_task_without_a_measured_spread_leaves_those_of_others() -> None:
    tries = [Configuration("linear", {"alpha": alpha}) for alpha in (0.1, 1.0, 10.0)]
    tasks = [Task(id=f"t{i}", problem_type="regression", n_rows=100, n_features=3) for i in range(3)]
    measured = {t.id: MetaFeatures({"n_rows": 100.0, "target_std": 10.0**i}) for i, t in enumerate(tasks)}
    measured["t2"] = MetaFeatures({"n_rows": 100.0})
    results = [
        Evaluation(task_id=t.id, configuration=c, metric="rmse", value=10.0**i * (0.5 + 0.1 * j))
        for i, t in enumerate(tasks)
        for j, c in enumerate(tries)
    ]
    kb = KnowledgeBase.from_records(tasks, measured, results)
    table = PerformanceTable.from_knowledge_base(kb, get_metric("rmse", ProblemType.REGRESSION))
    assert table.units.tolist() == [1.0, 10.0, 1.0]


def test_a_task_counts_by_how_much_is_known_of_it(table: PerformanceTable) -> None:
    losses = table.losses.copy()
    losses[0, 1:] = np.nan
    shares = replace(table, losses=losses).uniform
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(shares[1] / table.losses.shape[1])
    assert shares[:2].sum() == pytest.approx(shares[-1])
    others = np.bincount(table.family, shares)[1:]  # families count as one, however many tasks they have
    assert np.ptp(others) < 1e-12


def test_tasks_of_which_little_is_known_judge_nothing(table: PerformanceTable) -> None:
    losses = table.losses.copy()
    losses[0, 1:] = np.nan
    assert not replace(table, losses=losses).judging[0]
    assert replace(table, losses=losses).judging[1:].all()
    assert replace(table, losses=np.where(np.arange(losses.shape[1]) < 1, losses, np.nan)).judging.all()


def test_a_family_that_is_known_in_part_at_some_sizes_counts_no_less(table: PerformanceTable) -> None:
    rows = np.r_[np.arange(table.n_tasks), np.repeat(table.n_tasks - 1, 5)]
    ladder = table.take(rows)
    ladder.losses[table.n_tasks :, 3:] = np.nan
    shares = replace(ladder).uniform
    np.testing.assert_allclose(
        np.bincount(ladder.family, shares)[ladder.family], np.bincount(table.family, table.uniform)[ladder.family]
    )
    assert shares[table.n_tasks - 1] > shares[table.n_tasks]
