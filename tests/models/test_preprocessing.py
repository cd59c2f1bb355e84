import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.preprocessing import TargetEncoder

from metalearn.exceptions import InvalidInputError
from metalearn.models.preprocessing import QuietTargetEncoder, TableCleaner, dense_preprocessing, tree_preprocessing
from metalearn.table.schema import is_date_text
from metalearn.task import ProblemType


def test_the_cleaner_makes_numbers_and_codes_of_everything(messy_table: pd.DataFrame) -> None:
    clean = TableCleaner().fit(messy_table).transform(messy_table)
    assert {str(dtype) for dtype in clean.drop(columns="text.text").dtypes} == {"float64", "int32"}
    assert {"constant", "empty", "empty_object"}.isdisjoint(clean.columns)
    assert not np.isinf(clean.select_dtypes("float64")).any(axis=None)
    assert list(TableCleaner().fit(messy_table).get_feature_names_out()) == list(clean.columns)


def test_unseen_and_missing_categories_are_minus_one() -> None:
    cleaner = TableCleaner().fit(pd.DataFrame({"c": ["x", "y", None]}))
    assert cleaner.transform(pd.DataFrame({"c": ["y", "new", None, "x"]}))["c"].tolist() == [1, -1, -1, 0]


def test_a_category_is_the_same_as_text_and_as_a_category() -> None:
    cleaner = TableCleaner().fit(pd.DataFrame({"c": pd.Categorical([2, 10, 2])}))
    assert cleaner.transform(pd.DataFrame({"c": ["10", "2"]}))["c"].tolist() == [
        *cleaner.transform(pd.DataFrame({"c": pd.Categorical([10, 2])}))["c"]
    ]


def test_ordered_categories_keep_their_order() -> None:
    sizes = pd.Categorical(["small", "large", "middle"], ["small", "middle", "large"], ordered=True)
    clean = TableCleaner().fit_transform(pd.DataFrame({"size": sizes}))
    assert clean["size"].tolist() == [0, 2, 1]


def test_dates_become_their_parts() -> None:
    clean = TableCleaner().fit_transform(pd.DataFrame({"d": ["2024-02-29", None, "2024-03-01"]}))
    assert clean["d.month"].tolist()[::2] == [2, 3]
    assert np.isnan(clean["d.days"][1])
    assert clean["d.days"][2] - clean["d.days"][0] == 1


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d"])
def test_dates_of_other_formats_become_the_same_parts(form: str) -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=60))
    cleaner = TableCleaner().fit(pd.DataFrame({"d": days.dt.strftime(form)}))
    expected = TableCleaner().fit_transform(pd.DataFrame({"d": days}))
    assert cleaner.transform(pd.DataFrame({"d": days.dt.strftime(form)})).equals(expected)
    few = pd.DataFrame(
        {"d": days[33:35].dt.strftime(form).reset_index(drop=True)}
    )  # 3 and 4 February: either order fits
    assert cleaner.transform(few)["d.month"].tolist() == [2, 2]
    assert cleaner.transform(pd.DataFrame({"d": ["2024-02-03"]}))["d.month"].tolist() == [2]


def test_an_ambiguous_order_of_day_and_month_is_refused_where_nothing_tells_it() -> None:
    cleaner = TableCleaner().fit(pd.DataFrame({"d": pd.date_range("2024-01-01", periods=60)}))
    with pytest.raises(InvalidInputError, match=r"'d' held dates .* text such as '03/02/2024'"):
        cleaner.transform(pd.DataFrame({"d": ["03/02/2024"]}))


@pytest.mark.parametrize("day", ["0000-00-00", "2020-02-30"])
def test_a_day_that_does_not_exist_is_missing_alone_as_among_others(day: str) -> None:
    dates = pd.DataFrame({"d": [*pd.date_range("2020-01-01", periods=20).astype(str), day]})
    cleaner = TableCleaner().fit(dates)
    alone = cleaner.transform(dates.tail(1))
    assert alone.isna().all(axis=None)
    assert alone.equals(cleaner.transform(dates).tail(1).reset_index(drop=True))


@pytest.mark.parametrize(("form", "day"), [("%d.%m.%Y", "31.02.2020"), ("%m/%d/%Y", "13/13/2020")])
def test_a_day_that_does_not_exist_is_missing_in_any_format(form: str, day: str) -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=60)).dt.strftime(form)
    cleaner = TableCleaner().fit(pd.DataFrame({"d": days}))
    assert cleaner.transform(pd.DataFrame({"d": [day]})).isna().all(axis=None)


def test_an_absent_column_is_named() -> None:
    cleaner = TableCleaner().fit(pd.DataFrame({"a": [1, 2], "b": [3, 4]}))
    with pytest.raises(ValueError, match=r"columns \['b'\] are absent"):
        cleaner.transform(pd.DataFrame({"a": [1]}))


