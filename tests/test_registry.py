from importlib.metadata import EntryPoint

import pytest

from metalearn._registry import Registry
from metalearn.exceptions import UnknownNameError


def registry(**entries: str) -> Registry[dict]:
    made: Registry[dict] = Registry("metalearn.none", "thing", dict)
    made.__dict__["_entries"] = {n: EntryPoint(n, value, "metalearn.none") for n, value in entries.items()}
    return made


def test_names_are_known_before_anything_is_imported() -> None:
    assert registry(broken="no_such_package:x").names == ("broken",)


def test_an_entry_is_loaded_once() -> None:
    things = registry(metrics="metalearn.task:METRICS")
    assert things.get("metrics") is things.get("metrics")


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'metrics'"):
        registry(metrics="metalearn.task:METRICS").get("metric")


def test_a_plug_in_that_fails_to_import_is_named_and_the_others_stay() -> None:
    things = registry(good="metalearn.task:METRICS", bad="no_such_package:x")
    with pytest.warns(UserWarning, match=r"plug-in 'bad' \(no_such_package:x\) failed to load"):
        assert set(things.all()) == {"good"}


def test_an_entry_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="'task' is a type, but the entry point group"):
        registry(task="metalearn.task:Task").get("task")
