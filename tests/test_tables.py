from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.utils import Bunch

from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.tables import SHIPPED, read_frame, read_table


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=30), "b": rng.choice(["x", "y"], 30), "y": rng.integers(0, 2, 30)})


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_tables_have_their_own_target(name: str) -> None:
    table = read_table(name)
    expected = getattr(datasets, f"load_{name}")(return_X_y=True)[0].shape
    assert table.X.shape == expected
    assert "target" not in table.X
    assert len(table.y) == expected[0]


@pytest.mark.parametrize(
    ("file", "write"),
    [
        ("t.csv", lambda d, p: d.to_csv(p, index=False)),
        ("t.csv.gz", lambda d, p: d.to_csv(p, index=False)),
        ("t.tsv", lambda d, p: d.to_csv(p, index=False, sep="\t")),
        ("semicolons.csv", lambda d, p: d.to_csv(p, index=False, sep=";")),
        ("t.parquet", lambda d, p: d.to_parquet(p)),
    ],
)
def test_files_are_read_by_their_ending(tmp_path: Path, frame: pd.DataFrame, file: str, write: object) -> None:
    write(frame, tmp_path / file)
    table = read_table(tmp_path / file, "y")
    assert list(table.X.columns) == ["a", "b"]
    assert np.allclose(table.X["a"], frame["a"])
    assert table.y.tolist() == frame["y"].tolist()


def test_arff_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.arff"
    path.write_text("@relation t\n@attribute a real\n@attribute c {x,y}\n@data\n1.5,x\n?,y\n2,?\n")
    table = read_table(path, "a")
    assert table.X["c"].tolist()[:2] == ["x", "y"]
    assert table.X["c"].isna().tolist() == [False, False, True]
    assert np.isnan(table.y[1])


