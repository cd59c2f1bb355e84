from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.utils import Bunch

from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.table.read import SHIPPED, read_frame, read_table


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


def test_whole_numbers_stay_whole_beside_missing_ones(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,1\n2,\n3,2\n4,1\n")
    target = read_table(path, "y").y
    assert target.dropna().tolist() == [1, 2, 1]
    assert pd.api.types.is_integer_dtype(target.dtype)
    path.write_text("a,y\n1,1.5\n2,\n3,2\n4,1\n")
    assert read_table(path, "y").y.dropna().tolist() == [1.5, 2.0, 1.0]


def test_names_of_rows_in_parquet_are_columns_if_they_have_a_name(tmp_path: Path) -> None:
    frame = pd.DataFrame({"town": ["a", "a", "b"], "month": [1, 2, 1], "x": [1.0, 2.0, 3.0]})
    frame.set_index(["town", "month"]).to_parquet(tmp_path / "t.parquet")
    assert read_frame(tmp_path / "t.parquet").columns.tolist() == ["town", "month", "x"]
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_frame(tmp_path / "t.parquet").columns.tolist() == ["town", "month", "x"]
