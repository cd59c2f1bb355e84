import pytest

from metalearn import exceptions
from metalearn.exceptions import MetalearnError, unknown_name


@pytest.mark.parametrize("name", [n for n in exceptions.__all__ if n.endswith("Error") and n != "MetalearnError"])
def test_every_error_is_ours_and_a_built_in(name: str) -> None:
    error = getattr(exceptions, name)
    assert issubclass(error, MetalearnError)
    assert issubclass(error, (ValueError, LookupError, ImportError, OSError))


def test_an_unknown_name_without_a_near_one_lists_what_is_known() -> None:
    assert str(unknown_name("model", "zzz", ["b", "a"])) == "Unknown model 'zzz'. Available: ['a', 'b']."
