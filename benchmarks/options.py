"""What every suite is told."""

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from platformdirs import user_cache_path

from metalearn.knowledge import FileStore, KnowledgeBase

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Options:
    """Where data lies and how much is run."""

    data: Path
    knowledge_base: Path
    results: Path
    seeds: int
    quick: bool
    predict: Path | None = None
    scenario: Path | None = None
    tables: int = 30
    trials: int = 50
    seconds: float = 60.0
    jobs: int = 2
    autogluon: Path | None = None
    yahpo: Path | None = None

    @cached_property
    def past(self) -> KnowledgeBase:
        """The knowledge base, read once."""
        kb = FileStore(self.knowledge_base).read()
        if not len(kb):
            sys.exit(
                f"There is no knowledge base in {self.knowledge_base}. Expected its tables. Name it: --knowledge-base PATH."
            )
        return kb


def cache_folder() -> Path:
    """Return the folder of this user, or the one that METALEARN_CACHE names."""
    return Path(os.environ.get("METALEARN_CACHE") or user_cache_path("metalearn", appauthor=False)) / "benchmarks"
