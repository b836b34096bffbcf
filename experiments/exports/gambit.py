"""Gambit's format for games in strategic form, in its version that lists payoffs (`.nfg`).

Labels of Gambit are printable ASCII with single blanks, and differ; a backslash before a quotation mark would hide it.
What cannot be said so is put in the nearest letters.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dynmech.experiments.exports.payoff_tensors import PayoffTensor


def nfg_text(tensor: PayoffTensor, comment: str) -> str:
    """Return a game as the text of an `.nfg` file; the strategy of the first player changes fastest.

    Args:
        tensor: of all profiles.
        comment: what the file says about itself.
    """
    players = " ".join(quoted(name) for name in distinct(tensor.players))
    strategies = "\n".join(f"{{ {' '.join(quoted(name) for name in distinct(names))} }}" for names in tensor.strategies)
    cells = np.moveaxis(tensor.payoffs, 0, -1)
    order = [*reversed(range(cells.ndim - 1)), cells.ndim - 1]
    rows = cells.transpose(order).reshape(-1, len(tensor.players))
    lines = "\n".join(" ".join(_decimal(value) for value in row) for row in rows)
    head = f"NFG 1 R {quoted(plain_letters(tensor.title))} {{ {players} }}"
    return f"{head}\n\n{{ {strategies}\n}}\n{quoted(plain_letters(comment))}\n\n{lines}\n"


def quoted(text: str) -> str:
    r"""Return a text between quotation marks, those within marked by a backslash.

    >>> print(quoted('bidder "1"'))
    "bidder \"1\""
    """
    return '"' + text.replace('"', '\\"') + '"'


def plain_letters(text: str) -> str:
    r"""Return a text in printable ASCII with single blanks, without backslashes.

    >>> plain_letters("  Zoë\\n  and\tשלום ")
    'Zoe/n and ????'
    """
    parts = unicodedata.normalize("NFKD", text.replace("\\", "/"))
    letters = "".join(letter for letter in parts if not unicodedata.combining(letter))
    shown = "".join(c if " " <= c <= "~" else " " if c.isspace() else "?" for c in letters)
    return " ".join(shown.split())


def distinct(names: Sequence[str]) -> list[str]:
    """Return labels that differ, of names that do; those that plain letters make alike get a number.

    >>> distinct(["Zoë", "Zoe", "", "bob"])
    ['Zoe', 'Zoe (2)', '-', 'bob']
    """
    out: list[str] = []
    seen: Counter[str] = Counter()
    for name in names:
        label = wanted = plain_letters(name) or "-"
        while label in out:
            seen[wanted] += 1
            label = f"{wanted} ({seen[wanted] + 1})"
        out.append(label)
    return out


def _decimal(value: float) -> str:
    """Return the shortest decimal number that is read as the same float, without an exponent."""
    return np.format_float_positional(value + 0.0, trim="-")
