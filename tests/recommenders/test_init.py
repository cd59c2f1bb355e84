import subprocess
import sys

import pytest

from metalearn.exceptions import UnknownNameError
from metalearn.recommenders import get_recommender


def test_importing_recommenders_imports_nothing_slow() -> None:
    code = (
        "import sys, metalearn.recommenders as r; [r.get_recommender(n) for n in r.recommender_names()]; "
        "print([m for m in ('lightgbm', 'sklearn.ensemble', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_unknown_recommender_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'forest'"):
        get_recommender("fores")


def test_strategies_that_were_only_compared_with_say_where_they_are() -> None:
    with pytest.raises(UnknownNameError, match=r"'ranking' is no longer a recommender.*benchmarks/baselines\.py"):
        get_recommender("ranking")
