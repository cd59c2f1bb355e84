"""Make any text safe to stand in a page."""

import html
import re

__all__ = ["escaped", "shortened"]

# control characters break pages, and those that turn the direction of writing make names look like others
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
    return html.escape(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(text)), quote=True)


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