PERSONS = pd.DataFrame(
    {
        "zip": ["01067", "10115", "20095"],
        "town": ["Dresden", "Berlin", "Ulm"],
        "paid": ["TRUE", "FALSE", "TRUE"],
        "note": [f"a sentence long enough to be read as a text, number {i}" for i in range(3)],
        "size": [1.5, 2.5, 3.5],
        "flag": [True, False, True],
        "born": ["2001-01-01", "2002-02-02", "2003-03-03"],
    }
)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"zip": [1067, 10115, 20095]},
            "'zip' held text such as '01067' .* now it holds numbers such as '1067'.*dtype=",
        ),
        ({"zip": pd.Categorical([1067, 10115, 20095])}, "'zip' held text such as '01067'"),
        ({"town": [1, 2, 3]}, "'town' held text such as 'Berlin' .* numbers such as '1'"),
        ({"town": pd.to_datetime(["2020-01-01"] * 3)}, "'town' held text .* now it holds dates"),
        ({"paid": [True, False, True]}, "'paid' held text .* now it holds truth values"),
        ({"note": [1, 2, 3]}, "'note' held text .* now it holds numbers"),
        ({"size": ["small", "large", None]}, "'size' held numbers .* now it holds text such as 'small'"),
        ({"size": pd.to_datetime(["2020-01-01"] * 3)}, "'size' held numbers .* now it holds dates"),
        ({"flag": ["yes", "no", "no"]}, "'flag' held numbers .* now it holds text such as 'yes'"),
        ({"born": [2001, 2002, 2003]}, "'born' held dates .* now it holds numbers such as '2001'"),
        ({"born": ["soon", "late", None]}, "'born' held dates .* now it holds text such as 'soon'"),
    ],
)
def test_a_column_of_another_kind_than_in_fitting_is_refused(changed: dict[str, object], words: str) -> None:
    cleaner = TableCleaner().fit(PERSONS)
    with pytest.raises(InvalidInputError, match=words):
        cleaner.transform(PERSONS.assign(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        dict.fromkeys(PERSONS, np.nan),
        {"zip": [10115, 20095, 10115]},
        {"town": ["Paris", None, "Rome"]},
        {"size": ["1.5", "two", None]},
        {"flag": [0.0, 1.0, np.nan]},
        {"born": pd.to_datetime(["2020-01-01"] * 3)},
    ],
)
def test_what_can_be_read_as_in_fitting_is_taken(changed: dict[str, object]) -> None:
    TableCleaner().fit(PERSONS).transform(PERSONS.assign(**changed))


@pytest.mark.parametrize("values", [["1", "2", "10"], [1, 2, 10], [1.0, 2.0, 10.0]])
def test_numbers_as_categories_are_known_by_their_value(values: list[object]) -> None:
    cleaner = TableCleaner().fit(pd.DataFrame({"c": pd.Categorical(values)}))
    known = cleaner.transform(pd.DataFrame({"c": pd.Categorical(values)}))["c"].tolist()
    assert cleaner.transform(pd.DataFrame({"c": [1, 2, 10]}))["c"].tolist() == known
    assert cleaner.transform(pd.DataFrame({"c": [1, 2, np.nan, 3.0]}))["c"].tolist() == [*known[:2], -1, -1]


def test_the_cleaner_knows_which_columns_must_stay_text() -> None:
    cleaner = TableCleaner().fit(PERSONS.assign(grade=["1", "2", "3"]))
    assert sorted(cleaner.text_columns()) == ["note", "paid", "town", "zip"]


def test_a_table_of_constants_still_gives_a_column() -> None:
    assert TableCleaner().fit_transform(pd.DataFrame({"a": [1, 1]})).shape == (2, 1)


@pytest.mark.parametrize("problem_type", ProblemType)
def test_dense_preprocessing_leaves_no_gap(
    problem_type: ProblemType, messy_table: pd.DataFrame, three_classes: np.ndarray
) -> None:
    y = {ProblemType.REGRESSION: np.arange(120), ProblemType.BINARY: three_classes == "one"}.get(
        problem_type, three_classes
    )
    out = dense_preprocessing(problem_type).fit(messy_table, y).transform(messy_table)
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 50


def test_a_whole_number_target_of_regression_is_not_taken_for_classes(messy_table: pd.DataFrame) -> None:
    y = np.arange(120) * 1.0
    assert tree_preprocessing(ProblemType.REGRESSION).fit(messy_table, y).transform(messy_table).shape[1] < 40


