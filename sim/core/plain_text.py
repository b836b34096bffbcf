"""Text that cannot break a line, give orders to a terminal, or turn the direction of writing."""

import re

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that would break a line or a terminal, and halves of characters."""


BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction in which what follows is shown."""


def harmless(text: str) -> str:
    """Return a text with everything escaped that a terminal obeys or that changes the direction of writing.

    Lines stay lines.

    >>> print(harmless("a\\x1b[2Jb\\u202ec"))
    a\\x1b[2Jb\\u202ec
    """
    return _UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


_UNSAFE = re.compile("(?!\n)" + UNPRINTABLE.pattern + "|" + BIDIRECTIONAL.pattern)
"""All of these but the end of a line."""


def unprintable(text: str) -> bool:
    """Return whether a text has a character that would break a line or a terminal."""
    return UNPRINTABLE.search(text) is not None


def on_one_line(text: str) -> str:
    """Return a text as it is, or quoted and escaped where it has unprintable characters.

    >>> print(on_one_line("runs/a"), on_one_line("two\\nlines"))
    runs/a 'two\\nlines'
    """
    return repr(text) if unprintable(text) else text


def escaped(text: str) -> str:
    """Return a text on one line, its special characters escaped.

    >>> print(escaped("two\\nlines, \\x1b[31mred"))
    two lines, \\x1b[31mred
    """
    return UNPRINTABLE.sub(lambda found: repr(found.group())[1:-1], " ".join(text.split()))
