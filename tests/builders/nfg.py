"""A reader of Gambit's `.nfg` files with payoffs, written from the description of the format."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dynmech.sim.core.arrays import FloatArray

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}])|([^\s{}"]+)')
"""A text between quotation marks, a brace, or a word."""


class Nfg(NamedTuple):
    """What a file says; payoffs `(N, K_1, …, K_N)`."""

    title: str
    players: list[str]
    strategies: list[list[str]]
    comment: str
    payoffs: FloatArray


def read_nfg(path: Path) -> Nfg:
    """Read a file, which must be ASCII."""
    return parse_nfg(path.read_text(encoding="ascii"))


def parse_nfg(text: str) -> Nfg:
    """Read a text; anything that is not of the format is an AssertionError."""
    assert text.isascii()
    tokens = [(match[1], match[2] or match[3]) for match in TOKEN.finditer(text)]
    assert [word for _, word in tokens[:3]] == ["NFG", "1", "R"]
    at = 3

    def string() -> str:
        nonlocal at
        found, at = tokens[at][0], at + 1
        assert found is not None
        return found.replace('\\"', '"')

    def is_brace(brace: str) -> bool:
        nonlocal at
        found = tokens[at] == (None, brace)
        at += found
        return found

    def strings() -> list[str]:
        assert is_brace("{")
        out = []
        while not is_brace("}"):
            out.append(string())
        return out

    title, players = string(), strings()
    assert is_brace("{")
    strategies = []
    while not is_brace("}"):
        strategies.append(strings())
    comment = string()
    numbers = [float(str(word)) for _, word in tokens[at:]]
    sizes = [len(names) for names in strategies]
    assert len(strategies) == len(players)
    assert len(numbers) == len(players) * np.prod(sizes)
    payoffs = np.array(numbers).reshape(*reversed(sizes), len(players))  # the first player's strategy changes fastest
    return Nfg(title, players, strategies, comment, payoffs.transpose(len(players), *reversed(range(len(players)))))
