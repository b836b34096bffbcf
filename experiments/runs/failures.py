"""What could not be played, told once for each plug-in that broke something."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

CULPRIT = re.compile(r"(?:strategy|mechanism|scenario) '[^']*'")
"""How the reason begins that blames a user's class."""


def said_once(failures: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line per class that failed: its first reason, and how often it failed besides.

    >>> texts = ["strategy 'mine' of agent 'a': no", "strategy 'mine' of agent 'b': no", "mechanism 'x': bad"]
    >>> said_once({"failed": text} for text in texts)
    ["strategy 'mine' of agent 'a': no (and 1 more failure of it)", "mechanism 'x': bad"]
    """
    first: dict[str, str] = {}
    count: dict[str, int] = {}
    for failure in failures:
        text = str(failure["failed"])
        found = CULPRIT.match(text)
        key = found.group() if found else text
        first.setdefault(key, text)
        count[key] = count.get(key, 0) + 1
    return [f"{text}{_more(count[key] - 1)}" for key, text in first.items()]


def _more(others: int) -> str:
    return f" (and {others} more failure{'s' * (others > 1)} of it)" if others else ""
