"""Axes, colours and labels that all figures share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from metalearn._installation import install_command
from metalearn.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ACCENT", "LABEL", "SOFT", "axes", "documented", "literal"]

ACCENT, SOFT = "#1668b8", "#5b6675"
LABEL = 26
"""Longer names are cut."""

_Figure = TypeVar("_Figure", bound=Callable[..., "Axes"])


def documented(subject: str, returned: str, *, refused: str) -> Callable[[_Figure], _Figure]:
    """Complete the documentation of a figure of one subject: its parameters, what it returns and what it refuses."""

    def completed(figure: _Figure) -> _Figure:
        figure.__doc__ = f"""{figure.__doc__}

    Parameters
    ----------
    {subject}
    ax : Axes or None, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    Axes
        {returned}

    Raises
    ------
    InvalidInputError
        {refused}
    MissingExtraError
        If matplotlib is not installed.
    """
        return figure

    return completed


def axes(ax: "Axes | None") -> "Axes":
    """Return axes to draw on, new ones if none were given."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        message = f"Plots need the package 'matplotlib', which is not installed. Run: {install_command('plot')}."
        raise MissingExtraError(message) from error
    _, ax = plt.subplots(layout="constrained")
    return ax


def literal(text: str) -> str:
    """Keep matplotlib from reading a name as mathematics."""
    return text.replace("$", r"\$")
