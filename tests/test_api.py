import json
import math
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

import metalearn as ml
from metalearn._installation import install_command
from metalearn.api import _has_no_signal, open_knowledge_base, past_of
from metalearn.checks import check_data
from metalearn.dataset import Dataset
from metalearn.evaluation import Evaluation
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.importers import from_table
from metalearn.knowledge import KnowledgeBase, open_store
from metalearn.metafeatures import MetaFeatures, extract
from metalearn.models import models_for
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task

LOADERS = {"binary": load_breast_cancer, "multiclass": load_wine, "regression": load_diabetes}


@pytest.fixture(scope="module", params=LOADERS)
def case(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, pd.Series, Recommendation]:
    X, y = LOADERS[request.param](return_X_y=True, as_frame=True)
    return X, y, ml.recommend(X, y, n=6)


def test_the_answer_is_complete(case: tuple[pd.DataFrame, pd.Series, Recommendation]) -> None:
    X, _, rec = case
    assert len(rec) == len({c.id for c in rec.configurations}) == 6
    for candidate in rec:
        low, high = candidate.interval
        assert low <= candidate.expected_score <= high <= 1
        assert low < high
        assert 0 < candidate.expected_seconds < 100
        assert candidate.evidence
    assert 0 <= rec.novelty <= 1
    assert len(rec.neighbours) >= 5
    assert 0 < sum(n.weight for n in rec.neighbours) <= 1 + 1e-9
    assert rec.drivers
    assert (rec.task.n_rows, rec.task.n_features) == X.shape


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # a perceptron may be first, and say that it could go on
def test_the_first_candidate_can_be_built_and_fitted(
    case: tuple[pd.DataFrame, pd.Series, Recommendation],
) -> None:
    X, y, rec = case
    model = rec[0].build(n_jobs=1)
    assert [name for name, _ in model.steps] == ["preprocessing", "model"]
    assert len(model.fit(X, y).predict(X)) == len(X)


def test_it_survives_json_and_pickle(case: tuple[pd.DataFrame, pd.Series, Recommendation]) -> None:
    _, _, rec = case
    assert pickle.loads(pickle.dumps(rec)).to_json() == rec.to_json()
    assert Recommendation.from_dict(rec.to_dict()).to_json() == rec.to_json()
    assert len(json.loads(rec.to_json())["candidates"]) == 6


def test_it_says_why(case: tuple[pd.DataFrame, pd.Series, Recommendation]) -> None:
    _, _, rec = case
    text = rec.explain()
    assert rec.neighbours[0].name in text
    assert "Novelty" in text
    assert repr(rec).startswith("table: ")
    assert rec.to_frame().shape == (6, 6)


def test_the_same_table_gets_the_same_answer() -> None:
    X, y = load_wine(return_X_y=True)
    assert ml.recommend(X, y).to_json() == ml.recommend(X, y).to_json()


def test_the_order_of_rows_and_the_names_of_columns_do_not_matter() -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    order = np.random.default_rng(0).permutation(len(X))
    renamed = X.iloc[order].rename(columns=lambda name: f"renamed {name}")
    assert ml.recommend(renamed, y.iloc[order]).configurations == ml.recommend(X, y).configurations


def test_families_can_be_chosen_by_their_short_names() -> None:
    rec = ml.recommend(*load_wine(return_X_y=True), families=["rf", "lgbm"], n=4)
    assert {c.model for c in rec} <= {"random_forest", "lightgbm"}
    assert {c.model for c in ml.recommend(*load_wine(return_X_y=True), families="rf", n=4)} == {"random_forest"}


def test_absent_packages_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from metalearn.models import ModelSpec  # noqa: PLC0415 - what is patched

    available = ModelSpec.is_available.fget
    absent = property(lambda spec: False if spec.name == "catboost" else available(spec))
    monkeypatch.setattr(ModelSpec, "is_available", absent)
    rec = ml.recommend(*load_wine(return_X_y=True), n=40)
    assert "catboost" not in {c.model for c in rec}
    assert any(install_command("boosting") in note for note in rec.notes)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "roc_auc", "f1_macro", "log_loss"])
def test_every_metric_can_be_asked_for(metric: str) -> None:
    rec = ml.recommend(*load_wine(return_X_y=True), metric=metric, recommender="forest", n=2)
    assert rec.task.metric.name == metric
    assert all(np.isfinite(c.expected_score) for c in rec)


@pytest.mark.parametrize("metric", ["r2", "rmse", "mae"])
def test_errors_of_a_regression_are_in_units_of_the_target(metric: str) -> None:
    X, y = load_diabetes(return_X_y=True)
    small, large = (ml.recommend(X, y * scale, metric=metric, recommender="forest", n=1)[0] for scale in (1, 1000))
    factor = 1 if metric == "r2" else 1000
    assert large.expected_score == pytest.approx(small.expected_score * factor, rel=0.05)


