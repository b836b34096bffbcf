"""Conditions on the public history, written as text.

    period>=2            this period's number (==, !=, >=, <=)
    decision==none       last period's decision, by label or number (==, !=)
    report[firm 2]==6    what an agent reported last period (==, !=)
    public==dry          this period's public state (==, !=)

joined by `&`. What refers to last period is false in period 0.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from dynmech.sim.core.arrays import Array, BoolArray
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.near_names import near_name
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.play.roles import GameSpaces, View

MEANING = (
    "a condition on what is public: period>=2, public==dry, and of last period decision==none, report[firm 2]==6; "
    "also != and, of periods, <=; joined by &"
)
"""Help text for an option that is a condition."""

TERM = re.compile(r"\s*(period|decision|public|report\[([^\]]+)\])\s*(==|!=|>=|<=)\s*(.+?)\s*")


@dataclass(frozen=True)
class Condition:
    """A condition on the public history; the text is checked when the object is made.

    >>> Condition("decision==2&period>=1").text
    'decision==2&period>=1'
    """

    text: str

    def __post_init__(self) -> None:
        for part in self.text.split("&"):
            match = TERM.fullmatch(part)
            if match is None or (match[3] in (">=", "<=") and match[1] != "period"):
                raise InputError(
                    f"condition {part!r} is not of the form period>=1, decision==x, report[agent]==x or public==x"
                )
            if match[1] == "period" and not match[4].isdecimal():
                raise InputError(f"condition {part!r}: {match[4]!r} is not a period")

    @property
    def words(self) -> str:
        """The condition in words.

        >>> Condition("report[firm 2]==6&period>=2").words
        "firm 2's last report was 6 and period>=2"
        """
        return " and ".join(map(_term_words, self.text.split("&")))

    def validate(self, game_spaces: GameSpaces) -> None:
        """Check that every term names something that exists in some period.

        Raises:
            InputError: an agent, a period, a decision, a report or a public state that never is.
        """
        for part in self.text.split("&"):
            match = TERM.fullmatch(part)
            assert match is not None
            field, agent, _, value = match.groups()
            if agent and agent not in game_spaces.agents:
                known = f"{', '.join(game_spaces.agents)}{near_name(agent, game_spaces.agents)}"
                raise InputError(f"condition {part!r}: no agent {agent!r}; agents: {known}")
            if field == "period":
                if int(value) >= len(game_spaces.messages):
                    raise InputError(f"condition {part!r}: the periods are 0 … {len(game_spaces.messages) - 1}")
                continue
            _require_element(part, _spaces(game_spaces, field, agent), value)

    def __call__(self, view: View) -> BoolArray:
        """Return where it holds, shape `(n,)`."""
        holds = np.ones(view.size, np.bool_)
        for part in self.text.split("&"):
            holds &= self._term(part, view)
        return holds

    def _term(self, part: str, view: View) -> BoolArray:
        """Return where one term holds, shape `(n,)`."""
        match = TERM.fullmatch(part)
        assert match is not None
        field, agent, sign, value = match.groups()
        if field == "period":
            compare: dict[str, Callable[[int, int], bool]] = {
                "==": int.__eq__, "!=": int.__ne__, ">=": int.__ge__, "<=": int.__le__,
            }  # fmt: skip
            return np.full(view.size, compare[sign](view.t, int(value)))
        if field == "public":
            return _compare(view.public, view.game_spaces.publics[view.t], sign, value)
        if not view.past:
            return np.zeros(view.size, np.bool_)
        last = view.past[-1]
        if field == "decision":
            if last.decision is None:
                raise PlayError(f"condition {part!r}: the disclosure policy hides the decision")
            return _compare(last.decision, view.game_spaces.decisions[last.t], sign, value)
        if agent not in view.game_spaces.agents:
            raise PlayError(f"condition {part!r}: no agent {agent!r}; agents: {', '.join(view.game_spaces.agents)}")
        if last.reports is None:
            raise PlayError(f"condition {part!r}: the disclosure policy hides the reports")
        j = view.game_spaces.agents.index(agent)
        return _compare(last.reports[:, j], view.game_spaces.messages[last.t][j], sign, value)


def _spaces(game_spaces: GameSpaces, field: str, agent: str | None) -> list[Space]:
    """Return the sets, one per period, that a term's value is from."""
    if agent:
        return [row[game_spaces.agents.index(agent)] for row in game_spaces.messages]
    return list(game_spaces.publics if field == "public" else game_spaces.decisions)


def _require_element(part: str, spaces: Sequence[Space], value: str) -> None:
    """Raise an InputError unless a value is an element of one of the sets."""
    for space in dict.fromkeys(spaces):
        if not isinstance(space, Finite):
            raise InputError(f"condition {part!r}: conditions compare with labels; this is a number from an interval")
        with suppress(InputError):
            space.index(value, "condition")
            return
    known = " or ".join(space.describe() for space in dict.fromkeys(spaces))
    raise InputError(f"condition {part!r}: {value!r} is none of {known}")


def _term_words(part: str) -> str:
    """Return one term in words."""
    match = TERM.fullmatch(part)
    assert match is not None
    field, agent, sign, value = match.groups()
    was = "was" if sign == "==" else "was not"
    if agent:
        return f"{agent}'s last report {was} {value}"
    return f"the last decision {was} {value}" if field == "decision" else part.strip()


def _compare(values: Array, space: Space, sign: str, value: str) -> BoolArray:
    """Compare values with an element by label or number; an element that this period lacks equals nothing."""
    if not isinstance(space, Finite):
        raise PlayError("conditions compare with labels; this space is an interval")
    try:
        same: BoolArray = values == space.index(value, "condition")
    except InputError:
        same = np.zeros(len(values), np.bool_)
    return same if sign == "==" else ~same
