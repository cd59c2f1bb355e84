"""What is public, and that it is documented."""

import enum
import importlib
import inspect
import pkgutil

import pytest
from numpydoc.validate import validate

import metalearn

# GL01 and SS05 are about style that ruff settles; ES01, SA01 and EX01 ask for sections that not every object needs
IGNORED = {
    "GL01",
    "GL02",
    "GL03",
    "GL08",
    "ES01",
    "SA01",
    "SA04",
    "EX01",
    "SS05",
    "SS06",
    "RT02",
    "PR09",
    "PR10",
    "YD01",
}


def modules() -> list[str]:
    found = pkgutil.walk_packages(metalearn.__path__, "metalearn.")
    return ["metalearn", *(m.name for m in found if not m.name.rsplit(".", 1)[-1].startswith("_"))]  # __main__ runs


CONTRACT = [
    "metalearn",
    "metalearn.advisor",
    "metalearn.building",
    "metalearn.estimators",
    "metalearn.hooks",
    "metalearn.hooks.base",
    "metalearn.importers",
    "metalearn.metafeatures",
    "metalearn.models",
    "metalearn.plot",
    "metalearn.recommenders.base",
    "metalearn.space",
    "metalearn.knowledge",
    "metalearn.testing",
    "metalearn.estimators.recheck",
]
"""Modules whose names are the contract: documented in full. Everything else has one clear line, or none."""


def public_objects() -> list[str]:
    names = set()
    for name in CONTRACT:
        module = importlib.import_module(name)
        for public in module.__all__:
            thing = getattr(module, public)
            home = getattr(thing, "__module__", "")
            if (inspect.isclass(thing) or inspect.isfunction(thing)) and home.startswith("metalearn"):
                if not getattr(thing, "_is_protocol", False):  # numpydoc cannot read them; their methods are checked
                    names.add(f"{home}:{public}")
                if inspect.isclass(thing):
                    names |= {
                        f"{home}:{public}.{m}"
                        for m, member in vars(thing).items()
                        if not m.startswith("_") and inspect.isfunction(getattr(member, "__func__", member))
                    }
    return sorted(names)


@pytest.mark.parametrize("name", modules())
@pytest.mark.filterwarnings("ignore:metalearn:DeprecationWarning")
def test_a_module_lists_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    listed = getattr(module, "__all__", None)
    assert listed is not None or name.endswith("__main__")
    assert all(hasattr(module, public) for public in listed)


@pytest.mark.parametrize("name", public_objects())
def test_a_public_object_is_documented(name: str) -> None:
    module, _, path = name.partition(":")
    thing = pkgutil.resolve_name(name)
    # an enumeration, an error or a class without an __init__ of its own documents no parameters
    plain = inspect.isclass(thing) and ("__init__" not in vars(thing) or issubclass(thing, enum.Enum | Exception))
    ignored = IGNORED | ({"PR01"} if plain else set())
    errors = [(code, text) for code, text in validate(f"{module}.{path}")["errors"] if code not in ignored]
    assert errors == []


def test_the_top_level_names_are_the_contract() -> None:
    assert {"recommend", "bundled_knowledge_base", "open_store"} <= set(metalearn.__all__)
    assert set(metalearn.__all__) <= set(dir(metalearn))
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        _ = metalearn.recomend
