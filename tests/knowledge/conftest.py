"""A real PostgreSQL server for the tests, and stores of every kind."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from metalearn.knowledge import Store, open_store

from .postgresql import NoServer, private_server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """Start a private PostgreSQL server and return the folder of its socket."""
    try:
        with private_server() as folder:
            yield folder
    except NoServer as reason:
        pytest.skip(str(reason))


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
