from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metalearn.exceptions import InvalidInputError
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
