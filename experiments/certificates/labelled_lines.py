"""What the checker says, with the economy's labels for the numbers of states.

The checker names a state by its numbers in the file: `period 1, node (3, 1, 4), information 2` is memory 3 after
decision 1 at profile 4. Here the file's labels take their place; the numbers are the checker's, and what is proved
is its word.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Context
from fractions import Fraction
from typing import Any

import numpy as np

from dynmech.sim.core.plain_text import escaped, harmless

STATE = re.compile(r"period (\d+), node (?:None|\((\d+), (\d+), (\d+)\)), information (-?\d+)")
TAKEN = re.compile(r"period (\d+), memory (\d+), profile (\d+)")
CLAIM = re.compile(r"^(?:not )?proved: (claims|promises)\[(\d+)\]")
BETWEEN = re.compile(r"(?:gains|the least is|the designer takes) (\S+) to (\S+)")
AT_MOST = re.compile(r"no (?:deviation|single lie) gains more than (\S+)$")

ROUNDING = 1e-9
"""Share of the largest utility up to which a gain is called rounding."""

LONGEST = 60
"""Characters of a label that are shown."""


def labelled(line: str, certificate: Mapping[str, Any]) -> str:
    """Return a line of the checker with labels; as it is where it names no state, or the file has no such label."""
    claim = CLAIM.match(line)
    if claim is None:
        return line
    try:
        about, economy = certificate[claim[1]][int(claim[2])], certificate["environment"]
        line = STATE.sub(lambda found: _state(found, economy, about), line)
        return _worded(TAKEN.sub(lambda found: _taken(found, economy), line), economy)
    except (KeyError, IndexError, TypeError, ValueError):  # of a file that is no certificate
        return line


def _worded(line: str, economy: Mapping[str, Any]) -> str:
    """Return a proved line with its bounds as people read them; a bound is rounded up, so that it stays proved.

    A bound that is nothing beside the economy's utilities is called rounding.
    """
    if found := BETWEEN.search(line):
        lower, upper = float(found[1]), float(found[2])
        near = f"{lower:.12g}"
        off = max(Fraction(near) - Fraction(lower), Fraction(upper) - Fraction(near))
        if off < 0 or f"{upper:.12g}" != near:
            return line
        return (
            f"{line[: found.start(1)]}{f'{near} ± {_above(off)}' if off else f'exactly {near}'}{line[found.end(2) :]}"
        )
    if found := AT_MOST.search(line):
        bound = float(found[1])
        if not bound:
            return line.replace(f"more than {found[1]}", "anything")
        largest = max(float(np.abs(np.asarray(stage["utility"], dtype=float)).max()) for stage in economy["stages"])
        remark = f", which is rounding: utilities are up to {largest:g}" if bound <= ROUNDING * largest else ""
        return f"{line[: found.start(1)]}{_above(Fraction(bound))}{remark}"
    return line


def _above(number: Fraction) -> str:
    """Return a number in three digits, rounded up: what is proved of the number is proved of its text.

    >>> _above(Fraction(1, 3)), _above(Fraction(1, 4)), _above(Fraction(1, 10**15))
    ('0.334', '0.25', '1.01e-15')
    """
    return f"{float(Context(prec=3, rounding=ROUND_CEILING).create_decimal(float(number))):g}"


def _state(found: re.Match[str], economy: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Return a state in words: what was before, and what the deviator knows now."""
    stages, t, known = economy["stages"], int(found[1]), int(found[5])
    words = [_period(t, economy)]
    stage = stages[t if len(stages) > 1 else 0]
    if found[2] is not None:
        before = stages[t - 1 if len(stages) > 1 else 0]
        profile = _labels(before, range(len(before["signals"])), int(found[4]))
        words.append(f"memory {found[2]} after decision {_label(before['decisions'][int(found[3])])} at {profile}")
    if known >= 0:
        members = [economy["agents"].index(name) for name in about["agents"]]
        sees = range(len(stage["signals"])) if about["information"] == "ex_post" else members
        words.append(f"knowing {_labels(stage, sees, known)}")
    return ", ".join(words)


def _taken(found: re.Match[str], economy: Mapping[str, Any]) -> str:
    """Return a state of prescribed play in words: the memory and the profile."""
    t, stages = int(found[1]), economy["stages"]
    stage = stages[t if len(stages) > 1 else 0]
    profile = _labels(stage, range(len(stage["signals"])), int(found[3]))
    return f"{_period(t, economy)}, memory {found[2]} at {profile}"


def _period(t: int, economy: Mapping[str, Any]) -> str:
    return f"period {t} or later" if economy["horizon"] is None and t else f"period {t}"


def _labels(stage: Mapping[str, Any], agents: Iterable[int], number: int) -> str:
    """Return the public state's label, where there is one, and agents' signals, of a combination in C order."""
    axes: list[Sequence[Any]] = [stage["public"]] if stage.get("public") else []
    axes += [stage["signals"][i] for i in agents]
    digits = np.unravel_index(number, [len(axis) for axis in axes]) if axes else ()
    return ", ".join(_label(axis[int(k)]) for axis, k in zip(axes, digits, strict=True)) or "nothing"


def _label(text: object) -> str:
    shown = escaped(harmless(str(text)))
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
