"""What every suite is told."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from metalearn.knowledge_base import KnowledgeBase
from metalearn.store import FileStore

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


def data_folder(options: Options, name: str, source: str) -> Path:
    """Return a folder of public data, or end with a message that names its source."""
    folder = options.data / name
    if not folder.is_dir():
        sys.exit(
            f"There is no folder {folder}. Expected the public data of this suite there. "
            f"Get it from its source ({source}) and name the parent folder: --data DIR."
        )
    return folder
