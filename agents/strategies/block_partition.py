"""Strategies side by side: each plays its own, equal part of a block of episodes, as if it were alone.

One play of the event loop then tries them all. A period of the loop costs about the same for six hundred episodes as
for a few thousand, so that a search over a menu is several times faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.sim.core.arrays import Array
from dynmech.sim.play.roles import Past, View


class SideBySide(Strategy):
    """Member k plays episodes k·n/K ≤ e < (k + 1)·n/K of a block of n.

    Args:
        members: K strategies of the same `traits`.
    """

    def __init__(self, members: Sequence[Strategy]) -> None:
        first = members[0]
        assert all(traits(member) == traits(first) for member in members)
        self.members, self.name, self.complexity = tuple(members), first.name, first.complexity
        self.width, self.memory_periods, self.spies, self.silent, self.rounds = traits(first)

    def message(self, view: View) -> Array:
        """What each sends."""
        return self._asked([member.message for member in self.members], view)

    def action(self, view: View) -> Array:
        """What each does."""
        return self._asked([member.action for member in self.members], view)

    def reply(self, view: View) -> Array:
        """What each replies."""
        return self._asked([member.reply for member in self.members], view)

    def _asked(self, moves: Sequence[Callable[[View], Array]], view: View) -> Array:
        size = view.size // len(moves)
        notes = view.private.setdefault("notes", np.array([{} for _ in moves], dtype=object))
        parts = [_part(view, slice(k * size, (k + 1) * size), notes[k]) for k in range(len(moves))]
        return np.concatenate([move(part) for move, part in zip(moves, parts, strict=True)])


def side_by_side(members: Sequence[Strategy]) -> Strategy:
    """Members side by side; one that needs no parts where all of them are truthful, or there is but one."""
    if len(members) == 1 or all(type(member) is Truthful for member in members):
        return members[0]
    return SideBySide(members)


def traits(strategy: Strategy) -> tuple[int, int | None, bool, bool, int]:
    """What the event loop needs to know of a strategy; strategies side by side have the same."""
    return strategy.width, strategy.memory_periods, strategy.spies, strategy.silent, strategy.rounds


def _part(view: View, here: slice, notes: dict[str, Array]) -> View:
    """Some episodes of a view."""

    def cut(array: Array | None) -> Array | None:
        return None if array is None else array[here]

    return replace(
        view,
        signal=view.signal[here],
        public=view.public[here],
        memory=cut(view.memory),
        prescribed=view.prescribed[here],
        uniforms=view.uniforms[here],
        past=tuple(Past(past.t, *(cut(value) for value in past[1:])) for past in view.past),  # type: ignore[arg-type]
        private=notes,
        decision=cut(view.decision),
        reports=cut(view.reports),
        utility=cut(view.utility),
        spied=cut(view.spied),
    )
