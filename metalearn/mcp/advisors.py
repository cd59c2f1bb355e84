"""Advisors that outlive the server: each is a file of JSON lines, to which results are added."""

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from metalearn.advisor import Advisor, Trial
from metalearn.api import KnowledgeSource
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.space import Configuration

__all__ = ["Advisors", "SavedAdvisor"]

_FORMAT = 1
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass
class SavedAdvisor:
    """Hold an advisor and the file in which it is saved."""

    id: str
    path: Path
    about: Mapping[str, Any]
    advisor: Advisor
    asked: dict[str, Configuration] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    finished: bool = False
    size: int = 0

    def ask(self, n: int) -> list[Configuration]:
        """Suggest configurations and save that they were suggested."""
        found = self.advisor.ask(n, without=list(self.asked.values()))
        if found:
            self._add({"asked": [c.to_dict() for c in found]})
            self.asked |= {c.id: c for c in found}
        return found

    def tell(self, configuration: Configuration, *, score: float | None, seconds: float | None, status: str) -> None:
        """Report a result and save it."""
        self.advisor.tell(configuration, score=score, seconds=seconds, status=status)
        self._add({"told": self.advisor.history[-1].to_dict(), "id": configuration.id})
        self.told.add(configuration.id)

    def finish(self) -> None:
        """Take no more results."""
        if not self.finished:
            self._add({"finished": True})
        self.finished = True

    def _add(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, allow_nan=False).encode() + b"\n"
        if not self.path.read_bytes().endswith(b"\n"):  # a server was killed while it wrote
            line = b"\n" + line
        before = self.path.stat().st_size
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, line)  # in one piece, so that two servers can add at the same time
        finally:
            os.close(file)
        self.size = (
            self.size + len(line) if before == self.size else -1
        )  # else another server added something: read again


class Advisors:
    """Keep advisors in a folder."""

    def __init__(self, folder: Path, knowledge_base: KnowledgeSource = None) -> None:
        self.folder, self.knowledge_base = folder, knowledge_base
        self._open: dict[str, SavedAdvisor] = {}

    def start(self, advisor: Advisor, about: Mapping[str, Any]) -> SavedAdvisor:
        """Save an advisor under a new id."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = secrets.token_hex(8)
        path = self.folder / f"{name}.jsonl"
        state = {"format": _FORMAT, "about": about, "advisor": json.loads(advisor.to_json())}
        text = json.dumps(state, allow_nan=False).encode() + b"\n"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
        made = SavedAdvisor(name, path, dict(about), advisor, size=len(text))
        self._open[name] = made
        return made

    def get(self, name: str) -> SavedAdvisor:
        """Return a saved advisor with all its results, also those that another server added."""
        path = self.folder / f"{name}.jsonl"
        if not _ID.fullmatch(name) or not path.is_file():
            message = (
                f"There is no advisor {name[:40]!r}. Expected the id that start returned. Call start for a new one."
            )
            raise UnknownNameError(message)
        known = self._open.get(name)
        if known is None or known.size != path.stat().st_size:
            known = self._open[name] = self._read(name, path)
        return known

    @contextmanager
    def held(self, name: str) -> Iterator[SavedAdvisor]:
        """Yield a saved advisor that no other server uses meanwhile."""
        path = self.get(name).path
        with FileLock(path.with_suffix(".lock")):
            yield self.get(name)

    def _read(self, name: str, path: Path) -> SavedAdvisor:
        content = path.read_bytes()
        try:
            header, *lines = content.split(b"\n")
            state = json.loads(header)
            if state["format"] > _FORMAT:
                message = f"The advisor {name!r} was saved by a newer version. Expected format {_FORMAT}. Upgrade metalearn-recommender."
                raise InvalidInputError(message)
            told: dict[str, Any] = {}
            asked: dict[str, Configuration] = {}
            reported: set[str] = set()
            finished = False
            for event in filter(None, map(_event, lines)):
                asked |= {c.id: c for c in map(Configuration.from_dict, event.get("asked", ()))}
                if "told" in event:
                    trial = Trial.from_dict(event["told"])
                    told.pop(trial.configuration.id, None)
                    told[trial.configuration.id] = event["told"]
                    reported.add(event["id"])
                finished |= "finished" in event
            saved = {**state["advisor"], "trials": list(told.values())}
            advisor = Advisor.from_json(json.dumps(saved), knowledge_base=self.knowledge_base)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InvalidInputError):
                raise
            message = f"The saved advisor {name!r} is damaged. Expected what start wrote. Call start for a new one."
            raise InvalidInputError(message) from error
        return SavedAdvisor(name, path, state["about"], advisor, asked, reported, finished, len(content))


def _event(line: bytes) -> dict[str, Any] | None:
    """Return what a line says; None for the torn line of a server that was killed, whose client had no answer."""
    try:
        found = json.loads(line) if line else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
