import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.table import packed
from metalearn.table.read import read_frame, read_table


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


def test_a_doubt_about_points_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t.csv").write_text("b;c;d;y\n1.234;1.234;0.5;1\n999;2.5;1.250;0\n")
    found = read_table(tmp_path / "t.csv", "y").X
    assert found["b"].tolist() == [1.234, 999.0]
    assert "read as decimal points in ['b'], though" in caplog.text


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


def test_the_separator_that_a_first_line_names_is_taken(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sep=;\na;y\n1,5;0\n2,5;1\n", encoding="utf-8")
    assert read_frame(tmp_path / "t.csv").to_dict("list") == {"a": [1.5, 2.5], "y": [0, 1]}


@pytest.mark.parametrize("title", ["Houses 2024;;", "# exported on Monday"])
def test_a_title_above_the_names_is_told(tmp_path: Path, title: str) -> None:
    (tmp_path / "t.csv").write_text(f"{title}\na;b;y\n1;2;0\n2;3;1\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="looks like a title"):
        read_frame(tmp_path / "t.csv")


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


def read(tmp_path: Path, text: str, name: str = "t.csv", **options: object) -> pd.DataFrame:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    return read_frame(tmp_path / name, **options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,price,y\n7,1,107,1\n8,2,300,0\n", "Row 2 of t.csv has 4 values.*Is '1,107' one number"),
        ("id,price,y\n7,950,1\n8,2,300,0\n", "Row 3 of t.csv has 4 values.*Is '2,300' one number"),
        ("id,price,y\n1,1,107,1\n2,2,300,0\n3,4,500,0\n", "Is '1,107' one number"),
        ("a,y\n1,2,3,4\n1,2,3,4\n", "Row 2 of t.csv has 4 values.*2 names"),
        ("a,y\n1,2\n" * 1 + "1,2\n" * 300 + "1,2,3\n", "Row 303 of t.csv has 3 values"),
        ("text,y\nwell, yes,1\nno,0\n", "Row 2.*in double quotes"),
        ("a;y\n1;2;x\n1;2\n", "Row 2.*hold a semicolon"),
        ("a,y\nfirst,1,0\nfirst,2,1\n", "Row 2"),
    ],
)
def test_surplus_values_are_refused_with_the_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read(tmp_path, text)


def test_numbers_of_rows_as_r_writes_them_are_no_column(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read(tmp_path, '"a","y"\n"1",5.5,0\n"2",6.5,1\n').to_dict("list") == {"a": [5.5, 6.5], "y": [0, 1]}
    assert "read as the name of the row" in caplog.text


def test_separators_behind_some_lines_are_no_values(tmp_path: Path) -> None:
    assert read(tmp_path, "a,y\n1,2\n3,4,,\n").to_dict("list") == {"a": [1, 3], "y": [2, 4]}
    assert read(tmp_path, "a,y,\n1,2,\n3,4,\n").to_dict("list") == {"a": [1, 3], "y": [2, 4]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"name", "y"\n1, "a, b"\n2, "c"\n', "a, b"),
        ('name,y\n1,"say \\"a, b\\" now"\n2,"c"\n', 'say "a, b" now'),
        ('name,y\n1,"say ""a, b"" now"\n2,"c"\n', 'say "a, b" now'),
        ('name,y\n1,"C:\\dir\\"\n2,"c"\n', "C:\\dir\\"),
    ],
)
def test_quotes_are_read_as_they_were_written(tmp_path: Path, text: str, value: str) -> None:
    found = read(tmp_path, text)
    assert found.columns.tolist() == ["name", "y"]
    assert found["y"].tolist() == [value, "c"]


@pytest.mark.parametrize("mark", [";", "\t", "|", ","])
@pytest.mark.parametrize(
    "cell", ["[1, 2, 3]", "(1, 2)", '{"a": 1, "b": [2, 3]}', "One sentence, with commas; and more, of these", "x,y,z"]
)
def test_the_separator_is_that_of_the_names(tmp_path: Path, mark: str, cell: str) -> None:
    frame = pd.DataFrame({"id": range(30), "cell": [cell] * 30, "y": [0, 1] * 15})
    frame.to_csv(tmp_path / "t.csv", sep=mark, index=False)
    assert read_frame(tmp_path / "t.csv").to_dict("list") == frame.to_dict("list")


@pytest.mark.parametrize("cell", ["[1, 2, 3]", "one, two; three"])
def test_cells_without_quotes_do_not_hide_the_separator(tmp_path: Path, cell: str) -> None:
    text = "id\tcell\ty\n" + f"1\t{cell}\t0\n" * 30
    assert read(tmp_path, text, "t.tsv")["cell"].tolist() == [cell] * 30
    assert read(tmp_path, text, "t.csv")["cell"].tolist() == [cell] * 30


def test_a_single_column_of_sentences_is_one(tmp_path: Path) -> None:
    text = "review\nGood, and cheap\n\nBad\nNA\nSlow, late, cold\n"
    assert read(tmp_path, text)["review"].fillna("-").tolist() == [
        "Good, and cheap",
        "-",
        "Bad",
        "-",
        "Slow, late, cold",
    ]


def test_names_may_have_line_breaks_and_spaces(tmp_path: Path) -> None:
    found = read(tmp_path, '"Price\n(EUR)", "Sex" ,y\n1,a,0\n2,b,1\n3,c,1\n')
    assert found.columns.tolist() == ["Price\n(EUR)", "Sex", "y"]


@pytest.mark.parametrize(
    "text", ["a b y\n1 2.5 x\n3 4.5 z\n", "a   b  y\n1   2.5  x\n3   4.5  z\n", " a b y\n 1 2.5 x\n 3 4.5 z\n"]
)
def test_spaces_may_separate_values(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    found = read(tmp_path, text, "t.txt")
    assert found.to_dict("list") == {"a": [1, 3], "b": [2.5, 4.5], "y": ["x", "z"]}
    assert "separated by spaces" in caplog.text


def test_a_single_column_of_names_is_not_split_at_spaces(tmp_path: Path) -> None:
    assert read(tmp_path, "full name\nJohn Smith\nAda Byron\n")["full name"].tolist() == ["John Smith", "Ada Byron"]


IRIS = "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n6.1,2.9,Iris-virginica\n5.5,3.1,Iris-virginica\n"


@pytest.mark.parametrize(
    "text", [IRIS, "1,0,0\n2,1,0\n3,1,1\n", "p,x,s\nx,p,s\np,x,t\nx,x,s\n", "0.5,1\n0.1,2\n0.3,1\n"]
)
def test_a_first_line_of_data_is_noticed(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"looks like data.*header=False.*names="):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "0,1,2,target\n0.5,1,2,0\n0.1,2,1,1\n",
        "0,1,2\n5,7,9\n5,8,9\n",
        "country,1990,1991\nA,5,6\nB,7,8\n",
        "year,town\n1,a\n2,b\n",
        "name,town\na,b\nc,d\n",
    ],
)
def test_names_that_are_numbers_are_names(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).shape[0] == 2


