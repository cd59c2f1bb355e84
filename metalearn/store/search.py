"""Find past tasks by words or by likeness."""

from dataclasses import dataclass
from typing import Any

__all__ = ["PastTask", "search"]


@dataclass
class PastTask:
    pass


def search(knowledge: Any, words: str = "", *, like: Any = None, n: int = 10) -> tuple[PastTask, ...]:
    return ()
