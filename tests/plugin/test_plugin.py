"""A plug-in package, once it is installed: all that it adds is found by name and used as if it were built in."""

import json
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metalearn as ml
from metalearn.builder import Table, describe, evaluate, plan
from metalearn.hooks import get_hook, hook_names
from metalearn.hooks.base import plan as seeds_of
from metalearn.hooks.harvest import Trial, configuration_of
from metalearn.importers import get_importer, importer_names
from metalearn.metafeatures import list_meta_features
from metalearn.models import get_model, model_names
from metalearn.recommenders import get_recommender, recommender_names
from metalearn.space import Categorical, Configuration, Float, SearchSpace
from metalearn.task import ProblemType, Task
from metalearn.testing import check_hook, check_importer, check_meta_feature, check_model, check_recommender

try:
    version("metalearn-example")
except PackageNotFoundError:
    pytest.skip("the plug-in is not installed: pip install tests/plugin", allow_module_level=True)


def table(seed: int) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(np.exp(rng.normal(size=(80 + 10 * seed, 4))), columns=list("abcd"))
    return X, pd.Series(np.where(np.log(X["a"]) + rng.normal(size=len(X)) > 0, "yes", "no"), name="sold")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four tables on which the plug-in's family was evaluated beside a built-in one."""
    url = f"sqlite:///{tmp_path_factory.mktemp('team')}/team.db"
    tables = [Table(Task(id=f"table:{i}", problem_type=ProblemType.BINARY), partial(table, i)) for i in range(4)]
    units = plan(tables, lambda kind: [[c for f in ("discriminant", "linear") for c in get_model(f).design(kind, 4)]])
    measured = {task.id: found for task, found in describe(tables)}
    for task, runs in evaluate(units):
        ml.open_store(url).append(task, measured[task.id], runs)
    return url


def test_everything_is_registered() -> None:
    assert "discriminant" in model_names()
    assert "most_wins" in recommender_names()
    assert "benford_distance" in {feature.name for feature in list_meta_features(tier="cheap")}
    assert "climber" in hook_names()
    assert "json_lines" in importer_names()


def test_the_family_is_evaluated_recommended_and_built(store: str) -> None:
    known = ml.open_store(store).read()
    assert len(known) == 4
    assert set(known.models) == {"discriminant", "linear"}
    rec = ml.recommend(*table(9), families=["discriminant"], knowledge_base=store)
    assert {candidate.model for candidate in rec} == {"discriminant"}
    assert 0.5 < rec[0].expected_score < 1
    X, y = table(9)
    assert rec[0].build().fit(X, y).score(X, y) > 0.6
    assert "discriminant" in rec.to_html()
    assert "Configuration('discriminant'" in rec.to_code()


def test_the_estimator_uses_the_family(tmp_path: Path) -> None:
    record = tmp_path / "record"
    model = ml.tune(*table(5), families=["discriminant"], n_trials=2, record_to=record)
    assert set(ml.open_store(record).read().models) == {"discriminant"}
    assert model.best_configuration_.model == "discriminant"
    ml.plot.families(model)
    ml.save_model(model, tmp_path / "model.skops")
    X, _ = table(6)
    again = ml.load_model(tmp_path / "model.skops")
    assert list(again.predict(X)) == list(model.predict(X))


def test_the_recommender_answers_by_name(store: str) -> None:
    rec = ml.recommend(*table(9), recommender="most_wins", knowledge_base=store)
    assert rec.recommender == "most_wins"
    assert len(ml.recommend(*table(9), recommender="most_wins", n=3)) == 3  # from the bundled knowledge base


def test_the_meta_feature_is_measured_and_stored(store: str) -> None:
    assert 0 < ml.extract(*table(0)).values["benford_distance"] < 1
    assert ml.open_store(store).read().meta_feature_table["benford_distance"].notna().all()


def test_the_hook_seeds_a_search_and_its_results_come_back(store: str) -> None:
    from metalearn_example.climber import Climber  # noqa: PLC0415 - only there when it is installed
    from sklearn.model_selection import cross_val_score  # noqa: PLC0415

    X, y = table(7)

    def objective(shrinkage: float) -> float:
        model = get_model("discriminant").build(
            ml.Configuration("discriminant", {"shrinkage": shrinkage}), ProblemType.BINARY
        )
        return float(cross_val_score(model, X, y, scoring="accuracy", cv=3).mean())

    def make() -> Climber:
        return Climber(objective, {"shrinkage": (0.0, 0.9)})

    rec = ml.recommend(X, y, families=["discriminant"], knowledge_base=store, metric="accuracy")
    assert len(rec) > 1
    reading = {"metric": "accuracy", "family": "discriminant"}
    check_hook(get_hook("climber"), make, lambda c: c.climb(6), recommendation=rec, X=X, y=y, **reading)
    found = get_hook("climber").harvest(make().climb(4), X, y, **reading)
    ml.open_store(store).append(*found)
    assert len(ml.open_store(store).read()) == 5


def test_the_importer_reads_what_others_wrote(tmp_path: Path) -> None:
    row = {"task": "t", "problem_type": "binary", "model": "discriminant", "params": {"shrinkage": 0.3}}
    lines = [json.dumps({**row, "metric": "accuracy", "value": 0.8, "fold": fold}) for fold in range(3)]
    (tmp_path / "runs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    check_importer(get_importer("json_lines"), tmp_path / "runs.jsonl")
    found = get_importer("json_lines")(tmp_path / "runs.jsonl")
    assert next(iter(found.configuration_by_id.values())).params == {"shrinkage": 0.3}


def test_everything_keeps_its_promises() -> None:
    check_model(get_model("discriminant"))
    check_recommender(get_recommender("most_wins"))
    check_meta_feature(next(f for f in list_meta_features() if f.name == "benford_distance"))


@pytest.mark.parametrize(
    "params", [{"model": "discriminant", "discriminant_shrinkage": 0.3}, {"discriminant_shrinkage": 0.3}]
)
def test_trials_of_its_family_are_read_and_seeded_under_its_name(params: dict[str, object]) -> None:
    wanted = Configuration("discriminant", {"shrinkage": 0.3})
    assert configuration_of(Trial(params, 0.9)) == wanted
    space = SearchSpace(
        {"model": Categorical(("discriminant", "svm")), "discriminant_shrinkage": Float(0.1, 0.9)},
    )
    report = seeds_of("tool", [wanted], space)
    assert dict(report.accepted[0].params) == {"model": "discriminant", "discriminant_shrinkage": 0.3}
