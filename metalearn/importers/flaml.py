"""The logs of FLAML's searches."""

from pathlib import Path

from metalearn.hooks.flaml import read_log
from metalearn.hooks.harvest import knowledge_of
from metalearn.importers.base import read_lines
from metalearn.knowledge import KnowledgeBase
from metalearn.task import Task

__all__ = ["from_flaml_log"]


def from_flaml_log(path: str | Path, task: Task, *, metric: str) -> KnowledgeBase:
    """Read the log file of a FLAML search.

    Parameters
    ----------
    path : str or Path
        What ``log_file_name`` named: one JSON object a line.
    task : Task
        What was searched on.
    metric : str
        What FLAML optimised, such as ``"roc_auc"``; its validation loss is 1 minus a score that is better when larger.

    Returns
    -------
    KnowledgeBase
        One evaluation a trial, trials of one configuration as its folds; trials on a sample of the rows count as pruned.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or holds no trial.
    """
    found = read_log(read_lines(path), str(path), n_rows=task.n_rows, metric=metric)
    return knowledge_of(found, task, tool="FLAML log")
