"""What an importer must do."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from metalearn.conformance.tables import require
from metalearn.exceptions import InvalidInputError
from metalearn.knowledge import KnowledgeBase, open_store
from metalearn.knowledge.validate import Severity, validate

__all__ = ["check_importer"]


def check_importer(importer: Callable[..., KnowledgeBase], source: Any, /, *arguments: Any, **options: Any) -> None:
    """Check that an importer keeps its promises.

    Parameters
    ----------
    importer : callable
        Returns a knowledge base.
    source : object
        A small example of what it reads; a path where it reads files.
    *arguments : object
        What else it has to be given.
    **options : object
        What else it has to be given, by name.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which.

    Examples
    --------
    >>> import pandas as pd
    >>> from metalearn.importers import from_table
    >>> runs = pd.DataFrame({"task": ["a", "a"], "model": ["knn", "svm"], "value": [0.8, 0.9]})
    >>> check_importer(from_table, runs, metric="accuracy", problem_type="binary")
    """
    found = importer(source, *arguments, **options)
    require(isinstance(found, KnowledgeBase), f"It returns a {type(found).__name__}, not a KnowledgeBase.")
    require(len(found) and len(found.evaluations), "It finds no task or no evaluation in the example.")
    require(importer(source, *arguments, **options).id == found.id, "Reading the same again gives something else.")
    wrong = [finding.message for finding in validate(found) if finding.severity is Severity.ERROR]
    require(not wrong, f"What it returns contradicts the rules of a knowledge base: {'; '.join(wrong)}")
    known = found.evaluations["recorded_with"].astype(str)
    require(bool((known != "").all()), "Evaluations do not say which tool they come from (recorded_with).")
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store")
        for _ in range(2):
            store.write(found)
        kept = store.read()
    require(len(kept.evaluations) == len(found.evaluations), "A store does not keep all of it, or keeps it twice.")
    if isinstance(source, str | Path):
        _check_refuses(importer, arguments, options)


def _check_refuses(importer: Callable[..., KnowledgeBase], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        garbage = Path(folder) / "garbage"
        garbage.write_bytes(b"\x00\xff not what it reads \xfe")
        for name, wrong in (("a file that is absent", garbage.with_name("absent")), ("bytes without sense", garbage)):
            try:
                importer(wrong, *arguments, **options)
            except InvalidInputError:
                continue
            except Exception as error:
                message = f"{name} is refused by {type(error).__name__}, not by InvalidInputError."
                raise AssertionError(message) from error
            require(condition=False, message=f"{name} is not refused.")
