"""The errors that metalearn raises on purpose."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ClusterError",
    "InvalidInputError",
    "KnowledgeBaseError",
    "MetalearnError",
    "MissingExtraError",
    "NotWrittenError",
    "UnknownNameError",
    "unknown_name",
]


class MetalearnError(Exception):
    """Catch every error that metalearn raises on purpose."""


class InvalidInputError(MetalearnError, ValueError):
    """Report a value or a table that cannot be used, and what would be accepted."""


class NotWrittenError(OSError, InvalidInputError):
    """Report a file that could not be written; what was there is unchanged."""

    def __str__(self) -> str:
        """Return the reason, what was expected, and the advice."""
        return (
            f"{str(self.filename)!r} cannot be written: {self.strerror}. What was there is unchanged. "
            "Expected a folder that exists, with free space, that you may write to. Check them, or choose another path."
        )


class UnknownNameError(MetalearnError, LookupError):
    """Report a name that nobody registered, with the nearest known ones."""


class MissingExtraError(MetalearnError, ImportError):
    """Report an optional package that is not installed, with the line that installs it."""


class KnowledgeBaseError(MetalearnError, ValueError):
    """Report stored knowledge that is damaged, newer than this version, or inconsistent."""


class ClusterError(MetalearnError, ConnectionError):
    """Report a cluster that does not answer, or that gave work up."""


def unknown_name(kind: str, name: str, known: Iterable[str], *, further: Iterable[str] = ()) -> UnknownNameError:
    """Return the error for a name that is not among the known ones.

    Parameters
    ----------
    kind : str
        What the name should have named, such as ``"model"``.
    name : str
        The name as given.
    known : iterable of str
        Every name that would have been accepted.
    further : iterable of str, default=()
        Names that would have been accepted too, but are too many to be listed.

    Returns
    -------
    UnknownNameError
        Ready to be raised; its message offers the nearest name.

    Examples
    --------
    >>> print(unknown_name("model", "lightgmb", ["lightgbm", "svm"]))
    Unknown model 'lightgmb'. Did you mean 'lightgbm'? Available: ['lightgbm', 'svm'].
    """
    options = sorted(known)
    near = next(
        (
            found
            for names in (options, sorted(further))
            for found in get_close_matches(name, names, n=1) or [n for n in names if name and n.startswith(name)]
        ),
        None,
    )
    hint = f" Did you mean {near!r}?" if near else ""
    shown = options if len(options) <= 40 else [*options[:40], "..."]  # noqa: PLR2004
    return UnknownNameError(f"Unknown {kind} {name!r}.{hint} Available: {shown}.")
