from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from metalearn.knowledge import Store, open_store
from metalearn.testing import STORE_CHECKS, MakeStore


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    numbers = count()
    if request.param == "postgresql":
        new_url = request.getfixturevalue("new_postgresql_url")
        return lambda: open_store(new_url())
    suffix = ".db" if request.param == "sqlite" else ""
    return lambda: open_store(tmp_path / f"{next(numbers)}{suffix}")


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__.removeprefix("_check_"))
def test_a_store_keeps_its_promises(check: Callable[[Callable[[], Store]], None], make_store: MakeStore) -> None:
    check(make_store)
