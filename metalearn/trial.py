"""One configuration tried on a task: running, or how it ended."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Self, TypeGuard

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.space import Configuration

__all__ = ["Trial", "as_configurations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Record one configuration that is or was tried on the task.

    Parameters
    ----------
    configuration : Configuration
        The configuration.
    score : float, default=nan
        In the metric's own direction; NaN unless the status is ok.
    seconds : float, default=nan
        Seconds that one fit took; NaN if that was not told.
    status : Status or None, default=Status.OK
        How it ended; None while it runs.
    expected_score, expected_seconds : float, default=nan
        The prediction when it was asked for; NaN if it was told unasked.
    """

    configuration: Configuration
    score: float = math.nan
    seconds: float = math.nan
    status: Status | None = Status.OK
    expected_score: float = math.nan
    expected_seconds: float = math.nan

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status is None

    @classmethod
    def of(cls, configuration: Configuration, score: float | None, seconds: float | None, status: Status | str) -> Self:
        """Check what is told about a configuration.

        Parameters
        ----------
        configuration : Configuration
            The configuration tried.
        score : float or None
            In the metric's own direction; needed if the status is ok.
        seconds : float or None
            Seconds of one fit.
        status : Status or str
            How it ended.

        Returns
        -------
        Trial
            Ended.

        Raises
        ------
        InvalidInputError
            If it is no configuration, succeeded but has no finite score, or the status is unknown.
        """
        as_configurations(configuration)
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
            **{name: None if math.isnan(value := getattr(self, name)) else value for name in _NUMBERS},
            "status": None if self.status is None else str(self.status),
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
        expected: dict[str, Any] = {
            name: math.nan if values.get(name) is None else float(values[name]) for name in _NUMBERS[2:]
        }
        if values["status"] is None:
            return cls(configuration=configuration, status=None, **expected)
        told = cls.of(configuration, values["score"], values["seconds"], values["status"])
        return replace(told, **expected)


_NUMBERS = ("score", "seconds", "expected_score", "expected_seconds")


def as_configurations(given: object) -> set[Configuration]:
    """Return one configuration or several as a set; anything else is refused."""
    several = given if isinstance(given, Collection) and not isinstance(given, str | Mapping) else [given]
    for one in several:
        if not isinstance(one, Configuration):
            message = (
                f"{str(one)[:40]!r} is no configuration. Expected what ask returned, or "
                "Configuration(model, params). Of a recommendation, pass rec[0].configuration."
            )
            raise InvalidInputError(message)
    return set(several)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
