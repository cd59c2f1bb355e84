from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupShuffleSplit, KFold, LeaveOneOut, RepeatedStratifiedKFold, TimeSeriesSplit

from metalearn.estimators import MetaLearnClassifier, MetaLearnRegressor
from metalearn.estimators.tuning import tune
from metalearn.evaluation.splits import split, time_folds
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import open_store
from metalearn.task import ProblemType, get_metric

BINARY, MULTI, NUMBERS = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION
METRICS = {kind: get_metric(None, kind) for kind in ProblemType}


@pytest.mark.parametrize(("n_rows", "n_folds"), [(200, 5), (5000, 5), (5001, 3)])
def test_long_tables_get_fewer_folds(n_rows: int, n_folds: int) -> None:
    y = np.arange(n_rows, dtype=float)
    folds = split(y, NUMBERS, metric=METRICS[NUMBERS])
    assert len(folds) == n_folds
    tested = np.concatenate([test for _, test in folds])
    assert sorted(tested) == list(range(n_rows))
    assert all(not set(train) & set(test) for train, test in folds)


def test_folds_keep_the_classes_in_proportion() -> None:
    y = np.repeat([0, 1], [90, 10])
    folds = split(y, BINARY, metric=METRICS[BINARY], cv=5)
    assert [y[test].sum() for _, test in folds] == [2] * 5


def test_a_time_budget_bounds_the_rows() -> None:
    y = np.random.default_rng(0).integers(0, 3, 50_000)
    folds = split(y, MULTI, metric=METRICS[MULTI], cv=3, time_budget=20.0)
    assert sum(len(test) for _, test in folds) == 20_000
    assert max(test.max() for _, test in folds) > 40_000  # not just the first ones


@pytest.mark.parametrize("y", [np.zeros(9), np.arange(9), np.arange(2)])
def test_a_tiny_table_is_not_split(y: np.ndarray) -> None:
    assert split(y, NUMBERS, metric=METRICS[NUMBERS]) == ()


def test_rare_classes_do_not_prevent_folds() -> None:
    y = np.array([0] * 30 + [1] * 2 + [2])
    folds = split(y, MULTI, metric=METRICS[MULTI], cv=5)
    assert len(folds) == 5
    assert split(np.arange(12), MULTI, metric=METRICS[MULTI], cv=5) == ()


@pytest.mark.parametrize("kind", [BINARY, NUMBERS])
def test_a_group_is_on_one_side_of_every_fold(kind: ProblemType) -> None:
    rng = np.random.default_rng(0)
    groups = rng.choice(["anna", "ben", "chris", "dora", "emil", "fritz", "gina", "hugo"], 200)
    y = rng.integers(0, 2, 200)
    folds = split(y, kind, metric=METRICS[kind], groups=groups)
    assert len(folds) == 5
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(200))
    assert all(not set(groups[train]) & set(groups[test]) for train, test in folds)
    assert len(split(y, kind, metric=METRICS[kind], groups=np.arange(200) % 3)) == 3  # no more than there are groups


def test_a_splitter_does_what_it_does_in_scikit_learn() -> None:
    y = np.random.default_rng(0).integers(0, 2, 100)
    for cv in (TimeSeriesSplit(4), RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=1)):
        folds = split(y, BINARY, metric=METRICS[BINARY], cv=cv)
        expected = list(cv.split(y, y))
        assert len(folds) == len(expected)
        for (train, test), (train_too, test_too) in zip(folds, expected, strict=True):
            assert np.array_equal(train, train_too)
            assert np.array_equal(test, test_too)
    groups = np.repeat(np.arange(20), 5)
    for train, test in split(y, BINARY, metric=METRICS[BINARY], cv=GroupShuffleSplit(3, random_state=0), groups=groups):
        assert not set(groups[train]) & set(groups[test])


