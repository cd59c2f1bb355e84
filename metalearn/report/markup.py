"""Make any text safe to stand in a page."""

import html
import re

__all__ = ["escaped", "shortened", "visible"]

# control characters break pages and steer terminals, and those that turn the direction of writing make names look like others
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def escaped(text: object) -> str:
    """Return text that can stand in an element or in a quoted attribute.

    Parameters
    ----------
    text : object
        Anything; it is taken as a string.

    Returns
    -------
    str
        Without markup and without control characters.

    Examples
    --------
    >>> escaped('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(visible(text), quote=True)


def visible(text: object) -> str:
    r"""Return text without characters that are not seen: those that steer a terminal or turn the direction of writing.

    Parameters
    ----------
    text : object
        Anything; it is taken as a string.

    Returns
    -------
    str
        With a replacement character for each; ends of lines and tabs stay.

    Examples
    --------
    >>> visible("a\x1b[31mb") == "a\N{REPLACEMENT CHARACTER}[31mb"
    True
    """
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(text))


def shortened(text: str, length: int) -> str:
    """Return text of at most a given length, cut in the middle where it is longer.

    Parameters
    ----------
    text : str
        Any text.
    length : int
        Characters to keep at most.

    Returns
    -------
    str
        With an ellipsis for what was cut out.

    Examples
    --------
    >>> shortened("breast_cancer_wisconsin", 12)
    'breast…onsin'
    """
    if len(text) <= length:
        return text
    head = length // 2
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[head + 1 - length :]}"
