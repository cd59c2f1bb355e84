"""A script that trains one configuration, from plain facts."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["training_script"]

_SCORING = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "log_loss": "neg_log_loss"}


def training_script(
    *,
    model: str,
    params: Mapping[str, Any],
    problem_type: str,
    metric: str,
    file: str,
    target: str,
    categorical: Sequence[str] = (),
    reading: Mapping[str, Any] | None = None,
    dropped: Sequence[str] = (),
    split_by: str = "",
    weighed: bool = False,
) -> str:
    """Return a script that cross-validates a configuration on a table and fits it."""
    scoring = _SCORING.get(metric, "roc_auc_ovr" if (metric, problem_type) == ("roc_auc", "multiclass") else metric)
    folds = "KFold" if problem_type == "regression" else "StratifiedKFold"
    inside = "".join(f"    {name!r}: {value!r},\n" for name, value in params.items())
    where = "" if file else "# Put your own table here: a file, or X and y as you have them in memory.\n"
    kinds = f".astype({dict.fromkeys(categorical, 'category')!r})" if categorical else ""
    less = f".drop(columns={list(dropped)!r})" if dropped else ""
    ways = [f"split rows by {split_by}"] * bool(split_by) + ["weighed rows"] * weighed
    options = "".join(f", {name}={value!r}" for name, value in (reading or {}).items())
    score = f', scoring="{scoring}"' if metric else ""
    shown = f'"{scoring}", ' if metric else ""
    named = "" if metric else "# The metric was one of your own: pass it as scoring=... to cross_val_score.\n"
    caution = f"# The search {' and '.join(ways)}, which this does not: its score was another.\n" if ways else ""
    return (
        f"from sklearn.model_selection import {folds}, cross_val_score\n"
        "from threadpoolctl import threadpool_limits\n\n"
        "from metalearn.models import build_pipeline\n"
        "from metalearn.space import Configuration\n"
        "from metalearn.table.read import read_table\n\n"
        f"{where}table = read_table({file or 'data.csv'!r}, {target!r}{options})\n"
        f"X, y = table.X[table.y.notna()]{less}{kinds}, table.y.dropna()\n"
        f"configuration = Configuration({model!r}, {{\n{inside}}})\n"
        f'model = build_pipeline(configuration, "{problem_type}")\n'
        "threadpool_limits(1)  # one thread, as the expected seconds were measured; more pay on large tables only\n"
        f"{caution}{named}folds = {folds}(3, shuffle=True, random_state=0)\n"
        f"print({shown}cross_val_score(model, X, y, cv=folds{score}))\n"
        "model.fit(X, y)\n"
    )
