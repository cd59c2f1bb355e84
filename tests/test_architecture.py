"""What the layers and the import budget promise."""

import subprocess
import sys
from pathlib import Path

import pytest

import metalearn

PACKAGE = Path(metalearn.__file__).parent
HEAVY = (
    "lightgbm",
    "xgboost",
    "catboost",
    "matplotlib",
    "optuna",
    "flaml",
    "smac",
    "torch",
    "openml",
    "sqlalchemy",
    "sklearn",
)


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in out.stdout.split()}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import metalearn").isdisjoint({*HEAVY, "pandas", "numpy"})


def test_asking_for_help_loads_nothing_heavy() -> None:
    assert loaded_by("from metalearn.cli import main").isdisjoint(HEAVY)


@pytest.mark.slow
def test_a_recommendation_loads_no_model_library_and_no_tool() -> None:
    code = (
        "import numpy as np, metalearn as ml\n"
        "rng = np.random.default_rng(0)\n"
        "ml.recommend(rng.normal(size=(50, 3)), rng.integers(0, 2, 50))"
    )
    assert loaded_by(code).isdisjoint(set(HEAVY) - {"sqlalchemy", "sklearn"})


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 600
    assert "utils" not in path.stem
    assert "import pickle" not in text
    assert "read_pickle" not in text
