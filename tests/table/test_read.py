import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import datasets
from sklearn.utils import Bunch

from metalearn._wording import at_command_line
from metalearn.dataset import Dataset
from metalearn.exceptions import InvalidInputError, MetalearnError, UnknownNameError
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
    with pytest.raises(InvalidInputError, match=r"No target was named.*target='y'"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("absent.csv", None, "no file"),
        ("t.xls", b"x", "not a table that can be read"),
        ("t.xlsx", b"x", "cannot be read"),
        ("empty.csv", b"", "cannot be read"),
        ("head_only.csv", b"a,y\n", "is empty"),
        ("twice.csv", b"a,a,y\n1,2,3\n", r"stand twice in twice.csv: \['a'\]"),
        ("broken.parquet", b"PAR1 and then nothing", "cannot be read"),
        ("binary.csv", bytes(range(128, 256)) * 20, "cannot be read"),
        ("ragged.csv", b"a,y\n1,2\n1,2,3,4\n", r"Row 3 of ragged.csv has 4 values.*in double quotes"),
        ("broken.arff", b"@relation t\n@attribute s strange\n@data\nx\n", "cannot be read"),
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


def _as_arff(frame: pd.DataFrame, path: Path) -> None:
    rows = "\n".join(",".join(map(str, row)) for row in frame.itertuples(index=False))
    head = (
        "@relation t\n@attribute a real\n@attribute b {x,y}\n@attribute d date yyyy-MM-dd\n@attribute y real\n@data\n"
    )
    path.write_text(head + rows + "\n")


def _zst(frame: pd.DataFrame, path: Path) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(frame.to_csv(index=False).encode())


_FORMATS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "t.csv": lambda d, p: d.to_csv(p, index=False),
    "t.tsv": lambda d, p: d.to_csv(p, index=False, sep="\t"),
    "t.csv.gz": lambda d, p: d.to_csv(p, index=False),
    "t.csv.bz2": lambda d, p: d.to_csv(p, index=False),
    "t.csv.xz": lambda d, p: d.to_csv(p, index=False),
    "t.csv.zip": lambda d, p: d.to_csv(p, index=False),
    "t.csv.zst": _zst,
    "t.arff": _as_arff,
    "t.parquet": lambda d, p: d.to_parquet(p),
    "t.feather": lambda d, p: d.to_feather(p),
    "t.jsonl": lambda d, p: d.to_json(p, orient="records", lines=True),
    "t.xlsx": lambda d, p: d.to_excel(p, index=False),
}


@pytest.mark.parametrize("file", _FORMATS)
def test_damaged_files_are_read_or_refused_in_every_format(tmp_path: Path, file: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=30), "b": ["x", "y"] * 15, "d": ["2020-01-02"] * 30, "y": range(30)})
    path = tmp_path / file
    _FORMATS[file](frame, path)
    whole = path.read_bytes()
    assert read_table(path, "y").X.shape == (30, 3)
    refused = []
    for _ in range(40 if file == "t.xlsx" else 150):
        damaged = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at, what = int(rng.integers(len(damaged))), rng.integers(4)
            if what == 0:
                damaged[at] ^= 1 << int(rng.integers(8))
            elif what == 1:
                damaged[at : at + int(rng.integers(1, 20))] = b""
            elif what == 2:
                damaged[at:at] = rng.bytes(int(rng.integers(1, 5)))
            else:
                damaged[at : at + 8] = bytes(8)
            if not damaged:
                break
        path.write_bytes(bytes(damaged))
        try:
            read_table(path, "y")
        except MetalearnError as error:
            refused.append(str(error))
    assert refused
    assert all("Expected" in message or "Available" in message for message in refused)


def test_parquet_with_broken_notes_of_pandas_is_read_or_refused(tmp_path: Path) -> None:
    table = pa.table({"a": [1.0, 2.0], "y": [0, 1]})
    for note in (b"{", b"[]", b'{"index_columns": [5], "columns": 3}', b'{"index_columns": ["gone"], "columns": [{}]}'):
        pq.write_table(table.replace_schema_metadata({b"pandas": note}), tmp_path / "t.parquet")
        with suppress(InvalidInputError):
            assert read_table(tmp_path / "t.parquet", "y").X.shape[0] == 2


def test_parquet_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalearn.table.read.MAX_UNPACKED", 1_000_000)
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, dtype=np.int8)), ["x"])
    pq.write_table(pa.table({f"c{i}": column for i in range(6)}), tmp_path / "t.parquet")
    with pytest.raises(InvalidInputError, match=r"1,000,000 rows, 6 columns.*Expected a table of bearable size"):
        read_table(tmp_path / "t.parquet", "c0")


