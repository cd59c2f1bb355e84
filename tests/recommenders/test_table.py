from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.knowledge_base import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.recommenders import PerformanceTable
from metalearn.task import METRICS, ProblemType


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