@pytest.mark.filterwarnings("ignore:.*random_state:FutureWarning")  # newer versions take the folds instead
def test_rare_classes_are_encoded_without_a_warning_as_by_scikit_learn(
    messy_table: pd.DataFrame, three_classes: np.ndarray
) -> None:
    y = np.where(np.arange(120) == 7, "single", three_classes)
    levels = messy_table[["many_levels"]].to_numpy()
    quiet = QuietTargetEncoder(target_type="multiclass", random_state=0).fit_transform(levels, y)
    with pytest.warns(UserWarning, match="least populated class"):
        expected = TargetEncoder(target_type="multiclass", random_state=0).fit_transform(levels, y)
    assert np.array_equal(quiet, expected)


@pytest.mark.parametrize("per_class", [2, 3])
def test_many_levels_are_encoded_where_no_class_has_a_row_for_each_fold(per_class: int) -> None:
    X = pd.DataFrame({"a": np.arange(60.0), "key": [f"k{i}" for i in range(60)]})
    y = np.repeat(np.arange(60 // per_class), per_class)
    for preprocessing in (tree_preprocessing, dense_preprocessing):
        assert np.isfinite(preprocessing(ProblemType.MULTICLASS).fit_transform(X, y)).all(axis=None)


def test_iso_dates_of_any_length_are_read_whatever_stands_beside_them() -> None:
    dates = pd.DataFrame({"d": ["2020-01-01", "2020-01-02 12:00:00", "2020-01-03T00:00:00.500000"] * 4})
    cleaner = TableCleaner().fit(dates)
    together = cleaner.transform(dates)
    assert together["d.days"].head(2).tolist() == [18262.0, 18263.5]
    alone = [cleaner.transform(dates.iloc[[i]])["d.days"].item() for i in range(3)]
    assert alone == together["d.days"].head(3).tolist()


def test_dates_with_spaces_about_them_are_read() -> None:
    dates = pd.DataFrame({"d": [" 31.12.2020", "01.02.2021 "] * 6})
    assert TableCleaner().fit_transform(dates)["d.days"].head(2).tolist() == [18627.0, 18659.0]


def test_a_date_that_never_comes_spoils_nothing() -> None:
    ends = pd.DataFrame({"until": ["9999-12-31", "2024-05-01", "2024-05-02"] * 4})
    days = TableCleaner().fit_transform(ends)["until.days"]
    assert days.iloc[1:3].tolist() == [19844.0, 19845.0]


def test_a_column_keeps_its_name_beside_the_parts_of_a_date() -> None:
    table = pd.DataFrame({"d": pd.date_range("2020-01-01", periods=9), "d.days": np.arange(9.0)})
    found = TableCleaner().fit_transform(table)
    assert found["d.days"].tolist() == list(range(9))
    assert found["d..days"].iloc[0] == 18262
    assert TableCleaner().fit(table).get_feature_names_out().tolist() == found.columns.tolist()


@pytest.mark.parametrize("make", [tree_preprocessing, dense_preprocessing])
def test_numbers_beyond_float32_are_brought_in(make: object) -> None:
    table = pd.DataFrame({"a": [1e39, -1e300, 1.0, 2.0] * 5})
    found = np.asarray(make(ProblemType.BINARY).fit_transform(table, [0, 1] * 10), dtype=np.float32)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("form", ["pandas", "polars", "default"])
@pytest.mark.parametrize("make", [tree_preprocessing, dense_preprocessing])
def test_the_form_of_output_that_is_configured_changes_nothing(
    messy_table: pd.DataFrame, make: object, form: str
) -> None:
    y = np.arange(len(messy_table)) % 2
    usual = make(ProblemType.BINARY).fit_transform(messy_table, y)
    with sklearn.config_context(transform_output=form):
        assert np.array_equal(make(ProblemType.BINARY).fit_transform(messy_table, y), usual, equal_nan=True)


def test_many_levels_are_encoded_where_a_fold_has_but_two_of_several_classes() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"c": [f"k{i}" for i in rng.integers(0, 40, 300)]})
    preprocessing = tree_preprocessing(ProblemType.MULTICLASS).fit(table, np.arange(300) % 2)
    assert preprocessing.transform(table).shape == (300, 1)
    assert preprocessing.fit(table, np.arange(300) % 3).transform(table).shape == (300, 3)


def test_sparse_tables_are_taken() -> None:
    X = sparse.random(40, 6, 0.3, format="csr", random_state=0)
    assert np.array_equal(TableCleaner().fit_transform(X), TableCleaner().fit_transform(X.toarray()))