def test_columns_can_be_left_out(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv", "y", drop=["a"]).X.columns.tolist() == ["b"]
    assert read_table(tmp_path / "t.csv", "y", keep=["a"]).X.columns.tolist() == ["a"]
    with pytest.raises(UnknownNameError, match="Unknown column 'c'"):
        read_table(tmp_path / "t.csv", "y", drop=["c"])
    with pytest.raises(InvalidInputError, match=r"No column is left"):
        read_table(tmp_path / "t.csv", "y", drop=["a", "b"])


def test_likely_targets_are_proposed_and_never_all_columns(tmp_path: Path) -> None:
    wide = pd.DataFrame(0, index=range(3), columns=[*(f"c{i}" for i in range(75)), "Label", "last"])
    wide.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InvalidInputError, match=r"its 77 columns, likely 'Label' or 'last'\. Add it: target='Label'\."):
        read_table(tmp_path / "t.csv")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'c74'\? Available: \['Label', 'last'\]"):
        read_table(tmp_path / "t.csv", "c744")


def test_a_proposed_option_is_quoted_for_the_shell(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,sale price\n1,2\n3,4\n")
    with pytest.raises(InvalidInputError, match=r"--target 'sale price'"), at_command_line():
        read_table(tmp_path / "t.csv")


def test_a_sheet_of_excel_can_be_chosen(tmp_path: Path, frame: pd.DataFrame, caplog: pytest.LogCaptureFixture) -> None:
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        frame.to_excel(book, sheet_name="first", index=False)
        frame.head(5).to_excel(book, sheet_name="second", index=False)
    assert len(read_table(tmp_path / "t.xlsx", "y").X) == len(frame)
    assert "the first of its sheets" in caplog.text
    assert len(read_table(tmp_path / "t.xlsx", "y", sheet="second").X) == 5
    with pytest.raises(UnknownNameError, match="Unknown sheet 'third'"):
        read_table(tmp_path / "t.xlsx", "y", sheet="third")


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_shipped_tables_are_those_of_scikit_learn(name: str) -> None:
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    table = read_table(name)
    pd.testing.assert_frame_equal(table.X, bunch.data, check_exact=True)
    assert list(table.y) == list(bunch.target_names[bunch.target])


def test_a_recommendation_imports_no_scikit_learn(tmp_path: Path) -> None:
    pd.DataFrame({"a": range(40), "b": list("xyzw") * 10, "y": [0, 1] * 20}).to_csv(tmp_path / "t.csv", index=False)
    for source in ("wine", str(tmp_path / "t.csv")):
        code = (
            "import sys, metalearn as ml\nfrom metalearn.table.read import read_table\n"
            f"t = read_table({source!r}, None if {source!r} == 'wine' else 'y')\nml.recommend(t.X, t.y)\n"
            "sys.exit('sklearn' in sys.modules or 'scipy.stats' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "arff", "xlsx"])
@pytest.mark.parametrize("big", [2**63, 2**64 + 1, 2**70, -(2**65)])
def test_whole_numbers_beyond_64_bits_are_numbers_beside_missing_values(tmp_path: Path, ending: str, big: int) -> None:
    keys = [None if i % 5 == 0 else big if i == 3 else i for i in range(40)]
    path = tmp_path / f"t.{ending}"
    if ending in ("csv", "tsv"):
        mark = "," if ending == "csv" else "\t"
        lines = [f"{'' if key is None else key}{mark}{i % 2}" for i, key in enumerate(keys)]
        path.write_text("\n".join([f"id{mark}y", *lines]), encoding="utf-8")
    elif ending == "jsonl":
        path.write_text("\n".join(json.dumps({"id": key, "y": i % 2}) for i, key in enumerate(keys)), encoding="utf-8")
    elif ending == "arff":
        lines = [f"{'?' if key is None else key},{i % 2}" for i, key in enumerate(keys)]
        head = "@relation r\n@attribute id integer\n@attribute y {0,1}\n@data\n"
        path.write_text(head + "\n".join(lines), encoding="utf-8")
    else:
        pd.DataFrame({"id": pd.Series(keys, dtype=object), "y": [i % 2 for i in range(40)]}).to_excel(path, index=False)
    values = read_table(path, "y").X["id"]
    assert list(values.isna()) == [key is None for key in keys]
    assert values.dropna().astype(float).tolist() == pytest.approx([float(k) for k in keys if k is not None], rel=1e-14)
    told = read_table(path, "id")
    data = Dataset.from_data(told.X, told.y, problem_type="regression")
    assert (data.n_rows, data.y.max(), data.y.min()) == (32, pytest.approx(max(big, 39)), pytest.approx(min(big, 1)))


@pytest.mark.parametrize("big", [2**63, 2**70, -(2**65)])
def test_a_target_of_whole_numbers_beyond_64_bits_may_have_missing_values(big: int) -> None:
    target = pd.Series([None if i % 5 == 0 else big if i == 3 else i for i in range(40)], dtype=object)
    data = Dataset.from_data(pd.DataFrame({"a": range(40)}), target, problem_type="regression")
    assert float(big) in set(data.y)
