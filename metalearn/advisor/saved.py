"""The saved state of an advisor: JSON text, or the file that holds it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metalearn.exceptions import InvalidInputError

__all__ = ["FORMAT", "read_state"]

FORMAT = 1


def read_state(source: str | Path) -> Mapping[str, Any]:
    """Return what ``Advisor.to_json`` wrote; refuse what is none, or what a newer version wrote."""
    text = "" if isinstance(source, Path) else source
    if not text.lstrip().startswith("{"):
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            message = f"{str(source)[:200]!r} cannot be read: {getattr(error, 'strerror', error)}. Expected what to_json wrote. Check the path."
            raise InvalidInputError(message) from error
    try:
        state: Mapping[str, Any] = json.loads(text)
        number = int(state["format"])
    except (KeyError, TypeError, ValueError) as error:
        message = f"This is not a saved advisor ({error!r}). Expected what to_json wrote. Check the file."
        raise InvalidInputError(message) from error
    if number > FORMAT:
        message = (
            f"The state has format {number}, but this version reads {FORMAT}. Expected at most that. "
            "Upgrade metalearn-recommender."
        )
        raise InvalidInputError(message)
    return state
