"""The result of running a configuration on a task."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from metalearn.space import Configuration

__all__ = ["Evaluation", "Status"]


class Status(StrEnum):
    """Tell how a run ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    PRUNED = "pruned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Record one metric of one configuration on one fold of a task."""

    task_id: str
    configuration: Configuration
    metric: str
    value: float
    fold: int = 0
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    status: Status = Status.OK
    message: str = ""
    versions: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))

    @property
    def configuration_id(self) -> str:
        """Content hash of the configuration."""
        return self.configuration.id

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain values."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**plain, "configuration": self.configuration.to_dict(), "status": str(self.status)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the evaluation that :meth:`to_dict` wrote."""
        return cls(**{**values, "configuration": Configuration.from_dict(values["configuration"])})
