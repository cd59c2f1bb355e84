"""Damaged files of every kind that are read as tables, and archives given to the importer of tables: errors of ours, or a frame."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from metalearn.exceptions import MetalearnError
from metalearn.importers import from_table
from metalearn.table.read import read_frame

N_MUTANTS = 40


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    words = rng.choice(["red", "green", "blue"], 60)
    return pd.DataFrame({"size": rng.normal(size=60), "colour": words, "y": rng.integers(0, 2, 60)})


def written(path: Path) -> Path:
    table = frame()
    ending = path.name.split(".", 1)[1]
    if ending == "parquet":
        table.to_parquet(path)
    elif ending == "feather":
        table.to_feather(path)
    elif ending == "xlsx":
        pytest.importorskip("openpyxl")
        table.to_excel(path, index=False)
    elif ending.startswith("jsonl"):
        table.to_json(path, orient="records", lines=True)
    elif ending == "arff":
        rows = "\n".join(f"{a},{b},{c}" for a, b, c in table.itertuples(index=False))
        head = "@relation r\n@attribute size numeric\n@attribute colour {red,green,blue}\n@attribute y {0,1}\n@data\n"
        path.write_text(head + rows + "\n", encoding="utf-8")
    elif ending == "csv.zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(table.to_csv(index=False).encode())
    else:
        table.to_csv(path, index=False, sep="\t" if ending.startswith("tsv") else ",")
    return path


def mutants(content: bytes, seed: int) -> list[bytes]:
    """Return a file cut off, with bytes changed, with a stretch repeated, or overwritten with zeros."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(N_MUTANTS):
        changed = bytearray(content)
        a, b = sorted(int(place) for place in rng.integers(0, len(content), 2))
        if number % 4 == 0:
            del changed[a:]
        elif number % 4 == 1:
            for place in rng.integers(0, len(content), 3):
                changed[int(place)] = int(rng.integers(0, 256))
        elif number % 4 == 2:
            changed[a:a] = changed[a:b]
        else:
            changed[a:b] = bytes(b - a)
        found.append(bytes(changed))
    return found


@pytest.mark.filterwarnings("ignore")  # what is read in a doubtful way is said aloud
@pytest.mark.parametrize(
    "ending",
    [
        *("csv", "tsv", "jsonl", "arff", "parquet", "feather", "xlsx"),
        *("csv.gz", "csv.bz2", "csv.xz", "csv.zst", "csv.zip", "jsonl.gz"),
    ],
)
def test_a_damaged_file_gives_a_frame_or_an_error_of_ours(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path / f"table.{ending}")
    assert len(read_frame(path)) == 60
    n_refused = 0
    for content in mutants(path.read_bytes(), seed=len(ending)):
        path.write_bytes(content)
        try:
            assert isinstance(read_frame(path), pd.DataFrame)
        except MetalearnError:
            n_refused += 1
    assert n_refused


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ending", ["zip", "xz", "zst", "tar", "csv.gz", "db", "parquet"])
def test_junk_under_any_ending_is_no_table_of_results(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"results.{ending}"
    for content in mutants(bytes(range(256)) * 4, seed=1):
        path.write_bytes(content)
        with pytest.raises(MetalearnError):
            from_table(path, problem_type="binary", metric="roc_auc")
