import hashlib
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import public_data  # noqa: E402 - the folder of the benchmarks is no package
from options import Options  # noqa: E402

GOOD = hashlib.sha256(b"a,b").hexdigest()


def facts(digest: str) -> dict[str, object]:
    return {"folder": "f", "source": "S", "package": "p==1", "inside": "p/data/", "members": {"m.csv": digest}}


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """Options without any data, and a package whose wheel is at hand."""

    def wheel(_: object, place: Path) -> Path:
        with ZipFile(place / "p.whl", "w") as archive:
            archive.writestr("p/data/m.csv", "a,b")
        return place / "p.whl"

    monkeypatch.setenv("METALEARN_CACHE", str(tmp_path))
    monkeypatch.setattr(public_data, "wheel", wheel)
    return Options(tmp_path / "data", tmp_path, tmp_path, seeds=1, quick=True)


def test_the_files_of_a_package_are_fetched_once(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = public_data.data_folder(options, facts(GOOD))
    assert (folder / "m.csv").read_text(encoding="utf-8") == "a,b"
    monkeypatch.setattr(public_data, "wheel", None)
    assert public_data.data_folder(options, facts(GOOD)) == folder


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(options: Options, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=rf"m\.csv has the SHA-256 {GOOD}\. Expected 0000"):
        public_data.data_folder(options, facts("0000"))
    assert not list(tmp_path.rglob("m.csv"))


def test_a_file_that_changed_after_it_was_kept_is_refused(options: Options) -> None:
    (public_data.data_folder(options, facts(GOOD)) / "m.csv").write_text("changed", encoding="utf-8")
    with pytest.raises(SystemExit, match="Delete it if it was kept"):
        public_data.data_folder(options, facts(GOOD))


def test_the_folder_that_data_names_comes_first(options: Options) -> None:
    (options.data / "f").mkdir(parents=True)
    assert public_data.data_folder(options, facts("0000")) == options.data / "f"