def test_an_unknown_target_offers_the_nearest(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.rename(columns={"y": "price"}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UnknownNameError, match="Did you mean 'price'"):
        read_table(tmp_path / "t.csv", "prise")


def test_a_file_needs_a_target(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InvalidInputError, match=r"No target was named.*--target y"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("absent.csv", None, "no file"),
        ("t.xlsx", b"x", "not a table that can be read"),
        ("empty.csv", b"", "cannot be read"),
        ("head_only.csv", b"a,y\n", "is empty"),
        ("twice.csv", b"a,a,y\n1,2,3\n", r"stand twice in twice.csv: \['a'\]"),
        ("broken.parquet", b"PAR1 and then nothing", "cannot be read"),
        ("binary.csv", bytes(range(128, 256)) * 20, "cannot be read"),
        ("ragged.csv", b"a,y\n1,2\n1,2,3,4\n", "cannot be read"),
        ("broken.arff", b"@relation t\n@attribute s string\n@data\nx\n", "cannot be read"),
    ],
)
def test_what_cannot_be_read_gets_a_clear_error(tmp_path: Path, file: str, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(InvalidInputError, match=words):
        read_table(tmp_path / file, "y")


def test_an_unknown_name_offers_the_nearest_shipped_table() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'wine'"):
        read_table("wines")


def test_an_openml_dataset_has_its_own_target(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def recorded(**options: object) -> object:
        """Stand in for the public service: what scikit-learn returns for it."""
        asked.append(options)
        frame = datasets.load_wine(as_frame=True).frame.rename(columns={"target": "class"})
        return Bunch(frame=frame, target_names=["class"])

    monkeypatch.setattr(datasets, "fetch_openml", recorded)
    table = read_table("openml:187")
    assert asked == [{"data_id": 187, "as_frame": True}]
    assert (table.name, table.X.shape, table.y.name) == ("openml:187", (178, 13), "class")


def test_an_openml_dataset_out_of_reach_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**_: object) -> object:
        message = "<urlopen error [Errno -3] Temporary failure in name resolution>"
        raise URLError(message)

    monkeypatch.setattr(datasets, "fetch_openml", offline)
    with pytest.raises(InvalidInputError, match="OpenML dataset 31 cannot be read"):
        read_table("openml:31")
    with pytest.raises(InvalidInputError, match="such as 'openml:31'"):
        read_table("openml:credit-g")


def test_decimal_commas_are_read_beside_semicolons_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t.csv").write_text("a;b;c;d;y\n284669,0;1.234,5;1,5;31.12.2020;1\n-3;;x;01.02.2020;0\n")
    X = read_table(tmp_path / "t.csv", "y").X
    assert X["a"].tolist() == [284669.0, -3.0]
    assert X["b"].tolist()[0] == 1234.5
    assert X["c"].tolist() == ["1,5", "x"]
    assert X["d"].tolist() == ["31.12.2020", "01.02.2020"]
    assert "t.csv: commas were read as decimal points in ['a', 'b']" in caplog.text
    assert read_table(tmp_path / "t.csv", "y", text=["a"]).X["a"].tolist() == ["284669,0", "-3"]


def test_points_separate_thousands_where_commas_are_decimal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t.csv").write_text("a;b;c;d;y\n1,5;1.234;1.234;0.500;1\n2,5;999;1234;1.250;0\n;;-3;0.5;1\n")
    X = read_table(tmp_path / "t.csv", "y").X
    assert X["b"].tolist()[:2] == [1234.0, 999.0]
    assert X["c"].tolist() == [1.234, 1234.0, -3.0]  # one of them has four digits and no point
    assert X["d"].tolist() == [0.5, 1.25, 0.5]
    assert "points were read as separators of thousands in ['b']" in caplog.text
    (tmp_path / "t.csv").write_text("b;y\n1.234;1\n999;0\n")  # nothing tells
    assert read_table(tmp_path / "t.csv", "y").X["b"].tolist() == [1.234, 999.0]


def test_commas_in_a_file_of_commas_stay(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a,y\n"1,5",1\n"2,5",0\n')
    assert read_table(tmp_path / "t.csv", "y").X["a"].tolist() == ["1,5", "2,5"]


def test_a_file_of_windows_is_read_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t.csv").write_bytes("straße,y\nMünchen,1\nKöln,0\n".encode("cp1252"))
    assert read_table(tmp_path / "t.csv", "y").X["straße"].tolist() == ["München", "Köln"]
    assert "save it as UTF-8" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_mark_says_how_a_file_is_encoded(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes("straße\ty\nMünchen\t1\nKöln\t0\n".encode(encoding))
    assert read_table(tmp_path / "t.csv", "y").X["straße"].tolist() == ["München", "Köln"]


def test_other_encodings_are_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("straße,y\nMünchen,1\nKöln,0\n".encode("utf-16-le"))
    with pytest.raises(InvalidInputError, match="Save it as UTF-8"):
        read_table(tmp_path / "t.csv", "y")


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_separator_at_the_end_of_every_line_shifts_no_column(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,0,\n2,1,\n3,0,\n".replace(",", separator))
    assert read_frame(path).to_dict("list") == {"a": [1, 2, 3], "y": [0, 1, 0]}


def test_names_of_rows_are_no_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\nfirst,1,0\nsecond,2,1\n")
    assert read_frame(path).to_dict("list") == {"a": [1, 2], "y": [0, 1]}


def test_whole_numbers_stay_whole_beside_missing_ones(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,1\n2,\n3,2\n4,1\n")
    target = read_table(path, "y").y
    assert target.dropna().tolist() == [1, 2, 1]
    assert pd.api.types.is_integer_dtype(target.dtype)
    path.write_text("a,y\n1,1.5\n2,\n3,2\n4,1\n")
    assert read_table(path, "y").y.dropna().tolist() == [1.5, 2.0, 1.0]


def test_the_separator_that_a_first_line_names_is_taken(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sep=;\na;y\n1,5;0\n2,5;1\n", encoding="utf-8")
    assert read_frame(tmp_path / "t.csv").to_dict("list") == {"a": [1.5, 2.5], "y": [0, 1]}


@pytest.mark.parametrize("title", ["Houses 2024;;", "# exported on Monday"])
def test_a_title_above_the_names_is_told(tmp_path: Path, title: str) -> None:
    (tmp_path / "t.csv").write_text(f"{title}\na;b;y\n1;2;0\n2;3;1\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="looks like a title"):
        read_frame(tmp_path / "t.csv")


def test_names_of_rows_in_parquet_are_columns_if_they_have_a_name(tmp_path: Path) -> None:
    frame = pd.DataFrame({"town": ["a", "a", "b"], "month": [1, 2, 1], "x": [1.0, 2.0, 3.0]})
    frame.set_index(["town", "month"]).to_parquet(tmp_path / "t.parquet")
    assert read_frame(tmp_path / "t.parquet").columns.tolist() == ["town", "month", "x"]
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_frame(tmp_path / "t.parquet").columns.tolist() == ["town", "month", "x"]


def test_words_for_missing_values_stay_where_they_are_known(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("region,x\nNA,NA\nEU,1\n,2\n", encoding="utf-8")
    found = read_frame(tmp_path / "t.csv", text={"region": ["NA", "EU"]})
    assert found["region"].fillna("missing").tolist() == ["NA", "EU", "missing"]
    assert found["x"].isna().tolist() == [True, False, False]


def test_points_before_three_digits_separate_thousands_where_no_number_has_other_digits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sold = rng.integers(100, 9_999, 200)
    written = [f"{n:,}".replace(",", ".") for n in sold]
    frame = pd.DataFrame({"sold": written, "weight": [f"{w:.3f}" for w in rng.uniform(1, 9, 200)], "y": sold % 2})
    frame.to_csv(tmp_path / "t.csv", sep=";", index=False)
    found = read_frame(tmp_path / "t.csv")
    assert found["sold"].tolist() == sold.tolist()
    assert found["weight"].max() < 9
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert read_frame(tmp_path / "t.csv")["sold"].min() < 10
