from pathlib import Path

import pandas as pd
import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.table.read import read_frame


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    (tmp_path / "t.arff").write_bytes(text.encode(encoding))
    return read_frame(tmp_path / "t.arff")


@pytest.mark.parametrize(
    ("attributes", "row", "expected"),
    [
        ("@attribute a real\n@attribute c { x, 'y z' ,w}", "1.5,'y z'", {"a": [1.5], "c": ["y z"]}),
        ("@attribute s string\n@attribute c {x,y}", "'hello, world',x", {"s": ["hello, world"], "c": ["x"]}),
        ('@attribute "a b" real\n@attribute c {x,y}', "1.5,x", {"a b": [1.5], "c": ["x"]}),
        (
            "@attribute a real\n@attribute b real\n@attribute c {x,y}",
            "{1 2.5, 2 y}",
            {"a": [0], "b": [2.5], "c": ["y"]},
        ),
        ("@attribute a real\n@attribute c {'x, 1',y}", "1.5,'x, 1'", {"a": [1.5], "c": ["x, 1"]}),
        ("@attribute a real % the a\n@attribute c {x,y} % and c", "1.5,x % a row", {"a": [1.5], "c": ["x"]}),
        ("@attribute größe real\n@attribute c {ä,y}", "1.5,ä", {"größe": [1.5], "c": ["ä"]}),
        ("@attribute s string\n@attribute c {'it\\'s',y}", "'don\\'t','it\\'s'", {"s": ["don't"], "c": ["it's"]}),
        ("@ATTRIBUTE\ta\tINTEGER\n@ATTRIBUTE c\t{x,y}", "1,x", {"a": [1], "c": ["x"]}),
        ("@attribute a numeric [0,1]\n@attribute c {x,y}", "1,x,{5}", {"a": [1], "c": ["x"]}),
        ("@attribute c {'10%','20%'}\n@attribute 'it\\'s' real", "'10%',1", {"c": ["10%"], "it's": [1]}),
    ],
)
def test_what_weka_writes_is_read(tmp_path: Path, attributes: str, row: str, expected: dict[str, list[object]]) -> None:
    found = read(tmp_path, f"% a comment\n@relation 'my table'\n\n{attributes}\n@data\n{row}\n")
    assert found.to_dict("list") == expected


@pytest.mark.parametrize(
    ("form", "value", "day"),
    [
        ("", "2020-03-04T05:06:07", "2020-03-04 05:06:07"),
        (" 'yyyy-MM-dd'", "2020-03-04", "2020-03-04"),
        (' "dd.MM.yyyy HH:mm"', "'04.03.2020 05:06'", "2020-03-04 05:06"),
        (" yyyy-MM-dd'T'HH:mm:ss", "2020-03-04T05:06:07", "2020-03-04 05:06:07"),
    ],
)
def test_dates_are_times(tmp_path: Path, form: str, value: str, day: str) -> None:
    found = read(tmp_path, f"@relation t\n@attribute d date{form}\n@attribute a real\n@data\n{value},1\n?,2\n")
    assert found["d"].tolist()[0] == pd.Timestamp(day)
    assert found["d"].isna().tolist() == [False, True]


def test_values_are_missing_and_levels_keep_their_order(tmp_path: Path) -> None:
    found = read(tmp_path, "@relation t\n@attribute a integer\n@attribute c {z,x}\n@data\n?,x\n3,?\n")
    assert found["a"].isna().tolist() == [True, False]
    assert found["c"].cat.categories.tolist() == ["z", "x"]


def test_other_encodings_are_read_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read(tmp_path, "@relation t\n@attribute größe real\n@data\n1\n", "cp1252").columns.tolist() == ["größe"]
    assert "save it as UTF-8" in caplog.text


@pytest.mark.parametrize("declared", ["@attribute r relational", "@attribute d date 'QQ'", "@end r", "@attribute a {x"])
def test_what_is_not_understood_is_refused(tmp_path: Path, declared: str) -> None:
    with pytest.raises(InvalidInputError, match=r"Expected .*\. "):
        read(tmp_path, f"@relation t\n{declared}\n@attribute a real\n@data\n1,2\n")