def test_pairs_of_rows_are_taken_as_they_are_and_thinned_where_time_is_short() -> None:
    y = np.arange(30_000, dtype=float)
    pairs = [(np.arange(20_000), np.arange(20_000, 30_000))]
    ((train, test),) = split(y, NUMBERS, metric=METRICS[NUMBERS], cv=pairs)
    assert (len(train), len(test)) == (20_000, 10_000)
    ((train, test),) = split(y, NUMBERS, metric=METRICS[NUMBERS], cv=iter(pairs), time_budget=3.0)
    assert len(train) + len(test) == 10_000
    assert train.max() < 20_000 <= test.min()


def pairs(*found: tuple[list[int], list[int]]) -> list[tuple[list[int], list[int]]]:
    return list(found)


WRONG = [
    ({"cv": pairs(([0, 1, 2, 50], [2, 60]))}, "1 rows of fold 1 are in both parts"),
    ({"cv": pairs(([0, 1, 50], []))}, "Fold 1 has 3 rows to train on and 0 to test on"),
    ({"cv": pairs(([0, 1], [2, 60]))}, "Fold 1 has a single class to train on"),
    ({"cv": pairs(([0, 50], [2, 3]))}, "Fold 1 has a single class to test on. Expected two for roc_auc"),
    ({"cv": pairs(([0, 50], [2, 300]))}, "cv cannot be used: index 300"),
    ({"cv": "five"}, "cv cannot be used"),
    ({"cv": iter([])}, "cv gives no folds"),
    ({"cv": TimeSeriesSplit(500)}, "cv cannot be used: Cannot have number of folds"),
    ({"cv": GroupShuffleSplit(2)}, "cv cannot be used: The 'groups' parameter should not be None"),
    ({"groups": ["one"] * 100}, "The groups hold a single value"),
    ({"groups": ["a", "b"]}, r"The groups have the shape \(2,\) for 100 rows"),
    ({"groups": np.zeros((100, 2))}, r"The groups have the shape \(100, 2\)"),
    ({"groups": np.arange(100) // 10, "cv": KFold(5, shuffle=True)}, "groups of fold 1 are in both parts"),
    (
        {"groups": np.arange(100) // 10, "cv": pairs((list(range(0, 100, 2)), list(range(1, 100, 2))))},
        "10 groups of fold 1",
    ),
    ({"groups": np.arange(100) // 50, "cv": 2}, "Fold 1 has a single class"),
    ({"groups": [None, *range(99)]}, "The group is missing in 1 rows"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_folds_on_which_nothing_could_be_measured_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        split(np.repeat([0, 1], 50), BINARY, metric=METRICS[BINARY], **options)


DAYS = pd.Series(np.repeat(pd.date_range("2025-01-01", periods=50), 4), name="when")
TIMES = {
    "dates": DAYS,
    "31.12.2025": DAYS.dt.strftime("%d.%m.%Y"),
    "ISO": DAYS.dt.strftime("%Y-%m-%d").astype("str"),
    "numbers": DAYS.dt.day_of_year,
    "objects": DAYS.dt.day_of_year.astype(object),
    "categories": DAYS.dt.day_of_year.astype("category"),
    "date objects": DAYS.dt.date.astype(object),
    "zones": DAYS.dt.tz_localize("Europe/Berlin"),
    "periods": DAYS.dt.to_period("D"),
    "durations": DAYS - DAYS.iloc[0],
    "months": pd.Series(np.repeat(pd.period_range("2020-01", periods=50, freq="M").astype(str), 4), name="when"),
    "quarters": pd.Series(np.repeat(pd.period_range("2000Q1", periods=50, freq="Q").astype(str), 4), name="when"),
}


@pytest.mark.parametrize("values", TIMES.values(), ids=TIMES.keys())
def test_folds_in_time_test_on_what_comes_later(values: pd.Series) -> None:
    order = np.random.default_rng(0).permutation(200)
    day = np.repeat(np.arange(50), 4)[order]
    folds = time_folds(values.iloc[order].reset_index(drop=True), 4)
    assert len(folds) == 4
    for train, test in folds:
        assert day[train].max() < day[test].min()
    assert day[folds[-1][1]].max() == 49
    assert [len(test) for _, test in folds] == [40] * 4


def test_stored_scores_of_other_folds_are_of_another_task(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, y, groups = rng.normal(size=(60, 2)), rng.normal(size=60), np.arange(60) // 6
    options = {"n_trials": 1, "families": ["linear"], "record_to": tmp_path / "kb"}
    for more in ({}, {"groups": groups}, {"groups": groups}):
        MetaLearnRegressor(**options).fit(X, y, **more)
    found = open_store(tmp_path / "kb").read()
    assert len(found) == 2  # the third says what the second said
    assert len(set(found.families)) == 1  # and both are left out together
    assert set(found.tasks["note"]) == {"5 folds", "folds split by hand"}


def test_scores_that_are_not_defined_on_a_fold_are_not_recorded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.concatenate([np.arange(15) % 2, np.zeros(15), np.ones(15), np.arange(15) % 2])
    options = {"n_trials": 1, "families": ["linear"], "metric": "accuracy", "record_to": tmp_path / "kb"}
    MetaLearnClassifier(**options, cv=TimeSeriesSplit(3)).fit(X, y)
    found = open_store(tmp_path / "kb").read().evaluations
    assert "accuracy" in set(found["metric"])
    assert found["value"].notna().all()


def test_rows_of_one_time_are_never_divided() -> None:
    values = pd.Series([1] * 10 + [2] * 80 + [3] * 10, name="year")
    folds = time_folds(values, 5)
    assert [(len(train), len(test)) for train, test in folds] == [(10, 80), (90, 10)]
    with pytest.raises(InvalidInputError, match="Nearly all rows have the same 'year'"):
        time_folds(pd.Series([1] * 100, name="year"))
    with pytest.raises(InvalidInputError, match="'year' is missing in 1 rows"):
        time_folds(pd.Series([1.0, None] * 1, name="year"))
    with pytest.raises(InvalidInputError, match="'town' cannot be read as times"):
        time_folds(pd.Series(["Ulm", "Bonn"] * 10, name="town"))


def test_durations_of_any_form_have_an_order() -> None:
    spans = pd.Series(pd.to_timedelta(np.arange(40), unit="s"))
    first, other = (time_folds(spans.astype(dtype), 2) for dtype in ("duration[us][pyarrow]", object))
    assert [test.tolist() for _, test in first] == [test.tolist() for _, test in other]
    assert len(first) == 2


def test_groups_make_the_score_honest() -> None:
    """Rows of one group are near copies with one target: a random split remembers them, groups show that nothing is learned."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 6)
    centre = rng.normal(size=(40, 4))
    X = centre[groups] + 0.01 * rng.normal(size=(240, 4))
    y = rng.normal(size=40)[groups]
    options = {"n_trials": 2, "families": ["knn", "extra_trees"], "blend": False}
    random = MetaLearnRegressor(**options).fit(X, y)
    honest = MetaLearnRegressor(**options).fit(X, y, groups=groups)
    assert random.best_score_ > 0.9
    assert honest.best_score_ < 0.3


def test_the_future_is_not_known() -> None:
    """A target that drifts is easy to fill in and hard to foresee."""
    rng = np.random.default_rng(0)
    t = np.arange(300.0)
    X, y = np.column_stack([t, rng.normal(size=300)]), np.sin(t / 20) + t / 50
    options = {"n_trials": 1, "families": ["decision_tree"]}
    assert MetaLearnRegressor(**options).fit(X, y).best_score_ > 0.9
    assert MetaLearnRegressor(**options, cv=TimeSeriesSplit(4)).fit(X, y).best_score_ < 0.5


@pytest.mark.parametrize(
    "form", [list, pd.Series, lambda g: pd.DataFrame({"g": g}), lambda g: pd.Series(g).astype("category")]
)
def test_groups_come_in_any_form(form: Callable[[np.ndarray], object]) -> None:
    y, groups = np.random.default_rng(0).integers(0, 2, 100), np.arange(100) // 5
    expected = split(y, BINARY, metric=METRICS[BINARY], groups=groups)
    found = split(y, BINARY, metric=METRICS[BINARY], groups=form(groups))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(found, expected, strict=True))


def test_fewer_folds_are_made_where_few_groups_hold_a_class() -> None:
    y = np.zeros(120, dtype=int)
    y[[3, 4, 65]] = 1  # in two of twelve groups
    folds = split(y, BINARY, metric=METRICS[BINARY], groups=np.arange(120) // 10)
    assert len(folds) == 2
    assert all(y[test].any() and y[train].any() for train, test in folds)


def test_a_rare_class_bounds_the_folds_where_the_metric_needs_it() -> None:
    y = np.array([0] * 30 + [1] * 3)
    assert len(split(y, BINARY, metric=METRICS[BINARY])) == 3
    assert len(split(y, BINARY, metric=get_metric("log_loss", BINARY))) == 5
    assert split(np.array([0] * 30 + [1]), BINARY, metric=METRICS[BINARY]) == ()


def test_few_positives_do_not_end_the_search() -> None:
    rng = np.random.default_rng(0)
    y = np.array([0] * 30 + [1] * 3)
    model = MetaLearnClassifier(n_trials=2, families=["linear", "knn"]).fit(rng.normal(size=(33, 2)), y)
    assert np.isfinite(model.best_score_)


def test_fewer_folds_than_were_asked_for_are_told() -> None:
    X, y = np.random.default_rng(0).normal(size=(33, 2)), np.array([0] * 30 + [1] * 3)
    options = {"n_trials": 1, "families": ["linear"]}
    few, none_asked = (MetaLearnClassifier(cv=cv, **options).fit(X, y).recommendation_.notes for cv in (5, None))
    assert any(note.startswith("Of 5 folds asked for 3 could be made") for note in few)
    assert not any("asked for" in note for note in none_asked)
    in_time = tune(X, X[:, 0], time=np.arange(33) // 11, cv=5, **options).recommendation_.notes
    assert any("Of 5 folds asked for 2 could be made" in note for note in in_time)


def test_time_that_is_short_empties_no_small_fold() -> None:
    y = np.arange(60_000, dtype=float)
    pairs = [(np.arange(10, 60_000), np.arange(3)), (np.arange(3, 60_000), np.arange(2))]
    folds = split(y, NUMBERS, metric=METRICS[NUMBERS], cv=pairs, time_budget=1.0)
    assert all(len(test) for _, test in folds)
    assert all(len(train) <= 10_000 for train, _ in folds)


def test_an_estimator_with_a_splitter_is_cloned_and_searched() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    model = MetaLearnClassifier(
        n_trials=2, families=["linear", "knn"], cv=RepeatedStratifiedKFold(n_splits=2, n_repeats=2)
    )
    model = clone(model)
    assert set(model.fit(X, y).leaderboard_["folds"]) <= {1, 2, 3, 4}
    assert model.leaderboard_["folds"].max() == 4


def test_times_less_than_a_second_apart_have_an_order() -> None:
    when = pd.Series(pd.date_range("2025-01-01", periods=60, freq="10ms"), name="t")
    for values in (when, when.astype(str)):
        assert [len(test) for _, test in time_folds(values, 2)] == [20, 20]


def test_r2_needs_two_rows_to_test_on() -> None:
    y = np.arange(30, dtype=float)
    with pytest.raises(InvalidInputError, match="single row to test on"):
        split(y, NUMBERS, metric=METRICS[NUMBERS], cv=LeaveOneOut())
    assert len(split(y, NUMBERS, metric=get_metric("rmse", NUMBERS), cv=LeaveOneOut())) == 30
