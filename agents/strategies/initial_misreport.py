"""A misreport of the first signal, followed by the truth or by a fixed lie about the later signals.

With `later=truth` this is the lie x′ → x whose gains decide whether a mechanism that is incentive compatible from
period 1 on is so at the start. `later=swap` exchanges the two later signals of the economy; a number always reports the
state of that number. It reads nodes and states off the labels of the messages, `0.25 high`.

Source: Kakade, Lobel and Nazerzadeh 2011, §3.2; §7 for the other two.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.play.roles import View


class InitialMisreport(Strategy):
    """Misreports the first signal once.

    Args:
        node: number of the first signal that is reported.
        later: `truth`, `swap`, or the number of the state that is always reported.
    """

    name = "initial-misreport"
    source = "Kakade–Lobel–Nazerzadeh 2011 §3.2, §7"
    complexity = 1

    def __init__(self, node: int = 0, later: str = "truth") -> None:
        if later not in ("truth", "swap") and not later.isdecimal():
            raise InputError(f"later: {later!r} is neither truth nor swap nor the number of a state")
        self.node, self.later = node, later

    def message(self, view: View) -> Array:
        """Return the lie at the start, then the true first signal with the chosen state, shape `(n,)`."""
        parts = _parts(view.space)
        if parts is None:
            return view.prescribed
        nodes, states = parts
        if view.t == 0:
            width = len(nodes) // len(dict.fromkeys(nodes))
            return np.minimum(self.node, len(nodes) // width - 1) * width + view.prescribed % width
        width = len(dict.fromkeys(states))
        if self.later == "truth" or len(states) % width:
            return view.prescribed
        state = view.prescribed % width
        wanted = self._swapped(state, width) if self.later == "swap" else min(int(self.later), width - 1)
        return view.prescribed - state + wanted

    @staticmethod
    def _swapped(state: Array, width: int) -> Array:
        """Return the states with the last two exchanged."""
        return np.where(state == width - 1, width - 2, np.where(state == width - 2, width - 1, state)) % width

    def describe(self, context: AgentContext) -> str:
        """Return the reports in words."""
        space = context.messages(0)
        parts = _parts(space)
        shown = list(dict.fromkeys(parts[0])) if parts else []
        first = shown[min(self.node, len(shown) - 1)] if shown else "nothing else"
        after = {"truth": "tells the truth", "swap": "exchanges the later signals"}.get(
            self.later, f"always reports state {self.later}"
        )
        return f"first reports {first}, then {after}"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing: the one-shot lies of a stress test include these."""
        yield from ()


def _parts(space: Space) -> tuple[list[str], list[str]] | None:
    """Return node and state of every message; None unless messages are (node, state) in C order."""
    if not isinstance(space, Finite):
        return None
    pairs = [label.partition(" ") for label in space.labels]
    nodes, states = [first for first, _, _ in pairs], [rest for _, _, rest in pairs]
    distinct = list(dict.fromkeys(nodes))
    width = len(nodes) // len(distinct)
    grid = [node for node in distinct for _ in range(width)]
    numbers = all(_is_number(node) for node in distinct)
    return (nodes, states) if numbers and grid == nodes else None


def _is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
