import pytest

from metalearn.api import bundled_knowledge_base
from metalearn.estimators.setup import FOREST_BELOW, defaults, usable_families
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.models import get_model
from metalearn.task import ProblemType, get_metric

BINARY, MULTI, NUMBERS = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION


def test_families_are_those_that_were_asked_for_by_name_or_alias() -> None:
    assert set(usable_families(["lgbm", "rf"], BINARY, weighted=False)) == {"lightgbm", "random_forest"}
    everything = usable_families(None, NUMBERS, weighted=False)
    assert {"lightgbm", "linear", "knn"} <= set(everything)
    assert "gaussian_nb" not in everything


def test_families_that_take_no_weights_are_left_out_only_where_there_are_some() -> None:
    assert "knn" in usable_families(None, BINARY, weighted=False)
    weighted = usable_families(None, BINARY, weighted=True)
    assert "knn" not in weighted
    assert {"lightgbm", "linear", "svm", "random_forest"} <= set(weighted)
    with pytest.raises(InvalidInputError, match="with weights of rows"):
        usable_families(["knn"], BINARY, weighted=True)


def test_families_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="regression problem"):
        usable_families(["gaussian_nb"], NUMBERS, weighted=False)
    with pytest.raises(UnknownNameError, match="lightgbm"):
        usable_families(["lightgmb"], BINARY, weighted=False)


def test_the_default_to_be_beaten_is_that_of_lightgbm_or_of_the_next_best_known() -> None:
    assert defaults(["knn", "lightgbm"], BINARY, n_rows=900, small=False) == (get_model("lightgbm").default(BINARY),)
    assert [c.model for c in defaults(["knn", "random_forest"], BINARY, n_rows=900, small=False)] == ["random_forest"]
    assert [c.model for c in defaults(["knn"], BINARY, n_rows=900, small=False)] == ["knn"]
    small = defaults(["lightgbm", "linear", "random_forest"], BINARY, n_rows=15, small=True)
    assert [c.model for c in small] == ["random_forest", "linear"]
    both = ["lightgbm", "random_forest"]
    assert [defaults(both, BINARY, n_rows=n, small=False)[0].model for n in (299, 300)] == both[::-1]


@pytest.mark.parametrize("kind", list(ProblemType))
def test_on_few_rows_the_forests_default_is_the_one_to_beat(kind: ProblemType) -> None:
    past = bundled_knowledge_base().subset(problem_type=kind)
    tasks = past.tasks.set_index("task_id")["n_rows"]
    losses = past.losses(get_metric(None, kind))
    losses = losses.loc[tasks[losses.index].to_numpy() < FOREST_BELOW]
    forest, boosting = (losses[get_model(name).default(kind).id] for name in ("random_forest", "lightgbm"))
    assert (forest <= boosting).mean() > 0.6
