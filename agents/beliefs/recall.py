"""What strategies may depend on beside the own signal: the mechanism's memory, and the last periods.

Recall `none`: the mechanism's memory. `reports`: also all messages that counted in the last period, and its decision.
`signals`: also the own last signal. So it is with as many periods as are recalled, one where nothing else is said.
What is recalled is numbered per period; of the profiles of past signals every agent knows its own only, but the number,
which is part of the state of a search, has them all.

Axes: H what is recalled, P periods that are, M memories of the mechanism, X message profiles, L draws, S profiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.near_names import near_name

RECALLS = ("none", "reports", "signals")
"""What strategies may depend on beside the own signal."""

NOTHING = -1
"""Where there was no last period, or it is not recalled."""


@dataclass(frozen=True, eq=False)
class Recalled:
    """What can be recalled when a period opens, sorted.

    Attributes:
        rows: memory, then, of the last period first: messages (flat), decision, profile; `(H, 1 + 3P)`, −1 where not
            recalled.
        widths: one more than the largest of each column, the first apart, `3P` of them.
    """

    rows: IntArray
    widths: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def memory(self) -> IntArray:
        """The mechanism's memory, `(H,)`."""
        return self.rows[:, 0]

    @property
    def periods(self) -> int:
        """How many periods are recalled, P."""
        return len(self.widths) // 3

    @property
    def depth(self) -> IntArray:
        """Of how many periods there is something to recall, `(H,)`: fewer than P early on."""
        return (self.rows[:, 1::3] != NOTHING).sum(axis=1)

    def number(self, *columns: IntArray) -> IntArray:
        """Return the numbers of what is recalled, given as the columns of `rows`; all of it must be among them."""
        return np.searchsorted(_codes(tuple(self.rows.T), self.widths), _codes(columns, self.widths))

    def own(self, felt: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
        """Return what one agent recalls, given its signal in every profile of each row, P times `(H,)`.

        Returns:
            its rows, `(h, 1 + 3P)` with its own signals in place of profiles, and the one of each number, `(H,)`.
        """
        own = self.rows.copy()
        for p, column in enumerate(felt):
            own[:, 3 * p + 3] = column
        rows, where = np.unique(own, axis=0, return_inverse=True)
        return rows, where.reshape(-1)


def _codes(columns: Sequence[IntArray], widths: tuple[int, ...]) -> IntArray:
    memory, *rest = columns
    code = memory
    for column, width in zip(rest, widths, strict=True):
        code = code * width + (column + 1)
    return code


def recalled(game: FiniteGame, recall: str = "none", periods: int = 1) -> tuple[Recalled, ...]:
    """Return what can be recalled in every entry of a game, of so many periods.

    Raises:
        InputError: no such recall, or no number of periods.
        Refusal: there is too much of it.
    """
    if recall not in RECALLS:
        raise InputError(f"recall: {recall!r} is none of {', '.join(RECALLS)}{near_name(recall, RECALLS)}")
    if periods < 1 or (periods > 1 and recall == "none"):
        raise InputError(f"periods: {periods}, with recall {recall!r} expected {'1' if periods > 1 else '1 or more'}")
    if recall == "none":
        return tuple(_bare(tables.memories) for tables in game.tables)
    start = Recalled(np.array([[0, *(NOTHING,) * 3 * periods]]), (1, 1, 1) * periods)
    if game.environment.horizon is not None:
        out = [start]
        for t in range(game.entries - 1):
            out.append(_after(game, [(t, out[t])], recall))
        return tuple(out)
    later = _after(game, [(0, start)], recall)
    while True:
        more = _after(game, [(0, start), (1, later)], recall)
        if len(more) == len(later):
            return start, later
        later = more


def _bare(memories: int) -> Recalled:
    nothing = np.full(memories, NOTHING)
    return Recalled(np.column_stack([np.arange(memories), nothing, nothing, nothing]), (1, 1, 1))


def _after(game: FiniteGame, before: Sequence[tuple[int, Recalled]], recall: str) -> Recalled:
    """Return what is recalled after entries, whatever was sent and drawn there."""
    rows, widths = [], [1] * len(before[0][1].widths)
    for t, known in before:
        tables, stage = game.tables[t], game.environment.stage(t)
        memory, sent, draw = np.nonzero(tables.chance > 0)
        kept = np.unique(known.rows[:, :-3], axis=0)  # the oldest period is forgotten
        start = np.searchsorted(memory, kept[:, 0])
        count = np.searchsorted(memory, kept[:, 0], "right") - start
        felt = np.arange(stage.size) if recall == "signals" else np.array([NOTHING])
        require_room("what is recalled of the last periods", 2.0 * count.sum() * len(felt) * known.rows.shape[1])
        row = np.repeat(np.arange(len(kept)), count)
        which = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + start[row]
        memory, sent, draw = memory[which], sent[which], draw[which]
        decided, following = tables.decide[memory, sent, draw], tables.remember[memory, sent, draw]
        newest = [np.repeat(column, len(felt)) for column in (following, sent, decided)]
        columns = [*newest, np.tile(felt, len(memory)), *np.repeat(kept[row, 1:], len(felt), axis=0).T]
        rows.append(np.unique(np.column_stack(columns), axis=0))
        sizes = (prod(tables.shape) + 1, len(stage.decisions) + 1, stage.size + 1, *known.widths[:-3])
        widths = [max(pair) for pair in zip(widths, sizes, strict=True)]
    if max(tables.memories for tables in game.tables) * prod(widths) > np.iinfo(np.intp).max:
        raise Refusal(f"what is recalled of {len(widths) // 3} periods cannot be numbered; let fewer be recalled")
    return Recalled(np.unique(np.concatenate(rows), axis=0), tuple(widths))
