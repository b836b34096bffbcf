"""Texts of users in pictures: shown as they are, cut or wrapped where they are long."""

import re


def as_text(text: object, most: int = 40) -> str:
    r"""Return a user's text for a picture: never read as a formula, and cut where it is too long.

    >>> as_text("firm $1$"), as_text("aaaaaa", 4)
    ('firm \\$1\\$', 'aaa…')
    """
    return as_cut(text, most).replace("$", r"\$")


def as_cut(text: object, most: int) -> str:
    """Return a text, its end cut off where it is too long."""
    shown = str(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


PIECES = re.compile(r"(?<=[\s,:_])|(?<=\.)(?=\d+-)")
"""Where a line may end: after a blank, between options, roles of a profile and strategies of a role."""


def wrapped(text: object, most: int = 90) -> str:
    r"""Return a user's text on lines of so many letters at most, nothing cut; never read as a formula.

    >>> wrapped("pivot on auction:bidders=3,fatigue=0.5", 24)
    'pivot on auction:\nbidders=3,fatigue=0.5'
    """
    out = [""]
    for piece in PIECES.split(str(text)):
        if len(out[-1]) + len(piece.rstrip()) > most and out[-1]:
            out.append("")
        whole = out[-1] + piece
        *full, rest = [whole[k : k + most] for k in range(0, len(whole), most)] or [""]
        out[-1:] = [*full, rest]
    return "\n".join(as_text(line.strip(), most) for line in out if line.strip())


def lines(text: str) -> int:
    """Count the lines of a text that has been wrapped."""
    return 1 + text.count("\n")


def wide_enough(title: str, points: float = 11, most: int = 90) -> float:
    """Return how many inches a line of text takes, with some room."""
    return 0.6 + 0.0085 * points * min(len(title), most)
