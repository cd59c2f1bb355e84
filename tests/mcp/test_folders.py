"""What a client may have read, and what it may not."""

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from metalearn.exceptions import InvalidInputError
from metalearn.mcp import folders as module
from metalearn.mcp.folders import Folders


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a table, beside a file that must not be read."""
    (tmp_path / "data").mkdir()
    pd.DataFrame({"a": range(30), "y": [0, 1] * 15}).to_csv(tmp_path / "data" / "t.csv", index=False)
    (tmp_path / "secret.csv").write_text("a,y\n1,2\n", encoding="utf-8")
    return tmp_path / "data"


def test_a_table_is_read_by_relative_and_absolute_path(place: Path) -> None:
    folders = Folders.of([place])
    assert folders.read("t.csv", "y")[0].X.shape == (30, 1)
    assert folders.read(str(place / "t.csv"), "y")[0].X.shape == (30, 1)
    assert folders.read("iris", None)[0].X.shape == (150, 4)


def test_the_working_directory_is_the_default(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    assert Folders.of([]).roots == (place.resolve(),)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "/etc/passwd",
        "/nowhere/at/all.csv",
        "../../../../../../etc/passwd",
        "t.csv/../../secret.csv",
        "link.csv",
        "loop.csv",
        "a\0b.csv",
        "x" * 5_000,
    ],
)
def test_nothing_outside_is_read_and_nothing_is_told_of_it(place: Path, path: str) -> None:
    (place / "link.csv").symlink_to(place.parent / "secret.csv")
    (place / "loop.csv").symlink_to(place / "loop.csv")
    with pytest.raises(InvalidInputError, match=r"outside of the folders|There is no file") as caught:
        Folders.of([place]).read(path, "y")
    assert len(str(caught.value)) < 600


def test_what_is_outside_is_refused_alike_whether_or_not_it_exists(place: Path) -> None:
    said = []
    for path in ("../secret.csv", "../absent.csv"):
        with pytest.raises(InvalidInputError) as caught:
            Folders.of([place]).table(path)
        said.append(str(caught.value).replace(path, ""))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("openml:31", "uses no network"),
        ("https://example.org/t.csv", "There is no file"),
        ("~/t.csv", "There is no file"),
        ("absent.csv", "There is no file"),
        (".", "is no regular file"),
        ("pipe.csv", "is no regular file"),
        ("t.exe", "is not a table that can be read"),
    ],
)
def test_what_is_no_table_is_refused_without_reading_it(place: Path, path: str, said: str) -> None:
    os.mkfifo(place / "pipe.csv")  # who opens it waits for ever
    (place / "t.exe").write_bytes(b"MZ")
    with pytest.raises(InvalidInputError, match=said):
        Folders.of([place]).read(path, "y")


@pytest.mark.parametrize("name", ["noise.csv", "noise.parquet", "noise.csv.gz", "noise.arff"])
def test_binary_files_are_refused(place: Path, name: str) -> None:
    (place / name).write_bytes(bytes(range(256)) * 50)
    with pytest.raises((InvalidInputError, LookupError)) as caught:
        Folders.of([place]).read(name, "y")
    assert len(str(caught.value)) < 5_000


def test_huge_files_are_refused_before_they_are_read(place: Path) -> None:
    with (place / "huge.csv").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with gzip.open(place / "bomb.csv.gz", "wb", compresslevel=1) as packed:
        packed.write(b"0," * 2**21)
    pd.DataFrame({f"c{i}": [0.0] for i in range(20)}).loc[[0] * 20_000].to_parquet(place / "runs.parquet")
    assert (place / "runs.parquet").stat().st_size < 2**20
    for name in ("huge.csv", "bomb.csv.gz", "runs.parquet"):
        with pytest.raises(InvalidInputError, match="holds more than 2 MB"):
            Folders.of([place], max_megabytes=2).table(name)


def test_a_file_that_changes_while_it_is_read_is_not_answered_from(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = module.read_table

    def slow(file: str, target: str | None) -> object:
        found = read(file, target)
        with Path(file).open("a", encoding="utf-8") as more:
            more.write("31,0\n")
        return found

    monkeypatch.setattr(module, "read_table", slow)
    with pytest.raises(InvalidInputError, match="changed while it was read"):
        Folders.of([place]).read("t.csv", "y")


def test_without_a_target_the_columns_are_named(place: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"\['a', 'y'\]\. Give it as target"):
        Folders.of([place]).read("t.csv", None)
    assert Folders.of([place]).columns("t.csv") == {"a": "int64", "y": "int64"}


def test_a_folder_has_to_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is not a folder"):
        Folders.of([tmp_path / "absent"])