def test_text_that_no_encoding_holds_is_a_level_and_has_a_length() -> None:
    half = "\ud800"
    levels = pd.DataFrame({"c": pd.Series([half, "a", None, half], dtype=object)})
    assert TableCleaner().fit_transform(levels)["c"].tolist() == [1, 0, -1, 1]
    notes = pd.DataFrame({"n": pd.Series([half * 50, half * 60, half * 70, None], dtype=object)})
    assert TableCleaner().fit_transform(notes)["n.characters"].tolist() == [50, 60, 70, 0]


@pytest.mark.parametrize("dtype", ["duration[us][pyarrow]", object])
def test_durations_are_numbers_whatever_holds_them(dtype: object) -> None:
    spans = pd.DataFrame({"d": pd.to_timedelta([1, 2, None, 90], unit="s")})
    other = spans.astype(dtype)
    expected = TableCleaner().fit_transform(spans)
    assert TableCleaner().fit(spans).transform(other).equals(expected)
    assert TableCleaner().fit(other).transform(spans).equals(expected)


@pytest.mark.parametrize("make", [tree_preprocessing, dense_preprocessing])
def test_tables_of_other_libraries_keep_their_names(make: object) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60), "c": list("xyz") * 20})
    day = pl.DataFrame({"d": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 2, 29), eager=True)})
    frame = pl.concat([frame, day], how="horizontal")
    y = np.arange(60) % 2
    fitted = make(ProblemType.BINARY).fit(frame, y)  # type: ignore[operator]
    assert np.array_equal(fitted.transform(frame), fitted.transform(frame.select("d", "c", "b", "a")))
    assert np.array_equal(fitted.transform(frame), fitted.transform(frame.to_pandas()))


@pytest.mark.parametrize(
    "X", [np.arange(60.0), pd.Series(np.arange(60.0)), np.ones(60, dtype=[("a", float), ("b", int)])]
)
def test_what_is_recommended_for_can_be_fitted(X: object) -> None:
    assert len(tree_preprocessing(ProblemType.BINARY).fit_transform(X, np.arange(60) % 2)) == 60


@pytest.mark.parametrize("transform", ["default", "pandas", "polars"])
@pytest.mark.parametrize("make", [tree_preprocessing, dense_preprocessing])
def test_any_form_of_output_can_be_asked_for(make: object, transform: str, messy_table: pd.DataFrame) -> None:
    y = np.arange(120) % 2
    usual = make(ProblemType.BINARY).fit(messy_table, y).transform(messy_table)  # type: ignore[operator]
    asked = make(ProblemType.BINARY).set_output(transform=transform).fit(messy_table, y).transform(messy_table)  # type: ignore[operator]
    assert np.allclose(np.asarray(asked, dtype=float), usual, equal_nan=True)


@pytest.mark.parametrize(
    ("levels", "now", "held"),
    [
        (["1st", "2nd", "3rd"], ["1", "2"], "numbers"),
        (["low", "high"], ["2020-01-02"], "dates"),
        (["yes", "no"], ["True", "False"], "truth values"),
    ],
)
def test_text_of_another_kind_than_in_fitting_is_refused_as_the_values_are(
    levels: list[str], now: list[str], held: str
) -> None:
    cleaner = TableCleaner().fit(pd.DataFrame({"c": levels * 10}))
    with pytest.raises(InvalidInputError, match=f"held text such as .*, but now it holds {held}"):
        cleaner.transform(pd.DataFrame({"c": now}))
    assert cleaner.transform(pd.DataFrame({"c": [now[0], "new"]}))["c"].tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("written", "days"),
    [
        (["1949-01", "1949-02"], ["1949-01-01", "1949-02-01"]),
        (["2021-W11", "2021-W53"], ["2021-03-15", None]),
        (["2021W11", "2021-W12-3"], ["2021-03-15", "2021-03-24"]),
        (["2021-Q1", "2021Q4"], ["2021-01-01", "2021-10-01"]),
    ],
)
def test_months_weeks_and_quarters_are_dates(written: list[str], days: list[str | None]) -> None:
    table = pd.DataFrame({"when": written * 5})
    found = TableCleaner().fit(table).transform(table)["when.days"].tolist()[:2]
    expected = [np.nan if day is None else (pd.Timestamp(day) - pd.Timestamp(0)).days for day in days]
    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize("written", ["2020-21", "2020-13", "2021-Q", "1234-05-6", "0012-05"])
def test_what_only_resembles_a_month_is_no_date(written: str) -> None:
    assert not is_date_text(written)


def test_an_empty_table_with_text_keeps_its_columns() -> None:
    table = pd.DataFrame({"t": [f"word{i % 7} and number{i} " * 3 for i in range(60)], "a": range(60)})
    prepare = tree_preprocessing(ProblemType.BINARY).fit(table, [0, 1] * 30)
    assert prepare.transform(table.head(0)).shape == (0, prepare.transform(table).shape[1])
