from collections.abc import Callable

import numpy as np
import pytest

from metalearn.knowledge import KnowledgeBase
from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.explanation import places

Make = Callable[[int], KnowledgeBase]


@pytest.fixture(scope="module")
def past(make_knowledge: Make) -> PastTasks:
    return PastTasks.fit(PerformanceTable.from_knowledge_base(make_knowledge(30)))


def test_the_new_task_comes_first_and_every_past_one_has_its_winner(past: PastTasks) -> None:
    found = places(past, past.table.meta_features[4], "mine")
    assert found[0].name == "mine"
    assert found[0].best == ""
    assert [p.name for p in found[1:]] == list(past.table.task_names)
    winners = np.where(np.isfinite(past.table.losses), past.table.losses, np.inf).argmin(axis=1)
    assert [p.best for p in found[1:]] == [past.table.configurations[j].model for j in winners]


def test_a_task_with_the_same_meta_features_lies_on_the_same_spot(past: PastTasks) -> None:
    found = places(past, past.table.meta_features[4], "mine")
    assert (found[0].x, found[0].y) == pytest.approx((found[5].x, found[5].y))


def test_the_first_axis_spreads_the_tasks_most(past: PastTasks) -> None:
    found = places(past, past.table.meta_features[0], "mine")[1:]
    assert np.std([p.x for p in found]) >= np.std([p.y for p in found]) > 0


def test_of_very_many_tasks_some_are_drawn_and_the_nearest_are_among_them(make_knowledge: Make) -> None:
    past = PastTasks.fit(PerformanceTable.from_knowledge_base(make_knowledge(620)))
    found = places(past, past.table.meta_features[600], "mine")
    assert 450 <= len(found) <= 501
    assert past.table.task_names[600] in {p.name for p in found[1:]}


def test_two_tasks_make_no_map(make_knowledge: Make) -> None:
    past = PastTasks.fit(PerformanceTable.from_knowledge_base(make_knowledge(2)))
    assert places(past, past.table.meta_features[0], "mine") == ()
