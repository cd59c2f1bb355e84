"""An importer: results that were written as one JSON object a line."""

import json
from pathlib import Path

import pandas as pd

from metalearn.exceptions import InvalidInputError
from metalearn.importers import from_table
from metalearn.knowledge import KnowledgeBase


def from_json_lines(path: str | Path) -> KnowledgeBase:
    """Read lines such as ``{"task": "t", "model": "knn", "params": {"p": 1}, "metric": "accuracy", "value": 0.9}``."""
    try:
        rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
        table = pd.DataFrame([{**row, "params": json.dumps(row.get("params", {}))} for row in rows])
    except (OSError, ValueError, TypeError, AttributeError) as error:
        message = f"{path} cannot be read ({error}). Expected one JSON object a line. Check the file."
        raise InvalidInputError(message) from error
    return from_table(table)
