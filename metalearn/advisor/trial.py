"""One configuration that was tried, and how it went."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self, TypeGuard

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.space import Configuration

__all__ = ["Trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Record one configuration that was tried on the task.

    Parameters
    ----------
    configuration : Configuration
        What was tried.
    score : float
        In the metric's own direction; NaN unless the status is ok.
    seconds : float
        What trying it took; NaN if that was not told.
    status : Status, default=Status.OK
        How it ended.
    """

    configuration: Configuration
    score: float
    seconds: float
    status: Status = Status.OK

    @classmethod
    def of(cls, configuration: Configuration, score: float | None, seconds: float | None, status: Status | str) -> Self:
        """Check what is told about a configuration.

        Parameters
        ----------
        configuration : Configuration
            What was tried.
        score : float or None
            Its score, in the metric's own direction; needed unless it failed.
        seconds : float or None
            What trying it took.
        status : Status or str
            How it ended.

        Returns
        -------
        Trial
            The record.

        Raises
        ------
        InvalidInputError
            If it is no configuration, succeeded but has no finite score, or the status is unknown.
        """
        if not isinstance(configuration, Configuration):
            message = (
                f"{str(configuration)[:40]!r} is no configuration. Expected what ask returned, or "
                "Configuration(model, params). Of a recommendation, pass rec[0].configuration."
            )
            raise InvalidInputError(message)
        if status not in set(Status):
            message = f"Unknown status {str(status)!r}. Expected one of {[str(s) for s in Status]}. Choose one of them."
            raise InvalidInputError(message)
        how = Status(status)
        if how is Status.OK and not (_is_number(score) and math.isfinite(score)):
            message = (
                f"The score is {score!r}. Expected a finite number, of several folds their mean. "
                "Tell status='failed' if there is none."
            )
            raise InvalidInputError(message)
        if seconds is not None and not (_is_number(seconds) and (seconds >= 0 or math.isnan(seconds))):
            message = f"The seconds are {seconds!r}. Expected a number from 0. Leave them out if they are not known."
            raise InvalidInputError(message)
        return cls(
            configuration=configuration,
            score=float(score) if score is not None and how is Status.OK else math.nan,
            seconds=math.nan if seconds is None else float(seconds),
            status=how,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the trial as plain values.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return {
            "configuration": self.configuration.to_dict(),
            "score": None if math.isnan(self.score) else self.score,
            "seconds": None if math.isnan(self.seconds) else self.seconds,
            "status": str(self.status),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the trial that :meth:`to_dict` wrote.

        Parameters
        ----------
        values : mapping
            Plain values.

        Returns
        -------
        Trial
            An equal trial.
        """
        configuration = Configuration.from_dict(values["configuration"])
        return cls.of(configuration, values["score"], values["seconds"], values["status"])


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