def test_a_time_budget_is_kept() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    rec = ml.recommend(X, y, n=10, time_budget=1.0)
    assert 3 * sum(c.expected_seconds for c in rec) <= 1.0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"families": ["lightgmb"]}, UnknownNameError, "Did you mean 'lightgbm'"),
        ({"families": []}, InvalidInputError, "Expected some of"),
        ({"metric": "r2"}, InvalidInputError, "does not fit a multiclass"),
        ({"metric": "acc"}, UnknownNameError, "Unknown metric 'acc'"),
        ({"recommender": "fores"}, UnknownNameError, "Did you mean 'forest'"),
        ({"recommender": "nearest"}, UnknownNameError, "'nearest' is no longer a recommender"),
        ({"problem_type": "ranking"}, InvalidInputError, "Unknown problem type"),
        ({"n": 0}, InvalidInputError, "at least 1"),
        ({"n": "5"}, InvalidInputError, "n is '5'. Expected a whole number"),
        ({"n": True}, InvalidInputError, "n is True. Expected a whole number"),
        ({"time_budget": True}, InvalidInputError, "The time budget is True seconds"),
        ({"n": 2.5}, InvalidInputError, "n is 2.5. Expected a whole number"),
        ({"time_budget": -1}, InvalidInputError, "positive"),
        ({"time_budget": "60"}, InvalidInputError, "The time budget is '60' seconds"),
        ({"categorical": ["absent"]}, InvalidInputError, "not in the table"),
    ],
)
def test_wrong_options_get_a_clear_error(options: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ml.recommend(*load_wine(return_X_y=True), **options)


def test_a_family_that_does_not_fit_the_problem_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"\['gaussian_nb'\] do not solve regression"):
        ml.recommend(*load_diabetes(return_X_y=True), families=["nb"])


def test_a_messy_table_gets_an_answer_and_the_findings(messy_table: pd.DataFrame, three_classes: np.ndarray) -> None:
    rec = ml.recommend(messy_table, three_classes)
    assert len(rec) == 10
    assert any("constant" in note for note in rec.notes)


def test_the_bundled_knowledge_base_covers_every_family_on_every_kind_of_problem() -> None:
    kb = ml.bundled_knowledge_base()
    assert len(kb) >= 300
    for problem_type in ProblemType:
        tried = set(kb.subset(problem_type=problem_type).configurations["model"])
        assert tried >= {name for name, spec in models_for(problem_type).items() if not spec.weights}


def test_a_young_knowledge_base_is_called_young() -> None:
    X, y = load_wine(return_X_y=True)
    kb = ml.bundled_knowledge_base()
    few = kb.subset(problem_type=ProblemType.MULTICLASS).task_ids[:3]
    assert any(
        "holds 3 multiclass tasks" in note for note in ml.recommend(X, y, knowledge_base=kb.subset(tasks=few)).notes
    )
    assert not any("not worth much" in note for note in ml.recommend(X, y).notes)


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass", "wide"])
def test_a_table_without_signal_is_told_and_one_with_some_is_not(kind: str) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 500) if kind == "wide" else (2000, 8)))
    n_classes = 4 if kind == "multiclass" else 2
    y = rng.normal(size=len(X)) if kind == "regression" else rng.integers(0, n_classes, len(X)).astype(str)
    assert any("No signal" in note for note in ml.recommend(X, y, n=1).notes)
    X[0] = y if kind == "regression" else pd.factorize(y)[0]
    X += X[[0]].to_numpy() * (2 if kind == "wide" else 0)  # one of 500 columns would be hard to find
    assert not any("No signal" in note for note in ml.recommend(X, y, n=1).notes)


def imported(X: pd.DataFrame, y: pd.Series, names: list[str], fingerprint: str = "") -> KnowledgeBase:
    """Return what a table of results tells that holds some meta-features of one table, and of half of its rows."""
    measured = [extract(Dataset.from_data(*rows)).values for rows in ((X, y), (X[::2], y[::2]))]
    rows = [
        {"task": task, "model": model, "value": value, **{f"meta_{name}": found[name] for name in names}}
        for task, found in zip(("same", "half"), measured, strict=True)
        for model, value in (("knn", 0.8), ("svm", 0.9))
    ]
    table = pd.DataFrame(rows).assign(fingerprint=[fingerprint, fingerprint, "", ""])
    return from_table(table, metric="accuracy", problem_type="multiclass")


def test_one_meta_feature_that_agrees_does_not_make_a_table_known() -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    rec = ml.recommend(X, y, knowledge_base=imported(X, y, ["n_rows"]))
    assert math.isnan(rec.novelty)
    assert all(math.isnan(neighbour.distance) for neighbour in rec.neighbours)
    assert not any("very table" in note for note in rec.notes)
    assert "Novelty: unknown" in rec.explain()
    assert "unknown" in rec.explain().split("Novelty")[0]  # the size of the past tables
    assert "0 x 0" not in rec.explain()
    assert "0 x 0" not in rec.to_html()
    again = Recommendation.from_dict(json.loads(rec.to_json()))
    assert again.explain() == rec.explain()


