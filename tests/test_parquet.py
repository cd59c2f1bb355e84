from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metalearn._parquet import read_bounded


def written(folder: Path, texts: list[str]) -> Path:
    pq.write_table(pa.table({"text": texts, "number": [7] * len(texts)}), folder / "t.parquet")
    return folder / "t.parquet"


def test_a_table_comes_back_with_its_dictionaries(tmp_path: Path) -> None:
    texts = ["a", "b", "a", "", "c"]
    table = read_bounded(written(tmp_path, texts), max_bytes=1000, max_rows=5, max_columns=2)
    assert pa.types.is_dictionary(table["text"].type)
    assert table["text"].to_pylist() == texts
    assert table["number"].to_pylist() == [7] * 5


def test_one_long_text_among_many_rows_is_no_bomb(tmp_path: Path) -> None:
    texts = ["x" * 5000, *["short"] * 9_999]
    limit = 10_000 * 8 + 10_000 // 8 + sum(map(len, texts))  # numbers, which of them are known, letters
    assert len(texts) * 5000 > limit
    file = written(tmp_path, texts)
    assert len(read_bounded(file, max_bytes=limit, max_rows=10_000, max_columns=2)) == 10_000
    with pytest.raises(ValueError, match=f"unpacks to {limit} bytes"):
        read_bounded(file, max_bytes=limit - 1, max_rows=10_000, max_columns=2)


@pytest.mark.parametrize(("max_rows", "max_columns"), [(2, 2), (3, 1)])
def test_too_many_rows_or_columns_are_refused(tmp_path: Path, max_rows: int, max_columns: int) -> None:
    with pytest.raises(ValueError, match="3 rows and 2 columns"):
        read_bounded(written(tmp_path, ["a", "b", "c"]), max_bytes=1000, max_rows=max_rows, max_columns=max_columns)


def test_texts_without_a_value_take_no_room(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.nulls(4, pa.string())}), tmp_path / "t.parquet")
    found = read_bounded(tmp_path / "t.parquet", max_bytes=1000, max_rows=4, max_columns=1)
    assert found["text"].null_count == 4
