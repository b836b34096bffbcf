"""Strategies side by side: each plays an equal part of a block of episodes, as if it were alone.

One play of the event loop then tries them all. A period of the loop costs about the same for six hundred episodes as
for a few thousand, so that a search over many candidates is several times faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.play.billing import Bill
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
        self.width, self.memory_periods, self.spies, self.silent, self.leaves, self.rounds = traits(first)

    def message(self, view: View) -> Array:
        """Return the messages, part by part, shape `(n,)`."""
        return self._by_part([member.message for member in self.members], view)

    def action(self, view: View) -> Array:
        """Return the actions, part by part, shape `(n,)`."""
        return self._by_part([member.action for member in self.members], view)

    def reply(self, view: View) -> Array:
        """Return the replies, part by part, shape `(n,)`."""
        return self._by_part([member.reply for member in self.members], view)

    def pay(self, view: View, bill: Bill) -> FloatArray:  # noqa: ARG002 - the view has it, and parts of it
        """Return the payments, part by part, shape `(n,)`."""
        return self._by_part([_paying(member) for member in self.members], view)

    def _by_part(self, moves: Sequence[Callable[[View], Array]], view: View) -> Array:
        size = view.size // len(moves)
        notes = view.private.setdefault("notes", np.array([{} for _ in moves], dtype=object))
        parts = [_part(view, slice(k * size, (k + 1) * size), notes[k]) for k in range(len(moves))]
        return np.concatenate([move(part) for move, part in zip(moves, parts, strict=True)])


def _paying(member: Strategy) -> Callable[[View], Array]:
    """Return a member's payments as a function of the view."""

    def pay(view: View) -> Array:
        assert view.bill is not None
        return member.pay(view, view.bill)

    return pay


def side_by_side(members: Sequence[Strategy]) -> Strategy:
    """Return the members side by side; the first one if it is the only one or all are truthful."""
    if len(members) == 1 or all(type(member) is Truthful for member in members):
        return members[0]
    return SideBySide(members)


def traits(strategy: Strategy) -> tuple[int, int | None, bool, bool, bool, int]:
    """Return what the event loop needs to know of a strategy; it must be equal for strategies side by side."""
    return strategy.width, strategy.memory_periods, strategy.spies, strategy.silent, strategy.leaves, strategy.rounds


def _part(view: View, episodes: slice, notes: dict[str, Array]) -> View:
    """Return the view of some episodes, with notes of their own."""

    def cut(array: Array | None) -> Array | None:
        return None if array is None else array[episodes]

    return replace(
        view,
        signal=view.signal[episodes],
        public=view.public[episodes],
        memory=cut(view.memory),
        prescribed=view.prescribed[episodes],
        uniforms=view.uniforms[episodes],
        past=tuple(Past(past.t, *(cut(value) for value in past[1:])) for past in view.past),  # type: ignore[arg-type]
        private=notes,
        decision=cut(view.decision),
        reports=cut(view.reports),
        utility=cut(view.utility),
        spied=cut(view.spied),
        bill=None if view.bill is None else Bill(*(column[episodes] for column in view.bill)),
    )
