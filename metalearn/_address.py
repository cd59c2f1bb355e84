"""Addresses of databases, whose passwords are shown nowhere."""

import re
from pathlib import Path
from typing import Any

__all__ = ["Address", "guarded", "shown", "without_passwords"]

_HIDDEN = "***"
_USER = re.compile(r"^([A-Za-z][\w+.-]*://[^:/?#]*):(.*)@", re.DOTALL)
_OPTION = re.compile(r"([?&;][\w.-]*(?:pass|pwd|secret|token)[\w.-]*=)[^&;#\s'\"]*", re.IGNORECASE)
_ANYWHERE = re.compile(r"([A-Za-z][\w+.-]*://[^\s:/?#@'\"]*):[^\s'\"]*@")


class Address(str):
    """Text of an address whose ``repr`` hides the password."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the address without its password."""
        return repr(shown(self))


def shown(address: object) -> str:
    """Return an address without its password, for people, messages and files."""
    return _OPTION.sub(rf"\1{_HIDDEN}", _USER.sub(rf"\1:{_HIDDEN}@", "".join(str(address))))


def without_passwords(text: object) -> str:
    """Return a message of somebody else's without the passwords of the addresses in it."""
    return _OPTION.sub(rf"\1{_HIDDEN}", _ANYWHERE.sub(rf"\1:{_HIDDEN}@", str(text)))


def guarded(value: Any) -> Any:
    """Return addresses with passwords, alone or in lists, as :class:`Address`; all else, and what is guarded, as it is."""
    if isinstance(value, list | tuple):
        parts = [guarded(part) for part in value]
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else type(value)(parts)
    if isinstance(value, str) and not isinstance(value, Address | Path) and shown(value) != value:
        return Address(value)
    return value
