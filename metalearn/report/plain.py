"""Plain facts as standard JSON."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["to_json"]


def to_json(values: Any) -> str:
    """Return plain values as standard JSON.

    Parameters
    ----------
    values : mapping or list
        Strings, numbers, lists and mappings; anything else becomes text.

    Returns
    -------
    str
        Numbers that are not finite, which JSON does not know, become null.

    Examples
    --------
    >>> json.loads(to_json({"score": float("nan")}))
    {'score': None}
    """
    return json.dumps(_finite(values), indent=1, allow_nan=False, default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value  # noqa: PLR0124