def test_a_header_can_be_told_or_given(tmp_path: Path) -> None:
    assert read(tmp_path, IRIS, header=False).columns.tolist() == ["x0", "x1", "x2"]
    named = read(tmp_path, IRIS, names=("a", "b", "kind"))
    assert (named.columns.tolist(), len(named)) == (["a", "b", "kind"], 4)
    assert len(read(tmp_path, IRIS, header=True)) == 3
    assert read(tmp_path, "a,b\n1,2\n", names=("c", "d"), header=True).to_dict("list") == {"c": [1], "d": [2]}
    with pytest.raises(InvalidInputError, match="3 columns, but 2 names"):
        read(tmp_path, IRIS, names=("a", "b"))


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip", "zst"])
def test_compressed_files_are_read(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5], "y": ["x", "z"]})
    path = tmp_path / f"t.csv.{ending}"
    if ending == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(frame.to_csv(index=False).encode())
    else:
        frame.to_csv(path, index=False)
    assert read_frame(path).to_dict("list") == frame.to_dict("list")


def test_what_unpacks_to_more_than_it_may_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_UNPACKED", 1_000_000)
    with gzip.open(tmp_path / "t.csv.gz", "wb") as file:
        file.write(b"a,y\n" + b"1,0\n" * 1_000_000)
    with pytest.raises(InvalidInputError, match=r"unpacks to more than 1,000,000.*unpack it first"):
        read_frame(tmp_path / "t.csv.gz")
