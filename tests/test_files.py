import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import metalearn as ml
from metalearn._files import replacing, write_bytes, write_text
from metalearn.exceptions import InvalidInputError, NotWrittenError
from metalearn.recommenders.state import write_arrays
from metalearn.table.read import write_frame

Writer = Callable[[Path], object]
WRITERS: dict[str, Writer] = {
    "bytes": lambda path: write_bytes(path, b"new" * 100_000),
    "text": lambda path: write_text(path, "new" * 100_000),
    "csv": lambda path: write_frame(pd.DataFrame({"a": range(100_000)}), path),
    "parquet": lambda path: write_frame(pd.DataFrame({"a": [os.urandom(20).hex() for _ in range(50_000)]}), path),
    "npz": lambda path: write_arrays(path, {"a": np.arange(300_000)}),
    "html": lambda path: recommendation().to_html(path),
    "json": lambda path: recommendation().to_json(path),
}


def recommendation() -> ml.Recommendation:
    rng = np.random.default_rng(0)
    return ml.recommend(rng.normal(size=(60, 3)), rng.choice(["a", "b"], 60), n=20)


@pytest.mark.parametrize("old", ["old", None])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_leaves_what_was_there(
    small_disk: Path, fill: Callable[[Path], None], writer: str, old: str | None
) -> None:
    path = small_disk / f"out.{writer}"
    if old:
        path.write_text(old)
    fill(small_disk / "filler")
    with pytest.raises(NotWrittenError, match=r"out.*cannot be written: .*unchanged\. Expected .* Check") as caught:
        WRITERS[writer](path)
    assert isinstance(caught.value, InvalidInputError)
    assert {file.name: file.read_text() for file in small_disk.glob("[!f]*")} == ({path.name: old} if old else {})


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_stops_in_the_middle_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def stop() -> None:
        with replacing(path) as draft:
            draft.write_text("half")
            raise error

    with pytest.raises(error):
        stop()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]


def test_links_and_modes_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_stream_is_written_to(tmp_path: Path) -> None:
    write_text("/dev/null", "gone")
    assert not Path("/dev/null").is_file()
    for path in (tmp_path, tmp_path / "no folder" / "a.txt"):
        with pytest.raises(NotWrittenError, match="cannot be written"):
            write_text(path, "new")
    assert not list(tmp_path.iterdir())
