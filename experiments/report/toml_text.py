"""Plain data as TOML: for a study that is shown on a page, to be saved and played again.

Written here and not by tomli-w, which gives every strategy a table of its own and every item of a list a line: a study
of 27 lines becomes one of 44, and no longer looks as it was typed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""Keys that need no quotes."""


def toml_text(data: Mapping[str, Any]) -> str:
    """Return plain data as TOML: values first, then tables, those inside them inline; None is left out.

    >>> print(toml_text({"roles": {"firm 1": {"agents": ["x"], "none": None}}, "title": 'a "b"', "n": 2}))
    title = "a \\"b\\""
    n = 2
    <BLANKLINE>
    [roles]
    "firm 1" = { agents = ["x"] }
    """
    values = {key: value for key, value in data.items() if not isinstance(value, Mapping)}
    tables = [(key, value) for key, value in data.items() if isinstance(value, Mapping)]
    return "\n\n".join([_lines(values), *(f"[{_key(key)}]\n{_lines(table)}" for key, table in tables)])


def _lines(table: Mapping[str, Any]) -> str:
    return "\n".join(f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None)


def _key(key: str) -> str:
    return key if BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    """Return a TOML basic string: JSON's escapes, with DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items() if each is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    return repr(value)
