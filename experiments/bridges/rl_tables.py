"""The periods of a game as one deviator meets them, written out as tables for many episodes at once.

The others send what is prescribed, so a period follows from the memory, the profile and the deviator's message. Cases
stand message slowest, then memory, then profile; a *place* is a memory and a profile.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.experiments.bridges.rl_flat import Layout
from dynmech.experiments.engines.period_tables import period_tables, prescribed_in
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import RuleTables, tabulate
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.draws import StateMove
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game

CASES = 1 << 18
"""Cases that a period may have."""


@dataclass(frozen=True, eq=False)
class DeviatorPeriod:
    """One period.

    Attributes:
        open: messages that the deviator may send.
        places: how many there are.
        utility, transfer: the deviator's, by case, `(X,)`.
        following: the place of the next period with the next memory and profile 0, by case.
        move: the draw of the next profile from a case; None after the last period.
        asked: the message prescribed to the deviator, by place.
        now: numbers of the own signal and the public state, by profile.
        last: numbers of the decision and of all messages, by case.
        size: how many profiles there are.
    """

    open: int
    places: int
    utility: FloatArray
    transfer: FloatArray
    following: IntArray
    move: StateMove | None
    asked: IntArray
    now: Array
    last: Array
    size: int


class DeviatorTables:
    """All periods of a game for one deviator.

    Raises:
        Refusal: decisions by lottery, acts, or more cases than fit.
    """

    def __init__(self, game: Game, agent: int, layout: Layout) -> None:
        environment, mechanism = game.environment, game.mechanism
        if not isinstance(environment, TableEnvironment) or not isinstance(mechanism, Mechanism):
            raise Refusal("many episodes at once: the economy or the mechanism is not finite; use deviator_env")
        self.game, self.agent, self.layout, self.environment = game, agent, layout, environment
        entries = range(2 if environment.horizon is None else game.periods)
        self.rules = [tabulate(mechanism, t) for t in entries]
        if any(rules.draws > 1 or rules.acts for rules in self.rules):
            raise Refusal(f"many episodes at once: mechanism {mechanism.name!r} decides by lottery; use deviator_env")
        self.periods = [self._period(t) for t in entries]

    def at(self, t: int) -> DeviatorPeriod:
        """Return period t."""
        return self.periods[self._entry(t)]

    def _entry(self, t: int) -> int:
        return min(t, 1) if self.environment.horizon is None else t

    def _period(self, t: int) -> DeviatorPeriod:
        rules, size = self.rules[t], self.environment.stage(t).size
        memory = np.repeat(np.arange(rules.memories), size)
        asked = prescribed_in(self.game, rules, t, memory)
        count = rules.shape[1 + self.agent]
        if count * len(memory) > CASES:
            cases = count * len(memory)
            raise Refusal(f"many episodes at once: period {t} has {cases:,} cases, more than {CASES:,}")
        sent = np.tile(asked, count)
        sent[self.agent] = np.repeat(np.arange(count), len(memory))
        tables = period_tables(
            self.game,
            rules,
            (t, False),
            np.tile(memory, count),
            sent,
            following=lambda memory, _: self._following(t, memory),
            first=np.zeros(1, np.intp),
        )
        assert tables.utility is not None
        return DeviatorPeriod(
            open=count,
            places=len(memory),
            utility=np.ascontiguousarray(tables.utility[self.agent]),
            transfer=np.ascontiguousarray(tables.transfer[self.agent]),
            following=tables.following,
            move=tables.move,
            asked=asked[self.agent],
            now=self._now(t),
            last=self._last(tables.decision, sent),
            size=size,
        )

    def _following(self, t: int, memory: IntArray) -> IntArray:
        """Return the place of the next period with these memories and profile 0."""
        after = 1 if self.environment.horizon is None else t + 1
        return memory * (self.environment.stage(after).size if after < len(self.rules) else 0)

    def _now(self, t: int) -> Array:
        """Return the numbers of signal and public state, by profile."""
        state = self.environment.state_at(t, np.arange(self.environment.stage(t).size))
        signal, public = self.layout.signal, self.layout.public
        row = np.zeros((len(state.public), public.stop - signal.start), np.float32)
        everyone = np.arange(len(row))
        row[everyone, state.signals[:, self.agent]] = 1
        row[everyone, public.start - signal.start + state.public] = 1
        return row

    def _last(self, decision: IntArray, sent: IntArray) -> Array:
        """Return the numbers of the decision and of all messages, by case."""
        start = self.layout.decision.start
        row = np.zeros((len(decision), self.layout.mask.start - start), np.float32)
        everyone = np.arange(len(row))
        row[everyone, 1 + decision] = 1
        for part, one in zip(self.layout.messages, sent, strict=True):
            row[everyone, part.start - start + 1 + one] = 1
        return row

    @cached_property
    def closing(self) -> tuple[FloatArray, IntArray, StateMove | None]:
        """A closing period: what falls due of the deviator, the next place and the next draw, by place."""
        entry = self._entry(self.game.periods)
        rules: RuleTables = self.rules[entry]
        memory = np.repeat(np.arange(rules.memories), self.environment.stage(entry).size)
        asked = prescribed_in(self.game, rules, entry, memory)
        tables = period_tables(
            self.game,
            rules,
            (entry, True),
            memory,
            asked,
            following=lambda memory, _: self._following(entry, memory),
            first=np.zeros(1, np.intp),
        )
        return np.ascontiguousarray(tables.transfer[self.agent]), tables.following, tables.move
