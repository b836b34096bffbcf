"""What strategies may depend on beside the own signal: the mechanism's memory, and the last period.

Recall `none`: the mechanism's memory. `reports`: also all messages that counted in the last period, and its decision.
`signals`: also the own last signal. What is recalled is numbered per period; of the profile of last signals every agent
knows its own only, but the number, which is part of the state of a search, has them all.

Axes: H what is recalled, M memories of the mechanism, X message profiles, L draws, S profiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import InputError
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
        rows: memory, last messages (flat), last decision, last profile; `(H, 4)`, −1 where not recalled.
        widths: one more than the largest of each column, the first apart.
    """

    rows: IntArray
    widths: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def memory(self) -> IntArray:
        """The mechanism's memory, `(H,)`."""
        return self.rows[:, 0]

    def number(self, memory: IntArray, sent: IntArray, decided: IntArray, felt: IntArray) -> IntArray:
        """Return the numbers of what is recalled, of broadcast shape; all of it must be among the rows."""
        codes = _codes((memory, sent, decided, felt), self.widths)
        return np.searchsorted(_codes(tuple(self.rows.T), self.widths), codes)

    def own(self, felt: IntArray) -> tuple[IntArray, IntArray]:
        """Return what one agent recalls, given its signal in the last profile of each row, `(H,)`.

        Returns:
            its rows, `(h, 4)` with its own last signal in place of the profile, and the one of each number, `(H,)`.
        """
        rows, where = np.unique(np.column_stack([self.rows[:, :3], felt]), axis=0, return_inverse=True)
        return rows, where.reshape(-1)


def _codes(columns: Sequence[IntArray], widths: tuple[int, int, int]) -> IntArray:
    memory, *rest = columns
    code = memory
    for column, width in zip(rest, widths, strict=True):
        code = code * width + (column + 1)
    return code


def recalled(game: FiniteGame, recall: str = "none") -> tuple[Recalled, ...]:
    """Return what can be recalled in every entry of a game.

    Raises:
        InputError: no such recall.
        Refusal: there is too much of it.
    """
    if recall not in RECALLS:
        raise InputError(f"recall: {recall!r} is none of {', '.join(RECALLS)}{near_name(recall, RECALLS)}")
    if recall == "none":
        return tuple(_bare(tables.memories) for tables in game.tables)
    start = Recalled(np.array([[0, NOTHING, NOTHING, NOTHING]]), (1, 1, 1))
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
    rows, widths = [], [1, 1, 1]
    for t, known in before:
        tables, stage = game.tables[t], game.environment.stage(t)
        memory, sent, draw = np.nonzero(tables.chance > 0)
        some = np.isin(memory, known.memory)
        memory, sent, draw = memory[some], sent[some], draw[some]
        felt = np.arange(stage.size) if recall == "signals" else np.array([NOTHING])
        require_room("what is recalled of the last period", 8.0 * len(memory) * len(felt))
        decided, following = tables.decide[memory, sent, draw], tables.remember[memory, sent, draw]
        columns = [np.repeat(column, len(felt)) for column in (following, sent, decided)]
        rows.append(np.unique(np.column_stack([*columns, np.tile(felt, len(memory))]), axis=0))
        for k, size in enumerate((prod(tables.shape), len(stage.decisions), stage.size)):
            widths[k] = max(widths[k], size + 1)
    return Recalled(np.unique(np.concatenate(rows), axis=0), (widths[0], widths[1], widths[2]))