def test_past_tasks_that_were_never_timed_are_recommended_from() -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    past = imported(X, y, ["n_rows"])
    for budget in (None, 5.0):
        assert len(ml.recommend(X, y, knowledge_base=past, time_budget=budget)) == 2


def test_a_table_is_known_by_its_fingerprint_or_by_most_of_what_was_measured() -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    sealed = Dataset.from_data(X, y).fingerprint
    names = list(extract(Dataset.from_data(X, y)).values)
    for past, known in (
        (imported(X, y, names), True),
        (imported(X, y, names[:8]), False),
        (imported(X, y, names[:8], sealed), True),
        (imported(X, y, names, sealed[:-4] + "0000"), False),
    ):
        assert any("very table" in note for note in ml.recommend(X, y, knowledge_base=past).notes) is known


def test_a_time_in_which_nothing_fits_is_told_with_what_the_quickest_takes() -> None:
    X, y = load_wine(return_X_y=True)
    rec = ml.recommend(X, y, time_budget=0.001)
    assert len(rec) == 0
    found = re.match(
        r"Nothing is expected to fit into 0.001 seconds: the quickest, \w+, takes about ([\d.e-]+) with 3 folds\.",
        rec.notes[0],
    )
    assert found is not None
    assert len(ml.recommend(X, y, time_budget=1.1 * float(found[1]))) > 0
    assert "Nothing is recommended.\n" in rec.explain()
    assert "parameters that differ" not in rec.explain()
    with pytest.raises(InvalidInputError, match=r"Nothing is recommended\. .* fit into 0\.001 seconds"):
        rec.to_code()


def test_few_of_the_bundled_tables_have_no_signal() -> None:
    past = ml.bundled_knowledge_base()
    values = past.meta_features.pivot_table(index="task_id", columns="name", values="value", observed=True)
    hard = [_has_no_signal(MetaFeatures(row)) for row in values.to_dict("records")]
    assert 1 <= sum(hard) <= 0.02 * len(hard)


def test_several_knowledge_bases_are_joined_and_the_bundled_one_has_a_name(tmp_path: Path) -> None:
    bundled = ml.bundled_knowledge_base()
    for alone in (None, "bundled", ["bundled"], []):
        assert open_knowledge_base(alone) is bundled
        assert past_of(alone) is None
    won = Evaluation(
        task_id="ours:1", configuration=Configuration("knn", {"n_neighbors": 5}), metric="accuracy", value=0.9
    )
    task = Task(id="ours:1", problem_type="multiclass", n_rows=100, n_features=4, n_classes=3)
    open_store(tmp_path / "kb").append(task, None, [won])
    joined = open_knowledge_base(["bundled", tmp_path / "kb"])
    assert len(joined) == len(bundled) + 1
    assert past_of([bundled, open_store(tmp_path / "kb")]).id == joined.id
    with pytest.raises(InvalidInputError, match="Nothing is stored at"):
        open_knowledge_base(["bundled", str(tmp_path / "none")])


def store_of_six(tmp_path: Path, **params: object) -> object:
    rows = [
        {"task": f"t{t}", "model": "lightgbm", "params": json.dumps({"num_leaves": leaves, **params}), "value": 0.8}
        for t in range(6)
        for leaves in (4, 8)
    ]
    store = open_store(tmp_path / "kb")
    store.write(from_table(pd.DataFrame(rows), metric="accuracy", problem_type="binary"))
    return store


def test_what_cannot_be_built_here_is_told(tmp_path: Path) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    store = store_of_six(tmp_path, boosting_type="dart")
    rec = ml.recommend(X, y, metric="accuracy", knowledge_base=store)
    assert not len(rec)
    assert any(
        "2 of 2 known configurations are not recommended" in note and "boosting_type" in note for note in rec.notes
    )


def test_novelty_is_not_told_of_few_past_tasks(tmp_path: Path) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    rec = ml.recommend(X, y, metric="accuracy", knowledge_base=store_of_six(tmp_path))
    assert math.isnan(rec.novelty)
    assert any("novelty cannot be told" in note for note in rec.notes)


def test_the_shipped_knowledge_base_is_no_address_to_write_to() -> None:
    with pytest.raises(InvalidInputError, match="which is not written to"):
        open_store("bundled")
    assert len(open_knowledge_base("bundled")) > 100


def test_the_most_serious_notes_come_first() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    X = pd.DataFrame({"leak": y * 3.0, "constant": 1.0, "a": rng.normal(size=200)})
    found = ml.recommend(X, y, n=1)
    serious = [f.message for f in check_data(Dataset.from_data(X, y)) if f.severity == "warning"]
    assert serious
    assert found.notes[: len(serious)] == tuple(serious)
    assert len(set(found.notes)) == len(found.notes)
